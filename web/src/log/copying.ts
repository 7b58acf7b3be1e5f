import { useCallback } from "react";
import { BASE } from "@/api/client";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { copy } from "@/ui/copy";
import { toast } from "@/ui/toast";
import { plainText } from "./ansi";
import { asMarkdown, hashOf, type Lines } from "./lines";
import type { LogPath, LogStore } from "./store";
import { logTexts } from "./texts";

const MOST_LINES = 10_000;

/** The address of a log by itself, and of lines in it. */
export function linkTo({ project, run, step, attempt }: LogPath, lines: Lines | null): string {
  const place = `projects/${encodeURIComponent(project)}/runs/${encodeURIComponent(run)}/log`;
  const query = new URLSearchParams({ step, attempt: String(attempt) });
  return new URL(`${BASE}${place}?${query}${lines ? hashOf(lines) : ""}`, location.origin).href;
}

/** Copy lines without their numbers, as Markdown with a link, or the link alone. */
export function useCopyLines(store: LogStore, title: string) {
  const t = useText(logTexts);
  const c = useText(common);
  return useCallback(
    async (form: "text" | "markdown" | "link", lines: Lines | null) => {
      const link = linkTo(store.path, lines);
      if (form === "link" || !lines) {
        if (await copy(link)) toast("good", c("copied"));
        else toast("bad", c("copy.failed"));
        return;
      }
      const last = Math.min(lines.last, lines.first + MOST_LINES - 1);
      const texts = (await store.read(lines.first, last)).map(plainText);
      const text = texts.join("\n");
      const done = await copy(form === "markdown" ? asMarkdown(title, link, text) : text);
      if (!done) toast("bad", c("copy.failed"));
      else if (last < lines.last) toast("good", t("copy.most", { n: texts.length }));
      else toast("good", t("copied.lines", { n: texts.length }));
    },
    [store, title, t, c],
  );
}
