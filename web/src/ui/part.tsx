import {
  type ComponentType,
  createElement,
  type ReactNode,
  useEffect,
  useReducer,
  useState,
} from "react";
import { loadAhead } from "@/state/fresh";

export interface Part<Props> {
  (props: Props & { waiting?: ReactNode }): ReactNode;
  /** Load it before it is shown; what goes wrong is told when it is. */
  begin: () => Promise<void>;
}

const IDLE_MS = 2000;

/** Load parts as soon as the page has nothing else to do: each is there when it is asked for. */
export function useBegun(parts: readonly Pick<Part<object>, "begin">[]): void {
  useEffect(() => {
    const begin = () => void loadAhead(() => Promise.all(parts.map((each) => each.begin())));
    if (!("requestIdleCallback" in window)) {
      const timer = setTimeout(begin, IDLE_MS);
      return () => clearTimeout(timer);
    }
    const asked = requestIdleCallback(begin, { timeout: IDLE_MS });
    return () => cancelIdleCallback(asked);
  }, [parts]);
}

/**
 * A part of the page that is loaded when it is first shown. Not by `lazy`: once React has shown
 * what stands in for a part it waits 300 ms before it shows the part itself. `waiting` stands in.
 */
export function part<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  waiting: ReactNode = null,
): Part<Props> {
  let loaded: ComponentType<Props> | null = null;
  let loading: Promise<void> | null = null;
  async function begin(): Promise<void> {
    try {
      loaded = await load();
    } finally {
      loading = null; // what failed is tried again
    }
  }
  const start = () => {
    loading ??= begin();
    return loading;
  };
  function Shown({ waiting: given, ...props }: Props & { waiting?: ReactNode }): ReactNode {
    const [, draw] = useReducer((count: number) => count + 1, 0);
    const [error, setError] = useState<unknown>(null);
    useEffect(() => {
      if (loaded) return;
      let isGone = false;
      start().then(
        () => !isGone && draw(),
        (reason: unknown) => !isGone && setError(reason),
      );
      return () => {
        isGone = true;
      };
    }, []);
    if (error !== null) throw error;
    return loaded ? createElement(loaded, props as unknown as Props) : (given ?? waiting);
  }
  return Object.assign(Shown, {
    begin: async () => {
      if (!loaded) await start().catch(() => undefined);
    },
  });
}
