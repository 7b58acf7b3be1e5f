"""Files of packages in the content store."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine_world import BOB, SHOP, World
from mulligan.core.errors import InfrastructureError, InvalidError
from mulligan.core.packages import PackagePlace
from mulligan.engine.package_names import split_package
from mulligan.engine.software_center import FileTooLargeError, SoftwareCenter

pytestmark = pytest.mark.anyio

PLACE = PackagePlace(
    project=SHOP,
    namespace="team",
    repository="libs",
    package="shop",
    version="1.0",
    folder="a/b",
    filename="app.jar",
)


@pytest.fixture
def center(staffed: World, tmp_path: Path) -> SoftwareCenter:
    """Give a software center whose files have at most 3 MiB."""
    return SoftwareCenter(
        store=staffed.store,
        clock=staffed.clock,
        root=tmp_path / "artifacts",
        most_bytes=3 * 1024 * 1024,
    )


async def pieces(*given: bytes | Exception) -> AsyncIterator[bytes]:
    """Come as a body does; an exception is raised in its turn."""
    for piece in given:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def names(root: Path) -> list[str]:
    """Return what lies in a folder and below."""
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def test_bytes_are_kept_by_their_digest(center: SoftwareCenter, tmp_path: Path) -> None:
    """The same bytes are kept once, however they come in pieces."""
    content = b"x" * (2 * 1024 * 1024 + 5)

    one = await center.keep(pieces(content))
    other = await center.keep(pieces(content[:7], b"", content[7:]), len(content))

    assert one == other
    assert one.digest == hashlib.sha256(content).hexdigest()
    assert one.sha512 == hashlib.sha512(content).hexdigest()
    assert one.size == len(content)
    assert center.path_of(one.digest).read_bytes() == content
    assert names(tmp_path) == [one.digest]


async def test_body_that_breaks_off_leaves_nothing(center: SoftwareCenter, tmp_path: Path) -> None:
    """What ends in the middle, or is too long, is not kept."""
    with pytest.raises(ConnectionResetError):
        await center.keep(pieces(b"x" * 2_000_000, ConnectionResetError()))
    with pytest.raises(FileTooLargeError):
        await center.keep(pieces(*[b"x" * 1_000_000] * 4))
    with pytest.raises(FileTooLargeError):
        await center.keep(pieces(b"x"), 3 * 1024 * 1024 + 1)

    assert names(tmp_path) == []


async def test_leftovers_of_an_earlier_life(center: SoftwareCenter, tmp_path: Path) -> None:
    """What a killed server left of uploads is deleted, files stay."""
    kept = await center.keep(pieces(b"x"))
    (tmp_path / "artifacts" / ".upload-old").write_bytes(b"half")

    await center.discard_leftovers()

    assert names(tmp_path) == [kept.digest]


async def test_output_of_a_build_is_registered(center: SoftwareCenter) -> None:
    """What a step archived becomes a file of a package; again it is the same file."""
    kept = await center.keep(pieces(b"built"))

    async def register(sha512: str) -> object:
        return await center.register(
            SHOP,
            "team",
            "libs%20shop",
            "1.0",
            "a/b/app.jar",
            kept.digest,
            kept.size,
            sha512,
            BOB,
        )

    first, second = await register(kept.sha512), await register("")

    found = await center.find(PLACE)
    assert first == second == found
    assert found is not None
    assert (found.sha512, found.creator) == (kept.sha512, BOB)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../x", "a//x", "a/", "", "..", "a\\b"])
async def test_path_that_leads_elsewhere(center: SoftwareCenter, path: str) -> None:
    """A path out of the package is refused, also when a definition holds it."""
    with pytest.raises(InvalidError):
        await center.register(SHOP, "team", "libs%20shop", "1", path, "0" * 64, 1, "f" * 128, BOB)


async def test_bytes_that_are_gone(center: SoftwareCenter) -> None:
    """A file whose bytes are not there is not registered."""
    with pytest.raises(InfrastructureError):
        await center.register(SHOP, "team", "libs%20shop", "1", "x", "0" * 64, 1, "", BOB)

    assert await center.find(PLACE) is None


@pytest.mark.parametrize("text", ["libs%20shop", "libs shop", "libs%2520shop", "libs%252520shop"])
def test_package_is_split_at_its_separator(text: str) -> None:
    """Repository and package are told apart in every form of the name."""
    assert split_package(text) == ("libs", "shop")


def test_package_without_separator() -> None:
    """A name without a repository has none; only the first separator counts."""
    assert split_package("shop") == ("", "shop")
    assert split_package("a%20b%20c") == ("a", "b%20c")
