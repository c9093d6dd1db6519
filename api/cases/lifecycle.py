"""The lifecycle of a case: one table of what leads from which state to which, and what follows from it. Pure;
``api.cases.transitions`` reads it, ``api.cases.lifecycle_rows`` says what a row means.

``docs/cases.md`` is made from this table (``python -m api.cases.diagram``). Articles are of the Regulations on Petition
Work (信访工作条例).
"""

from collections.abc import Mapping
from types import MappingProxyType

from api.cases.lifecycle_rows import Transition, When
from api.cases.schemas import CaseAction, CaseActor, CaseEventKind, CaseState, ClockKind

A, E, S, C = CaseAction, CaseEventKind, CaseState, ClockKind
RESIDENT = (CaseActor.RESIDENT,)
OFFICE = (CaseActor.OFFICER, CaseActor.SUPERVISOR)
SUPERVISOR = (CaseActor.SUPERVISOR,)
SYSTEM = (CaseActor.SYSTEM,)

BEFORE_ACCEPTANCE = (S.REGISTERED, S.TRANSFERRED, S.ASSIGNED)
BEING_WORKED_ON = (S.ACCEPTED, S.IN_PROGRESS, S.EXTENDED)
REVIEWED: Mapping[CaseState, tuple[CaseEventKind, ...]] = MappingProxyType(
    {S.REVIEW: (E.ANSWERED,), S.SECOND_REVIEW: (E.ANSWERED, E.REVIEW_ANSWERED)}
)
"""What is reviewed in which state. Articles 35 and 36 have it looked at by a body above: never by who gave it."""
BEFORE_ANSWER = (S.RECEIVED, *BEFORE_ACCEPTANCE, *BEING_WORKED_ON)
OPEN = (*BEFORE_ANSWER, *REVIEWED)
"""The office owes something: a clock of the Regulations runs."""
ALL_CLOCKS = tuple(ClockKind)

DUTY: Mapping[CaseState, ClockKind] = MappingProxyType(
    {
        **dict.fromkeys((S.RECEIVED, *BEFORE_ACCEPTANCE), C.ACCEPTANCE_NOTICE),
        **dict.fromkeys(BEING_WORKED_ON, C.ANSWER),
        S.REVIEW: C.REVIEW_OPINION,
        S.SECOND_REVIEW: C.SECOND_REVIEW_OPINION,
    }
)
"""The clock of the Regulations that runs in each open state; its last day is when the case is due."""

