"""A step with a case that an officer has begun: what is given so far, and which question comes next. No words, no
Telegram."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from pydantic import BaseModel, Field, TypeAdapter

from api.cases.schemas import (
    MAX_ANSWER_CHARACTERS,
    MAX_ATTACHMENTS,
    MAX_PUBLISHED_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    AttachmentKind,
    AttachmentOut,
    CaseAction,
    Outcome,
    Procedure,
    StaffAction,
    StaffCaseOut,
)

_ACTION: TypeAdapter[StaffAction] = TypeAdapter(StaffAction)


class Step(StrEnum):
    """The dialog's name at each question."""

    DEPARTMENT = "staff_case.department"
    OFFICER = "staff_case.officer"
    PROCEDURE = "staff_case.procedure"
    OUTCOME = "staff_case.outcome"
    DAYS = "staff_case.days"
    TEXT = "staff_case.text"
    APPROVER = "staff_case.approver"
    CONFIRM = "staff_case.confirm"


AT_ONCE = (CaseAction.CLAIM, CaseAction.REGISTER, CaseAction.START, CaseAction.UNSUPERVISE, CaseAction.UNPUBLISH)
"""Steps that need nothing and can be taken back, or do no harm: one tap."""
ANSWERS = (CaseAction.ANSWER, CaseAction.REVIEW_ANSWER, CaseAction.SECOND_REVIEW_ANSWER)
"""They may be long, in several messages, and with files."""
INTERNAL = (CaseAction.ASSIGN, CaseAction.OBJECT, CaseAction.SUPERVISE)
"""What is written with them is for the office alone."""
ROADS: Mapping[CaseAction, tuple[Step, ...]] = {
    CaseAction.ACCEPT: (Step.CONFIRM,),
    CaseAction.CLOSE: (Step.CONFIRM,),
    CaseAction.SUPERVISE: (Step.CONFIRM,),
    CaseAction.UNMERGE: (Step.CONFIRM,),
    CaseAction.MERGE: (Step.TEXT, Step.CONFIRM),
    CaseAction.PUBLISH: (Step.TEXT, Step.CONFIRM),
    CaseAction.REFUSE: (Step.TEXT, Step.CONFIRM),
    CaseAction.OBJECT: (Step.TEXT, Step.CONFIRM),
    CaseAction.ASK: (Step.TEXT, Step.CONFIRM),
    CaseAction.DIVERT: (Step.PROCEDURE, Step.TEXT, Step.CONFIRM),
    CaseAction.ASSIGN: (Step.DEPARTMENT, Step.OFFICER, Step.CONFIRM),
    CaseAction.TRANSFER: (Step.DEPARTMENT, Step.CONFIRM),
    CaseAction.EXTEND: (Step.DAYS, Step.TEXT, Step.APPROVER, Step.CONFIRM),
    **dict.fromkeys(ANSWERS, (Step.OUTCOME, Step.TEXT, Step.CONFIRM)),
}
"""The questions of each other step, in order."""
LONGEST_NAME = 40


FOLLOWED = frozenset(
    (
        CaseAction.ACCEPT,
        CaseAction.REFUSE,
        CaseAction.DIVERT,
        CaseAction.TRANSFER,
        CaseAction.EXTEND,
        CaseAction.ANSWER,
        CaseAction.CLOSE,
    )
)
"""Of these the families of a case's members are told as well."""


class DraftFile(BaseModel):
    id: int
    kind: AttachmentKind


