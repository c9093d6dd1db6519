"""One id stands in the log lines of both halves: of an update, and of each request that it led to."""

import json
import re
from typing import Any

import aiohttp
import pytest
from fastapi import APIRouter
from prometheus_client import generate_latest

from api.app import create_app
from api.settings import Settings
from tests.bot.conftest import until
from tests.factories import Factory
from tests.flows.conftest import System
from tests.leaks import Heard
from tests.people import Person
from tests.serving import serving


def lines(heard: Heard, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in heard.written.splitlines() if line.startswith("{")]
    return [line for line in found if line.get("event") == event]


async def test_a_turn_that_fails_is_found_in_both_logs(
    system: System, resident: Person, factory: Factory, heard: Heard
) -> None:
    owner = await factory.database.connect()
    await owner.execute("ALTER TABLE cases RENAME TO elsewhere")
    await resident.send("/cases")
    await resident.expect("系统")
    await owner.execute("ALTER TABLE elsewhere RENAME TO cases")
    await owner.close()
    await system.quiet()
    [told] = lines(heard, "request_failed")
    [failed] = lines(heard, "turn_failed")
    assert re.fullmatch(rf"{failed['update_id']}-[a-z]{{8}}", failed["turn"])
    assert re.fullmatch(rf"{failed['turn']}-\d+", told["request_id"])
    assert told["route"] == "/v1/chats/{chat_id}/cases"
    # The one is the bot's, the other the API's.
    assert "turn" not in told
    assert "request_id" not in failed


async def test_every_turn_has_an_id_of_its_own(
    system: System, resident: Person, factory: Factory, heard: Heard
) -> None:
    owner = await factory.database.connect()
    await owner.execute("ALTER TABLE cases RENAME TO elsewhere")
    for number in range(3):
        await resident.send("/cases")
        await resident.expect("系统")
        await system.quiet()
        assert len(lines(heard, "turn_failed")) == number + 1
    await owner.execute("ALTER TABLE elsewhere RENAME TO cases")
    await owner.close()
    assert len({line["turn"] for line in lines(heard, "turn_failed")}) == 3
    requests = [line["request_id"] for line in lines(heard, "request_failed")]
    assert len(set(requests)) == len(requests) == 3


@pytest.fixture
def breaking(settings: Settings, database_url: str) -> Any:
    """An API with a route that fails."""
    router = APIRouter()

    @router.get("/breaks/{what}")
    async def breaks(what: str) -> None:
        raise ValueError

    app = create_app(settings, database_url)
    app.router.routes[0:0] = router.routes
    return app


OURS = re.compile(r"[a-z]{8}")


@pytest.mark.parametrize(
    "sent",
    [
        "19900001234",
        'x"}\t{"event":"forged"',
        "王小明".encode().decode("latin-1"),
        "bcdfghjk-1 forged",
        "../../etc/passwd",
        "b" * 10_000,
        "BCDFGHJK",
        "bcdfghjk-1 ",
        "",
    ],
)
async def test_an_id_of_another_form_is_neither_logged_nor_answered(breaking: Any, heard: Heard, sent: str) -> None:
    async with (
        serving(breaking) as url,
        aiohttp.ClientSession(url) as client,
        client.get("/breaks/1", headers={"X-Request-ID": sent}) as response,
    ):
        body = await response.json()
    [line] = lines(heard, "request_failed")
    assert OURS.fullmatch(line["request_id"])
    assert response.headers["X-Request-ID"] == body["details"]["request_id"] == line["request_id"]
    assert "forged" not in heard.written
    if sent:
        assert sent.strip() not in heard.written


async def test_an_id_of_the_bots_form_comes_back_in_the_answer_and_in_what_is_our_fault(
    breaking: Any, heard: Heard
) -> None:
    async with serving(breaking) as url, aiohttp.ClientSession(url) as client:
        for number, path, status in (
            (1, "/breaks/1", 500),
            (2, "/healthz", 200),
            (3, "/v1/chats/5", 401),
            (4, "/x", 404),
        ):
            sent = f"815-bcdfghjk-{number}"
            async with client.get(path, headers={"X-Request-ID": sent}) as response:
                assert (response.status, response.headers.getall("X-Request-ID")) == (status, [sent])
                if status == 500:
                    assert (await response.json())["details"] == {"request_id": sent}
                elif status > 400:
                    assert (await response.json())["details"] == {}
    assert [line["request_id"] for line in lines(heard, "request_failed")] == ["815-bcdfghjk-1"]
    # On one kept connection: nothing stays bound from one request to the next.
    assert "815-bcdfghjk-2" not in heard.written


async def test_requests_are_counted_by_the_template_of_their_path(breaking: Any) -> None:
    """What was asked for never becomes a label, nor does a method that nobody knows."""
    async with serving(breaking) as url, aiohttp.ClientSession(url) as client:
        for asked in ("GET /breaks/王小明", "GET /v1/chats/5", "GET /王小明", "SEARCH /healthz"):
            async with client.request(*asked.split()):
                pass
    registry = breaking.state.metrics.registry

    def counted(route: str, method: str, status: str) -> float | None:
        labels = {"route": route, "method": method, "status": status}
        found: float | None = registry.get_sample_value("shanglou_request_seconds_count", labels)
        return found

    # An answer is counted when it has gone out.
    await until(lambda: counted("/healthz", "other", "4xx") == 1)
    assert counted("/breaks/{what}", "GET", "5xx") == 1
    # Refused before it was looked for; and looked for in vain.
    assert counted("none", "GET", "4xx") == 2
    assert not re.search(r'(?:route|method)="[^"]*(?:王|SEARCH|chats/5)', generate_latest(registry).decode())
