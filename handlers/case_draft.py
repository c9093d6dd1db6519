"""What a resident is about to tell the office about a complaint: the draft, and what is sent of it. No words, no
Telegram."""

import hashlib
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from api.cases.schemas import (
    Add,
    CaseAction,
    Rate,
    Reopen,
    Reply,
    RequestReview,
    RequestSecondReview,
    ResidentAction,
    Withdraw,
)
from handlers.collected import Collected


class Step(StrEnum):
    """The dialog's name on each step."""

    SAY = "case.say"  # words and files, until they are sent
    OFFER = "case.offer"  # words about a closed complaint: what shall become of them?
    RATE = "case.rate"
    SOLVED = "case.solved"
    WHY = "case.why"
    WITHDRAW = "case.withdraw"


COLLECTS = (Step.SAY, Step.OFFER)
_REQUESTS: dict[CaseAction, type[Reopen | RequestReview | RequestSecondReview]] = {
    CaseAction.REOPEN: Reopen,
    CaseAction.REQUEST_REVIEW: RequestReview,
    CaseAction.REQUEST_SECOND_REVIEW: RequestSecondReview,
}
"""They must be given a reason in words; files follow as something added."""
WRITTEN = (CaseAction.REPLY, CaseAction.ADD, *_REQUESTS)


_SENT = {"action", "text", "files", "stars", "solved"}
"""What of a draft is sent."""


class CaseDraft(Collected):
    number: str
    action: CaseAction
    question: str = Field("", description="What is answered, as it is shown.")
    answered_at: datetime | None = Field(None, description="When the answer was given that is rated, or not agreed to.")
    stars: int | None = None
    solved: bool | None = None
    words_sent: bool = Field(False, description="The office has its words; what is left are files.")
    of_review: bool = Field(False, description="What is taken back is the request for a review alone.")

    @property
    def has_content(self) -> bool:
        """Whether something would be lost with it that took the person effort."""
        return bool(self.text or self.files)

    @property
    def is_complete(self) -> bool:
        return bool(self.text) if self.action in _REQUESTS else self.has_content

    def seal(self) -> str:
        """Eight characters that differ when what is sent would."""
        return hashlib.sha256(self.model_dump_json(include=_SENT).encode()).hexdigest()[:8]

    def keep_files_alone(self) -> None:
        """Its words are with the office: what is left is added."""
        self.action, self.text, self.question, self.words_sent = CaseAction.ADD, "", "", True

    def steps(self) -> list[ResidentAction]:
        """What is sent, in order.

        Raises:
            ValueError: it is not complete, or is sent in another way.
        """
        files = [file.id for file in self.files]
        if not self.is_complete:
            raise ValueError("there is nothing to send")
        if self.action is CaseAction.REPLY:
            return [Reply(action=CaseAction.REPLY, text=self.text, attachment_ids=files)]
        more: list[ResidentAction] = [Add(action=CaseAction.ADD, attachment_ids=files)] if files else []
        match self.action:
            case CaseAction.ADD:
                return [Add(action=CaseAction.ADD, text=self.text, attachment_ids=files)]
            case CaseAction.REOPEN:
                return [Reopen(action=CaseAction.REOPEN, text=self.text, answered_at=self.answered_at), *more]
            case CaseAction.REQUEST_REVIEW:
                return [
                    RequestReview(action=CaseAction.REQUEST_REVIEW, text=self.text, answered_at=self.answered_at),
                    *more,
                ]
            case CaseAction.REQUEST_SECOND_REVIEW:
                return [RequestSecondReview(action=CaseAction.REQUEST_SECOND_REVIEW, text=self.text), *more]
        raise ValueError(f"{self.action} is not written")

    def rating(self) -> Rate:
        if self.stars is None:
            raise ValueError("there is no rating")
        return Rate(
            action=CaseAction.RATE,
            rating=self.stars,
            solved=self.solved,
            text=self.text,
            answered_at=self.answered_at,
        )


WITHDRAWN = Withdraw(action=CaseAction.WITHDRAW)
