"""Rows of 楼栋进度表: milestones of buildings and expected handovers. The two are never mixed up: a completion date is
no handover date."""

from collections.abc import Iterable
from datetime import date

from api.estate.schemas import ForecastBasis
from api.imports import cells, dates, places, words
from api.imports.records import Expectation, ProgressRecord
from api.imports.rows import Row


def read(rows: Iterable[Row]) -> list[ProgressRecord]:
    """All rows that could be read, in their order. Errors are recorded at the rows."""
    return [record for row in rows if (record := _progress(row)) is not None]


def _progress(row: Row) -> ProgressRecord | None:
    building = row.read("building", places.building)
    if building is None and not row.failed:
        row.fail("building", "楼栋（不能为空）")
    milestone = row.read("milestone", words.milestone)
    planned_on = row.read("planned_on", dates.last_day)
    achieved_on = row.read("achieved_on", dates.last_day)
    published_on = row.read("published_on", dates.last_day)
    reason = row.read("reason", cells.public_text)
    expectation = _expectation(row, reason, published_on)
    if not row.failed and milestone is None:
        if planned_on or achieved_on:
            row.fail("milestone", words.MILESTONE_EXPECTED)
        elif expectation is None:
            row.fail("milestone" if row.has("milestone") else "forecast", "节点，或者预计交房")
    note = row.read("note", cells.public_text)
    source = row.read("source", cells.public_text)
    parcel = row.read("parcel", places.parcel)
    phase = row.read("phase", places.phase)
    if row.failed or building is None:
        return None
    # Beside an expected handover 说明 is why the date is what it is; without one it is about the milestone.
    told = None if expectation is not None else reason
    notes = [part for part in (told, note) if part]
    if expectation is not None:
        expectation.source = source
    return ProgressRecord(
        row=row,
        parcel=parcel,
        phase=phase,
        building=building,
        milestone=milestone,
        planned_on=planned_on,
        achieved_on=achieved_on,
        note="；".join(notes) or None,
        source=source,
        published_on=published_on,
        expectation=expectation,
    )


def _expectation(row: Row, reason: str | None, published_on: date | None) -> Expectation | None:
    window = row.read("forecast", dates.window)
    basis = row.read("basis", words.basis)
    if window is None:
        return None
    if basis is None:
        if window != (None, None):
            if row.cell("basis") is None:
                row.fail("basis", "日期的依据：合同约定、计划、承诺 之一（写了预计交房就必须写依据）")
            return None
        basis = ForecastBasis.PLANNED
    return Expectation(
        basis,
        *window,
        reason=reason,
        published_on=published_on,
        next_update_on=row.read("next_update_on", dates.last_day),
    )
