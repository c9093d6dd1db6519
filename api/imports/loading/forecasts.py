"""Expected handovers: append-only. What was said and was not true stays visible.

The dates of a contract and those that the office plans or promises are two separate stories of one home; within a
story the newest saying counts, and an earlier one that a roll tells with its own publication date is history.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Table, select

from api.broadcasts.schemas import NewsKind
from api.estate.models import Forecast
from api.estate.schemas import ForecastBasis
from api.imports.loading.bulk import Bulk, within
from api.imports.records import Expectation
from api.imports.report import Change, RollReport

_forecasts: Table = Forecast.__table__  # type: ignore[assignment]
_COLUMNS = ("basis", "earliest_on", "latest_on", "reason", "source", "published_on", "confirmed_on", "next_update_on")

_DATES = 3
"""Of a content: basis, earliest and latest day; not the reason."""


@dataclass(slots=True)
class _Stored:
    id: int
    basis: ForecastBasis
    content: tuple[Any, ...]
    published_on: date
    confirmed_on: date
    next_update_on: date | None


def _content(expectation: Expectation) -> tuple[Any, ...]:
    return expectation.basis, expectation.earliest_on, expectation.latest_on, expectation.reason


async def settle_forecasts(
    bulk: Bulk,
    subject: Literal["building_id", "agreement_id"],
    said: dict[int, list[Expectation]],
    *,
    labels: dict[int, str],
    known: Collection[int],
    source: str,
    as_of: date,
    report: RollReport,
) -> None:
    """Append what is new, and move the date of what is confirmed.

    Args:
        known: buildings or agreements of which a roll of this kind has told before: to their families a first date is
            news too.
    """
    stored: defaultdict[tuple[int, bool], list[_Stored]] = defaultdict(list)
    columns = (_forecasts.c[subject], *(_forecasts.c[name] for name in ("id", *_COLUMNS)))
    for row in await bulk.rows(select(*columns).where(within(_forecasts.c[subject], said)).order_by(_forecasts.c.id)):
        contractual = row.basis is ForecastBasis.CONTRACTUAL
        content = (row.basis, row.earliest_on, row.latest_on, row.reason)
        stored[row[0], contractual].append(
            _Stored(row.id, row.basis, content, row.published_on, row.confirmed_on, row.next_update_on)
        )
    story = _Story(source, as_of, report, known)
    for subject_id, expectations in said.items():
        for contractual in (True, False):
            told = [e for e in expectations if (e.basis is ForecastBasis.CONTRACTUAL) is contractual]
            if told:
                story.tell(subject_id, stored[subject_id, contractual], told, labels[subject_id])
    ids = await bulk.ids(_forecasts, len(story.new))
    await bulk.insert(
        _forecasts,
        ("id", subject, *_COLUMNS),
        [(id_, *values) for id_, values in zip(ids, story.new, strict=True)],
    )
    await bulk.update(_forecasts, ("id",), ("confirmed_on", "next_update_on"), story.confirmed)
    report.changes += [
        Change(NewsKind.FORECAST, subject, story.new[place][0], ids[place], before_id)
        for place, before_id in story.news
    ]


class _Story:
    def __init__(self, source: str, as_of: date, report: RollReport, known: Collection[int]) -> None:
        self.source, self.as_of, self.report, self.known = source, as_of, report, known
        self.new: list[tuple[Any, ...]] = []
        self.confirmed: list[tuple[Any, ...]] = []
        self.news: list[tuple[int, int | None]] = []
        """Places in ``new``, and what each replaces."""

    def tell(self, subject_id: int, stored: list[_Stored], told: list[Expectation], label: str) -> None:
        tally = self.report.facts["forecasts"]
        in_order = sorted(stored, key=lambda s: (s.published_on, s.id))
        last_confirmed = max((s.confirmed_on for s in stored), default=None)
        newest = max(e.published_on or self.as_of for e in told)
        known = {(s.content, s.published_on) for s in stored}
        for expectation in sorted(told, key=lambda e: e.published_on or self.as_of):
            published_on = expectation.published_on or self.as_of
            content = _content(expectation)
            if published_on < newest:
                if (content, published_on) in known:
                    tally.unchanged += 1
                else:
                    self._append(subject_id, expectation, published_on, published_on)
                continue
            before = next((s for s in reversed(in_order) if s.basis is expectation.basis), None)
            if last_confirmed is not None and self.as_of < last_confirmed:
                self._from_older_roll(subject_id, expectation, stored)
            elif before is not None and before.content == content and before.confirmed_on == last_confirmed:
                tally.unchanged += 1
                if (self.as_of, expectation.next_update_on) != (before.confirmed_on, before.next_update_on):
                    self.confirmed.append((before.id, self.as_of, expectation.next_update_on))
            else:
                # A date said to be published before the one it replaces would vanish behind it.
                if in_order and published_on < in_order[-1].published_on:
                    published_on = self.as_of
                self._append(subject_id, expectation, published_on, max(published_on, self.as_of))
                self._note_news(subject_id, expectation, in_order[-1] if in_order else None)
                if before is not None:
                    self.report.example(f"{label}：预计交房 {_shown(before.content)} → {_shown(content)}")

    def _from_older_roll(self, subject_id: int, expectation: Expectation, stored: list[_Stored]) -> None:
        tally = self.report.facts["forecasts"]
        content = _content(expectation)
        if any(s.content == content for s in stored):
            tally.unchanged += 1
        elif expectation.published_on is None:
            tally.older += 1
        else:
            self._append(subject_id, expectation, expectation.published_on, expectation.published_on)

    def _note_news(self, subject_id: int, expectation: Expectation, replaced: _Stored | None) -> None:
        if expectation.basis is ForecastBasis.CONTRACTUAL:
            return
        if replaced is None:
            if subject_id in self.known:
                self.news.append((len(self.new) - 1, None))
        elif replaced.content[:_DATES] != _content(expectation)[:_DATES]:
            self.news.append((len(self.new) - 1, replaced.id))

    def _append(self, subject_id: int, expectation: Expectation, published_on: date, confirmed_on: date) -> None:
        source = expectation.source or self.source
        self.new.append(
            (subject_id, *_content(expectation), source, published_on, confirmed_on, expectation.next_update_on)
        )
        self.report.facts["forecasts"].added += 1


def _shown(content: tuple[Any, ...]) -> str:
    _, earliest, latest, _ = content
    if latest is None:
        return "未定"
    if earliest is None:
        return f"{latest}前"
    return str(latest) if earliest == latest else f"{earliest}至{latest}"
