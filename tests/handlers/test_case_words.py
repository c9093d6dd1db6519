"""What is said of complaints refuses nothing, and promises nothing, that the facts do not."""

from datetime import UTC, datetime

import pytest

from api.cases.schemas import CaseAction, CaseActor, CaseCategory, CaseEventKind, CaseEventOut, CaseState, Outcome
from api.messages.schemas import CaseOnDesk, DeskNews
from handlers.case_draft import CaseDraft
from handlers.case_history import Happened, step_line
from locales import translator
from tests.handlers.test_notices import letter, updated

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


def line(kind: CaseEventKind, language: str = "zh_CN", **facts: object) -> str:
    event = CaseEventOut.model_validate({"kind": kind, "happened_at": NOW, "by": CaseActor.OFFICER, **facts})
    return step_line(Happened(0, event), translator(language))


def test_an_explanation_is_no_refusal() -> None:
    said = line(CaseEventKind.ANSWERED, outcome=Outcome.EXPLAINED)
    assert "解释说明" in said
    assert not [word for word in ("不", "没办法", "无法") if word in said]
    said = line(CaseEventKind.ANSWERED, "en", outcome=Outcome.EXPLAINED)
    assert "explained" in said
    assert "not" not in said


def test_an_extension_says_what_is_true_after_reopening_too() -> None:
    """After it was taken up again there is another answer, which may be put off as well."""
    told = letter(updated(CaseEventKind.EXTENDED)).text
    assert "每次答复只能延长一次" in told
    assert "只能延长这一次" not in told


def test_a_step_bears_the_office_that_had_the_complaint_then() -> None:
    assert "住建局" in line(CaseEventKind.STARTED, handled_by="住建局")
    # After an objection it is with none; who it was with before does nothing.
    assert "住建局" not in line(CaseEventKind.STARTED, handled_by=None)


@pytest.mark.parametrize("changed", [{"stars": 3}, {"solved": True}, {"text": "太慢"}])
def test_another_rating_has_another_seal(changed: dict[str, object]) -> None:
    draft = CaseDraft(number="2026-000123", action=CaseAction.RATE, stars=2, solved=False)
    assert draft.model_copy(update=changed).seal() != draft.seal()
    assert draft.model_copy().seal() == draft.seal()


def test_whoever_has_taken_a_case_does_not_read_of_questions_of_theirs() -> None:
    """Somebody else may have asked."""
    for news in (DeskNews.REPLIED, DeskNews.NO_REPLY):
        notice = CaseOnDesk(number="2026-000123", category=CaseCategory.QUALITY, news=news, state=CaseState.IN_PROGRESS)
        assert "您" not in letter(notice).text
        assert "your" not in letter(notice, "en").text
