"""A deployment that ``shanglou doctor`` finds well, for tests in which each thing in turn is not."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from api.settings import Settings
from bot import playground
from bot.cli.doctor.command import CHECKS, examine
from bot.cli.doctor.findings import Finding, State
from tests.conftest import environment_of
from tests.factories import Factory

ROOT = Path(__file__).parent.parent.parent
EVERYTHING = set(CHECKS) - {"settings_file", "disk_database", "disk"}


class Deployment:
    """A playground, an API and a database; what the doctor is told of them; and what it says."""

    def __init__(self, environment: dict[str, str], telegram: str, token: str, factory: Factory) -> None:
        self.environment = environment
        self.telegram = telegram
        self.token = token
        self.factory = factory

    async def tell_telegram(self, method: str, **values: Any) -> None:
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.telegram}/bot{self.token}/{method}", json=values) as response,
        ):
            assert response.status == 200, await response.text()

    async def look(self, monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[Finding]:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("SHANGLOU_")]:
                patch.delenv(name)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return await asyncio.to_thread(examine, **more)

    async def run(self, *arguments: str) -> tuple[int, str]:
        """As an operator types it: exit code, and all that was written."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "doctor", *arguments),
            cwd=ROOT,
            env={**{name: os.environ[name] for name in ("PATH", "HOME")}, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, out.decode()


def of(findings: list[Finding], check: str) -> Finding:
    [found] = [finding for finding in findings if finding.check == check]
    return found


def troubles(findings: list[Finding]) -> dict[str, str]:
    """Check → state, of what is not well."""
    for finding in findings:
        assert finding.found
        # Who is told that something is wrong is told what to do.
        assert bool(finding.do) == (finding.state in (State.WARNING, State.FAILED)), finding
    return {finding.check: finding.state.value for finding in findings if finding.state is not State.OK}


@pytest.fixture
async def at_work(factory: Factory) -> Factory:
    """A database with an administrator, on which a worker was just at work."""
    async with factory.database.transaction() as session:
        await session.execute(
            text("INSERT INTO staff_accounts (name, roles, chat_id) VALUES (:name, ARRAY['admin'], 5)"),
            {"name": factory.vault.seal("staff.name", "负责人")},
        )
    done = "INSERT INTO jobs (task, arguments, state, finished_at) VALUES ('broadcasts.sweep', '{}', 'done', now())"
    await do(factory, done)
    return factory


async def do(factory: Factory, *statements: str) -> None:
    async with factory.database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


@pytest.fixture
async def deployment(
    settings: Settings, database_url: str, api_url: str, at_work: Factory
) -> AsyncIterator[Deployment]:
    """One that is well."""
    token = playground.new_token()
    (settings.data_dir / "attachments").mkdir()
    await at_work.agreement(people=[await at_work.person()])
    async with playground.serve(playground.create_app(token)) as telegram:
        environment = environment_of(settings, database_url) | {
            "SHANGLOU_TELEGRAM_TOKEN": token,
            "SHANGLOU_TELEGRAM_API_URL": telegram,
            "SHANGLOU_API_URL": api_url,
        }
        yield Deployment(environment, telegram, token, at_work)
