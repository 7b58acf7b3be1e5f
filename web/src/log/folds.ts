import { useCallback, useMemo, useState } from "react";
import { Folding, type Group, groupsOf, type Mark } from "./marks";
import type { Seen } from "./store";

/**
 * Groups, which of them are folded, and the lines that are errors and warnings. `shown`: the line
 * that a link leads to (0: none): a group around it is open, whatever its author wants.
 */
export function useFolds({ total, marks: all }: Seen, shown: number) {
  const [set, setSet] = useState<ReadonlyMap<number, boolean>>(new Map());
  const marks = useMemo(() => new Map<number, Mark>(all.map((mark) => [mark.line, mark])), [all]);
  const groups = useMemo(() => groupsOf(all, total), [all, total]);
  const isFolded = useCallback(
    (group: Group) => set.get(group.line) ?? (group.folded && !holds(group, shown)),
    [set, shown],
  );
  const folding = useMemo(() => new Folding(total, groups, isFolded), [total, groups, isFolded]);
  const lines = useMemo(() => new Map(groups.map((group) => [group.line, group])), [groups]);
  const of = (kind: Mark["kind"]) => all.filter((mark) => mark.kind === kind).map((m) => m.line);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made of the marks alone
  const errors = useMemo(() => of("error"), [all]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made of the marks alone
  const warnings = useMemo(() => of("warning"), [all]);
  const toggle = useCallback(
    (line: number) => {
      const group = lines.get(line);
      if (group) setSet((old) => new Map(old).set(line, !isFolded(group)));
    },
    [lines, isFolded],
  );
  const foldAll = useCallback(
    (fold: boolean) => setSet(new Map(groups.map((group) => [group.line, fold]))),
    [groups],
  );
  const reveal = useCallback(
    (line: number) => {
      const around = groups.filter((group) => holds(group, line));
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

function holds(group: Group, line: number): boolean {
  return group.line < line && line <= group.last;
}
