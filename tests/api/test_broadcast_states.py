"""The table of a broadcast's steps."""

from itertools import product

import pytest

from api.broadcasts.schemas import BroadcastAction, BroadcastState
from api.broadcasts.states import EDITABLE, OVER, TABLE, Part, allowed, find, parts_of
from api.errors import NotAllowed, NotAllowedNow, OwnBroadcast
from api.staff.schemas import StaffRole

S, A = BroadcastState, BroadcastAction


def test_every_action_and_state_has_its_rows() -> None:
    assert {row.action for row in TABLE} == set(BroadcastAction)
    assert {row.target for row in TABLE} | {S.DRAFT} == set(BroadcastState)
    for row in TABLE:
        assert row.sources
        assert row.by
        assert not {*row.sources} & {*OVER}


def test_all_that_is_not_over_can_be_cancelled_by_whoever_handles_it() -> None:
    for state, part in product(set(BroadcastState) - {*OVER}, (Part.PUBLISHER, Part.APPROVER, Part.ADMIN)):
        assert A.CANCEL in allowed(state, {part}, own=False)
    for state, part in product(OVER, Part):
        assert allowed(state, {part}, own=False) == ()


def test_a_second_person_approves() -> None:
    both = parts_of({StaffRole.PUBLISHER, StaffRole.APPROVER})
    assert A.APPROVE in allowed(S.SUBMITTED, both, own=False)
    assert A.APPROVE not in allowed(S.SUBMITTED, both, own=True)
    with pytest.raises(OwnBroadcast):
        find(S.SUBMITTED, A.APPROVE, both, own=True)
    for part in set(Part) - {Part.APPROVER}:
        with pytest.raises(NotAllowed):
            find(S.SUBMITTED, A.APPROVE, {part}, own=False)
    with pytest.raises(NotAllowedNow) as twice:
        find(S.APPROVED, A.APPROVE, {Part.APPROVER}, own=False)
    assert twice.value.details == {"allowed": [A.CANCEL], "state": S.APPROVED}


def test_what_is_sent_was_approved_unless_it_needs_none() -> None:
    """Backwards from "sending": nothing leads there but what was approved, and there but a submission that needs none
    and a second person."""
    assert {(row.action, row.sources) for row in TABLE if row.target is S.SENDING} == {
        (A.START, (S.APPROVED,)),
        (A.RESUME, (S.PAUSED,)),
    }
    assert {(row.action, row.needs_approval) for row in TABLE if row.target is S.APPROVED} == {
        (A.SUBMIT, False),
        (A.APPROVE, None),
    }
    for state in EDITABLE:
        assert find(state, A.EDIT, {Part.PUBLISHER}, own=True).target is S.DRAFT
    for state in set(BroadcastState) - {*EDITABLE}:
        with pytest.raises(NotAllowedNow):
            find(state, A.EDIT, {Part.PUBLISHER}, own=True)


def test_roles_without_a_part_do_nothing() -> None:
    assert parts_of({StaffRole.VIEWER, StaffRole.CLERK, StaffRole.CASE_OFFICER}) == frozenset()
    for state, own in product(BroadcastState, (True, False)):
        assert allowed(state, frozenset(), own=own) == ()
    for action in BroadcastAction:
        with pytest.raises(NotAllowed):
            find(S.DRAFT, action, frozenset(), own=False)


def test_only_the_system_starts_and_finishes() -> None:
    for state, part in product(BroadcastState, set(Part) - {Part.SYSTEM}):
        assert not {A.START, A.FINISH} & {*allowed(state, {part}, own=False)}
