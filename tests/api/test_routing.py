"""Look-ups by chat alone take a short way past FastAPI; nobody must be able to tell."""

from collections.abc import MutableMapping
from typing import Any

import aiohttp
import pytest

from api.app import create_app
from api.routing import CHAT_IDS
from api.settings import Settings

LOOK_UPS = ["", "/links", "/homes", "/payments", "/handover", "/with-homes", "/with-payments", "/with-handover"]


@pytest.mark.parametrize("look_up", LOOK_UPS)
async def test_another_method_is_refused_where_only_get_is_known(api: aiohttp.ClientSession, look_up: str) -> None:
    async with api.patch(f"/v1/chats/5{look_up}") as response:
        assert (response.status, (await response.json())["code"]) == (405, "http_error")


@pytest.mark.parametrize("look_up", LOOK_UPS)
@pytest.mark.parametrize("chat_id", ["0", "-5", "x", "5.5", "９", str(CHAT_IDS), str(2**63), "1" * 40])
async def test_an_id_that_is_none_is_refused(api: aiohttp.ClientSession, look_up: str, chat_id: str) -> None:
    async with api.get(f"/v1/chats/{chat_id}{look_up}") as response:
        assert (response.status, (await response.json())["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("look_up", LOOK_UPS)
async def test_the_largest_id_is_answered(api: aiohttp.ClientSession, look_up: str) -> None:
    async with api.get(f"/v1/chats/{CHAT_IDS - 1}{look_up}") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/json"


async def test_without_the_token_nothing_is_answered(api_url: str) -> None:
    async with aiohttp.ClientSession(api_url) as stranger, stranger.get("/v1/chats/5") as response:
        assert response.status == 401


async def test_nor_behind_a_proxy_that_puts_a_prefix_before_the_path(settings: Settings, database_url: str) -> None:
    """Routes look at the path without it; the check looked at the whole, and let everything through."""
    app = create_app(settings, database_url)
    given = {"type": "http", "method": "GET", "query_string": b"", "headers": [], "root_path": "/office"}
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for path in ("/office/v1/chats/5", "/office/v1/none", "/office/healthz"):
        await app(given | {"path": path, "raw_path": path.encode()}, receive, send)
    assert statuses == [401, 401, 200]
