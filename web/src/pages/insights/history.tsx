import { useState } from "react";
import type { Schemas } from "@/api/client";
import { area, useLocale, useText } from "@/i18n";
import { en } from "@/i18n/en/insights";
import { zh } from "@/i18n/zh/insights";
import { Cell, Head, Row, Table } from "@/ui/table";

const texts = area(en, zh);
const HEIGHT = 120;
const WIDTH = 720;
const DAY_MS = 86_400_000;
const PARTS = ["good", "recovered", "failed", "other"] as const;
const COLOURS = {
  good: { fill: "fill-ok", dot: "bg-ok" },
  recovered: { fill: "fill-wait", dot: "bg-wait" },
  failed: { fill: "fill-bad", dot: "bg-bad" },
  other: { fill: "fill-idle", dot: "bg-idle" },
};

type Counts = Record<(typeof PARTS)[number], number> & { day: string };

function counts({ day, runs, succeeded, failed, recovered }: Schemas["DayView"]): Counts {
  const good = succeeded - recovered;
  return { day, good, recovered, failed, other: Math.max(0, runs - succeeded - failed) };
}

function total(counted: Counts): number {
  return PARTS.reduce((sum, part) => sum + counted[part], 0);
}

/** One entry for each day, those without runs too, up to the last day there is. */
export function filled(days: readonly Schemas["DayView"][], length: number): Counts[] {
  const known = new Map(days.map((each) => [each.day, counts(each)]));
  const last = Math.max(...days.map(({ day }) => Date.parse(day)));
  return Array.from({ length }, (_, index) => {
    const day = new Date(last - (length - 1 - index) * DAY_MS).toISOString().slice(0, 10);
    return known.get(day) ?? { day, good: 0, recovered: 0, failed: 0, other: 0 };
  });
}

/** Runs by day, as bars and on demand as a table. */
export function History({
  days,
  length,
}: {
  days: readonly Schemas["DayView"][];
  /** How many days are looked at. */
  length: number;
}) {
  const t = useText(texts);
  const locale = useLocale();
  const [isOpen, setIsOpen] = useState(false);
  const shown = filled(days, length);
  const most = Math.max(1, ...shown.map(total));
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const named = (day: string) => format.format(new Date(day));
  const step = WIDTH / shown.length;
  return (
    <section className="mb-8">
      <h2 className="mb-2 text-base font-semibold">{t("history")}</h2>
      <div className="rounded-lg border border-line bg-surface p-3">
        <svg
          role="img"
          aria-label={t("history")}
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          className="h-32 w-full"
        >
          <line
            x1="0"
            x2={WIDTH}
            y1={HEIGHT}
            y2={HEIGHT}
            className="stroke-line"
            strokeWidth="2"
            vectorEffect="non-scaling-stroke"
          />
          {shown.map((each, index) => (
            <g key={each.day}>
              <title>{t("bar", { ...each, day: named(each.day) })}</title>
              <rect x={index * step} y="0" width={step} height={HEIGHT} fill="transparent" />
              {stacked(each, most).map(({ part, y, height }) => (
                <rect
                  key={part}
                  x={index * step + step * 0.1}
                  width={step * 0.8}
                  y={y}
                  height={height}
                  className={COLOURS[part].fill}
                />
              ))}
            </g>
          ))}
        </svg>
        <p className="flex justify-between text-[13px] text-muted">
          <span>{named(shown[0]?.day ?? "")}</span>
          <span>{named(shown.at(-1)?.day ?? "")}</span>
        </p>
        <ul className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-[13px]">
          {PARTS.map((part) => (
            <li key={part} className="flex items-center gap-1.5">
              <span aria-hidden className={`size-2.5 rounded-sm ${COLOURS[part].dot}`} />
              {t(`legend.${part}`)}: {shown.reduce((sum, each) => sum + each[part], 0)}
            </li>
          ))}
        </ul>
      </div>
      <details className="mt-2" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
        <summary className="min-h-7 text-muted">{t("history.table")}</summary>
        {isOpen && (
          <Table label={t("history")}>
            <thead>
              <tr>
                <Head>{t("day")}</Head>
                {PARTS.map((part) => (
                  <Head key={part}>{t(`legend.${part}`)}</Head>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown
                .filter((each) => total(each) > 0)
                .map((each) => (
                  <Row key={each.day}>
                    <Cell>{named(each.day)}</Cell>
                    {PARTS.map((part) => (
                      <Cell key={part} className="tabular-nums">
                        {each[part]}
                      </Cell>
                    ))}
                  </Row>
                ))}
            </tbody>
          </Table>
        )}
      </details>
    </section>
  );
}

/** The parts of a bar from the ground up. */
function stacked(counted: Counts, most: number) {
  let ground = HEIGHT;
  return PARTS.map((part) => {
    const height = (counted[part] / most) * (HEIGHT - 4);
    ground -= height;
    return { part, y: ground, height };
  });
}
