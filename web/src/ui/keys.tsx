import { useEffect, useId, useState, useSyncExternalStore } from "react";
import { tinykeys } from "tinykeys";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { changeSettings, settings, useSettings } from "@/state/settings";
import { Dialog } from "./dialog";
import { Switch } from "./field";

export interface KeyBinding {
  /** As tinykeys writes it: "r", "Shift+?", "g p". */
  key: string;
  /** What it does, for the help. */
  text: string;
  run: (event: KeyboardEvent) => void;
  /** It works now; else it is not even shown. */
  enabled?: boolean;
}

type Scope = "here" | "anywhere";
interface Registered {
  scope: Scope;
  bindings: readonly KeyBinding[];
}

let registered: ReadonlyMap<string, Registered> = new Map();
const listeners = new Set<() => void>();

function register(id: string, entry: Registered | null): void {
  const next = new Map(registered);
  if (entry) next.set(id, entry);
  else next.delete(id);
  registered = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const TYPING = "input, textarea, select, [contenteditable=true], [role=dialog], [role=menu]";

function isMeant(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : null;
  return settings().keys && !event.defaultPrevented && !target?.closest(TYPING);
}

/**
 * Let keys do things while a component is on the page; `?` lists them, and they can be switched
 * off (WCAG 2.1.4). Inside fields, dialogs and menus they do nothing.
 */
export function useKeys(bindings: readonly KeyBinding[], scope: Scope = "here"): void {
  const id = useId();
  useEffect(() => {
    const active = bindings.filter((binding) => binding.enabled !== false);
    register(id, { scope, bindings: active });
    const stop = tinykeys(
      window,
      Object.fromEntries(
        active.map(({ key, run }) => [
          key,
          (event: KeyboardEvent) => {
            if (!isMeant(event)) return;
            event.preventDefault();
            run(event);
          },
        ]),
      ),
    );
    return () => {
      stop();
      register(id, null);
    };
  }, [bindings, scope, id]);
}

export function Key({ children }: { children: string }) {
  return (
    <kbd className="rounded border border-line bg-sunken px-1.5 py-0.5 font-mono text-[13px]">
      {children.replace("Shift+", "")}
    </kbd>
  );
}

/** The help behind `?`. */
export function KeysHelp({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (to: boolean) => void;
}) {
  const t = useText(common);
  const { keys } = useSettings();
  const all = [...useSyncExternalStore(subscribe, () => registered).values()];
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("keys.title")}
      description={t("keys.hint")}
    >
      <Switch label={t("keys.on")} checked={keys} onChange={(to) => changeSettings({ keys: to })} />
      <KeyList
        title={t("keys.group.here")}
        bindings={all.filter((each) => each.scope === "here").flatMap((each) => each.bindings)}
      />
      <KeyList
        title={t("keys.group.anywhere")}
        bindings={all.filter((each) => each.scope === "anywhere").flatMap((each) => each.bindings)}
      />
    </Dialog>
  );
}

function KeyList({ title, bindings }: { title: string; bindings: readonly KeyBinding[] }) {
  if (bindings.length === 0) return null;
  return (
    <section className="mt-4">
      <h3 className="mb-1 text-[13px] font-medium text-muted">{title}</h3>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-1.5">
        {bindings.map(({ key, text }) => (
          <div key={key} className="contents">
            <dt>
              <Key>{key}</Key>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Whether the help is open, and a way to open it. */
export function useHelp(): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(false);
  return [open, setOpen];
}
