"""The API is down, or not the one that this bot belongs to."""

import pytest
from aiohttp import web

from bot.cli.secrets import new_secrets
from tests.bot.conftest import serving_aiohttp
from tests.bot.test_running import free_port
from tests.doctor.conftest import Deployment, of, troubles


async def test_the_api_is_down(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_API_URL"] = f"http://127.0.0.1:{free_port()}"
    assert troubles(await deployment.look(monkeypatch)) == {"api": "failed"}


async def test_the_api_does_not_know_this_token(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_SERVICE_TOKEN"] = new_secrets()["SHANGLOU_SERVICE_TOKEN"]
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"api": "failed"}
    assert "SHANGLOU_SERVICE_TOKEN" in of(findings, "api").do


async def test_the_api_is_of_another_version(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive", "version": "0.0.1"})

    app = web.Application()
    app.router.add_get("/{anything:.*}", answer)
    async with serving_aiohttp(app) as deployment.environment["SHANGLOU_API_URL"]:
        findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"api": "failed"}
    assert "0.0.1" in of(findings, "api").found


async def test_something_else_answers_there(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_API_URL"] = deployment.telegram
    assert troubles(await deployment.look(monkeypatch)) == {"api": "failed"}
