"""Environments and the ledger of their deployments."""

from starlette.responses import Response

from mulligan.core.deployments import Deployment, Environment
from mulligan.core.errors import NotFoundError
from mulligan.core.ids import JobId, PipelineId
from mulligan.core.rights import Permission
from mulligan.core.spec import PipelineSpec
from mulligan.facades.common.services import Services
from mulligan.facades.native import queries
from mulligan.facades.native import release_shapes as shapes
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.masking import masked_text

_PAGE = 500


async def environment_of(call: Call) -> Environment:
    """Return the environment of the path.

    Raises:
        NotFoundError: The project has none of that id.
    """
    ident = call.part("environment")
    offset = 0
    while found := await call.services.store.list_environments(
        call.project, limit=_PAGE, offset=offset
    ):
        for environment in found:
            if environment.id == ident:
                return environment
        offset += _PAGE
    raise NotFoundError("environment", ident)


class Ledger:
    """Shows deployments; looks up the definitions that their stages are in, each once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._places: dict[tuple[PipelineId, int], dict[JobId, shapes.StagePlace]] = {}

    async def environment(self, environment: Environment) -> shapes.EnvironmentView:
        """Show an environment with what is there."""
        return shapes.EnvironmentView(
            id=environment.id,
            name=environment.name,
            key=environment.key,
            driver=environment.driver,
            application=environment.application,
            live=await self._named(environment, environment.live),
            gray=await self._named(environment, environment.gray),
            holder=await self._named(environment, environment.holder),
            updated_at=environment.updated_at,
        )

    async def _named(self, environment: Environment, ident: str) -> shapes.DeploymentView | None:
        found = await self._services.store.find_deployment(ident) if ident else None
        return await self.deployment(found, environment) if found is not None else None

    async def deployment(
        self, deployment: Deployment, environment: Environment
    ) -> shapes.DeploymentView:
        """Show a deployment as lists do."""
        return shapes.DeploymentView(
            id=deployment.id,
            number=deployment.number,
            kind=deployment.act.value,
            status=deployment.outcome.value,
            actor=deployment.actor,
            run=deployment.run,
            pipeline=deployment.pipeline,
            stage=await self._stage(deployment),
            started_at=deployment.started_at,
            ended_at=deployment.ended_at,
            image=deployment.release.image,
            files=deployment.release.files,
            previous=deployment.previous or None,
            target=deployment.target or None,
            is_live=deployment.id == environment.live,
        )

    async def detail(
        self, deployment: Deployment, environment: Environment
    ) -> shapes.DeploymentDetail:
        """Show a deployment with what was deployed."""
        shown = await self.deployment(deployment, environment)
        manifest = deployment.result.get("manifest")
        return shapes.DeploymentDetail(
            **{name: getattr(shown, name) for name in shown.__struct_fields__},
            environment=environment.id,
            tries=deployment.tries,
            deploy_mode=deployment.release.deploy_mode,
            gray_mode=deployment.release.gray_mode,
            info=masked_text(deployment.release.info),
            manifest=masked_text(manifest) if isinstance(manifest, str) else None,
        )

    async def _stage(self, deployment: Deployment) -> shapes.StagePlace | None:
        store = self._services.store
        head = await store.find_head(deployment.run)
        if head is None:
            return None
        key = (deployment.pipeline, head.version)
        if key not in self._places:
            version = await store.find_version(*key)
            self._places[key] = {} if version is None else _places(version.spec)
        return self._places[key].get(deployment.job)


def place_of(spec: PipelineSpec, index: int) -> shapes.StagePlace:
    """Show where a stage is."""
    stage = spec.stages[index]
    return shapes.StagePlace(index=index, id=stage.id, name=stage.name)


def _places(spec: PipelineSpec) -> dict[JobId, shapes.StagePlace]:
    return {
        job.id: place_of(spec, index)
        for index, stage in enumerate(spec.stages)
        for job in stage.jobs
    }


async def list_environments(call: Call) -> Response:
    """List the environments of a project by key."""
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found = await call.services.store.list_environments(
        call.project, limit=wanted + 1, offset=offset
    )
    page, cursor = queries.page_of(found, offset, wanted)
    ledger = Ledger(call.services)
    items = [await ledger.environment(environment) for environment in page]
    return answer(shapes.EnvironmentList(items=tuple(items), next_cursor=cursor))


async def get_environment(call: Call) -> Response:
    """Show an environment."""
    environment = await environment_of(call)
    return answer(await Ledger(call.services).environment(environment))


async def list_deployments(call: Call) -> Response:
    """List the deployments of an environment, newest first."""
    environment = await environment_of(call)
    wanted = queries.limit(call.request)
    found = await call.services.store.list_deployments(
        environment.key,
        limit=wanted + 1,
        before=queries.whole(call.request, "cursor", least=1),
    )
    page = found[:wanted]
    ledger = Ledger(call.services)
    items = [await ledger.deployment(deployment, environment) for deployment in page]
    cursor = str(page[-1].number) if len(found) > wanted else None
    return answer(shapes.DeploymentList(items=tuple(items), next_cursor=cursor))


async def get_deployment(call: Call) -> Response:
    """Show a deployment with what was deployed."""
    found, environment = await deployment_of(call, call.part("deployment"))
    return answer(await Ledger(call.services).detail(found, environment))


async def deployment_of(call: Call, ident: str) -> tuple[Deployment, Environment]:
    """Return a deployment with its environment.

    Raises:
        NotFoundError: The project of the path has none of that id.
    """
    store = call.services.store
    found = await store.find_deployment(ident)
    environment = await store.find_environment(found.environment) if found is not None else None
    if found is None or environment is None or environment.project != call.project:
        raise NotFoundError("deployment", ident)
    return found, environment


ENVIRONMENTS = "/projects/{project}/environments"
ONE_ENVIRONMENT = ENVIRONMENTS + "/{environment}"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ENVIRONMENTS,
        act=list_environments,
        summary="List the environments of a project with what is live there",
        needs=Permission.VIEW,
        answer=shapes.EnvironmentList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path=ONE_ENVIRONMENT,
        act=get_environment,
        summary="Show an environment with what is live there",
        needs=Permission.VIEW,
        answer=shapes.EnvironmentView,
    ),
    Endpoint(
        method="GET",
        path=ONE_ENVIRONMENT + "/deployments",
        act=list_deployments,
        summary="List the deployments of an environment, newest first",
        needs=Permission.VIEW,
        answer=shapes.DeploymentList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path="/projects/{project}/deployments/{deployment}",
        act=get_deployment,
        summary="Show a deployment with its settings and manifest, without secrets",
        needs=Permission.VIEW,
        answer=shapes.DeploymentDetail,
    ),
)
