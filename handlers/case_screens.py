"""What is told about a complaint: the receipt, the list, one with its history and clocks."""

from api.cases.schemas import MAX_TEXT_CHARACTERS, CaseEventOut, CaseOut, CasePage, ClockKind, ClockOut
from bot.callbacks import Callback
from bot.context import Context
from handlers import terms
from handlers.facts import SHOWN_TEXT, agreement_line, enclosures, listed, quoted, unit_label
from locales import Html, Translator, join


class ShowCase(Callback, prefix="case"):
    """One complaint of this chat."""

    number: str


class ShowText(Callback, prefix="casetext"):
    """All of what was written in it."""

    number: str


class ShowPage(Callback, prefix="casepage"):
    """A page of the list; without a cursor the newest."""

    cursor: str = ""


def acknowledgement(ctx: Context, case: CaseOut) -> Html:
    """What was received, its number, where it went, which clock runs until when."""
    return join(
        "\n\n",
        [
            join(
                "\n",
                [
                    ctx.t("✅ <b>Your complaint is filed.</b>"),
                    ctx.t("Number: <b>{number}</b>", number=case.number),
                    ctx.t("Received: {moment}", moment=ctx.words.datetime(case.received_at)),
                ],
            ),
            join("\n", [*_subject(ctx, case), _enclosed(ctx, case)]),
            ctx.t("It is now with the task force's complaints office, which registers it and passes it on."),
            *(clock_line(ctx.words, clock) for clock in case.clocks),
            ctx.t("This is a receipt. Whether it is formally accepted you will be told separately."),
        ],
    )


def _subject(ctx: Context, case: CaseOut) -> list[Html]:
    home = unit_label(case.unit, ctx.words) if case.unit else agreement_line(case.agreement, ctx.words)
    return [
        ctx.t("About: {category}", category=terms.name(ctx.words, case.category)),
        ctx.t("Home: {home}", home=home),
    ]


def _enclosed(ctx: Context, case: CaseOut) -> Html:
    kinds = [attachment.kind for attachment in case.attachments]
    things = [
        ctx.n("a text of {n} character", "a text of {n} characters", len(case.text)),
        *enclosures(kinds, ctx.words, location=case.location is not None),
    ]
    return ctx.t("What you sent: {contents}", contents=listed(things, ctx.words))


def clock_line(tr: Translator, clock: ClockOut) -> Html:
    """The last day of a statutory time limit, and the article it rests on."""
    day = tr.date(clock.last_day)
    match clock.kind:
        case ClockKind.ACCEPTANCE_NOTICE:
            return tr.t(
                "By <b>{day}</b> at the latest you will be told in writing whether it is accepted or passed on "
                "(Regulations on Petition Work, {articles}).",
                day=day,
                articles=_articles(tr, clock.article),
            )
        case ClockKind.ANSWER:
            return tr.t(
                "By <b>{day}</b> at the latest you will have a written answer (Regulations on Petition Work, "
                "{articles}).",
                day=day,
                articles=_articles(tr, clock.article),
            )
        case ClockKind.REVIEW_OPINION | ClockKind.SECOND_REVIEW_OPINION:
            return tr.t(
                "By <b>{day}</b> at the latest you will have the result of the review (Regulations on Petition Work, "
                "{articles}).",
                day=day,
                articles=_articles(tr, clock.article),
            )
        case ClockKind.REVIEW_REQUEST | ClockKind.SECOND_REVIEW_REQUEST:
            return tr.t(
                "If you do not agree with the answer, you can ask for a review until <b>{day}</b> (Regulations on "
                "Petition Work, {articles}).",
                day=day,
                articles=_articles(tr, clock.article),
            )
        case ClockKind.REOPEN:
            return tr.t("If it is not settled, you can have it taken up again until <b>{day}</b>.", day=day)
        case ClockKind.RESIDENT_ANSWER:
            return tr.t("The officer has asked you something. Please answer by <b>{day}</b>.", day=day)
        case ClockKind.JURISDICTION_OBJECTION:
            return tr.t("Until <b>{day}</b> the office may say that another one is in charge.", day=day)


def _articles(tr: Translator, named: str) -> Html:
    """22, 23 → articles 22, 23 · 第22、23条"""
    numbers = [number.strip() for number in named.split(",")]
    return tr.n("article {numbers}", "articles {numbers}", len(numbers), numbers=listed(numbers, tr))


def case_list(ctx: Context, page: CasePage) -> Html:
    if not page.total_count:
        return ctx.t("You have not filed a complaint here yet.")
    return join(
        "\n\n",
        [
            ctx.n("<b>You have filed {n} complaint.</b>", "<b>You have filed {n} complaints.</b>", page.total_count),
            *(
                ctx.t(
                    "<b>{number}</b> · {state}\n{category}, {day}",
                    number=case.number,
                    state=terms.name(ctx.words, case.state),
                    category=terms.name(ctx.words, case.category),
                    day=ctx.words.date(case.received_at.astimezone(ctx.words.time_zone).date()),
                )
                for case in page.cases
            ),
            ctx.t("Press a number to see it."),
        ],
    )


def one_case(ctx: Context, case: CaseOut) -> Html:
    return join(
        "\n\n",
        [
            join(
                "\n",
                [
                    ctx.t("<b>Complaint {number}</b>", number=case.number),
                    ctx.t("Now: <b>{state}</b>", state=terms.name(ctx.words, case.state)),
                    *_subject(ctx, case),
                    _enclosed(ctx, case),
                ],
            ),
            quoted(case.text),
            join("\n", [ctx.t("<b>What happened</b>"), *(_event_line(ctx, event) for event in case.events)]),
            join("\n", _dates(ctx, case)),
            *(clock_line(ctx.words, clock) for clock in case.clocks),
        ],
    )


def is_shortened(case: CaseOut) -> bool:
    return len(case.text) > SHOWN_TEXT


def whole_text(ctx: Context, case: CaseOut) -> Html:
    return join(
        "\n",
        [
            ctx.t("<b>Complaint {number}</b>", number=case.number),
            quoted(case.text, MAX_TEXT_CHARACTERS),
        ],
    )


def _event_line(ctx: Context, event: CaseEventOut) -> Html:
    return ctx.t(
        "• {moment}: {event}",
        moment=ctx.words.datetime(event.happened_at),
        event=terms.name(ctx.words, event.kind),
    )


def _dates(ctx: Context, case: CaseOut) -> list[Html]:
    """Receiving, registering and accepting are three different days."""
    return [
        ctx.t("Registered: {moment}", moment=ctx.words.datetime(case.registered_at))
        if case.registered_at
        else ctx.t("Registered: not yet"),
        ctx.t("Accepted: {moment}", moment=ctx.words.datetime(case.accepted_at))
        if case.accepted_at
        else ctx.t("Accepted: not yet"),
    ]
