"""Read a pipeline model: check it by the rules of saving, set its ids, compile it.

The stages in order: `model_outline` (form and size), `model_ids` (ids by position), then
`model_stage` > `model_job` > `model_step`, `model_params` and `model_triggers` (what it means).
"""

from mulligan.core.spec import Dialect, PipelineSpec
from mulligan.facades.bkci.document import Json, Part
from mulligan.facades.bkci.model_ids import number
from mulligan.facades.bkci.model_outline import outline
from mulligan.facades.bkci.model_params import (
    manual_trigger,
    read_counter,
    read_parameters,
    trigger_steps,
)
from mulligan.facades.bkci.model_stage import read_stage
from mulligan.facades.bkci.model_triggers import read_triggers
from mulligan.facades.common.ways import Limits
from mulligan.ports import Ids

DEFAULT_LIMITS = Limits()


def read_model(
    document: object,
    *,
    ids: Ids,
    limits: Limits = DEFAULT_LIMITS,
    dialect: Dialect = Dialect.CLASSIC,
) -> tuple[PipelineSpec, Json]:
    """Compile a model and give the document to be stored.

    Args:
        document: Decoded JSON; it is not changed.
        ids: Where ids of tasks, jobs and review groups without one come from.
        limits: How large it may be.
        dialect: CONSTRAINED is stricter about names of start parameters.

    Returns:
        What the engine runs, and the document with all ids set: every member that came in is
        still in it, known or not.

    Raises:
        InvalidError: A rule of saving is broken; `code` names the rule, `pointer` the place.
    """
    source = number(*outline(document, limits), ids)
    return compile_model(source, dialect), source


def compile_model(source: Json, dialect: Dialect = Dialect.CLASSIC) -> PipelineSpec:
    """Compile a document whose form is checked and whose ids are set."""
    model = Part(source)
    trigger_stage, *stages = model.parts("stages")
    trigger = next(iter(trigger_stage.parts("containers")))
    parameters = read_parameters(trigger, dialect)
    manual = manual_trigger(trigger)
    return PipelineSpec(
        name=model.text("name").strip(),
        stages=tuple(read_stage(part, position) for position, part in enumerate(stages, 1)),
        parameters=parameters,
        manual_start=manual is not None,
        steps_optional=manual is not None and manual.flag("canElementSkip"),
        counter=read_counter(trigger),
        trigger_steps=trigger_steps(trigger),
        triggers=read_triggers(trigger, parameters),
    )