class Draft(BaseModel):
    """``version``: of the case as the officer saw it."""

    number: str
    version: int
    action: CaseAction
    supervises: bool = Field(False, description="Whether the officer acts as a supervisor, who needs no approval.")
    department_id: int | None = None
    department: str = ""
    officer_id: int | None = None
    officer: str = ""
    procedure: Procedure | None = None
    outcome: Outcome | None = None
    days: int = 0
    approved_by: str = ""
    text: str = ""
    files: list[DraftFile] = Field(default_factory=list)
    followers: int = Field(0, description="Cases that follow this one.")
    unreached: int = Field(0, description="Of these: how many families read nothing here any more.")
    is_unreached: bool = Field(False, description="Whether its own family reads nothing here any more.")
    taken: int = Field(0, description="Id of the newest message taken in: Telegram may bring one twice.")
    cut_at: int = Field(0, description="When that one came (Unix), where it was a text that the app had probably cut.")
    refused: int = Field(0, description="Characters of a text that was too long, as far as it has come.")
    asked: int = Field(0, description="Id of the question's message.")

    @property
    def told(self) -> tuple[int, int]:
        """Of how many cases the family is told of the step, and of how many of these it reads nothing here any more."""
        if self.action in INTERNAL:
            return 0, 0
        own = int(self.is_unreached)
        return (1 + self.followers, own + self.unreached) if self.action in FOLLOWED else (1, own)

    @property
    def is_answer(self) -> bool:
        return self.action in ANSWERS

    @property
    def has_content(self) -> bool:
        """Whether something would be lost with it that took the officer effort."""
        return bool(self.text or self.files)

    @property
    def is_full(self) -> bool:
        return len(self.files) >= MAX_ATTACHMENTS

    @property
    def longest(self) -> int:
        short = {CaseAction.PUBLISH: MAX_PUBLISHED_CHARACTERS, CaseAction.MERGE: LONGEST_NAME}
        return MAX_ANSWER_CHARACTERS if self.is_answer else short.get(self.action, MAX_TEXT_CHARACTERS)

    def road(self) -> list[Step]:
        skipped = Step.APPROVER if self.supervises else None
        return [step for step in ROADS[self.action] if step is not skipped]

    def next(self) -> Step:
        """The first question that has no answer yet."""
        missing = {
            Step.DEPARTMENT: self.department_id is None,
            Step.OFFICER: False,
            Step.PROCEDURE: self.procedure is None,
            Step.OUTCOME: self.outcome is None,
            Step.DAYS: not self.days,
            Step.TEXT: not self.has_content,
            Step.APPROVER: not self.approved_by,
            Step.CONFIRM: True,
        }
        return next(step for step in self.road() if missing[step])

    def with_text(self, more: str) -> str:
        """The text with ``more`` on a line of its own; the rest of a text that the app cut goes on where it was cut."""
        if not self.text:
            return more
        if not self.cut_at:
            return f"{self.text}\n{more}"
        between = " " if self.text[-1].isascii() and more[:1].isascii() else ""
        return f"{self.text}{between}{more}"

    def look_at(self, case: StaffCaseOut) -> None:
        """Take over how the case stands."""
        unreached = {*case.unreached}
        followers = case.answered_with if self.action is CaseAction.ANSWER else case.following
        self.version, self.followers = case.version, len(followers)
        self.is_unreached, self.unreached = case.number in unreached, len(unreached.intersection(followers))

    def take_file(self, file: AttachmentOut) -> None:
        """Add a stored file; one that is there already is not added again."""
        if all(known.id != file.id for known in self.files):
            self.files.append(DraftFile(id=file.id, kind=file.kind))

    def as_step(self) -> StaffAction:
        """
        Raises:
            ValidationError: something is missing.
        """
        given = {
            "action": self.action,
            "department_id": self.department_id,
            "officer_id": self.officer_id,
            "procedure": self.procedure,
            "outcome": self.outcome,
            "days": self.days,
            "approved_by": self.approved_by,
            "text": self.text,
            "master": self.text,
            "attachment_ids": [file.id for file in self.files],
        }
        return _ACTION.validate_python(given)

    def seal(self) -> str:
        """Eight characters that differ when the step would: what is sent is what the preview showed."""
        return hashlib.sha256(self.as_step().model_dump_json().encode()).hexdigest()[:8]
