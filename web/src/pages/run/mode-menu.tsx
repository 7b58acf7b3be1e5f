import { ChevronDown, RotateCcw } from "lucide-react";
import { useText } from "@/i18n";
import { Button } from "@/ui/button";
import { Menu, MenuItem } from "@/ui/menu";
import type { Mode, Modes } from "./data";
import { WORDS } from "./modes";
import { keyOf } from "./recovery";
import { texts } from "./texts";

/** All ways to recover, as a menu: the chosen one is shown in the panel, with its plan. */
export function ModeMenu({ modes, pick }: { modes: Modes; pick: (mode: Mode) => void }) {
  const t = useText(texts);
  return (
    <Menu
      trigger={
        <Button size="small" icon={RotateCcw} data-modes>
          {t("recover")}
          <ChevronDown aria-hidden size={14} />
        </Button>
      }
    >
      {modes.items
        .filter((mode) => mode.mode !== "resume")
        .map((mode) => (
          <MenuItem key={keyOf(mode)} why={mode.why_not?.message} onSelect={() => pick(mode)}>
            {t(WORDS[mode.mode as keyof typeof WORDS] ?? "mode.other")} {mode.name}
          </MenuItem>
        ))}
    </Menu>
  );
}
