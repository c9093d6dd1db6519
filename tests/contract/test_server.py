"""How the playground starts, and when it refuses to."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from bot.playground import Refused, create_app, new_token, serve
from bot.playground.images import read_image
from tests.contract.conftest import png


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
async def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(Refused):
        async with serve(create_app(new_token()), host=host):
            pass


async def test_it_stays_away_from_a_real_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_TELEGRAM_TOKEN", "123:real")
    with pytest.raises(Refused):
        async with serve(create_app(new_token())):
            pass
    async with serve(create_app("123:real"), host="localhost") as url:
        assert url.startswith("http://127.0.0.1:")


async def test_it_stays_away_from_a_real_token_in_the_file_of_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SHANGLOU_TELEGRAM_TOKEN", raising=False)
    settings = tmp_path / "settings.env"
    settings.write_text("SHANGLOU_TELEGRAM_TOKEN=123:real\nSHANGLOU_API_PORT=1\n")
    monkeypatch.setenv("SHANGLOU_ENV_FILE", str(settings))
    with pytest.raises(Refused):
        async with serve(create_app(new_token())):
            pass


def test_a_token_has_to_look_like_one() -> None:
    with pytest.raises(ValueError, match="token"):
        create_app("nonsense")


async def test_as_a_process_it_says_where_it_is_and_ends_on_sigterm() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SHANGLOU_TELEGRAM_TOKEN"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.playground", "--port", "0", "--token", "1:mine"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode()
        assert line.startswith("http://127.0.0.1:")
        assert line.endswith("1:mine\n")
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    assert errors == b""


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (png(17, 9), (17, 9)),
        (b"GIF89a\x11\x00\x09\x00", (17, 9)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x0b\x08\x00\x09\x00\x11\x01", (17, 9)),
        (b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x10\0\0\x08\0\0", (17, 9)),
        (b"BM" + bytes(16) + (17).to_bytes(4, "little") + (9).to_bytes(4, "little"), (17, 9)),
    ],
)
def test_sizes_are_read_from_the_header(data: bytes, size: tuple[int, int]) -> None:
    image = read_image(data)
    assert image is not None
    assert (image.width, image.height) == size


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd8\xff\xc0", b"%PDF", bytes(64)])
def test_what_is_no_picture_is_none(data: bytes) -> None:
    assert read_image(data) is None
