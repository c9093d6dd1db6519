"""Whatever routes the API has: requests made from its own document, right and wrong, and answers held against it.

Schemathesis takes the document as it is, so a route that comes later is tried without a word here.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.openapi import from_url

from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from tests.conftest import SERVICE_TOKEN
from tests.defences import Figure
from tests.factories import Factory
from tests.flows.conftest import new_household
from tests.hostile.conftest import Complaints

pytestmark = [pytest.mark.long, pytest.mark.security("Hostile input arrives as text, or not at all")]

CHAT = 700100200
FUZZED = 200
"""Requests drawn by hypothesis for all routes together; those that cover the document's limits come on top."""

WITHOUT_END = ["count_audience", "create_broadcast", "edit_broadcast"]
"""Audiences are made of audiences: covering each limit of each part in each other one takes hours. They are fuzzed."""

CHECKS = {
    "not_a_server_error": {"enabled": True},
    "status_code_conformance": {"enabled": True},
    "content_type_conformance": {"enabled": True},
    "response_headers_conformance": {"enabled": True},
    "response_schema_conformance": {"enabled": True},
    "negative_data_rejection": {"enabled": True},
    "ignored_auth": {"enabled": True},
    "unsupported_method": {"enabled": True},
    # What the document allows may still be nobody's, or of a kind that it cannot say.
    "positive_data_acceptance": {"enabled": False},
    "missing_required_header": {"enabled": False},
    "use_after_free": {"enabled": False},
    "ensure_resource_availability": {"enabled": False},
    # The framework names the methods of one of a path's routes.
    "allow_header_conformance": {"enabled": False},
}


class Run:
    """What schemathesis did to the API, and what it says against the answers."""

    def __init__(
        self, url: str, *, headers: dict[str, str], phases: tuple[str, ...], examples: int, **fixed: int
    ) -> None:
        config = {
            "base-url": url,
            "headers": headers,
            "workers": 1,
            "continue-on-failure": True,
            "generation": {"deterministic": True, "max-examples": examples, "no-shrink": True},
            "phases": {
                "examples": {"enabled": "examples" in phases},
                "coverage": {"enabled": "coverage" in phases, "unexpected-methods": ["PATCH", "TRACE"]},
                "fuzzing": {"enabled": "fuzzing" in phases},
                "stateful": {"enabled": False},
            },
            "operations": [{"include-operation-id": WITHOUT_END, "phases": {"coverage": {"enabled": False}}}],
            "checks": CHECKS,
            "parameters": {f"path.{name}": value for name, value in fixed.items()},
        }
        self.answers: Counter[tuple[str, int]] = Counter()
        self.routes: set[str] = set()
        self.complaints: list[str] = []
        schema = from_url(f"{url}/openapi.json", config=SchemathesisConfig.from_dict(config))
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                self.routes.add(event.label or "")
                self.answers.update(
                    (event.label or "", interaction.response.status_code)
                    for interaction in event.recorder.interactions.values()
                    if interaction.response is not None
                )
                self.complaints += _said_against(event)
            elif isinstance(event, events.NonFatalError | events.FatalError):
                self.complaints.append(f"{getattr(event, 'label', '')}: {event}"[:2000])

    @property
    def statuses(self) -> Counter[int]:
        found: Counter[int] = Counter()
        for (_, status), times in self.answers.items():
            found[status] += times
        return found


def _said_against(event: events.ScenarioFinished) -> Iterator[str]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                yield f"{event.label}: {failure.title}: {failure.message}\n    {check.failure_info.code_sample}"[:2000]


def nobody_waits(context: Any, case: Any, kwargs: Any) -> None:
    """A courier may ask to wait for messages."""
    if isinstance(case.body, dict) and type(case.body.get("wait_seconds")) in (int, float):
        case.body["wait_seconds"] = min(case.body["wait_seconds"], 0)


@pytest.fixture(autouse=True)
def hook() -> Iterator[None]:
    schemathesis.hook("before_call")(nobody_waits)
    yield
    schemathesis.hooks.unregister(nobody_waits)


async def operations(api: aiohttp.ClientSession) -> set[str]:
    async with api.get("/openapi.json") as response:
        paths = (await response.json())["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


@pytest.fixture
async def family(factory: Factory) -> int:
    """Somebody with a home who also works for the office in every role: nothing is answered just with "not yours"."""
    household = await new_household(factory)
    await factory.link(CHAT, household.agreement)
    name = factory.vault.seal("staff.name", "编造员")
    await factory.add(StaffAccount(name=name, roles=[role.value for role in StaffRole], chat_id=CHAT))
    return household.agreement.id


async def test_with_the_token(
    api_url: str, api: aiohttp.ClientSession, family: int, complaints: Complaints, figure: Figure
) -> None:
    routes = await operations(api)
    examples = max(2, FUZZED // len(routes) // 2)
    token = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    strangers = await asyncio.to_thread(Run, api_url, headers=token, phases=("coverage", "fuzzing"), examples=examples)
    ours = await asyncio.to_thread(
        Run,
        api_url,
        headers=token,
        phases=("examples", "fuzzing"),
        examples=examples,
        chat_id=CHAT,
        agreement_id=family,
    )
    assert routes <= strangers.routes & ours.routes, "some routes were not tried"
    said = strangers.complaints + ours.complaints
    assert not said, f"{len(said)} complaints\n" + "\n".join(said[:30])
    assert not complaints.of_ours
    statuses = strangers.statuses + ours.statuses
    assert {200, 201, 204, 404, 422} <= set(statuses)
    figure("requests of schemathesis, all answered as documented", f"{statuses.total()} to {len(routes)} routes")


async def test_without_the_token(api_url: str, api: aiohttp.ClientSession, complaints: Complaints) -> None:
    """Whatever is asked, the answer is that a token is needed, in the documented shape."""
    run = await asyncio.to_thread(Run, api_url, headers={}, phases=("fuzzing",), examples=2)
    assert not run.complaints, "\n".join(run.complaints[:30])
    # Whoever has the address of a file has shown its token: there is none that is guessed.
    open_to_all = {"GET /healthz": {200}, "GET /readyz": {200}, "GET /files/{token}": {404, 422}}
    assert {name for name in await operations(api) if " /v1/" not in name} == {*open_to_all}
    assert len(run.routes) > len(open_to_all)
    for route, status in run.answers:
        assert status in open_to_all.get(route, {401}), f"{route} answered {status}"
    assert not complaints.of_ours
