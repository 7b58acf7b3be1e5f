import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type LintReport, lint } from "./call";

const PAUSE_MS = 350; // after the last key, before the server is asked

export interface Linted {
  report: LintReport | undefined;
  /** The report is not about the text as it is now. */
  checking: boolean;
}

/** Let the server check a text, while it is being written. */
export function useLint(project: string, text: string): Linted {
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const query = useQuery({
    queryKey: ["lint", project, asked],
    queryFn: ({ signal }) => lint(project, asked, signal),
    enabled: asked.trim() !== "",
    placeholderData: keepPreviousData,
    gcTime: 60_000,
    retry: false,
  });
  const report = asked.trim() ? query.data : undefined;
  return { report, checking: asked !== text || query.isFetching };
}
