"""What all tests share."""

import asyncio
import inspect
import signal
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow now and then: that is no failure.
settings.register_profile("mulligan", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mulligan")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it puts aside
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    """Run tests marked `anyio` on asyncio, the only loop that the server runs on."""
    return "asyncio"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Let a test that hangs end from within its event loop.

    The time-out of the process raises outside of it: the test would stay in the loop's way for
    ever, and so would the fixtures that are to be closed there.
    """
    test = pyfuncitem.obj
    if inspect.iscoroutinefunction(test) and not hasattr(test, "hypothesis"):
        marker = pyfuncitem.get_closest_marker("timeout")
        timeout_s = float(marker.args[0] if marker else pyfuncitem.config.getini("timeout"))
        pyfuncitem.obj = _bounded(test, 0.8 * timeout_s)  # the rest is for its fixtures


def _bounded(
    test: Callable[..., Awaitable[None]], timeout_s: float
) -> Callable[..., Awaitable[None]]:
    @wraps(test)
    async def call(**values: Any) -> None:
        async with asyncio.timeout(timeout_s):
            await test(**values)

    return call
