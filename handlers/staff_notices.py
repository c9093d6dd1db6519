"""What officers are told without asking: what waits for them with a case, and the way to it. It names nobody of the
family."""

from api.broadcasts.schemas import BroadcastAction, Operation
from api.messages.schemas import BroadcastOnDesk, CaseOnDesk, DeskNews, DraftsWait, WaitingDraft
from bot.ui import Letter, button, lines, rows
from handlers import staff_terms, terms
from handlers.facts import quoted
from handlers.staff_broadcast import OpenBroadcast
from handlers.staff_case import OpenCase
from handlers.staff_menu import OpenBroadcasts
from locales import Html, Translator, join

MAX_DRAFTS = 12
"""Told one by one."""


def on_desk(notice: CaseOnDesk, tr: Translator) -> Letter:
    facts = [
        tr.t("About: {category}", category=terms.name(tr, notice.category)),
        tr.t("Now: <b>{state}</b>", state=terms.name(tr, notice.state)),
        tr.t(staff_terms.CLOCKS[notice.clock]) if notice.clock else None,
        tr.t("Last day: <b>{day}</b>", day=tr.date(notice.last_day)) if notice.last_day else None,
    ]
    return Letter(join("\n", [_news(notice, tr), *facts]), rows(button(tr.plain("Open it"), OpenCase(notice.number))))


def drafts_wait(notice: DraftsWait, tr: Translator) -> Letter:
    return Letter(
        join(
            "\n\n",
            [
                tr.t("📣 <b>A newly loaded roll has news for families</b>"),
                *(_draft(draft, tr) for draft in notice.drafts[:MAX_DRAFTS]),
                tr.t("A draft is ready for each. Nothing is sent until you have looked at it and submitted it."),
            ],
        ),
        rows(
            *(
                button(tr.plain("Open: {news}", news=terms.name(tr, draft.news)), OpenBroadcast(draft.broadcast_id))
                for draft in notice.drafts[:MAX_DRAFTS]
            ),
            button(tr.plain("📣 Broadcasts"), OpenBroadcasts()),
        ),
    )


def broadcast_on_desk(notice: BroadcastOnDesk, tr: Translator) -> Letter:
    facts = [
        None if notice.before else notice.title,
        tr.t("Before:") if notice.before else None,
        quoted(notice.before) if notice.before else None,
        tr.t("Now:") if notice.before else None,
        quoted(notice.after) if notice.before else None,
        tr.t("From: {name}", name=notice.by) if notice.by else None,
        tr.t("Begins: {moment}", moment=tr.datetime(notice.starts_at))
        if notice.action in (BroadcastAction.SUBMIT, BroadcastAction.APPROVE) and notice.starts_at
        else None,
        tr.t("Arrived: {sent} of {total} messages", sent=tr.number(notice.sent), total=tr.number(notice.total))
        if notice.action is BroadcastAction.FINISH and notice.total is not None
        else None,
    ]
    return Letter(
        join(
            "\n\n",
            [
                lines(_step(notice, tr), _mends(notice, tr)),
                join("\n", facts),
                quoted(notice.text) if notice.text else None,
            ],
        ),
        rows(button(tr.plain("Open it"), OpenBroadcast(notice.broadcast_id))),
    )


def _mends(notice: BroadcastOnDesk, tr: Translator) -> Html | None:
    if notice.of_id is None or notice.operation is Operation.SEND:
        return None
    if notice.operation is Operation.DELETE:
        return tr.t("🗑 It deletes what broadcast {of} sent.", of=notice.of_id)
    return tr.t("✏️ It corrects what broadcast {of} sent.", of=notice.of_id)


