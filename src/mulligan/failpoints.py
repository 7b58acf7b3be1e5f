"""Named points at which a test may end the process, as a crash would.

`MULLIGAN_FAILPOINT=name` arms one for a whole process, `name:3` at its third passing. Without it
`hit` costs one comparison.
"""

import os

_EXIT_CODE = 86
_armed, _, _count = os.environ.get("MULLIGAN_FAILPOINT", "").partition(":")
_left = int(_count) if _count.isdecimal() else 1


def hit(name: str) -> None:
    """End the process if `name` is armed and its turn has come."""
    global _left  # noqa: PLW0603
    if name != _armed:
        return
    _left -= 1
    if _left <= 0:
        os._exit(_EXIT_CODE)
