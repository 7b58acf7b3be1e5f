import { useQuery } from "@tanstack/react-query";
import { api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { useText } from "@/i18n";
import { environmentTexts } from "@/i18n/environments";
import { FoldedDiff } from "@/ui/diff";
import { Loaded } from "@/ui/loaded";

type Diff = Schemas["DeploymentDiff"];
const SHORT = 12; // of commits

/** What changes when one deployment takes the place of another. */
export function Difference({ project, from, to }: { project: string; from: string; to: string }) {
  const t = useText(environmentTexts);
  const query = useQuery({
    queryKey: keys.environments(project, "diff", from, to),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/deployments/{a}/diff/{b}", {
          params: { path: { project, a: from, b: to } },
          signal,
        }),
      ),
  });
  return (
    <section className="mt-4" aria-label={t("diff.title")} data-diff>
      <h3 className="mb-1 font-medium">{t("diff.title")}</h3>
      <Loaded query={query}>{(diff) => <Shown diff={diff} />}</Loaded>
    </section>
  );
}

function isSame(diff: Diff): boolean {
  const { image_changed, files, settings, manifest, commit_before, commit_after } = diff;
  const texts = settings.same && manifest.same;
  return !image_changed && files.length === 0 && texts && commit_before === commit_after;
}

function Shown({ diff }: { diff: Diff }) {
  const t = useText(environmentTexts);
  if (isSame(diff)) return <p className="text-muted">{t("diff.none")}</p>;
  const words = { same: t("diff.same"), tooLong: t("diff.long") };
  const { commit_before, commit_after } = diff;
  return (
    <div className="space-y-2">
      {diff.image_changed && (
        <Change label={t("diff.image")} before={diff.before.image} after={diff.after.image} />
      )}
      {commit_before !== commit_after && (
        <Change
          label={t("diff.commit")}
          before={`${commit_before.slice(0, SHORT)} ${diff.message_before}`}
          after={`${commit_after.slice(0, SHORT)} ${diff.message_after}`}
        />
      )}
      {diff.files.map((file) => (
        <Change
          key={file.name}
          label={`${t("diff.files")} ${file.name}`}
          before={file.before?.slice(0, SHORT) ?? ""}
          after={file.after?.slice(0, SHORT) ?? t("diff.file.gone")}
        />
      ))}
      <FoldedDiff label={t("diff.settings")} diff={diff.settings} {...words} />
      <FoldedDiff label={t("diff.manifest")} diff={diff.manifest} {...words} />
    </div>
  );
}

function Change({ label, before, after }: { label: string; before: string; after: string }) {
  return (
    <p className="flex flex-wrap items-baseline gap-x-2">
      {label}
      <del className="rounded bg-bad-soft px-1 font-mono text-[13px] break-all text-bad no-underline">
        <span aria-hidden>− </span>
        {before.trim() || "–"}
      </del>
      <ins className="rounded bg-ok-soft px-1 font-mono text-[13px] break-all text-ok no-underline">
        <span aria-hidden>+ </span>
        {after.trim() || "–"}
      </ins>
    </p>
  );
}
