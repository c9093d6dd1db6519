"""The API does not start without good secrets, and never shows the ones it was given."""

import base64

import pytest
from pydantic import ValidationError

from api.settings import Settings, load

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
GOOD = {
    "SHANGLOU_SERVICE_TOKEN": "invented-service-token-0123456789",
    "SHANGLOU_ENCRYPTION_KEYS": f"k1:{KEY}",
    "SHANGLOU_INDEX_KEY": "invented-index-key-0123456789abcdef",
}


@pytest.fixture(autouse=True)
def _good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_ENV_FILE", "/nonexistent")
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SHANGLOU_{name.upper()}", raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    with pytest.raises(ValidationError) as refused:
        load()
    return str(refused.value)


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
    assert name.removeprefix("SHANGLOU_").lower() in refusal()


@pytest.mark.parametrize("name", ["SHANGLOU_SERVICE_TOKEN", "SHANGLOU_INDEX_KEY"])
@pytest.mark.parametrize("value", ["", "too-short-secret", "0123456789abcdefghijklmnopqrstu"])
def test_short_secrets(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert "at least 32 characters" in said
    assert not value or value not in said


@pytest.mark.parametrize(
    "ring",
    [
        "",
        KEY,
        f":{KEY}",
        "k1:",
        "k1:too-short",
        "k1:not base64 at all",
        "k1:" + base64.urlsafe_b64encode(bytes(16)).decode(),
        f"k1:{KEY},",
        f"k1:{KEY},k2",
        f"k1:{KEY},k1:{KEY}",
        "k" * 33 + f":{KEY}",
    ],
)
def test_malformed_key_rings(monkeypatch: pytest.MonkeyPatch, ring: str) -> None:
    monkeypatch.setenv("SHANGLOU_ENCRYPTION_KEYS", ring)
    said = refusal()
    assert "encryption_keys" in said
    assert KEY not in said
    assert "not base64" not in said


def test_several_keys_and_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHANGLOU_ENCRYPTION_KEYS", f"new:{KEY}, old:{KEY}")
    monkeypatch.setenv("SHANGLOU_SERVICE_TOKEN", "new-invented-token-0123456789abcd, old-invented-token-0123456789abcd")
    load()


@pytest.mark.parametrize("more", [",", ", ", ",short", "," + " " * 40])
def test_no_token_is_empty_or_short(monkeypatch: pytest.MonkeyPatch, more: str) -> None:
    """A comma too many made a token of nothing, and whoever bore nothing was let in."""
    monkeypatch.setenv("SHANGLOU_SERVICE_TOKEN", GOOD["SHANGLOU_SERVICE_TOKEN"] + more)
    assert "at least 32 characters" in refusal()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHANGLOU_TIMEZONE", "Nowhere/City"),
        ("SHANGLOU_API_PORT", "70000"),
        ("SHANGLOU_ATTACHMENTS_URL", "ftp://host/folder"),
        ("SHANGLOU_ATTACHMENTS_URL", "folder"),
    ],
)
def test_what_makes_no_sense(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert name.removeprefix("SHANGLOU_").lower() in said
