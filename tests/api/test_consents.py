"""Consents: needed, recorded with their version, withdrawn."""

import aiohttp
import pytest
from sqlalchemy import select, update

from api.db import Database
from api.identity.models import Consent, VerificationAttempt
from api.identity.schemas import CONSENT_VERSION
from tests.api.calls import agree, by_agreement, by_code, by_phone, call

CHAT = 700100200
WRONG = by_phone("13900000000", "0000")

pytestmark = pytest.mark.security("Consent before an ID number")


async def kinds_in_force(api: aiohttp.ClientSession) -> list[str]:
    return [consent["kind"] for consent in (await call(api, "GET", f"/v1/chats/{CHAT}/consents"))["consents"]]


async def refusal(api: aiohttp.ClientSession, proof: dict[str, str]) -> tuple[str, list[str]]:
    answer = await call(api, "POST", f"/v1/chats/{CHAT}/links", 403, json=proof)
    return answer["code"], answer["details"].get("kinds", [])


@pytest.mark.parametrize(
    ("proof", "needed"),
    [
        (WRONG, ["notice", "id_number"]),
        (by_agreement("A-1", "张三", "123456"), ["notice", "id_number"]),
        (by_code("ABCDEFGH23"), ["notice"]),
    ],
)
async def test_nothing_is_compared_before_the_person_agrees(
    api: aiohttp.ClientSession, database: Database, proof: dict[str, str], needed: list[str]
) -> None:
    assert await refusal(api, proof) == ("consent_needed", needed)
    async with database.transaction() as session:
        assert (await session.scalars(select(VerificationAttempt))).all() == []
    await agree(api, CHAT, *needed)
    assert (await refusal(api, proof))[0] == "not_matched"


async def test_the_consent_to_compare_an_id_number_is_a_consent_of_its_own(api: aiohttp.ClientSession) -> None:
    await agree(api, CHAT, "notice")
    assert await refusal(api, WRONG) == ("consent_needed", ["id_number"])
    await agree(api, CHAT, "id_number")
    assert await kinds_in_force(api) == ["notice", "id_number"]
    assert (await refusal(api, WRONG))[0] == "not_matched"


async def test_it_is_withdrawn_and_stays_on_record(api: aiohttp.ClientSession, database: Database) -> None:
    await agree(api, CHAT)
    for _ in range(2):
        await call(api, "DELETE", f"/v1/chats/{CHAT}/consents/id_number", 204)
    assert await kinds_in_force(api) == ["notice"]
    assert await refusal(api, WRONG) == ("consent_needed", ["id_number"])
    await agree(api, CHAT)
    async with database.transaction() as session:
        found = (await session.scalars(select(Consent).where(Consent.kind == "id_number").order_by(Consent.id))).all()
    assert [(row.version, row.withdrawn_at is None) for row in found] == [
        (CONSENT_VERSION, False),
        (CONSENT_VERSION, True),
    ]


async def test_the_notice_is_not_withdrawn_by_halves(api: aiohttp.ClientSession) -> None:
    await agree(api, CHAT)
    await call(api, "DELETE", f"/v1/chats/{CHAT}/consents/notice", 404)
    assert await kinds_in_force(api) == ["notice", "id_number"]


async def test_new_words_ask_anew(api: aiohttp.ClientSession, database: Database) -> None:
    await agree(api, CHAT)
    async with database.transaction() as session:
        await session.execute(update(Consent).values(version="2020-01-01"))
    assert await kinds_in_force(api) == []
    assert await refusal(api, WRONG) == ("consent_needed", ["notice", "id_number"])
    old = {"kinds": ["notice"], "version": "2020-01-01"}
    assert (await call(api, "PUT", f"/v1/chats/{CHAT}/consents", 403, json=old))["code"] == "consent_needed"
    await agree(api, CHAT)
    assert await kinds_in_force(api) == ["notice", "id_number"]


async def test_given_twice_it_is_one_and_of_one_chat_only(api: aiohttp.ClientSession, database: Database) -> None:
    await agree(api, CHAT)
    await agree(api, CHAT)
    async with database.transaction() as session:
        assert len((await session.scalars(select(Consent))).all()) == 2
    assert (await call(api, "GET", f"/v1/chats/{CHAT + 1}/consents"))["consents"] == []
