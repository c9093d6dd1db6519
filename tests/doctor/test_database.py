"""The database is down, or not of the form that this program needs."""

import asyncio

import pytest

from api import migrations
from api.settings import Settings
from bot.cli.doctor.database import version_found
from bot.cli.doctor.findings import State
from tests.bot.test_running import free_port
from tests.conftest import with_database
from tests.doctor.conftest import Deployment, do, of, troubles


async def test_the_database_is_down(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    findings = troubles(await deployment.look(monkeypatch))
    assert findings.pop("database") == "failed"
    assert set(findings.values()) == {"skipped"}
    assert set(findings) == {"migrations", "clock", "keys", "staff", "worker", "outbox", "audit"}


async def test_there_is_no_such_database(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    deployment.environment["SHANGLOU_DATABASE_URL"] = with_database(postgres, "never_made")
    found = of(await deployment.look(monkeypatch), "database")
    assert (found.state, "没有这个库" in found.found) == (State.FAILED, True)


def test_an_old_server_is_told_of() -> None:
    assert [version_found(major).state for major in (14, 15, 18)] == [State.FAILED, State.OK, State.OK]


async def test_migrations_are_behind(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    await asyncio.to_thread(migrations.downgrade, database_url, "-1")
    findings = await deployment.look(monkeypatch)
    found = troubles(findings)
    assert (found.pop("migrations"), found.pop("api")) == ("failed", "failed")
    assert set(found.values()) == {"skipped"}
    assert "shanglou migrate" in of(findings, "migrations").do


async def test_the_database_is_newer_than_this_program(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    await do(deployment.factory, "UPDATE alembic_version SET version_num = '9999'")
    found = of(await deployment.look(monkeypatch), "migrations")
    assert (found.state, "升级" in found.do) == (State.WARNING, True)


async def test_the_database_is_empty(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, postgres: str) -> None:
    deployment.environment["SHANGLOU_DATABASE_URL"] = with_database(postgres, "postgres")
    found = of(await deployment.look(monkeypatch), "migrations")
    assert (found.state, "空的" in found.found) == (State.FAILED, True)


async def test_without_a_database_that_is_named_nothing_is_made(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    del deployment.environment["SHANGLOU_DATABASE_URL"]
    findings = troubles(await deployment.look(monkeypatch))
    assert findings == {"database": "failed"}
    assert not (settings.data_dir / "postgres").exists()
