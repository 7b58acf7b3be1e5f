/**
 * Where the focus goes when a dialog is closed. Ours are opened without a trigger of Radix, which
 * would leave it nowhere: who uses the keyboard would begin at the top of the page again.
 */
import { useLayoutEffect, useRef } from "react";

let passed: Element | null = null; // from a dialog that goes to one that comes instead of it

/** What has the focus and stays: for an item of a menu, the button of the menu. */
function origin(): Element | null {
  const active = document.activeElement;
  if (active === null || active === document.body) return passed;
  const menu = active.closest("[role=menu]");
  return menu ? document.getElementById(menu.getAttribute("aria-labelledby") ?? "") : active;
}

function give(to: Element | null): void {
  const active = document.activeElement;
  if (active !== null && active !== document.body) return; // something else has got it meanwhile
  const isThere = to instanceof HTMLElement && to !== document.body && to.isConnected;
  if (isThere) to.focus({ preventScroll: true });
  if (document.activeElement === to) return;
  document.getElementById("content")?.focus({ preventScroll: true }); // it is gone, or disabled
}

/** Remember what has the focus when it opens; the function is for `onCloseAutoFocus`. */
export function useFocusBack(open: boolean): (event: Event) => void {
  const before = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (!open) return;
    before.current = origin();
    return () => {
      passed = before.current;
    };
  }, [open]);
  return (event) => {
    event.preventDefault();
    passed = null;
    give(before.current);
  };
}
