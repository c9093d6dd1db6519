"""Look-ups read through the wire contract, both ways: the API does not validate its own rows, so the tests do."""

import json
from typing import TypeVar

import aiohttp
from pydantic import TypeAdapter

T = TypeVar("T")


async def look_up(api: aiohttp.ClientSession, path: str, contract: type[T]) -> T:
    """A 200's body as the schema has it. Fails where the body lacks a field, has one more or writes one otherwise."""
    async with api.get(path) as response:
        body = await response.read()
        assert response.status == 200, f"{path}: {response.status} {body.decode()}"
        assert response.content_type == "application/json"
    adapter = TypeAdapter(contract)
    answer = adapter.validate_json(body)
    assert json.loads(body) == adapter.dump_python(answer, mode="json")
    return answer


async def refused(api: aiohttp.ClientSession, path: str, status: int, method: str = "GET") -> bytes:
    """The body of a refusal."""
    async with api.request(method, path) as response:
        body = await response.read()
        assert response.status == status, f"{path}: {response.status} {body.decode()}"
        return body
