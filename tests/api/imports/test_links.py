"""What a new roll does to the links of those who are in it, or no longer are."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import event, text

from api.chats.roll_changes import extend_links, settle_links
from api.db import Database
from api.privacy import Vault
from tests.api.calls import by_agreement, by_code, by_phone, call, own, prove
from tests.api.imports import books
from tests.api.imports.books import ANNE, BO, CHAN, DAN
from tests.api.imports.conftest import Load, Look
from tests.days import office_day
from tests.defences import Figure
from tests.invented import Invented

pytestmark = pytest.mark.security("A right that is not used or not supported ends")
HOLDER, CHILD, OTHER = 700100200, 700100201, 700100202
NUMBER = books.relocation()["协议编号"]


def owners(*people: Invented, **changed: Any) -> dict[str, Any]:
    """A row with these owners, the holder first."""
    row = books.relocation(
        被安置人姓名="、".join(who.name for who in people),
        证件号码="、".join(who.id_number for who in people),
        联系电话="、".join(who.phone for who in people),
    )
    return row | changed


async def roll(load: Load, folder: Path, *rows: dict[str, Any], **options: Any) -> list[str]:
    """Load them as the next roll; what the clerk is told."""
    number = len(list(folder.iterdir()))
    (report,) = await load(books.xlsx(folder / f"{number}.xlsx", rows), **options)
    assert not report.errors
    return [note for note in report.notes if "Telegram" in note]


async def by_its_phone(api: aiohttp.ClientSession, chat_id: int, who: Invented) -> Any:
    return await prove(api, chat_id, by_phone(who.phone, who.id_number[-4:]))


async def states(look: Look) -> dict[int, str | None]:
    rows = await look("SELECT chat_id, suspended_because FROM links WHERE revoked_at IS NULL ORDER BY chat_id")
    return {row["chat_id"]: row["suspended_because"] for row in rows}


async def told(look: Look, vault: Vault) -> list[tuple[int, str]]:
    rows = await look("SELECT chat_id, payload FROM deliveries WHERE kind = 'link_suspended' ORDER BY id")
    return [(row["chat_id"], vault.open_json("delivery.payload", row["payload"])["because"]) for row in rows]


async def invited(api: aiohttp.ClientSession, chat_id: int) -> str:
    (link,) = own(await call(api, "GET", f"/v1/chats/{chat_id}/links"))
    path = f"/v1/chats/{chat_id}/agreements/{link['agreement']['id']}/codes"
    code: str = (await call(api, "POST", path, 201, json={"scope": "everything"}))["code"]
    return code


async def test_a_replaced_holder_and_whom_they_let_in_see_nothing_until_they_are_back(
    load: Load, look: Look, api: aiohttp.ClientSession, vault: Vault, folder: Path
) -> None:
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    await prove(api, CHILD, by_code(await invited(api, HOLDER)))
    notes = await roll(load, folder, owners(DAN), dry_run=True)
    assert notes == [
        "有 2 个 Telegram 账号不再符合台账（权利人换了，或者手机号不在台账上了），要重新验证身份后才能查看。"
    ]
    assert await states(look) == {HOLDER: None, CHILD: None}
    assert await told(look, vault) == []

    assert await roll(load, folder, owners(DAN)) == notes
    assert await states(look) == dict.fromkeys((HOLDER, CHILD), "holder_replaced")
    assert sorted(await told(look, vault)) == [(HOLDER, "holder_replaced"), (CHILD, "holder_replaced")]
    for chat_id in (HOLDER, CHILD):
        assert await call(api, "GET", f"/v1/chats/{chat_id}/homes") == []
        (lapsed,) = (await call(api, "GET", f"/v1/chats/{chat_id}/links"))["lapsed"]
        assert (lapsed["agreement"]["holder"], lapsed["agreement"]["home"]) == ("", None)
    # The next family is nobody's news to the one before.
    assert len(own(await by_its_phone(api, OTHER, DAN))) == 1
    assert await look("SELECT 1 FROM deliveries WHERE kind = 'new_link' AND chat_id <> 700100200") == []

    assert await roll(load, folder, owners(DAN)) == []
    assert await roll(load, folder, owners(ANNE, DAN)) == ["有 2 个 Telegram 账号重新符合台账，恢复查看。"]
    assert await states(look) == dict.fromkeys((HOLDER, CHILD, OTHER), None)
    assert len(await told(look, vault)) == 2
    events = await look("SELECT action, count(*) AS n FROM audit_events WHERE actor_kind = 'system' GROUP BY 1")
    counts = {event["action"]: event["n"] for event in events}
    assert (counts["link.suspended"], counts["link.restored"]) == (2, 2)


async def test_whom_the_remaining_owner_let_in_stays(
    load: Load, look: Look, api: aiohttp.ClientSession, folder: Path
) -> None:
    await roll(load, folder, owners(ANNE, BO))
    await by_its_phone(api, HOLDER, ANNE)
    await prove(api, CHILD, by_code(await invited(api, HOLDER)))
    await prove(api, OTHER, by_code(await invited(api, HOLDER)))
    await roll(load, folder, owners(ANNE))
    assert await states(look) == dict.fromkeys((HOLDER, CHILD, OTHER), None)


async def test_an_owner_who_leaves_one_agreement_keeps_the_other(
    load: Load, look: Look, api: aiohttp.ClientSession, folder: Path
) -> None:
    second = {"协议编号": "AZ-2020-002", "房号": "1802"}
    await roll(load, folder, owners(ANNE, BO), owners(BO, **second))
    await by_its_phone(api, HOLDER, BO)
    await roll(load, folder, owners(ANNE), owners(BO, **second))
    rows = await look("SELECT number, suspended_because FROM links JOIN agreements ON agreements.id = agreement_id")
    assert {row["number"]: row["suspended_because"] for row in rows} == {
        NUMBER: "holder_replaced",
        "AZ-2020-002": None,
    }


async def test_a_phone_that_the_roll_gives_no_more_opens_nothing_until_it_is_back(
    load: Load, look: Look, api: aiohttp.ClientSession, vault: Vault, folder: Path
) -> None:
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    await prove(api, OTHER, by_agreement(NUMBER, ANNE.name, ANNE.id_number[-6:]))
    await roll(load, folder, owners(ANNE, 联系电话=CHAN.phone))
    assert await states(look) == {HOLDER: "phone_removed", OTHER: None}
    assert await told(look, vault) == [(HOLDER, "phone_removed")]
    await roll(load, folder, owners(ANNE))
    assert await states(look) == {HOLDER: None, OTHER: None}
    # Who proves it in another way meanwhile does not depend on the phone any more.
    await roll(load, folder, owners(ANNE, 联系电话=CHAN.phone))
    await prove(api, HOLDER, by_agreement(NUMBER, ANNE.name, ANNE.id_number[-6:]))
    await roll(load, folder, owners(ANNE, 联系电话=BO.phone))
    assert await states(look) == {HOLDER: None, OTHER: None}


async def test_whom_a_removed_phone_let_in_falls_and_stands_with_it(
    load: Load, look: Look, api: aiohttp.ClientSession, vault: Vault, folder: Path
) -> None:
    """Who has somebody's old number let a second account in, which stayed when the number was put right."""
    without = owners(ANNE, 联系电话=CHAN.phone)
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    await prove(api, CHILD, by_code(await invited(api, HOLDER)))
    await prove(api, OTHER, by_agreement(NUMBER, ANNE.name, ANNE.id_number[-6:]))
    fallen = {HOLDER: "phone_removed", CHILD: "issuer_suspended", OTHER: None}
    await roll(load, folder, without)
    assert await states(look) == fallen
    assert await call(api, "GET", f"/v1/chats/{CHILD}/homes") == []
    assert await told(look, vault) == [(HOLDER, "phone_removed"), (CHILD, "issuer_suspended")]
    await roll(load, folder, owners(ANNE))
    assert await states(look) == dict.fromkeys(fallen, None)
    # As soon as the holder proves anew who they are, those whom they let in see it again.
    await roll(load, folder, without)
    assert await states(look) == fallen
    await prove(api, HOLDER, by_agreement(NUMBER, ANNE.name, ANNE.id_number[-6:]))
    assert await states(look) == dict.fromkeys(fallen, None)
    await roll(load, folder, owners(ANNE, 联系电话=BO.phone))
    assert await states(look) == dict.fromkeys(fallen, None)


