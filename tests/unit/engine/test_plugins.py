"""Plugins in the engine: which version a step gets, what is installed, post actions of a run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from starlette.requests import Request

from builders import one_job, step
from engine_world import ADMIN, NOON, SHOP, World
from mulligan.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from mulligan.core.ids import ProjectId, RunId, StepId
from mulligan.core.plugins import PluginPolicy
from mulligan.core.posts import post_id
from mulligan.core.prepare import StepOrder
from mulligan.core.records import Project, Role, StepRecord
from mulligan.core.report import StepNote
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.plugin_archive import PluginArchiveError
from mulligan.engine.plugin_policies import PluginPolicies
from mulligan.engine.plugins import Plugins
from mulligan.engine.running_steps import running_step
from mulligan.engine.software_center import KeptBytes, SoftwareCenter
from mulligan.engine.step_keys import StepKey, StepKeys
from mulligan.executors.kinds import prepare_program
from mulligan.executors.kinds.base import Here, Place
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.services import Services
from mulligan.facades.platform.calls import LARGEST_DATA, PlatformCall
from mulligan.ports import StepEnd
from mulligan.secret_key import random_key
from plugin_zips import Json, manifest, plugin_zip

pytestmark = pytest.mark.anyio

POST = {"postEntryParam": "True", "postCondition": "always()"}


class Shop:
    """A world in which plugins can be installed."""

    def __init__(self, world: World, root: Path) -> None:
        self.world = world
        self.software = SoftwareCenter(store=world.store, clock=world.clock, root=root / "store")
        self.keys = StepKeys(random_key())
        self.plugins = Plugins(
            store=world.store,
            clock=world.clock,
            access=world.access,
            software=self.software,
            cache=root / "plugins",
            keys=self.keys,
            policies=PluginPolicies(
                store=world.store,
                clock=world.clock,
                access=world.access,
                secret_key=random_key(),
            ),
        )
        world.engine.equip = self.plugins.equip
        world.engine.find_posts = self.plugins.posts_of

    async def keep(self, content: bytes) -> KeptBytes:
        """Put bytes into the content store."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        return await self.software.keep(chunks())

    async def install(self, version: str, task: Json | None = None) -> None:
        """Install a version as an admin."""
        content = plugin_zip(task, run_sh=f"#!/bin/sh\n# {version}\n")
        await self.plugins.install(ADMIN, await self.keep(content), version)

    async def started(self, spec: PipelineSpec) -> StepOrder:
        """Start a definition; give the order of its first step."""
        pipeline = await self.world.add_pipeline(spec)
        head = await self.world.start(pipeline)
        return await self.world.claim(head.id)


@pytest.fixture
def shop(hand: World, tmp_path: Path) -> Shop:
    """Give a world whose steps are driven by the test."""
    return Shop(hand, tmp_path)


def plugin_step(name: str = "a", version: str = "1.*", **inputs: Any) -> Any:
    """Give a step that runs the plugin `echo`."""
    return step(name, kind="plugin", code="echo", inputs={"version": version, **inputs})


async def test_newest_version_is_chosen_at_each_attempt(shop: Shop) -> None:
    """A retry of a step with a star looks again; an exact version stays what it was."""
    await shop.install("1.0.0")
    first = await shop.started(one_job(plugin_step(), plugin_step("b", "1.0.0")))
    await shop.install("1.1.0")
    await shop.install("2.0.0")

    failed = await shop.world.report(first, StepEnd(exit_code=1, pin="1.0.0"))
    await shop.world.retry(first.run_id, "a")
    again = await shop.world.claim(first.run_id, attempt=2)
    after = await shop.world.report(again, StepEnd(exit_code=0, pin="1.1.0"))

    assert failed is None
    assert first.inputs["plugin"]["version"] == "1.0.0"
    assert again.inputs["plugin"]["version"] == "1.1.0"
    assert after is not None
    assert after.inputs["plugin"]["version"] == "1.0.0"
    attempts = await shop.world.store.step_attempts(first.run_id, first.step_id)
    assert [attempt.pin for attempt in attempts] == ["1.0.0", "1.1.0"]


