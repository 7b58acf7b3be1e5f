"""Settings: read once, from `DIR/mulligan.toml`, the environment and `--set`; later wins.

A setting has a dotted name (`limits.jobs_per_stage`). In the environment it is
`MULLIGAN_LIMITS__JOBS_PER_STAGE`. All bad values are reported at once.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec


class SettingsError(Exception):
    """One or more settings are unknown or have a bad value; `problems` names them all."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes that a request or definition may have."""

    stages: int = 20  # stages of a pipeline; as BK-CI
    jobs_per_stage: int = 20  # as BK-CI
    steps_per_job: int = 20  # as BK-CI
    body_mb: int = 16  # MiB of a request's body; a BK-CI model may have 16,777,215 characters
    json_depth: int = 100  # levels of nesting in a JSON body
    header_kb: int = 64  # KiB of all headers of a request together
    bkci_queue: int = 200  # queued and running builds of a pipeline at which a start is refused
    package_mb: int = 1024  # MiB of a file in the software center


class Bkci(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The BK-CI dialect."""

    verdict: str = "latest"  # "latest" (R8) or "as-upstream"
    retry_days: int = 28  # how long after its start a build may be retried; 0 = for ever


class Swr(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The SWR / ContainerOps dialect."""

    utc_offset_hours: float = 8.0  # of SYS_TIMESTAMP
    webhook_auth: str = "required"  # "optional": who knows the address of a trigger may use it


class Images(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Images that pipelines build and deploy."""

    registry: str = ""  # host:port; a loopback one is spoken to in plain HTTP
    auth_file: str = ""  # credentials for it, as buildah's --authfile takes them


class Plugins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Plugins of third parties."""

    java: str = ""  # program that plugins in Java are run with; "" = `java` on the PATH


class Net(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server goes on behalf of users."""

    private_targets: bool = False  # repositories and message targets in private networks


class Recovery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to work that was interrupted."""

    on_lost: str = "rerun"  # "rerun" or "fail"
    lost_budget: int = 3  # new attempts in a row that a lost step gets


class Steps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Processes of steps."""

    grace_s: float = 10.0  # seconds between TERM and KILL
    disk_full_grace_s: float = 60.0  # seconds for which output waits for space


class Http(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may call."""

    hosts: tuple[str, ...] = ()  # names in `Host` that are answered; () = any (without --dev)
    origins: tuple[str, ...] = ()  # other sites whose pages may change things
    public_url: str = ""  # how users reach the server; "" = the address listened on
    # Addresses and networks of proxies whose `X-Forwarded-For` and `-Proto` are believed. Not even
    # this machine by default: steps run here, and could say that they were anybody.
    trusted_proxies: tuple[str, ...] = ()


class Storage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The database."""

    synchronous: str = "FULL"  # SQLite: FULL survives a power cut, NORMAL a crash of the server


class Triggers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What starts pipelines without a person."""

    time_zone: str = "UTC"  # of timers that name none, as "Asia/Shanghai"
    missed: str = "skip"  # a timer whose time nobody was there at: "skip", or start it "once"
    remote_per_minute: int = 60  # starts that one token of a remote trigger may ask for
    kept_deliveries: int = 200  # of each hook
    kept_days: int = 30  # for which deliveries are kept


class Metrics(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`/metrics`."""

    public: bool = False  # answer without a credential
    pipelines: int = 0  # how many pipelines are counted by name


class Otel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Traces of runs, sent to a collector; needs the extra `otel`."""

    endpoint: str = ""  # http://HOST:PORT of the collector (OTLP over HTTP); "" = no traces
    headers: tuple[str, ...] = ()  # sent with them, each as NAME=VALUE
    service: str = "mulligan"  # what the traces call this server


class Mcp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tools for assistants at `/mcp`."""

    tools: str = "common"  # of the BK-CI calls: the "common" ones, or "all" that are served
    approvals: bool = False  # reviews and pauses may be answered through tools


class Mail(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}
):
    """The server that takes mail about results."""

    host: str = ""  # "" = no mail is sent
    port: int = 587  # 465 = TLS from the start
    user: str = ""  # "" = no login
    password: str = ""
    from_: str = ""  # address that mail comes from; "" = mail.user, if it is one
    starttls: bool = True  # encrypt, and send nothing to a server that can't


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, with their defaults."""

    limits: Limits = Limits()
    bkci: Bkci = Bkci()
    swr: Swr = Swr()
    images: Images = Images()
    plugins: Plugins = Plugins()
    recovery: Recovery = Recovery()
    steps: Steps = Steps()
    http: Http = Http()
    storage: Storage = Storage()
    metrics: Metrics = Metrics()
    net: Net = Net()
    mail: Mail = Mail()
    mcp: Mcp = Mcp()
    otel: Otel = Otel()
    triggers: Triggers = Triggers()
    shutdown_grace_s: float = 10.0  # seconds that running steps get when the server ends


_CHOICES = {
    "bkci.verdict": ("latest", "as-upstream"),
    "swr.webhook_auth": ("required", "optional"),
    "recovery.on_lost": ("rerun", "fail"),
    "storage.synchronous": ("FULL", "NORMAL"),
    "triggers.missed": ("skip", "once"),
    "mcp.tools": ("common", "all"),
}
_RANGES = {
    "limits.stages": (1, 10_000),
    "limits.jobs_per_stage": (1, 10_000),
    "limits.steps_per_job": (1, 10_000),
    "limits.body_mb": (1, 1024),
    "limits.json_depth": (5, 500),
    "limits.header_kb": (4, 1024),
    "limits.bkci_queue": (1, 1_000_000),
    "limits.package_mb": (1, 1_048_576),
    "bkci.retry_days": (0, 36_500),
    "swr.utc_offset_hours": (-14, 14),
    "recovery.lost_budget": (0, 1_000_000),
    "steps.grace_s": (0, 3600),
    "steps.disk_full_grace_s": (0, 86_400),
    "mail.port": (1, 65_535),
    "metrics.pipelines": (0, 1000),
    "triggers.remote_per_minute": (1, 100_000),
    "triggers.kept_deliveries": (1, 10_000),
    "triggers.kept_days": (1, 3650),
    "shutdown_grace_s": (0, 3600),
}
# Environment variables of this prefix that are no settings.
_NOT_SETTINGS = {
    # of steps and deploy commands, which may call the command line themselves
    "MULLIGAN_ACTION",
    "MULLIGAN_ATTEMPT",
    "MULLIGAN_CACHE",
    "MULLIGAN_DEPLOYMENT",
    "MULLIGAN_IMAGE",
    "MULLIGAN_JOB",
    "MULLIGAN_PREVIOUS_IMAGE",
    "MULLIGAN_RELEASE_DIR",
    "MULLIGAN_RUN_ATTEMPT",
    "MULLIGAN_SERVICE",
    "MULLIGAN_SET_ENV",
    "MULLIGAN_STEP",
    # of the command line, as `mulligan help environment` lists them
    "MULLIGAN_CONTEXT",
    "MULLIGAN_DATA",
    "MULLIGAN_LANG",
    "MULLIGAN_NO_INPUT",
    "MULLIGAN_PAGER",
    "MULLIGAN_PIPELINE",
    "MULLIGAN_PROJECT",
    "MULLIGAN_TOKEN",
    "MULLIGAN_URL",
    # of tests, builds and the key
    "MULLIGAN_FAILPOINT",
    "MULLIGAN_KILLS",
    "MULLIGAN_PAGE_OUT",
    "MULLIGAN_PAGE_TOOLS",
    "MULLIGAN_PYTHON",
    "MULLIGAN_REQUIRE_PAGE",
    "MULLIGAN_SCREENSHOTS",
    "MULLIGAN_SECRET_KEY",
    "MULLIGAN_VENV",
}


def names() -> dict[str, Any]:
    """Give every setting's dotted name and default."""
    found: dict[str, Any] = {}
    defaults = Settings()
    for field in Settings.__struct_fields__:
        value = getattr(defaults, field)
        if isinstance(value, msgspec.Struct):
            written = value.__struct_encode_fields__
            for inner, name in zip(value.__struct_fields__, written, strict=True):
                found[f"{field}.{name}"] = getattr(value, inner)
        else:
            found[field] = value
    return found


def load_settings(
    data: Path | None,
    environment: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
) -> Settings:
    """Read the settings.

    Args:
        data: The data directory; its `mulligan.toml` is read if it exists.
        overrides: Texts "KEY=VALUE" of the command line.

    Raises:
        SettingsError: Names every unknown setting and bad value.
    """
    problems: list[str] = []
    given: dict[str, Any] = {}
    if data is not None:
        given.update(_from_file(data / "mulligan.toml", problems))
    given.update(_from_environment(os.environ if environment is None else environment))
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            problems.append(f"--set {text}: must be KEY=VALUE")
        else:
            given[key.strip()] = value
    return _build(given, problems)


def _from_file(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        problems.append(f"{path.name}: can't be read: {error.strerror}")
        return {}
    try:
        return dict(_flatten(tomllib.loads(content.decode())))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path.name}: {error}")
        return {}


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix("MULLIGAN_").replace("__", ".").lower(): value
        for name, value in environment.items()
        if name.startswith("MULLIGAN_") and name not in _NOT_SETTINGS
    }


def _build(given: dict[str, Any], problems: list[str]) -> Settings:
    defaults = names()
    nested: dict[str, Any] = {}
    for key, value in given.items():
        if key not in defaults:
            problems.append(f"{key}: there is no such setting")
            continue
        try:
            converted = _convert(value, defaults[key])
        except ValueError as error:
            problems.append(f"{key}: {error}")
            continue
        problem = _check(key, converted)
        if problem:
            problems.append(f"{key}: {problem}")
        group, dot, name = key.partition(".")
        if dot:
            nested.setdefault(group, {})[name] = converted
        else:
            nested[key] = converted
    if problems:
        raise SettingsError(problems)
    return msgspec.convert(nested, Settings, strict=False)


def _convert(value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if str(value).lower() not in words:
            raise ValueError(f"{value!r} is neither true nor false")
        return words[str(value).lower()]
    if isinstance(default, int | float):
        try:
            return type(default)(value)
        except (TypeError, ValueError):
            raise ValueError(f"{value!r} is not a number") from None
    if isinstance(default, tuple):
        parts = value if isinstance(value, list) else str(value).split(",")
        return tuple(str(part).strip() for part in parts if str(part).strip())
    return str(value)


def _check(key: str, value: Any) -> str:
    if key == "triggers.time_zone" and value != "UTC" and not _is_time_zone(value):
        return f"there is no time zone {value!r}"
    if key == "otel.endpoint" and value:
        return _problem_of_endpoint(value)
    if key == "otel.headers" and not all(name and equals for name, equals, _ in _pairs(value)):
        return "each header must be NAME=VALUE"
    if key == "http.trusted_proxies" and not all(map(_is_network, value)):
        return "each must be an address or a network, as 10.0.0.7 or 10.0.0.0/8"
    choices = _CHOICES.get(key)
    if choices is not None and value not in choices:
        return f"{value!r} is none of: {', '.join(choices)}"
    lowest_highest = _RANGES.get(key)
    if lowest_highest is not None and not lowest_highest[0] <= value <= lowest_highest[1]:
        return f"{value} is outside {lowest_highest[0]} to {lowest_highest[1]}"
    return ""


def _is_network(text: str) -> bool:
    from ipaddress import ip_network  # few stand behind a proxy

    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # few start with another one than UTC

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _problem_of_endpoint(url: str) -> str:
    """Tell what is wrong with the address of a collector; "" = nothing."""
    from importlib.util import find_spec
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"{url!r} is no address like http://collector:4318"
    try:
        found = find_spec("opentelemetry.exporter.otlp.proto.common")
    except ModuleNotFoundError:
        found = None
    if found is None or find_spec("opentelemetry.sdk") is None:
        return "traces need a library that is not installed: pip install 'mulligan[otel]'"
    return ""


def _pairs(texts: Iterable[str]) -> list[tuple[str, str, str]]:
    return [text.partition("=") for text in texts]
