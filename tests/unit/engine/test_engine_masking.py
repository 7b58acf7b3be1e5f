"""What a step says of itself holds no secret."""

import pytest

from builders import one_job
from engine_world import World
from mulligan.core.ids import StepId
from mulligan.core.spec import ParameterSpec, PipelineSpec
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio


def secretive(sensitive: bool) -> PipelineSpec:
    """Give a definition of one step with a parameter that may be a secret."""
    token = ParameterSpec(name="token", default="s3cr3t-value", sensitive=sensitive)
    return PipelineSpec(name="build", stages=one_job("a").stages, parameters=(token,))


@pytest.mark.parametrize(
    ("sensitive", "shown"), [(True, "can't log in with ******"), (False, "with s3cr3t-value")]
)
async def test_secret_in_a_message_is_masked(hand: World, sensitive: bool, shown: str) -> None:
    """The message of a failed step shows stars for a secret, and nothing else changes."""
    made = await hand.add_pipeline(secretive(sensitive))
    head = await hand.start(made)

    end = StepEnd(cause="spawn", message="can't log in with s3cr3t-value")
    await hand.report(await hand.claim(head.id), end)

    assert shown in (await hand.run(head.id)).step(StepId("a")).message


async def test_secret_in_a_remark_is_masked(hand: World) -> None:
    """A remark that a script sets is masked as well."""
    made = await hand.add_pipeline(secretive(sensitive=True))
    head = await hand.start(made)

    end = StepEnd(exit_code=0, remark="used s3cr3t-value twice")
    await hand.report(await hand.claim(head.id), end)

    assert (await hand.run(head.id)).head.remark == "used ****** twice"