async def test_who_may_use_a_plugin(shop: Shop) -> None:
    """Released for other projects, or switched off here: the step fails as one without a right."""
    await shop.install("1.0.0")
    policies, lab = shop.plugins.policies, ProjectId("lab")
    await shop.world.store.put_project(
        Project(id=lab, name="lab", created_by=ADMIN.user, created_at=NOON)
    )

    async def said() -> str:
        order = await shop.started(one_job(plugin_step(), name=f"p{shop.world.ids.hex32()}"))
        usable = "echo" in await shop.plugins.usable_codes(SHOP)
        assert usable is not ("denied" in order.inputs)
        return str(order.inputs.get("denied", ""))

    assert await said() == ""
    await policies.release_for(ADMIN, "echo", (lab,))
    assert await said() == f"the plugin echo is not released for the project {SHOP}"
    await policies.release_for(ADMIN, "echo", (lab, SHOP))
    assert await said() == ""
    await policies.switch(ADMIN, SHOP, "echo", is_on=False)
    assert await said() == f"the plugin echo is switched off in the project {SHOP}"
    await policies.switch(ADMIN, SHOP, "echo", is_on=True)
    await policies.release_for(ADMIN, "echo", None)
    assert await said() == ""
    stored = await shop.world.store.list_plugin_policies()
    assert stored == (PluginPolicy(code="echo"),)
    with pytest.raises(NotFoundError, match="nowhere"):
        await policies.release_for(ADMIN, "echo", ("nowhere",))
    with pytest.raises(NotFoundError, match="other"):
        await policies.switch(ADMIN, SHOP, "other", is_on=False)


async def test_the_built_in_run_is_there_for_everybody(shop: Shop) -> None:
    """A project that can't use the plugin `run` keeps the built-in one."""
    await shop.install("1.0.0", manifest("run"))
    script = one_job(step("a", kind="script", code="run", inputs={"script": "true"}))
    assert (await shop.started(script)).kind == "plugin"

    await shop.plugins.policies.switch(ADMIN, SHOP, "run", is_on=False)

    assert (await shop.started(replace(script, name="other"))).kind == "script"


async def test_private_settings_reach_steps_of_the_plugin_only(shop: Shop, tmp_path: Path) -> None:
    """They are stored encrypted, given to the plugin, and masked."""
    await shop.install("1.0.0")
    await shop.install("1.0.0", manifest("other"))
    await shop.plugins.policies.set_setting(ADMIN, "echo", "api-key", "hunter-22")

    order = await shop.started(one_job(plugin_step()))
    foreign = step("a", kind="plugin", code="other", inputs={"version": "1.*"})
    other = await shop.started(one_job(foreign, name="other"))

    here = Here(
        place=Place(root=tmp_path),
        workspace=tmp_path,
        temp=tmp_path,
        base_env={},
        env={"PATH": "/bin"},
        timeout_s=1.0,
    )
    program = prepare_program(order, here)
    assert order.inputs["settings"] == {"api-key": "hunter-22"}
    assert "hunter-22" in order.secrets
    assert "hunter-22" in program.secrets
    assert "hunter-22" not in str(program.argv)
    assert other.inputs["settings"] == {}
    (policy,) = await shop.world.store.list_plugin_policies()
    assert b"hunter-22" not in policy.settings["api-key"]
    await shop.plugins.policies.drop_setting(ADMIN, "echo", "api-key")
    assert await shop.plugins.policies.settings("echo") == {}
    with pytest.raises(NotFoundError):
        await shop.plugins.policies.drop_setting(ADMIN, "echo", "api-key")


