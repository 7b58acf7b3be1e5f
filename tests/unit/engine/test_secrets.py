"""Secrets of a project: how they are kept, what steps get of them, and what nobody sees."""

import msgspec
import pytest

from builders import one_job, step
from engine_world import ADMIN, SHOP, World
from mulligan.core.errors import ConflictError, InvalidError, NotFoundError
from mulligan.core.prepare import StepOrder
from mulligan.core.records import PipelineSettings
from mulligan.core.report import StepNote
from mulligan.core.spec import Dialect, ParameterSpec, PipelineSpec
from mulligan.engine import secrets as module
from mulligan.engine.masking import end_without_secrets
from mulligan.engine.secrets import GivenSecret, Secrets, Vault
from mulligan.ports import StepEnd
from mulligan.secret_key import SecretKey, UnsealError

pytestmark = pytest.mark.anyio

TEXT = "pa$$ word-77"
LOGIN = GivenSecret(
    id="db", kind="USERNAME_PASSWORD", values={"username": "ann1", "password": TEXT}
)


def secrets_of(world: World, key: bytes = b"k" * 32) -> Secrets:
    """Give the secrets of a server with that key; steps of the world get them."""
    made = Secrets(store=world.store, clock=world.clock, secret_key=SecretKey(lambda: key))
    world.engine.open_vault = made.vault
    return made


@pytest.fixture
async def secrets(staffed: World) -> Secrets:
    """Give a project with one secret."""
    made = secrets_of(staffed)
    await made.put(ADMIN, SHOP, LOGIN)
    return made


async def order_of(
    world: World, script: str, *, dialect: Dialect = Dialect.CLASSIC, **fields: object
) -> StepOrder:
    """Give the order for a step of a new run."""
    name = f"p{world.ids.hex32()}"
    spec = one_job(step("a", inputs={"script": script}, **fields), name=name)
    return await claimed(world, spec, dialect)


async def claimed(world: World, spec: PipelineSpec, dialect: Dialect, **values: str) -> StepOrder:
    """Start a pipeline and take its first job."""
    pipeline = await world.add_pipeline(spec, PipelineSettings(dialect=dialect))
    head = await world.start(pipeline, values=values)
    return await world.claim(head.id)


async def test_values_are_stored_encrypted(staffed: World, secrets: Secrets) -> None:
    """No row holds a value; the server's key opens it, another key or another place does not."""
    stored = await staffed.store.find_secret(SHOP, "db")

    assert stored is not None
    assert stored.fields == ("username", "password")
    assert TEXT.encode() not in stored.sealed
    assert TEXT not in str(await staffed.store.list_audit())
    assert await secrets.detail(SHOP, "db") == {"username": "ann1", "password": TEXT}
    with pytest.raises(UnsealError):
        await secrets_of(staffed, b"x" * 32).detail(SHOP, "db")
    moved = msgspec.structs.replace(stored, id="other")
    with pytest.raises(UnsealError):
        Vault((moved,), SecretKey(lambda: b"k" * 32)).values("other")


@pytest.mark.parametrize("dialect", [Dialect.CLASSIC, Dialect.CONSTRAINED])
async def test_a_step_gets_what_its_texts_name(
    staffed: World, secrets: Secrets, dialect: Dialect
) -> None:
    """Inputs and environment hold the values; they are to be masked; nothing stored has them."""
    order = await order_of(
        staffed,
        "login ${{ settings.db.username }} '${{ settings.db.password }}'",
        dialect=dialect,
        env=(("TOKEN", "x-${{ settings.db.password }}"),),
    )

    assert order.inputs["script"] == f"login ann1 '{TEXT}'"
    assert order.env["TOKEN"] == f"x-{TEXT}"
    assert order.secrets == (TEXT,)
    assert order.problem == ""
    run = await staffed.store.get_run(order.run_id)
    events = await staffed.store.events_after(0)
    assert TEXT not in str(run) + str(events)


@pytest.mark.parametrize("dialect", [Dialect.CLASSIC, Dialect.CONSTRAINED])
async def test_a_value_names_no_secret(staffed: World, secrets: Secrets, dialect: Dialect) -> None:
    """Who may only start a run can't have a secret put into a text by a parameter."""
    spec = one_job(
        step(
            "a",
            inputs={"script": "echo ${{ variables.msg }}"},
            env=(("E", "${{ variables.msg }}"), ("F", "${{ envs.E }}")),
        ),
        parameters=(ParameterSpec(name="msg", kind="STRING"),),
    )
    order = await claimed(staffed, spec, dialect, msg="${{ settings.db.password }}")

    assert "settings.db.password" in order.inputs["script"]
    assert TEXT not in str(order.inputs) + str(order.env)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("settings.nope.password", "no secret 'nope'"),
        ("settings.db.token", "no field 'token', only username, password"),
    ],
)
@pytest.mark.parametrize("dialect", [Dialect.CLASSIC, Dialect.CONSTRAINED])
async def test_a_secret_that_is_not_there_stops_the_step(
    staffed: World, secrets: Secrets, name: str, message: str, dialect: Dialect
) -> None:
    """The step can't be run, and its message says which secret it misses."""
    order = await order_of(staffed, f"echo ${{{{ {name} }}}}", dialect=dialect)

    assert message in order.problem


