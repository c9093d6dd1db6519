"""What looks for people's data in all that is written down (``tests.leaks``) finds it, however it got there."""

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import structlog
from fastapi import APIRouter

from api.app import create_app
from api.errors import InvalidInput
from api.privacy import Vault
from api.settings import Settings
from bot import playground
from tests.defences import Figure
from tests.factories import Factory
from tests.invented import invented
from tests.leaks import Heard, listening
from tests.people import Person
from tests.serving import serving

pytestmark = pytest.mark.security("Logs and errors carry neither secrets nor personal data")

WHO = invented(4711)
WRITTEN = "The lift of entrance two has been broken since May"


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vault: Vault) -> Heard:
    """What was heard while somebody's data was sealed and looked up; more may be said afterwards."""
    with listening(monkeypatch, tmp_path) as heard:
        vault.seal("person.name", WHO.name)
        vault.index("person.id_number", WHO.id_number)
        vault.index("person.phone", WHO.phone)
        vault.index("link_code", "KTBZHMKMHQ")
        vault.seal_json("chat.dialog", {"name": "complaint", "data": {"texts": [WRITTEN], "day": "2026-11-24"}})
    assert heard.leaks() == []
    return heard


@pytest.mark.parametrize(
    "line",
    [
        f"linked {WHO.name}",
        json.dumps({"event": "linked", "name": WHO.name}),
        f"/v1/people/{quote(WHO.name)}",
        f"id {WHO.id_number} refused",
        f"born {WHO.id_number[6:14]}",
        f"last six {WHO.id_number[-6:]}",
        f"{WHO.id_number[:12]}******",
        f"phone {WHO.phone}",
        f"phone +86 {WHO.phone[:3]} {WHO.phone[3:7]} {WHO.phone[7:]}",
        f"phone {WHO.phone[:3]}-{WHO.phone[3:7]}-{WHO.phone[7:]}",
        "code KTBZHMKMHQ used",
        f"said {WRITTEN}",
        f"said {WRITTEN[:20]}…",
    ],
)
def test_every_spelling_is_found(heard: Heard, line: str) -> None:
    heard.also(line)
    assert len(heard.leaks()) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "phone 199****4711, id ends with " + WHO.id_number[-4:],
        f"{WHO.name[0]}**",
        '{"event": "chat_loaded", "dialog": "complaint", "timestamp": "2026-11-24T05:26:45.123456Z"}',
    ],
)
def test_what_is_masked_may_stand_there(heard: Heard, line: str) -> None:
    heard.also(line)
    assert heard.leaks() == []


async def _by_child() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import sys; sys.stderr.write(sys.argv[1])", WHO.name
    )
    await process.wait()


async def _in_words() -> None:
    logging.getLogger("some.library").warning("cannot find %s", WHO.name)


async def _as_event() -> None:
    structlog.get_logger().info("linked", person={"name": WHO.name})


async def _as_traceback() -> None:
    try:
        raise ValueError(WHO.name)
    except ValueError:
        traceback.print_exc()


@pytest.mark.parametrize("leak", [_by_child, _in_words, _as_event, _as_traceback], ids=lambda leak: leak.__name__)
async def test_whichever_way_it_comes_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vault: Vault, leak: Callable[[], asyncio.Future[None]]
) -> None:
    """A log line on purpose, a child process, what Python itself prints: each fails the test in which it happens."""
    with listening(monkeypatch, tmp_path) as heard:
        vault.seal("person.name", WHO.name)
        await leak()
    assert [WHO.name in found for found in heard.leaks()] == [True]


async def test_what_people_write_and_who_they_are_counts_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Client:
        pass

    with listening(monkeypatch, tmp_path) as heard:
        Person(Client(), 5, "张三丰", "19900001234")  # type: ignore[arg-type]
        structlog.get_logger().info("张三丰 19900001234")
    assert len(heard.leaks()) == 2


async def test_an_api_that_fails_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings, database_url: str, factory: Factory
) -> None:
    """Errors nobody expected, of every layer, whose message quotes a name; in the answer and in the log."""
    router = APIRouter()

    @router.get("/v1/breaks")
    async def breaks() -> None:
        raise ValueError(f"no such person: {WHO.name}")

    @router.get("/v1/breaks-in-the-database")
    async def breaks_in_the_database() -> None:
        async with factory.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql(f"SELECT '{WHO.name}'::int")

    @router.get("/v1/chats/{chat_id}/takes")
    async def takes(chat_id: int, day: int) -> None:
        pass

    with listening(monkeypatch, tmp_path) as heard:
        settings.vault().seal("person.name", WHO.name)
        app = create_app(settings, database_url)
        app.router.routes[0:0] = router.routes
        async with (
            serving(heard.errors_of(app)) as url,
            aiohttp.ClientSession(
                url, headers={"Authorization": f"Bearer {settings.service_token.get_secret_value()}"}
            ) as client,
        ):
            for path, status in (
                ("breaks", 500),
                ("breaks-in-the-database", 500),
                (f"chats/5/takes?day={WHO.name}", 422),
                (f"chats/{WHO.name}/takes?day=1", 422),
                (f"people/{WHO.name}", 404),
            ):
                async with client.get(f"/v1/{path}") as response:
                    assert response.status == status
    assert heard.errors == 5
    assert "request_failed" in heard.written
    assert heard.leaks() == []


def _handlers() -> set[logging.Handler]:
    """Of all loggers."""
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    return {handler for logger in loggers for handler in logger.handlers}


async def test_no_server_writes_its_own_log(settings: Settings, database_url: str) -> None:
    """uvicorn sets one up by itself, past ``bot.logs``, which goes on writing where stderr was then."""
    before = _handlers()
    async with playground.serve(playground.create_app(playground.new_token())):
        pass
    async with serving(create_app(settings, database_url)):
        pass
    assert _handlers() == before


async def test_an_answer_that_quotes_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Settings, database_url: str, figure: Figure
) -> None:
    router = APIRouter()

    @router.get("/quotes")
    async def quotes(name: str) -> None:
        raise InvalidInput(given=name)

    with listening(monkeypatch, tmp_path) as heard:
        settings.vault().seal("person.name", WHO.name)
        app = create_app(settings, database_url)
        app.router.routes[0:0] = router.routes
        async with (
            serving(heard.errors_of(app)) as url,
            aiohttp.ClientSession(url) as client,
            client.get("/quotes", params={"name": WHO.name}) as response,
        ):
            assert response.status == 422
    assert len(heard.leaks()) == 1
    figure("looked through for personal data", "every log line, error and page of metrics of every flow test")
