"""As it is typed; what is left out on a machine that has only a part of it; settings that are wrong."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from api.settings import Settings
from bot import playground
from bot.cli.doctor.findings import Finding, State, in_time
from tests.doctor.conftest import EVERYTHING, Deployment, troubles


async def test_all_is_well(deployment: Deployment) -> None:
    code, said = await deployment.run()
    assert code == 0, said
    assert said.splitlines()[-1].startswith("0 项有问题，0 项要注意，")
    assert "有问题\t" not in said
    for secret in ("SHANGLOU_TELEGRAM_TOKEN", "SHANGLOU_SERVICE_TOKEN", "SHANGLOU_INDEX_KEY"):
        assert deployment.environment[secret] not in said


@pytest.mark.long
async def test_programs_read_json_and_the_exit_code(deployment: Deployment) -> None:
    deployment.environment["SHANGLOU_TELEGRAM_TOKEN"] = wrong = playground.new_token()
    code, said = await deployment.run("--json")
    told = json.loads(said)
    assert (code, told["well"]) == (1, False)
    [token] = [finding for finding in told["findings"] if finding["check"] == "token"]
    assert token["state"] == "failed"
    assert "BotFather" in token["do"]
    assert {finding["check"] for finding in told["findings"]} == EVERYTHING - {"webhook", "telegram_clock"}
    assert wrong not in said


async def test_it_changes_nothing(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    async def rows() -> list[int]:
        async with deployment.factory.database.reading() as reader:
            tables = ("audit_events", "jobs", "deliveries", "people", "verification_attempts")
            return [(await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() for table in tables]

    before = await rows()
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {}
    assert {finding.check for finding in findings} == EVERYTHING
    assert await rows() == before
    assert [*(settings.data_dir / "attachments").iterdir()] == []


async def test_on_the_bots_machine_the_rest_is_left_out(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "DATA_DIR", "ENCRYPTION_KEYS", "INDEX_KEY"):
        del deployment.environment[f"SHANGLOU_{name}"]
    states = {finding.check: finding.state.value for finding in await deployment.look(monkeypatch)}
    assert states == {
        "settings": "ok",
        "database": "skipped",
        "token": "ok",
        "webhook": "ok",
        "telegram_clock": "ok",
        "api": "ok",
    }


async def test_on_the_offices_machine_telegram_is_left_out(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = deployment.environment.pop("SHANGLOU_API_URL")
    for name in ("TELEGRAM_TOKEN", "TELEGRAM_API_URL"):
        del deployment.environment[f"SHANGLOU_{name}"]
    deployment.environment |= {"SHANGLOU_API_HOST": "0.0.0.0", "SHANGLOU_API_PORT": url.rpartition(":")[2]}
    assert troubles(await deployment.look(monkeypatch)) == {"token": "skipped"}


async def test_settings_that_are_wrong_are_named(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.environment["SHANGLOU_INDEX_KEY"] = "changeme"
    findings = await deployment.look(monkeypatch)
    wrong = [finding for finding in findings if finding.state is State.FAILED]
    assert [finding.check for finding in wrong] == ["settings"]
    assert "SHANGLOU_INDEX_KEY" in wrong[0].found
    assert "changeme" not in str(findings)


async def test_a_file_of_secrets_that_others_can_read(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.env"
    file.write_text("\n".join(f"{name}={value}" for name, value in deployment.environment.items()))
    deployment.environment = {"SHANGLOU_ENV_FILE": str(file)}
    file.chmod(0o644)
    findings = await deployment.look(monkeypatch)
    assert troubles(findings) == {"settings_file": "warning"}
    file.chmod(0o600)
    assert troubles(await deployment.look(monkeypatch)) == {}


async def test_what_does_not_answer_is_not_waited_for() -> None:
    async def never() -> list[Finding]:
        await asyncio.Event().wait()
        raise AssertionError

    async def stumbles() -> list[Finding]:
        raise ValueError("postgresql://user:password@host")

    [late] = await in_time("api", never(), 0.05)
    [stumbled] = await in_time("api", stumbles(), 1)
    assert late.state is stumbled.state is State.FAILED
    assert "password" not in stumbled.found + stumbled.do
