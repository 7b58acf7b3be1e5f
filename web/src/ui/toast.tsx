import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { IconButton } from "./button";

interface Toast {
  id: number;
  kind: "good" | "bad";
  text: string;
}

const MOST = 4;
const GOOD_MS = 5000; // errors stay until somebody closes them

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function closeToast(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

/** Say something in the corner of the page. The same text is shown once. */
export function toast(kind: Toast["kind"], text: string): void {
  lastId += 1;
  const id = lastId;
  change([...toasts.filter((each) => each.text !== text), { id, kind, text }].slice(-MOST));
  if (kind === "good") setTimeout(() => closeToast(id), GOOD_MS);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What went well is told when there is a pause, what failed at once. */
export function Toasts() {
  const t = useText(common);
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <section
      aria-label={t("toasts")}
      className="pointer-events-none fixed inset-x-3 bottom-16 z-50 flex flex-col items-end gap-2 sm:bottom-4"
    >
      {(["good", "bad"] as const).map((kind) => (
        <div
          key={kind}
          aria-live={kind === "bad" ? "assertive" : "polite"}
          className="flex w-full flex-col items-end gap-2"
        >
          {shown
            .filter((each) => each.kind === kind)
            .map((each) => (
              <OneToast key={each.id} toast={each} />
            ))}
        </div>
      ))}
    </section>
  );
}

function OneToast({ toast: { id, kind, text } }: { toast: Toast }) {
  const t = useText(common);
  return (
    <div className="pointer-events-auto flex w-full max-w-md items-start gap-2.5 rounded-lg border border-line bg-surface p-3 shadow-float">
      {kind === "good" ? (
        <CircleCheck aria-hidden size={18} className="mt-0.5 shrink-0 text-ok" />
      ) : (
        <CircleAlert aria-hidden size={18} className="mt-0.5 shrink-0 text-bad" />
      )}
      <p className="min-w-0 grow break-words">{text}</p>
      <IconButton label={t("close")} icon={X} size="small" onClick={() => closeToast(id)} />
    </div>
  );
}
