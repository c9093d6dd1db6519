"""Loads 楼栋进度表: milestones of buildings and expected handovers."""

from collections import defaultdict
from datetime import date
from typing import Any

from api.estate.models import Milestone
from api.imports.loading.bulk import Bulk
from api.imports.loading.estate import BuildingPlace, Estate
from api.imports.loading.facts import FactTable, Key, Saying, settle
from api.imports.loading.forecasts import settle_forecasts
from api.imports.loading.news import of_milestones
from api.imports.loading.words import word
from api.imports.records import Expectation, ProgressRecord, Stated
from api.imports.report import RollReport
from api.imports.rolls import Roll
from api.privacy import Vault

MILESTONES = FactTable(
    Milestone.__table__,  # type: ignore[arg-type]
    "milestones",
    key=("building_id", "kind"),
    titles={"planned_on": "计划日期", "achieved_on": "完成日期", "note": "说明"},
)


async def load_progress(bulk: Bulk, vault: Vault, roll: Roll, estate: Estate, report: RollReport) -> None:
    """Compare with what is stored and write what differs."""
    placed: list[tuple[BuildingPlace, ProgressRecord]] = []
    for record in roll.progress:
        place = estate.find(record.row, record.parcel, record.phase, record.building)
        if place is not None:
            placed.append((place, record))
    milestones = _milestones(placed, report.as_of)
    expectations = _expectations(placed, report.as_of)
    good = [(place, record) for place, record in placed if not record.row.failed]
    await estate.ensure(bulk, [place for place, _ in good], report)
    labels = {place: f"{place[0]}地块{place[1]}{place[2]}号楼" for place, _ in good}
    sourcing: dict[str, Any] = {"source": report.source, "as_of": report.as_of, "report": report}
    said: dict[Key, Saying] = {}
    for (place, kind), record in milestones.items():
        if record.row.failed:
            continue
        stated: Stated = {"note": record.note}
        stated |= {name: getattr(record, name) for name in ("planned_on", "achieved_on") if record.row.has(name)}
        said[estate.building_id(place), kind] = Saying(stated, f"{labels[place]} {word(kind)}", record.source)
    building_ids = list({key[0] for key in said})
    stored = await MILESTONES.stored(bulk, vault, "building_id", building_ids)
    await settle(bulk, vault, MILESTONES, stored, said, news=of_milestones(stored), **sourcing)
    await settle_forecasts(
        bulk,
        "building_id",
        {
            estate.building_id(place): [e for e, record in told if not record.row.failed]
            for place, told in expectations.items()
            if any(not record.row.failed for _, record in told)
        },
        labels={estate.building_id(place): label for place, label in labels.items()},
        known={row["building_id"] for row in stored.values()},
        **sourcing,
    )


def _milestones(
    placed: list[tuple[BuildingPlace, ProgressRecord]], as_of: date
) -> dict[tuple[BuildingPlace, Any], ProgressRecord]:
    """One row for each building and milestone: the one published last. Two that differ on the same day are an error."""
    newest: dict[tuple[BuildingPlace, Any], ProgressRecord] = {}
    for place, record in placed:
        if record.milestone is None:
            continue
        key = (place, record.milestone)
        other = newest.get(key)
        published, before = record.published_on or as_of, (other.published_on or as_of) if other else None
        if other is None or before is None or published > before:
            newest[key] = record
        elif published == before:
            if (record.planned_on, record.achieved_on) != (other.planned_on, other.achieved_on):
                record.row.fail("milestone", f"与第{other.row.number}行一致（同一栋楼的同一节点）")
            else:
                other.note = other.note or record.note
    return newest


def _expectations(
    placed: list[tuple[BuildingPlace, ProgressRecord]], as_of: date
) -> dict[BuildingPlace, list[tuple[Expectation, ProgressRecord]]]:
    """The expected handovers of each building; the same one on several rows (one for each milestone) is one."""
    merged: defaultdict[BuildingPlace, list[tuple[Expectation, ProgressRecord]]] = defaultdict(list)
    first: dict[tuple[Any, ...], tuple[Expectation, ProgressRecord]] = {}
    for place, record in placed:
        said = record.expectation
        if said is None or record.row.failed:
            continue
        key = (place, said.basis, said.published_on or as_of)
        if key not in first:
            first[key] = (said, record)
            merged[place].append((said, record))
            continue
        known, known_record = first[key]
        if (known.earliest_on, known.latest_on) != (said.earliest_on, said.latest_on):
            record.row.fail("forecast", f"与第{known_record.row.number}行一致（同一栋楼同一天发布的预计交房）")
            continue
        reasons = [reason for reason in (known.reason, said.reason) if reason]
        known.reason = "；".join(dict.fromkeys(reasons)) or None
        known.next_update_on = known.next_update_on or said.next_update_on
        known.source = known.source or said.source
    return merged
