import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useText } from "@/i18n";
import { useSettings } from "@/state/settings";
import { Skeleton } from "@/ui/empty";
import type { Editor, EditorOptions } from "./code";
import { editorTexts, phrases } from "./texts";

interface Props extends Pick<EditorOptions, "project" | "readOnly" | "onChange" | "onNode"> {
  /** What it begins with. */
  text: string;
  onSave: () => void;
  ref?: Ref<Editor | null>;
}

/** An editor of a pipeline file. It owns its text; `ref` leads to it. */
export function CodeEditor({ project, text, readOnly, onChange, onNode, onSave, ref }: Props) {
  const t = useText(editorTexts);
  const { language } = useSettings();
  const host = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const latest = useRef({ text, onChange, onNode, onSave });
  latest.current = { ...latest.current, onChange, onNode, onSave };
  useImperativeHandle(ref, () => editor as Editor, [editor]);
  useEffect(() => {
    const element = host.current;
    let made: Editor | null = null;
    let over = false;
    void import("./code").then(({ Editor }) => {
      if (over || !element) return;
      made = new Editor({
        host: element,
        project,
        text: latest.current.text,
        label: t("editor"),
        hint: t("editor.hint"),
        phrases: phrases(language),
        readOnly,
        onChange: (changed) => {
          latest.current.text = changed;
          latest.current.onChange(changed);
        },
        onNode: (id) => latest.current.onNode(id),
        onSave: () => latest.current.onSave(),
      });
      setEditor(made);
    });
    // what is typed in a shadow root looks like typing nowhere
    const keep = (event: KeyboardEvent) => event.stopPropagation();
    element?.addEventListener("keydown", keep);
    return () => {
      over = true;
      element?.removeEventListener("keydown", keep);
      made?.destroy();
      setEditor(null);
    };
  }, [project, readOnly, language, t]);
  return (
    <div className="relative min-h-0 grow">
      {!editor && <Skeleton className="absolute inset-2" />}
      <div ref={host} data-editor className="absolute inset-0" />
    </div>
  );
}
