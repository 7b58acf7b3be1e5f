"""Ask the kernel for what keeps steps together: a process namespace, or adoption of orphans."""

from __future__ import annotations

import ctypes
import os

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000

_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_NOEXEC = 0x8
_MS_REC = 0x4000
_MS_SLAVE = 0x80000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), "prctl")


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send `signal_number` to this process when its parent thread ends.

    The caller must look afterwards whether the parent is still there: it may have ended before.
    """
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ended."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_memory() -> None:
    """Refuse other processes of the same user a look into this one: it holds secrets."""
    _prctl(_PR_SET_DUMPABLE, 0)


def unshare_processes() -> bool:
    """Put the children that this process will have into a process namespace of their own.

    The mounts are unshared too. Who isn't root does it in a user namespace in which the own user
    and group stand for themselves; root doesn't, because it could not become another user there.

    Returns:
        Whether the kernel agreed.
    """
    user, group = os.geteuid(), os.getegid()
    namespaces = _CLONE_NEWPID | _CLONE_NEWNS | (_CLONE_NEWUSER if user != 0 else 0)
    try:
        _check(_libc.unshare(namespaces), "unshare")
    except OSError:
        return False
    if user != 0:
        _map_ids(user, group)
    return True


def _map_ids(user: int, group: int) -> None:
    for name, text in (
        ("uid_map", f"{user} {user} 1"),
        ("setgroups", "deny"),  # the kernel asks for this before an unprivileged gid_map
        ("gid_map", f"{group} {group} 1"),
    ):
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def mount_own_proc() -> None:
    """Mount a /proc that shows this process namespace, seen by nobody outside. Raises OSError."""
    # A slave keeps seeing what is mounted outside later; nothing goes the other way.
    _check(_libc.mount(b"none", b"/", None, _MS_REC | _MS_SLAVE, None), "mount / as slave")
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _check(_libc.mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(flags), None), "mount /proc")
