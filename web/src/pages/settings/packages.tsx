import { useQuery } from "@tanstack/react-query";
import { Download, Package } from "lucide-react";
import { useState } from "react";
import { API, api, ok, type Schemas } from "@/api/client";
import { keys } from "@/api/keys";
import { usePaged } from "@/api/paged";
import { useLocale, useText } from "@/i18n";
import { projectTexts } from "@/i18n/project-settings";
import { Command } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Loaded } from "@/ui/loaded";
import { formatSize } from "@/ui/size";
import { Cell, Row } from "@/ui/table";
import { RelativeTime } from "@/ui/time";
import { Listed, Section } from "./parts";

type Found = Schemas["PackageView"];
const MOST = 200;

export default function Packages({ project }: { project: string }) {
  const t = useText(projectTexts);
  const locale = useLocale();
  const [opened, setOpened] = useState<Found | null>(null);
  const list = usePaged(keys.project(project, "packages"), (cursor, signal) =>
    ok(
      api.GET("/projects/{project}/packages", {
        params: { path: { project }, query: { cursor } },
        signal,
      }),
    ),
  );
  return (
    <Section title={t("packages")} hint={t("packages.hint")}>
      <Listed
        list={list}
        label={t("packages")}
        columns={[
          t("packages.name"),
          t("packages.versions"),
          t("packages.size"),
          t("packages.changed"),
        ]}
        empty={{
          icon: Package,
          title: t("packages.empty"),
          hint: (
            <Command>{`mulligan package upload acme/libs/app 1.0.0 app.zip --project ${project}`}</Command>
          ),
        }}
        row={(each) => (
          <Row key={fullName(each)}>
            <Cell>
              <button
                type="button"
                className="min-h-7 text-left font-medium break-all text-accent hover:underline"
                onClick={() => setOpened(each)}
              >
                {fullName(each)}
              </button>
            </Cell>
            <Cell className="tabular-nums">{each.versions}</Cell>
            <Cell className="whitespace-nowrap tabular-nums">{formatSize(each.size, locale)}</Cell>
            <Cell>
              <RelativeTime at={each.updated_at} />
            </Cell>
          </Row>
        )}
      />
      {opened && <Versions project={project} found={opened} onClose={() => setOpened(null)} />}
    </Section>
  );
}

function fullName({ namespace, repository, name }: Found): string {
  return `${namespace}/${repository}/${name}`;
}

function Versions({
  project,
  found,
  onClose,
}: {
  project: string;
  found: Found;
  onClose: () => void;
}) {
  const t = useText(projectTexts);
  const locale = useLocale();
  const { namespace, repository, name } = found;
  const query = useQuery({
    queryKey: keys.project(project, "packages", fullName(found)),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/packages/{namespace}/{repository}/{name}/versions", {
          params: { path: { project, namespace, repository, name }, query: { limit: MOST } },
          signal,
        }),
      ),
  });
  return (
    <Dialog open onOpenChange={onClose} place="side" title={fullName(found)}>
      <Loaded query={query}>
        {({ items }) => (
          <ul className="space-y-2">
            {items.map((version) => (
              <li key={version.version}>
                <details>
                  <summary className="min-h-8">
                    <span className="font-mono font-medium">{version.version}</span>{" "}
                    <span className="text-[13px] text-muted">
                      {t("packages.files", { n: version.files })} ·{" "}
                      {formatSize(version.size, locale)} · <RelativeTime at={version.updated_at} />{" "}
                      · {version.created_by}
                    </span>
                  </summary>
                  <Files project={project} found={found} version={version.version} />
                </details>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Dialog>
  );
}

function Files({ project, found, version }: { project: string; found: Found; version: string }) {
  const t = useText(projectTexts);
  const locale = useLocale();
  const { namespace, repository, name } = found;
  const query = useQuery({
    queryKey: keys.project(project, "packages", fullName(found), version),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/projects/{project}/packages/{namespace}/{repository}/{name}/files", {
          params: {
            path: { project, namespace, repository, name },
            query: { version, limit: MOST },
          },
          signal,
        }),
      ),
  });
  const base = ["projects", project, "packages", namespace, repository, name, version];
  return (
    <Loaded query={query}>
      {({ items }) => (
        <ul className="mt-1 space-y-1 pl-5">
          {items.map((file) => (
            <li key={file.path}>
              <a
                href={`${API}/${[...base, ...file.path.split("/")].map(encodeURIComponent).join("/")}`}
                download
                title={file.sha256}
                aria-label={t("packages.download", { path: file.path })}
                className="inline-flex min-h-7 items-center gap-1.5 break-all text-accent hover:underline"
              >
                <Download aria-hidden size={14} className="shrink-0" />
                {file.path} ({formatSize(file.size, locale)})
              </a>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
