"""Where traces are wanted, one goes through bot and API; where they are not, nothing of it is there."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.settings import Settings
from bot import playground
from tests.bot.conftest import serving_aiohttp
from tests.bot.test_running import free_port
from tests.conftest import SERVICE_TOKEN, environment_of
from tests.people import Person

ROOT = Path(__file__).parents[2]


@dataclass
class Collector:
    """Takes what processes send to it, as a collector of OpenTelemetry does."""

    raw: list[bytes] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.raw.append(await request.read())
        return web.Response(body=b"", content_type="application/x-protobuf")

    def spans(self) -> list[tuple[str, Any]]:
        """With the name of the service."""
        found = []
        for raw in self.raw:
            for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
                attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
                found += [(attributes["service.name"], s) for scope in resource.scope_spans for s in scope.spans]
        return found


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, dict[str, str]]]:
    """And the settings by which processes find it."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    async with serving_aiohttp(app) as url:
        yield (
            collector,
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": url,
                "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
                "OTEL_BSP_SCHEDULE_DELAY": "100",
            },
        )


@asynccontextmanager
async def process(command: str, environment: dict[str, str]) -> AsyncIterator[None]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", command), cwd=ROOT, env={**inherited, **environment}
    )
    try:
        yield
    finally:
        started.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(started.wait(), 60)
        if started.returncode is None:
            started.kill()
            await started.wait()


@pytest.mark.long
async def test_one_trace_goes_through_bot_and_api(
    collector: tuple[Collector, dict[str, str]], settings: Settings, database_url: str
) -> None:
    taken, where = collector
    token, port = playground.new_token(), free_port()
    api_url = f"http://127.0.0.1:{port}"
    office = environment_of(settings, database_url) | where | {"SHANGLOU_API_PORT": str(port)}
    async with AsyncExitStack() as stack:
        app = playground.create_app(token)
        telegram = await stack.enter_async_context(playground.serve(app))
        http = await stack.enter_async_context(aiohttp.ClientSession(telegram))
        await stack.enter_async_context(process("api", office))
        telegram_half = {
            "SHANGLOU_ENV_FILE": "/nonexistent",
            "SHANGLOU_TELEGRAM_TOKEN": token,
            "SHANGLOU_TELEGRAM_API_URL": telegram,
            "SHANGLOU_API_URL": api_url,
            "SHANGLOU_SERVICE_TOKEN": SERVICE_TOKEN,
        }
        async with asyncio.timeout(150):
            async with aiohttp.ClientSession() as client:
                while True:
                    with suppress(aiohttp.ClientConnectionError):
                        # A stranger's trace: it is not gone on with.
                        strange = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
                        async with client.get(f"{api_url}/v1/chats/5", headers=strange) as response:
                            assert response.status == 401
                            break
                    await asyncio.sleep(0.1)
            await stack.enter_async_context(process("bot", telegram_half | where))
            while not app.state.playground.outbox.done["getMe"]:
                await asyncio.sleep(0.05)
            wang = await Person.arrive(http, "王小明", language="en")
            await wang.send("/start")
            await wang.expect("Hello")
            while not any(span.name == "turn start.start" for _, span in taken.spans()):
                await asyncio.sleep(0.05)
    # Both processes have ended, and sent all they had.
    spans = taken.spans()
    [(service, turn)] = [(service, span) for service, span in spans if span.name == "turn start.start"]
    assert service == "shanglou-bot"
    of_turn = {span.span_id: (service, span) for service, span in spans if span.trace_id == turn.trace_id}
    names = {span.name for _, span in of_turn.values()}
    assert {"ask GET chats", "Telegram sendMessage", "GET /v1/chats/{chat_id}"} <= names
    for service, span in of_turn.values():
        if service == "shanglou-api":
            parent_service, parent = of_turn[span.parent_span_id]
            assert (parent_service, parent.name.startswith("ask ")) == ("shanglou-bot", True)
            assert {item.key for item in span.attributes} == {
                "http.request.method",
                "http.route",
                "http.response.status_code",
                "shanglou.request_id",
            }
        elif span.name.startswith(("ask", "Telegram")):
            assert of_turn[span.parent_span_id][1] is not None
            assert not span.attributes
    assert bytes.fromhex("ab" * 16) not in {span.trace_id for _, span in spans}
    for secret in (token, SERVICE_TOKEN, str(wang.id), "王小明", "/start"):
        assert not any(secret.encode() in raw for raw in taken.raw), secret


async def run(code: str, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode()


async def test_where_nobody_asks_for_it_nothing_is_imported() -> None:
    said = await run(
        "import sys, bot.app; from bot.tracing import set_up_tracing, span, trace_headers\n"
        "assert not set_up_tracing('bot') and trace_headers() == {}\n"
        "with span('x') as found: assert found is None\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    assert said == "[]\n"


async def test_without_the_extra_it_is_said_and_the_bot_goes_on() -> None:
    said = await run(
        "import sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from bot.tracing import set_up_tracing, span\n"
        "print(set_up_tracing('bot'))\n"
        "with span('x') as found: assert found is None\n",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert "tracing_not_installed" in said
    assert said.endswith("False\n")
