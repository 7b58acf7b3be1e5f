/**
 * The editor itself, which is loaded when it is needed. It lives in a shadow root: there CodeMirror
 * adopts style sheets that it constructs, in a document it would write a style element, which the
 * policy forbids.
 */
import { autocompletion, type CompletionContext, completionKeymap } from "@codemirror/autocomplete";
import {
  defaultKeymap,
  history,
  historyKeymap,
  indentLess,
  indentMore,
} from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  defaultHighlightStyle,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
  syntaxTree,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { complete, type Finding, formOf, type Graph } from "./call";
import { nodeAt, type Place, placesOf } from "./places";
import { theme } from "./theme";

export interface EditorOptions {
  host: HTMLElement;
  project: string;
  text: string;
  label: string;
  hint: string;
  /** Texts of CodeMirror in another language. */
  phrases: Record<string, string>;
  readOnly: boolean;
  onChange: (text: string) => void;
  /** The cursor is in this node of the graph. */
  onNode: (id: string | null) => void;
  onSave: () => void;
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--ansi-4)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--ansi-2)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--ansi-5)" },
  { tag: [tags.keyword, tags.typeName, tags.labelName], color: "var(--ansi-6)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

export class Editor {
  private readonly view: EditorView;
  private readonly compare = new Compartment();
  private graph: Graph | null = null;
  private places: Place[] = [];
  private node: string | null = null;

  constructor(private readonly options: EditorOptions) {
    const { host } = options;
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    root.replaceChildren();
    const frame = document.createElement("div");
    frame.style.height = "100%";
    root.append(frame);
    this.view = new EditorView({ state: this.state(), parent: frame, root });
  }

  destroy(): void {
    this.view.destroy();
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Show what the server says of the text as it is now. */
  show(findings: readonly Finding[], graph: Graph | null): void {
    const { state } = this.view;
    const diagnostics = findings.map((finding): Diagnostic => {
      const { from, to } = this.spot(finding);
      const severity = finding.severity === "error" ? "error" : "warning";
      return { from, to, severity, message: finding.detail };
    });
    this.view.dispatch(setDiagnostics(state, diagnostics));
    if (graph) this.graph = graph;
    this.locate();
  }

  goTo(line: number, column = 1): void {
    const { doc } = this.view.state;
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    this.select(Math.min(at.from + column - 1, at.to));
  }

  goToNode(id: string): void {
    const place = this.places.find((each) => each.id === id);
    if (place) this.select(place.from);
  }

  /** Show how the text differs from an older one; null: no more. */
  async compareWith(original: string | null): Promise<void> {
    if (original === null) {
      this.view.dispatch({ effects: this.compare.reconfigure([]) });
      return;
    }
    const { unifiedMergeView } = await import("@codemirror/merge");
    const extension = unifiedMergeView({
      original,
      mergeControls: false,
      collapseUnchanged: { margin: 3, minSize: 8 },
    });
    this.view.dispatch({ effects: this.compare.reconfigure(extension) });
  }

  private select(position: number): void {
    this.view.dispatch({
      selection: { anchor: position },
      effects: EditorView.scrollIntoView(position, { y: "center" }),
    });
    this.view.focus();
  }

  private spot({ line, column }: Finding): { from: number; to: number } {
    const { doc } = this.view.state;
    const at = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
    const from = Math.min(at.from + (column ?? 1) - 1, at.to);
    return { from, to: Math.max(from, at.to) };
  }

  private locate(): void {
    const { state } = this.view;
    this.places = this.graph ? placesOf(state.doc, syntaxTree(state), this.graph) : [];
    this.tellNode();
  }

  private tellNode(): void {
    const node = nodeAt(this.places, this.view.state.selection.main.head);
    if (node === this.node) return;
    this.node = node;
    this.options.onNode(node);
  }

  private state(): EditorState {
    const { options } = this;
    return EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        foldGutter(),
        lintGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("  "),
        bracketMatching(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        search({ top: true }),
        yaml(),
        syntaxHighlighting(colours),
        syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
        autocompletion({ override: [(context) => this.complete(context)], icons: false }),
        keymap.of([
          { key: "Mod-s", run: () => this.save() },
          // Tab leaves the editor, as everywhere; this is how one indents
          { key: "Mod-]", run: indentMore },
          { key: "Mod-[", run: indentLess },
          ...completionKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...foldKeymap,
          ...lintKeymap,
          ...defaultKeymap,
        ]),
        placeholder(options.hint),
        EditorState.phrases.of(options.phrases),
        EditorState.readOnly.of(options.readOnly),
        EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onChange(this.text);
          if (update.docChanged || update.selectionSet) this.tellNode();
        }),
        theme,
        this.compare.of([]),
      ],
    });
  }

  private save(): boolean {
    this.options.onSave();
    return true;
  }

  private async complete(context: CompletionContext) {
    const { doc } = context.state;
    const at = doc.lineAt(context.pos);
    const word = context.matchBefore(/[\w./-]*/);
    const opens = /(?:^\s*(?:- )*|: ?)$/.test(at.text.slice(0, context.pos - at.from));
    if (formOf(this.text) === "json" || (!context.explicit && !word?.text && !opens)) return null;
    const column = context.pos - at.from + 1;
    const { items } = await complete(this.options.project, this.text, at.number, column);
    if (context.aborted || items.length === 0) return null;
    return {
      from: word?.from ?? context.pos,
      validFor: /^[\w./-]*$/,
      options: items.map(({ kind, text, desc, has }) => ({
        label: text,
        apply: kind === "key" ? `${text}:${has === "object" || has === "array" ? "" : " "}` : text,
        detail: has || undefined,
        info: desc || undefined,
        type: kind === "key" ? "property" : "constant",
      })),
    };
  }
}
