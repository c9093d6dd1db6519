"""The time limits of a complaint in plain words: until when, by which article, and honestly that one is past."""

from api.cases.schemas import ClockKind, ClockOut
from handlers.facts import listed
from locales import Html, Translator


def clock_line(clock: ClockOut, tr: Translator) -> Html:
    """The last day of a time limit, and the article it rests on."""
    if clock.overdue and (late := _late(clock, tr)):
        return late
    day, articles = tr.date(clock.last_day), _articles(clock.article, tr)
    match clock.kind:
        case ClockKind.ACCEPTANCE_NOTICE:
            return tr.t(
                "By <b>{day}</b> at the latest you will be told in writing whether it is accepted or passed on "
                "(Regulations on Petition Work, {articles}).",
                day=day,
                articles=articles,
            )
        case ClockKind.ANSWER:
            return tr.t(
                "By <b>{day}</b> at the latest you will have a written answer (Regulations on Petition Work, "
                "{articles}).",
                day=day,
                articles=articles,
            )
        case ClockKind.REVIEW_OPINION | ClockKind.SECOND_REVIEW_OPINION:
            return tr.t(
                "By <b>{day}</b> at the latest you will have the result of the review (Regulations on Petition Work, "
                "{articles}).",
                day=day,
                articles=articles,
            )
        case ClockKind.REVIEW_REQUEST:
            return tr.t(
                "If you do not agree with the answer, you can ask for a review until <b>{day}</b> (Regulations on "
                "Petition Work, {articles}).",
                day=day,
                articles=articles,
            )
        case ClockKind.SECOND_REVIEW_REQUEST:
            return tr.t(
                "If you do not agree with the result, you can ask for a second review until <b>{day}</b> (Regulations "
                "on Petition Work, {articles}).",
                day=day,
                articles=articles,
            )
        case ClockKind.REOPEN:
            return tr.t("If it is not settled, you can have it taken up again until <b>{day}</b>.", day=day)
        case ClockKind.RESIDENT_ANSWER:
            return tr.t("The officer has asked you something. Please answer by <b>{day}</b>.", day=day)
        case ClockKind.JURISDICTION_OBJECTION:
            return tr.t("Until <b>{day}</b> the office may say that another one is in charge.", day=day)


def _late(clock: ClockOut, tr: Translator) -> Html | None:
    """Of the office's duties. A right of the resident's that is past is not shown any more."""
    day, articles = tr.date(clock.last_day), _articles(clock.article, tr)
    match clock.kind:
        case ClockKind.ACCEPTANCE_NOTICE:
            return tr.t(
                "⚠️ <b>Overdue.</b> By {day} you should have been told whether it is accepted or passed on (Regulations "
                "on Petition Work, {articles}). The office is late. Its supervisors are told so automatically; you "
                "need not do anything.",
                day=day,
                articles=articles,
            )
        case ClockKind.ANSWER:
            return tr.t(
                "⚠️ <b>Overdue.</b> By {day} you should have had a written answer (Regulations on Petition Work, "
                "{articles}). The office is late. Its supervisors are told so automatically; you need not do "
                "anything.",
                day=day,
                articles=articles,
            )
        case ClockKind.REVIEW_OPINION | ClockKind.SECOND_REVIEW_OPINION:
            return tr.t(
                "⚠️ <b>Overdue.</b> By {day} you should have had the result of the review (Regulations on Petition "
                "Work, {articles}). The office is late. Its supervisors are told so automatically; you need not do "
                "anything.",
                day=day,
                articles=articles,
            )
    return None


def _articles(named: str, tr: Translator) -> Html:
    """22, 23 → articles 22, 23 · 第22、23条"""
    numbers = [number.strip() for number in named.split(",")]
    return tr.n("article {numbers}", "articles {numbers}", len(numbers), numbers=listed(numbers, tr))


def days_explained(tr: Translator) -> Html:
    return tr.t(
        "<b>How the days are counted</b>\n\n"
        "• The office has 15 days from the day it gets a complaint to tell you whether it is accepted, or who deals "
        "with it (articles 22, 23).\n"
        "• From acceptance it has 60 days for a written answer. Once it may take up to 30 days more, and must tell you "
        "why (article 34).\n"
        "• If you do not agree, you have 30 days from the answer to ask for a review by the body above. It answers "
        "within 30 days (article 35).\n"
        "• If you still do not agree, the same once more: 30 days to ask for a second review, 30 days for the result. "
        "That one is final (article 36).\n"
        "• The day on which something begins does not count. If the last day is a day of rest, the next working day "
        "is the last (Civil Code, articles 201, 203).\n\n"
        "The articles without a name are those of the Regulations on Petition Work."
    )
