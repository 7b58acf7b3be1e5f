"""Tasks (elements) of a model to steps of the core."""

import re

from mulligan.core.ids import StepId
from mulligan.core.spec import REVIEW, OnFailure, StepSpec
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.model_conditions import (
    LONGEST_TIMEOUT,
    STEP_CONDITIONS,
    read_condition,
    read_paths,
    read_timeout,
)
from mulligan.facades.bkci.model_inputs import kind_of, read_inputs

MOST_AUTO_RETRIES = 5
DEFAULT_TIMEOUT_MINUTES = 100
MARKET_TYPES = frozenset({"marketBuild", "marketBuildLess"})
_NO_OPTIONS = Part({})


def read_step(element: Part) -> StepSpec:
    """Read one task of a document whose ids are set.

    A task that this server has no way to run is read as kind "plugin"; it fails when its turn
    comes, unless it is switched off.
    """
    options = element.part("additionalOptions") or _NO_OPTIONS
    code = code_of(element)
    kind = kind_of(element.text("@type"), code)
    # who is asked and given no time has as much as there is
    default = LONGEST_TIMEOUT if kind == REVIEW else DEFAULT_TIMEOUT_MINUTES
    seconds, text = read_timeout(options, default)
    return StepSpec(
        id=StepId(element.text("id")),
        name=element.text("name") or code,
        kind=kind,
        ref=element.text("stepId").strip(),
        enabled=options.flag("enable", default=True),
        condition=read_condition(options, STEP_CONDITIONS),
        on_failure=_on_failure(options),
        may_skip=options.flag("manualSkip"),
        may_retry=options.flag("manualRetry", default=True),
        auto_retries=_auto_retries(options),
        timeout_s=seconds,
        timeout_text=text,
        pause_before=options.flag("pauseBeforeExec"),
        env=_environment(element, options),
        code=code,
        post_of=_parent(options),
        if_modify=read_paths(options),
        inputs=read_inputs(element, kind, code),
    )


def code_of(element: Part) -> str:
    """Return the name of the plugin that a task runs: its atom code, else its type."""
    kind = element.text("@type")
    if kind in MARKET_TYPES:
        return element.text("atomCode").strip() or kind
    return kind


def _on_failure(options: Part) -> OnFailure:
    if not options.flag("continueWhenFailed"):
        return OnFailure.STOP
    return OnFailure.ASK if options.flag("manualSkip") else OnFailure.CONTINUE


def _auto_retries(options: Part) -> int:
    if not options.flag("retryWhenFailed"):
        return 0
    return min(max(options.whole("retryCount", 0), 1), MOST_AUTO_RETRIES)


def _environment(element: Part, options: Part) -> tuple[tuple[str, str], ...]:
    pairs = element.pairs("customEnv")
    if not pairs and options.flag("enableCustomEnv", default=True):
        pairs = options.pairs("customEnv")  # where older documents have it
    return tuple((name, value) for name, value in pairs if name.strip())


def _parent(options: Part) -> StepId | None:
    post = options.part("elementPostInfo")
    parent = post.text("parentElementId").strip() if post is not None else ""
    return StepId(parent) if re.fullmatch(r"[\w.-]+", parent) else None
