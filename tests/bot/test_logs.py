"""What is written down: readable by programs, on stderr, without the token and without what people said."""

import asyncio
import json
import logging
import threading

import pytest
import structlog
from pydantic import SecretStr

from api.settings import Settings
from bot.logs import crash_report, hide_secrets_of, set_up_logs, without_secrets
from bot.settings import BotSettings
from tests.bot.conftest import bot_settings

pytestmark = [
    pytest.mark.usefixtures("own_logs"),
    pytest.mark.security("Logs and errors carry neither secrets nor personal data"),
]
TOKEN = "123456789:AAFq7-Vt2mZx0_LrW9kYbN4eHs6JcPd8u"


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    out, err = capsys.readouterr()
    assert out == ""
    assert TOKEN not in err
    return [json.loads(line) for line in err.splitlines()]


def test_lines_of_json_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(readable=False)
    structlog.get_logger().info("bot_started", username="上楼")
    logging.getLogger("some.library").warning("%s happened", "something")
    first, second = written(capsys)
    assert (first["event"], first["username"], first["level"]) == ("bot_started", "上楼", "info")
    assert (second["event"], second["level"]) == ("something happened", "warning")


@pytest.mark.parametrize("token", [TOKEN, TOKEN.replace(":", "%3A")])
def test_the_token_is_never_written(capsys: pytest.CaptureFixture[str], token: str) -> None:
    set_up_logs(readable=False)
    url = f"https://api.telegram.org/bot{token}/getMe"
    logging.getLogger("some.library").warning("Cannot connect to %s", url)
    structlog.get_logger().warning("failed", url=url)
    first, second = written(capsys)
    assert "bot<token>/getMe" in first["event"]
    assert "bot<token>/getMe" in second["url"]


def test_of_an_exception_only_its_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(readable=False)
    try:
        raise ValueError("王小明 110101199003074477")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
        structlog.get_logger().exception("it failed here")
    for line in written(capsys):
        assert line["error"] == "ValueError"
        assert "test_logs.py" in line["at"]
        assert "王小明" not in json.dumps(line, ensure_ascii=False)


async def test_nothing_that_asyncio_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own messages show arguments and exceptions: of a callback that failed, of a task nobody waited for."""
    set_up_logs(readable=False)

    async def fails(name: str) -> None:
        raise ValueError(name)

    def calls(name: str) -> None:
        raise ValueError(name)

    loop = asyncio.get_running_loop()
    task = loop.create_task(fails("王小明"))
    await asyncio.wait([task])
    del task
    loop.call_soon(calls, "王小明")
    await asyncio.sleep(0.01)
    lines = written(capsys)
    assert sorted(line["event"][:21] for line in lines) == ["Exception in callback", "Task exception was ne"]
    for line in lines:
        assert line["error"] == "ValueError"
        assert "王小明" not in json.dumps(line, ensure_ascii=False)


def test_what_nobody_caught_is_told_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(readable=False)

    def fails() -> None:
        raise ValueError("王小明")

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    (line,) = written(capsys)
    assert (line["event"], line["error"]) == ("thread_failed", "ValueError")
    assert "王小明" not in json.dumps(line, ensure_ascii=False)
    try:
        fails()
    except ValueError as error:
        report = crash_report(error)
    assert "ValueError" in report
    assert "test_logs.py" in report
    assert "王小明" not in report


def test_the_secrets_of_the_deployment_are_struck_out(capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    """Wherever in a line they stand, also in what libraries hand on whole."""
    url = "postgresql://shanglou:q7%23Vt-x9_invented@db.invalid/rolls"
    office = settings.model_copy(update={"database_url": SecretStr(url)})
    bot = bot_settings(TOKEN, "https://api.telegram.org", "http://127.0.0.1:1")
    hide_secrets_of(office)
    hide_secrets_of(bot)
    set_up_logs(readable=False)
    parts = [url, "q7%23Vt-x9_invented", "q7#Vt-x9_invented", TOKEN, TOKEN.partition(":")[2]]
    parts += [office.service_token.get_secret_value(), office.index_key.get_secret_value()]
    parts += [office.encryption_keys.get_secret_value(), office.encryption_keys.get_secret_value()[3:]]
    for part in parts:
        logging.getLogger("some.library").warning("sent %r", {"Authorization": f"Bearer {part}"})
        structlog.get_logger().warning("failed", headers={"Authorization": [part]}, url=f"https://x/{part}")
        assert part not in without_secrets(f"cannot connect: {part}.")
    _, err = capsys.readouterr()
    assert len(err.splitlines()) == 2 * len(parts)
    assert [part for part in parts if part in err] == []


def test_every_secret_among_the_settings_is_one_that_is_struck_out() -> None:
    """A setting that holds a secret is a SecretStr: by that it is known here, and is never shown."""
    for kind in (Settings, BotSettings):
        for name, setting in kind.model_fields.items():
            if name.endswith(("token", "secret", "key", "keys", "password")) or name == "database_url":
                assert "SecretStr" in str(setting.annotation), name


def test_whole_updates_which_libraries_write_at_debug_stay_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(readable=False, level=logging.DEBUG)
    logging.getLogger("telegram.ext.Application").debug("Processing update %s", "…")
    logging.getLogger("telegram.Bot").info("…")
    logging.getLogger("httpx").info("HTTP Request: POST https://api.telegram.org/bot…")
    structlog.get_logger().debug("…")
    assert written(capsys) == []


def test_readable_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(readable=True)
    structlog.get_logger().warning("it_failed", at="here")
    assert "it_failed" in capsys.readouterr().err
