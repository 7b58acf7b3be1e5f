import { clsx } from "clsx";
import { Check, type LucideIcon } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import { type ReactElement, type ReactNode, useRef } from "react";

const ITEM =
  "flex min-h-9 cursor-default select-none items-center gap-2 rounded-md px-2.5 outline-none data-highlighted:bg-sunken data-disabled:opacity-55";

const LIST =
  "z-50 max-h-[80dvh] min-w-44 max-w-80 overflow-y-auto rounded-lg border border-line bg-surface p-1 shadow-float";

/** A menu below a button. Not modal: that would write a style sheet, which the policy forbids. */
export function Menu({
  trigger,
  children,
  align = "end",
}: {
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <Radix.Root modal={false}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content align={align} sideOffset={6} collisionPadding={8} className={LIST}>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A menu at a point of the window, open as long as it is there. */
export function MenuAt({
  x,
  y,
  label,
  back,
  onClose,
  children,
}: {
  x: number;
  y: number;
  label: string;
  /** What gets the focus when nothing was chosen. */
  back: () => Element | null;
  onClose: () => void;
  children: ReactNode;
}) {
  const chosen = useRef(false);
  function closed(event: Event): void {
    event.preventDefault();
    const node = back();
    if (!chosen.current && node instanceof SVGElement) node.focus({ preventScroll: true });
  }
  return (
    <Radix.Root open modal={false} onOpenChange={(open) => !open && onClose()}>
      <Radix.Trigger asChild>
        <span aria-hidden className="pointer-events-none fixed" style={{ left: x, top: y }} />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          aria-label={label}
          align="start"
          collisionPadding={8}
          className={LIST}
          onCloseAutoFocus={closed}
          onClick={(event) => {
            const item = (event.target as Element).closest("[role=menuitem]");
            chosen.current = item !== null && item.ariaDisabled !== "true";
          }}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem({
  icon: Icon,
  danger = false,
  why,
  hint,
  onSelect,
  children,
}: {
  icon?: LucideIcon;
  danger?: boolean;
  /** Why it is not possible: it can be reached, and says so. */
  why?: string;
  /** A second line. */
  hint?: ReactNode;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <Radix.Item
      aria-disabled={why ? true : undefined}
      onSelect={why ? (event) => event.preventDefault() : onSelect}
      className={clsx(ITEM, danger && "text-bad", why && "text-muted")}
    >
      {Icon && <Icon aria-hidden size={16} className="shrink-0" />}
      <span className="min-w-0 py-1">
        {children}
        {(why || hint) && (
          <span className="block text-[13px] text-muted first-letter:uppercase">{why ?? hint}</span>
        )}
      </span>
    </Radix.Item>
  );
}

export function MenuChoice<T extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: T;
  choices: readonly { value: T; text: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <Radix.RadioGroup
      aria-label={label}
      value={value}
      onValueChange={(chosen) => onChange(chosen as T)}
    >
      <MenuLabel>{label}</MenuLabel>
      {choices.map((choice) => (
        <Radix.RadioItem key={choice.value} value={choice.value} className={ITEM}>
          <span className="w-4">
            <Radix.ItemIndicator>
              <Check aria-hidden size={16} />
            </Radix.ItemIndicator>
          </span>
          {choice.text}
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

/** Something that is on or off. */
export function MenuSwitch({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  return (
    <Radix.CheckboxItem checked={checked} onCheckedChange={onChange} className={ITEM}>
      <span className="w-4">
        <Radix.ItemIndicator>
          <Check aria-hidden size={16} />
        </Radix.ItemIndicator>
      </span>
      {children}
    </Radix.CheckboxItem>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2.5 pt-2 pb-1 text-[13px] text-muted">{children}</Radix.Label>;
}

export function MenuLine() {
  return <Radix.Separator className="my-1 h-px bg-line" />;
}
