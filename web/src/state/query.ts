import { useCallback } from "react";
import { useSearchParams } from "wouter";

/**
 * The state of a page that belongs into its address: filters, the page of a list. "" is the
 * default and leaves the address; `replace` keeps typing out of the history.
 */
export function useQueryState(name: string): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (value: string) => {
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          if (value) next.set(name, value);
          else next.delete(name);
          return next;
        },
        { replace: true },
      );
    },
    [setParams, name],
  );
  return [params.get(name) ?? "", set];
}
