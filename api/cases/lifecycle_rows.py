"""What a row of the lifecycle's table can say. The table itself is ``api.cases.lifecycle``."""

from dataclasses import dataclass
from enum import StrEnum

from api.cases.schemas import CaseAction, CaseActor, CaseEventKind, CaseState, ClockKind


class When(StrEnum):
    """On which occasions something follows from a step."""

    NEVER = "never"
    ALWAYS = "always"
    MOVED = "moved"  # it gave the case to another department


@dataclass(frozen=True)
class Transition:
    """A row of the table.

    Attributes:
        sources: states in which the action is possible; none of them: there is no case yet.
        target: the state after it; None: the one before.
        by: who may take the step.
        by_others: not for who gave what is reviewed (see ``REVIEWED``).
        needs: fields that must come with it.
        within: only as long as this clock runs and its last day is not past.
        while_running: only as long as this clock runs.
        taken: only while somebody has the case (True) or nobody has (False).
        supervised: likewise with the overlay.
        member: likewise with being a member of a collective case.
        published: likewise with being offered to other families.
        following: only as a part of what was done with the collective case, now or before.
        leaves: a member that takes the step by itself goes on alone from then on.
        stops: clocks that end; a clock that is started ends the one of its kind that runs.
        starts_if_moved: started only where the case goes to another department.
        starts_once: started only where no earlier step of the same sort did.
        renews: started anew only where they run and their last day is not past.
        tells: whether the resident gets a notice of what others did; ``shows_text``: and reads what is said with it.
        tells_officer: whether who has the case gets a notice.
    """

    action: CaseAction
    event: CaseEventKind
    sources: tuple[CaseState, ...]
    target: CaseState | None
    by: tuple[CaseActor, ...]
    by_others: bool = False
    needs: tuple[str, ...] = ()
    within: ClockKind | None = None
    while_running: ClockKind | None = None
    taken: bool | None = None
    supervised: bool | None = None
    member: bool | None = None
    published: bool | None = None
    following: bool = False
    leaves: bool = False
    starts: tuple[ClockKind, ...] = ()
    starts_if_moved: tuple[ClockKind, ...] = ()
    starts_once: tuple[ClockKind, ...] = ()
    renews: tuple[ClockKind, ...] = ()
    stops: tuple[ClockKind, ...] = ()
    tells: When = When.NEVER
    shows_text: bool = False
    tells_officer: bool = False
    article: str = ""
