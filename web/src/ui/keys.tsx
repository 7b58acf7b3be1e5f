import { useEffect, useId, useState } from "react";
import { tinykeys } from "tinykeys";
import { settings } from "@/state/settings";
import { registry } from "./registry";

export interface KeyBinding {
  /** As tinykeys writes it: "r", "Shift+?", "g p". */
  key: string;
  /** What it does, for the help. */
  text: string;
  run: (event: KeyboardEvent) => void;
  /** It works now; else it is not even shown. */
  enabled?: boolean;
  /** It works in fields and dialogs, too: for keys that type nothing. */
  everywhere?: boolean;
}

type Scope = "here" | "anywhere";
export interface Registered {
  scope: Scope;
  bindings: readonly KeyBinding[];
}

/** The keys that work now. */
export const registered = registry<Registered>();

const TYPING = "input, textarea, select, [contenteditable=true], [role=dialog], [role=menu]";

function isMeant(event: KeyboardEvent, everywhere = false): boolean {
  const target = event.target instanceof Element ? event.target : null;
  const typing = !everywhere && target?.closest(TYPING);
  return settings().keys && !event.defaultPrevented && !typing;
}

/**
 * Let keys do things while a component is on the page; `?` lists them, and they can be switched
 * off (WCAG 2.1.4). Inside fields, dialogs and menus they do nothing.
 */
export function useKeys(bindings: readonly KeyBinding[], scope: Scope = "here"): void {
  const id = useId();
  useEffect(() => {
    const active = bindings.filter((binding) => binding.enabled !== false);
    registered.put(id, { scope, bindings: active });
    const stop = tinykeys(
      window,
      Object.fromEntries(
        active.map(({ key, run, everywhere }) => [
          key,
          (event: KeyboardEvent) => {
            if (!isMeant(event, everywhere)) return;
            event.preventDefault();
            run(event);
          },
        ]),
      ),
    );
    return () => {
      stop();
      registered.put(id, null);
    };
  }, [bindings, scope, id]);
}

const MOD = /Mac|iP(hone|ad|od)/.test(navigator.userAgent) ? "⌘" : "Ctrl ";

/** A key as people know it: of "$mod+k" that is "⌘K" or "Ctrl K". */
function nameOf(key: string): string {
  const name = key.replace("Shift+", "");
  return name.startsWith("$mod+") ? MOD + name.slice("$mod+".length).toUpperCase() : name;
}

export function Key({ children }: { children: string }) {
  return (
    <kbd className="rounded border border-line bg-sunken px-1.5 py-0.5 font-mono text-[13px] whitespace-nowrap">
      {nameOf(children)}
    </kbd>
  );
}

/** Whether the help is open, and a way to open it. */
export function useHelp(): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(false);
  return [open, setOpen];
}
