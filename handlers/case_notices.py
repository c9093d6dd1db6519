"""What a resident is told without asking: the office did something with their complaint. Each bears the way to it, so a
reply to it is known for one to that complaint."""

from telegram import InlineKeyboardButton

from api.cases.schemas import CaseAction, CaseEventKind, ClockKind, Procedure
from api.messages.schemas import CaseUpdated
from bot.ui import Letter, button, rows
from handlers import terms
from handlers.case_buttons import AskRating, OpenCase, Say, ShowFiles, ShowNewest, StopOffering
from handlers.case_clocks import clock_line
from handlers.case_history import ANSWERS, outcome_line
from handlers.case_screens import ACTIONS
from handlers.facts import quoted
from handlers.passages import passages
from locales import Html, Translator, join

SHOWN = 1000
"""UTF-16 units of the office's words; where there are more, a button reads out all of them."""
_RIGHTS = {
    ClockKind.REOPEN: CaseAction.REOPEN,
    ClockKind.REVIEW_REQUEST: CaseAction.REQUEST_REVIEW,
    ClockKind.SECOND_REVIEW_REQUEST: CaseAction.REQUEST_SECOND_REVIEW,
}


def case_updated(notice: CaseUpdated, tr: Translator) -> Letter:
    parts = passages(notice.text, SHOWN)
    return Letter(
        join(
            "\n\n",
            [
                join("\n", [_heading(notice, tr), tr.t("About: {category}", category=terms.name(tr, notice.category))]),
                _explained(notice, tr),
                quoted(parts[0], len(parts[0])) if parts else None,
                tr.t("This is the beginning; the button below brings all of it.") if len(parts) > 1 else None,
                tr.n("With it came {n} file.", "With it came {n} files.", len(notice.attachments))
                if notice.attachments
                else None,
                *(clock_line(clock, tr) for clock in notice.clocks if clock.kind in _told_after(notice.news)),
                _way_on(notice, tr),
            ],
        ),
        rows(*_keys(notice, tr, cut=len(parts) > 1), button(tr.plain("🔎 See the complaint"), OpenCase(notice.number))),
    )


def _heading(notice: CaseUpdated, tr: Translator) -> Html:
    number = notice.number
    match notice.news:
        case CaseEventKind.ACCEPTED:
            return tr.t("✅ <b>Your complaint {number} is formally accepted</b>", number=number)
        case CaseEventKind.REFUSED:
            return tr.t("<b>Your complaint {number} was not accepted</b>", number=number)
        case CaseEventKind.DIVERTED:
            return tr.t("⚖️ <b>Your complaint {number} has to be settled in another way</b>", number=number)
        case CaseEventKind.ASSIGNED | CaseEventKind.TRANSFERRED:
            return tr.t("➡️ <b>Your complaint {number} was passed on</b>", number=number)
        case CaseEventKind.ASKED:
            return tr.t("❓ <b>The officer asks you something about complaint {number}</b>", number=number)
        case CaseEventKind.EXTENDED:
            return tr.t("⏳ <b>The answer to your complaint {number} takes longer</b>", number=number)
        case CaseEventKind.ANSWERED if notice.again:
            return tr.t("📄 <b>There is a new answer to your complaint {number}</b>", number=number)
        case CaseEventKind.ANSWERED:
            return tr.t("📄 <b>Your complaint {number} is answered</b>", number=number)
        case CaseEventKind.REVIEW_ANSWERED:
            return tr.t("📄 <b>The result of the review of your complaint {number} is there</b>", number=number)
        case CaseEventKind.SECOND_REVIEW_ANSWERED:
            return tr.t("📄 <b>The result of the second review of your complaint {number} is there</b>", number=number)
        case CaseEventKind.CLOSED:
            return tr.t("🏁 <b>The office has closed your complaint {number}</b>", number=number)
        case CaseEventKind.MERGED:
            return tr.t("🤝 <b>Your complaint {number} is answered together with others</b>", number=number)
        case CaseEventKind.UNMERGED:
            return tr.t("<b>Your complaint {number} is worked on by itself again</b>", number=number)
        case CaseEventKind.PUBLISHED:
            return tr.t("📣 <b>Neighbours can join your complaint {number} from now on</b>", number=number)
        case CaseEventKind.UNPUBLISHED:
            return tr.t("<b>Your complaint {number} is no longer offered to neighbours</b>", number=number)
        case CaseEventKind.SUPERVISED:
            return tr.t("👁 <b>A supervisor watches over your complaint {number} from now on</b>", number=number)
    event = terms.name(tr, notice.news)
    return tr.t("🔔 <b>News of your complaint {number}: {event}</b>", number=number, event=event)


