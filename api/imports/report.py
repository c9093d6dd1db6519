"""What a load is doing, and what it did or would do: progress, counts, errors, notes, examples."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from api.broadcasts.schemas import NewsKind
from api.imports.models import RollKind
from api.imports.problems import RowError

MAX_EXAMPLES = 20

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, how much is done, and of how much (0: not known)."""


class AsOfOrigin(Enum):
    """Where a roll's as-of date was found."""

    OPTION = "option"
    ROLL = "roll"  # title or file name
    EARLIER_LOAD = "earlier_load"
    TODAY = "today"


@dataclass(slots=True)
class Tally:
    """How many facts of one kind were added, changed, left as they were, or known from a newer roll."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0


class Change(NamedTuple):
    """One fact that is news for a building's families (``subject``: ``building_id``) or one agreement's."""

    kind: NewsKind
    subject: str
    subject_id: int
    fact_id: int
    before_id: int | None = None


@dataclass(slots=True)
class RollReport:
    """One roll of one file."""

    kind: RollKind
    path: Path
    sheets: list[str]
    source: str
    as_of: date
    as_of_origin: AsOfOrigin
    row_count: int
    rejected_rows: int = 0
    facts: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    errors: list[RowError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    """What may be news (``api.imports.loading.news``), until it is written."""
    touched: dict[NewsKind, int] = field(default_factory=dict)
    """Families for whom it changes something, by kind of news; also after a dry run, those whom it would touch."""
    loaded: bool = False
    """Whether it is in the database now: not after a dry run, nor where errors kept everything out."""

    @property
    def total(self) -> Tally:
        sums = Tally()
        for tally in self.facts.values():
            sums.added += tally.added
            sums.changed += tally.changed
            sums.unchanged += tally.unchanged
            sums.older += tally.older
        return sums

    def counts(self) -> dict[str, Any]:
        """For the record of the import."""
        return {
            "rows": self.row_count,
            "rejected": self.rejected_rows,
            "facts": {
                name: {"added": t.added, "changed": t.changed, "unchanged": t.unchanged, "older": t.older}
                for name, t in self.facts.items()
            },
        }

    def example(self, sentence: str) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(sentence)
