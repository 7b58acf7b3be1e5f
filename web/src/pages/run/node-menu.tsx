import { useText } from "@/i18n";
import { MenuAt } from "@/ui/menu";
import { type Mode, type RunPath, useModes } from "./data";
import { ModeItems } from "./mode-menu";
import { texts } from "./texts";

/** Where a menu was asked for, and the failed step that it is about. */
export interface Asked {
  /** The node of the graph: a step, or what it is part of. */
  node: string;
  step: string;
  x: number;
  y: number;
}

/** All ways to recover a step that failed, at its place in the graph. */
export function NodeMenu({
  path,
  asked,
  pick,
  onClose,
}: {
  path: RunPath;
  asked: Asked;
  pick: (mode: Mode) => void;
  onClose: () => void;
}) {
  const t = useText(texts);
  const { data, isPlaceholderData } = useModes(path, asked.step, true);
  const modes = isPlaceholderData ? undefined : data;
  return (
    <MenuAt
      x={asked.x}
      y={asked.y}
      label={t("recover.ways")}
      onClose={onClose}
      back={() => document.getElementById(`node-${asked.node}`)}
    >
      <ModeItems modes={modes} pick={pick} />
    </MenuAt>
  );
}
