"""The API does not start without good secrets, and never shows the ones it was given."""

import base64
import os
import secrets
from urllib.parse import quote

import pytest
from pydantic import ValidationError

from api.secrets import is_guessable, is_guessable_key, is_placeholder
from api.settings import Settings, load
from bot.cli.running import in_one_sentence
from bot.cli.secrets import new_secrets

pytestmark = pytest.mark.security("Weak or leaked secrets are refused at start")


def key(material: bytes) -> str:
    return base64.urlsafe_b64encode(material).decode()


KEY = key(os.urandom(32))
GOOD = new_secrets()
PLACEHOLDERS = [
    "changeme" * 4,
    "CHANGE-ME-please-change-me-please",
    "secret" * 8,
    "your-service-token-goes-here-please",
    "replace-this-with-a-random-secret-value",
    "test-service-token-0123456789abcdef",
    "shanglou-production-index-key-123456789",
    "a" * 64,
    "0123456789" * 4,
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
    "zyxwvutsrqponmlkjihgfedcba9876543210",
    "qwertyuiopasdfghjklzxcvbnm1qaz2wsx3edc",
    "x7Kq" * 10,
    "x7Kq-" * 10,
    "1212121212121212121212121212121212",
]
PATTERNED_KEYS = {
    "zeros": bytes(32),
    "ones": b"\xff" * 32,
    "counting": bytes(range(32)),
    "counting down": bytes(range(255, 223, -1)),
    "by sevens": bytes(n * 7 % 256 for n in range(32)),
    "eight bytes four times": os.urandom(8) * 4,
    "sixteen bytes twice": os.urandom(16) * 2,
    "half of zeros": os.urandom(12) + bytes(20),
    "a text": b"an invented passphrase, 32 long!",
    "hexadecimal digits": secrets.token_hex(16).encode(),
}