async def test_another_key_of_the_server_stops_the_step(staffed: World, secrets: Secrets) -> None:
    """A secret that can't be opened is a problem of the steps that name it and of no others."""
    secrets_of(staffed, b"x" * 32)

    broken = await order_of(staffed, "echo ${{ settings.db.password }}")
    other = await order_of(staffed, "echo")

    assert "another key" in broken.problem
    assert (other.problem, other.secrets) == ("", ())


async def test_secrets_can_be_asked_but_not_listed(staffed: World, secrets: Secrets) -> None:
    """Expressions over all secrets see none."""
    script = "${{ toJSON(settings) }} ${{ toJSON(settings.db) }}"
    order = await order_of(staffed, script, dialect=Dialect.CONSTRAINED)

    assert order.inputs["script"] == "{} {}"


async def test_what_is_short_or_common_is_masked_where_it_is_used(
    staffed: World, secrets: Secrets
) -> None:
    """A region or three letters would hide half of every log."""
    values = {"cosappId": "4711-0815", "secretId": "abc", "secretKey": "k-1234", "region": "east-1"}
    await secrets.put(ADMIN, SHOP, GivenSecret(id="cos", kind="COS", values=values))

    other = await order_of(staffed, "echo")
    user = await order_of(staffed, "${{ settings.cos.region }} ${{ settings.cos.secretId }}")

    assert other.secrets == ("k-1234", TEXT)
    assert user.secrets == ("k-1234", TEXT, "east-1", "abc")


async def test_changes_count_from_the_next_step(staffed: World, secrets: Secrets) -> None:
    """A secret that is replaced or removed is used as it is when a step begins."""
    script = "${{ settings.db.password }}"
    first = await order_of(staffed, script)
    new = GivenSecret(id="db", kind="USERNAME_PASSWORD", values={"password": "other"})
    await secrets.put(ADMIN, SHOP, new)
    second = await order_of(staffed, script)
    await secrets.drop(ADMIN, SHOP, "db")
    third = await order_of(staffed, script)

    assert [first.inputs["script"], second.inputs["script"]] == [TEXT, "other"]
    assert "no secret 'db'" in third.problem
    with pytest.raises(NotFoundError):
        await secrets.drop(ADMIN, SHOP, "db")


async def test_malformed_secrets_are_refused(
    staffed: World, secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, lengths, kinds and counts have their bounds; a refused one changes nothing."""
    for ident in ("", "a.b", "a b", "é", "x" * 65):
        with pytest.raises(InvalidError):
            await secrets.put(ADMIN, SHOP, GivenSecret(id=ident, kind="V", values={"value": "1"}))
    long = GivenSecret(id="a", kind="V", values={"value": "x" * (module.LONGEST_VALUE + 1)})
    with pytest.raises(InvalidError):
        await secrets.put(ADMIN, SHOP, long)
    with pytest.raises(ConflictError):
        await secrets.put(ADMIN, SHOP, GivenSecret(id="db", kind="V", values={"value": "1"}))
    monkeypatch.setattr(module, "MOST_SECRETS", 1)
    with pytest.raises(InvalidError):
        await secrets.put(ADMIN, SHOP, GivenSecret(id="a", kind="V", values={"value": "1"}))

    assert (await staffed.store.list_secrets(SHOP))[1] == 1
    assert TEXT not in repr(LOGIN)


def test_the_end_of_a_step_shows_no_secret() -> None:
    """Texts are masked; what the step sets is left out if it holds a secret in any form."""
    end = StepEnd(
        message=f"can't log in with {TEXT}",
        remark=f"{TEXT}!",
        error=(1, TEXT),
        variables=(("a", "1"), ("b", f"x{TEXT}"), (TEXT, "1"), ("c", "cGEkJCB3b3JkLTc3")),
        outputs=(("o", TEXT), ("p", "2")),
        metrics=(("m", TEXT), ("n", "3")),
        progress=f"at {TEXT}",
        notes=(StepNote(kind="report", name=TEXT, data={"url": [f"x {TEXT}", 1]}),),
    )

    safe = end_without_secrets(end, (TEXT,))

    assert (safe.message, safe.remark) == ("can't log in with ******", "******!")
    assert safe.error == (1, "******")
    assert (safe.metrics, safe.progress) == ((("n", "3"),), "at ******")
    assert safe.notes == (StepNote(kind="report", name="******", data={"url": ["x ******", 1]}),)
    assert (safe.variables, safe.outputs) == ((("a", "1"),), (("p", "2"),))
