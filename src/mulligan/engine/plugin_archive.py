"""Look into the zip of a plugin: is it one, may it be unpacked, what does its task.json say."""

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mulligan.core.plugins import MANIFEST_FILE, ZipEntry, problems_of, problems_of_zip

if TYPE_CHECKING:
    from zipfile import ZipInfo


class PluginArchiveError(Exception):
    """The zip is no release of a plugin; `problems` names everything that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_manifest(archive: Path) -> dict[str, Any]:
    """Return the checked `task.json` of a zip. Blocks: for threads.

    Raises:
        PluginArchiveError: It is no zip, a dangerous one, or no plugin.
        OSError: It can't be read.
    """
    import lzma
    import zipfile  # with its compressors, not before somebody installs something
    import zlib

    broken = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError)
    try:
        with zipfile.ZipFile(archive) as content:
            entries = [_entry(info) for info in content.infolist()]
            _raise_if(problems_of_zip(entries))
            damaged = content.testzip()  # better now than when a step unpacks it
            _raise_if([f"{damaged!r} in the zip is damaged"] if damaged else [])
            text = content.read(MANIFEST_FILE)
    # NotImplementedError: what zipfile raises for a compression that it lacks
    except (*broken, NotImplementedError, EOFError, ValueError) as error:
        raise _unreadable(error) from None
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # nonsense for bz2, an entry before the beginning
            raise _unreadable(error) from None
        raise
    try:
        manifest = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise PluginArchiveError([f"task.json: is no valid JSON: {error}"]) from None
    files = frozenset(entry.name for entry in entries if not entry.name.endswith("/"))
    _raise_if(problems_of(manifest, files))
    checked: dict[str, Any] = manifest
    return checked


def _unreadable(error: Exception) -> PluginArchiveError:
    return PluginArchiveError([f"the body is no readable zip: {error}"])


def _entry(info: "ZipInfo") -> ZipEntry:
    return ZipEntry(
        name=info.orig_filename,
        size=info.file_size,
        packed=info.compress_size,
        mode=info.external_attr >> 16,
        is_encrypted=bool(info.flag_bits & 1),
    )


def _raise_if(problems: list[str]) -> None:
    if problems:
        raise PluginArchiveError(problems)
