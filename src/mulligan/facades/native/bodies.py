"""What bodies of requests look like.

An unknown member is an error: a typo must not widen what is done.
"""

import re
from typing import Any, TypeVar

import msgspec

from mulligan.core.errors import InvalidError
from mulligan.core.recovery.request import Changes, StepChanges
from mulligan.core.values import text_of

T = TypeVar("T")

_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_ANY_KEY = "[...]"  # in a map: under which key is not told
_PART = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_FIELD = re.compile(r"(?:missing required|unknown) field `([^`]+)`")


def convert(value: object, kind: type[T]) -> T:
    """Give a decoded JSON value as a value of that type.

    Raises:
        InvalidError: It has another shape; says where and what was expected.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, pointer = _explain(str(error))
        raise InvalidError(message, pointer=pointer, code="bad-shape") from None


def _explain(text: str) -> tuple[str, str]:
    """Split what msgspec says into a message and a JSON pointer."""
    found = _PATH.search(text)
    pointer = ""
    if found is not None:
        text = text[: found.start()]
        path, in_map, _ = found[1].partition(_ANY_KEY)
        for name, number in _PART.findall(path):
            pointer += f"/{name or number}"
        if in_map:
            return text[:1].lower() + text[1:], pointer
    field = _FIELD.search(text)
    if field is not None:
        pointer += f"/{field[1]}"
    return text[:1].lower() + text[1:], pointer


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all bodies: knows no other members than its own."""


class TokenBody(Body, frozen=True, kw_only=True):
    """A new token. `ttl_s`: seconds until it is over; absent = never."""

    name: str
    user: str = ""
    projects: tuple[str, ...] = ()
    role: str = ""
    ttl_s: int | None = None


class SessionBody(Body, frozen=True, kw_only=True):
    """Signing in to the page: user and password, or a token."""

    user: str = ""
    password: str = ""
    token: str = ""


class UserBody(Body, frozen=True, kw_only=True):
    """A new user; without a password only tokens let them in."""

    name: str
    password: str = ""


class UserChange(Body, frozen=True, kw_only=True):
    """What to change of a user; absent members stay as they are."""

    language: str | None = None
    email: str | None = None
    password: str | None = None
    disabled: bool | None = None


class MemberBody(Body, frozen=True, kw_only=True):
    """A place in a project."""

    role: str
    permissions: tuple[str, ...] = ()


class ProjectBody(Body, frozen=True, kw_only=True):
    """A new project; `id` follows from the name when it is absent."""

    name: str
    id: str = ""
    description: str = ""


class AppBody(Body, frozen=True, kw_only=True):
    """A new application for some projects."""

    code: str
    projects: tuple[str, ...]


class ClockBody(Body, frozen=True, kw_only=True):
    """Seconds to move the clock forward."""

    advance: float


class StartBody(Body, frozen=True, kw_only=True):
    """A new run. `values`: of its parameters; numbers and the like become texts."""

    values: dict[str, Any] = {}
    message: str = ""


class StepChangesBody(Body, frozen=True, kw_only=True):
    """What a step gets instead of what it has; null sets back to what is defined.

    Args:
        inputs: By name; of a plugin its own. A text may be the JSON of another type.
        env: Variables of its process, by name.
        timeout_s: Seconds for one attempt, up to seven days.
    """

    inputs: dict[str, Any] = {}
    env: dict[str, str | None] = {}
    timeout_s: int | msgspec.UnsetType | None = msgspec.UNSET


class ChangesBody(Body, frozen=True, kw_only=True):
    """What is to be otherwise from the next attempt on; at most 200 changes, 256 KB.

    Args:
        steps: By id or the step's own ref; only such as run again. Needs the right to edit.
        parameters: New values by name; null = the one that the run was started with.
    """

    steps: dict[str, StepChangesBody] = {}
    parameters: dict[str, Any] = {}

    def changes(self) -> Changes:
        """Return them as the planner takes them."""
        return Changes(
            steps={
                name: StepChanges(inputs=step.inputs, env=step.env, timeout_s=step.timeout_s)
                for name, step in self.steps.items()
            },
            parameters={
                name: None if value is None else text_of(value)
                for name, value in self.parameters.items()
            },
        )


class RecoveryBody(Body, frozen=True, kw_only=True):
    """What to run again, or to skip.

    Args:
        target: Id of a stage, job or step, or a step's own ref; absent = the whole run.
        only_failed: With a stage: leave its succeeded jobs as they are.
        skip: Skip the step, or all failed steps of the stage, instead.
        reason: Why; a skip needs one.
        changes: What is to be otherwise; not with a skip.
    """

    target: str = ""
    only_failed: bool = False
    skip: bool = False
    reason: str = ""
    changes: ChangesBody = ChangesBody()


class RollbackBody(Body, frozen=True, kw_only=True):
    """A rollback. `to`: id of the deployment to restore; absent = the one before the live one."""

    to: str | None = None
    reason: str = ""


class AnswerBody(Body, frozen=True, kw_only=True):
    """An answer to a review. `group`: id of the review group, absent = the one asked now."""

    approve: bool
    group: str = ""
    suggestion: str = ""
    values: dict[str, Any] = {}


class ResumeBody(Body, frozen=True, kw_only=True):
    """Let a paused step run, or cancel it."""

    go_ahead: bool = True


class RemarkBody(Body, frozen=True, kw_only=True):
    """A remark on a run."""

    remark: str


class DocumentBody(msgspec.Struct):
    """A pipeline in any of the formats that are known; see the guide of each."""