async def test_who_leaves_when_their_phone_is_removed_leaves_nobody_behind(
    load: Load, look: Look, api: aiohttp.ClientSession, folder: Path
) -> None:
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    await prove(api, CHILD, by_code(await invited(api, HOLDER)))
    await roll(load, folder, owners(ANNE, 联系电话=CHAN.phone))
    (lapsed,) = (await call(api, "GET", f"/v1/chats/{HOLDER}/links"))["lapsed"]
    await call(api, "DELETE", f"/v1/chats/{HOLDER}/links/{lapsed['id']}", 204)
    await roll(load, folder, owners(ANNE, 联系电话=BO.phone))
    assert await states(look) == {CHILD: "issuer_suspended"}


async def test_the_family_is_told_of_a_link_that_stands_again(
    load: Load, look: Look, api: aiohttp.ClientSession, vault: Vault, folder: Path
) -> None:
    """A chat that nobody of the new family knows was back without a word."""
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    await roll(load, folder, owners(DAN))
    await by_its_phone(api, OTHER, DAN)
    await roll(load, folder, owners(DAN, ANNE))
    assert await states(look) == {HOLDER: None, OTHER: None}
    (link,) = own(await call(api, "GET", f"/v1/chats/{HOLDER}/links"))
    rows = await look("SELECT chat_id, payload FROM deliveries WHERE kind = 'new_link'")
    news = [(row["chat_id"], vault.open_json("delivery.payload", row["payload"])) for row in rows]
    assert [(chat_id, new["link_id"], new["can_end"]) for chat_id, new in news] == [(OTHER, link["id"], True)]
    # It is one that sees the home since today, for whoever is told.
    assert datetime.fromisoformat(news[0][1]["linked_at"]) > datetime.now(UTC) - timedelta(minutes=5)