async def test_secret_inputs_stay_secret_when_the_plugin_is_gone(shop: Shop) -> None:
    """What any version called secret is masked in definitions and runs for ever."""
    task = manifest() | {"input": {"words": {"isSensitive": True}}}
    await shop.install("1.0.0", task)
    await shop.install("2.0.0")
    before = await shop.plugins.sensitive_inputs()

    for version in ("1.0.0", "2.0.0"):
        await shop.plugins.remove(ADMIN, "echo", version)

    assert before == await shop.plugins.sensitive_inputs() == {"echo": frozenset({"words"})}
    with pytest.raises(NotFoundError):
        await shop.plugins.remove(ADMIN, "echo", "1.0.0")


async def test_order_of_a_plugin(shop: Shop) -> None:
    """It has the task.json, the key of its own attempt, and all that can be read by name."""
    await shop.install("1.0.0")
    shop.plugins.gateway = "http://here"

    order = await shop.started(one_job(plugin_step(input={"words": "${BK_CI_BUILD_ID}"})))

    assert order.inputs["plugin"]["manifest"] == manifest()
    assert order.inputs["gateway"] == "http://here"
    assert order.inputs["input"] == {"words": order.run_id}
    key = shop.keys.read(order.inputs["key"])
    assert key is not None
    assert (key.run, key.step, key.attempt) == (order.run_id, "a", 1)
    for name in ("BK_CI_BUILD_ID", "pipeline.build.id", "ci.build_id"):
        assert order.variables[name] == order.run_id


@pytest.mark.parametrize(
    ("installed", "wanted", "problem"),
    [
        ((), "1.*", "the plugin echo is not installed"),
        (("2.0.0", "1.10.0", "1.9.0"), "3.*", "(there is: 1.9.0, 1.10.0, 2.0.0) is not installed"),
    ],
)
async def test_missing_version(
    shop: Shop, installed: tuple[str, ...], wanted: str, problem: str
) -> None:
    """The order says what is missing; the step fails when it is run."""
    for version in installed:
        await shop.install(version)

    order = await shop.started(one_job(plugin_step(version=wanted)))

    assert "plugin" not in order.inputs
    assert problem in order.inputs["missing"]


async def test_run_is_replaced_by_a_plugin(shop: Shop) -> None:
    """Scripts that were written as `run` become the plugin of that name, others do not."""
    steps = (
        step("a", code="run", inputs={"script": "echo a"}),
        step("b", code="linuxScript", inputs={"script": "echo b"}),
    )
    before = await shop.started(one_job(*steps))
    await shop.install("1.0.0", manifest("run"))
    after = await shop.started(one_job(*steps, name="after"))
    other = await shop.world.report(after)

    assert (before.kind, before.inputs) == ("script", {"script": "echo a"})
    assert (after.kind, after.inputs["input"]["script"]) == ("plugin", "echo a")
    assert other is not None
    assert other.kind == "script"


async def test_installing_twice_and_by_others(shop: Shop) -> None:
    """The same zip is taken again; other content, other people and other things are refused."""
    await shop.install("1.0.0")
    await shop.install("1.0.0")

    with pytest.raises(ConflictError):
        await shop.plugins.install(ADMIN, await shop.keep(plugin_zip()), "1.0.0")
    with pytest.raises(InvalidError):
        await shop.plugins.install(ADMIN, await shop.keep(plugin_zip()), "1.0")
    with pytest.raises(PluginArchiveError):
        await shop.plugins.install(ADMIN, await shop.keep(b"no zip"), "1.0.0")
    owner = await shop.world.add_user("olga", Role.OWNER)
    with pytest.raises(ForbiddenError):
        await shop.plugins.install(owner, await shop.keep(plugin_zip()), "2.0.0")
    with pytest.raises(NotFoundError):
        await shop.plugins.remove(ADMIN, "echo", "2.0.0")

    acts = [entry.action for entry in await shop.world.store.list_audit()]
    assert acts.count("plugin.install") == 1
    assert [each.version for each in await shop.plugins.versions("echo")] == ["1.0.0"]


