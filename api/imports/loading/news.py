"""What a load of a roll changes for a family, so that exactly the families that it touches can be told.

News is what changed something that was known, or is newer than all of its kind that was known:

- a *forecast*, where another date or basis than the last one is published for a building; in a roll of agreements, as
  far as nothing is published for the building. Dates of a contract are the family's own and no news;
- a *milestone* that is reached: its date was open before, or it is new on a building's list and newer than that;
- a *payment* to the household: unpaid before, or later than every payment of its kind that was known (where none was,
  later than the last roll of payments);
- another *stage* of a registration.

The first load of a kind of roll is no news, nor is anything about an agreement that is on file only since this load, or
a date for a home that was handed over. What was mistyped and is put right is no news either: an office that must say
so writes it itself.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Table, func, select

from api.agreements.models import Agreement
from api.agreements.schemas import RegistrationStage
from api.broadcasts.models import ImportChange
from api.broadcasts.schemas import NewsKind
from api.estate.schemas import MilestoneKind
from api.imports.loading.bulk import Bulk
from api.imports.models import Import, RollKind
from api.imports.report import Change
from api.money.schemas import LedgerDirection, LedgerState

Row = Mapping[str, Any]
_changes: Table = ImportChange.__table__  # type: ignore[assignment]
_AGAIN = (MilestoneKind.SUSPENDED, MilestoneKind.RESUMED)
"""What may happen to a building more than once."""

# Who lives in a building of which something changed.
_OF_BUILDINGS = """
INSERT INTO import_changes (import_id, kind, agreement_id, fact_id, before_id)
SELECT DISTINCT $1::bigint, news.kind, agreements.id, news.fact_id, news.before_id
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS news(kind, building_id, fact_id, before_id)
JOIN units ON units.building_id = news.building_id
JOIN agreement_units ON agreement_units.unit_id = units.id
JOIN agreements ON agreements.id = agreement_units.agreement_id
WHERE agreements.id <= $6 AND NOT agreements.handed_over
"""
_OF_AGREEMENTS = """
INSERT INTO import_changes (import_id, kind, agreement_id, fact_id, before_id)
SELECT $1::bigint, news.kind, agreements.id, news.fact_id, news.before_id
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS news(kind, agreement_id, fact_id, before_id)
JOIN agreements ON agreements.id = news.agreement_id
WHERE agreements.id <= $6 AND (
    news.kind <> 'forecast'
    OR NOT agreements.handed_over AND NOT EXISTS (
        SELECT FROM agreement_units
        JOIN units ON units.id = agreement_units.unit_id
        JOIN forecasts ON forecasts.building_id = units.building_id AND forecasts.basis <> 'contractual'
        WHERE agreement_units.agreement_id = agreements.id
    )
)
"""


@dataclass(frozen=True)
class News:
    """Of which kind differences of a table are news, and which of them: told by the key, the stored values (none: there
    was no such fact) and the new ones."""

    kind: NewsKind
    is_news: Callable[[tuple[Hashable, ...], Row | None, Row], bool]


def of_registrations() -> News:
    def is_news(_: tuple[Hashable, ...], old: Row | None, new: Row) -> bool:
        stage = new["stage"]
        return stage is not (old["stage"] if old else RegistrationStage.NOT_STARTED)

    return News(NewsKind.REGISTRATION, is_news)


def of_milestones(stored: Mapping[tuple[Any, ...], Row]) -> News:
    """``stored``: all that was known of the buildings that the roll names."""
    known: dict[Any, date] = {}
    for (building_id, *_), row in stored.items():
        known[building_id] = max(known.get(building_id, date.min), row["as_of"])

    def is_news(key: tuple[Any, ...], old: Row | None, new: Row) -> bool:
        building_id, kind = key
        achieved_on = new["achieved_on"]
        if achieved_on is None:
            return False
        if old is None:
            return building_id in known and achieved_on > known[building_id]
        before = old["achieved_on"]
        return before is None or (kind in _AGAIN and achieved_on > before)

    return News(NewsKind.MILESTONE, is_news)


def of_payments(stored: Mapping[tuple[Any, ...], Row], last_load: date | None) -> News:
    """
    Args:
        stored: all that was known of the agreements that the roll names.
        last_load: how the last roll of this kind was dated.
    """
    known: dict[Any, date] = {}
    for row in stored.values():
        if _is_paid_out(row):
            to = (row["agreement_id"], row["kind"])
            known[to] = max(known.get(to, date.min), row["sorts_on"])

    def is_news(key: tuple[Any, ...], old: Row | None, new: Row) -> bool:
        if not _is_paid_out(new):
            return False
        if old is not None:
            return old["state"] is LedgerState.DUE
        newest = known.get((key[0], new["kind"]), last_load)
        return newest is not None and new["sorts_on"] > newest

    return News(NewsKind.PAYMENT, is_news)


def _is_paid_out(entry: Row) -> bool:
    return entry["state"] is LedgerState.PAID and entry["direction"] is LedgerDirection.TO_HOUSEHOLD


@dataclass(slots=True)
class Known:
    """What was on file before the load."""

    last_agreement_id: int
    loads: dict[RollKind, date] = field(default_factory=dict)
    """How the last roll of each kind was dated; of kinds that were never loaded nothing."""

    @classmethod
    async def before(cls, bulk: Bulk) -> "Known":
        [(last,)] = await bulk.rows(select(func.coalesce(func.max(Agreement.id), 0)))
        loads = await bulk.rows(select(Import.kind, func.max(Import.as_of)).group_by(Import.kind))
        return cls(last, {row[0]: row[1] for row in loads})


def keep_last(changes: Sequence[list[Change]]) -> None:
    """Where several rolls of one load change the same, families hear of the last, against what stood before the load.

    Args:
        changes: of each roll, in the order in which they were loaded.
    """
    last: dict[Hashable, tuple[int, Change]] = {}
    for number, of_one_roll in enumerate(changes):
        for change in of_one_roll:
            _, earlier = last.get(_about(change), (None, None))
            passed_over = earlier is not None and change.before_id == earlier.fact_id
            before_id = earlier.before_id if earlier is not None and passed_over else change.before_id
            last[_about(change)] = number, change._replace(before_id=before_id)
        of_one_roll.clear()
    for number, change in last.values():
        changes[number].append(change)


def _about(change: Change) -> Hashable:
    if change.kind is NewsKind.FORECAST:
        return change.kind, change.subject, change.subject_id
    return change.kind, change.fact_id


async def record_news(bulk: Bulk, import_id: int, changes: Sequence[Change], known: Known) -> dict[NewsKind, int]:
    """Write which families the load touches, and count them by kind.

    Args:
        known: what was on file before the load; not a count of what the database holds now.
    """
    for subject, statement in (("building_id", _OF_BUILDINGS), ("agreement_id", _OF_AGREEMENTS)):
        of_these = [change for change in changes if change.subject == subject]
        if of_these:
            kinds, _, subject_ids, fact_ids, before_ids = map(list, zip(*of_these, strict=True))
            await bulk.execute(statement, import_id, kinds, subject_ids, fact_ids, before_ids, known.last_agreement_id)
    if not changes:
        return {}
    counted = select(_changes.c.kind, func.count(_changes.c.agreement_id.distinct()))
    rows = await bulk.rows(counted.where(_changes.c.import_id == import_id).group_by(_changes.c.kind))
    return {row[0]: row[1] for row in rows}
