"""The process limit: the same processes started by bare Python, with the same commits on SQLite.

All times are seconds for the whole of the work.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SHELL = "/bin/sh"
CALIBRATION_LOOPS = 100
PIPE_READ_BYTES = 1 << 16  # what a pipe holds by default on Linux


def calibrate() -> float:
    """Return the milliseconds of one `sh -c true` in a shell's loop; 0.8 to 1.2 on quiet x86-64."""
    loop = f'i=0; while [ "$i" -lt {CALIBRATION_LOOPS} ]; do sh -c true; i=$((i + 1)); done'
    started = time.perf_counter()
    subprocess.run([SHELL, "-c", loop], check=True)
    return (time.perf_counter() - started) / CALIBRATION_LOOPS * 1000


def spawn_and_commit(script: str, count: int, database: Path, synchronous: str) -> float:
    """Run `script` `count` times in a row, its output captured, with two commits around each."""
    connection = _open(database, synchronous)
    started = time.perf_counter()
    for number in range(count):
        connection.execute("insert into step values (?, 'running', ?, null)", (number, time.time()))
        output = _captured(script)
        connection.execute(
            "update step set state = 'succeeded', log = ? where number = ?", (output, number)
        )
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def commits(count: int, database: Path, synchronous: str) -> float:
    """Commit `count` small transactions one after the other."""
    connection = _open(database, synchronous)
    started = time.perf_counter()
    for number in range(count):
        connection.execute("insert into step values (?, 'running', ?, null)", (number, time.time()))
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def xargs(script: str, count: int, at_once: int) -> float:
    """Run `script` `count` times with `xargs -P`, nothing captured or stored."""
    numbers = "\n".join(map(str, range(count)))
    command = ["xargs", f"-P{at_once}", "-n1", SHELL, "-c", script]
    started = time.perf_counter()
    subprocess.run(command, input=numbers, text=True, check=True)
    return time.perf_counter() - started


def asyncio_at_once(script: str, count: int, at_once: int) -> float:
    """Run `script` `count` times with asyncio's subprocesses, output captured, nothing stored."""
    started = time.perf_counter()
    asyncio.run(_many(script, count, at_once))
    return time.perf_counter() - started


def pipe_to_file(script: str, path: Path) -> float:
    """Copy the output of `script` through this process to a new file."""
    started = time.perf_counter()
    with (
        subprocess.Popen([SHELL, "-c", script], stdout=subprocess.PIPE) as process,
        path.open("wb", buffering=0) as file,
    ):
        assert process.stdout is not None
        while chunk := os.read(process.stdout.fileno(), PIPE_READ_BYTES):
            file.write(chunk)
    return time.perf_counter() - started


def _open(database: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute(f"pragma synchronous={synchronous}")
    connection.execute("drop table if exists step")
    connection.execute(
        "create table step (number integer primary key, state text, started_at real, log blob)"
    )
    return connection


def _captured(script: str) -> bytes:
    with subprocess.Popen(
        [SHELL, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        return process.stdout.read()


async def _many(script: str, count: int, at_once: int) -> None:
    left = iter(range(count))

    async def one_after_another() -> None:
        for _ in left:
            process = await asyncio.create_subprocess_exec(
                SHELL, "-c", script, stdout=-1, stderr=-2, start_new_session=True
            )
            await process.communicate()

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
