"""Matrix jobs of a model: read, checked when they are saved, and shown with their copies."""

from mulligan.core.errors import InvalidError
from mulligan.core.matrix import MOST_AT_ONCE, expand
from mulligan.core.matrix_text import MatrixError
from mulligan.core.run import Job
from mulligan.core.spec import JobSpec, MatrixSpec
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.times import Json, present

DEFAULT_AT_ONCE = 5
# Members that only a run gives to a container.
OF_RUN = frozenset({"matrixGroupId", "matrixContext", "groupContainers"})
_COUNTS = frozenset({"totalCount", "finishCount"})
# What the element of a copy shows of the one that it is a copy of.
_KEPT = (
    "name",
    "version",
    "stepId",
    "reviewUsers",
    "desc",
    "params",
    "suggestRequired",
    "interceptTask",
    "interceptTaskName",
)


def read_matrix(part: Part) -> MatrixSpec | None:
    """Read the matrix of a container; None if it has none.

    Raises:
        InvalidError: It can't give any combination, whatever the variables are.
    """
    if not part.flag("matrixGroupFlag"):
        return None
    option = part.part("matrixControlOption")
    if option is None:
        raise _wrong("a matrix job needs its matrixControlOption", part.at("matrixControlOption"))
    at_once = option.whole("maxConcurrency", DEFAULT_AT_ONCE)
    if at_once > MOST_AT_ONCE:
        raise _wrong(
            f"maxConcurrency of a matrix job is {at_once}; at most {MOST_AT_ONCE} is allowed",
            option.at("maxConcurrency"),
        )
    spec = MatrixSpec(
        strategy=option.text("strategyStr"),
        include=option.text("includeCaseStr"),
        exclude=option.text("excludeCaseStr"),
        fast_kill=option.flag("fastKill"),
        max_parallel=at_once if at_once > 0 else DEFAULT_AT_ONCE,
    )
    _check(spec, option)
    return spec


def _check(spec: MatrixSpec, option: Part) -> None:
    """Refuse a matrix that is wrong as it stands; with expressions that shows when it runs."""
    texts = (spec.strategy, spec.include, spec.exclude)
    if not (spec.strategy.strip() or spec.include.strip()):
        raise _wrong("a matrix job needs a strategy or cases to include", option.at("strategyStr"))
    if any("${{" in text for text in texts):
        return
    try:
        expand(spec)
    except MatrixError as error:
        raise _wrong(str(error), option.pointer) from error


def _wrong(message: str, pointer: str) -> InvalidError:
    return InvalidError(message, pointer=pointer, code="matrix", values=(message,))


def render_matrix(source: Json, record: Job | None, copies: list[Json]) -> Json:
    """Return what a matrix job shows besides what every job does."""
    given = source.get("matrixControlOption") or {}
    option = {key: value for key, value in given.items() if key not in _COUNTS}
    if record is not None and record.combinations:
        ended = [copy for copy in copies if copy.get("status") in _ENDED]
        option |= {"totalCount": len(copies), "finishCount": len(ended)}
    message = record.message if record is not None else ""
    return {
        "matrixGroupFlag": True,
        "matrixControlOption": option,
        "groupContainers": copies,
        **present({"errorMsg": message or None}),
    }


_ENDED = frozenset(
    {"SUCCEED", "FAILED", "CANCELED", "TERMINATE", "SKIP", "UNEXEC", "QUEUE_TIMEOUT"}
) | {"HEARTBEAT_TIMEOUT"}


def members_of_copy(parent: JobSpec, copy: JobSpec) -> Json:
    """Return what tells a copy from the job that it was made of."""
    return {
        "id": copy.id,
        "containerId": copy.id,
        "containerHashId": copy.hash_id or None,
        "jobId": copy.ref or None,
        "matrixGroupFlag": False,
        "matrixGroupId": parent.id,
        "matrixContext": {f"matrix.{name}": value for name, value in copy.matrix_values},
    }


def source_of_copy(source: Json, copy: JobSpec) -> Json:
    """Return the container of a copy, before anything has happened to it."""
    kept = {key: value for key, value in source.items() if key != "matrixControlOption"}
    elements = [
        present(
            {
                "@type": "matrixStatus",
                "id": step.id,
                "originClassType": element.get("@type"),
                "originAtomCode": element.get("atomCode") or element.get("@type"),
                **{key: element.get(key) for key in _KEPT},
            }
        )
        for element, step in zip(source["elements"], copy.steps, strict=True)
    ]
    return {**kept, "elements": elements}
