"""An object store that fails: who waits for a file is told in time."""

import io
import time
from pathlib import Path

import pytest
from aiohttp import web

from api.cases.store import AttachmentStore
from api.errors import Unavailable
from tests.bot.conftest import serving_aiohttp


async def test_it_gives_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=503)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with serving_aiohttp(app) as url:
        for name, value in {
            "AWS_ENDPOINT": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "invented",
            "AWS_SECRET_ACCESS_KEY": "invented",
            "AWS_REGION": "nowhere",
        }.items():
            monkeypatch.setenv(name, value)
        store = AttachmentStore("s3://files/prefix", tmp_path)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await store.put("a", io.BytesIO(b"x"))
        assert time.monotonic() - began < 60
    assert 2 <= asked <= 4, "tried again, and not for ever"
