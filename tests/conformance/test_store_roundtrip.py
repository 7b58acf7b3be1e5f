"""What is stored is read back equal, for every value that can be built."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from immutables import Map
from msgspec.structs import replace

from conformance.conftest import STORES
from conformance.store_builders import (
    ANN,
    NOW,
    SHOP,
    build_head,
    build_spec,
    parts,
    pipeline_id,
    put_pipeline,
    run_id,
    step_id,
)
from conformance.store_loop import Loop
from conformance.store_strategies import structs, values
from mulligan.core.decision import Decision, Effect
from mulligan.core.deployments import Deployment, Environment, LedgerChange
from mulligan.core.events import Event, RunCreated, ValuesWithdrawn, ValuesWritten
from mulligan.core.hooks import AccessKey, Group, GroupGrant, Hook, Note, Template
from mulligan.core.ids import StageId
from mulligan.core.packages import PackageFile, PackagePlace
from mulligan.core.records import (
    App,
    Artifact,
    AuditEntry,
    Member,
    Pipeline,
    PipelineVersion,
    Project,
    Receipt,
    Token,
    User,
)
from mulligan.core.run import Gate, Job, Run, RunHead, Stage, Step, Write
from mulligan.core.spec import SpecIndex
from mulligan.core.status import FINAL
from mulligan.ports import Acts

SPEC = build_spec()
INDEX = SpecIndex(SPEC)
CREATED = RunCreated(at=NOW, actor=ANN)


@pytest.fixture(params=STORES)
def loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    """Give an open store of each kind with one pipeline."""
    with Loop(STORES[request.param](tmp_path)) as opened:
        opened.run(put_pipeline(opened.store, spec=SPEC))
        yield opened


class Numbers:
    """Numbers that no run of the test has yet."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        """Return a new one."""
        self.last += 1
        return self.last


@st.composite
def heads(draw: st.DrawFn, number: int) -> RunHead:
    """Give a head; what the columns forbid and no event makes is left out."""
    fixed = build_head(number)
    head: RunHead = draw(
        structs(
            RunHead,
            id=fixed.id,
            project=fixed.project,
            pipeline=fixed.pipeline,
            version=1,
            number=number,
            revision=1,
        )
    )
    ended_at = (head.ended_at or NOW) if head.status in FINAL else None
    failed = tuple(dict.fromkeys(head.failed_steps))
    return replace(head, ended_at=ended_at, failed_steps=failed)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def check_heads(loop: Loop, numbers: Numbers, data: st.DataObject) -> None:
    head = data.draw(heads(numbers.next()))
    run = Run(head=head, index=INDEX)

    loop.run(loop.store.append(Decision(run=run, base_revision=0, events=(CREATED,))))

    assert parts(loop.run(loop.store.get_run(head.id))) == parts(run)
    assert loop.run(loop.store.find_head(head.id)) == head


def test_heads(loop: Loop) -> None:
    """Every head of a run is read back equal."""
    check_heads(loop, Numbers())


@st.composite
def node_rows(draw: st.DrawFn) -> tuple[Stage, Job, Step, Gate]:
    """Give a record of each kind of node; what is derived after loading is left out."""
    number = draw(st.integers(1, 2**31))
    stage: Stage = draw(structs(Stage, id=StageId("stage-2"), attempt=number, open_jobs=0))
    job: Job = draw(structs(Job, id=INDEX.spec.stages[0].jobs[0].id, attempt=number))
    step: Step = draw(structs(Step, id=step_id(1), attempt=number))
    gate: Gate = draw(structs(Gate, node=step_id(2), number=number))
    gate = replace(gate, state=draw(st.sampled_from(("open", "approved", "rejected"))))
    return stage, job, step, gate


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def check_nodes(loop: Loop, numbers: Numbers, data: st.DataObject) -> None:
    stage, job, step, gate = data.draw(node_rows())
    head = build_head(numbers.next())
    if job.mutex is not None:  # which one job at a time may hold
        job = replace(job, mutex=replace(job.mutex, name=f"{job.mutex.name} {head.number}"))
    run = Run(
        head=head,
        index=INDEX,
        stages=Map({stage.id: stage}),
        jobs=Map({job.id: job}),
        steps=Map({step.id: step}),
        gates=Map({gate.node: gate}),
    )
    decision = Decision(
        run=run,
        base_revision=0,
        events=(CREATED,),
        stages=(stage,),
        jobs=(job,),
        steps=(step,),
        gates=(gate,),
    )

    loop.run(loop.store.append(decision))

    history = loop.run(loop.store.history(head.id))
    assert history.stages == {stage.id: (stage,)}
    assert history.jobs == {job.id: (job,)}
    assert history.steps == {step.id: (step,)}
    assert history.gates == {gate.node: (gate,)}


def test_records_of_nodes(loop: Loop) -> None:
    """Every record of a stage, job, step and gate is read back equal."""
    check_nodes(loop, Numbers())


@st.composite
def writes(draw: st.DrawFn) -> tuple[Write, ...]:
    """Give writes of variables, each by a writer of its own."""
    found: list[Write] = draw(st.lists(values(Write), max_size=4))
    return tuple(replace(write, writer=f"{place}") for place, write in enumerate(found))


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def check_events(loop: Loop, numbers: Numbers, data: st.DataObject) -> None:
    written = data.draw(writes())
    others = st.lists(
        values(Event).filter(lambda event: not isinstance(event, ValuesWritten | ValuesWithdrawn)),
        max_size=3,
    )
    events = (ValuesWritten(at=NOW, writes=written), *data.draw(others), CREATED)
    effects = data.draw(st.lists(values(Effect), max_size=3, unique_by=lambda e: (e.kind, e.key)))
    stacks: dict[str, tuple[Write, ...]] = {}
    for write in written:
        stacks[write.name] = (*stacks.get(write.name, ()), write)
    run = Run(head=build_head(numbers.next()), index=INDEX, writes=Map(stacks))
    decision = Decision(run=run, base_revision=0, events=events, effects=tuple(effects))

    loop.run(loop.store.append(decision))

    found = loop.run(loop.store.events_after(0, run_id=run.head.id))
    assert tuple(row.event for row in found) == events
    assert parts(loop.run(loop.store.get_run(run.head.id))) == parts(run)
    outbox = [row for row in loop.run(loop.store.outbox()) if row.run_id == run.head.id]
    assert [row.effect for row in outbox] == [effect for effect in effects if not effect.drop]
    for row in outbox:
        loop.run(loop.store.drop_effect(row.run_id, row.effect.kind, row.effect.key))


def test_events_writes_and_effects(loop: Loop) -> None:
    """Every event, write of a variable and effect is read back equal."""
    check_events(loop, Numbers())


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    numbers=st.just(Numbers()),
    project=structs(Project, number=0),
    pipeline=structs(Pipeline, number=0, project=SHOP, deleted_at=None),
    version=structs(PipelineVersion),
)
def check_pipelines(
    loop: Loop,
    numbers: Numbers,
    project: Project,
    pipeline: Pipeline,
    version: PipelineVersion,
) -> None:
    number = numbers.next() + 1
    project = replace(project, id=f"p{number}", name=f"{number} {project.name}")
    pipeline = replace(pipeline, id=pipeline_id(number), name=f"{number} {pipeline.name}")
    version = replace(version, pipeline=pipeline.id)

    stored = loop.run(loop.store.put_project(project))
    # a new one needs its group to be there, which one that moves does not
    made = loop.run(loop.store.put_pipeline(replace(pipeline, group=0), version))
    stored_pipeline = loop.run(loop.store.put_pipeline(replace(made, group=pipeline.group)))

    assert stored == replace(project, number=stored.number)
    assert loop.run(loop.store.find_project(project.id)) == stored
    assert stored_pipeline == replace(pipeline, number=stored_pipeline.number)
    assert loop.run(loop.store.find_pipeline(pipeline.id)) == stored_pipeline
    assert loop.run(loop.store.find_version(pipeline.id, version.version)) == version


def test_projects_pipelines_and_versions(loop: Loop) -> None:
    """Every project, pipeline and version is read back equal."""
    check_pipelines(loop)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    numbers=st.just(Numbers()),
    user=values(User),
    member=structs(Member, project=SHOP),
    token=values(Token),
    app=values(App),
    receipt=values(Receipt),
    entry=structs(AuditEntry, id=0),
)
def check_people(
    loop: Loop,
    numbers: Numbers,
    user: User,
    member: Member,
    token: Token,
    app: App,
    receipt: Receipt,
    entry: AuditEntry,
) -> None:
    number = numbers.next()
    token = replace(token, id=f"{number}", digest=f"{number} {token.digest}")
    receipt = replace(receipt, key=f"{number} {receipt.key}")
    store = loop.store

    loop.run(store.put_user(user, Acts(receipt=receipt, audit=(entry,))))
    loop.run(store.put_member(member))
    loop.run(store.put_token(token))
    loop.run(store.put_app(app))

    assert loop.run(store.find_user(user.name)) == user
    assert loop.run(store.find_member(SHOP, member.user)) == member
    assert loop.run(store.find_token(token.digest)) == token
    assert loop.run(store.find_app(app.code)) == app
    assert loop.run(store.find_receipt(receipt.actor, receipt.key)) == receipt
    (newest,) = loop.run(store.list_audit(limit=1))
    assert replace(newest, id=0) == entry


def test_people_receipts_and_audit(loop: Loop) -> None:
    """Every user, member, token, application, receipt and audit entry is read back equal."""
    check_people(loop)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(numbers=st.just(Numbers()), artifact=values(Artifact))
def check_artifacts(loop: Loop, numbers: Numbers, artifact: Artifact) -> None:
    number = numbers.next()
    run = Run(head=build_head(number), index=INDEX)
    loop.run(loop.store.append(Decision(run=run, base_revision=0, events=(CREATED,))))
    artifact = replace(artifact, run=run_id(number))

    loop.run(loop.store.add_artifacts([artifact]))

    assert loop.run(loop.store.list_artifacts(run.head.id)) == (artifact,)


def test_artifacts(loop: Loop) -> None:
    """Every artifact is read back equal."""
    check_artifacts(loop)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    environment=structs(Environment, project=SHOP, revision=1),
    deployment=structs(Deployment, number=0),
)
def check_ledger(
    loop: Loop, numbers: Numbers, environment: Environment, deployment: Deployment
) -> None:
    number = numbers.next()
    environment = replace(environment, key=f"{number} {environment.key}")
    deployment = replace(deployment, id=f"{number} {deployment.id}", environment=environment.key)
    change = LedgerChange(environments=(environment,), deployments=(deployment,))

    loop.run(loop.store.put_ledger(change))

    assert loop.run(loop.store.find_environment(environment.key)) == environment
    stored = loop.run(loop.store.find_deployment(deployment.id))
    assert stored == replace(deployment, number=number)
    assert loop.run(loop.store.list_deployments(environment.key)) == (stored,)


def test_environments_and_deployments(loop: Loop) -> None:
    """Every environment and deployment is read back equal."""
    check_ledger(loop, Numbers())


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    hook=structs(Hook, project=SHOP, pipeline=pipeline_id(1)),
    group=structs(Group, project=SHOP, number=0),
    right=st.integers(0, 7),
    template=structs(Template, project=SHOP, number=0),
    key=values(AccessKey),
    note=values(Note),
)
def check_groups(
    loop: Loop,
    numbers: Numbers,
    hook: Hook,
    group: Group,
    right: int,
    template: Template,
    key: AccessKey,
    note: Note,
) -> None:
    number, store = numbers.next(), loop.store
    key = replace(key, access=f"{number} {key.access}")
    note = replace(note, run=f"{number} {note.run}")
    hook = replace(hook, id=f"{number} {hook.id}")
    pipeline = loop.run(store.find_pipeline(pipeline_id(1)))
    assert pipeline is not None

    loop.run(store.put_pipeline(pipeline, hooks=[hook]))
    stored = loop.run(store.put_group(replace(group, name=f"{number} {group.name}")))
    grant = GroupGrant(group=stored.number, user=key.user, right=right)
    loop.run(store.put_grant(grant))
    made = loop.run(store.put_template(replace(template, name=f"{number} {template.name}")))
    loop.run(store.put_access_key(key))
    loop.run(store.add_note(note))

    assert loop.run(store.find_hook(hook.id)) == hook
    assert loop.run(store.find_group(SHOP, stored.name)) == stored
    assert stored == replace(group, name=stored.name, number=number)
    assert loop.run(store.list_grants(stored.number)) == (grant,)
    assert loop.run(store.list_templates(SHOP))[-1] == made
    assert made == replace(template, name=made.name, number=999 + number)
    assert loop.run(store.find_access_key(key.access)) == key
    assert loop.run(store.list_notes(note.run, note.job, note.attempt)) == (note,)


def test_groups_hooks_templates_keys_and_notes(loop: Loop) -> None:
    """Every record that belongs to pipelines and their groups is read back equal."""
    check_groups(loop, Numbers())


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(place=structs(PackagePlace, project=SHOP), file=values(PackageFile))
def check_packages(loop: Loop, numbers: Numbers, place: PackagePlace, file: PackageFile) -> None:
    number, store = numbers.next(), loop.store
    place = replace(place, package=f"{number} {place.package}")

    stored = loop.run(store.put_package_file(place, file))

    names = {"folder": place.folder, "filename": place.filename}
    assert stored == replace(file, version=number, number=number, **names)
    assert loop.run(store.find_package_file(place)) == stored
    package = loop.run(store.find_package(SHOP, place.namespace, place.repository, place.package))
    assert package is not None
    assert (package.creator, package.updated_at) == (file.creator, file.updated_at)
    assert loop.run(store.find_package_version(package.number, place.version)) is not None


def test_packages(loop: Loop) -> None:
    """Every file of a package is read back equal, at every place."""
    check_packages(loop, Numbers())
