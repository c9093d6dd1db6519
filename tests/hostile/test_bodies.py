"""What a JSON body may hold although no schema says so: the API takes it or refuses it, and stays able to read it."""

from io import BytesIO
from typing import Any

import aiohttp
import pytest

from tests.factories import Factory
from tests.flows.conftest import new_household
from tests.hostile.conftest import Complaints
from tests.hostile.mutations import body_of, nested

pytestmark = pytest.mark.security("Hostile input arrives as text, or not at all")

CHAT = 700100200
_JSON = {"Content-Type": "application/json"}


def dialog(value: bytes) -> bytes:
    """A conversation's state that holds this."""
    return b'{"version":0,"locale":"zh_CN","dialog":{"id":"abcdefgh","name":"x","data":{"value":' + value + b"}}}"


VALUES = {
    "a number beyond 64 bits": b"1" + b"0" * 30,
    "a number beyond 64 bits, negative": b"-1" + b"0" * 30,
    "a number of 10,000 digits": b"9" * 10_000,
    "a number of no limit": b"1e999",
    "no number": b"NaN",
    "infinity": b"-Infinity",
    "a lone surrogate": b'"\\ud800"',
    "a lone surrogate as a name": b'{"\\udfff":1}',
    "NUL": b'"\\u0000"',
    "nested 200 deep": nested(100),
    "nested 1,000 deep": nested(500),
    "nested 3,000 deep": nested(1_500),
    "nested 200,000 deep": nested(100_000),
    "names twice": b'{"a":1,"a":2}',
    "not UTF-8": b'"\xff"',
    "32 kB": b'"' + b"x" * 33_000 + b'"',
    "a megabyte": b'"' + "长".encode() * 400_000 + b'"',
}


async def test_a_conversation_that_holds_it(api: aiohttp.ClientSession, complaints: Complaints) -> None:
    """What is taken can be loaded again: otherwise the chat would be silent for ever."""
    for chat, (what, value) in enumerate(VALUES.items(), start=CHAT):
        async with api.put(f"/v1/chats/{chat}", data=BytesIO(dialog(value)), headers=_JSON) as response:
            assert response.status in (200, 422), what
            answer = await response.json()
        assert (answer.get("code") == "invalid_input") == (response.status == 422), what
        async with api.get(f"/v1/chats/{chat}") as loaded:
            assert loaded.status == 200, what
            state = await loaded.json()
        assert state["version"] == (1 if response.status == 200 else 0), what
        if response.status == 200:
            assert state == answer, what
    assert not complaints.of_ours


async def test_a_complaint_that_holds_it(api: aiohttp.ClientSession, factory: Factory, complaints: Complaints) -> None:
    household = await new_household(factory)
    await factory.link(CHAT, household.agreement)
    good: dict[str, Any] = {"category": "other", "agreement_id": household.agreement.id, "text": "漏水"}
    for number, (what, value) in enumerate(VALUES.items()):
        for field in (*good, "unit_id", "attachment_ids", "location", "more"):
            rest = {name: good[name] for name in good if name != field}
            body = body_of(rest)[:-1] + b',"' + field.encode() + b'":' + value + b"}"
            headers = {**_JSON, "Idempotency-Key": f"key-{field:-<10}-{number}"}
            async with api.post(f"/v1/chats/{CHAT}/cases", data=BytesIO(body), headers=headers) as response:
                assert response.status in (201, 404, 422), f"{what} as {field}: {await response.text()}"
    async with api.get(f"/v1/chats/{CHAT}/cases") as response:
        assert response.status == 200
    assert not complaints.of_ours


async def test_a_body_that_is_none(api: aiohttp.ClientSession, complaints: Complaints) -> None:
    """One status and one shape for all that is no such body, whatever is wrong with it."""
    for body in (b"", b"\xff", b"{", b"[]", b"null", b'"', nested(100_000)):
        for method, path in (("PUT", f"/v1/chats/{CHAT}"), ("POST", f"/v1/chats/{CHAT}/links")):
            async with api.request(method, path, data=BytesIO(body), headers=_JSON) as response:
                assert response.status == 422, f"{body[:20]!r}"
                assert (await response.json())["code"] == "invalid_input"
    assert not complaints.of_ours
