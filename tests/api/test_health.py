from importlib.metadata import version

import aiohttp
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from tests.conftest import with_database
from tests.serving import serving


async def test_alive_and_ready(api: aiohttp.ClientSession) -> None:
    async with api.get("/healthz") as response:
        assert response.status == 200
    async with api.get("/readyz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ready", "version": version("shanglou")})


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
