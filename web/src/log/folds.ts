import { useCallback, useMemo, useState } from "react";
import { Folding, type Group, groupsOf, type Mark } from "./marks";
import type { Seen } from "./store";

/** Groups, which of them are folded, and the lines that are errors and warnings. */
export function useFolds({ total, marks: all }: Seen) {
  const [set, setSet] = useState<ReadonlyMap<number, boolean>>(new Map());
  const marks = useMemo(() => new Map<number, Mark>(all.map((mark) => [mark.line, mark])), [all]);
  const groups = useMemo(() => groupsOf(all, total), [all, total]);
  const isFolded = useCallback((group: Group) => set.get(group.line) ?? group.folded, [set]);
  const folding = useMemo(() => new Folding(total, groups, isFolded), [total, groups, isFolded]);
  const lines = useMemo(() => new Map(groups.map((group) => [group.line, group])), [groups]);
  const of = (kind: Mark["kind"]) => all.filter((mark) => mark.kind === kind).map((m) => m.line);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made of the marks alone
  const errors = useMemo(() => of("error"), [all]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made of the marks alone
  const warnings = useMemo(() => of("warning"), [all]);
  const toggle = useCallback(
    (line: number) =>
      setSet((old) => new Map(old).set(line, !(old.get(line) ?? lines.get(line)?.folded ?? false))),
    [lines],
  );
  const foldAll = useCallback(
    (fold: boolean) => setSet(new Map(groups.map((group) => [group.line, fold]))),
    [groups],
  );
  const reveal = useCallback(
    (line: number) => {
      const around = groups.filter((group) => group.line < line && line <= group.last);
      setSet((old) => {
        const closed = around.filter((group) => old.get(group.line) ?? group.folded);
        if (closed.length === 0) return old;
        return new Map([...old, ...closed.map((group) => [group.line, false] as const)]);
      });
    },
    [groups],
  );
  return { marks, groups: lines, folding, isFolded, errors, warnings, toggle, foldAll, reveal };
}
