"""Loading again: the same file changes nothing, an edited one only what differs, an older one nothing newer."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from api.agreements.models import Party
from api.chats.models import Link
from api.db import Database
from api.identity.schemas import LinkMethod, LinkRole
from api.imports.problems import DatabaseTrouble
from api.imports.report import RollReport
from api.imports.sample import write_sample
from tests.api.imports import books
from tests.api.imports.books import ANNE, BO, CHAN, DAN
from tests.api.imports.conftest import Load, Look
from tests.factories import Factory

TABLES = (
    *("projects", "parcels", "phases", "buildings", "units", "agreements", "agreement_units", "people", "parties"),
    *(
        "person_phones",
        "registrations",
        "purchase_terms",
        "transition_fees",
        "ledger_entries",
        "milestones",
        "forecasts",
    ),
)


async def everything(look: Look) -> dict[str, list[str]]:
    return {t: [str(row) for row in await look(f"SELECT {t}::text FROM {t} ORDER BY 1")] for t in TABLES}


def totals(reports: list[RollReport]) -> tuple[int, int, int]:
    return tuple(sum(getattr(r.total, name) for r in reports) for name in ("added", "changed", "older"))


async def test_the_same_files_again_change_nothing(load: Load, look: Look, folder: Path) -> None:
    sample = write_sample(folder, households=120, seed=3)
    assert all(not report.errors for report in await load(*sample.paths))
    before = await everything(look)
    for paths in (sample.paths, list(reversed(sample.paths)), sample.paths[1:2]):
        assert totals(await load(*paths)) == (0, 0, 0)
    assert await everything(look) == before
    assert len(await look("SELECT 1 FROM imports")) == 13


async def test_an_edited_file_changes_only_what_differs(load: Load, look: Look, folder: Path) -> None:
    rows = [
        books.relocation(),
        books.relocation(协议编号="2", 房号="1802", 被安置人姓名=BO.name, 证件号码=BO.id_number, 联系电话=BO.phone),
    ]
    await load(books.xlsx(folder / "a.xlsx", rows))
    before = await everything(look)
    rows[1] |= {"差价款": -500, "联系电话": DAN.phone, "备注": "改过", "建筑面积": 90}
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    changed = {name: tally.changed for name, tally in report.facts.items() if tally.changed}
    assert changed == {"agreements": 1, "units": 1, "parties": 1, "phones": 1, "ledger": 1}
    assert {name: tally.added for name, tally in report.facts.items() if tally.added} == {"phones": 1}
    after = await everything(look)
    assert {table for table in TABLES if before[table] != after[table]} == {
        "agreements",
        "units",
        "parties",
        "person_phones",
        "ledger_entries",
    }
    assert all(len(set(before[table]) - set(after[table])) == 1 for table in ("agreements", "units", "ledger_entries"))
    assert any("备注有变化" in example for example in report.examples)
    assert not any("改过" in example or DAN.phone in example for example in report.examples)


async def test_a_dry_run_tells_the_same_and_writes_nothing(load: Load, look: Look, folder: Path) -> None:
    path = books.xlsx(folder / "a.xlsx", [books.relocation()])
    (report,) = await load(path, dry_run=True)
    assert (report.loaded, report.total.added) == (False, 9)
    assert all(rows == [] for rows in (await everything(look)).values())
    assert await look("SELECT 1 FROM imports") == []
    await load(path)
    before = await everything(look)
    (report,) = await load(books.xlsx(folder / "a.xlsx", [books.relocation(安置人口=5)]), dry_run=True)
    assert report.examples == ["AZ-2020-001：安置人口 3 → 5"]
    assert await everything(look) == before


async def test_partial_loads_the_good_rows(load: Load, look: Look, folder: Path) -> None:
    rows = [
        books.relocation(),
        books.relocation(协议编号="2", 房号="1802"),
        books.relocation(协议编号="2", 房号="1803", 安置人口="多"),
        books.relocation(协议编号="3", 房号="1804"),
    ]
    path = books.xlsx(folder / "a.xlsx", rows)
    (report,) = await load(path)
    assert (report.loaded, await look("SELECT 1 FROM agreements")) == (False, [])
    (report,) = await load(path, partial=True)
    assert report.loaded
    assert (len(report.errors), report.rejected_rows) == (1, 2), "an agreement with a bad row is left out whole"
    assert [row["number"] for row in await look("SELECT number FROM agreements ORDER BY 1")] == ["3", "AZ-2020-001"]


async def test_an_error_in_one_file_keeps_all_of_them_out(load: Load, look: Look, folder: Path) -> None:
    good = books.xlsx(folder / "a.xlsx", [books.relocation()])
    bad = books.xlsx(folder / "b.xlsx", [books.fee(协议编号="AZ-9")])
    reports = await load(good, bad)
    assert [len(report.errors) for report in reports] == [0, 1]
    assert await look("SELECT 1 FROM agreements") == []


async def test_what_the_database_refuses_is_rolled_back_and_told_without_data(
    load: Load, look: Look, database: Database, folder: Path
) -> None:
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE ledger_entries ADD CONSTRAINT no_sums CHECK (amount < 1)"))
    with pytest.raises(DatabaseTrouble) as refused:
        await load(books.xlsx(folder / "a.xlsx", [books.relocation()]))
    assert str(refused.value) == "数据库没有接受（23514），什么都没有写入。"
    assert refused.value.__cause__ is None
    assert await look("SELECT 1 FROM agreements") == []
    assert await look("SELECT 1 FROM people") == []


async def test_a_newer_roll_moves_the_date_of_what_it_confirms(load: Load, look: Look, folder: Path) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.relocation()], "甲（截至2026年10月20日）"))
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.relocation()], "乙（截至2026年11月20日）"))
    assert totals([report]) == (0, 0, 0)
    for table in ("agreements", "ledger_entries", "transition_fees"):
        (row,) = await look(f"SELECT source, as_of::text FROM {table}")
        assert tuple(row.values()) == ("乙", "2026-11-20")
    (entry,) = await look("SELECT sorts_on::text FROM ledger_entries")
    assert entry["sorts_on"] == "2026-11-20"


async def test_an_older_roll_changes_nothing_that_is_newer(load: Load, look: Look, folder: Path) -> None:
    await load(books.xlsx(folder / "b.xlsx", [books.relocation()], "乙（截至2026年11月20日）"))
    before = await everything(look)
    old = [
        books.relocation(安置人口=9, 差价款=1, 联系电话=DAN.phone, 房号="101"),
        books.relocation(协议编号="2", 房号="1802"),
    ]
    (report,) = await load(books.xlsx(folder / "a.xlsx", old, "甲（截至2026年10月20日）"))
    assert report.facts["agreements"].older == 1
    assert report.facts["agreements"].added == 1
    after = await everything(look)
    assert set(before["agreements"]) < set(after["agreements"])
    assert set(before["ledger_entries"]) < set(after["ledger_entries"])
    assert before["person_phones"] == after["person_phones"]


async def test_two_versions_of_a_roll_in_one_go_are_loaded_oldest_first(load: Load, look: Look, folder: Path) -> None:
    new = books.xlsx(folder / "a.xlsx", [books.relocation(安置人口=5)], "甲（截至2026年11月20日）")
    old = books.xlsx(folder / "b.xlsx", [books.relocation()], "甲（截至2026年10月20日）")
    await load(new, old)
    (row,) = await look("SELECT household_size FROM agreements")
    assert row["household_size"] == 5
    assert totals(await load(new, old)) == (0, 0, 1)


async def test_what_a_roll_has_no_column_for_it_does_not_deny(load: Load, look: Look, folder: Path) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.relocation(备注="甲")]))
    before = await everything(look)
    short = {"协议编号": "AZ-2020-001", "姓名": ANNE.name}
    (report,) = await load(books.xlsx(folder / "b.xlsx", [short]))
    assert totals([report]) == (0, 0, 0)
    assert await everything(look) == before
    (report,) = await load(books.xlsx(folder / "c.xlsx", [short | {"备注": None, "联系电话": None, "差价款": 0}]))
    assert (await look("SELECT note FROM agreements")) == [{"note": None}]
    assert await look("SELECT 1 FROM person_phones") == []
    assert await look("SELECT 1 FROM ledger_entries") == []


async def test_an_owner_who_left_the_roll_loses_the_agreement_and_its_link(
    load: Load, look: Look, factory: Factory, folder: Path
) -> None:
    both = {"被安置人姓名": f"{ANNE.name}、{BO.name}", "证件号码": f"{ANNE.id_number}、{BO.id_number}"}
    await load(books.xlsx(folder / "a.xlsx", [books.relocation(**both | {"联系电话": f"{ANNE.phone}、{BO.phone}"})]))
    (party,) = await look("SELECT agreement_id, person_id FROM parties WHERE role = 'co_owner'")
    await factory.add(
        Link(
            chat_id=7,
            agreement_id=party["agreement_id"],
            person_id=party["person_id"],
            role=LinkRole.CO_OWNER,
            method=LinkMethod.PHONE,
        )
    )
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.relocation()]))
    assert report.facts["parties"].changed == 1
    assert len(await look("SELECT 1 FROM parties")) == 1
    assert len(await look("SELECT 1 FROM person_phones")) == 1
    assert await look("SELECT revoked_at, suspended_because FROM links") == [
        {"revoked_at": None, "suspended_because": "holder_replaced"}
    ]
    (report,) = await load(
        books.xlsx(folder / "c.xlsx", [books.relocation(被安置人姓名=CHAN.name, 证件号码=CHAN.id_number)])
    )
    people = await look("SELECT id FROM people")
    assert len(people) == 2, "who left without a trace is dropped, who has a link in the books is kept"


async def test_a_name_is_corrected_by_the_roll_that_holds_the_whole_person(
    load: Load, look: Look, folder: Path
) -> None:
    typo = books.relocation(被安置人姓名="笔误")
    await load(books.xlsx(folder / "a.xlsx", [typo]))
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.relocation()]))
    assert (report.errors, report.facts["people"].changed) == ([], 1)
    mine = {"买受人": ANNE.name, "证件号码": ANNE.id_number, "地块": "A3", "期": "一期"}
    await load(books.xlsx(folder / "c.xlsx", [books.purchase(**mine)]))
    (report,) = await load(books.xlsx(folder / "d.xlsx", [typo]))
    (error,) = report.errors
    assert (error.column, error.value, error.expected) == ("被安置人姓名", "笔*", "与其他台账里同一证件号码一致的姓名")


async def test_people_without_id_numbers_are_known_by_agreement_and_name(load: Load, look: Look, folder: Path) -> None:
    nameless = {"证件号码": None}
    rows = [books.relocation(**nameless), books.relocation(**nameless | {"协议编号": "2", "房号": "1802"})]
    for _ in range(2):
        await load(books.xlsx(folder / "a.xlsx", rows))
        assert len(await look("SELECT 1 FROM people")) == 2, "the same name in two agreements may be two people"
    (report,) = await load(books.xlsx(folder / "b.xlsx", [books.relocation(), rows[1]]))
    assert (report.facts["people"].changed, report.facts["people"].added) == (1, 0), "the ID number was filled in"
    (report,) = await load(books.xlsx(folder / "a.xlsx", rows))
    assert totals([report]) == (0, 0, 0), "and stays when another roll leaves it out"


async def test_a_renamed_copy_is_the_same_roll(load: Load, folder: Path) -> None:
    first = books.xlsx(folder / "a.xlsx", [books.relocation()])
    await load(first)
    assert totals(await load(Path(shutil.copy(first, folder / "另一个名字.xlsx")))) == (0, 0, 0)


async def test_a_new_agreement_appears_to_the_linked_person_but_an_ended_link_stays_ended(
    load: Load, look: Look, factory: Factory, folder: Path
) -> None:
    await load(books.xlsx(folder / "a.xlsx", [books.relocation()]))
    async with factory.database.transaction() as session:
        (party,) = (await session.execute(select(Party))).scalars()
        values = {"agreement_id": party.agreement_id, "person_id": party.person_id}
        for chat_id, revoked_at in ((71, None), (72, datetime(2026, 1, 1, tzinfo=UTC))):
            session.add(
                Link(chat_id=chat_id, role=LinkRole.HOLDER, method=LinkMethod.PHONE, revoked_at=revoked_at, **values)
            )
    await load(
        books.xlsx(folder / "b.xlsx", [books.purchase(买受人=ANNE.name, 证件号码=ANNE.id_number, 联系电话=ANNE.phone)])
    )
    links = await look(
        "SELECT chat_id, number FROM links JOIN agreements ON agreements.id = agreement_id "
        "WHERE revoked_at IS NULL ORDER BY number"
    )
    assert [tuple(link.values()) for link in links] == [
        (71, books.relocation()["协议编号"]),
        (71, books.purchase()["合同编号"]),
    ]
