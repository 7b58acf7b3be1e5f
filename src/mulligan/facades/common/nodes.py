"""The machines that run jobs, as facades show them."""

import hashlib

import msgspec


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that runs jobs. `slots`: how many at once, `busy`: how many now."""

    name: str
    host: str
    address: str
    system: str  # "Linux"
    system_detail: str
    slots: int
    busy: int
    is_online: bool = True

    @property
    def id(self) -> str:
        """Return an opaque id that follows from the name."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:8]
