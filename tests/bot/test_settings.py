"""The bot does not start with weak secrets either, and never shows the ones it was given."""

import secrets

import pytest
from pydantic import ValidationError

from bot.cli.running import in_one_sentence
from bot.cli.secrets import new_secrets
from bot.logs import hide_secrets_of, without_secrets
from bot.playground import new_token
from bot.settings import BotSettings, load

pytestmark = pytest.mark.security("Weak or leaked secrets are refused at start")

GOOD = {
    "SHANGLOU_SERVICE_TOKEN": new_secrets()["SHANGLOU_SERVICE_TOKEN"],
    "SHANGLOU_TELEGRAM_TOKEN": new_token(),
    "SHANGLOU_WEBHOOK_SECRET": secrets.token_urlsafe(36),
}


@pytest.fixture(autouse=True)
def _good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_ENV_FILE", "/nonexistent")
    for name in BotSettings.model_fields:
        monkeypatch.delenv(f"SHANGLOU_{name.upper()}", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    with pytest.raises(ValidationError) as refused:
        load()
    return f"{refused.value}\n{in_one_sentence(refused.value, BotSettings)}"


def test_good_secrets_are_enough() -> None:
    settings = load()
    for value in GOOD.values():
        assert value not in repr(settings)
        assert value not in settings.model_dump_json()


def test_the_service_token_has_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHANGLOU_SERVICE_TOKEN")
    assert "SHANGLOU_SERVICE_TOKEN is missing. " in refusal()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SERVICE_TOKEN", "", "must have at least 32 characters"),
        ("SERVICE_TOKEN", "Qx7w-too-short", "must have at least 32 characters"),
        ("SERVICE_TOKEN", "changeme" * 5, "must be made at random"),
        ("SERVICE_TOKEN", "test-service-token-0123456789abcdef", "must be made at random"),
        ("SERVICE_TOKEN", f"{GOOD['SHANGLOU_SERVICE_TOKEN']},", "must have at least 32 characters"),
        ("TELEGRAM_TOKEN", "changeme", "must be the token that BotFather gave"),
        ("TELEGRAM_TOKEN", "123456789:your-token-goes-here-please", "must be the token that BotFather gave"),
        ("TELEGRAM_TOKEN", "123456789:" + "x" * 35, "must be the token that BotFather gave"),
        ("WEBHOOK_SECRET", "Qx7w-too-short", "must have 32 to 256 characters"),
        ("WEBHOOK_SECRET", "a secret with blanks, long enough for all", "must have 32 to 256 characters"),
        ("WEBHOOK_SECRET", "webhook-secret-webhook-secret-webhook", "must be made at random"),
    ],
    ids=range(11),
)
def test_weak_secrets(monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str) -> None:
    monkeypatch.setenv(f"SHANGLOU_{name}", value)
    said = refusal()
    assert f"SHANGLOU_{name} {reason}" in said
    assert not value or value not in said


@pytest.mark.parametrize("url", ["http://api:8600", "http://10.0.0.5:8600", "http://api.office.example"])
def test_the_service_token_could_once_travel_in_clear(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SHANGLOU_API_URL", url)
    assert "SHANGLOU_API_URL must be https, or http on this machine" in refusal()
    monkeypatch.setenv("SHANGLOU_API_NETWORK_IS_PRIVATE", "true")
    assert load().api_url == url


@pytest.mark.parametrize("url", ["https://api.office.example", "http://127.0.0.1:8600", "http://localhost:8600"])
def test_the_api_is_asked_out_of_earshot(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SHANGLOU_API_URL", url)
    assert load().api_url == url


def test_the_password_of_a_proxy_was_once_not_struck_out_of_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    password = secrets.token_urlsafe(12)
    monkeypatch.setattr("bot.logs._hidden", set())
    monkeypatch.setenv("SHANGLOU_TELEGRAM_PROXY", f"http://bot:{password}@proxy.office.example:3128")
    settings = load()
    assert settings.proxy == f"http://bot:{password}@proxy.office.example:3128"
    assert password not in repr(settings) + settings.model_dump_json()
    hide_secrets_of(settings)
    assert password not in without_secrets(f"cannot connect to http://bot:{password}@proxy.office.example:3128")
    assert password not in without_secrets(f"407 for {password}")


def test_no_value_is_used_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_WEBHOOK_SECRET", GOOD["SHANGLOU_SERVICE_TOKEN"])
    said = refusal()
    assert "one value is used for two of them" in said
    assert GOOD["SHANGLOU_SERVICE_TOKEN"] not in said
