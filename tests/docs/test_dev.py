"""The task runner: how it finds Python, and what it says when it can't go on."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What ./dev calls besides Python; a folder of links to these stands for a bare machine.
PROGRAMS = ["cat", "chmod", "cksum", "dirname", "head", "ls", "mkdir", "mv", "rm", "sh"]

OLD_PYTHON = """#!/bin/sh
[ "$1" != --version ] || { echo "Python 3.9.2"; exit 0; }
exit 1
"""
FAILING_SHIM = "#!/bin/sh\necho 'no such version is installed' >&2\nexit 127\n"
# Plays a venv's interpreter and its modules: notes every call and succeeds.
NEW_PYTHON = f"""#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in
    *flock*) exec {sys.executable} "$@" ;;
    *'import venv'*) echo "$0" ;;
    *'version_info[:2]'*) echo 3.13 ;;
    '-m venv '*) mkdir -p "$3/bin"; cat "$0" >"$3/bin/python"; chmod +x "$3/bin/python" ;;
    '-m pytest '*) echo "pytest ran" ;;
esac
"""


def write_program(path: Path, text: str) -> Path:
    """Make an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Give a folder with the few programs that every machine has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        real = shutil.which(name)
        assert real is not None
        (folder / name).symlink_to(real)
    return folder


def start_dev(
    *arguments: str, path: str, venv: Path, checkout: Path = ROOT
) -> subprocess.Popen[str]:
    """Start ./dev with nothing but PATH and the place of the environment in its environment."""
    environment = {
        "PATH": path,
        "MULLIGAN_VENV": str(venv),
        "CALLS": str(venv.parent / "calls"),
    }
    return subprocess.Popen(
        ["/bin/sh", str(checkout / "dev"), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_dev(
    *arguments: str, path: str, venv: Path, checkout: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run ./dev to its end."""
    with start_dev(*arguments, path=path, venv=venv, checkout=checkout) as process:
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def checksum(path: Path) -> str:
    """Return what cksum prints for the content of a file."""
    content = path.read_bytes()
    return subprocess.run(["cksum"], input=content, check=True, capture_output=True).stdout.decode()


def test_help_needs_no_python(bare: Path, tmp_path: Path) -> None:
    """`./dev help` lists the tasks on a machine without Python and makes nothing."""
    done = run_dev("help", path=str(bare), venv=tmp_path / "venv")

    assert done.returncode == 0
    assert "  test " in done.stdout
    assert not (tmp_path / "venv").exists()


def test_an_unknown_task_is_a_usage_error(bare: Path, tmp_path: Path) -> None:
    """A task that does not exist ends with code 2 and the list of those that do."""
    done = run_dev("dance", path=str(bare), venv=tmp_path / "venv")

    assert done.returncode == 2
    assert "unknown task: dance" in done.stderr
    assert "  demo " in done.stderr


def test_without_python_it_says_what_to_install(bare: Path, tmp_path: Path) -> None:
    """Where only an old Python is found, the message names it and how to get a newer one."""
    write_program(tmp_path / "old" / "python3", OLD_PYTHON)

    done = run_dev("test", path=f"{bare}:{tmp_path / 'old'}", venv=tmp_path / "venv")

    assert done.returncode == 1
    assert "no CPython 3.11 or newer" in done.stderr
    assert f"{tmp_path / 'old' / 'python3'}: Python 3.9.2" in done.stderr
    assert "python3-venv" in done.stderr


def test_a_shim_that_fails_is_passed_over(bare: Path, tmp_path: Path) -> None:
    """The search goes on behind a shim and an old Python, on PATH and by other names."""
    write_program(tmp_path / "a" / "python3.13", FAILING_SHIM)
    write_program(tmp_path / "a" / "python3", OLD_PYTHON)
    write_program(tmp_path / "b" / "python3", NEW_PYTHON)

    done = run_dev(
        "test", "x.py", path=f"{tmp_path / 'a'}:{bare}:{tmp_path / 'b'}", venv=tmp_path / "venv"
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "pytest ran\n"
    calls = (tmp_path / "calls").read_text()
    assert f"-m venv {tmp_path / 'venv'}\n" in calls
    assert "-m pip install --quiet --no-input -e .[dev,browser]\n" in calls
    assert "-m pytest -ra x.py\n" in calls


def test_the_second_run_installs_nothing(bare: Path, tmp_path: Path) -> None:
    """Where the environment fits pyproject.toml it is used as it is."""
    write_program(tmp_path / "b" / "python3", NEW_PYTHON)
    path = f"{bare}:{tmp_path / 'b'}"
    run_dev("test", path=path, venv=tmp_path / "venv")
    (tmp_path / "calls").unlink()

    done = run_dev("test", path=path, venv=tmp_path / "venv")

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    calls = (tmp_path / "calls").read_text()
    assert "-m pytest -ra -n 3" in calls
    assert "install" not in calls
    assert "venv" not in calls


def test_a_changed_pyproject_is_installed_again(bare: Path, tmp_path: Path) -> None:
    """Another pyproject.toml is installed into the same environment."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    write_program(checkout / "dev", (ROOT / "dev").read_text(encoding="utf-8"))
    (checkout / "pyproject.toml").write_text("[project]\n")
    write_program(tmp_path / "b" / "python3", NEW_PYTHON)
    path = f"{bare}:{tmp_path / 'b'}"
    run_dev("test", path=path, venv=tmp_path / "venv", checkout=checkout)
    (tmp_path / "calls").unlink()
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    done = run_dev("test", path=path, venv=tmp_path / "venv", checkout=checkout)

    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text()
    assert "-m pip install" in calls
    assert "-m venv" not in calls


def test_a_folder_of_something_else_is_left_alone(bare: Path, tmp_path: Path) -> None:
    """MULLIGAN_VENV may not be a folder that holds other things; nothing in it is touched."""
    write_program(tmp_path / "b" / "python3", NEW_PYTHON)
    precious = tmp_path / "home" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")

    done = run_dev("test", path=f"{bare}:{tmp_path / 'b'}", venv=precious.parent)

    assert done.returncode == 1
    assert "is not empty and not a virtual environment" in done.stderr
    assert [path.name for path in precious.parent.iterdir()] == ["thesis.txt"]


def test_a_second_run_waits_for_the_first(bare: Path, tmp_path: Path) -> None:
    """A run that finds another one making the environment waits, and then installs nothing."""
    write_program(tmp_path / "b" / "python3", NEW_PYTHON)
    venv = tmp_path / "venv"
    write_program(venv / "bin" / "python", NEW_PYTHON)
    (venv / "pyvenv.cfg").touch()
    first = os.open(venv, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)

    with start_dev("test", path=f"{bare}:{tmp_path / 'b'}", venv=venv) as second:
        assert second.stderr is not None
        said = second.stderr.readline()
        (venv / ".mulligan-place").write_text(f"3.13 {venv} {ROOT}\n")
        (venv / ".mulligan-installed").write_text(checksum(ROOT / "pyproject.toml"))
        os.close(first)
        out, more = second.communicate(timeout=60)

    assert "another run is making the environment" in said
    assert (second.returncode, out, more) == (0, "pytest ran\n", "")
    assert "install" not in (tmp_path / "calls").read_text()
