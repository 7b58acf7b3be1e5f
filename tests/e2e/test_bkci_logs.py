"""The log calls: pages, ranges, polling, attempts and the download."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from e2e.scenario import NOT_FOUND, OK, Build, Scenario
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import Workbench, job, one_job, pipeline, stage, step
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulligan.testing.http_client import QueryValue
    from mulligan.testing.server import ServerProcess

LONG_LINE = 40_000
MANY_LINES = 10_050
PAGE_LINES = 10_000
DOWNLOAD_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3} : (.*)")

CHATTY = r"""
echo one
echo two
echo '##[debug]hidden'
echo '##[error]bad'
echo '##[group]fold'
printf '\033[31mred\033[0m\n'
echo '##[endgroup]'
echo '中文'
printf 'raw \377 byte\n'
echo last
"""
VISIBLE = [
    *["one", "two", "##[error]bad", "##[group]fold", "\x1b[31mred\x1b[0m", "##[endgroup]"],
    *["中文", "raw � byte", "last"],
]


class LoggedBuild:
    """Read the logs of one build, by task name."""

    def __init__(self, build: Build) -> None:
        """Wrap a build."""
        self.build = build
        self._client = build.scenario.client
        self._project = build.scenario.project

    def read(self, kind: str, task: str | None = None, **query: QueryValue) -> dict[str, object]:
        """Return `data` of one log call, of the whole build or of one task."""
        tag = self.build.scenario.ids[task] if task else None
        return self._client.logs(self._project, kind, self.build.id, tag=tag, **query)

    def lines(
        self, kind: str, task: str | None = None, **query: QueryValue
    ) -> list[dict[str, object]]:
        """Return the lines of one log call."""
        found = self.read(kind, task, **query)["logs"]
        assert isinstance(found, list)
        return found

    def messages(self, kind: str, task: str | None = None, **query: QueryValue) -> list[object]:
        """Return the texts of the lines of one log call."""
        return [line["message"] for line in self.lines(kind, task, **query)]

    def download(self, **query: QueryValue) -> tuple[int, str, dict[str, str]]:
        """Return status, text and headers of a download."""
        answer = self._client.download(self._project, self.build.id, **query)
        return answer.http, answer.text, dict(answer.headers)


@pytest.fixture(scope="module")
def logged(
    server: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LoggedBuild]:
    """Give a build whose task `turn` printed something else in its second attempt."""
    bench = Workbench(tmp_path_factory.mktemp("bench"))
    say = f"if [ -e {bench.directory}/turn.broken ]; then echo first try; else echo second try; fi"
    elements = [
        step("chatty", CHATTY, step_id="talk"),
        step("turn", bench.script("turn", say)),
        step("after", bench.script("after", "echo after")),
        step("silent", "true"),
    ]
    with BkciClient(server.url) as client:
        build = Scenario(client, bench, one_job("logs", elements)).run_broken("turn")
        bench.repair("turn")
        build.repair("turn")
        yield LoggedBuild(build)


def contains_in_order(wanted: list[str], found: list[object]) -> bool:
    """Return whether `wanted` is a subsequence of `found`."""
    rest = iter(found)
    return all(any(line == want for line in rest) for want in wanted)


def test_first_page_of_a_task(logged: LoggedBuild) -> None:
    """The lines of a task come whole and in order, with markers and colours, without newline."""
    data = logged.read("init", "chatty")

    lines = logged.lines("init", "chatty")
    assert (data["status"], data["finished"], data["hasMore"]) == (0, True, False)
    assert data["buildId"] == logged.build.id
    assert contains_in_order(VISIBLE, [line["message"] for line in lines])
    line = next(line for line in lines if line["message"] == "two")
    wanted = {
        "tag": logged.build.scenario.ids["chatty"],
        "jobId": "build",
        "stepId": "talk",
        "executeCount": 1,
    }
    assert {key: line[key] for key in wanted} == wanted
    assert str(line["containerHashId"]).startswith("c-")


def test_line_numbers_ascend_over_the_build(logged: LoggedBuild) -> None:
    """Line numbers start at 1 and grow over all tasks and attempts of a build."""
    first = [int(str(line["lineNo"])) for line in logged.lines("init")]
    second = [int(str(line["lineNo"])) for line in logged.lines("init", executeCount=2)]

    assert first[0] == 1
    assert first == sorted(set(first))
    assert second == sorted(set(second))
    assert second[0] > first[-1]


def test_attempt_defaults_to_the_first(logged: LoggedBuild) -> None:
    """Without `executeCount` only the first attempt is shown, not the latest and not all."""
    default = logged.messages("init", "turn")
    second = logged.messages("init", "turn", executeCount=2)
    not_run = logged.read("init", "after")
    ran = logged.messages("init", "after", executeCount=2)

    assert "first try" in default
    assert "second try" not in default
    assert "second try" in second
    assert "first try" not in second
    assert (not_run["status"], not_run["logs"]) == (1, [])
    assert "after" in ran


def test_kept_task_has_no_lines_in_the_new_attempt(logged: LoggedBuild) -> None:
    """A task that was kept by a retry has its lines in the attempt in which it ran."""
    data = logged.read("init", "chatty", executeCount=2)

    assert data["logs"] == []


def test_debug_lines_are_hidden_unless_asked_for(logged: LoggedBuild) -> None:
    """Lines marked as debug come with `debug=true` only."""
    hidden = logged.messages("init", "chatty")
    shown = logged.messages("init", "chatty", debug=True)

    assert "##[debug]hidden" not in hidden
    assert "##[debug]hidden" in shown


def test_lines_by_step_and_by_job(logged: LoggedBuild) -> None:
    """A task's lines are found by its step id, those of a whole job by the job's id."""
    by_step = logged.messages("init", stepId="talk")
    by_job = logged.messages("init", jobId="build")

    assert "two" in by_step
    assert "first try" not in by_step
    assert contains_in_order(["two", "first try"], by_job)


def test_polling_starts_at_the_line_given(logged: LoggedBuild) -> None:
    """`after_line_logs` answers the line of that number and all later ones."""
    lines = logged.lines("init", "chatty")
    middle = next(line for line in lines if line["message"] == "##[error]bad")

    after = logged.lines("after_line", "chatty", start=int(str(middle["lineNo"])))

    assert after == lines[lines.index(middle) :]


def test_range_of_lines(logged: LoggedBuild) -> None:
    """`more_logs` takes both ends as inclusive and counts from the end asked for, ascending."""
    lines = logged.lines("init", "chatty")
    start, end = (int(str(lines[n]["lineNo"])) for n in (1, -2))

    whole = logged.lines("more", "chatty", start=start, end=end)
    head = logged.lines("more", "chatty", start=start, end=end, num=3)
    tail = logged.lines("more", "chatty", start=start, end=end, num=3, fromStart=False)

    assert whole == lines[1:-1]
    assert head == lines[1:4]
    assert tail == lines[-4:-1]


def test_last_line_number(logged: LoggedBuild) -> None:
    """The largest line number of the build is that of its last line in any attempt."""
    lines = logged.lines("init", executeCount=2)
    data = logged.read("last_line_num")

    assert data["finished"] is True
    assert data["lastLineNum"] == lines[-1]["lineNo"]


def test_mode_of_a_task_log(logged: LoggedBuild) -> None:
    """The log of a finished task can be searched line by line."""
    data = logged.read("log_mode", "chatty")

    assert (data["buildId"], data["finished"]) == (logged.build.id, True)
    assert data["logMode"] == "UPLOAD"


def test_download(logged: LoggedBuild) -> None:
    """A download is a text file of stamped lines of one attempt, without debug lines."""
    http, text, headers = logged.download()
    _, second, _ = logged.download(executeCount=2)

    matches = [DOWNLOAD_LINE.fullmatch(line) for line in text.splitlines()]
    messages: list[object] = [match[1] for match in matches if match]
    name = f"{logged.build.scenario.pipeline}-{logged.build.id}-log.txt"
    assert http == OK
    assert headers["content-type"].startswith("application/octet-stream")
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    assert len(messages) == len(matches)
    assert contains_in_order([*VISIBLE, "first try"], messages)
    assert "##[debug]hidden" not in messages
    assert "second try" not in text
    assert "second try" in second
    assert "first try" not in second


def test_download_of_a_task(logged: LoggedBuild) -> None:
    """A download takes a task's tag."""
    _, text, _ = logged.download(tag=logged.build.scenario.ids["turn"])

    assert "first try" in text
    assert "two" not in text


