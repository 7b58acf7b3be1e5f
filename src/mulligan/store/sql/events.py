"""Reading stored events, which are one ascending sequence over all runs."""

from typing import Any

from mulligan.core.ids import PipelineId, ProjectId, RunId
from mulligan.ports import EventRow
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection

_SELECT = (
    "SELECT events.seq, runs.id, projects.id, pipelines.id, events.revision, events.doc "
    "FROM events JOIN runs ON runs.key = events.run "
    "JOIN projects ON projects.number = events.project "
    "JOIN pipelines ON pipelines.number = events.pipeline "
    "WHERE events.seq > ?"
)
_OF_PROJECT = " AND events.project = (SELECT number FROM projects WHERE id = ?)"
_OF_PIPELINE = " AND events.pipeline = (SELECT number FROM pipelines WHERE id = ?)"
_OF_RUN = " AND events.run = (SELECT key FROM runs WHERE id = ?)"


class EventQuery:
    """The events after one, of a project, a pipeline, a run, or all."""

    def __init__(
        self,
        seq: int,
        project: ProjectId | None,
        run_id: RunId | None,
        pipeline: PipelineId | None,
        limit: int,
    ) -> None:
        self._sql = _SELECT
        self._values: list[Any] = [seq]
        for condition, wanted in (
            (_OF_PROJECT, project),
            (_OF_PIPELINE, pipeline),
            (_OF_RUN, run_id),
        ):
            if wanted is not None:
                self._sql += condition
                self._values.append(wanted)
        self._sql += " ORDER BY events.seq LIMIT ?"
        self._values.append(limit)

    def __call__(self, connection: Connection) -> tuple[EventRow, ...]:
        """Return the rows."""
        found = connection.execute(self._sql, self._values)
        return tuple(
            EventRow(
                seq=seq,
                run_id=RunId(run_id),
                project=ProjectId(project),
                pipeline=PipelineId(pipeline),
                revision=revision,
                event=rows.event(doc),
            )
            for seq, run_id, project, pipeline, revision, doc in found
        )
