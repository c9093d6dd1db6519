"""Facts with a source and an as-of date: what a roll says of them against what is stored."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import Table, select

from api.db import sealed_columns
from api.imports.loading.bulk import Bulk, within
from api.imports.loading.news import News
from api.imports.loading.words import word
from api.imports.records import Stated
from api.imports.report import Change, RollReport
from api.privacy import Vault

Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class FactTable:
    """One table of sourced facts, one row for each ``key``.

    ``titles`` tells how columns are called in the clerk's report; ``derived`` makes columns that follow from the others
    (given values, as-of date).
    """

    table: Table
    name: str
    key: tuple[str, ...]
    titles: dict[str, str]
    derived: Callable[[Mapping[str, Any], date], dict[str, Any]] | None = None
    fallbacks: dict[str, Any] = field(default_factory=dict)
    """For columns that are never empty: what a roll that says nothing means."""

    @cached_property
    def sealed(self) -> dict[str, str]:
        """Sealed columns and their purposes."""
        return sealed_columns(self.table)

    @property
    def columns(self) -> list[str]:
        return list(self.titles)

    @property
    def derived_columns(self) -> list[str]:
        return list(self.derived(dict.fromkeys(self.columns), date.min)) if self.derived else []

    async def stored(self, bulk: Bulk, vault: Vault, column: str, values: list[Any]) -> dict[Key, dict[str, Any]]:
        """The rows whose ``column`` is one of ``values``, by key, sealed columns opened."""
        found: dict[Key, dict[str, Any]] = {}
        for row in await bulk.rows(select(self.table).where(within(self.table.c[column], values))):
            facts = dict(row._mapping)
            for name, purpose in self.sealed.items():
                if facts[name] is not None:
                    facts[name] = vault.open(purpose, facts[name])
            found[tuple(facts[name] for name in self.key)] = facts
        return found


@dataclass(slots=True)
class Saying:
    """What a roll says under one key: stated columns, or that there is no such fact; a source of its own if the row
    names one. ``label`` names the thing in examples."""

    stated: Stated | None
    label: str
    source: str | None = None


@dataclass(slots=True)
class _Difference:
    """Rows to write: keys and values in the order of ``names``."""

    new: list[tuple[Key, tuple[Any, ...]]] = field(default_factory=list)
    changed: list[tuple[Any, ...]] = field(default_factory=list)
    confirmed: list[tuple[Any, ...]] = field(default_factory=list)
    gone: list[Key] = field(default_factory=list)
    news: list[Key] = field(default_factory=list)


async def settle(
    bulk: Bulk,
    vault: Vault,
    facts: FactTable,
    stored: Mapping[Key, Mapping[str, Any]],
    said: Mapping[Key, Saying],
    *,
    source: str,
    as_of: date,
    report: RollReport,
    news: News | None = None,
) -> dict[Key, int]:
    """Write what differs; move the as-of date of what a newer roll says again. Returns the ids of inserted rows, for
    tables that have ids.

    Args:
        news: which differences the report notes as news; of tables whose key begins with whom the fact is about.
    """
    difference = await asyncio.to_thread(_compare, vault, facts, stored, said, source, as_of, report, news)
    derived = facts.derived_columns
    columns = [*facts.columns, *derived, "source", "as_of"]
    await bulk.update(facts.table, facts.key, columns, difference.changed)
    await bulk.update(facts.table, facts.key, [*derived, "source", "as_of"], difference.confirmed)
    await bulk.delete(facts.table, facts.key, difference.gone)
    names = [*facts.key, *(name for name in columns if name not in facts.key)]
    if "id" not in facts.table.c:
        await bulk.insert(facts.table, names, [values for _, values in difference.new])
        return {}
    ids = await bulk.ids(facts.table, len(difference.new))
    records = [(id_, *values) for id_, (_, values) in zip(ids, difference.new, strict=True)]
    await bulk.insert(facts.table, ["id", *names], records)
    inserted = {key: id_ for id_, (key, _) in zip(ids, difference.new, strict=True)}
    if news is not None:
        report.changes += [
            Change(news.kind, facts.key[0], int(str(key[0])), inserted.get(key) or stored[key]["id"])
            for key in difference.news
        ]
    return inserted


def _compare(
    vault: Vault,
    facts: FactTable,
    stored: Mapping[Key, Mapping[str, Any]],
    said: Mapping[Key, Saying],
    source: str,
    as_of: date,
    report: RollReport,
    news: News | None,
) -> _Difference:
    """What to write, counted in the report. Busy with the processor: comparing and sealing."""
    tally = report.facts[facts.name]
    difference = _Difference()
    columns = [*facts.columns, *facts.derived_columns]
    of_new = [name for name in columns if name not in facts.key]
    for key, saying in said.items():
        old = stored.get(key)
        from_where = saying.source or source
        if saying.stated is None:
            if old is not None and as_of < old["as_of"]:
                tally.older += 1
            elif old is not None:
                tally.changed += 1
                difference.gone.append(key)
                report.example(f"{saying.label}：不再有这一笔")
            continue
        stated = {n: facts.fallbacks.get(n) if value is None else value for n, value in saying.stated.items()}
        if old is None:
            values = dict.fromkeys(facts.columns) | facts.fallbacks | stated
            values |= _derive(facts, values, as_of)
            sealed = [_seal(facts, vault, name, values[name]) for name in of_new]
            difference.new.append((key, (*key, *sealed, from_where, as_of)))
            if news is not None and news.is_news(key, None, values):
                difference.news.append(key)
            tally.added += 1
            continue
        different = [name for name, value in stated.items() if old[name] != value]
        if different and as_of < old["as_of"]:
            tally.older += 1
        elif different:
            tally.changed += 1
            values = {name: old[name] for name in facts.columns} | stated
            values |= _derive(facts, values, as_of)
            sealed = [_seal(facts, vault, name, values[name]) for name in columns]
            difference.changed.append((*key, *sealed, from_where, as_of))
            if news is not None and news.is_news(key, old, values):
                difference.news.append(key)
            report.example(f"{saying.label}：{_described(facts, old, stated, different)}")
        else:
            tally.unchanged += 1
            if as_of > old["as_of"]:
                difference.confirmed.append((*key, *_derive(facts, old, as_of).values(), from_where, as_of))
    return difference


def _derive(facts: FactTable, values: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    return facts.derived(values, as_of) if facts.derived else {}


def _seal(facts: FactTable, vault: Vault, name: str, value: Any) -> Any:
    purpose = facts.sealed.get(name)
    return vault.seal(purpose, value) if purpose and value is not None else value


def _described(facts: FactTable, old: Mapping[str, Any], stated: Stated, different: list[str]) -> str:
    def one(name: str) -> str:
        title = facts.titles[name]
        return f"{title}有变化" if name in facts.sealed else f"{title} {_shown(old[name])} → {_shown(stated[name])}"

    return "，".join(one(name) for name in different[:3])


def _shown(value: Any) -> str:
    if value is None:
        return "（空）"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, bool):
        return "是" if value else "否"
    return word(str(value))