async def test_a_proxy_who_becomes_the_holder_has_no_last_day_any_more(
    load: Load, look: Look, api: aiohttp.ClientSession, database: Database, folder: Path
) -> None:
    await roll(load, folder, owners(DAN, BO))
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE parties SET role = 'proxy', valid_until = CURRENT_DATE - 5 WHERE role = 'co_owner'")
        )
    await prove(api, HOLDER, by_phone(BO.phone, BO.id_number[-4:]), 403)
    await roll(load, folder, owners(BO))
    assert await look("SELECT role, valid_until FROM parties") == [{"role": "holder", "valid_until": None}]
    assert [link["role"] for link in own(await by_its_phone(api, HOLDER, BO))] == ["holder"]


async def test_a_roll_without_phones_suspends_nobody(
    load: Load, look: Look, api: aiohttp.ClientSession, folder: Path
) -> None:
    """What a roll has no column for it does not deny."""
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    row = owners(ANNE)
    del row["联系电话"]
    await roll(load, folder, row)
    assert await states(look) == {HOLDER: None}


async def test_a_link_that_had_lapsed_is_suspended_without_a_word(
    load: Load, look: Look, api: aiohttp.ClientSession, database: Database, vault: Vault, folder: Path
) -> None:
    await roll(load, folder, owners(ANNE))
    await by_its_phone(api, HOLDER, ANNE)
    async with database.transaction() as session:
        await session.execute(text("UPDATE links SET expires_on = CURRENT_DATE - 3"))
    await roll(load, folder, owners(DAN))
    assert await states(look) == {HOLDER: "holder_replaced"}
    assert await told(look, vault) == []


async def test_ten_thousand_households(database: Database, vault: Vault, figure: Figure) -> None:
    """Every link of a whole estate is weighed in one go; a third of them falls."""
    households = 10_000
    async with database.transaction() as session:
        for statement in (
            "INSERT INTO projects (name) VALUES ('p')",
            "INSERT INTO agreements (project_id, kind, number, number_key, handed_over, source, as_of) "
            f"SELECT 1, 'relocation', n, n, false, 's', '2026-01-01' FROM generate_series(1, {households}) n",
            f"INSERT INTO people (name, name_index) SELECT '', '' FROM generate_series(1, {households})",
            "INSERT INTO parties (agreement_id, person_id, role, position) "
            "SELECT agreements.id, people.id, 'holder', 0 FROM agreements JOIN people ON people.id = agreements.id "
            "WHERE agreements.id % 3 > 0",
            "INSERT INTO links (chat_id, agreement_id, person_id, role, method) "
            "SELECT id * 3, id, id, 'holder', 'phone' FROM agreements",
            "INSERT INTO link_codes (code_index, agreement_id, issued_by, issued_by_chat_id, owner_ids, expires_at) "
            "SELECT int8send(id), id, 'owner', id * 3, ARRAY[id], now() FROM agreements",
            "INSERT INTO links (chat_id, agreement_id, role, method, code_id) "
            "SELECT agreement_id * 3 + 1, agreement_id, 'relative', 'code', id FROM link_codes",
            "ANALYZE",
        ):
            await session.execute(text(statement))
    today = office_day() + timedelta(days=1)
    statements = 0

    def counted(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(database.engine.sync_engine, "before_cursor_execute", counted)
    began = time.perf_counter()
    async with database.transaction() as session:
        suspended, restored = await settle_links(session, vault, today)
        added = await extend_links(session, vault, today)
    seconds = time.perf_counter() - began
    figure("20,000 links weighed against a roll, a third suspended and told", f"{seconds:.1f} s")
    assert (suspended, restored, added) == (2 * (households // 3), 0, 0)
    assert statements < 20
    assert seconds < 20
    async with database.transaction() as session:
        assert await settle_links(session, vault, today) == (0, 0)
