import { FlaskConical, Search } from "lucide-react";
import { useDeferredValue } from "react";
import { useLocale, useText } from "@/i18n";
import { common } from "@/i18n/common";
import { useQueryState } from "@/state/query";
import { STATES, type State, TONES } from "@/theme/status";
import { Button } from "@/ui/button";
import { Command } from "@/ui/copy";
import { Empty } from "@/ui/empty";
import { Select, TextInput } from "@/ui/field";
import { Loaded } from "@/ui/loaded";
import { StateIcon } from "@/ui/status";
import { Cell, Head, Row, Table } from "@/ui/table";
import { formatDuration } from "@/ui/time";
import type { RunPath } from "./data";
import { type Test, type TestCounts, useTests } from "./kept";
import type { Run } from "./model";
import { texts } from "./texts";

const STATE_OF: Record<string, State> = {
  passed: "succeeded",
  failed: "failed",
  error: "failed",
  skipped: "skipped",
};
const WORDS = {
  passed: "test.passed",
  failed: "test.failed",
  error: "test.error",
  skipped: "test.skipped",
  flaky: "test.flaky",
} as const;
const ALL = "passed,failed,error,skipped";

/** The tests of a run: those that are worth looking at, or the others. */
export function Tests({ path, run }: { path: RunPath; run: Run }) {
  const t = useText(texts);
  const c = useText(common);
  const [state, setState] = useQueryState("tests");
  const [name, setName] = useQueryState("test");
  const query = useTests(path, run.attempt, { state, name: useDeferredValue(name) });
  return (
    <Loaded query={query}>
      {({ pages: [first] }) =>
        !first || first.reports_read === 0 ? (
          <Empty icon={FlaskConical} title={t("tests.empty")}>
            <p>{t("tests.hint")}</p>
            <Command>{'{ uses: uploadArtifact@1.*, with: { filePath: "reports/*.xml" } }'}</Command>
          </Empty>
        ) : (
          <div className="space-y-3">
            <Counts counts={first.counts} />
            {first.reports_left_out > 0 && (
              <p className="text-wait">{t("tests.left-out", { n: first.reports_left_out })}</p>
            )}
            <div className="flex flex-wrap gap-2">
              <Select
                aria-label={t("column.state")}
                className="max-w-60"
                value={state}
                options={[
                  { value: "", text: t("tests.bad") },
                  { value: ALL, text: t("tests.all") },
                  ...Object.entries(WORDS).map(([value, text]) => ({ value, text: t(text) })),
                ]}
                onChange={(event) => setState(event.target.value)}
              />
              <TextInput
                type="search"
                aria-label={t("tests.find")}
                placeholder={t("tests.find")}
                value={name}
                onChange={(event) => setName(event.target.value)}
                className="max-w-60"
              />
            </div>
            {query.items?.length === 0 ? (
              <Empty icon={Search} title={t(state || name ? "tests.none" : "tests.good")} />
            ) : (
              <TestTable tests={query.items ?? []} />
            )}
            {query.hasNextPage && (
              <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                {c("page.more")}
              </Button>
            )}
          </div>
        )
      }
    </Loaded>
  );
}

function Counts({ counts }: { counts: TestCounts }) {
  const t = useText(texts);
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1" data-tests>
      {Object.entries(WORDS).map(([word, text]) => {
        const n = counts[word] ?? 0;
        return n === 0 ? null : (
          <li key={word} className="inline-flex items-center gap-1.5">
            {word === "flaky" ? (
              <Flaky />
            ) : (
              <StateIcon state={STATE_OF[word] ?? "queued"} size={15} />
            )}
            {t(text)} <b className="tabular-nums">{n}</b>
          </li>
        );
      })}
    </ul>
  );
}

function Flaky() {
  return (
    <span aria-hidden className="text-wait">
      ↻
    </span>
  );
}

function TestTable({ tests }: { tests: readonly Test[] }) {
  const t = useText(texts);
  const locale = useLocale();
  return (
    <Table label={t("tab.tests")}>
      <thead>
        <tr>
          <Head>{t("column.test")}</Head>
          <Head>{t("column.state")}</Head>
          <Head className="hidden sm:table-cell">{t("column.step")}</Head>
          <Head className="text-right">{t("column.took")}</Head>
        </tr>
      </thead>
      <tbody>
        {tests.map((test, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a report may name two tests alike
          <Row key={index} data-test={test.name}>
            <Cell className="min-w-44">
              <span className="font-medium break-words">{test.name}</span>
              <span className="block font-mono text-[13px] break-all text-muted">{test.suite}</span>
              {test.message && (
                <span className="mt-0.5 block font-mono text-[13px] break-words">
                  {test.message}
                </span>
              )}
            </Cell>
            <Cell className="whitespace-nowrap">
              <TestState test={test} />
            </Cell>
            <Cell className="hidden text-muted sm:table-cell">
              {test.step_name}
              <span className="block font-mono text-[13px] break-words">{test.report}</span>
            </Cell>
            <Cell className="text-right whitespace-nowrap tabular-nums">
              {test.seconds === null ? "–" : formatDuration(test.seconds * 1000, locale)}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function TestState({ test }: { test: Test }) {
  const t = useText(texts);
  const state = STATE_OF[test.state] ?? "queued";
  return (
    <>
      <span className={`inline-flex items-center gap-1.5 ${TONES[STATES[state].tone].text}`}>
        <StateIcon state={state} size={15} />
        {t(WORDS[test.state as keyof typeof WORDS] ?? "test.passed")}
      </span>
      {test.flaky && (
        <span className="block text-[13px] text-wait" title={t("test.flaky-hint")}>
          <Flaky /> {t("test.flaky")}
        </span>
      )}
    </>
  );
}
