import { useMutation } from "@tanstack/react-query";
import { FilePlus2, ListChecks } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useRefusal } from "@/api/rights";
import { create } from "@/editor/call";
import { DryRun } from "@/editor/dry-run";
import { TEMPLATES, type Template } from "@/editor/templates";
import { editorTexts } from "@/editor/texts";
import { Workbench } from "@/editor/workbench";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { Button } from "@/ui/button";
import { Select } from "@/ui/field";
import { usePageTitle } from "@/ui/head";
import { PageHead } from "@/ui/page";
import { toast } from "@/ui/toast";

const NAMES = Object.keys(TEMPLATES) as Template[];

/** Make a pipeline: from a template, from what one writes, or from what one pastes. */
export default function NewPipeline({ params: { project } }: { params: { project: string } }) {
  const t = useText(editorTexts);
  const c = useText(common);
  const [, navigate] = useLocation();
  const [template, setTemplate] = useState<Template>("hello");
  const [text, setText] = useState<string>(TEMPLATES.hello);
  const [dry, setDry] = useState(false);
  const why = useRefusal(project)("edit");
  const place = `/projects/${encodeURIComponent(project)}`;
  const save = useMutation({
    mutationFn: () => create(project, text),
    onSuccess: ({ id, name }) => {
      toast("good", t("created", { name }));
      navigate(`${place}/pipelines/${encodeURIComponent(id)}`);
    },
    meta: { quiet: true },
  });
  const start = useRef({ save, why });
  start.current = { save, why };
  const onSave = useCallback(() => {
    const { save, why } = start.current;
    if (!why && !save.isPending) save.mutate();
  }, []);
  usePageTitle(t("title.new"));
  return (
    <div className="flex min-h-[calc(100dvh-8.5rem)] flex-col lg:h-[calc(100dvh-5.5rem)] lg:min-h-0">
      <PageHead
        crumbs={[
          { text: c("nav.projects"), href: "/projects" },
          { text: project, href: place },
        ]}
        title={t("title.new")}
      />
      {save.error && (
        <p role="alert" className="mb-3 rounded-md bg-bad-soft px-3 py-2 text-bad">
          {save.error.message}
        </p>
      )}
      <Workbench
        key={template}
        project={project}
        text={TEMPLATES[template]}
        original={null}
        onChange={setText}
        onSave={onSave}
      >
        <div className="flex flex-wrap items-center gap-2 border-b border-line px-2 py-1.5">
          <span className="px-1 text-[13px] text-muted">{t("template")}</span>
          <Select
            aria-label={t("template")}
            className="w-auto!"
            value={template}
            onChange={(event) => {
              const chosen = event.target.value as Template;
              setTemplate(chosen);
              setText(TEMPLATES[chosen]);
            }}
            options={NAMES.map((value) => ({ value, text: t(`template.${value}`) }))}
          />
          <span className="ml-auto flex items-center gap-2">
            <Button
              size="small"
              icon={ListChecks}
              disabled={!text.trim()}
              onClick={() => setDry(true)}
            >
              {t("dry")}
            </Button>
            <Button
              size="small"
              variant="primary"
              icon={FilePlus2}
              busy={save.isPending}
              why={why}
              disabled={!text.trim()}
              onClick={onSave}
            >
              {t("create")}
            </Button>
          </span>
        </div>
      </Workbench>
      {dry && <DryRun project={project} text={text} onClose={() => setDry(false)} />}
    </div>
  );
}