def _explained(notice: CaseUpdated, tr: Translator) -> Html | None:
    """What it means, before the office's own words."""
    match notice.news:
        case CaseEventKind.ACCEPTED:
            return tr.t("The office has to look into it and answer you in writing.")
        case CaseEventKind.REFUSED:
            return tr.t("The office says why, and where you can go with it:")
        case CaseEventKind.DIVERTED if notice.procedure is not None:
            return join("\n", [_procedure(notice.procedure, tr), tr.t("The office says where and how:")])
        case CaseEventKind.ASSIGNED | CaseEventKind.TRANSFERRED if notice.department:
            return tr.t("It is with {department} now.", department=notice.department)
        case CaseEventKind.EXTENDED if notice.days is not None:
            return tr.n(
                "It may take {n} day more. One answer can be put off once only; the reason:",
                "It may take {n} days more. One answer can be put off once only; the reason:",
                notice.days,
            )
        case kind if kind in ANSWERS and notice.outcome is not None:
            by = tr.t("By: {department}", department=notice.department) if notice.department else None
            return join(
                "\n",
                [
                    tr.t("It takes the place of the answer before, and your days count from it anew.")
                    if notice.again
                    else None,
                    tr.t("All who complained of this together get the same answer.") if notice.together else None,
                    by,
                    outcome_line(notice.outcome, tr),
                ],
            )
        case CaseEventKind.MERGED:
            return tr.t(
                "Others have complained of the same, and all get one answer. Your complaint keeps its number and its "
                "days, and the answer comes to you here. If you would rather be answered apart, open it and press "
                "“Split off”."
            )
        case CaseEventKind.UNMERGED:
            return tr.t("It keeps its number and its days.")
        case CaseEventKind.PUBLISHED:
            return tr.t(
                "The office thinks that other families of your building have the same trouble. When one of them "
                "complains of it, it reads the words below, without your name and your home, and can join:"
            )
        case CaseEventKind.UNPUBLISHED:
            return tr.t("The office goes on with it as before. Who has joined stays with it.")
        case CaseEventKind.CLOSED:
            return tr.t("“Closed” is the office's word. Whether the matter is solved, only you can say.")
    return None


def _procedure(procedure: Procedure, tr: Translator) -> Html:
    match procedure:
        case Procedure.LITIGATION:
            return tr.t("By law it is for a court to decide (Regulations on Petition Work, article 31).")
        case Procedure.ARBITRATION:
            return tr.t("By law it is for an arbitration body to decide (Regulations on Petition Work, article 31).")
        case Procedure.ADMINISTRATIVE:
            return tr.t(
                "By law it is settled by an administrative procedure of its own (Regulations on Petition Work, article "
                "31)."
            )


def _told_after(news: CaseEventKind) -> tuple[ClockKind, ...]:
    """Clocks that such news tells of; the others would only be in its way."""
    if news is CaseEventKind.ASKED:
        return (ClockKind.RESIDENT_ANSWER,)
    if news in (*ANSWERS, CaseEventKind.CLOSED):
        return (*_RIGHTS,)
    if news in (CaseEventKind.ASSIGNED, CaseEventKind.TRANSFERRED):
        return (ClockKind.ACCEPTANCE_NOTICE, ClockKind.ANSWER)
    return (ClockKind.ANSWER,)


def _way_on(notice: CaseUpdated, tr: Translator) -> Html | None:
    match notice.news:
        case CaseEventKind.ASKED:
            return tr.t("Just reply to this message with your answer, or press the button. Photos are fine too.")
        case CaseEventKind.SECOND_REVIEW_ANSWERED:
            return tr.t(
                "This result is final: by the Regulations on Petition Work (article 36) it goes no further here."
            )
        case CaseEventKind.PUBLISHED:
            return tr.t("If you do not want that, press “🙈 Do not offer it to neighbours”.")
    return None


def _keys(notice: CaseUpdated, tr: Translator, *, cut: bool) -> list[InlineKeyboardButton]:
    keys = []
    number = notice.number
    if cut:
        keys.append(button(tr.plain("📖 Read all of it"), ShowNewest(number, notice.news)))
    if notice.attachments:
        keys.append(button(tr.plain("📎 Files from the office"), ShowFiles(number)))
    if notice.news is CaseEventKind.ASKED:
        keys.append(button(tr.plain(ACTIONS[CaseAction.REPLY]), Say(number, CaseAction.REPLY)))
    if notice.news is CaseEventKind.PUBLISHED:
        keys.append(button(tr.plain("🙈 Do not offer it to neighbours"), StopOffering(number)))
    if notice.news in (*ANSWERS, CaseEventKind.CLOSED):
        keys.append(button(tr.plain("⭐ Rate the answer"), AskRating(number)))
        running = {clock.kind for clock in notice.clocks if not clock.overdue}
        keys += [
            button(tr.plain(ACTIONS[action]), Say(number, action))
            for kind, action in _RIGHTS.items()
            if kind in running
        ]
    return keys
