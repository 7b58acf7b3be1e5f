"""What all tests share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """Run tests marked `anyio` on asyncio, the only loop that the server runs on."""
    return "asyncio"
