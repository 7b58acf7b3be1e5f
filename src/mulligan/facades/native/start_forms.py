"""What a start may be given: the parameters of a pipeline, for forms and command lines."""

from starlette.responses import Response

from mulligan.core.rights import Permission
from mulligan.core.spec import ParameterSpec
from mulligan.facades.native import shapes
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.pipelines import pipeline_of


async def show_start_form(call: Call) -> Response:
    """Tell what a start of the newest version may be given."""
    pipeline = await pipeline_of(call)
    spec = (await call.services.catalog.get_version(pipeline)).spec
    return answer(
        shapes.StartForm(
            version=pipeline.version,
            manual_start=spec.manual_start,
            locked=pipeline.locked,
            parameters=tuple(start_field(each) for each in spec.parameters if not each.computed),
        )
    )


def start_field(spec: ParameterSpec) -> shapes.StartField:
    """Show a parameter as a field of a form."""
    return shapes.StartField(
        name=spec.name,
        kind=spec.kind,
        default="" if spec.sensitive else spec.default,
        has_default=bool(spec.default),
        options=spec.options,
        required=spec.must_have,
        read_only=spec.constant,
        sensitive=spec.sensitive,
        desc=spec.desc,
        shown_when=dict(spec.shown_when),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/pipelines/{pipeline}/start-form",
        act=show_start_form,
        summary="The parameters that a start may be given, with their kinds and defaults",
        needs=Permission.VIEW,
        answer=shapes.StartForm,
    ),
)