async def test_leftovers_of_removed_versions(shop: Shop, tmp_path: Path) -> None:
    """What was unpacked of a version goes at the next start after it was removed."""
    await shop.install("1.0.0")
    (plugin,) = await shop.plugins.versions("echo")
    kept, gone = tmp_path / "plugins" / plugin.digest, tmp_path / "plugins" / "old"
    await asyncio.to_thread(kept.mkdir, parents=True)
    await asyncio.to_thread(gone.mkdir)

    await shop.plugins.discard_leftovers()

    assert await asyncio.to_thread(kept.exists)
    assert not await asyncio.to_thread(gone.exists)


async def test_post_action_belongs_to_the_run(shop: Shop) -> None:
    """It stands at the end, keeps the version of its parent, and stays when plugins change."""
    await shop.install("1.0.0", manifest(post=POST))
    first = await shop.started(one_job(plugin_step(), "b"))
    await shop.install("1.1.0")

    middle = await shop.world.report(first, StepEnd(exit_code=0, pin="1.0.0"))
    assert middle is not None
    post = await shop.world.report(middle)
    assert post is not None
    await shop.world.report(post)

    assert (post.step_id, post.post_of) == (post_id(first.step_id), "a")
    assert post.inputs["plugin"]["version"] == "1.0.0"
    run = await shop.world.run(first.run_id)
    assert run.head.status is Status.SUCCEEDED
    assert list(run.index.steps) == ["a", "b", post.step_id]
    later = await shop.started(one_job(plugin_step(), "b", name="later"))
    assert len((await shop.world.run(later.run_id)).index.steps) == 2


async def test_metrics_that_were_told_while_it_ran(shop: Shop) -> None:
    """They count as those of its result do, which win; those of another attempt do not."""
    await shop.install("1.0.0")
    order = await shop.started(one_job(plugin_step()))
    for attempt, data in ((1, {"rate": 0.5, "lines": "7"}), (2, {"other": "1"})):
        record = StepRecord(
            run=order.run_id,
            step=order.step_id,
            attempt=attempt,
            kind="quality",
            name="lint",
            created_at=NOON,
            data=data,
        )
        await shop.world.store.add_step_records((record,))

    note = StepNote(kind="quality", name="echo", data={"rate": "0.9"})
    await shop.world.report(order, StepEnd(exit_code=0, pin="1.0.0", notes=(note,)))

    step = (await shop.world.run(order.run_id)).step(order.step_id)
    assert dict(step.metrics) == {"rate": "0.9", "lines": "7"}


def test_keys_of_steps() -> None:
    """A key says whose it is, whatever the id of the step; a changed one says nothing."""
    keys = StepKeys(random_key())
    run, odd = RunId("b-1"), StepId("a.b.2")

    key = keys.make(run, odd, 3)

    assert keys.read(key) == StepKey(run=run, step=odd, attempt=3)
    for wrong in ("", ".", "b-1", key[:-1], key.replace("b-1", "b-2"), key.replace(".3.", ".4.")):
        assert keys.read(wrong) is None
    assert StepKeys(random_key()).read(key) is None


async def test_what_a_step_may_tell_is_bounded(shop: Shop) -> None:
    """So many records of a kind, each of so many bytes; one of the same name is replaced."""
    await shop.install("1.0.0")
    order = await shop.started(one_job(plugin_step()))
    caller = await running_step(shop.world.engine, shop.keys, order.inputs["key"])
    services = cast(Services, SimpleNamespace(store=shop.world.store, clock=shop.world.clock))
    request = Request({"type": "http"})
    call = PlatformCall(services=services, request=request, caller=caller, pieces={})

    for name in ("a", "b", "a"):
        await call.keep("quality", name, most=2, data={"rate": "1"})
    with pytest.raises(RequestError, match="at most 2"):
        await call.keep("quality", "c", most=2)
    with pytest.raises(RequestError, match="bytes"):
        await call.keep("quality", "a", data={"rate": "1" * LARGEST_DATA})

    assert sorted(each.name for each in await call.kept("quality")) == ["a", "b"]
