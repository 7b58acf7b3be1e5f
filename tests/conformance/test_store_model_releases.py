"""Random acts on the ledger, packages, groups and hooks: a real store agrees with the model."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from msgspec.structs import replace

from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    at,
    build_head,
    build_pipeline,
    build_project,
    build_version,
    create,
    pipeline_id,
    run_id,
)
from conformance.store_releases import (
    build_deployment,
    build_environment,
    build_file,
    build_group,
    build_hook,
    build_key,
    build_note,
    build_template,
    change,
    place,
)
from conformance.store_strategies import BANK, USERS
from conformance.store_twins import UNLIKELY, TwinMachine
from conformance.test_store_model import acts
from mulligan.core.deployments import Act, LedgerChange, Outcome
from mulligan.core.hooks import GroupGrant, Hook, HookKind
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.packages import PackagePlace
from mulligan.core.records import Token
from mulligan.ports import Acts

PROJECTS = st.sampled_from((SHOP, SHOP, BANK))
NUMBERS = st.integers(1, 3)
NAMES = st.sampled_from(("default", "web", "Web"))
PLACES = st.builds(
    place,
    st.sampled_from("ab"),
    package=st.sampled_from(("app", "lib")),
    version=st.sampled_from(("1", "2")),
    namespace=st.sampled_from(("team", "other")),
    project=st.sampled_from((SHOP, SHOP, BANK, ProjectId("none"))),
)
ENVIRONMENTS = st.builds(
    build_environment,
    st.sampled_from(("a", "b")),
    revision=st.integers(1, 4),
    holder=st.sampled_from(("", "d-1")),
    project=st.sampled_from((SHOP, SHOP, SHOP, BANK, ProjectId("none"))),
)
DEPLOYMENTS = st.builds(
    lambda number, key, act, outcome, run: replace(
        build_deployment(number, environment=key, act=act, run=run), outcome=outcome
    ),
    NUMBERS,
    st.sampled_from(("a", "a", "b", "c")),
    st.sampled_from(Act),
    st.sampled_from(Outcome),
    NUMBERS,
)
CHANGES = st.builds(
    lambda environments, deployments: change(*environments, deployments=deployments),
    st.lists(ENVIRONMENTS, max_size=3),
    st.lists(DEPLOYMENTS, max_size=2, unique_by=lambda deployment: deployment.id),
)
HOOKS = st.builds(
    build_hook,
    NUMBERS,
    st.sampled_from(HookKind),
    stage=st.sampled_from(("", "1", "12")),
    position=st.integers(0, 2),
    name=st.sampled_from(("", "news")),
    values=st.none() | st.just({"a": "1"}),
)


class ReleaseMachine(TwinMachine):
    """Two stores; what is found out about a deployment never moves to another environment."""

    unlikely = (*UNLIKELY, "environment ", "deployment ")

    @initialize()
    def begin(self) -> None:
        """Make two projects with three pipelines."""
        for project in (SHOP, BANK):
            self.both(lambda store, project=project: store.put_project(build_project(project)))
        for number in (1, 2, 3):
            made = build_pipeline(number, project=BANK if number == 3 else SHOP)
            version = build_version(number)
            self.both(lambda store, p=made, v=version: store.put_pipeline(p, v))

    @rule(made=CHANGES, acts=acts(), more=st.none() | CHANGES)
    def put_ledger(self, made: LedgerChange, acts: Acts, more: LedgerChange | None) -> None:
        """Change the ledger, perhaps once more by the acts."""
        self.both(lambda store: store.put_ledger(made, replace(acts, ledger=more)))

    @rule(number=NUMBERS, run=st.integers(1, 2), ledger=st.none() | CHANGES, clears=st.booleans())
    def start(self, number: int, run: int, ledger: LedgerChange | None, *, clears: bool) -> None:
        """Start a run, perhaps with a release, perhaps by what its hooks have latched."""
        project = BANK if number == 3 else SHOP
        head = replace(build_head(run, ident=10 * number + run, pipeline=number), project=project)
        pipeline = pipeline_id(number) if clears else None
        if self._loop.run(self._model.find_head(head.id)) is None:
            with_it = Acts(ledger=ledger, clear_latches=pipeline)
            self.both(lambda store: store.append(create(head), with_it))

    @rule(
        number=NUMBERS,
        hooks=st.none() | st.lists(HOOKS, max_size=3),
        group=st.integers(0, 3),
        second=st.integers(0, 9),
        deleted=st.booleans(),
        acts=acts(),
    )
    def put_pipeline(
        self,
        number: int,
        hooks: list[Hook] | None,
        group: int,
        second: int,
        acts: Acts,
        *,
        deleted: bool,
    ) -> None:
        """Define a pipeline anew: its hooks, its group, or that it is gone."""
        stored = self._loop.run(self._model.find_pipeline(pipeline_id(number)))
        if stored is None:
            return
        changed = replace(
            stored, group=group, updated_at=at(second), deleted_at=NOW if deleted else None
        )
        own = (
            None
            if hooks is None
            else [replace(hook, pipeline=stored.id, project=stored.project) for hook in hooks]
        )
        self.both(lambda store: store.put_pipeline(changed, acts=acts, hooks=own))

    @rule(number=NUMBERS, values=st.none() | st.dictionaries(st.sampled_from("ab"), st.just("1")))
    def put_latch(self, number: int, values: dict[str, str] | None) -> None:
        """Latch a hook or clear it."""
        self.both(lambda store: store.put_latch(f"h-{number}", values))

    @rule(place_=PLACES, size=st.integers(0, 99), second=st.integers(0, 9), acts=acts())
    def put_package_file(self, place_: PackagePlace, size: int, second: int, acts: Acts) -> None:
        """Put a file of a package, perhaps again."""
        file = build_file(size, second=second)
        self.both(lambda store: store.put_package_file(place_, file, acts))

    @rule(name=NAMES, number=st.integers(0, 3), project=PROJECTS, acts=acts())
    def put_group(self, name: str, number: int, project: ProjectId, acts: Acts) -> None:
        """Make or rename a group."""
        group = replace(build_group(name, project=project), number=number)
        self.both(lambda store: store.put_group(group, acts))

    @rule(number=NUMBERS, acts=acts())
    def drop_group(self, number: int, acts: Acts) -> None:
        """Delete a group, if that is allowed."""
        self.both(lambda store: store.drop_group(number, acts))

    @rule(number=NUMBERS, user=st.sampled_from(USERS), right=st.sampled_from((0, 1, 3, 7)))
    def put_grant(self, number: int, user: UserName, right: int) -> None:
        """Give a right in a group, or take it away."""
        if right:
            grant = GroupGrant(group=number, user=user, right=right)
            self.both(lambda store: store.put_grant(grant))
        else:
            self.both(lambda store: store.drop_grant(number, user))

    @rule(name=NAMES, number=st.sampled_from((0, 0, 1000, 1001)), project=PROJECTS, acts=acts())
    def put_template(self, name: str, number: int, project: ProjectId, acts: Acts) -> None:
        """Make or change a template."""
        template = replace(build_template(name, project=project), number=number)
        self.both(lambda store: store.put_template(template, acts))

    @rule(number=NUMBERS, user=st.sampled_from(USERS), keeps=st.booleans(), acts=acts())
    def put_access_key(self, number: int, user: UserName, acts: Acts, *, keeps: bool) -> None:
        """Issue an access key, or delete it."""
        if keeps:
            self.both(lambda store: store.put_access_key(build_key(number, user), acts))
        else:
            self.both(lambda store: store.drop_access_key(f"AK{number}", acts))

    @rule(number=NUMBERS, text=st.sampled_from("xy"))
    def add_note(self, number: int, text: str) -> None:
        """Note a line on a job attempt."""
        self.both(lambda store: store.add_note(build_note(text, attempt=number)))

    @rule(
        ident=NUMBERS,
        kind=st.sampled_from("lst"),
        name=st.sampled_from(("login", "laptop")),
        projects=st.sets(PROJECTS),
    )
    def put_token(self, ident: int, kind: str, name: str, projects: set[ProjectId]) -> None:
        """Issue a token."""
        token = Token(
            id=f"{kind}-{ident}",
            name=name,
            user=ANN,
            digest=f"{kind}-{ident}",
            created_at=NOW,
            projects=tuple(sorted(projects)),
        )
        self.both(lambda store: store.put_token(token))

    @rule(user=st.sampled_from(USERS), project=st.none() | PROJECTS, acts=acts())
    def drop_tokens_of(self, user: UserName, project: ProjectId | None, acts: Acts) -> None:
        """Revoke what the token call made."""
        self.both(lambda store: store.drop_tokens_of(user, project, acts))

    @rule(kind=st.sampled_from("ab"), count=NUMBERS)
    def take_numbers(self, kind: str, count: int) -> None:
        """Take numbers."""
        self.both(lambda store: store.take_numbers(kind, count))

    @rule()
    def reopen(self) -> None:
        """Stop and start the real store."""
        self._reopen()

    @rule()
    def look(self) -> None:
        """Compare what both stores say."""
        self._compare_everything()

    def _compare_everything(self) -> None:
        self._compare_ledger()
        self._compare_packages()
        for project in (SHOP, BANK):
            self.both(lambda store, p=project: store.list_groups(p))
            self.both(lambda store, p=project: store.list_templates(p))
            self.both(lambda store, p=project: store.list_group_pipelines(p))
            self.both(lambda store, p=project: store.list_group_pipelines(p, groups=[0, 1]))
            self.both(lambda store, p=project: store.channel_hooks(p, "news"))
            for name in ("default", "web"):
                self.both(lambda store, p=project, n=name: store.find_group(p, n))
        for number in (1, 2, 3):
            self.both(lambda store, n=number: store.list_hooks(pipeline_id(n)))
            self.both(lambda store, n=number: store.find_hook(f"h-{n}"))
            self.both(lambda store, n=number: store.newest_run(pipeline_id(n)))
            self.both(lambda store, n=number: store.list_grants(n))
            self.both(lambda store, n=number: store.find_access_key(f"AK{n}"))
            self.both(lambda store, n=number: store.list_notes(run_id(1), "1", n))
        for user in USERS:
            self.both(lambda store, user=user: store.list_access_keys(user))
            self.both(lambda store, user=user: store.list_tokens(user))
        self.both(lambda store: store.list_audit(limit=1_000))

    def _compare_ledger(self) -> None:
        for project in (SHOP, BANK):
            self.both(lambda store, p=project: store.list_environments(p))
        for key in "abc":
            self.both(lambda store, key=key: store.find_environment(key))
            self.both(lambda store, key=key: store.list_deployments(key, limit=2))
            self.both(lambda store, key=key: store.list_deployments(key, before=3))
        for number in (1, 2, 3):
            self.both(lambda store, n=number: store.find_deployment(f"d-{n}"))
            self.both(lambda store, n=number: store.deployments_of(run_id(n)))
        self.both(lambda store: store.open_deployments())

    def _compare_packages(self) -> None:
        for project in (SHOP, BANK):
            self.both(lambda store, p=project: store.list_packages(p))
            self.both(lambda store, p=project: store.list_packages(p, namespace="team", limit=1))
        for number in range(1, 9):
            self.both(lambda store, n=number: store.list_package_versions(n, limit=2))
            self.both(lambda store, n=number: store.list_package_files(n, limit=2, offset=1))


ReleaseMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
test_sqlite_agrees_with_the_model = ReleaseMachine.TestCase
