"""What is told about a complaint: the receipt, the list, one with its state, its answer and what is due."""

from telegram import InlineKeyboardMarkup

from api.cases.schemas import MAX_TEXT_CHARACTERS, CaseAction, CaseEventKind, CaseOut, CasePage, ListedCase
from bot.context import Context
from bot.ui import button, pairs, rows
from handlers import terms
from handlers.case_buttons import (
    AskRating,
    AskWithdraw,
    ExplainDays,
    Say,
    ShowFiles,
    ShowHistory,
    ShowNewest,
    ShowText,
    SplitOff,
    StopOffering,
)
from handlers.case_clocks import clock_line
from handlers.case_files import office_files
from handlers.case_history import ANSWERS, Happened, history, newest, outcome_line, step_line
from handlers.facts import agreement_line, day_of, enclosures, listed, quoted, unit_label
from handlers.menu import OpenCases, OpenComplaint, OpenMenu
from locales import Html, join, lazy

OWN_TEXT = 300
"""Characters of the complaint itself that its screen repeats; its writer knows them."""
ANSWER = 900
"""Characters of the office's answer, or question."""
NEWEST = 5
"""Steps on the screen itself."""

ACTIONS = {
    CaseAction.REPLY: lazy("✍️ Answer the question"),
    CaseAction.ADD: lazy("➕ Add words or photos"),
    CaseAction.REOPEN: lazy("🔁 Not settled: take it up again"),
    CaseAction.REQUEST_REVIEW: lazy("⚖️ Ask for a review"),
    CaseAction.REQUEST_SECOND_REVIEW: lazy("⚖️ Ask for a second review"),
}
"""What a resident can write to the office, as the buttons call it."""


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
            *(clock_line(clock, ctx.words) for clock in case.clocks),
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
    by_office = {file.id for file in office_files(case)}
    kinds = [attachment.kind for attachment in case.attachments if attachment.id not in by_office]
    things = [
        ctx.n("a text of {n} character", "a text of {n} characters", len(case.text)),
        *enclosures(kinds, ctx.words, location=case.location is not None),
    ]
    return ctx.t("What you sent: {contents}", contents=listed(things, ctx.words))


def case_list(ctx: Context, page: CasePage) -> Html:
    if not page.total_count:
        return ctx.t("You have not filed a complaint here yet.")
    return join(
        "\n\n",
        [
            ctx.n("<b>You have filed {n} complaint.</b>", "<b>You have filed {n} complaints.</b>", page.total_count),
            *(_listed(ctx, case) for case in page.cases),
            ctx.t("Press a number to see it."),
        ],
    )


def _listed(ctx: Context, case: ListedCase) -> Html:
    line = ctx.t(
        "<b>{number}</b> · {state}\n{category}, {day}",
        number=case.number,
        state=terms.name(ctx.words, case.state),
        category=terms.name(ctx.words, case.category),
        day=day_of(case.received_at, ctx.words),
    )
    asked = ctx.t("❓ The office is waiting for your answer.") if case.asked else None
    due = None
    if case.due_on is not None:
        day = ctx.words.date(case.due_on)
        due = (
            ctx.t("⚠️ The office is late: it had until {day}.", day=day)
            if case.overdue
            else ctx.t("You will hear from the office by {day}.", day=day)
        )
    return join("\n", [line, asked, due])


def one_case(ctx: Context, case: CaseOut) -> Html:
    steps = [*history(case)]
    return join(
        "\n\n",
        [
            join(
                "\n",
                [
                    ctx.t("<b>Complaint {number}</b>", number=case.number),
                    ctx.t("Now: <b>{state}</b>", state=terms.name(ctx.words, case.state)),
                    *_subject(ctx, case),
                    ctx.t("With: {department}", department=case.department) if case.department else None,
                    ctx.t("👁 A supervisor watches over it.") if case.supervised else None,
                    _together(ctx, case),
                    _enclosed(ctx, case),
                ],
            ),
            quoted(case.text, OWN_TEXT),
            _question(ctx, case),
            _answer(ctx, case),
            *(clock_line(clock, ctx.words) for clock in case.clocks),
            join(
                "\n",
                [
                    ctx.t("<b>What happened</b>"),
                    ctx.t("…") if len(steps) > NEWEST else None,
                    *(step_line(step, ctx.words) for step in steps[-NEWEST:]),
                ],
            ),
            join("\n", _dates(ctx, case)),
        ],
    )


