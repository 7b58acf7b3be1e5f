"""Archives of releases: what is unpacked and what is refused."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mulligan.executors.deploy import archives
from mulligan.executors.deploy.archives import unpack
from mulligan.executors.deploy.common import remove_tree
from mulligan.executors.deploy.failures import FailedError

Entry = tuple[str, bytes, str, int] | tuple[str, bytes, str] | tuple[str, bytes]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Entry:
    """Describe an entry of a tar."""
    return (name, kind, link, mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give an empty folder with a neighbour that must stay as it is."""
    (tmp_path / "neighbour").write_text("mine")
    folder = tmp_path / "release"
    folder.mkdir()
    return folder


@pytest.fixture
def unpack_tar(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a function that makes a tar of entries and unpacks it."""

    def act(*entries: Entry, name: str = "app.tar", content: bytes = b"text") -> Path:
        path = tmp_path / name
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
            for entry in entries:
                info = tarfile.TarInfo(entry[0])
                info.type = entry[1]
                info.linkname = entry[2] if len(entry) > 2 else ""
                info.mode = entry[3] if len(entry) > 3 else 0o644
                info.size = len(content) if info.isreg() else 0
                archive.addfile(info, io.BytesIO(content))
        with path.open("rb") as source:
            unpack(source, name, folder)
        return folder

    return act


@pytest.mark.parametrize("name", ["app.tar", "app.tar.gz", "app.tgz"])
def test_tar_is_unpacked(unpack_tar: Callable[..., Path], name: str) -> None:
    """Files, folders and links inside come out, with the right to be run but no more."""
    folder = unpack_tar(
        member("./bin/app", mode=0o4777),
        member("empty", tarfile.DIRTYPE),
        member("bin/link", tarfile.SYMTYPE, "../bin/app"),
        member("hard", tarfile.LNKTYPE, "bin/app"),
        name=name,
    )

    assert (folder / "bin/app").read_text() == "text"
    assert stat.S_IMODE((folder / "bin/app").stat().st_mode) == 0o755
    assert (folder / "empty").is_dir()
    assert (folder / "bin/link").read_text() == "text"
    assert (folder / "hard").samefile(folder / "bin/app")


def test_later_entry_replaces_an_earlier_one(unpack_tar: Callable[..., Path]) -> None:
    """A name that comes twice is what it was last, and a link is replaced, not followed."""
    folder = unpack_tar(member("a"), member("b", tarfile.SYMTYPE, "a"), member("b"), member("a"))

    assert not (folder / "b").is_symlink()


@pytest.mark.parametrize(
    "entries",
    [
        [member("/etc/evil")],
        [member("../evil")],
        [member("a/../../evil")],
        [member("a/..")],
        [member("..", tarfile.DIRTYPE)],
        [member(".")],
        [member("link", tarfile.SYMTYPE, "/etc/passwd")],
        [member("link", tarfile.SYMTYPE, "..")],
        [member("link", tarfile.SYMTYPE, "a/../../neighbour")],
        [member("link", tarfile.SYMTYPE, "")],
        [member("out", tarfile.SYMTYPE, "."), member("out/file")],
        [member("file"), member("file/below")],
        [member("a", tarfile.DIRTYPE), member("a")],
        [member("a"), member("a", tarfile.DIRTYPE), member("a/b")],
        [member("x/y/up", tarfile.SYMTYPE, "../.."), member("l", tarfile.SYMTYPE, "x/y/up/..")],
        [member("loop/a", tarfile.SYMTYPE, "../b/.."), member("b", tarfile.SYMTYPE, "..")],
        [member("hard", tarfile.LNKTYPE, "../neighbour")],
        [member("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [member("hard", tarfile.LNKTYPE, "missing")],
        [member("s", tarfile.SYMTYPE, "s2"), member("hard", tarfile.LNKTYPE, "s")],
        [member("device", tarfile.CHRTYPE)],
        [member("device", tarfile.BLKTYPE)],
        [member("pipe", tarfile.FIFOTYPE)],
    ],
)
def test_evil_tar_is_refused(
    unpack_tar: Callable[..., Path], tmp_path: Path, entries: list[Entry]
) -> None:
    """What leads out, is a device, or lies below a link or file is refused; nothing is outside."""
    with pytest.raises(FailedError):
        unpack_tar(*entries)

    assert (tmp_path / "neighbour").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"neighbour", "release", "app.tar"}


def test_link_of_an_earlier_archive_may_not_be_turned(
    unpack_tar: Callable[..., Path], tmp_path: Path
) -> None:
    """A link that leads inside may not lead out because of what a second archive brings."""
    unpack_tar(member("l", tarfile.SYMTYPE, "x/../neighbour"))

    with pytest.raises(FailedError):
        unpack_tar(member("x", tarfile.SYMTYPE, "."))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tar.gz", b"no archive"),
        ("a.tar", b"no archive"),
        ("a.tar", b""),
        ("a.tgz", b"\x1f\x8b\x08\x00"),
        ("a.zip", b"PK\x03\x04"),
        ("a.zip", b""),
    ],
)
def test_broken_archive_is_refused(folder: Path, tmp_path: Path, name: str, content: bytes) -> None:
    """What is no archive is refused by name."""
    (tmp_path / name).write_bytes(content)

    with (tmp_path / name).open("rb") as source, pytest.raises(FailedError, match=name):
        unpack(source, name, folder)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_archive_that_is_cut_off_is_refused(folder: Path, tmp_path: Path, part: float) -> None:
    """Half an archive is no release."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        info = tarfile.TarInfo("random")
        info.size = 100_000
        archive.addfile(info, io.BytesIO(os.urandom(info.size)))
    path = tmp_path / "a.tar.gz"
    path.write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * part)])

    with path.open("rb") as source, pytest.raises(FailedError, match="broken"):
        unpack(source, path.name, folder)