def test_download_of_nothing(client: BkciClient, bench: Workbench) -> None:
    """A build that has not run has no log to download."""
    scenario = Scenario(client, bench, one_job("queued", [step("only", bench.script("only"))]))
    client.change_setting(scenario.project, scenario.pipeline, runLockType="SINGLE")
    bench.hold("only")
    running = scenario.start()
    running.wait_ran("only")
    queued = scenario.start()

    answer = client.download(scenario.project, queued.id)
    bench.release("only")
    queued.wait()

    assert answer.http == NOT_FOUND


def test_following_a_running_task(client: BkciClient, bench: Workbench) -> None:
    """Lines of a running task are there at once; polling ends with all of them, each once."""
    script = "echo early\n" + bench.script("slow", "echo late")
    scenario = Scenario(client, bench, one_job("follow", [step("slow", script)]))
    bench.hold("slow")
    logged = LoggedBuild(scenario.start())

    def early() -> dict[str, object] | None:
        data = logged.read("init", "slow")
        return data if "early" in logged.messages("init", "slow") else None

    first = poll_until(early, what="the first line")
    lines = logged.lines("init", "slow")
    bench.release("slow")

    def rest() -> bool:
        data = logged.read("after_line", "slow", start=int(str(lines[-1]["lineNo"])) + 1)
        found = data["logs"]
        assert isinstance(found, list)
        lines.extend(found)
        return bool(data["finished"]) and not data["hasMore"]

    poll_until(rest, what="the end of the log")

    assert first["finished"] is False
    messages = [line["message"] for line in lines]
    assert (messages.count("early"), messages.count("late")) == (1, 1)
    assert lines == logged.lines("init", "slow")


