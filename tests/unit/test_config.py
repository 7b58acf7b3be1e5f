"""Settings: where they come from, which source wins, and what is said about bad ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mulligan.cli.topics import ENVIRONMENT
from mulligan.config import Settings, SettingsError, load_settings, names


def load(
    tmp_path: Path | None = None, toml: str = "", env: dict[str, str] | None = None, *sets: str
) -> Settings:
    """Load settings from a file, an environment and the command line."""
    if tmp_path is not None:
        (tmp_path / "mulligan.toml").write_text(toml)
    return load_settings(tmp_path, env or {}, sets)


def problems(*args: Any) -> list[str]:
    """Give what is said about bad settings."""
    with pytest.raises(SettingsError) as caught:
        load(*args)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def test_without_any_source_there_are_the_defaults(tmp_path: Path) -> None:
    """No file, no variable, no option: what the documents say."""
    assert load_settings(tmp_path, {}) == load_settings(None, {}) == Settings()


def test_later_sources_win(tmp_path: Path) -> None:
    """The file, then the environment, then --set."""
    toml = "shutdown_grace_s = 1\n[limits]\nstages = 1\njobs_per_stage = 1\nsteps_per_job = 1\n"
    env = {"MULLIGAN_LIMITS__JOBS_PER_STAGE": "2", "MULLIGAN_LIMITS__STEPS_PER_JOB": "2"}

    settings = load(tmp_path, toml, env, "limits.steps_per_job=3")

    limits = settings.limits
    assert (limits.stages, limits.jobs_per_stage, limits.steps_per_job) == (1, 2, 3)
    assert settings.shutdown_grace_s == 1.0


def test_the_last_of_two_options_wins() -> None:
    """--set may be repeated; blanks around the name do not count."""
    settings = load(None, "", None, "limits.stages=5", " limits.stages =6")

    assert settings.limits.stages == 6


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no other one is given."""
    monkeypatch.setenv("MULLIGAN_STEPS__GRACE_S", "2.5")

    assert load_settings(None).steps.grace_s == 2.5


@pytest.mark.parametrize("name", sorted(names()))
def test_every_setting_can_be_given_by_every_source(tmp_path: Path, name: str) -> None:
    """Its default, written out as a text, is taken from each of them."""
    default = names()[name]
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    variable = "MULLIGAN_" + name.replace(".", "__").upper()
    quoted = f'{name} = "{text}"'

    for settings in (
        load(None, "", {variable: text}),
        load(None, "", None, f"{name}={text}"),
        load(tmp_path, quoted),
    ):
        assert settings == Settings()


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("TRUE", True), ("1", True), ("yes", True), ("false", False), ("no", False)],
)
def test_words_for_yes_and_no(text: str, value: bool) -> None:
    """In any case of letters."""
    assert load(None, "", None, f"metrics.public={text}").metrics.public is value


def test_lists_are_separated_by_commas_or_given_as_such(tmp_path: Path) -> None:
    """Blanks around the parts and blank parts do not count."""
    toml = '[http]\nhosts = ["a", " b "]\n'

    settings = load(tmp_path, toml, {"MULLIGAN_HTTP__ORIGINS": "http://x, ,http://y "})

    assert settings.http.hosts == ("a", "b")
    assert settings.http.origins == ("http://x", "http://y")


def test_proxies_are_addresses_and_networks() -> None:
    """Names are none: whoever answers for one would be believed."""
    good = load(None, "", None, "http.trusted_proxies=10.0.0.7,fd00::/8")

    assert good.http.trusted_proxies == ("10.0.0.7", "fd00::/8")
    with pytest.raises(SettingsError, match="an address or a network"):
        load(None, "", None, "http.trusted_proxies=10.0.0.7,proxy")


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    """Of every source, whatever is wrong with them."""
    toml = "[limits]\nstages = 0\nunknown = 1\n[metrics]\npublic = 7\n"
    env = {"MULLIGAN_BKCI__VERDICT": "maybe", "MULLIGAN_NONSENSE": "1"}

    found = problems(tmp_path, toml, env, "limits.body_mb=many", "steps.grace_s", "x=1")

    assert found == [
        "--set steps.grace_s: must be KEY=VALUE",
        "limits.stages: 0 is outside 1 to 10000",
        "limits.unknown: there is no such setting",
        "metrics.public: 7 is neither true nor false",
        "bkci.verdict: 'maybe' is none of: latest, as-upstream",
        "nonsense: there is no such setting",
        "limits.body_mb: 'many' is not a number",
        "x: there is no such setting",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("limits.stages", "0"),
        ("limits.stages", "10001"),
        ("limits.json_depth", "4"),
        ("recovery.lost_budget", "-1"),
        ("steps.grace_s", "3601"),
        ("steps.grace_s", "nan"),
        ("shutdown_grace_s", "-0.1"),
        ("recovery.on_lost", "again"),
        ("storage.synchronous", "full"),
        ("limits.stages", "1.5"),
        ("limits.stages", ""),
        ("metrics.public", ""),
    ],
)
def test_bad_values(name: str, text: str) -> None:
    """Each is one problem that names the setting."""
    (problem,) = problems(None, "", None, f"{name}={text}")

    assert problem.startswith(f"{name}: ")


@pytest.mark.parametrize("toml", ["limits = ", "limits.stages = [1]", "limits = 3"])
def test_a_file_that_says_nothing_sensible(tmp_path: Path, toml: str) -> None:
    """Broken TOML, a list where a number belongs, a value where a table belongs."""
    assert len(problems(tmp_path, toml)) == 1


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    """It is named with the reason."""
    (tmp_path / "mulligan.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(SettingsError, match=r"mulligan\.toml"):
        load_settings(tmp_path, {})


OF_THE_COMMAND_LINE = sorted(
    name for names, _ in ENVIRONMENT for name in names.split(", ") if name.startswith("MULLIGAN_")
)


@pytest.mark.parametrize(
    "name", [*OF_THE_COMMAND_LINE, "MULLIGAN_STEP", "MULLIGAN_IMAGE", "MULLIGAN_ACTION", "PATH"]
)
def test_other_variables_are_no_settings(name: str) -> None:
    """What steps, the command line and the task runner use is left alone."""
    assert load(None, "", {name: "x"}) == Settings()


def test_collector_of_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is none, or a library that is missing, is said at the start."""
    good = "otel.endpoint=http://collector:4318"
    assert load(None, "", None, good).otel.endpoint == "http://collector:4318"
    with pytest.raises(SettingsError, match="no address"):
        load(None, "", None, "otel.endpoint=collector")
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        load(None, "", None, "otel.headers=key")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"mulligan\[otel\]"):
        load(None, "", None, good)
