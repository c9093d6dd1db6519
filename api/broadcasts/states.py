"""The steps of a broadcast: one table of what leads from which state to which, and who may take them. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from api.broadcasts.schemas import BroadcastAction, BroadcastState
from api.errors import NotAllowed, NotAllowedNow, OwnBroadcast
from api.staff.schemas import StaffRole


class Part(StrEnum):
    """As whom somebody takes a step."""

    PUBLISHER = "publisher"
    APPROVER = "approver"
    ADMIN = "admin"
    OPERATOR = "operator"  # the command line
    SYSTEM = "system"


@dataclass(frozen=True)
class Transition:
    """A row of the table.

    Attributes:
        needs_approval: only where a second person must approve (True) or need not (False).
        not_own: not for who wrote, changed or submitted it.
        needs_text: a reason must come with it.
        checked: only as long as nothing is wrong with it (``api.broadcasts.problems``).
    """

    action: BroadcastAction
    sources: tuple[BroadcastState, ...]
    target: BroadcastState
    by: tuple[Part, ...]
    needs_approval: bool | None = None
    not_own: bool = False
    needs_text: bool = False
    checked: bool = False


A, S, P = BroadcastAction, BroadcastState, Part
WRITES = (P.PUBLISHER, P.OPERATOR)
HALTS = (P.PUBLISHER, P.APPROVER, P.ADMIN, P.OPERATOR)
EDITABLE = (S.DRAFT, S.SUBMITTED, S.APPROVED)
OVER = (S.SENT, S.CANCELLED)
STARTED = (S.SENDING, S.PAUSED, S.SENT)

TABLE: tuple[Transition, ...] = (
    Transition(A.EDIT, EDITABLE, S.DRAFT, by=WRITES),
    Transition(A.SUBMIT, (S.DRAFT,), S.SUBMITTED, by=WRITES, needs_approval=True, checked=True),
    Transition(A.SUBMIT, (S.DRAFT,), S.APPROVED, by=WRITES, needs_approval=False, checked=True),
    # It would reach more when it starts than when it was submitted.
    Transition(A.SUBMIT, (S.APPROVED,), S.SUBMITTED, by=(P.SYSTEM,)),
    # By what is true then: its time may have passed since it was submitted.
    Transition(A.APPROVE, (S.SUBMITTED,), S.APPROVED, by=(P.APPROVER,), not_own=True, checked=True),
    Transition(A.REJECT, (S.SUBMITTED,), S.DRAFT, by=(P.APPROVER,), needs_text=True),
    Transition(A.START, (S.APPROVED,), S.SENDING, by=(P.SYSTEM,)),
    Transition(A.PAUSE, (S.SENDING,), S.PAUSED, by=HALTS),
    Transition(A.RESUME, (S.PAUSED,), S.SENDING, by=HALTS),
    Transition(A.CANCEL, (*EDITABLE, S.SENDING, S.PAUSED), S.CANCELLED, by=(*HALTS, P.SYSTEM)),
    Transition(A.FINISH, (S.SENDING, S.PAUSED), S.SENT, by=(P.SYSTEM,)),
)
del A, S, P

_PARTS = {
    StaffRole.PUBLISHER: Part.PUBLISHER,
    StaffRole.APPROVER: Part.APPROVER,
    StaffRole.ADMIN: Part.ADMIN,
}


def parts_of(roles: Collection[StaffRole]) -> frozenset[Part]:
    return frozenset(part for role, part in _PARTS.items() if role in roles)


def allowed(state: BroadcastState, parts: Collection[Part], *, own: bool) -> tuple[BroadcastAction, ...]:
    """What somebody can do with a broadcast in that state, in the order of the table.

    Args:
        own: whether they wrote, changed or submitted it.
    """
    rows = (row for row in TABLE if state in row.sources and {*parts} & {*row.by} and not (own and row.not_own))
    return tuple(dict.fromkeys(row.action for row in rows))


def find(
    state: BroadcastState,
    action: BroadcastAction,
    parts: Collection[Part],
    *,
    own: bool,
    needs_approval: bool = True,
) -> Transition:
    """The row of a step.

    Raises:
        NotAllowed: not for this account, in whatever state.
        NotAllowedNow: not in this state; ``details.allowed`` tells what is, for this account.
        OwnBroadcast: not for who wrote or submitted it.
    """
    rows = [row for row in TABLE if row.action is action and row.needs_approval in (None, needs_approval)]
    if not any({*parts} & {*row.by} for row in rows):
        raise NotAllowed
    for row in rows:
        if state in row.sources and {*parts} & {*row.by}:
            if own and row.not_own:
                raise OwnBroadcast
            return row
    raise NotAllowedNow(allowed=[*allowed(state, parts, own=own)], state=state)
