import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { API } from "@/api/client";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { IconButton } from "./button";
import { toast } from "./toast";

/** Copy a text; also where the clipboard is closed to pages, as over plain HTTP. */
export async function copy(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed here: the old way
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "fixed opacity-0";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

function useCopied(): [string | null, (text: string) => void] {
  const t = useText(common);
  const [copied, setCopied] = useState<string | null>(null);
  useEffect(() => {
    if (copied === null) return;
    const timer = setTimeout(() => setCopied(null), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return [
    copied,
    (text) => {
      void copy(text).then((done) => (done ? setCopied(text) : toast("bad", t("copy.failed"))));
    },
  ];
}

/** A small button that copies a text. `label`: what it copies, for its name. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const t = useText(common);
  const [copied, doCopy] = useCopied();
  return (
    <IconButton
      size="small"
      icon={copied === text ? Check : Copy}
      label={copied === text ? t("copied") : (label ?? t("copy"))}
      onClick={() => doCopy(text)}
    />
  );
}

/** A command that a reader may copy. */
export function Command({ children }: { children: string }) {
  return (
    <span className="my-1 inline-flex max-w-full items-center gap-1 rounded-md bg-sunken py-0.5 pr-1 pl-2 text-left font-mono text-[13px] break-all">
      {children}
      <CopyButton text={children} />
    </span>
  );
}

/** A call of the own API, as curl would make it. */
export interface CurlCall {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below /api/v1, as "/runs/b-1". */
  path: string;
  body?: unknown;
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function asCurl({ method, path, body }: CurlCall): string {
  const words = ["curl", "-fsS"];
  if (method !== "GET") words.push("-X", method);
  words.push("-H", '"Authorization: Bearer $MULLIGAN_TOKEN"');
  if (body !== undefined) {
    words.push("-H", quoted("Content-Type: application/json"), "-d", quoted(JSON.stringify(body)));
  }
  return [...words, quoted(API + path)].join(" ");
}

/** The path of a list with what narrows it; what is empty is left out. */
export function listPath(path: string, query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query).filter(([, value]) => value);
  return given.length > 0 ? `${path}?${new URLSearchParams(given)}` : path;
}

/**
 * A list for a shell, narrowed by options of the program. Undefined where it has no option for what
 * narrows the list: another list would be copied.
 */
export function asListCommand(
  words: readonly string[],
  query: Readonly<Record<string, string>>,
  options: readonly string[],
): string | undefined {
  const given = Object.entries(query).filter(([, value]) => value);
  if (given.some(([name]) => !options.includes(name))) return undefined;
  return asCommand(...words, ...given.flatMap(([name, value]) => [`--${name}`, value]));
}

/** Give the words of a command, those of the `mulligan` program, as a line for a shell. */
export function asCommand(...words: string[]): string {
  return ["mulligan", ...words.map(quoted)].join(" ");
}

/** Names and texts as a flat document in YAML; JSON's strings are some of YAML, too. */
export function asYaml(values: Readonly<Record<string, string>>): string {
  const plain = /^(?!(?:true|false|null|yes|no|on|off|[yn])$)[a-z_][\w.-]*$/i;
  const lines = Object.entries(values).map(([name, value]) => {
    const key = plain.test(name) ? name : JSON.stringify(name);
    return `${key}: ${JSON.stringify(value)}\n`;
  });
  return lines.join("") || "{}\n";
}

/** What a button does, for a shell or a file: "Copy as: command line · curl · YAML". */
export function CopyAs({
  command,
  curl,
  yaml,
}: {
  command?: string;
  curl?: CurlCall;
  yaml?: string;
}) {
  const t = useText(common);
  const [copied, doCopy] = useCopied();
  const forms = [
    ...(command ? [{ name: t("copy.cli"), text: command }] : []),
    ...(curl ? [{ name: t("copy.curl"), text: asCurl(curl) }] : []),
    ...(yaml ? [{ name: "YAML", text: yaml }] : []),
  ];
  return (
    <span className="inline-flex flex-wrap items-center gap-x-1 text-[13px] text-muted">
      {t("copy.as")}
      {forms.map(({ name, text }) => (
        <button
          key={name}
          type="button"
          title={text}
          onClick={() => doCopy(text)}
          className="inline-flex min-h-6 items-center rounded px-1 text-accent underline underline-offset-2 hover:bg-sunken"
        >
          {copied === text ? t("copied") : name}
        </button>
      ))}
    </span>
  );
}
