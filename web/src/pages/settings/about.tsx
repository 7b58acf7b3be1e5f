import { useQuery } from "@tanstack/react-query";
import { api, BASE, ok, type Schemas } from "@/api/client";
import { useLocale, useText } from "@/i18n";
import { settingsTexts } from "@/i18n/settings";
import { CopyButton } from "@/ui/copy";
import { Loaded } from "@/ui/loaded";
import { formatInstant } from "@/ui/time";
import { Section } from "./parts";

type AboutView = Schemas["AboutView"];
const PROBES = ["healthz", "readyz"] as const;

export default function About() {
  const t = useText(settingsTexts);
  const query = useQuery({
    queryKey: ["about"],
    queryFn: ({ signal }) => ok(api.GET("/about", { signal })),
  });
  return (
    <Section title={t("about")} hint={t("about.hint")}>
      <Loaded query={query}>{(about) => <Facts about={about} />}</Loaded>
    </Section>
  );
}

function Facts({ about }: { about: AboutView }) {
  const t = useText(settingsTexts);
  const locale = useLocale();
  const health = useHealth();
  const facts: readonly (readonly [string, string])[] = [
    [t("about.version"), `${about.name} ${about.version}`],
    [t("about.python"), about.python],
    [t("about.system"), about.system],
    [t("about.database"), about.database],
    [t("about.clock"), formatInstant(about.now, locale)],
    [t("about.mode"), t(about.is_dev ? "about.mode.dev" : "about.mode.live")],
    [
      t("about.retry"),
      about.retry_days ? t("about.retry.days", { n: about.retry_days }) : t("about.retry.ever"),
    ],
    [t("about.url"), about.public_url || t("about.url.none")],
    [
      t("about.dialects"),
      Object.entries(about.dialects)
        .map(([name, prefix]) => `${name} ${prefix}`)
        .join(" · "),
    ],
    [
      t("about.health"),
      PROBES.map(
        (probe) => `/${probe} ${t(health[probe] ? "about.health.ok" : "about.health.bad")}`,
      ).join(" · "),
    ],
  ];
  const text = JSON.stringify({ ...about, health, browser: navigator.userAgent }, null, 2);
  return (
    <div className="rounded-lg border border-line bg-surface p-4">
      <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[max-content_1fr]">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="min-w-0 break-words">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-3 flex items-center gap-1 border-t border-line pt-3">
        {t("about.copy")}
        <CopyButton text={text} label={t("about.copy")} />
      </p>
    </div>
  );
}

/** Whether the server answers at the places that watch-dogs ask. */
function useHealth(): Record<string, boolean> {
  const query = useQuery({
    queryKey: ["about", "health"],
    queryFn: async ({ signal }) => {
      const answers = await Promise.all(
        PROBES.map((probe) =>
          fetch(BASE + probe, { signal }).then(
            ({ ok }) => ok,
            () => false,
          ),
        ),
      );
      return Object.fromEntries(PROBES.map((probe, index) => [probe, answers[index] === true]));
    },
  });
  return query.data ?? {};
}
