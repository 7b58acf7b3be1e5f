"""What all tests share."""

import signal

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