@pytest.fixture(scope="module")
def wide(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggedBuild]:
    """Give a build with a task of very many lines and one with a very long line."""
    bench = Workbench(tmp_path_factory.mktemp("bench"))
    long = f"head -c {LONG_LINE} /dev/zero | tr '\\0' x\necho"
    jobs = [
        job("many", [step("many", f"seq 1 {MANY_LINES}")]),
        job("long", [step("long", long)]),
    ]
    with BkciClient(server.url) as client:
        scenario = Scenario(client, bench, pipeline("wide", [stage("build", jobs)]))
        yield LoggedBuild(scenario.run())


def test_many_lines_come_in_pages(wide: LoggedBuild) -> None:
    """A page holds up to 10,000 lines and says that there are more; nothing is lost between."""
    first = wide.read("init", "many")
    lines = wide.lines("init", "many")
    end = wide.lines("init", "many", reverse=True)

    rest = wide.read("after_line", "many", start=int(str(lines[-1]["lineNo"])) + 1)
    assert isinstance(rest["logs"], list)
    numbers = [line["message"] for line in lines + rest["logs"]]
    assert first["hasMore"] is True
    assert len(lines) == PAGE_LINES
    assert rest["hasMore"] is False
    assert contains_in_order([str(n) for n in range(1, MANY_LINES + 1)], numbers)
    assert str(MANY_LINES) in [line["message"] for line in end]
    assert "1" not in [line["message"] for line in end]


def test_long_line_comes_in_pieces(wide: LoggedBuild) -> None:
    """A line over 16 KB is stored in pieces, and no byte of it is lost."""
    pieces = [str(message) for message in wide.messages("init", "long")]

    parts = [piece for piece in pieces if piece and set(piece) == {"x"}]
    assert sum(len(part) for part in parts) == LONG_LINE
    assert max(len(part) for part in parts) <= 16 * 1024
