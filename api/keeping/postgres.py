"""The programs of PostgreSQL: which one fits the server, and how it is told where the server is."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sqlalchemy import URL, make_url

from api.db import driver_url
from api.embedded import binaries

PIECE_BYTES = 8 * 1024 * 1024
NOT_DUMPED = "send_bucket"
"""The table with the row of leave to send is dumped without it: whoever restores it, by whatever means, begins with
couriers that send nothing."""

_PLAINLY = ("--format=custom", "--no-owner", "--no-privileges")
_SETS_TRANSACTION_TIMEOUT = 17
"""From this version on pg_restore sets a parameter that servers before it refuse."""
_NOT_KNOWN = b"SET transaction_timeout = 0;\n"
_HEAD_BYTES = 16 * 1024
_LONGEST_COMPLAINT = 300


class NoTool(Exception):
    """No program of that name is new enough.

    Attributes:
        found: the major versions that there are.
    """

    def __init__(self, name: str, least: int, found: Iterable[int]) -> None:
        super().__init__(name)
        self.name, self.least, self.found = name, least, sorted(set(found))


class ToolFailed(Exception):
    """It ended with an error; the message is its own, one line without details."""


@dataclass(frozen=True)
class Tool:
    path: Path
    major: int


def connection_of(url: str) -> tuple[str, dict[str, str]]:
    """What a program is told of a database: the URL without its password (everybody on the machine sees a command
    line), and the environment."""
    parsed = make_url(driver_url(url))
    environment = dict(os.environ)
    # As a parameter it goes before the other, for libpq and for SQLAlchemy.
    as_parameter = parsed.query.get("password")
    password = parsed.password if as_parameter is None else as_parameter
    if password is not None:
        environment["PGPASSWORD"] = password if isinstance(password, str) else password[-1]
    # ``URL.set(password=None)`` would leave it in.
    place = URL.create(
        parsed.drivername,
        username=parsed.username,
        host=parsed.host,
        port=parsed.port,
        database=parsed.database,
        query={name: value for name, value in parsed.query.items() if name != "password"},
    )
    return place.render_as_string(hide_password=False), environment


async def find_tool(name: str, folder: Path | None, server: int, least: int = 0) -> Tool:
    """The program of the server's own version; else the oldest that is new enough.

    Args:
        folder: where alone to look; else on the path, and where the embedded PostgreSQL brings it.
        server: its major version.
        least: a version that the program must have besides.

    Raises:
        NoTool: there is none.
    """
    on_path = shutil.which(name)
    places = [folder / name] if folder else [*([Path(on_path)] if on_path else []), *(b / name for b in binaries())]
    found = [Tool(path, major) for path in places if (major := await _major(path)) is not None]
    needed = max(server, least)
    fitting = sorted((tool for tool in found if tool.major >= needed), key=lambda tool: tool.major)
    if not fitting:
        raise NoTool(name, needed, (tool.major for tool in found))
    return fitting[0]


async def _major(program: Path) -> int | None:
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return None
    told, _ = await process.communicate()
    version = re.search(rb"PostgreSQL\) (\d+)", told)
    return int(version[1]) if version else None


async def dump(tool: Tool, url: str, snapshot: str) -> AsyncGenerator[bytes]:
    """The database as a snapshot shows it, in the custom format of pg_dump, piece by piece.

    Raises:
        ToolFailed: the pieces so far are no dump.
    """
    place, environment = connection_of(url)
    process = await asyncio.create_subprocess_exec(
        tool.path,
        *_PLAINLY,
        f"--exclude-table-data={NOT_DUMPED}",
        f"--snapshot={snapshot}",
        f"--dbname={place}",
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout = cast(asyncio.StreamReader, process.stdout)
    complaints = asyncio.create_task(cast(asyncio.StreamReader, process.stderr).read())
    try:
        piece = bytearray()
        while part := await stdout.read(PIECE_BYTES):
            piece += part
            if len(piece) >= PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
        await _ended_well(process, complaints, environment)
        yield bytes(piece)
    finally:
        await _end(process)
        await complaints


async def load(tool: Tool, url: str, server: int, pieces: Iterable[bytes]) -> None:
    """Restore such a dump into an empty database: all of it, or nothing.

    Args:
        tool: pg_restore.
        server: major version of the server.

    Raises:
        ToolFailed: nothing was restored.
    """
    place, environment = connection_of(url)
    if tool.major < _SETS_TRANSACTION_TIMEOUT or server >= _SETS_TRANSACTION_TIMEOUT:
        directly = ("--single-transaction", "--exit-on-error", f"--dbname={place}")
        async with _started(tool.path, *_PLAINLY, *directly, env=environment) as (restoring, complaints):
            await _feed(restoring, pieces)
            await _ended_well(restoring, complaints, environment)
        return
    psql = tool.path.with_name("psql")
    at_once = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-")
    async with (
        _started(psql, *at_once, f"--dbname={place}", env=environment) as (running, its_complaints),
        _started(tool.path, *_PLAINLY, "--file=-", reads=True, env=environment) as (writing, complaints),
    ):
        script, statements = cast(asyncio.StreamReader, writing.stdout), cast(asyncio.StreamWriter, running.stdin)
        passing = asyncio.create_task(_pass_on(script, statements))
        try:
            await _feed(writing, pieces)
            await passing
        finally:
            passing.cancel()
        if running.returncode is not None:
            # It has stopped in the middle; the other only finds that nobody reads.
            await _ended_well(running, its_complaints, environment)
        await _ended_well(writing, complaints, environment)
        # Only now: at the end of its input it commits.
        statements.close()
        await _ended_well(running, its_complaints, environment)


@asynccontextmanager
async def _started(
    *command: str | Path, env: dict[str, str], reads: bool = False
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.Task[bytes]]]:
    """A process to be fed, and what it complains of. Left in the middle it is killed, and not told that its input is
    complete."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdin=pipe, stdout=pipe if reads else asyncio.subprocess.DEVNULL, stderr=pipe
    )
    complaints = asyncio.create_task(cast(asyncio.StreamReader, process.stderr).read())
    try:
        yield process, complaints
    finally:
        await _end(process)
        await complaints


async def _feed(process: asyncio.subprocess.Process, pieces: Iterable[bytes]) -> None:
    stdin = cast(asyncio.StreamWriter, process.stdin)
    try:
        for piece in pieces:
            stdin.write(piece)
            await stdin.drain()
        stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it says why


async def _ended_well(
    process: asyncio.subprocess.Process, complaints: asyncio.Task[bytes], environment: dict[str, str]
) -> None:
    if await process.wait() != 0:
        told = _first_error(await complaints)
        # Nothing quotes it that we know of; but what is said here is written down in places that others read.
        password = environment.get("PGPASSWORD")
        raise ToolFailed((told.replace(password, "***") if password else told)[:_LONGEST_COMPLAINT])


async def _pass_on(script: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    """All but the setting that an older server does not know; it stands once, in the first lines."""
    head = bytearray()
    while len(head) < _HEAD_BYTES and (part := await script.read(_HEAD_BYTES)):
        head += part
    try:
        to.write(bytes(head).replace(_NOT_KNOWN, b"", 1))
        while part := await script.read(PIECE_BYTES):
            to.write(part)
            await to.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it says why


async def _end(process: asyncio.subprocess.Process) -> None:
    """Broken off in the middle: killed, and not told that its input is complete."""
    if process.returncode is None:
        process.kill()
        await process.wait()


def _first_error(complaints: bytes) -> str:
    # What follows quotes rows and statements.
    for line in complaints.decode(errors="replace").splitlines():
        if "error:" in line.lower():
            return line
    return "no reason given"
