import { clsx } from "clsx";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { STATES, type State, TONES } from "@/theme/status";

/** The icon of a state, for where its word stands beside it or in `label`. */
export function StateIcon({
  state,
  size = 16,
  label,
}: {
  state: State;
  size?: number;
  /** Say the word to those who don't see the icon. */
  label?: boolean;
}) {
  const t = useText(common);
  const look: { icon: (typeof STATES)[State]["icon"]; tone: keyof typeof TONES; spins?: boolean } =
    STATES[state];
  const Icon = look.icon;
  const more = label ? { role: "img", "aria-label": t(`state.${state}`) } : { "aria-hidden": true };
  return (
    <Icon
      size={size}
      className={clsx("shrink-0", TONES[look.tone].text, look.spins && "animate-spin")}
      {...more}
    />
  );
}

/** A state as colour, icon and word. */
export function StateBadge({ state, plain = false }: { state: State; plain?: boolean }) {
  const t = useText(common);
  const tone = TONES[STATES[state].tone];
  return (
    <span
      data-state={state}
      className={clsx(
        "inline-flex items-center gap-1.5 whitespace-nowrap font-medium",
        plain ? tone.text : ["h-6 rounded-full px-2 text-[13px]", tone.soft],
      )}
    >
      <StateIcon state={state} size={plain ? 16 : 14} />
      {t(`state.${state}`)}
    </span>
  );
}
