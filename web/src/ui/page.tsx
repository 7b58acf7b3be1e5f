import type { ReactNode } from "react";
import { Link } from "wouter";

export interface Crumb {
  text: string;
  href?: string;
}

/** The head of a page: where it is, what it is called, what can be done. */
export function PageHead({
  crumbs = [],
  title,
  badge,
  actions,
  children,
}: {
  crumbs?: readonly Crumb[];
  title: ReactNode;
  badge?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <header className="mb-4">
      {crumbs.length > 0 && (
        <ol className="mb-0.5 flex flex-wrap items-baseline gap-x-1.5 text-[13px] text-muted">
          {crumbs.map(({ text, href }, index) => (
            <li key={href ?? text} className="flex min-w-0 items-baseline gap-1.5">
              {index > 0 && <span aria-hidden>›</span>}
              {href ? (
                <Link
                  href={href}
                  title={text}
                  className="line-clamp-2 min-w-0 py-0.5 [overflow-wrap:anywhere] hover:text-text hover:underline"
                >
                  {text}
                </Link>
              ) : (
                text
              )}
            </li>
          ))}
        </ol>
      )}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h1 className="min-w-0 text-xl font-semibold [overflow-wrap:anywhere]">{title}</h1>
        {badge}
        {actions && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      {children}
    </header>
  );
}