@pytest.fixture(autouse=True)
def _good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_ENV_FILE", "/nonexistent")
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHANGLOU_{name.upper()}", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    """What is said, to a program and to who started it."""
    with pytest.raises(ValidationError) as refused:
        load()
    return f"{refused.value}\n{in_one_sentence(refused.value, Settings)}"


def test_good_secrets_are_enough() -> None:
    settings = load()
    assert settings.database_url is None
    assert settings.timezone.key == "Asia/Shanghai"
    for value in GOOD.values():
        assert value not in repr(settings)
        assert value not in settings.model_dump_json()


@pytest.mark.parametrize("name", GOOD)
def test_there_are_no_default_secrets(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    assert f"{name} is missing. " in refusal()


@pytest.mark.parametrize("name", ["SHANGLOU_SERVICE_TOKEN", "SHANGLOU_INDEX_KEY"])
@pytest.mark.parametrize("value", ["", "Qx7w-too-short", "0123456789abcdefghijklmnopqrstu"])
def test_short_secrets(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert f"{name} must have at least 32 characters. " in said
    assert not value or value not in said


@pytest.mark.parametrize("name", ["SHANGLOU_SERVICE_TOKEN", "SHANGLOU_INDEX_KEY"])
@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders_and_patterns(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert f"{name} must be made at random: " in said
    assert value not in said


@pytest.mark.parametrize("material", PATTERNED_KEYS.values(), ids=PATTERNED_KEYS)
def test_patterned_keys(monkeypatch: pytest.MonkeyPatch, material: bytes) -> None:
    for ring in (f"k1:{key(material)}", f"k2:{KEY},k1:{key(material)}"):
        monkeypatch.setenv("SHANGLOU_ENCRYPTION_KEYS", ring)
        said = refusal()
        assert "SHANGLOU_ENCRYPTION_KEYS must be made at random: " in said
        assert key(material) not in said


def test_what_is_made_at_random_is_never_refused() -> None:
    """Also what others make: `openssl rand -hex 16` is the shortest that is long enough."""
    for _ in range(2000):
        assert not is_guessable(secrets.token_urlsafe(36))
        assert not is_guessable(secrets.token_hex(24))
        assert not is_guessable_key(os.urandom(32))
    assert not is_placeholder(secrets.token_urlsafe(9))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SHANGLOU_SERVICE_TOKEN", "SHANGLOU_INDEX_KEY"),
        ("SHANGLOU_ENCRYPTION_KEYS", "SHANGLOU_SERVICE_TOKEN"),
        ("SHANGLOU_ENCRYPTION_KEYS", "SHANGLOU_INDEX_KEY"),
    ],
)
def test_no_value_is_used_twice(monkeypatch: pytest.MonkeyPatch, one: str, other: str) -> None:
    monkeypatch.setenv(other, GOOD[one].removeprefix("k1:"))
    said = refusal()
    assert "one value is used for two of them" in said
    assert GOOD[one].removeprefix("k1:") not in said


def test_no_value_is_used_twice_within_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    token = GOOD["SHANGLOU_SERVICE_TOKEN"]
    monkeypatch.setenv("SHANGLOU_SERVICE_TOKEN", f"{token}, {token}")
    assert "one value is used for two of them" in refusal()
    monkeypatch.setenv("SHANGLOU_SERVICE_TOKEN", token)
    monkeypatch.setenv("SHANGLOU_ENCRYPTION_KEYS", f"k1:{KEY},k2:{KEY}")
    assert "one value is used for two of them" in refusal()


@pytest.mark.parametrize(
    "ring",
    [
        "",
        KEY,
        f":{KEY}",
        "k1:",
        "k1:too-short",
        "k1:not base64 at all",
        f"k1:{key(os.urandom(16))}",
        f"k1:{KEY},",
        f"k1:{KEY},k2",
        f"k1:{KEY},k1:{key(os.urandom(32))}",
        "k" * 33 + f":{KEY}",
    ],
    ids=range(11),
)
def test_malformed_key_rings(monkeypatch: pytest.MonkeyPatch, ring: str) -> None:
    monkeypatch.setenv("SHANGLOU_ENCRYPTION_KEYS", ring)
    said = refusal()
    assert "encryption_keys" in said
    assert KEY not in said
    assert "not base64" not in said


def test_several_keys_and_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_ENCRYPTION_KEYS", f"new:{KEY}, old:{key(os.urandom(32))}")
    monkeypatch.setenv("SHANGLOU_SERVICE_TOKEN", f"{secrets.token_urlsafe(36)}, {secrets.token_urlsafe(36)}")
    load()


@pytest.mark.parametrize("more", [",", ", ", ",short", "," + " " * 40])
def test_no_token_is_empty_or_short(monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    """A comma too many made a token of nothing, and whoever bore nothing was let in."""
    monkeypatch.setenv("SHANGLOU_SERVICE_TOKEN", GOOD["SHANGLOU_SERVICE_TOKEN"] + more)
    assert "at least 32 characters" in refusal()


@pytest.mark.parametrize("password", ["postgres", "shanglou", "changeme", "changeme-please", "12345678", "Qx7w"])
def test_default_passwords_of_the_database(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("SHANGLOU_DATABASE_URL", f"postgresql://shanglou:{password}@db.invalid/rolls")
    said = refusal()
    assert "SHANGLOU_DATABASE_URL holds a password that is a placeholder or too short" in said
    assert f":{password}@" not in said


def test_what_the_database_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    password = f"{secrets.token_urlsafe(12)}#/@"
    for url in (
        f"postgresql://shanglou:{quote(password, safe='')}@db.invalid:5432/rolls",
        f"postgres://shanglou:{secrets.token_hex(8)}@db.invalid/rolls",
        "postgresql://postgres:@/rolls?host=/run/postgresql",  # a socket asks for none
    ):
        monkeypatch.setenv("SHANGLOU_DATABASE_URL", url)
        load()
    monkeypatch.setenv("SHANGLOU_DATABASE_URL", f"postgresql://shanglou:{password}@db.invalid:5432/rolls")
    said = refusal()
    assert "special characters written as %XX" in said
    assert password[:8] not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHANGLOU_TIMEZONE", "Nowhere/City"),
        ("SHANGLOU_API_PORT", "70000"),
        ("SHANGLOU_ATTACHMENTS_URL", "ftp://host/folder"),
        ("SHANGLOU_ATTACHMENTS_URL", "folder"),
        ("SHANGLOU_DATABASE_URL", "mysql://host/rolls"),
    ],
)
def test_what_makes_no_sense(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert name.removeprefix("SHANGLOU_").lower() in said
