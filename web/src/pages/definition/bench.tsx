import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ListChecks, Save } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { ProblemError, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useRefusal } from "@/api/rights";
import { definition, type Form, head, replace, versions } from "@/editor/call";
import { DryRun } from "@/editor/dry-run";
import { editorTexts } from "@/editor/texts";
import { Workbench } from "@/editor/workbench";
import { useText } from "@/i18n";
import { Button } from "@/ui/button";
import { Select } from "@/ui/field";
import { toast } from "@/ui/toast";

interface Place {
  project: string;
  pipeline: string;
}

/** What the editor began with: a version, and the tag that a change of it must name. */
export interface Base {
  text: string;
  tag: string | null;
  version: number;
  name: string;
}

export interface BenchProps {
  place: Place;
  base: Base;
  form: Form;
  /** The pipeline as the server has it now. */
  newest: Schemas["PipelineView"] | undefined;
  onForm: (form: Form) => void;
  onReload: () => void;
}

export function Bench({ place, base: loaded, form, newest, onForm, onReload }: BenchProps) {
  const t = useText(editorTexts);
  const [base, setBase] = useState(loaded);
  const [text, setText] = useState(loaded.text);
  const [against, setAgainst] = useState(0);
  const [dry, setDry] = useState(false);
  const dirty = text !== base.text;
  const save = useSave(place, setBase);
  const original = useOriginal(place, form, against);
  const why = useRefusal(place.project)("edit");
  useWarning(dirty);

  const start = useRef({ text, base, dirty, save, why });
  start.current = { text, base, dirty, save, why };
  const onSave = useCallback(() => {
    const { text, base, dirty, save, why } = start.current;
    if (dirty && !why && !save.isPending) save.mutate({ text, base });
  }, []);
  const passed = newest && newest.version > base.version && !save.isPending ? newest : undefined;
  return (
    <>
      {passed && (
        <Conflict
          by={passed.updated_by}
          version={passed.version}
          dirty={dirty}
          why={why}
          onCompare={() => setAgainst(passed.version)}
          onTheirs={onReload}
          onMine={() =>
            void head(place).then(({ tag, view }) =>
              save.mutate({ text, base: { ...base, tag, version: view.version } }),
            )
          }
        />
      )}
      {save.error && !isConflict(save.error) && (
        <p role="alert" className="mb-3 rounded-md bg-bad-soft px-3 py-2 text-bad">
          {save.error.message}
        </p>
      )}
      <Workbench
        project={place.project}
        text={loaded.text}
        original={original}
        onChange={setText}
        onSave={onSave}
      >
        <div className="flex flex-wrap items-center gap-2 border-b border-line px-2 py-1.5">
          <span className="px-1 text-[13px] text-muted">
            {t("version", { n: base.version })}
            {dirty && <span className="text-wait"> · {t("unsaved")}</span>}
          </span>
          <Select
            aria-label={t("form")}
            className="w-auto!"
            value={form}
            disabled={dirty}
            title={dirty ? t("form.lost") : undefined}
            onChange={(event) => onForm(event.target.value as Form)}
            options={(["yaml", "json"] as const).map((value) => ({
              value,
              text: t(`form.${value}`),
            }))}
          />
          <Versions place={place} value={against} newest={base.version} onChange={setAgainst} />
          <span className="ml-auto flex items-center gap-2">
            <Button size="small" icon={ListChecks} onClick={() => setDry(true)}>
              {t("dry")}
            </Button>
            <Button
              size="small"
              variant="primary"
              icon={Save}
              busy={save.isPending}
              why={why}
              disabled={!dirty && !why}
              onClick={onSave}
            >
              {t("save")}
            </Button>
          </span>
        </div>
        {against > 0 && (
          <p className="border-b border-line px-3 py-1 text-[13px] text-muted">
            {t("compare.note", { n: against })}
          </p>
        )}
      </Workbench>
      {dry && <DryRun project={place.project} text={text} onClose={() => setDry(false)} />}
    </>
  );
}

function isConflict(error: Error): boolean {
  return error instanceof ProblemError && error.status === 412;
}

function useSave(place: Place, onBase: (base: Base) => void) {
  const t = useText(editorTexts);
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ text, base }: { text: string; base: Base }) => replace(place, text, base.tag),
    onSuccess: async (saved, { text, base }) => {
      const { view, tag } = await head(place);
      // what somebody else has saved in this moment is theirs: it must be noticed
      const mine = view.version === saved.version;
      onBase({
        ...base,
        text,
        name: saved.name,
        version: saved.version,
        tag: mine ? tag : base.tag,
      });
      toast(
        "good",
        saved.version > base.version ? t("saved", { n: saved.version }) : t("saved.same"),
      );
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.pipeline(place.pipeline) }),
    meta: { quiet: true },
  });
}

/** The text of the version to compare with. */
function useOriginal(place: Place, form: Form, version: number): string | null {
  const query = useQuery({
    queryKey: ["definition-version", place.pipeline, form, version],
    queryFn: ({ signal }) => definition(place, form, version, signal),
    enabled: version > 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return version > 0 ? (query.data ?? null) : null;
}

function Versions({
  place,
  value,
  newest,
  onChange,
}: {
  place: Place;
  value: number;
  newest: number;
  onChange: (version: number) => void;
}) {
  const t = useText(editorTexts);
  const query = useQuery({
    queryKey: keys.pipeline(place.pipeline, "versions", newest),
    queryFn: ({ signal }) => versions(place, signal),
    placeholderData: (old) => old,
  });
  const items = query.data?.items ?? [];
  return (
    <Select
      aria-label={t("compare")}
      className="w-auto! max-w-64"
      value={String(value)}
      onChange={(event) => onChange(Number(event.target.value))}
      options={[
        { value: "0", text: value ? t("compare.none") : `${t("compare")}…` },
        ...items.map((item) => ({
          value: String(item.version),
          text: t("compare.item", {
            n: item.is_newest
              ? `${t("version", { n: item.version })} (${t("newest")})`
              : t("version", { n: item.version }),
            by: item.created_by,
          }),
        })),
      ]}
    />
  );
}

/** Somebody else was faster. */
function Conflict({
  by,
  version,
  dirty,
  why,
  onCompare,
  onTheirs,
  onMine,
}: {
  by: string;
  version: number;
  dirty: boolean;
  why: string | undefined;
  onCompare: () => void;
  onTheirs: () => void;
  onMine: () => void;
}) {
  const t = useText(editorTexts);
  return (
    <div
      role="alert"
      className="mb-3 flex flex-wrap items-center gap-2 rounded-md bg-wait-soft px-3 py-2"
    >
      <p className="min-w-0 grow">
        <strong className="font-semibold">{t("conflict.title", { by, n: version })}</strong>{" "}
        {dirty && t("conflict.hint")}
      </p>
      {dirty && (
        <Button size="small" onClick={onCompare}>
          {t("conflict.compare")}
        </Button>
      )}
      <Button size="small" onClick={onTheirs}>
        {t("conflict.theirs")}
      </Button>
      {dirty && (
        <Button size="small" variant="danger" why={why} onClick={onMine}>
          {t("conflict.mine")}
        </Button>
      )}
    </div>
  );
}

/** Ask before a tab is closed with what is not saved. */
export function useWarning(dirty: boolean): void {
  useEffect(() => {
    if (!dirty) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [dirty]);
}