def _step(notice: BroadcastOnDesk, tr: Translator) -> Html:
    number = notice.broadcast_id
    match notice.action:
        case BroadcastAction.SUBMIT if notice.by_itself:
            return lines(
                tr.t("⏳ <b>Broadcast {number} waits for approval</b>", number=number),
                tr.t("It would now reach more families than it was submitted for, so a second person must approve it."),
            )
        case BroadcastAction.SUBMIT:
            return tr.t("⏳ <b>Broadcast {number} waits for approval</b>", number=number)
        case BroadcastAction.APPROVE:
            return tr.t("✅ <b>Broadcast {number} is approved</b>", number=number)
        case BroadcastAction.REJECT:
            return tr.t("↩️ <b>Broadcast {number} was sent back</b>", number=number)
        case BroadcastAction.PAUSE:
            return tr.t("⏸ <b>Broadcast {number} is paused</b>", number=number)
        case BroadcastAction.RESUME:
            return tr.t("▶️ <b>Broadcast {number} goes on</b>", number=number)
        case BroadcastAction.CANCEL:
            return tr.t("🚫 <b>Broadcast {number} was cancelled</b>", number=number)
        case BroadcastAction.FINISH:
            return tr.t("🏁 <b>Broadcast {number} is done</b>", number=number)
        case BroadcastAction.EDIT | BroadcastAction.START:
            # Nobody is told of these as yet.
            return tr.t("📣 <b>Broadcast {number}</b>", number=number)


def _draft(draft: WaitingDraft, tr: Translator) -> Html:
    return join(
        "\n",
        [
            tr.n(
                "<b>{news}</b>: {n} family",
                "<b>{news}</b>: {n} families",
                draft.families,
                news=terms.name(tr, draft.news),
            ),
            tr.t("as of {day}, source: {source}", day=tr.date(draft.as_of), source=draft.source),
        ],
    )


def _news(notice: CaseOnDesk, tr: Translator) -> Html:
    number = notice.number
    match notice.news:
        case DeskNews.GIVEN:
            return tr.t("📥 <b>Complaint {number} is yours to handle</b>", number=number)
        case DeskNews.UNCLAIMED:
            return tr.t("📥 <b>Complaint {number} is with your office, and nobody has taken it yet</b>", number=number)
        case DeskNews.RELEASED:
            if not notice.others:
                return tr.t(
                    "📥 <b>Nobody has complaint {number} any more: that account is out of force. Please give it to "
                    "somebody</b>",
                    number=number,
                )
            return tr.n(
                "📥 <b>Nobody has complaint {number} and {n} more: that account is out of force. Please share them "
                "out</b>",
                "📥 <b>Nobody has complaint {number} and {n} more: that account is out of force. Please share them "
                "out</b>",
                notice.others,
                number=number,
            )
        case DeskNews.REPLIED:
            return tr.t("💬 <b>Complaint {number}: the resident has answered what was asked</b>", number=number)
        case DeskNews.ADDED:
            return tr.t("💬 <b>Complaint {number}: the resident has added something</b>", number=number)
        case DeskNews.REOPENED:
            return tr.t("🔁 <b>Complaint {number}: not settled, says the resident. Work on it again</b>", number=number)
        case DeskNews.REVIEW_REQUESTED:
            return tr.t("🔁 <b>Complaint {number}: the resident asks for a review</b>", number=number)
        case DeskNews.SECOND_REVIEW_REQUESTED:
            return tr.t("🔁 <b>Complaint {number}: the resident asks for a second review</b>", number=number)
        case DeskNews.WITHDRAWN:
            return tr.t("<b>Complaint {number}: the resident has withdrawn it</b>", number=number)
        case DeskNews.UNPUBLISHED:
            return tr.t("<b>Complaint {number} is no longer offered to the building</b>", number=number)
        case DeskNews.LEFT:
            return lines(
                tr.t("📵 <b>Complaint {number}: the family has had its data here deleted</b>", number=number),
                tr.t("The complaint stays. They read nothing here any more: please tell them by phone or by post."),
            )
        case DeskNews.JOINED:
            return tr.t(
                "🤝 <b>Complaint {number}: more families are answered with it now. Please look at it again before you "
                "answer</b>",
                number=number,
            )
        case DeskNews.SPLIT_OFF:
            return tr.t("<b>Complaint {number}: the resident wants an answer apart from the others</b>", number=number)
        case DeskNews.SUPERVISED:
            return tr.t("❗ <b>Complaint {number}: a supervisor now watches over it</b>", number=number)
        case DeskNews.DUE_SOON:
            return tr.t("⏳ <b>Complaint {number}: its time is nearly over</b>", number=number)
        case DeskNews.OVERDUE:
            return tr.t("🔴 <b>Complaint {number} is overdue. The supervisor sees it too</b>", number=number)
        case DeskNews.NO_REPLY:
            return tr.t("⏳ <b>Complaint {number}: what was asked was not answered in time</b>", number=number)
