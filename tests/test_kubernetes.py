"""No cluster runs in the tests, so the example is read: all it names must exist, and fit together."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from api.health import router as api_health
from api.settings import Settings
from bot.cli import COMMANDS
from bot.settings import BotSettings
from tests import manifests

FOLDER = Path(__file__).parent.parent / "docs" / "kubernetes"
THINGS: list[dict[str, Any]] = [
    thing for file in sorted(FOLDER.glob("*.yaml")) for thing in manifests.load_all(file.read_text())
]
OFFICE = {f"SHANGLOU_{name.upper()}": field for name, field in Settings.model_fields.items()}
TELEGRAM = {f"SHANGLOU_{name.upper()}": field for name, field in BotSettings.model_fields.items()}


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [thing for thing in THINGS if thing["kind"] in kinds]


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for thing in of_kind("Deployment", "Job"):
        yield thing["metadata"]["name"], thing["spec"]["template"]
    for thing in of_kind("CronJob"):
        yield thing["metadata"]["name"], thing["spec"]["jobTemplate"]["spec"]["template"]


PODS = dict(pods())


def container(name: str) -> dict[str, Any]:
    [one] = PODS[name]["spec"]["containers"]
    return dict(one)


def settings_of(name: str) -> dict[str, str]:
    """What its config maps give it."""
    names = [source["configMapRef"]["name"] for source in container(name)["envFrom"] if "configMapRef" in source]
    maps = {thing["metadata"]["name"]: thing["data"] for thing in of_kind("ConfigMap")}
    return {key: value for source in names for key, value in maps[source].items()}


def is_secret(field: Any) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation)) or "SecretStr" in str(field.annotation)


def test_all_parts_are_there() -> None:
    assert set(PODS) == {"migrate", "api", "worker", "bot", "courier", "backup"}
    for thing in THINGS:
        assert thing["metadata"].get("namespace", thing["metadata"]["name"]) == "shanglou"
    named = set(re.findall(r"-f (\S+\.yaml)", (FOLDER / "README.md").read_text()))
    assert named == {file.name for file in FOLDER.glob("*.yaml")}


@pytest.mark.parametrize("name", PODS)
def test_image_and_command_exist(name: str) -> None:
    one = container(name)
    [version] = re.findall(r'(?m)^version = "(.+)"$', (FOLDER.parent.parent / "pyproject.toml").read_text())
    assert one["image"] == f"registry.example.org/shanglou:{version}"
    if name == "backup":
        assert re.search(r"\bshanglou (\w+) ", one["command"][-1])[1] in COMMANDS  # type: ignore[index]
    else:
        # Several bots need a webhook: without one they do not start.
        assert one["args"] == ([name, "--webhook"] if name == "bot" else [name])
        assert name in COMMANDS


@pytest.mark.parametrize("name", PODS)
def test_variables_are_settings_and_no_secret_stands_here(name: str) -> None:
    known = OFFICE if PODS[name]["metadata"]["labels"]["reaches"] == "database" else TELEGRAM
    given = settings_of(name) | {one["name"]: one["value"] for one in container(name).get("env", [])}
    assert given
    assert set(given) <= set(known)
    assert not [key for key in given if is_secret(known[key])]


def test_there_is_no_secret_but_by_reference() -> None:
    assert of_kind("Secret") == []
    text = "\n".join(file.read_text() for file in FOLDER.iterdir())
    assert not re.search(r"AGE-SECRET-KEY-1\w{20}|\d{6,}:[\w-]{30,}|\bk\d:[\w+/-]{40,}", text)
    assert not re.search(r"postgres(ql)?://[^\s…`]*:[^\s…`]*@", text)
    # That this check would find one.
    assert is_secret(OFFICE["SHANGLOU_ENCRYPTION_KEYS"])
    assert is_secret(OFFICE["SHANGLOU_DATABASE_URL"])
    assert is_secret(TELEGRAM["SHANGLOU_TELEGRAM_TOKEN"])
    assert not is_secret(OFFICE["SHANGLOU_TIMEZONE"])


def test_who_reaches_telegram_has_neither_database_nor_keys() -> None:
    for name, pod in PODS.items():
        sources = {next(iter(source.values()))["name"] for source in container(name)["envFrom"]}
        assert sources == {"database": {"office"}, "telegram": {"telegram"}}[pod["metadata"]["labels"]["reaches"]]


@pytest.mark.parametrize("name", ["api", "worker", "bot", "courier"])
def test_probes_ask_addresses_that_answer(name: str) -> None:
    one = container(name)
    ports = {port["name"]: str(port["containerPort"]) for port in one["ports"]}
    given = settings_of(name)
    setting = "SHANGLOU_API" if name == "api" else "SHANGLOU_HEALTH"
    assert given[f"{setting}_HOST"] == "0.0.0.0"
    paths = {route.path for route in api_health.routes} if name == "api" else {"/healthz"}  # type: ignore[attr-defined]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = one[probe]["httpGet"]
        assert ports[asked["port"]] == given[f"{setting}_PORT"]
        assert asked["path"] in paths


@pytest.mark.parametrize("name", PODS)
def test_each_runs_as_nobody_special_within_limits(name: str) -> None:
    pod, one = PODS[name]["spec"], container(name)
    assert pod["securityContext"]["runAsNonRoot"] is True
    # As the image does.
    dockerfile = (FOLDER.parent.parent / "Dockerfile").read_text()
    assert f"--uid {pod['securityContext']['runAsUser']} " in dockerfile
    assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    assert one["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(one["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in one["resources"]["limits"]
    mounted = {mount["name"] for mount in one.get("volumeMounts", [])}
    assert mounted == {volume["name"] for volume in pod.get("volumes", [])}


def selected(labels: dict[str, str]) -> set[str]:
    return {name for name, pod in PODS.items() if labels.items() <= pod["metadata"]["labels"].items()}


def test_what_selects_finds() -> None:
    for thing in of_kind("Deployment", "PodDisruptionBudget"):
        assert selected(thing["spec"]["selector"]["matchLabels"]) == {thing["metadata"]["name"]}
    for thing in of_kind("Service"):
        [name] = selected(thing["spec"]["selector"])
        ports = {port["name"] for port in container(name)["ports"]}
        assert {port["targetPort"] for port in thing["spec"]["ports"]} <= ports
    [api] = [thing for thing in of_kind("Service") if thing["metadata"]["name"] == "api"]
    assert settings_of("bot")["SHANGLOU_API_URL"] == f"http://api:{api['spec']['ports'][0]['port']}"
    [scaled] = of_kind("HorizontalPodAutoscaler")
    assert scaled["spec"]["scaleTargetRef"]["name"] in PODS
    several = {thing["metadata"]["name"] for thing in of_kind("Deployment") if thing["spec"]["replicas"] > 1}
    assert several == {thing["metadata"]["name"] for thing in of_kind("PodDisruptionBudget")}


def test_telegram_finds_the_webhook_and_nothing_else() -> None:
    [ingress] = of_kind("Ingress")
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert settings_of("bot")["SHANGLOU_WEBHOOK_URL"] == f"https://{rule['host']}{path['path']}"
    assert path["pathType"] == "Exact"
    [port] = [port for port in container("bot")["ports"] if port["name"] == "webhook"]
    assert str(port["containerPort"]) == settings_of("bot")["SHANGLOU_WEBHOOK_PORT"]


def test_the_network_keeps_the_office_closed() -> None:
    policies = {thing["metadata"]["name"]: thing["spec"] for thing in of_kind("NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    covered = {name: selected(policy["podSelector"].get("matchLabels", {})) for name, policy in policies.items()}
    assert covered["database"] == {"migrate", "api", "worker", "backup"}
    assert covered["telegram"] == {"bot", "courier"}
    assert covered["webhook"] == {"bot"}
    assert covered["api"] == {"api"}
    # The office reaches single addresses only; who reaches the world reaches no private network.
    for rule in policies["database"]["egress"]:
        assert [to["ipBlock"]["cidr"].endswith("/32") for to in rule["to"]] == [True]
    _, world = policies["telegram"]["egress"]
    [block] = [to["ipBlock"] for to in world["to"]]
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} <= set(block["except"])
    assert [port["port"] for port in world["ports"]] == [443]
    # The API is asked by bots and couriers, and by who collects metrics.
    [rule] = policies["api"]["ingress"]
    asking = [source["podSelector"]["matchLabels"] for source in rule["from"] if "podSelector" in source]
    assert [selected(labels) for labels in asking] == [{"bot", "courier"}]
    assert [str(port["port"]) for port in rule["ports"]] == [settings_of("api")["SHANGLOU_API_PORT"]]


def let_in(name: str, source: dict[str, str]) -> set[str]:
    """The ports of a pod on which a namespace of these labels is let in."""
    return {
        str(port["port"])
        for policy in of_kind("NetworkPolicy")
        if name in selected(policy["spec"]["podSelector"].get("matchLabels", {}))
        for rule in policy["spec"].get("ingress", [])
        if {"namespaceSelector": {"matchLabels": source}} in rule["from"]
        for port in rule["ports"]
    }


def test_prometheus_is_let_in_where_metrics_are_told_and_nowhere_else() -> None:
    monitoring = {"kubernetes.io/metadata.name": "monitoring"}
    for name in PODS:
        setting = "SHANGLOU_API_PORT" if name == "api" else "SHANGLOU_HEALTH_PORT"
        told = {settings_of(name)[setting]} if "ports" in container(name) else set()
        assert let_in(name, monitoring) == told
    proxy = {"kubernetes.io/metadata.name": "ingress-nginx"}
    assert {name: let_in(name, proxy) for name in PODS if let_in(name, proxy)} == {
        "bot": {settings_of("bot")["SHANGLOU_WEBHOOK_PORT"]}
    }
