"""The audit of the dependencies: it fails for a vulnerability, and for nothing else that a network does."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.bot.conftest import serving_aiohttp
from tests.security.audit_dependencies import ROOT, audit

pytestmark = [pytest.mark.long, pytest.mark.security("Known vulnerabilities of dependencies are found")]

HASH = "a" * 64


@pytest.fixture
def lock(tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "requirements.lock"
    path.write_text(f"invented-one==1.0 --hash=sha256:{HASH}\ninvented-two==2.0 --hash=sha256:{HASH}\n")
    return ("--requirement", str(path), "--require-hashes", "--disable-pip", "--progress-spinner=off")


@asynccontextmanager
async def service(known: dict[str, str], status: int = 200) -> AsyncIterator[tuple[str, ...]]:
    """A vulnerability service that speaks as OSV does and knows these: package → vulnerability."""

    async def query(request: web.Request) -> web.Response:
        name = (await request.json())["package"]["name"]
        ids = [known[name]] if name in known else []
        found: list[dict[str, Any]] = [{"id": id_, "summary": "Invented.", "affected": []} for id_ in ids]
        return web.json_response({"vulns": found}, status=status)

    app = web.Application()
    app.router.add_post("/v1/query", query)
    async with serving_aiohttp(app) as url:
        yield ("--vulnerability-service=osv", f"--osv-url={url}/v1/query")


async def test_a_vulnerability_fails(lock: tuple[str, ...]) -> None:
    async with service({"invented-two": "OSV-2026-0001"}) as ours:
        code, said = await asyncio.to_thread(audit, *lock, *ours)
    assert code == 1
    assert "invented-two 2.0: OSV-2026-0001" in said
    assert "invented-one" not in said


async def test_none_is_told(lock: tuple[str, ...]) -> None:
    async with service({}) as ours:
        assert await asyncio.to_thread(audit, *lock, *ours) == (
            0,
            "2 of 2 dependencies audited, no known vulnerability.",
        )


async def test_without_a_network_it_says_so_in_one_line(lock: tuple[str, ...]) -> None:
    nowhere = ("--vulnerability-service=osv", "--osv-url=http://127.0.0.1:1/")
    code, said = await asyncio.to_thread(audit, *lock, *nowhere)
    assert (code, said) == (0, "Dependencies not audited: the vulnerability service cannot be reached.")
    async with service({}, status=503) as ours:
        assert await asyncio.to_thread(audit, *lock, *ours) == (code, said)


async def test_a_lock_file_that_cannot_be_read_fails(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    path.write_text("invented-one\n")
    code, said = await asyncio.to_thread(audit, "--requirement", str(path), "--require-hashes", "--disable-pip")
    assert code == 1
    assert "cannot read the dependencies" in said


def test_every_exception_to_a_rule_about_security_has_its_reason() -> None:
    """Ruff's S rules ask what bandit asks; both let a line pass only with a reason beside it."""
    without = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("api", "bot", "handlers", "locales")
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"# noqa(?!: [A-Z]+\d+)|# noqa:.*\bS\d+(?!.* - \S)|# nosec(?! B\d+.* - \S)", line)
    ]
    assert without == []


def test_make_check_asks_both() -> None:
    makefile = (ROOT / "Makefile").read_text()
    check = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    assert "tests.security.audit_dependencies" in check
    assert "bandit" in check
