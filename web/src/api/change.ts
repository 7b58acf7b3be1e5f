import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "@/ui/toast";

interface Options<T> {
  /** What is shown when it is done. */
  done?: string;
  /** Keys of what it makes old. */
  old?: readonly QueryKey[];
  onDone?: (answer: T) => void;
  /** The page shows itself what goes wrong. */
  quiet?: boolean;
}

/** A change on the server: says when it is done, and makes old what it concerns, even if it failed. */
export function useChange<V, T>(act: (value: V) => Promise<T>, options: Options<T> = {}) {
  const { done, old = [], onDone, quiet } = options;
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (answer) => {
      if (done) toast("good", done);
      onDone?.(answer);
    },
    onSettled: () =>
      Promise.all(old.map((queryKey) => client.invalidateQueries({ queryKey }))).then(() => {}),
    meta: quiet ? { quiet: true } : undefined,
  });
}
