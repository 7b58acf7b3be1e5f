/** The editor with all that stands around it: problems below, the graph beside it. */
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { useText } from "@/i18n";
import type { Finding, Graph } from "./call";
import type { Editor } from "./code";
import { CodeEditor } from "./editor";
import { Findings } from "./findings";
import { Outline } from "./outline";
import { editorTexts } from "./texts";
import { useLint } from "./use-lint";

export interface WorkbenchProps {
  project: string;
  /** What it begins with. */
  text: string;
  readOnly?: boolean;
  /** A text to compare with. */
  original: string | null;
  onChange: (text: string) => void;
  onSave: () => void;
  /** Above the editor. */
  children: ReactNode;
}

export function Workbench(props: WorkbenchProps) {
  const { project, text, readOnly = false, original, onChange, onSave } = props;
  const t = useText(editorTexts);
  const [now, setNow] = useState(text);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [node, setNode] = useState<string | null>(null);
  const linted = useLint(project, now);
  const { report, checking } = linted;
  const graph = useLast(report?.graph ?? null, now.trim() === "");

  const changed = useCallback(
    (next: string) => {
      setNow(next);
      onChange(next);
    },
    [onChange],
  );
  useEffect(() => {
    if (editor && !checking) editor.show(report?.findings ?? [], report?.graph ?? null);
  }, [editor, report, checking]);
  useEffect(() => {
    void editor?.compareWith(original);
  }, [editor, original]);
  const open = (finding: Finding) => editor?.goTo(finding.line ?? 1, finding.column ?? 1);
  return (
    <div className="flex min-h-0 grow flex-col gap-3 lg:flex-row">
      <div className="flex min-h-80 min-w-0 grow basis-3/5 flex-col overflow-hidden rounded-lg border border-line bg-surface">
        {props.children}
        <CodeEditor
          ref={setEditor}
          project={project}
          text={text}
          readOnly={readOnly}
          onChange={changed}
          onNode={setNode}
          onSave={onSave}
        />
        <Findings linted={linted} onOpen={open} />
      </div>
      <section
        aria-label={t("graph")}
        className="min-h-32 min-w-0 basis-2/5 overflow-y-auto rounded-lg border border-line bg-surface p-3"
      >
        {graph ? (
          <>
            {report && !report.ok && (
              <p className="mb-2 text-[13px] text-muted">{t("graph.old")}</p>
            )}
            <Outline graph={graph} current={node} onChoose={(id) => editor?.goToNode(id)} />
          </>
        ) : (
          <p className="text-muted">{t("graph.none")}</p>
        )}
      </section>
    </div>
  );
}

/** The last graph that there was: it stays while one types what is wrong for a moment. */
function useLast(graph: Graph | null, forget: boolean): Graph | null {
  const last = useRef<Graph | null>(null);
  if (graph) last.current = graph;
  else if (forget) last.current = null;
  return last.current;
}
