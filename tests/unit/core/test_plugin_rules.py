"""What a task.json may say, what a zip may hold, which version a step means."""

from typing import Any

import pytest

from mulligan.core.plugins import (
    MOST_BYTES,
    MOST_ENTRIES,
    MOST_MANIFEST_BYTES,
    ZipEntry,
    choose_version,
    execution_of,
    problems_of,
    problems_of_zip,
    version_in,
)
from plugin_zips import manifest

INSTALLED = ("1.9.0", "1.10.2", "2.0.0", "1.10.0")
FILES = frozenset({"task.json", "run.sh"})
TASK = ZipEntry("task.json", 10, 10, 0)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("1.*", "1.10.2"),
        ("1.9.*", "1.9.0"),
        ("2.*", "2.0.0"),
        ("1.10.0", "1.10.0"),
        ("latest", "2.0.0"),
        ("*", "2.0.0"),
        ("", "2.0.0"),
        ("3.*", None),
        ("1.10.1", None),
        ("1", None),
        ("0.*", None),
        ("10.*", None),
    ],
)
def test_which_version_a_step_means(wanted: str, chosen: str | None) -> None:
    """Versions are ordered by their numbers; a star takes the newest that fits."""
    assert choose_version(wanted, INSTALLED) == chosen


def test_nothing_is_installed() -> None:
    """Then no version is meant."""
    assert choose_version("latest", ()) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"atomCode": ""}, "atomCode"),
        ({"atomCode": "../x"}, "atomCode"),
        ({"execution": None}, "execution: is missing"),
        ({"input": []}, "input: must be an object"),
        ({"input": {f"i{n}": {} for n in range(101)}}, "has 101 entries"),
        ({"output": {f"o{n}": {} for n in range(101)}}, "has 101 entries"),
        ({"input": {"a": "text"}}, "input.a: must be an object"),
        ({"output": {"a": {"type": "file"}}}, "output.a.type"),
        ({"config": {"defaultTimeout": 10_081}}, "config.defaultTimeout"),
        ({"config": {"retryTimes": 6}}, "config.retryTimes"),
        ({"config": {"retryTimes": True}}, "config.retryTimes"),
        ({"config": {"defaultFailPolicy": "STOP"}}, "config.defaultFailPolicy"),
        ({"config": {"defaultRetryPolicy": ["SOMETIMES"]}}, "config.defaultRetryPolicy"),
        (
            {
                "config": {
                    "defaultFailPolicy": "AUTO_CONTINUE",
                    "defaultRetryPolicy": ["MANUALLY_RETRY"],
                }
            },
            "exclude each other",
        ),
        ({"config": {"canPauseBeforeRun": "yes"}}, "config.canPauseBeforeRun"),
    ],
)
def test_wrong_task_json(change: dict[str, Any], problem: str) -> None:
    """Each rule is told by the name of what breaks it."""
    (found,) = problems_of(manifest() | change, FILES)

    assert problem in found


@pytest.mark.parametrize(
    ("execution", "problem"),
    [
        ({"language": "cobol"}, "execution.language"),
        ({"target": " "}, "execution.target: is missing"),
        ({"target": "java -jar ATOM_CODE.jar"}, "ATOM_CODE"),
        ({"packagePath": "gone.sh"}, "no file 'gone.sh'"),
        ({"packagePath": 7}, "execution.packagePath: must be a text"),
        ({"demands": "chmod +x run.sh"}, "execution.demands"),
        ({"post": "always"}, "execution.post: must be an object"),
        ({"post": {"postCondition": 1}}, "execution.post.postCondition"),
        ({"os": {}}, None),
        ({"os": [{"osName": "linux", "target": "x"}]}, "exactly one entry with defaultFlag"),
        ({"os": [{"osName": "darwin", "target": "x", "defaultFlag": True}]}, "no entry for linux"),
        ({"os": [{"osName": "linux", "defaultFlag": True}]}, "execution.os[0].target"),
        (
            {
                "os": [
                    {"osName": "linux", "target": "a", "defaultFlag": True},
                    {"osName": "linux", "osArch": "arm64", "target": "b", "defaultFlag": True},
                ]
            },
            "exactly one entry with defaultFlag",
        ),
        (
            {
                "os": [
                    {"osName": "linux", "target": "a", "defaultFlag": True},
                    {"osName": "os2", "target": "b", "defaultFlag": True},
                ]
            },
            "execution.os[1].osName",
        ),
    ],
)
def test_wrong_execution(execution: dict[str, Any], problem: str | None) -> None:
    """What can't be run here is said when it is installed."""
    found = problems_of(manifest(**execution), FILES)

    assert (problem is None and found == []) or (problem is not None and problem in found[0])


