"""What the table of ``api.cases.lifecycle`` says of a case as it stands: what can be done, by whom, and what a step
does. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from api.cases.lifecycle import TABLE
from api.cases.lifecycle_rows import Transition
from api.cases.schemas import CaseAction, CaseActor, CaseEventKind, CaseState, ClockKind
from api.errors import NotAllowedNow

_BY_STATE: Mapping[CaseState | None, tuple[Transition, ...]] = MappingProxyType(
    {
        state: tuple(row for row in TABLE if (state in row.sources if state else not row.sources))
        for state in (None, *CaseState)
    }
)
_BY_EVENT: Mapping[CaseEventKind, Transition] = MappingProxyType({row.event: row for row in TABLE})


@dataclass(frozen=True)
class Standing:
    """What the table looks at: how a case stands on a day.

    Attributes:
        state: None before it is received.
        clocks: last days of those that run.
        gave: whether who looks gave what is reviewed now.
        following: whether a step is asked for as a part of the collective case's.
    """

    state: CaseState | None
    today: date
    clocks: Mapping[ClockKind, date] = field(default_factory=dict)
    taken: bool = False
    supervised: bool = False
    member: bool = False
    published: bool = False
    gave: bool = False
    following: bool = False

    def runs(self, kind: ClockKind) -> bool:
        """Whether the clock runs and its last day is not past."""
        return kind in self.clocks and self.today <= self.clocks[kind]


@dataclass(frozen=True)
class Step:
    """What a transition does to a case: its state after it, and its clocks."""

    row: Transition
    state: CaseState
    stops: tuple[ClockKind, ...]
    starts: tuple[ClockKind, ...]


def _possible(standing: Standing) -> Iterator[Transition]:
    for row in _BY_STATE[standing.state]:
        if (
            (row.within is None or standing.runs(row.within))
            and (row.while_running is None or row.while_running in standing.clocks)
            and row.taken in (None, standing.taken)
            and row.supervised in (None, standing.supervised)
            and row.member in (None, standing.member)
            and row.published in (None, standing.published)
            and (standing.following or not row.following)
        ):
            yield row


def allowed(standing: Standing, who: CaseActor) -> tuple[CaseAction, ...]:
    """What somebody can do with a case that stands so, in the order of the table."""
    return tuple(row.action for row in _possible(standing) if who in row.by and not (row.by_others and standing.gave))


def find(standing: Standing, action: CaseAction, who: CaseActor) -> Transition:
    """The row of an action, whoever may take it.

    Raises:
        NotAllowedNow: it is not possible now; ``details.allowed`` tells what is, for this actor.
    """
    for row in _possible(standing):
        if row.action is action:
            return row
    raise NotAllowedNow(allowed=[*allowed(standing, who)], state=standing.state)


def apply(standing: Standing, row: Transition, *, moved: bool = False, again: bool = False) -> Step:
    """What the step does.

    Args:
        moved: whether it gives the case to another department.
        again: whether a step of the same sort was taken before.
    """
    starts = (
        *row.starts,
        *(row.starts_if_moved if moved else ()),
        *(() if again else row.starts_once),
        *(kind for kind in row.renews if standing.runs(kind)),
    )
    stops = tuple(kind for kind in ClockKind if kind in standing.clocks and kind in (*row.stops, *starts))
    state = row.target or standing.state
    if state is None:
        raise ValueError(f"{row.action} leads nowhere")
    return Step(row, state, stops, starts)


def resident_reads(kind: CaseEventKind) -> bool:
    """Whether what was said with such an event is for the resident: the office's notes are not."""
    row = _BY_EVENT.get(kind)
    return row is not None and row.shows_text
