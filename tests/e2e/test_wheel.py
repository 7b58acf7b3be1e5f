"""What is installed from a built package shows the page, on a machine that has no node."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from contextlib import closing
from pathlib import Path

import pytest

from mulligan.testing.http_client import HttpClient
from mulligan.testing.server import ServerProcess
from mulligan.web.page import DIST

ROOT = Path(__file__).parents[2]
BUILD_S = 100


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the wheel and the sdist of this checkout, built without node."""
    if not (ROOT / "hatch_build.py").is_file() or not (DIST / "index.html").is_file():
        pytest.skip("the web page is not built: ./dev page")
    folder = tmp_path_factory.mktemp("packages")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", folder],
        cwd=ROOT,
        env={**os.environ, "PATH": str(folder)},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_S,
    )
    assert done.returncode == 0, done.stdout
    return folder


def installed(wheel: Path, folder: Path) -> Path:
    """Put the wheel into a new environment, with the libraries of this one; give its Python."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # it is pure Python: unpacked is installed
    unpack = [sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)]
    subprocess.run(unpack, check=True, timeout=BUILD_S)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_holds_the_page(packages: Path, tmp_path: Path) -> None:
    """Its server gives the page and every file that the page loads, packed and plain."""
    [wheel] = packages.glob("*.whl")
    python = installed(wheel, tmp_path / "venv")
    where = [str(python), "-P", "-c", "import mulligan; print(mulligan.__file__)"]
    found = subprocess.run(where, check=True, capture_output=True, text=True, timeout=BUILD_S)
    assert found.stdout.startswith(str(tmp_path))

    command = [str(python), "-P", "-m", "mulligan", "serve"]
    no_programs = {"PATH": str(tmp_path)}
    server = ServerProcess(tmp_path / "data", command=command, environment=no_programs)
    with server, closing(HttpClient(server.url)) as client:
        page = client.request("GET", "/projects/x", headers={"Accept": "text/html"})
        loaded = re.findall(r'(?:src|href)="\./([^"]+)"', page.text)
        manifest = json.loads((DIST / ".vite" / "manifest.json").read_text("utf-8"))
        names = {*loaded, *(chunk["file"] for chunk in manifest.values())}
        assert page.http == 200
        assert any(name.endswith(".js") for name in loaded)
        for name in sorted(names):
            plain = client.request("GET", f"/{name}")
            packed = client.request("GET", f"/{name}", headers={"Accept-Encoding": "br"})
            assert plain.http == packed.http == 200, name
            assert plain.content == (DIST / name).read_bytes()
            if name.startswith("assets/"):
                assert packed.headers["content-encoding"] == "br", name


def test_the_sdist_holds_the_page_and_its_sources(packages: Path) -> None:
    """Who builds from it needs no node either: the page is there, with its stamp."""
    [sdist] = packages.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {path.relative_to(ROOT).as_posix() for path in DIST.rglob("*") if path.is_file()}
    assert wanted <= names
    assert {"web/package-lock.json", "web/src/main.tsx", "hatch_build.py"} <= names
    assert not any("node_modules" in name for name in names)
