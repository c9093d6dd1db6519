"""Notices in words: every kind, in every language, and safely."""

from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from pydantic import BaseModel

import locales
from api.agreements.schemas import AgreementKind, AgreementRef
from api.broadcasts.schemas import BroadcastAction, NewsKind, Operation
from api.cases.schemas import (
    AttachmentOut,
    CaseCategory,
    CaseEventKind,
    CaseState,
    ClockKind,
    ClockOut,
    Outcome,
    Procedure,
)
from api.identity.schemas import LinkMethod, LinkRole, LinkScope, LinkSuspension
from api.messages.schemas import (
    AccessDeclined,
    AccessGranted,
    BroadcastOnDesk,
    CaseOnDesk,
    CaseUpdated,
    Claimed,
    DeskNews,
    DraftsWait,
    EndedBy,
    LinkEnded,
    LinkSuspended,
    NewLink,
    NoticeKind,
    WaitingDraft,
)
from bot.callbacks import decode
from bot.courier import CannotCompose
from bot.ui import Letter
from handlers.notices import ShutOut, compose
from locales import translator

REF = AgreementRef(id=7, number="AZ-2019-00012", kind=AgreementKind.RELOCATION, holder="张*", home="A3-一期-2-1-1801")
FORMER = AgreementRef(id=7, number="AZ-2019-00012", kind=AgreementKind.PURCHASE, holder="")
MOMENT = datetime(2026, 11, 20, 6, 5, tzinfo=UTC)


def new_link(*, can_end: bool = True, role: LinkRole = LinkRole.RELATIVE) -> NewLink:
    return NewLink(
        agreement=REF,
        link_id=2**62,
        role=role,
        method=LinkMethod.CODE,
        scope=LinkScope.PROGRESS,
        linked_at=MOMENT,
        can_end=can_end,
    )


def updated(news: CaseEventKind, **facts: Any) -> CaseUpdated:
    """With every clock, and more words than a message holds."""
    photo = {"id": 1, "kind": "photo", "filename": "漏水.png", "media_type": "image/png", "size": 5}
    return CaseUpdated(
        agreement_id=7,
        number="2026-000123",
        category=CaseCategory.QUALITY,
        news=news,
        state=CaseState.IN_PROGRESS,
        text="<b>" * 6000,
        attachments=[AttachmentOut.model_validate(photo)],
        department="住建局",
        days=20,
        clocks=[ClockOut(kind=kind, last_day=date(2027, 1, 31), article="34") for kind in ClockKind],
        **facts,
    )


NOTICES: list[BaseModel] = [
    *(new_link(can_end=can_end, role=role) for can_end, role in product((True, False), LinkRole)),
    *(LinkEnded(agreement=FORMER, by=by) for by in EndedBy),
    *(LinkSuspended(agreement=FORMER, because=because) for because in LinkSuspension),
    *(
        AccessGranted(agreement=REF, role=LinkRole.HEIR, scope=scope, valid_until=day)
        for scope, day in product(LinkScope, (None, date(2027, 1, 31)))
    ),
    AccessDeclined(reason="缺<b>公证书</b>"),
    *(updated(news) for news in CaseEventKind),
    *(updated(CaseEventKind.ANSWERED, outcome=outcome) for outcome in Outcome),
    updated(CaseEventKind.ANSWERED, outcome=Outcome.SUPPORTED, again=True, together=True),
    *(updated(CaseEventKind.DIVERTED, procedure=procedure) for procedure in Procedure),
    *(
        CaseOnDesk(
            number="2026-000123",
            category=CaseCategory.QUALITY,
            news=news,
            state=CaseState.IN_PROGRESS,
            clock=ClockKind.ANSWER,
            last_day=date(2027, 1, 31),
        )
        for news in DeskNews
    ),
    DraftsWait(
        drafts=[
            WaitingDraft(broadcast_id=n, news=news, families=n, source="<进度表>", as_of=date(2026, 11, 20))
            for n, news in enumerate(NewsKind, 1)
        ]
    ),
    *(
        BroadcastOnDesk(
            broadcast_id=12,
            title="<停水>",
            action=action,
            by="编造员",
            text="<请写明时间>",
            starts_at=datetime(2026, 11, 24, 4, 0, tzinfo=UTC),
            total=9,
            sent=8,
        )
        for action in BroadcastAction
    ),
    BroadcastOnDesk(broadcast_id=12, title="", action=BroadcastAction.SUBMIT, by=None, by_itself=True),
    *(
        BroadcastOnDesk(
            broadcast_id=12,
            title="停水",
            action=BroadcastAction.SUBMIT,
            by="编造员",
            operation=operation,
            of_id=7,
            before=before,
            after="<6日>",
        )
        for operation, before in ((Operation.EDIT, "<5日>"), (Operation.DELETE, ""))
    ),
]