def _together(ctx: Context, case: CaseOut) -> Html | None:
    if case.collective is None:
        return None
    families = case.collective.families
    offered = CaseAction.UNPUBLISH in case.allowed and case.collective.text
    return join(
        "\n",
        [
            ctx.n("🤝 {n} family is answered together.", "🤝 {n} families are answered together.", families)
            if families > 1
            else None,
            ctx.t("📣 Neighbours with the same trouble read, without your name and home: “{text}”", text=offered)
            if offered
            else None,
        ],
    )


def question(case: CaseOut) -> Happened | None:
    """What the officer asked, as long as an answer is awaited."""
    return newest(case, CaseEventKind.ASKED) if CaseAction.REPLY in case.allowed else None


def _question(ctx: Context, case: CaseOut) -> Html | None:
    asked = question(case)
    if asked is None:
        return None
    return join(
        "\n",
        [
            ctx.t("❓ <b>The officer asks you:</b>"),
            quoted(asked.event.text, ANSWER),
            ctx.t("Press “Answer the question”, or reply to this message."),
        ],
    )


def _answer(ctx: Context, case: CaseOut) -> Html | None:
    answered = newest(case, *ANSWERS)
    if answered is None:
        return None
    day = day_of(answered.event.happened_at, ctx.words)
    files = len(answered.event.attachment_ids)
    return join(
        "\n",
        [
            ctx.t("📄 <b>{event}, {day}</b>", event=terms.name(ctx.words, answered.event.kind), day=day),
            outcome_line(answered.event.outcome, ctx.words) if answered.event.outcome else None,
            quoted(answered.event.text, ANSWER) if answered.event.text else None,
            ctx.n("With it came {n} file.", "With it came {n} files.", files) if files else None,
            ctx.t("Your rating: {stars} of 5", stars=case.rating) if case.rating else None,
        ],
    )


def keys_of(ctx: Context, case: CaseOut) -> InlineKeyboardMarkup:
    """What can be read, and what can be done with it now."""
    answered, asked = newest(case, *ANSWERS), question(case)
    read = [
        button(ctx.plain("📖 Read all of the question"), ShowNewest(case.number, asked.event.kind))
        if asked and len(asked.event.text) > ANSWER
        else None,
        button(ctx.plain("📖 Read all of the answer"), ShowNewest(case.number, answered.event.kind))
        if answered and len(answered.event.text) > ANSWER
        else None,
        button(ctx.plain("Read all of the text"), ShowText(case.number)) if is_shortened(case) else None,
        button(ctx.plain("📎 Files from the office"), ShowFiles(case.number)) if office_files(case) else None,
    ]
    return rows(
        *(
            button(ctx.plain(label), Say(case.number, action))
            for action, label in ACTIONS.items()
            if action in case.allowed
        ),
        button(ctx.plain("⭐ Rate the answer"), AskRating(case.number)) if CaseAction.RATE in case.allowed else None,
        *(key for key in read if key),
        *pairs(
            [
                button(ctx.plain("🕘 Full history"), ShowHistory(case.number)),
                button(ctx.plain("📅 How the days are counted"), ExplainDays(case.number)),
            ]
        ),
        button(ctx.plain("Split off from the others"), SplitOff(case.number))
        if CaseAction.SPLIT_OFF in case.allowed
        else None,
        button(ctx.plain("🙈 Do not offer it to neighbours"), StopOffering(case.number))
        if CaseAction.UNPUBLISH in case.allowed
        else None,
        button(ctx.plain("↩️ Withdraw it"), AskWithdraw(case.number)) if CaseAction.WITHDRAW in case.allowed else None,
        None if case.allowed else button(ctx.plain("File a complaint"), OpenComplaint()),
        [button(ctx.plain("My complaints"), OpenCases()), button(ctx.plain("Main menu"), OpenMenu())],
    )


async def show_case(ctx: Context, case: CaseOut) -> None:
    """Where the tapped button was."""
    await ctx.edit_or_reply(one_case(ctx, case), keys_of(ctx, case), personal=True)


async def tell_case(ctx: Context, case: CaseOut, note: Html | None = None) -> None:
    """In a new message, below what there is to say first: what bore the button may be a question, or an answer."""
    await ctx.reply(join("\n\n", [note, one_case(ctx, case)]), keys_of(ctx, case), personal=True)


def is_shortened(case: CaseOut) -> bool:
    return len(case.text) > OWN_TEXT


def whole_text(ctx: Context, case: CaseOut) -> Html:
    return join(
        "\n",
        [
            ctx.t("<b>Complaint {number}</b>", number=case.number),
            quoted(case.text, MAX_TEXT_CHARACTERS),
        ],
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
