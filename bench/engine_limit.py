"""The engine limit: the smallest durable server that could run steps, with no features at all.

`python engine_limit.py DATABASE [FULL|NORMAL]` prints `listening on http://127.0.0.1:PORT`.
POST /run {"steps": ["true", ...]} commits and answers {"id": 1}; GET /run/1 answers
{"state": "queued|succeeded|failed", "ended_at": seconds or null}. Two runs at a time, one commit
before and one after each step, its output stored with it. It has no checks, rights, logs, retries
or recovery, and parses just enough HTTP. What a real server takes longer than this is the price of
being one.
"""

import asyncio
import json
import sqlite3
import sys
import time

RUNS_AT_ONCE = 2
TABLES = """
create table if not exists run (id integer primary key, state text, steps blob, ended_at real);
create table if not exists step (run int, number int, state text, started_at real, ended_at real,
  log blob, primary key (run, number)) without rowid;
"""

Queue = asyncio.Queue[tuple[int, list[str]]]


def open_database(path: str, synchronous: str) -> sqlite3.Connection:
    """Open the database in WAL mode; every statement is a transaction of its own."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute(f"pragma synchronous={synchronous}")
    database.executescript(TABLES)
    return database


async def work(database: sqlite3.Connection, queue: Queue) -> None:
    """Take runs from the queue and run their steps, one after the other."""
    while True:
        run, steps = await queue.get()
        succeeded = True
        for number, script in enumerate(steps):
            database.execute(
                "insert into step (run, number, state, started_at) values (?, ?, 'running', ?)",
                (run, number, time.time()),
            )
            process = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", script, stdout=-1, stderr=-2, start_new_session=True
            )
            output, _ = await process.communicate()
            succeeded = process.returncode == 0
            state = "succeeded" if succeeded else "failed"
            database.execute(
                "update step set state = ?, ended_at = ?, log = ? where run = ? and number = ?",
                (state, time.time(), output, run, number),
            )
            if not succeeded:
                break
        state = "succeeded" if succeeded else "failed"
        database.execute(
            "update run set state = ?, ended_at = ? where id = ?", (state, time.time(), run)
        )


def submit(database: sqlite3.Connection, queue: Queue, body: bytes) -> dict[str, object]:
    """Store a run and put it in the queue."""
    steps = json.loads(body)["steps"]
    run = database.execute("insert into run (state, steps) values ('queued', ?)", (body,)).lastrowid
    queue.put_nowait((int(run or 0), steps))
    return {"id": run}


def look(database: sqlite3.Connection, run: int) -> dict[str, object]:
    """Read the state of a run."""
    row = database.execute("select state, ended_at from run where id = ?", (run,)).fetchone()
    return {"state": row[0], "ended_at": row[1]}


async def main(path: str, synchronous: str) -> None:
    """Serve until killed."""
    database, queue = open_database(path, synchronous), Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                words, length = head.split(b"\r\n", 1)[0].split(), 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                body = await reader.readexactly(length) if length else b""
                if words[0] == b"POST":
                    answer = submit(database, queue, body)
                else:
                    answer = look(database, int(words[1].rsplit(b"/", 1)[1]))
                content = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                writer.write(b"content-length: %d\r\n\r\n" % len(content) + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.gather(
        server.serve_forever(), *(work(database, queue) for _ in range(RUNS_AT_ONCE))
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], (sys.argv[2:] or ["FULL"])[0]))
