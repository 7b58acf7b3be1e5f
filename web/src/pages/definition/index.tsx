import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { keys } from "@/api/keys";
import { definition, type Form, head } from "@/editor/call";
import { editorTexts } from "@/editor/texts";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { usePageTitle } from "@/ui/head";
import { Loaded } from "@/ui/loaded";
import { PageHead } from "@/ui/page";
import { type Base, Bench } from "./bench";

interface Params {
  project: string;
  pipeline: string;
}

/** Read, change and compare the definition of a pipeline. */
export default function Definition({ params }: { params: Params }) {
  const { project, pipeline } = params;
  const t = useText(editorTexts);
  const c = useText(common);
  const [form, setForm] = useState<Form>("yaml");
  const [round, setRound] = useState(0);
  // not made old by events: what is being written must not change under somebody's hands
  const base = useQuery({
    queryKey: ["definition", pipeline, form, round],
    queryFn: async ({ signal }): Promise<Base> => {
      const { view, tag } = await head(params, signal);
      const text = await definition(params, form, undefined, signal);
      return { text, tag, version: view.version, name: view.name };
    },
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const now = useQuery({
    queryKey: keys.pipeline(pipeline, "head", "tag"),
    queryFn: ({ signal }) => head(params, signal),
  });
  const name = base.data?.name ?? now.data?.view.name ?? "";
  usePageTitle(name ? t("title.of", { name }) : t("title"));
  const place = `/projects/${encodeURIComponent(project)}`;
  return (
    <div className="flex min-h-[calc(100dvh-8.5rem)] flex-col lg:h-[calc(100dvh-5.5rem)] lg:min-h-0">
      <PageHead
        crumbs={[
          { text: c("nav.projects"), href: "/projects" },
          { text: project, href: place },
          { text: name || "…", href: `${place}/pipelines/${encodeURIComponent(pipeline)}` },
        ]}
        title={t("title")}
      />
      <Loaded query={base}>
        {(loaded) => (
          <Bench
            key={`${form}.${round}`}
            place={params}
            base={loaded}
            form={form}
            newest={now.data?.view}
            onForm={setForm}
            onReload={() => setRound((old) => old + 1)}
          />
        )}
      </Loaded>
    </div>
  );
}
