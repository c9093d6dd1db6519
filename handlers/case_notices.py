"""What residents are told without asking: what the office did with their complaints."""

from api.cases.schemas import CaseEventKind, ClockKind
from api.messages.schemas import CaseUpdated
from bot.ui import Letter, button, rows
from handlers import terms
from handlers.case_screens import ShowCase, clock_line
from handlers.facts import enclosures, listed, quoted
from handlers.menu import OpenCases
from locales import Html, Translator, join

SHOWN = 1000
"""Characters of the office's words in a notice; all of them stand with the complaint."""
_TOLD = (ClockKind.ANSWER, ClockKind.REVIEW_REQUEST, ClockKind.SECOND_REVIEW_REQUEST, ClockKind.REOPEN)
"""Clocks that a notice tells of: what comes next, and until when the resident may do something."""


def case_updated(notice: CaseUpdated, tr: Translator) -> Letter:
    files = enclosures([file.kind for file in notice.attachments], tr, location=False)
    facts = [
        tr.t("Result: <b>{outcome}</b>", outcome=terms.name(tr, notice.outcome)) if notice.outcome else None,
        tr.t("Where it is settled: {procedure}", procedure=terms.name(tr, notice.procedure))
        if notice.procedure
        else None,
        tr.t("Handled by: {department}", department=notice.department) if notice.department else None,
        tr.n("{n} day more", "{n} days more", notice.days) if notice.days else None,
        tr.t("With it: {files}", files=listed(files, tr)) if files else None,
    ]
    clocks = [clock_line(tr, clock) for clock in notice.clocks if clock.kind in _told_after(notice.news)]
    about = tr.t("Complaint {number}: {category}", number=notice.number, category=terms.name(tr, notice.category))
    return Letter(
        join(
            "\n\n",
            [
                join("\n", [_happened(notice, tr), about, *facts]),
                quoted(notice.text, SHOWN) if notice.text else None,
                *clocks,
            ],
        ),
        rows(button(tr.plain("Show it"), ShowCase(notice.number)), button(tr.plain("My complaints"), OpenCases())),
    )


def _told_after(news: CaseEventKind) -> tuple[ClockKind, ...]:
    if news is CaseEventKind.ASKED:
        return (ClockKind.RESIDENT_ANSWER,)
    if news in (CaseEventKind.ASSIGNED, CaseEventKind.TRANSFERRED):
        return (ClockKind.ACCEPTANCE_NOTICE, *_TOLD)
    return _TOLD


def _happened(notice: CaseUpdated, tr: Translator) -> Html:
    match notice.news:
        case CaseEventKind.ACCEPTED:
            return tr.t("✔️ <b>The office has accepted your complaint</b>")
        case CaseEventKind.REFUSED:
            return tr.t("<b>The office cannot take on your complaint. It tells you why, and where to go:</b>")
        case CaseEventKind.DIVERTED:
            return tr.t("<b>Your complaint has to be settled by another procedure. The office tells you which:</b>")
        case CaseEventKind.ASSIGNED:
            return tr.t("<b>Your complaint has been given to the office that handles it</b>")
        case CaseEventKind.TRANSFERRED:
            return tr.t("<b>Your complaint has been passed on to the office in charge</b>")
        case CaseEventKind.ASKED:
            return tr.t("❓ <b>The officer who handles your complaint has a question for you</b>")
        case CaseEventKind.EXTENDED:
            return tr.t("<b>The office needs more time for your complaint. It tells you why:</b>")
        case CaseEventKind.ANSWERED:
            return tr.t("📄 <b>The office has answered your complaint</b>")
        case CaseEventKind.REVIEW_ANSWERED:
            return tr.t("📄 <b>The review of your complaint has a result</b>")
        case CaseEventKind.SECOND_REVIEW_ANSWERED:
            return tr.t("📄 <b>The second review of your complaint has a result; with it, the procedure ends</b>")
        case CaseEventKind.CLOSED:
            return tr.t("<b>The office has closed your complaint</b>")
        case CaseEventKind.SUPERVISED:
            return tr.t("<b>A supervisor now watches over your complaint</b>")
        case other:
            # Not for now; what happened is said all the same.
            return tr.t("<b>{event}</b>", event=terms.name(tr, other))
