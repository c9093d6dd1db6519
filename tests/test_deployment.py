"""No container engine runs in the tests, so the files are read: all they name must exist."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
import yaml

from api.health import router as api_health
from api.settings import Settings
from bot.cli import COMMANDS
from bot.cli.doctor.disks import TEMPORARY
from bot.settings import BotSettings
from bot.tracing import ENDPOINTS
from tests import manifests

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = manifests.load((ROOT / "docker-compose.yml").read_text())
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OFFICE, TELEGRAM = (
    {f"SHANGLOU_{name.upper()}" for name in settings.model_fields} for settings in (Settings, BotSettings)
)
SETTINGS = OFFICE | TELEGRAM
# Not our own: of the object store's client, and of OpenTelemetry's.
OF_LIBRARIES = re.compile(r"(AWS|OTEL)_[A-Z_]+")
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "shanglou"}


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(name).strip() for line in joined.splitlines() if line.startswith(name + " ")]


def test_a_key_that_stands_twice_is_refused() -> None:
    """As compose does; PyYAML alone takes the last one, in silence."""
    text = (ROOT / "docker-compose.yml").read_text()
    with pytest.raises(yaml.YAMLError, match="command stands twice"):
        manifests.load(text.replace('    command: ["bot"]\n', '    command: ["bot"]\n' * 2))
    overridden = "one: &one {a: 1, b: 2}\ntwo: &two {<<: *one, b: 3}\nthree: {<<: *two, b: 4}"
    assert manifests.load(overridden)["three"] == {"a": 1, "b": 4}


def test_services() -> None:
    assert set(OURS) == {"migrate", "api", "worker", "bot", "courier"}
    assert set(COMPOSE["services"]) - set(OURS) == {"postgres", "proxy"}
    # More couriers are for who wants them, every bot has one inside; a proxy is for who has several bots.
    assert [name for name, service in COMPOSE["services"].items() if "profiles" in service] == ["proxy", "courier"]


def test_commands_exist() -> None:
    for service in OURS.values():
        assert service["command"][0] in COMMANDS
        if "healthcheck" in service:
            assert service["healthcheck"]["test"][1:4] == ["python", "-m", "bot.ready"]
    assert instructions("ENTRYPOINT") == ['["shanglou"]']


async def test_the_health_check_tells_well_from_unwell(api_url: str) -> None:
    for address, code in ((f"{api_url}/readyz", 0), (f"{api_url}/no-such-page", 1), ("http://127.0.0.1:1/", 1)):
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot.ready", address)
        assert await process.wait() == code


def test_variables_are_settings() -> None:
    for service in OURS.values():
        assert {name for name in service["environment"] if not OF_LIBRARIES.fullmatch(name)} <= SETTINGS
    for name in re.findall(r"\b(SHANGLOU_\w+)=", DOCKERFILE):
        assert name in SETTINGS


def places(*names: str) -> set[str]:
    return {f"SHANGLOU_{name}_{what}" for name in names for what in ("HOST", "PORT")}


LISTENS = {
    "migrate": set(),
    "api": places("API"),
    "worker": places("HEALTH"),
    "bot": places("HEALTH", "WEBHOOK") | {"SHANGLOU_WEBHOOK_URL", "SHANGLOU_WEBHOOK_SECRET"},
    "courier": places("HEALTH"),
}
"""Settings of one program alone; the others are its half's."""


@pytest.mark.parametrize("name", LISTENS)
def test_every_setting_is_handed_on_to_who_reads_it_and_to_nobody_else(name: str) -> None:
    """Compose gives a container of .env what is named, and nothing else."""
    if name in ("bot", "courier"):
        half = TELEGRAM
    else:
        # Where data lies the image says; with the bot's name `invite` prints a link.
        half = OFFICE - set(re.findall(r"\b(SHANGLOU_\w+)=", DOCKERFILE)) | {"SHANGLOU_BOT_USERNAME"}
    given = {variable for variable in OURS[name]["environment"] if not OF_LIBRARIES.fullmatch(variable)}
    assert given == half - set().union(*LISTENS.values()) | LISTENS[name]


def test_what_is_handed_on_is_unset_where_nobody_has_set_it() -> None:
    """An empty text would be a number or an address to the settings, and nothing would start."""
    for service in OURS.values():
        for name, value in service["environment"].items():
            assert value is None or not re.fullmatch(r"\$\{\w+(:?-)?\}", value), name


def test_files_in_s3_and_traces_get_what_their_libraries_read() -> None:
    for name, service in OURS.items():
        given = set(service["environment"])
        assert set(ENDPOINTS) <= given
        of_s3 = {variable for variable in given if variable.startswith("AWS_")}
        if name in ("bot", "courier"):
            assert of_s3 == set()
        else:
            assert of_s3 >= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"}
        assert [one for one in given if OF_LIBRARIES.fullmatch(one) and f"`{one}`" not in OPERATIONS] == []


