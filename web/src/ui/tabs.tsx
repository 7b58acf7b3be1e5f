import { clsx } from "clsx";
import { Tabs as Radix } from "radix-ui";
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "wouter";

const BAR = "flex gap-1 overflow-x-auto border-b border-line";
const TAB =
  "-mb-px inline-flex h-10 shrink-0 items-center gap-1.5 border-b-2 border-transparent px-2.5 font-medium text-muted hover:text-text";
const CHOSEN = "border-accent! text-text!";

export interface Tab {
  value: string;
  text: ReactNode;
  content: ReactNode;
}

/** Tabs inside a page. What is worth a link is in the address instead: see `LinkTabs`. */
export function Tabs({
  label,
  tabs,
  value,
  onChange,
}: {
  label: string;
  tabs: readonly Tab[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <Radix.Root value={value} onValueChange={onChange}>
      <Radix.List aria-label={label} className={BAR}>
        {tabs.map((tab) => (
          <Radix.Trigger
            key={tab.value}
            value={tab.value}
            className={clsx(TAB, tab.value === value && CHOSEN)}
          >
            {tab.text}
          </Radix.Trigger>
        ))}
      </Radix.List>
      {tabs.map((tab) => (
        <Radix.Content key={tab.value} value={tab.value} className="pt-4">
          {tab.content}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}

/** Tabs that are links: each has an address of its own. */
export function LinkTabs({
  label,
  tabs,
  current,
}: {
  label: string;
  tabs: readonly { value: string; text: ReactNode; href: string }[];
  current: string;
}) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    const link = bar.current?.querySelector<HTMLElement>(`[data-tab="${current}"]`);
    // not scrollIntoView: that moves the whole page as well
    if (link) bar.current?.scrollTo({ left: link.offsetLeft - bar.current.offsetLeft - 48 });
  }, [current]);
  return (
    <nav aria-label={label} ref={bar} className={BAR}>
      {tabs.map((tab) => (
        <Link
          key={tab.value}
          href={tab.href}
          data-tab={tab.value}
          aria-current={tab.value === current ? "page" : undefined}
          className={clsx(TAB, tab.value === current && CHOSEN)}
        >
          {tab.text}
        </Link>
      ))}
    </nav>
  );
}
