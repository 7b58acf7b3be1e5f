"""The sample project works outside any server: it is real software with real tests."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mulligan.demo.pipeline import FEED_IS_DOWN
from mulligan.demo.price_feed import PriceFeed
from mulligan.demo.repository import HISTORY, SAMPLE, copy_files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of all files of the sample."""
    folder = tmp_path / "project"
    for commit in HISTORY:
        copy_files(folder, commit.files)
    return folder


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[PriceFeed]:
    """A price feed that is down."""
    with closing(PriceFeed(tmp_path / "feed.log")) as price_feed:
        yield price_feed


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project; stdout and stderr come together."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_file_of_the_sample_is_in_its_history() -> None:
    """No file is forgotten: what lies in the package is what the repository gets."""
    files = (path for path in SAMPLE.rglob("*") if path.is_file())

    names = {path.relative_to(SAMPLE).as_posix() for path in files if path.suffix != ".pyc"}

    assert names == {name for commit in HISTORY for name in commit.files}


def test_unit_tests_of_the_sample_pass_at_every_commit(tmp_path: Path) -> None:
    """Each commit of the history is green by itself, with more tests than the one before."""
    counts = []

    for commit in HISTORY:
        copy_files(tmp_path, commit.files)
        result = run(tmp_path, "-m", "unittest", "--verbose")
        assert result.returncode == 0, result.stdout
        counts.append(result.stdout.count(" ... ok\n"))

    assert counts == [3, 10, 14]


def test_build_compiles_every_module(project: Path) -> None:
    """The compile step leaves compiled code for each module and says how many there are."""
    result = run(project, "-m", "ci.build")

    assert result.returncode == 0, result.stdout
    modules = len(list(project.rglob("*.py")))
    assert len(list(project.rglob("*.pyc"))) == modules
    assert f"{modules} modules compiled" in result.stdout


def test_build_refuses_broken_code(project: Path) -> None:
    """A module that does not compile fails the step, and the step names it."""
    (project / "tests" / "test_broken.py").write_text("def broken(:\n")

    result = run(project, "-m", "ci.build")

    assert result.returncode == 1
    assert "build: does not compile: tests/test_broken.py" in result.stdout


def test_build_refuses_a_bad_version(project: Path) -> None:
    """A version that is not three numbers fails the step."""
    (project / "shop" / "VERSION").write_text("next\n")

    result = run(project, "-m", "ci.build")

    assert result.returncode == 1
    assert "shop/VERSION is 'next'" in result.stdout


def test_package_is_one_program_with_the_same_bytes_each_time(project: Path) -> None:
    """The package runs by itself, knows its version, and packing again changes nothing."""
    first = run(project, "-m", "ci.package")
    package = project / "dist" / "shop-1.0.0.pyz"
    content = package.read_bytes()

    run(project, "-m", "ci.package")

    assert package.read_bytes() == content
    assert hashlib.sha256(content).hexdigest() in first.stdout
    assert run(project.parent, str(package), "--version").stdout == "shop 1.0.0\n"


def test_integration_test_fails_without_the_price_feed(project: Path, feed: PriceFeed) -> None:
    """While the feed is down the test exits with 69 and says what is missing."""
    run(project, "-m", "ci.package")

    result = run(project, "-m", "ci.integration", "--feed", feed.url)

    assert result.returncode == FEED_IS_DOWN
    assert f"price feed {feed.url} does not answer: Connection refused" in result.stdout
    assert "shop-1.0.0.pyz is healthy" in result.stdout


def test_integration_test_passes_with_the_price_feed(project: Path, feed: PriceFeed) -> None:
    """With the feed up the packaged shop quotes the expected prices."""
    run(project, "-m", "ci.package")
    feed.start(project / "feed.py")

    result = run(project, "-m", "ci.integration", "--feed", feed.url)

    assert result.returncode == 0, result.stdout
    assert "4 prices are right" in result.stdout


def test_integration_test_finds_a_wrong_price(project: Path, feed: PriceFeed) -> None:
    """A shop that rounds wrongly is caught by the test, not only by the unit tests."""
    pricing = project / "shop" / "pricing.py"
    pricing.write_text(pricing.read_text().replace("ROUND_HALF_UP", "ROUND_CEILING"))
    run(project, "-m", "ci.package")
    feed.start(project / "feed.py")

    result = run(project, "-m", "ci.integration", "--feed", feed.url)

    assert result.returncode == 1
    assert "expected" in result.stdout


def test_publish_puts_package_and_checksum_into_the_registry(project: Path) -> None:
    """The registry holds the package, its checksum and the name of the newest version."""
    run(project, "-m", "ci.package")
    package = project / "dist" / "shop-1.0.0.pyz"
    registry = project.parent / "registry"

    result = run(project, "-m", "ci.publish", str(registry))

    assert result.returncode == 0, result.stdout
    published = registry / "shop" / "1.0.0" / "shop-1.0.0.pyz"
    assert published.read_bytes() == package.read_bytes()
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    checksum = published.with_name("shop-1.0.0.pyz.sha256").read_text()
    assert checksum == f"{digest}  shop-1.0.0.pyz\n"
    assert (registry / "shop" / "latest").read_text() == "1.0.0\n"


def test_publish_refuses_other_bytes_under_a_published_version(project: Path) -> None:
    """What was published stays; the same bytes again are fine, others are refused."""
    run(project, "-m", "ci.package")
    registry = project.parent / "registry"
    run(project, "-m", "ci.publish", str(registry))
    published = registry / "shop" / "1.0.0" / "shop-1.0.0.pyz"
    content = published.read_bytes()

    same = run(project, "-m", "ci.publish", str(registry))
    (project / "dist" / "shop-1.0.0.pyz").write_bytes(b"other")
    other = run(project, "-m", "ci.publish", str(registry))

    assert same.returncode == 0
    assert other.returncode == 1
    assert "exists with other content" in other.stdout
    assert published.read_bytes() == content


def test_feed_ends_with_its_starter(project: Path) -> None:
    """A feed that is bound to standard input ends when that is closed."""
    command = [sys.executable, "feed.py", "--port", "0", "--while-stdin-open"]
    with subprocess.Popen(
        command, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        first_line = process.stdout.readline()

        process.communicate(timeout=60)

    assert b"listening" in first_line
    assert process.returncode == 0


def test_sample_is_data() -> None:
    """The folder is no Python package: tools that walk the package's modules pass it by."""
    assert not (SAMPLE / "__init__.py").exists()
