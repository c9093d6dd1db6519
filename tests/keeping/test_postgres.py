"""What the programs of PostgreSQL are told, and what of it others can see."""

import os
from pathlib import Path

import asyncpg
import pytest

from api.keeping.postgres import Tool, ToolFailed, connection_of, dump, find_tool, load

pytestmark = pytest.mark.security("A database's password stands on no command line and in no message")
SECRET = "s3cret-of-the-office"


@pytest.mark.parametrize(
    ("url", "place", "password"),
    [
        (f"postgresql://u:{SECRET}@h/d", "postgresql://u@h/d", SECRET),
        (f"postgresql+asyncpg://u:{SECRET}@h:5433/d", "postgresql://u@h:5433/d", SECRET),
        (f"postgresql://u@h/d?password={SECRET}", "postgresql://u@h/d", SECRET),
        (f"postgresql://u:old@h/d?sslmode=require&password={SECRET}", "postgresql://u@h/d?sslmode=require", SECRET),
        ("postgresql://u%40x:s3c%40r%2Fe%25t%3A@h/d", "postgresql://u%40x@h/d", "s3c@r/e%t:"),
        ("postgresql://u@h/d?password=s3c%26ret%20", "postgresql://u@h/d", "s3c&ret "),
        (f"postgresql://u:{SECRET}@/d?host=/run/pg", "postgresql://u@/d?host=%2Frun%2Fpg", SECRET),
    ],
)
def test_the_password_is_in_the_environment_alone(url: str, place: str, password: str) -> None:
    told, environment = connection_of(url)
    assert told == place
    assert environment["PGPASSWORD"] == password


def test_without_a_password_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    told, environment = connection_of("postgresql://u@h/d")
    assert told == "postgresql://u@h/d"
    assert environment == dict(os.environ)


def a_gossip(folder: Path, name: str) -> Tool:
    """A program that writes down its command line and blurts out the password."""
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> {folder}/told\necho "error: $PGPASSWORD $*" >&2\nexit 1\n')
    path.chmod(0o755)
    return Tool(path, 18)


@pytest.mark.parametrize("server", [18, 16])
async def test_no_message_quotes_it(tmp_path: Path, server: int) -> None:
    url = f"postgresql://u:{SECRET}@127.0.0.1:1/d"
    restoring = a_gossip(tmp_path, "pg_restore")
    a_gossip(tmp_path, "psql")
    with pytest.raises(ToolFailed, match=r"error: \*\*\*") as raised:
        await load(restoring, url, server, [b"x"])
    assert SECRET not in str(raised.value)
    with pytest.raises(ToolFailed, match=r"error: \*\*\*") as raised:
        _ = [piece async for piece in dump(a_gossip(tmp_path, "pg_dump"), url, "1-1")]
    assert SECRET not in str(raised.value)
    told = (tmp_path / "told").read_text()
    assert "postgresql://u@127.0.0.1:1/d" in told
    assert SECRET not in told


async def test_pg_dump_understands_what_it_is_told(database_url: str) -> None:
    """The place is still one, with a role whose name and password are full of signs."""
    connection = await asyncpg.connect(database_url)
    try:
        tool = await find_tool("pg_dump", None, connection.get_server_version().major)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            joint = "&" if "?" in database_url else "?"
            url = f"{database_url}{joint}password=s3c%26r%25et&application_name=a%20b"
            pieces = [piece async for piece in dump(tool, url, snapshot)]
    finally:
        await connection.close()
    assert b"".join(pieces).startswith(b"PGDMP")
