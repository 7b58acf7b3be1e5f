import { ChevronDown, RotateCcw } from "lucide-react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { Button } from "@/ui/button";
import { Menu, MenuItem, MenuLabel } from "@/ui/menu";
import type { Mode, Modes } from "./data";
import { WORDS } from "./modes";
import { keyOf } from "./recovery";
import { texts } from "./texts";

interface Props {
  modes: Modes | undefined;
  pick: (mode: Mode) => void;
}

/** All ways to recover, as a menu: the chosen one is shown in the panel, with its plan. */
export function ModeMenu(props: Props) {
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
      <ModeItems {...props} />
    </Menu>
  );
}

export function ModeItems({ modes, pick }: Props) {
  const t = useText(texts);
  const c = useText(common);
  if (!modes) return <MenuLabel>{c("loading")}</MenuLabel>;
  return modes.items
    .filter((mode) => mode.mode !== "resume")
    .map((mode) => (
      <MenuItem key={keyOf(mode)} why={mode.why_not?.message} onSelect={() => pick(mode)}>
        {t(WORDS[mode.mode as keyof typeof WORDS] ?? "mode.other")} {mode.name}
      </MenuItem>
    ));
}
