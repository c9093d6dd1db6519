"""A key is missing, or is not what it was."""

import pytest

from bot.cli.doctor import keys
from bot.cli.secrets import new_secrets
from tests.doctor.conftest import Deployment, of, troubles


async def test_a_key_is_missing(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    other = new_secrets()["SHANGLOU_ENCRYPTION_KEYS"].replace("k1:", "k9:")
    deployment.environment["SHANGLOU_ENCRYPTION_KEYS"] = other
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"keys": "failed"}
    assert "k1" in of(findings, "keys").found


async def test_a_key_is_not_what_it_was(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_ENCRYPTION_KEYS"] = new_secrets()["SHANGLOU_ENCRYPTION_KEYS"]
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"keys": "failed"}
    assert "打不开" in of(findings, "keys").found


async def test_the_index_key_is_not_what_it_was(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_INDEX_KEY"] = new_secrets()["SHANGLOU_INDEX_KEY"]
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"keys": "failed"}
    assert "SHANGLOU_INDEX_KEY" in of(findings, "keys").do


async def test_where_there_is_too_much_to_look_at_each_some_are_opened(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "USAGE_SECONDS", 0.0)
    assert troubles(await deployment.look(monkeypatch)) == {"keys": "warning"}
    deployment.environment["SHANGLOU_ENCRYPTION_KEYS"] = new_secrets()["SHANGLOU_ENCRYPTION_KEYS"]
    assert troubles(await deployment.look(monkeypatch)) == {"keys": "failed"}


async def test_a_second_key_in_front_is_no_trouble(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    new = new_secrets()["SHANGLOU_ENCRYPTION_KEYS"].replace("k1:", "k2:")
    deployment.environment["SHANGLOU_ENCRYPTION_KEYS"] = f"{new},{deployment.environment['SHANGLOU_ENCRYPTION_KEYS']}"
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {}
    assert "k1 也还在用" in of(findings, "keys").found
