import { clsx } from "clsx";
import { ChevronDown } from "lucide-react";
import { Switch as RadixSwitch } from "radix-ui";
import { type ComponentProps, type ReactNode, useId } from "react";

const BOX =
  "w-full rounded-md border border-line bg-surface px-2.5 text-text placeholder:text-muted disabled:opacity-60 aria-invalid:border-bad";

/** A labelled field. `children` gets the ids that join them. */
export function Field({
  label,
  hint,
  error,
  required,
  children,
}: {
  label: string;
  hint?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  children: (ids: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
    "aria-required"?: boolean;
  }) => ReactNode;
}) {
  const id = useId();
  const about = hint || error ? `${id}-about` : undefined;
  return (
    <div className="mb-4">
      <label htmlFor={id} className="mb-1 block font-medium [overflow-wrap:anywhere]">
        {label}
        {required && (
          <span aria-hidden className="text-bad">
            {" "}
            *
          </span>
        )}
      </label>
      {children({
        id,
        "aria-describedby": about,
        "aria-invalid": error ? true : undefined,
        "aria-required": required,
      })}
      {about && (
        <div
          id={about}
          className={clsx(
            "mt-1 text-[13px] [overflow-wrap:anywhere]",
            error ? "text-bad" : "text-muted",
          )}
        >
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

export function TextInput({ className, ...rest }: ComponentProps<"input">) {
  return <input autoComplete="off" {...rest} className={clsx(BOX, "h-9", className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea rows={3} {...rest} className={clsx(BOX, "py-1.5", className)} />;
}

/** The browser's own list: works on phones and with every aid, and needs no style of ours. */
export function Select({
  className,
  options,
  ...rest
}: ComponentProps<"select"> & { options: readonly { value: string; text: string }[] }) {
  return (
    <span className={clsx("relative inline-block w-full", className)}>
      <select {...rest} className={clsx(BOX, "h-9 appearance-none pr-8")}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
      <ChevronDown
        aria-hidden
        size={16}
        className="pointer-events-none absolute top-2.5 right-2.5 text-muted"
      />
    </span>
  );
}

export function Checkbox({
  label,
  className,
  ...rest
}: Omit<ComponentProps<"input">, "type"> & { label: ReactNode }) {
  return (
    <label className={clsx("inline-flex min-h-7 items-center gap-2", className)}>
      <input type="checkbox" {...rest} className="size-4 accent-accent" />
      {label}
    </label>
  );
}

export function Switch({
  label,
  hideLabel = false,
  checked,
  why,
  onChange,
}: {
  label: string;
  /** The label is only said, where a head of a column shows it. */
  hideLabel?: boolean;
  checked: boolean;
  /** Why it can't be changed. */
  why?: string;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <span className="inline-flex min-h-7 items-center gap-2" title={why}>
      <RadixSwitch.Root
        id={id}
        checked={checked}
        disabled={Boolean(why)}
        onCheckedChange={onChange}
        className="relative disabled:opacity-55 h-5 w-9 shrink-0 rounded-full bg-muted data-[state=checked]:bg-accent"
      >
        <RadixSwitch.Thumb className="block size-4 translate-x-0.5 rounded-full bg-surface transition-transform data-[state=checked]:translate-x-[18px]" />
      </RadixSwitch.Root>
      <label htmlFor={id} className={hideLabel ? "sr-only" : undefined}>
        {label}
      </label>
    </span>
  );
}
