"""What is written down: readable by programs, on stderr, without the token and without what people said."""

import json
import logging

import pytest
import structlog

from bot.logs import set_up_logs

pytestmark = pytest.mark.usefixtures("own_logs")
TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345"


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
