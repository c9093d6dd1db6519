from importlib.metadata import version

import aiohttp
from pydantic import SecretStr
from sqlalchemy import text

from api.app import create_app
from api.db import Database
from api.settings import Settings
from tests.conftest import with_database
from tests.serving import serving


async def test_alive_and_ready(api: aiohttp.ClientSession) -> None:
    async with api.get("/healthz") as response:
        assert response.status == 200
    async with api.get("/readyz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ready", "version": version("shanglou")})


async def test_ready_while_the_next_version_is_rolled_out_and_not_on_an_older_database(
    api: aiohttp.ClientSession, database: Database
) -> None:
    for revision, status in (("9999", 200), ("0001", 503)):
        async with database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
        async with api.get("/readyz") as response:
            assert response.status == status, revision


async def test_not_ready_before_migrations(settings: Settings, postgres: str) -> None:
    async with (
        serving(create_app(settings, with_database(postgres, "postgres"))) as url,
        aiohttp.ClientSession(url) as client,
    ):
        async with client.get("/healthz") as response:
            assert response.status == 200
        async with client.get("/readyz") as response:
            assert response.status == 503
            assert (await response.json())["code"] == "unavailable"


async def test_not_ready_without_a_database(settings: Settings) -> None:
    url = SecretStr("postgresql://nobody@127.0.0.1:1/none").get_secret_value()
    async with serving(create_app(settings, url)) as base, aiohttp.ClientSession(base) as client:
        async with client.get("/healthz") as response:
            assert response.status == 200
        async with client.get("/readyz") as response:
            assert (response.status, (await response.json())["code"]) == (503, "unavailable")