def test_health_checks_ask_addresses_that_answer() -> None:
    api_paths = {route.path for route in api_health.routes}  # type: ignore[attr-defined]
    for name, service in OURS.items():
        if name == "migrate":
            continue
        url = urlparse(service["healthcheck"]["test"][-1])
        port = "SHANGLOU_API_PORT" if name == "api" else "SHANGLOU_HEALTH_PORT"
        assert str(url.port) == service["environment"][port]
        assert url.path in (api_paths if name == "api" else {"/healthz"})


def test_every_long_running_service_has_a_health_check() -> None:
    assert {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service} == {"migrate"}


def test_secrets_come_from_the_environment_and_have_no_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    secrets = r"PASSWORD|TOKEN|KEY|KEYS|SECRET"
    for name, rest in re.findall(rf"\$\{{(\w*(?:{secrets}))\b([^}}]*)\}}", text):
        assert rest.startswith(":?"), f"{name} must refuse to be empty and have no default"
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(rf"(?:{secrets}|KEY_ID|HEADERS)$", name):
                assert value is None or value.startswith("${"), f"{name} stands in the file"


def test_each_has_limits_and_logs_that_do_not_grow() -> None:
    for name, service in COMPOSE["services"].items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
        assert "no-new-privileges:true" in service["security_opt"], name
        if name != "postgres":
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name


def test_temporary_files_have_the_room_that_doctor_looks_for() -> None:
    """With half of it taken there is still no warning."""
    for service in OURS.values():
        [folder] = service["tmpfs"]
        [size] = re.findall(r"^/tmp:size=(\d+)m,", folder)
        assert int(size) * 2**20 >= 2 * TEMPORARY.low


def test_several_of_each_can_run() -> None:
    """Nothing of which there can be only one: a name, a port of the machine. Bots listen where the proxy asks."""
    for name in ("api", "worker", "bot", "courier"):
        assert not {"container_name", "ports", "hostname"} & set(OURS[name]), name
    bot, proxy = OURS["bot"], COMPOSE["services"]["proxy"]
    assert bot["environment"]["SHANGLOU_WEBHOOK_HOST"] == "0.0.0.0"
    # Handed on where they are set, and unset, not empty, where they are not.
    assert bot["environment"]["SHANGLOU_WEBHOOK_URL"] is bot["environment"]["SHANGLOU_WEBHOOK_SECRET"] is None
    told = COMPOSE["configs"]["proxy"]["content"]
    assert "name bot" in told
    assert f"port {bot['environment']['SHANGLOU_WEBHOOK_PORT']}" in told
    assert proxy["networks"] == ["telegram"]
    assert "telegram" in bot["networks"]


def test_health_ports_are_asked_from_within_and_published_nowhere() -> None:
    """Prometheus stands in the office's network. Of a bot's ports the proxy passes on the webhook's alone."""
    for name in ("bot", "courier", "worker"):
        assert OURS[name]["environment"]["SHANGLOU_HEALTH_HOST"] == "0.0.0.0"
        assert "office" in OURS[name]["networks"]
    assert COMPOSE["networks"]["office"]["internal"] is True
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]
    told = COMPOSE["configs"]["proxy"]["content"]
    assert re.findall(r"\bport (\d+)|:(\d+)", told) == [(OURS["bot"]["environment"]["SHANGLOU_WEBHOOK_PORT"], "")]


def test_the_image_can_back_up() -> None:
    assert any("--extra embedded" in run for run in instructions("RUN"))
    assert "SHANGLOU_BACKUP_RECIPIENTS" in OURS["api"]["environment"]


def test_the_bot_cannot_reach_the_database() -> None:
    for name in ("bot", "courier"):
        assert not {"SHANGLOU_DATABASE_URL", "SHANGLOU_ENCRYPTION_KEYS"} & set(OURS[name]["environment"])


def test_image_copies_what_exists_and_runs_as_nobody_special() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for copy in instructions("COPY"):
        if copy.startswith("--from"):
            continue
        for source in copy.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source.removeprefix('./')}" in ignored
    assert len(instructions("FROM")) == 2
    assert instructions("USER") == ["shanglou"]
    packages = set(re.findall(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text())[0].split('"')[1::2])
    assert packages <= {source for copy in instructions("COPY") for source in copy.split()[:-1]}


def test_commands_that_the_documents_give_for_compose() -> None:
    """Which service, and where: a container of its own has no API inside, so `doctor` would find none."""
    pages = [page.read_text() for page in (ROOT / "docs").rglob("*.md")]
    entered = [found for page in pages for found in re.findall(r"docker\s+compose\s+exec\s+(\w+)\s+shanglou\b", page)]
    assert {"api", "bot"} <= set(entered) <= set(OURS)
    for page in pages:
        for given in re.findall(r"docker\s+compose\s+run\b([^`]*)", page):
            assert "doctor" not in given, given
            assert re.search(rf"\b({'|'.join(OURS)})\b", given), given
