"""What residents and the office do with a case: one model for each action."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from api.cases.schemas.filing import Answer, Cleaned, Files, Note, RowId, Text
from api.cases.schemas.words import CaseAction, Outcome, Procedure

MAX_PUBLISHED_CHARACTERS = 300

# --- what a resident does ---


class _SomethingSaid(BaseModel):
    """Words, or files, or both."""

    text: Note = ""
    attachment_ids: Files = Field(default_factory=list)

    @model_validator(mode="after")
    def _not_nothing(self) -> Self:
        if not self.text and not self.attachment_ids:
            raise PydanticCustomError("nothing_said", "Text or files are needed")
        return self


class Add(_SomethingSaid):
    """More words or photos to an open case."""

    action: Literal[CaseAction.ADD]


class Reply(_SomethingSaid):
    """An answer to what the officer asked."""

    action: Literal[CaseAction.REPLY]


class _AboutAnswer(BaseModel):
    answered_at: AwareDatetime | None = Field(
        None, description="When the answer was given that this is about; without it, whichever there is."
    )


class Rate(_AboutAnswer):
    """What the resident thinks of the answer; the newest counts."""

    action: Literal[CaseAction.RATE]
    rating: int = Field(ge=1, le=5, strict=True, description="5 is best.")
    solved: bool | None = Field(None, strict=True, description="Whether the matter is solved, in the resident's eyes.")
    text: Note = ""


class Reopen(_AboutAnswer):
    """It is not settled: the office works on it again."""

    action: Literal[CaseAction.REOPEN]
    text: Text


class RequestReview(_AboutAnswer):
    action: Literal[CaseAction.REQUEST_REVIEW]
    text: Text


class RequestSecondReview(_AboutAnswer):
    action: Literal[CaseAction.REQUEST_SECOND_REVIEW]
    text: Text


class Withdraw(BaseModel):
    action: Literal[CaseAction.WITHDRAW]
    text: Note = ""


class Join(BaseModel):
    """Be answered together with other families of the building."""

    action: Literal[CaseAction.JOIN]
    collective_id: RowId = Field(description="Of a `CollectiveOffer`.")


class SplitOff(BaseModel):
    """No longer together with others: the case is worked on by itself again."""

    action: Literal[CaseAction.SPLIT_OFF]


class Unpublish(BaseModel):
    """Families of the building are offered it no longer; the family whose case it is may want that too."""

    action: Literal[CaseAction.UNPUBLISH]


ResidentAction = Annotated[
    Add | Reply | Rate | Reopen | RequestReview | RequestSecondReview | Withdraw | Join | SplitOff | Unpublish,
    Field(discriminator="action"),
]


# --- what the office does ---


class Register(BaseModel):
    action: Literal[CaseAction.REGISTER]


class Accept(BaseModel):
    action: Literal[CaseAction.ACCEPT]
    text: Note = ""


class Refuse(BaseModel):
    action: Literal[CaseAction.REFUSE]
    text: Text = Field(description="Why, and where the resident can go with it.")


class Divert(BaseModel):
    action: Literal[CaseAction.DIVERT]
    procedure: Procedure
    text: Text = Field(description="Which body, and how to get there.")


class Assign(BaseModel):
    """To a department, and there to an officer. Neither given: where the routing rules send it."""

    action: Literal[CaseAction.ASSIGN]
    department_id: RowId | None = None
    officer_id: RowId | None = Field(
        None, description="An account of staff; none: whoever of the department claims it."
    )
    text: Note = Field("", description="A note for the office.")


class ClaimCase(BaseModel):
    """The officer takes the case that nobody has."""

    action: Literal[CaseAction.CLAIM]


class Transfer(BaseModel):
    """To another body, which is told to answer."""

    action: Literal[CaseAction.TRANSFER]
    department_id: RowId
    text: Note = Field("", description="Why; the resident reads it.")


class Object(BaseModel):
    """It is not for this department: back to who registers."""

    action: Literal[CaseAction.OBJECT]
    text: Text


class Start(BaseModel):
    action: Literal[CaseAction.START]


class Ask(BaseModel):
    action: Literal[CaseAction.ASK]
    text: Text


class Extend(BaseModel):
    """Once. Article 34 wants the approval of the head of the body: a supervisor's own, or the name of who gave it."""

    action: Literal[CaseAction.EXTEND]
    days: int = Field(ge=1, le=30, strict=True)
    text: Text = Field(description="The reason, which the resident is told.")
    approved_by: Annotated[Cleaned, Field(max_length=40)] = ""


class _Opinion(_SomethingSaid):
    """An outcome with a written opinion."""

    outcome: Outcome
    text: Answer = ""


class GiveAnswer(_Opinion):
    action: Literal[CaseAction.ANSWER]


class AnswerReview(_Opinion):
    action: Literal[CaseAction.REVIEW_ANSWER]


class AnswerSecondReview(_Opinion):
    action: Literal[CaseAction.SECOND_REVIEW_ANSWER]


class Close(BaseModel):
    action: Literal[CaseAction.CLOSE]
    text: Note = ""


class Merge(BaseModel):
    """The case, and what is merged with it, is answered with another one from now on."""

    action: Literal[CaseAction.MERGE]
    master: Annotated[Cleaned, Field(min_length=1, max_length=40)] = Field(description="Number of the other case.")


class Unmerge(BaseModel):
    action: Literal[CaseAction.UNMERGE]


class Publish(BaseModel):
    """Offer the case to families of the same building who are about to complain of the same. The family whose case it
    is reads the words too."""

    action: Literal[CaseAction.PUBLISH]
    text: Annotated[Cleaned, Field(min_length=1, max_length=MAX_PUBLISHED_CHARACTERS)] = Field(
        description="What it is about, as every family of the building may read it: nobody's name, no home."
    )


class Supervise(BaseModel):
    action: Literal[CaseAction.SUPERVISE]
    text: Note = Field("", description="For the office.")


class Unsupervise(BaseModel):
    action: Literal[CaseAction.UNSUPERVISE]


StaffAction = Annotated[
    Register
    | Accept
    | Refuse
    | Divert
    | Assign
    | ClaimCase
    | Transfer
    | Object
    | Start
    | Ask
    | Extend
    | GiveAnswer
    | AnswerReview
    | AnswerSecondReview
    | Close
    | Merge
    | Unmerge
    | Publish
    | Unpublish
    | Supervise
    | Unsupervise,
    Field(discriminator="action"),
]
AnyAction = Annotated[ResidentAction | StaffAction, Field(discriminator="action")]


class StaffActionIn(BaseModel):
    """``version`` is that of the case as the officer saw it: who comes second is told so."""

    step: StaffAction
    version: int = Field(ge=1, lt=2**31, strict=True)
