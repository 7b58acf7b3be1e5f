import { clsx } from "clsx";
import { LoaderCircle, type LucideIcon } from "lucide-react";
import { type ComponentProps, useId } from "react";
import { Link } from "wouter";
import { Tooltip } from "./tooltip";

type Variant = "primary" | "normal" | "ghost" | "danger";

const VARIANTS: Record<Variant, string> = {
  primary: "bg-accent text-on-accent border-transparent hover:bg-accent-hover",
  normal: "bg-surface text-text border-line hover:bg-sunken",
  ghost: "bg-transparent text-text border-transparent hover:bg-sunken",
  danger: "bg-surface text-bad border-bad hover:bg-bad-soft",
};

const SIZES = {
  small: "h-7 px-2 text-[13px] gap-1",
  normal: "h-9 px-3 gap-1.5",
  /** On phones large enough for a thumb. */
  thumb: "h-[44px] px-3 gap-1.5 sm:h-9",
};

interface Look {
  variant?: Variant;
  size?: keyof typeof SIZES;
  icon?: LucideIcon;
  /** It was pressed and works; it can't be pressed again. */
  busy?: boolean;
  /** Why it can't be pressed: it can be reached and says so. */
  why?: string;
}

function classes({ variant = "normal", size = "normal" }: Look, more?: string): string {
  return clsx(
    "inline-flex shrink-0 items-center justify-center rounded-md border font-medium whitespace-nowrap",
    "transition-colors disabled:pointer-events-none disabled:opacity-55",
    "aria-disabled:cursor-not-allowed aria-disabled:opacity-55",
    VARIANTS[variant],
    SIZES[size],
    more,
  );
}

function Face({ icon: Icon, busy }: Look) {
  if (busy) return <LoaderCircle aria-hidden size={16} className="animate-spin" />;
  return Icon ? <Icon aria-hidden size={16} /> : null;
}

type ButtonProps = Look & ComponentProps<"button">;

export function Button(props: ButtonProps) {
  const { why, ...rest } = props;
  return why ? <Hinted {...rest} why={why} hint={why} /> : <Plain {...rest} />;
}

function Plain({
  variant,
  size,
  icon,
  busy,
  className,
  children,
  disabled,
  ...rest
}: Omit<ButtonProps, "why">) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      className={classes({ variant, size }, className)}
    >
      <Face icon={icon} busy={busy} />
      {children}
    </button>
  );
}

/** With a tooltip; and if there is a reason why not, without what it does. */
function Hinted({ hint, why, ...rest }: ButtonProps & { hint: string }) {
  const id = useId();
  if (!why) {
    return (
      <Tooltip text={hint}>
        <Plain {...rest} />
      </Tooltip>
    );
  }
  return (
    <>
      <Tooltip text={hint}>
        <Plain {...rest} type="button" aria-disabled aria-describedby={id} onClick={undefined} />
      </Tooltip>
      <span id={id} hidden>
        {why}
      </span>
    </>
  );
}

/** A button that is only an icon; its label is also its tooltip. */
export function IconButton({
  label,
  icon,
  size,
  variant = "ghost",
  className,
  why,
  ...rest
}: Look & { label: string } & Omit<ComponentProps<"button">, "children">) {
  return (
    <Hinted
      {...rest}
      hint={why ?? label}
      why={why}
      variant={variant}
      size={size}
      icon={icon}
      aria-label={label}
      className={clsx(size === "small" ? "w-7" : "w-9", "px-0!", className)}
    />
  );
}

/** A link that looks like a button. */
export function LinkButton({
  variant,
  size,
  icon,
  href,
  why,
  className,
  children,
}: Look & { href: string; className?: string; children: React.ReactNode }) {
  if (why) return <Button {...{ variant, size, icon, why, className, children }} />;
  return (
    <Link href={href} className={classes({ variant, size }, className)}>
      <Face icon={icon} />
      {children}
    </Link>
  );
}
