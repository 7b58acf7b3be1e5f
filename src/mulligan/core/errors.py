"""The error tree.

MulliganError
├── CallerError              the caller can mend it
│   ├── InvalidError         the request or definition is malformed
│   ├── NotFoundError        no such thing, or not visible to the caller
│   ├── ForbiddenError       known, but not allowed
│   ├── ConflictError        clashes with what exists (name taken, key used otherwise)
│   └── RefusedError         a rule of recovery or of starting refuses; carries the `Refusal`
├── StateError               the state moved on
│   ├── StaleRevisionError   the run changed since it was read
│   ├── StaleFenceError      a report of an attempt that was handed on
│   └── IllegalTransitionError  not a row of TRANSITIONS
└── InfrastructureError      storage or executor failed; trying again later may help
"""

from mulligan.core.refusal import Refusal


class MulliganError(Exception):
    """Base of all errors that Mulligan raises on purpose."""


class CallerError(MulliganError):
    """The caller can mend it."""


class InvalidError(CallerError):
    """The request or the definition is malformed.

    Args:
        message: What is wrong and what was expected.
        pointer: Where in the input, as a JSON pointer or a field name.
        code: Stable word for facades to map, e.g. "stage-without-job".
        values: What facades may put into their own wording.
    """

    def __init__(
        self,
        message: str,
        *,
        pointer: str = "",
        code: str = "invalid",
        values: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.code = code
        self.values = values


class NotFoundError(CallerError):
    """No such thing, or not visible to the caller."""

    def __init__(self, kind: str, ident: str) -> None:
        super().__init__(f"{kind} {ident!r} not found")
        self.kind = kind
        self.ident = ident


class ForbiddenError(CallerError):
    """The actor is known, but lacks a permission."""

    def __init__(self, actor: str, permission: str, where: str) -> None:
        super().__init__(f"user {actor!r} lacks the permission {permission!r} in {where!r}")
        self.actor = actor
        self.permission = permission
        self.where = where


class ConflictError(CallerError):
    """Clashes with what exists."""

    def __init__(
        self, message: str, *, code: str = "conflict", values: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.code = code
        self.values = values


class RefusedError(CallerError):
    """A rule refuses the act; nothing was changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class StateError(MulliganError):
    """The state moved on; reading again may help."""


class StaleRevisionError(StateError):
    """The run changed since it was read."""


class StaleFenceError(StateError):
    """A report of an attempt that was handed on or has ended."""


class IllegalTransitionError(StateError):
    """The pair of status and move is not a row of TRANSITIONS."""


class InfrastructureError(MulliganError):
    """Storage or an executor failed; nothing was changed by the call that got this."""
