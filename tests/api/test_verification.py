"""Three ways to prove who one is, one answer for every failure, and limits on wrong tries."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from itertools import product

import aiohttp
import pytest
from sqlalchemy import text

from api.agreements.models import Agreement
from api.agreements.schemas import PartyRole
from api.db import Database
from api.identity.codes import ALPHABET, CODE_LENGTH, issue_code
from api.identity.schemas import LinksOut
from api.privacy import Vault
from tests.api.calls import agree, by_agreement, by_code, by_phone, call, numbers, own, prove
from tests.factories import Factory
from tests.invented import Invented

CHAT = 700100200
WRONG = by_phone("13900000000", "0000")
NOT_MATCHED = {
    "code": "not_matched",
    "message": "What was given does not match what is on file.",
    "details": {},
}
WITH_X = Invented("买买提·假名", "99990019600101017X", "19911112222")


async def invite(
    database: Database, vault: Vault, agreement: Agreement, valid_for: timedelta = timedelta(days=7)
) -> str:
    async with database.transaction() as session:
        code, _ = await issue_code(session, vault, agreement.id, issued_by="test", valid_for=valid_for)
    return code


async def let_pass(database: Database, minutes: float) -> None:
    """Move all that happened into the past."""
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE verification_attempts SET attempted_at = attempted_at - make_interval(secs => :s)"),
            {"s": minutes * 60},
        )


async def test_by_phone(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.agreement(people=[await factory.person(WITH_X)], number="安字2021-0034号")
    phones = ["8619911112222", "+86 199 1111 2222", "008619911112222", "＋８６１９９１１１１２２２２"]
    tails = ["017X", "017x", " ０１７Ｘ ", "99990019600101017X", "0034", "021-0034", "034号"]
    for chat_id, (phone, tail) in enumerate(product(phones, tails), CHAT):
        proof = {"method": "phone", "phone": phone, "tail": tail}
        links = LinksOut.model_validate(await prove(api, chat_id, proof)).links
        (link,) = (link for link in links if link.this_chat)
        assert (link.agreement.number, link.agreement.holder) == ("安字2021-0034号", "买*****")
        assert (link.role, link.method) == ("holder", "phone")


@pytest.mark.parametrize("shared", ["+1 (380) 212-3456", "+13802123456", "13802123456", "0013802123456"])
async def test_an_american_number_is_no_mainland_one_with_the_same_digits(
    api: aiohttp.ClientSession, factory: Factory, shared: str
) -> None:
    """+1 380 212 3456 and +86 138 0212 3456 both end in 13802123456: whoever got the one was taken for the other."""
    who = replace(factory.invented(), phone="13802123456")
    await factory.agreement(people=[await factory.person(who)], number="AZ-2021-0034")
    await prove(api, CHAT, {"method": "phone", "phone": shared, "tail": "0034"}, 403)
    assert numbers(await prove(api, CHAT, by_phone("+86 138 0212 3456", "0034"))) == ["AZ-2021-0034"]


@pytest.mark.parametrize(
    ("written", "shared"), [("+1 380-212-3456", "13802123456"), ("00852 9123 4567", "+85291234567")]
)
async def test_a_number_from_abroad_stands_in_the_roll_with_its_country_code(
    api: aiohttp.ClientSession, factory: Factory, written: str, shared: str
) -> None:
    who = replace(factory.invented(), phone=written)
    await factory.agreement(people=[await factory.person(who)], number="AZ-2021-0034")
    links = await prove(api, CHAT, {"method": "phone", "phone": shared, "tail": "0034"})
    assert numbers(links) == ["AZ-2021-0034"]


async def test_by_agreement(api: aiohttp.ClientSession, factory: Factory) -> None:
    await factory.agreement(people=[await factory.person(WITH_X)], number="AZ-2021-0034")
    spelled = ["AZ-2021-0034", "az－２０２１－００３４", " AZ—2021_0034 "]
    names = ["买买提·假名", "买买提．假名", " 买买提 · 假名"]
    tails = ["01017x", "０１０１７Ｘ", "99990019600101017X"]
    for chat_id, (number, name, tail) in enumerate(product(spelled, names, tails), CHAT):
        links = await prove(api, chat_id, by_agreement(number, name, tail))
        assert [(link["role"], link["method"]) for link in own(links)] == [("holder", "agreement")]


async def test_a_person_with_several_agreements_sees_them_all(api: aiohttp.ClientSession, factory: Factory) -> None:
    who, other = factory.invented(), await factory.person()
    person = await factory.person(who)
    await factory.agreement(people=[person], number="A-1001")
    await factory.agreement(people=[other, person], number="A-1002")
    await factory.agreement(people=[other], number="A-1003")
    links = await prove(api, CHAT, by_agreement("A-1002", who.name, who.id_number[-6:]))
    assert numbers(links) == ["A-1001", "A-1002"]
    assert {link["agreement"]["number"]: link["role"] for link in links["links"]} == {
        "A-1001": "holder",
        "A-1002": "co_owner",
    }
    assert numbers(await prove(api, CHAT + 1, by_phone(who.phone, "1001"))) == ["A-1001", "A-1002"]


async def test_a_phone_shared_in_a_family_links_only_who_the_tail_shows(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    mother = Invented("赵示例", "999900195001010011", "19911112222")
    father = Invented("钱样本", "999900195001010022", "19911112222")
    await factory.agreement(people=[await factory.person(mother)], number="A-1001")
    await factory.agreement(people=[await factory.person(father)], number="A-1002")
    assert numbers(await prove(api, CHAT, by_phone(mother.phone, "0022"))) == ["A-1002"]


async def test_one_answer_for_every_failure(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who, proxy, nameless = (factory.invented() for _ in range(3))
    agreement = await factory.agreement(people=[await factory.person(who)], number="A-1001")
    await factory.party(
        agreement, await factory.person(proxy), PartyRole.PROXY, position=1, valid_until=date(2020, 1, 1)
    )
    await factory.agreement(people=[await factory.person(nameless, has_id_number=False)], number="A-1002")
    other = await factory.agreement(people=[await factory.person()], number="A-1003")
    over = await invite(database, vault, other, timedelta(seconds=-1))
    tail, long_tail = who.id_number[-4:], who.id_number[-6:]
    wrong = [
        by_phone(who.phone, "9999"),
        by_phone("13900000000", tail),
        by_phone(who.phone, tail[-3:]),
        by_phone(who.phone, ""),
        by_phone(who.phone, "号"),
        by_phone("", ""),
        by_phone(proxy.phone, proxy.id_number[-4:]),
        by_agreement("A-1001", who.name, "999999"),
        by_agreement("A-1001", "王无此人", long_tail),
        by_agreement("A-9999", who.name, long_tail),
        by_agreement("A-1003", who.name, long_tail),
        by_agreement("A-1001", who.name, long_tail[-5:]),
        by_agreement("A-1001", proxy.name, proxy.id_number[-6:]),
        by_agreement("A-1002", nameless.name, ""),
        by_agreement("A-1001\0", who.name, "999999"),
        by_agreement("", "", ""),
        by_code("ABCDEFGHJK"),
        by_code(""),
        by_code("\0"),
        by_code(over),
    ]
    for number, proof in enumerate(wrong):
        assert await prove(api, CHAT + number, proof, 403) == NOT_MATCHED, proof
        assert numbers(await call(api, "GET", f"/v1/chats/{CHAT + number}/links")) == []
    for proof in ({"method": "guess"}, {}, by_phone("1" * 41, "1")):
        error = await prove(api, CHAT, proof, 422)
        assert error["code"] == "invalid_input"
        assert "1" * 41 not in str(error)


async def test_to_prove_it_twice_is_no_second_link(api: aiohttp.ClientSession, factory: Factory) -> None:
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)])
    first = await prove(api, CHAT, by_phone(who.phone, who.id_number[-4:]))
    assert await prove(api, CHAT, by_phone(who.phone, who.id_number[-4:])) == first
    together = await asyncio.gather(*(prove(api, CHAT + 1, by_phone(who.phone, who.id_number[-4:])) for _ in range(4)))
    assert all(len(numbers(links)) == 1 for links in together)


async def test_a_code_is_good_once(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    person = await factory.person(who)
    agreement = await factory.agreement(people=[person], number="A-1001")
    await factory.agreement(people=[person], number="A-1002")
    code = await invite(database, vault, agreement)
    assert len(code) == CODE_LENGTH
    assert set(code) <= set(ALPHABET)
    spelled = "  " + "-".join(code.lower()).translate({ord("2"): "２", ord("a"): "ａ"})
    links = await prove(api, CHAT, by_code(spelled))
    assert [(link["agreement"]["number"], link["role"], link["method"]) for link in links["links"]] == [
        ("A-1001", "relative", "code")
    ]
    # Telegram delivers twice, people tap twice.
    assert await prove(api, CHAT, by_code(code)) == links
    assert await prove(api, CHAT + 1, by_code(code), 403) == NOT_MATCHED
    await call(api, "DELETE", f"/v1/chats/{CHAT}/links/{links['links'][0]['id']}", 204)
    assert await prove(api, CHAT, by_code(code), 403) == NOT_MATCHED


async def test_a_code_lets_in_one_of_many_at_once(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    code = await invite(database, vault, await factory.agreement())

    async def status(chat_id: int) -> int:
        await agree(api, chat_id)
        async with api.post(f"/v1/chats/{chat_id}/links", json=by_code(code)) as response:
            return response.status

    assert sorted(await asyncio.gather(*(status(CHAT + i) for i in range(8)))) == [201] + [403] * 7


async def test_a_holder_who_tries_the_invitation_leaves_it_good(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)])
    await prove(api, CHAT, by_phone(who.phone, who.id_number[-4:]))
    code = await invite(database, vault, agreement)
    links = await prove(api, CHAT, by_code(code))
    assert links["links"][0]["role"] == "holder"
    assert (await prove(api, CHAT + 1, by_code(code)))["links"][0]["role"] == "relative"


async def test_a_relative_who_proves_to_be_an_owner_becomes_one(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(), await factory.person(who)])
    await prove(api, CHAT, by_code(await invite(database, vault, agreement)))
    links = await prove(api, CHAT, by_phone(who.phone, who.id_number[-4:]))
    assert [link["role"] for link in links["links"]] == ["co_owner"]


async def test_five_wrong_tries_lock_the_chat_for_right_ones_too(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)])
    right = by_phone(who.phone, who.id_number[-4:])
    for _ in range(2):
        await prove(api, CHAT, WRONG, 403)
    await let_pass(database, 5)
    for _ in range(3):
        await prove(api, CHAT, WRONG, 403)
    for proof in (right, WRONG, right):
        locked = await prove(api, CHAT, proof, 429)
        assert locked["code"] == "locked"
        assert 14 * 60 < locked["details"]["retry_after_seconds"] <= 15 * 60
    await prove(api, CHAT + 1, right)
    await let_pass(database, 15)
    await prove(api, CHAT, right)


async def test_a_right_try_of_ones_own_buys_no_more_wrong_ones(api: aiohttp.ClientSession, factory: Factory) -> None:
    """Else one who is linked could go on guessing at the neighbours for ever."""
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)])
    for _ in range(4):
        await prove(api, CHAT, WRONG, 403)
    await prove(api, CHAT, by_phone(who.phone, who.id_number[-4:]))
    await prove(api, CHAT, WRONG, 403)
    assert (await prove(api, CHAT, WRONG, 429))["code"] == "locked"


async def test_ids_of_chats_have_52_bits(api: aiohttp.ClientSession) -> None:
    await prove(api, 2**52 - 1, WRONG, 403)
    for chat_id in (2**52, 2**63 - 1, 0, -1):
        await prove(api, chat_id, WRONG, 422)


async def test_simultaneous_tries_do_not_slip_past_the_limit(api: aiohttp.ClientSession, factory: Factory) -> None:
    async def status() -> int:
        await agree(api, CHAT)
        async with api.post(f"/v1/chats/{CHAT}/links", json=WRONG) as response:
            return response.status

    assert sorted(await asyncio.gather(*(status() for _ in range(12)))) == [403] * 5 + [429] * 7


async def test_ten_wrong_papers_close_the_agreement_to_papers(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    who = factory.invented()
    person = await factory.person(who)
    agreement = await factory.agreement(people=[person], number="A-1001")
    right = by_agreement("A-1001", who.name, who.id_number[-6:])
    wrong = by_agreement("A-1001", who.name, "999999")
    await prove(api, CHAT, right)
    await asyncio.gather(*(prove(api, CHAT + 1 + number // 4, wrong, 403) for number in range(10)))
    await let_pass(database, 50)
    assert await prove(api, CHAT + 50, right, 403) == NOT_MATCHED
    assert await prove(api, CHAT + 50, wrong, 403) == NOT_MATCHED
    # Staff let the family in all the same, strangers' guessing does not stop their phone, and who is in stays in.
    await prove(api, CHAT + 51, by_code(await invite(database, vault, agreement)))
    await prove(api, CHAT + 52, by_phone(who.phone, who.id_number[-4:]))
    assert numbers(await call(api, "GET", f"/v1/chats/{CHAT}/links")) == ["A-1001"]
    # What ran into it, right or wrong, does not prolong it.
    await let_pass(database, 10.1)
    await prove(api, CHAT + 50, right)


async def test_simultaneous_tries_of_many_chats_do_not_slip_past_the_limit(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    who = factory.invented()
    await factory.agreement(people=[await factory.person(who)], number="A-1001")
    wrong, right = (by_agreement("A-1001", who.name, tail) for tail in ("999999", who.id_number[-6:]))

    async def status(chat_id: int, proof: dict[str, str]) -> int:
        await agree(api, chat_id)
        async with api.post(f"/v1/chats/{chat_id}/links", json=proof) as response:
            return response.status

    tries = [wrong] * 8 + [right, wrong, right, wrong, right, wrong, right]
    answers = await asyncio.gather(*(status(CHAT + number, proof) for number, proof in enumerate(tries)))
    assert all(answer == 403 for answer, proof in zip(answers, tries, strict=True) if proof is wrong)
    async with database.reading() as reader:
        rights = await reader.execute(
            text(
                """
                SELECT tried.succeeded, (
                    SELECT count(*) FROM verification_attempts wrong
                    WHERE wrong.number_index IS NOT NULL AND wrong.id < tried.id
                )
                FROM verification_attempts tried
                WHERE tried.chat_id = ANY(:chats)
                """
            ),
            {"chats": [CHAT + number for number, proof in enumerate(tries) if proof is right]},
        )
        for succeeded, before in rights:
            assert succeeded == (before < 10)


async def test_an_agreement_closed_to_papers_does_not_close_the_other(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    who = factory.invented()
    person = await factory.person(who)
    await factory.agreement(people=[person], number="A-1001")
    await factory.agreement(people=[person], number="A-1002")
    for number in range(10):
        await prove(api, CHAT + number, by_agreement("A-1001", who.name, "999999"), 403)
    # The number that is guessed at opens nothing, not even the other agreement.
    await prove(api, CHAT + 20, by_agreement("A-1001", who.name, who.id_number[-6:]), 403)
    assert numbers(await prove(api, CHAT + 20, by_agreement("A-1002", who.name, who.id_number[-6:]))) == ["A-1002"]
    assert numbers(await prove(api, CHAT + 21, by_phone(who.phone, who.id_number[-4:]))) == ["A-1001", "A-1002"]
