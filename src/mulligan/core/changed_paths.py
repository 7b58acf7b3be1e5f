"""Parts of a definition that only run when certain files have changed (`if-modify`)."""

from collections.abc import Iterable, Iterator

from mulligan.core.spec import PipelineSpec
from mulligan.core.triggers.patterns import matches


def unmatched(spec: PipelineSpec, paths: Iterable[str] | None) -> frozenset[str]:
    """Return the patterns of a definition that no changed path matches.

    Args:
        paths: What the event says that started the run; None = it does not say, or none did: then
            everything counts as changed.
    """
    if paths is None:
        return frozenset()
    changed = [path.lstrip("/") for path in paths]
    wanted = dict.fromkeys(_patterns(spec))
    return frozenset(
        pattern for pattern in wanted if not any(is_changed(pattern, path) for path in changed)
    )


def is_changed(pattern: str, path: str) -> bool:
    """Tell whether a pattern matches a path or a folder above it, segment by segment."""
    return matches(f"{pattern.strip('/')}/**", path)


def _patterns(spec: PipelineSpec) -> Iterator[str]:
    for stage in spec.stages:
        yield from stage.if_modify
        for job in stage.jobs:
            yield from job.if_modify
            for step in job.steps:
                yield from step.if_modify
