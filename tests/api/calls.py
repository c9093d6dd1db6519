"""Calls of the API as the bot makes them, with the status that is expected."""

import io
from typing import Any

import aiohttp

from api.identity.schemas import CONSENT_VERSION


async def call(api: aiohttp.ClientSession, method: str, path: str, status: int = 200, **request: Any) -> Any:
    """The JSON of an answer (``None`` where there is no body); fails unless it has this status."""
    async with api.request(method, path, **request) as response:
        text = await response.text()
        assert response.status == status, f"{method} {path}: {response.status} {text}"
        return await response.json() if text else None


def by_phone(phone: str, tail: str) -> dict[str, str]:
    """A number of the mainland as people write it is shared with its country code, as Telegram does."""
    return {"method": "phone", "phone": phone if phone.startswith("+") else f"86{phone}", "tail": tail}


def by_agreement(number: str, name: str, id_tail: str) -> dict[str, str]:
    return {"method": "agreement", "agreement_number": number, "name": name, "id_tail": id_tail}


def by_code(code: str) -> dict[str, str]:
    return {"method": "code", "code": code}


async def agree(api: aiohttp.ClientSession, chat_id: int, *kinds: str) -> None:
    """Agree to notice and ID number, or to these alone."""
    given = {"kinds": kinds or ["notice", "id_number"], "version": CONSENT_VERSION}
    await call(api, "PUT", f"/v1/chats/{chat_id}/consents", 204, json=given)


async def prove(api: aiohttp.ClientSession, chat_id: int, proof: dict[str, str], status: int = 201) -> Any:
    """As somebody who has agreed to all that it takes."""
    if status != 422:
        await agree(api, chat_id)
    return await call(api, "POST", f"/v1/chats/{chat_id}/links", status, json=proof)


def numbers(links: Any) -> list[str]:
    """The numbers of the agreements that the chat itself is linked to."""
    return sorted(link["agreement"]["number"] for link in own(links))


def own(links: Any) -> Any:
    """The chat's own links."""
    return [link for link in links["links"] if link["this_chat"]]


PNG = b"\x89PNG\r\n\x1a\n" + b"invented picture"


async def upload(
    api: aiohttp.ClientSession,
    chat_id: int,
    data: bytes = PNG,
    status: int = 201,
    *,
    kind: str = "photo",
    filename: str = "photo.png",
    upload_key: str = "upload-0001",
) -> Any:
    query = {"kind": kind, "filename": filename, "upload_key": upload_key}
    headers = {"Content-Type": "application/octet-stream"}
    path = f"/v1/chats/{chat_id}/attachments"
    return await call(api, "POST", path, status, params=query, data=io.BytesIO(data), headers=headers)
