import { clsx } from "clsx";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

/** What stands where there is nothing yet: what would be here, and how to get it. */
export function Empty({
  icon: Icon,
  title,
  heading: Heading = "h2",
  children,
  action,
}: {
  icon: LucideIcon;
  title: string;
  /** h1 where it is all that the page has. */
  heading?: "h1" | "h2";
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div
      data-empty
      className="flex flex-col items-center rounded-lg border border-dashed border-line px-6 py-12 text-center"
    >
      <Icon aria-hidden size={32} className="mb-3 text-muted" />
      <Heading className="text-base font-semibold">{title}</Heading>
      {children && <div className="mt-1 max-w-prose text-muted">{children}</div>}
      {action && <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** A grey place for what is being loaded. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <div aria-hidden className={clsx("animate-pulse rounded-md bg-sunken", className ?? "h-4")} />
  );
}
