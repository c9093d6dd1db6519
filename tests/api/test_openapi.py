"""Structural tests: what must hold for every route, also for those that come later."""

import re
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from api.agreements import queries as agreements
from api.app import create_app
from api.errors import ErrorBody
from api.lookups import LookUp
from api.money import queries as money
from api.settings import Settings
from tests.serving import serving

SECRET = "张三-110101199003070000"
"""What a refusal must not repeat: it may be personal data."""


_documents: list[dict[str, Any]] = []


@pytest.fixture
def document(settings: Settings) -> dict[str, Any]:
    """Made once, and only read: making it takes a second."""
    if not _documents:
        _documents.append(create_app(settings, "postgresql://nobody@127.0.0.1:1/none").openapi())
    return _documents[0]


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method.upper(), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/")
    ]


def filled(path: str, value: str = "1") -> str:
    return re.sub(r"\{\w+\}", value, path)


def is_error(answer: dict[str, Any]) -> None:
    """The one shape, no field more."""
    assert set(answer) == {"code", "message", "details"}
    ErrorBody.model_validate(answer)


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    found = operations(document)
    assert {path for path, _, _ in found} >= {
        "/v1/chats/{chat_id}",
        "/v1/chats/{chat_id}/homes",
        "/v1/chats/{chat_id}/payments",
        "/v1/chats/{chat_id}/handover",
        "/v1/chats/{chat_id}/agreements/{agreement_id}/ledger",
        "/v1/chats/{chat_id}/agreements/{agreement_id}/handover-watch",
        "/v1/chats/{chat_id}/links",
    }
    for path, method, operation in found:
        at = f"{method} {path}"
        assert operation.get("summary"), f"{at} has no summary"
        assert operation.get("tags"), f"{at} has no tag"
        assert operation["security"] == [{"service token": []}], f"{at} says nothing of the token"
        good = {status: answer for status, answer in operation["responses"].items() if status.startswith("2")}
        assert good, f"{at} documents no success"
        for status, answer in good.items():
            if status != "204":
                # A file is the one answer that is not JSON; it may come in one form or another.
                assert answer["content"], f"{at}: {status} has no content"
                for content in answer["content"].values():
                    assert content["schema"], f"{at}: {status} has no schema"


def test_every_error_has_the_one_shape(document: dict[str, Any]) -> None:
    shape = {"$ref": "#/components/schemas/ErrorBody"}
    for path, method, operation in operations(document):
        errors = {s: a for s, a in operation["responses"].items() if s.startswith(("4", "5"))}
        assert {"401", "422", "503"} <= set(errors), f"{method} {path} documents {sorted(errors)}"
        # What names one thing within the chat may name something that is not there, or not the chat's.
        if len(re.findall(r"\{\w+\}", path)) > 1:
            assert "404" in errors, f"{method} {path} does not document 404"
        for status, answer in errors.items():
            assert answer["content"]["application/json"]["schema"] == shape, f"{method} {path}: {status}"


def test_the_shape_of_other_people_does_not_appear(document: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_amounts_are_documented_as_strings(document: dict[str, Any]) -> None:
    amount = document["components"]["schemas"]["LedgerEntryOut"]["properties"]["amount"]
    assert amount["type"] == "string"


async def test_the_document_is_served(api: aiohttp.ClientSession) -> None:
    async with api.get("/openapi.json") as response:
        assert response.status == 200
        assert (await response.json())["components"]["securitySchemes"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic test-service-token-0123456789abcdef"},
        {"Authorization": "test-service-token-0123456789abcdef"},
    ],
)
async def test_no_route_without_a_token(api_url: str, document: dict[str, Any], headers: dict[str, str]) -> None:
    """Known or unknown, before anything else about the request is looked at."""
    everything = [(filled(path), method) for path, method, _ in operations(document)]
    strange = [("/v1/nothing", "GET"), ("/v1/", "POST"), ("/v1/chats/x/homes", "GET"), ("/v1/chats/1", "PATCH")]
    async with aiohttp.ClientSession(api_url, headers=headers) as client:
        for path, method in everything + strange:
            async with client.request(method, path, data=b"{") as response:
                assert response.status == 401, f"{method} {path}"
                answer = await response.json()
                is_error(answer)
                assert answer["code"] == "unauthenticated"


async def test_each_token_in_force_opens(settings: Settings, database_url: str) -> None:
    """Two at once, so that tokens can be changed without a pause."""
    first, second = "a" * 32, "b" * 32
    both = settings.model_copy(update={"service_token": SecretStr(f"{first}, {second}")})
    async with serving(create_app(both, database_url)) as url, aiohttp.ClientSession(url) as client:
        for scheme in (f"Bearer {first}", f"bearer {second}"):
            async with client.get("/v1/chats/5/homes", headers={"Authorization": scheme}) as response:
                assert response.status == 200


async def test_unknown_paths_and_methods_have_the_one_shape(api: aiohttp.ClientSession) -> None:
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("GET", f"/v1/chats/5/{SECRET}", 404),
        ("PATCH", "/v1/chats/5/homes", 405),
        ("DELETE", "/v1/chats/5/homes", 405),
    ):
        async with api.request(method, path) as response:
            assert response.status == status
            is_error(await response.json())
            assert SECRET not in await response.text()


async def test_a_refusal_never_repeats_the_input(api: aiohttp.ClientSession, document: dict[str, Any]) -> None:
    """Every parameter in turn gets something that cannot be, every body several."""
    bodies: list[dict[str, Any]] = [
        {"json": value}
        for value in (SECRET, [SECRET], {"method": SECRET}, {"method": "phone", "phone": [SECRET]}, {SECRET: SECRET})
    ]
    bodies += [{"data": SECRET.encode(), "headers": {"Content-Type": "application/json"}}]
    tried = 0
    for path, method, operation in operations(document):
        requests: list[tuple[str, dict[str, Any]]] = [(filled(path, SECRET), {})]
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                requests.append((f"{filled(path)}?{parameter['name']}={SECRET * 10}", {}))
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            requests += [(filled(path), body) for body in bodies]
        for target, body in requests:
            async with api.request(method, target, **body) as response:
                text = await response.text()
                assert SECRET not in text, f"{method} {target} repeats what it was given"
                if response.status >= 400:
                    tried += 1
                    is_error(await response.json())
    assert tried > 20


def test_every_look_up_starts_from_the_live_links() -> None:
    """And its parameters are all named: a value that came in as a constant would be part of the SQL."""
    for module in (agreements, money):
        for name, look_up in vars(module).items():
            if isinstance(look_up, LookUp):
                assert set(look_up.parameters) >= {"chat_id", "today"}, f"{name} does not start from the live links"
                assert not [parameter for parameter in look_up.parameters if parameter.endswith(tuple("0123456789"))]