def letter(notice: BaseModel, locale: str | None = "zh_CN") -> Letter:
    told = notice.model_dump(mode="json")
    message = Claimed(
        id=1, lease="6a1e0b0c-9c1f-4d43-8d0a-2f4a3c1d9e11", chat_id=5, locale=locale, kind=told["kind"], payload=told
    )
    return compose(message, translator(locale))


BROADCASTS = {NoticeKind.BROADCAST, NoticeKind.BROADCAST_TEST}
"""Their words are in ``test_broadcast_words``."""


def test_every_kind_is_here() -> None:
    assert {notice.model_dump()["kind"] for notice in NOTICES} == {*NoticeKind} - BROADCASTS


@pytest.mark.parametrize("locale", locales.SUPPORTED)
@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.model_dump()["kind"].value)
def test_every_kind_has_words_in_every_language(notice: BaseModel, locale: str) -> None:
    text, keyboard = letter(notice, locale)
    assert len(text) < 4096
    assert "{" not in text
    assert keyboard is not None, "nobody is left without a way on"
    buttons = [button for row in keyboard.inline_keyboard for button in row]
    assert all(decode(str(button.callback_data)) is not None for button in buttons)
    english = letter(notice, "en")
    if locale != "en":
        assert text != english.text
        assert english.text.split("\n")[0] not in text
        assert english.keyboard is not None
        words = {button.text for row in english.keyboard.inline_keyboard for button in row}
        assert words.isdisjoint(button.text for button in buttons)


def test_a_chat_without_a_language_gets_the_offices() -> None:
    assert letter(new_link(), None) == letter(new_link(), locales.DEFAULT)


def test_who_approves_a_correction_reads_what_it_changes() -> None:
    edit, deletion = (letter(notice).text for notice in NOTICES[-2:])
    assert "待审批" in edit
    assert "改的是群发7号已发的消息" in edit
    assert edit.index("原来写的") < edit.index("&lt;5日&gt;") < edit.index("现在改成") < edit.index("&lt;6日&gt;")
    assert "停水" not in edit, "what it changes instead of how it begins"
    assert "删的是群发7号已发的消息" in deletion
    assert "停水" in deletion


def test_who_was_let_in_when_and_how_and_one_tap_to_shut_them_out() -> None:
    text, keyboard = letter(new_link(), "en")
    assert "20 November 2026" in text
    assert "14:05" in text, "the office's time"
    for part in ("AZ-2019-00012 (张*)", "A3-一期-2-1-1801", "by invitation code", "Family member", "only how far"):
        assert part in text
    assert keyboard is not None
    assert decode(str(keyboard.inline_keyboard[0][0].callback_data)) == ShutOut(2**62)


def test_who_may_not_end_it_gets_no_button_for_it() -> None:
    keyboard = letter(new_link(can_end=False)).keyboard
    assert keyboard is not None
    kinds = {type(decode(str(button.callback_data))) for row in keyboard.inline_keyboard for button in row}
    assert ShutOut not in kinds


def test_what_staff_wrote_arrives_as_text() -> None:
    told = letter(updated(CaseEventKind.ASKED)).text
    assert "<b><b>" not in told
    assert "&lt;b&gt;" in told
    assert "缺&lt;b&gt;公证书&lt;/b&gt;" in letter(AccessDeclined(reason="缺<b>公证书</b>")).text


def test_the_longest_reason_fits() -> None:
    text = letter(AccessDeclined(reason="<" * 1000), "en").text
    assert text.count("&lt;") == 1000


@pytest.mark.parametrize("payload", [{}, {"kind": "from_the_future"}, {"kind": "new_link", "agreement": "王小明"}])
def test_what_is_no_notice_is_refused_without_being_quoted(payload: dict[str, object]) -> None:
    message = Claimed(
        id=1, lease="6a1e0b0c-9c1f-4d43-8d0a-2f4a3c1d9e11", chat_id=5, locale="en", kind="new_link", payload=payload
    )
    with pytest.raises(CannotCompose) as raised:
        compose(message, translator("en"))
    assert "王小明" not in repr(raised.value)
    assert raised.value.__suppress_context__
