"""The dashboard, the alert rules and docs/operations.md name what the processes really tell, with the labels that it
has, and leave nothing out."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.metrics import Metrics as OfApi
from api.settings import Settings
from api.worker_metrics import WorkerMetrics
from bot.metrics import Metrics as OfBot
from tests import manifests
from tests.test_deployment import COMPOSE
from tests.test_kubernetes import let_in

DOCS = Path(__file__).parent.parent / "docs"
DASHBOARD: dict[str, Any] = json.loads((DOCS / "grafana" / "shanglou.json").read_text())
RULES: dict[str, Any] = manifests.load((DOCS / "prometheus" / "alerts.yml").read_text())
SCRAPES: dict[str, Any] = manifests.load((DOCS / "prometheus" / "prometheus.yml").read_text())
OPERATIONS = (DOCS / "operations.md").read_text()
NAME = re.compile(r"\b(?:shanglou|process)_\w+")
OF_PROMETHEUS = {"instance", "job", "le"}
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


def told() -> dict[str, set[str]]:
    """Every sample's name that some process tells, and its labels."""
    found: dict[str, set[str]] = {}
    for registry in (OfBot("bot").registry, OfApi().registry, WorkerMetrics().registry):
        for name, kind, labels in _families(registry):
            for suffix in SUFFIXES[kind]:
                found.setdefault(name + suffix, set()).update(labels)
    return found


def _families(registry: CollectorRegistry) -> Iterator[tuple[str, str, set[str]]]:
    labels = {collector._name: {*collector._labelnames} for collector in _ours(registry)}
    for family in registry.collect():
        yield family.name, family.type, labels.get(family.name, set())


def _ours(registry: CollectorRegistry) -> list[Any]:
    return [collector for collector in registry._collector_to_names if hasattr(collector, "_labelnames")]


TOLD = told()
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [
    rule["expr"] for group in RULES["groups"] for rule in group["rules"]
]


def test_there_is_something_to_look_at() -> None:
    assert len(PANELS) > 25
    assert len(EXPRESSIONS) > 40
    assert all(target["expr"] and panel["title"] for panel in PANELS for target in panel["targets"])


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_told(expression: str) -> None:
    names = set(NAME.findall(expression))
    assert names <= set(TOLD)
    known = set().union(*(TOLD[name] for name in names), OF_PROMETHEUS)
    for labels in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in labels.split(",")} <= known
    for name, selected in re.findall(r"(\w+)\{([^}]*)\}", expression):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selected))
        assert labels <= TOLD.get(name, set()) | OF_PROMETHEUS
    assert names or "up{" in expression
    assert expression.count("(") == expression.count(")")
    assert expression.count("{") == expression.count("}")


def test_routes_that_are_named_exist(settings: Settings) -> None:
    named = {route for expression in EXPRESSIONS for route in re.findall(r'route!?="([^"]+)"', expression)}
    routes = create_app(settings, "postgresql://nobody@127.0.0.1:1/none").routes
    assert named <= {getattr(route, "path", None) for route in routes}


def test_legends_show_labels_that_are_there() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
            kept = {label.strip() for labels in grouped for label in labels.split(",")} if grouped else {"instance"}
            assert shown <= kept, panel["title"]


def test_whatever_is_told_is_shown() -> None:
    shown = {name for expression in EXPRESSIONS for name in NAME.findall(expression)}
    ours = {name for name in TOLD if name.startswith("shanglou_") and not name.endswith(("_bucket", "_sum"))}
    assert ours - shown == set()


def test_whatever_is_told_is_explained() -> None:
    explained = set(NAME.findall(OPERATIONS))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in TOLD if name.startswith("shanglou_")}
    assert families - explained == set()
    assert {name for name in explained if name.startswith("shanglou_")} <= families


def test_the_prometheus_that_is_asked_can_be_chosen() -> None:
    [chosen, job] = DASHBOARD["templating"]["list"]
    assert (chosen["name"], chosen["type"], chosen["query"]) == ("datasource", "datasource", "prometheus")
    assert job["name"] == "job"
    for panel in PANELS:
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_panels_do_not_lie_upon_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + across, place["y"] + down) for across in range(place["w"]) for down in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_rules_say_how_urgent_they_are_and_what_is_wrong() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"(\d+[mh])?", rule.get("for", ""))
        for heading in re.findall(r'see "([^"]+)"', rule["annotations"]["summary"]):
            assert f"## {heading}\n" in OPERATIONS


def test_nobody_is_woken_for_what_is_held() -> None:
    """``unless`` leaves out what the other side has with the same labels: both have none."""
    rules = {rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"]}
    late, _, held = rules["ShanglouOutboxLate"]["expr"].partition(" unless ")
    assert re.fullmatch(r"max\(shanglou_outbox_late_seconds\) > \d+", late)
    assert held == rules["ShanglouSendingHeld"]["expr"] == "max(shanglou_sending_held) == 1"
    assert rules["ShanglouSendingHeld"]["labels"]["severity"] == "ticket"


def test_every_long_running_service_is_scraped_where_it_listens() -> None:
    [rules_file] = SCRAPES["rule_files"]
    assert (DOCS / "prometheus" / rules_file).exists()
    [scrape] = SCRAPES["scrape_configs"]
    asked = {name: group["port"] for group in scrape["dns_sd_configs"] for name in group["names"]}
    services = {name: service.get("environment", {}) for name, service in COMPOSE["services"].items()}
    listening = {
        name: int(values.get("SHANGLOU_HEALTH_PORT") or values["SHANGLOU_API_PORT"])
        for name, values in services.items()
        if {"SHANGLOU_HEALTH_PORT", "SHANGLOU_API_PORT"} & set(values)
    }
    assert asked == listening
    # And from outside the container: on every address, in the network in which Prometheus stands.
    for name in asked:
        assert services[name].get("SHANGLOU_HEALTH_HOST", services[name].get("SHANGLOU_API_HOST")) == "0.0.0.0"
        assert "office" in COMPOSE["services"][name]["networks"]


def test_what_is_scraped_is_let_in_on_kubernetes() -> None:
    [scrape] = SCRAPES["scrape_configs"]
    for group in scrape["dns_sd_configs"]:
        for name in group["names"]:
            assert let_in(name, {"kubernetes.io/metadata.name": "monitoring"}) == {str(group["port"])}
