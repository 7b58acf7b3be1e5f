"""Hypothesis strategies for values of the core, made from their type hints."""

import types
import typing
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from conformance.store_builders import SHOP, at, pipeline_id, run_id
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.status import Status
from mulligan.ports import RunFilter

INSTANTS = st.datetimes(timezones=st.just(UTC))
BANK = ProjectId("bank")
USERS = tuple(map(UserName, ("ann", "bob", "cid")))
KINDS = ("manual", "webhook", "service")
# what fits into a column of any database
INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Give values of a type: a struct of the core or what such a struct is made of."""
    if isinstance(kind, typing.NewType):
        return values(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXTS,
        int: INTEGERS,
        bool: st.booleans(),
        float: st.floats(0, 1e9),
        bytes: st.binary(max_size=20),
        datetime: INSTANTS,
        type(None): st.none(),
        Any: JSON,
    }
    return simple[kind] if kind in simple else _generic(kind)


def _generic(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType or origin is typing.Union:
        return st.one_of([values(argument) for argument in arguments])
    if origin is frozenset:
        return st.frozensets(values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    raise TypeError(f"no strategy for {kind}")


def _later(hint: Any) -> st.SearchStrategy[Any]:
    return st.deferred(lambda: values(hint))


def structs(kind: type[msgspec.Struct], **fixed: Any) -> st.SearchStrategy[Any]:
    """Give structs of a type; `fixed`: fields that all of them have the same."""
    hints = typing.get_type_hints(kind)
    fields = {name: _later(hints[name]) for name in kind.__struct_fields__ if name not in fixed}
    return st.builds(kind, **fields, **{name: st.just(value) for name, value in fixed.items()})


def interval(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Give bounds of which either may be missing."""
    return st.tuples(st.none() | values, st.none() | values)


def some(values: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Give a few of the values, also none, also one of them twice."""
    return st.lists(st.sampled_from(values), max_size=3).map(tuple)


@st.composite
def filters(draw: st.DrawFn) -> RunFilter:
    """Give a filter, on which few or many fields are set."""
    seconds = st.integers(-5, 160).map(at)
    numbers = draw(interval(st.integers(0, 40)))
    queued, started, ended = (draw(st.just((None, None)) | interval(seconds)) for _ in range(3))
    return RunFilter(
        project=draw(st.sampled_from((None, SHOP, SHOP, BANK))),
        pipeline=draw(st.sampled_from((None, *map(pipeline_id, (1, 1, 2, 3))))),
        statuses=draw(some(tuple(Status))),
        causes=draw(st.just(()) | some(("", "timeout", "infra"))),
        start_kinds=draw(st.just(()) | some(KINDS)),
        actors=draw(st.just(()) | some(USERS)),
        number_from=numbers[0],
        number_to=numbers[1],
        queued_from=queued[0],
        queued_to=queued[1],
        started_from=started[0],
        started_to=started[1],
        ended_from=ended[0],
        ended_to=ended[1],
        remark=draw(st.sampled_from((None, None, "", "login", "%", "_done", "LOGIN"))),
        message=draw(st.sampled_from((None, None, "", "login", "%", "Ä"))),
        ids=draw(st.just(()) | st.lists(st.integers(1, 70).map(run_id), max_size=9).map(tuple)),
        branches=draw(st.just(()) | some(("", "main", "dev"))),
        recovered=draw(st.sampled_from((None, None, True, False))),
    )