def test_every_problem_is_told_at_once() -> None:
    """Nobody has to try again for each."""
    wrong = manifest(language="x", packagePath="y") | {"atomCode": "1", "input": 2}

    assert len(problems_of(wrong, FILES)) == 4
    assert problems_of([], FILES) == ["task.json: is not a JSON object"]


def test_entry_for_the_machine_comes_first() -> None:
    """An entry for its architecture wins over the default one of Linux; the rest is shared."""
    systems = [
        {"osName": "windows", "target": "w", "defaultFlag": True},
        {"osName": "linux", "target": "a", "defaultFlag": True, "demands": ["d"]},
        {"osName": "linux", "osArch": "arm64", "target": "b", "packagePath": "p"},
    ]
    task = manifest(os=systems, finishKillFlag=True, runtimeVersion="17")

    assert execution_of(task).target == "a"
    found = execution_of(task, "arm64")
    assert (found.target, found.package, found.demands) == ("b", "p", ())
    assert (found.runtime, found.kills_rest) == ("17", True)
    assert execution_of(task, "x86_64").demands == ("d",)


def test_version_that_a_plugin_gives_itself() -> None:
    """It stands in its release data, in one of two places."""
    assert version_in({"releaseInfo": {"versionInfo": {"version": "1.2.3"}}}) == "1.2.3"
    assert version_in({"releaseInfo": {"version": " 1.2.3 "}}) == "1.2.3"
    assert version_in({"releaseInfo": {"version": 7}}) == version_in({}) == ""


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (ZipEntry("../x", 1, 1, 0), "not a path below the top"),
        (ZipEntry("a/../../x", 1, 1, 0), "not a path below the top"),
        (ZipEntry("/etc/passwd", 1, 1, 0), "not a path below the top"),
        (ZipEntry("a\\..\\x", 1, 1, 0), "not a path below the top"),
        (ZipEntry("a//b", 1, 1, 0), "not a path below the top"),
        (ZipEntry("a\0b", 1, 1, 0), "not a path below the top"),
        (ZipEntry("link", 1, 1, 0o120777), "link or a special file"),
        (ZipEntry("pipe", 1, 1, 0o010644), "link or a special file"),
        (ZipEntry("secret", 1, 1, 0, is_encrypted=True), "encrypted"),
        (ZipEntry("zeros", 500_000_000, 1_000_000, 0), "unpacks to more than 200 times"),
        (ZipEntry("big", MOST_BYTES, MOST_BYTES // 2, 0), "unpacks to"),
        (ZipEntry("task.json", 10, 10, 0), "two entries of one name"),
    ],
)
def test_dangerous_zip(entry: ZipEntry, problem: str) -> None:
    """It is refused before anything of it is unpacked."""
    (found,) = problems_of_zip([TASK, entry])

    assert problem in found


def test_zip_of_a_plugin() -> None:
    """Folders, files and programs are good; many equal lines in a small file too."""
    entries = [
        TASK,
        ZipEntry("lib/", 0, 0, 0o040755),
        ZipEntry("lib/app", 9, 9, 0o100755),
        ZipEntry("lines.txt", 1_000_000, 1_100, 0),
    ]

    assert problems_of_zip(entries) == []


def test_zip_that_is_none_of_a_plugin() -> None:
    """Too many entries, no task.json at the top, a huge one."""
    many = [ZipEntry(f"f{n}", 1, 1, 0) for n in range(MOST_ENTRIES + 1)]

    assert "entries" in problems_of_zip(many)[0]
    assert problems_of_zip([ZipEntry("x/task.json", 1, 1, 0)]) == [
        "the zip has no task.json at its top"
    ]
    huge = ZipEntry("task.json", MOST_MANIFEST_BYTES + 1, MOST_MANIFEST_BYTES, 0)
    assert "task.json is larger" in problems_of_zip([huge])[0]