def test_bomb_is_refused(unpack_tar: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A small archive that grows without end is refused."""
    monkeypatch.setattr(archives, "FREE_BYTES", 1_000_000)

    with pytest.raises(FailedError, match="big"):
        unpack_tar(member("a"), name="a.tgz", content=bytes(50_000_000))


def test_tar_with_too_many_entries_is_refused(
    unpack_tar: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of entries has a limit."""
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)

    with pytest.raises(FailedError, match="entries"):
        unpack_tar(*(member(f"f{number}") for number in range(11)))


def test_header_that_wants_the_memory_is_refused(folder: Path, tmp_path: Path) -> None:
    """A description of a file that has many megabytes is not read."""
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "x" * 20_000_000}
        archive.addfile(info)

    with path.open("rb") as source, pytest.raises(FailedError, match="header"):
        unpack(source, path.name, folder)


# --- zip --------------------------------------------------------------------------------------


def unpack_zip(folder: Path, *entries: tuple[str, bytes, int]) -> None:
    """Make a zip of (name, content, mode) and unpack it."""
    path = folder.with_name("app.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    with path.open("rb") as source:
        unpack(source, "app.zip", folder)


def test_zip_is_unpacked(folder: Path) -> None:
    """Files, folders and links come out; a file without rights can be read."""
    unpack_zip(
        folder,
        ("bin/", b"", stat.S_IFDIR | 0o755),
        ("bin/app", b"text", stat.S_IFREG | 0o755),
        ("plain", b"text", 0),
        ("link", b"bin/app", stat.S_IFLNK | 0o777),
    )

    assert os.access(folder / "bin/app", os.X_OK)
    assert (folder / "plain").read_text() == "text"
    assert (folder / "link").read_text() == "text"


@pytest.mark.parametrize(
    "entry",
    [
        ("../evil", b"", 0),
        ("/evil", b"", 0),
        ("link", b"/etc/passwd", stat.S_IFLNK | 0o777),
        ("link", b"..", stat.S_IFLNK | 0o777),
        ("device", b"", stat.S_IFCHR | 0o666),
        ("pipe", b"", stat.S_IFIFO | 0o666),
    ],
)
def test_evil_zip_is_refused(folder: Path, tmp_path: Path, entry: tuple[str, bytes, int]) -> None:
    """The rules of tar files hold for zip files."""
    with pytest.raises(FailedError):
        unpack_zip(folder, entry)

    assert {path.name for path in tmp_path.iterdir()} == {"neighbour", "release", "app.zip"}


def test_zip_bomb_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out is counted, whatever the headers say."""
    monkeypatch.setattr(archives, "FREE_BYTES", 1_000_000)

    with pytest.raises(FailedError, match="big"):
        unpack_zip(folder, ("zeros", bytes(50_000_000), 0))


def test_encrypted_zip_is_refused(folder: Path, tmp_path: Path) -> None:
    """Nobody here knows the password."""
    unpack_zip(folder, ("a", b"text", 0))
    path = tmp_path / "app.zip"
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(content)

    with path.open("rb") as source, pytest.raises(FailedError, match="encrypted"):
        unpack(source, "app.zip", folder)


def test_tree_without_rights_is_removed(folder: Path) -> None:
    """A release that took its own rights away doesn't stay for ever."""
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").touch()
    (folder / "a" / "link").symlink_to("/")
    (folder / "a" / "b").chmod(0o500)
    (folder / "a").chmod(0o500)

    remove_tree(folder)

    assert not folder.exists()