TABLE: tuple[Transition, ...] = (
    Transition(
        A.RECEIVE,
        E.RECEIVED,
        sources=(),
        target=S.RECEIVED,
        by=RESIDENT + SYSTEM,
        starts=(C.ACCEPTANCE_NOTICE,),
        shows_text=True,
        article="22",
    ),
    Transition(A.REGISTER, E.REGISTERED, (S.RECEIVED,), S.REGISTERED, by=OFFICE + SYSTEM, article="22"),
    Transition(
        A.ACCEPT,
        E.ACCEPTED,
        BEFORE_ACCEPTANCE,
        S.ACCEPTED,
        # The system: where a case follows its collective case.
        by=OFFICE + SYSTEM,
        stops=(C.ACCEPTANCE_NOTICE, C.JURISDICTION_OBJECTION),
        starts=(C.ANSWER,),
        tells=When.ALWAYS,
        shows_text=True,
        article="22, 23",
    ),
    Transition(
        A.REFUSE,
        E.REFUSED,
        BEFORE_ACCEPTANCE,
        S.NOT_ACCEPTED,
        by=OFFICE,
        needs=("text",),
        stops=ALL_CLOCKS,
        tells=When.ALWAYS,
        shows_text=True,
        article="22, 23",
    ),
    Transition(
        A.DIVERT,
        E.DIVERTED,
        BEFORE_ACCEPTANCE + BEING_WORKED_ON,
        S.DIVERTED,
        by=OFFICE,
        needs=("procedure", "text"),
        stops=ALL_CLOCKS,
        tells=When.ALWAYS,
        shows_text=True,
        article="31",
    ),
    Transition(
        A.ASSIGN,
        E.ASSIGNED,
        BEFORE_ACCEPTANCE,
        S.ASSIGNED,
        by=OFFICE + SYSTEM,
        needs=("department_id",),
        starts_if_moved=(C.JURISDICTION_OBJECTION,),
        tells=When.MOVED,
        article="22",
    ),
    Transition(
        A.ASSIGN,
        E.ASSIGNED,
        (*BEING_WORKED_ON, *REVIEWED),
        None,
        by=OFFICE + SYSTEM,
        needs=("department_id",),
        tells=When.MOVED,
    ),
    # To where the collective case is by now, before its next answer comes.
    Transition(
        A.ASSIGN,
        E.ASSIGNED,
        (S.ANSWERED, S.CLOSED),
        None,
        by=SYSTEM,
        following=True,
        needs=("department_id",),
    ),
    Transition(A.CLAIM, E.CLAIMED, BEFORE_ANSWER, None, by=OFFICE, taken=False),
    Transition(A.CLAIM, E.CLAIMED, (*REVIEWED,), None, by=OFFICE, by_others=True, taken=False),
    Transition(
        A.TRANSFER,
        E.TRANSFERRED,
        (S.REGISTERED,),
        S.TRANSFERRED,
        by=OFFICE,
        needs=("department_id",),
        # The resident is told in time; the body that is given the case has 15 days of its own. That is so once: however
        # often bodies send it back and forth, the family waits no longer for that, and what is overdue stays so.
        starts=(C.JURISDICTION_OBJECTION,),
        starts_once=(C.ACCEPTANCE_NOTICE,),
        tells=When.ALWAYS,
        shows_text=True,
        article="22, 23",
    ),
    Transition(
        A.TRANSFER,
        E.TRANSFERRED,
        (S.TRANSFERRED, S.ASSIGNED),
        S.TRANSFERRED,
        by=OFFICE,
        needs=("department_id",),
        # Passed on once more, the resident waits no longer for that.
        starts=(C.JURISDICTION_OBJECTION,),
        tells=When.ALWAYS,
        shows_text=True,
        article="23",
    ),
    Transition(
        A.TRANSFER,
        E.TRANSFERRED,
        BEING_WORKED_ON,
        None,
        by=OFFICE,
        needs=("department_id",),
        tells=When.ALWAYS,
        shows_text=True,
    ),
    Transition(
        A.OBJECT,
        E.OBJECTED,
        (S.TRANSFERRED, S.ASSIGNED),
        S.REGISTERED,
        by=OFFICE,
        needs=("text",),
        within=C.JURISDICTION_OBJECTION,
        stops=(C.JURISDICTION_OBJECTION,),
        article="23",
    ),
    Transition(A.START, E.STARTED, (S.ACCEPTED,), S.IN_PROGRESS, by=OFFICE + SYSTEM, article="32"),
    Transition(
        A.ASK,
        E.ASKED,
        OPEN,
        None,
        by=OFFICE,
        needs=("text",),
        starts=(C.RESIDENT_ANSWER,),
        tells=When.ALWAYS,
        shows_text=True,
    ),
    Transition(
        A.REPLY,
        E.REPLIED,
        OPEN,
        None,
        by=RESIDENT,
        needs=("text or files",),
        while_running=C.RESIDENT_ANSWER,
        stops=(C.RESIDENT_ANSWER,),
        shows_text=True,
        tells_officer=True,
    ),
    Transition(A.ADD, E.ADDED, OPEN, None, by=RESIDENT, needs=("text or files",), shows_text=True, tells_officer=True),
    Transition(
        A.EXTEND,
        E.EXTENDED,
        (S.ACCEPTED, S.IN_PROGRESS),
        S.EXTENDED,
        by=OFFICE,
        needs=("days", "text"),
        within=C.ANSWER,
        tells=When.ALWAYS,
        shows_text=True,
        article="34",
    ),
    Transition(
        A.ANSWER,
        E.ANSWERED,
        BEING_WORKED_ON,
        S.ANSWERED,
        by=OFFICE,
        needs=("outcome", "text or files"),
        stops=(C.ANSWER, C.RESIDENT_ANSWER),
        starts=(C.REVIEW_REQUEST, C.REOPEN),
        tells=When.ALWAYS,
        shows_text=True,
        article="32, 34",
        leaves=True,
    ),
    # The collective case was worked on again: its new answer takes the place of the one before.
    Transition(
        A.ANSWER,
        E.ANSWERED,
        (S.ANSWERED, S.CLOSED),
        S.ANSWERED,
        by=OFFICE,
        following=True,
        needs=("outcome", "text or files"),
        starts=(C.REVIEW_REQUEST, C.REOPEN),
        tells=When.ALWAYS,
        shows_text=True,
        article="32, 34",
    ),
    Transition(
        A.CLOSE,
        E.CLOSED,
        (S.ANSWERED,),
        S.CLOSED,
        by=OFFICE + SYSTEM,
        renews=(C.REOPEN,),
        tells=When.ALWAYS,
        shows_text=True,
    ),
    Transition(
        A.REOPEN,
        E.REOPENED,
        (S.ANSWERED, S.CLOSED),
        S.IN_PROGRESS,
        by=RESIDENT,
        needs=("text",),
        within=C.REOPEN,
        stops=(C.REOPEN, C.REVIEW_REQUEST),
        starts=(C.ANSWER,),
        shows_text=True,
        tells_officer=True,
        leaves=True,
    ),
    Transition(
        A.REQUEST_REVIEW,
        E.REVIEW_REQUESTED,
        (S.ANSWERED, S.CLOSED),
        S.REVIEW,
        by=RESIDENT,
        needs=("text",),
        within=C.REVIEW_REQUEST,
        stops=(C.REVIEW_REQUEST, C.REOPEN),
        starts=(C.REVIEW_OPINION,),
        shows_text=True,
        tells_officer=True,
        article="35",
        leaves=True,
    ),
    Transition(
        A.REVIEW_ANSWER,
        E.REVIEW_ANSWERED,
        (S.REVIEW,),
        S.ANSWERED,
        by=OFFICE,
        by_others=True,
        needs=("outcome", "text or files"),
        stops=(C.REVIEW_OPINION, C.RESIDENT_ANSWER),
        starts=(C.SECOND_REVIEW_REQUEST,),
        tells=When.ALWAYS,
        shows_text=True,
        article="35",
    ),
    Transition(
        A.REQUEST_SECOND_REVIEW,
        E.SECOND_REVIEW_REQUESTED,
        (S.ANSWERED, S.CLOSED),
        S.SECOND_REVIEW,
        by=RESIDENT,
        needs=("text",),
        within=C.SECOND_REVIEW_REQUEST,
        stops=(C.SECOND_REVIEW_REQUEST,),
        starts=(C.SECOND_REVIEW_OPINION,),
        shows_text=True,
        tells_officer=True,
        article="36",
    ),
    Transition(
        A.SECOND_REVIEW_ANSWER,
        E.SECOND_REVIEW_ANSWERED,
        (S.SECOND_REVIEW,),
        S.FINAL,
        by=OFFICE,
        by_others=True,
        needs=("outcome", "text or files"),
        stops=ALL_CLOCKS,
        tells=When.ALWAYS,
        shows_text=True,
        article="36",
    ),
    Transition(
        A.WITHDRAW,
        E.WITHDRAWN,
        BEFORE_ANSWER,
        S.WITHDRAWN,
        by=RESIDENT,
        stops=ALL_CLOCKS,
        shows_text=True,
        tells_officer=True,
    ),
    # The request for a review is withdrawn; the answer stands.
    Transition(
        A.WITHDRAW,
        E.WITHDRAWN,
        (*REVIEWED,),
        S.CLOSED,
        by=RESIDENT,
        stops=ALL_CLOCKS,
        shows_text=True,
        tells_officer=True,
    ),
    Transition(
        A.SUPERVISE,
        E.SUPERVISED,
        (*OPEN, S.ANSWERED),
        None,
        by=SUPERVISOR,
        supervised=False,
        tells=When.ALWAYS,
        tells_officer=True,
        article="39",
    ),
    Transition(A.UNSUPERVISE, E.UNSUPERVISED, (*OPEN, S.ANSWERED, S.CLOSED), None, by=SUPERVISOR, supervised=True),
    Transition(A.RATE, E.RATED, (S.ANSWERED, S.CLOSED, S.FINAL), None, by=RESIDENT, needs=("rating",), shows_text=True),
    # Collective matters: a member keeps its number and its clocks, and is answered with the master. Whose family has it
    # taken up again, or reviewed, or who is answered by itself, is a member no longer.
    Transition(A.JOIN, E.JOINED, BEFORE_ANSWER, None, by=RESIDENT, needs=("collective_id",), member=False),
    Transition(
        A.SPLIT_OFF, E.SPLIT_OFF, BEFORE_ANSWER, None, by=RESIDENT, member=True, leaves=True, tells_officer=True
    ),
    Transition(A.MERGE, E.MERGED, BEFORE_ANSWER, None, by=OFFICE, needs=("master",), member=False, tells=When.ALWAYS),
    Transition(
        A.UNMERGE, E.UNMERGED, BEFORE_ANSWER, None, by=OFFICE + SYSTEM, member=True, leaves=True, tells=When.ALWAYS
    ),
    Transition(
        A.PUBLISH,
        E.PUBLISHED,
        BEFORE_ANSWER,
        None,
        by=OFFICE,
        needs=("text",),
        member=False,
        tells=When.ALWAYS,
        shows_text=True,
    ),
    # The family too may want that: the words are about its home.
    Transition(
        A.UNPUBLISH,
        E.UNPUBLISHED,
        tuple(S),
        None,
        by=RESIDENT + OFFICE + SYSTEM,
        published=True,
        tells=When.ALWAYS,
        tells_officer=True,
    ),
)
del A, E, S, C
