"""Complaints on the office's side: my cases, those that nobody has taken, overdue ones, by department, supervised, by
number. Pages go by the API's cursor, so there is no total; what is due first comes first.
"""

import unicodedata
from enum import StrEnum
from typing import TypedDict

from telegram import InlineKeyboardButton, Update
from telegram.ext import filters

from api.cases.schemas import MOST_COUNTED, CaseState, QueueCounts, QueuedCase, QueuePage, QueueView
from bot.backend import InvalidInput, NotAllowed
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.drafts import Drop, Resume
from bot.ui import Page, button, pairs, rows
from handlers import staff_case_screens as screens
from handlers import staff_terms
from handlers.menu import OpenStaff, turning
from handlers.staff_case import OpenCase, show
from handlers.staff_menu import OpenDesk, staff_only
from handlers.verification_texts import given
from locales import Html, join, lazy

PAGE = 6
"""Cases on one screen."""
LONGEST_NUMBER = 40


class Step(StrEnum):
    """The dialog's name."""

    NUMBER = "staff_queue.number"


class Queue(StrEnum):
    """Which open cases; or the answered ones, which are to be closed."""

    MINE = "mine"
    ANSWERED = "done"
    UNASSIGNED = "free"
    OVERDUE = "late"
    SUPERVISED = "watch"
    DEPARTMENT = "dept"
    ALL = "all"


class ShowQueue(Callback, prefix="s_cases"):
    """A page of cases; without a cursor those that are due first."""

    queue: Queue
    department_id: int | None = None
    cursor: str = ""


class PickDepartment(Callback, prefix="s_depts"):
    """Whose cases?"""

    page: int = 0


class FindCase(Callback, prefix="s_find"):
    """By number: first, which."""


class Wanted(TypedDict, total=False):
    view: QueueView
    state: CaseState
    department_id: int
    supervised: bool


KEYS = {
    Queue.MINE: lazy("📌 My cases"),
    Queue.UNASSIGNED: lazy("🆕 Nobody has taken them"),
    Queue.OVERDUE: lazy("⛔ Overdue"),
    Queue.SUPERVISED: lazy("👁 Supervised"),
    Queue.ANSWERED: lazy("📄 Answered by me"),
    Queue.ALL: lazy("🗂 All open cases"),
}
HEADINGS = {
    Queue.MINE: lazy("<b>My cases</b>"),
    Queue.UNASSIGNED: lazy("<b>Cases that nobody has taken</b>"),
    Queue.OVERDUE: lazy("<b>Overdue cases</b>"),
    Queue.SUPERVISED: lazy("<b>Supervised cases</b>"),
    Queue.ANSWERED: lazy("<b>My cases that are answered and not closed</b>"),
    Queue.DEPARTMENT: lazy("<b>Cases of this office</b>"),
    Queue.ALL: lazy("<b>All open cases</b>"),
}
_COUNTED = {
    Queue.MINE: "mine",
    Queue.UNASSIGNED: "unassigned",
    Queue.OVERDUE: "overdue",
    Queue.SUPERVISED: "supervised",
}
_VIEWS = {
    Queue.MINE: Wanted(view=QueueView.MINE),
    Queue.UNASSIGNED: Wanted(view=QueueView.UNASSIGNED),
    Queue.OVERDUE: Wanted(view=QueueView.OVERDUE),
    Queue.SUPERVISED: Wanted(supervised=True),
    Queue.ANSWERED: Wanted(view=QueueView.MINE, state=CaseState.ANSWERED),
}


@staff_only
async def show_desk(update: Update, ctx: Context, tap: OpenDesk) -> None:
    # A look at the queue tells at once whether this account may see it at all.
    mine = await ctx.backend.queue(ctx.chat_id, view=QueueView.MINE, limit=1, counted=True)
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                ctx.t("<b>Complaints</b>"),
                ctx.t("The one of yours that is due first:") if mine.cases else ctx.t("You have no open case."),
                *(screens.queue_line(ctx, case) for case in mine.cases),
            ],
        ),
        rows(
            *pairs(button(case.number, OpenCase(case.number)) for case in mine.cases),
            *pairs(button(_label(ctx, queue, mine.counts), ShowQueue(queue)) for queue in KEYS),
            [
                button(ctx.plain("🏢 By office"), PickDepartment()),
                button(ctx.plain("🔎 By number"), FindCase()),
            ],
            button(ctx.plain("⬅️ Back"), OpenStaff()),
        ),
        personal=True,
    )


def _label(ctx: Context, queue: Queue, counts: QueueCounts | None) -> str:
    """A key, with how many cases it shows."""
    label, count = ctx.plain(KEYS[queue]), getattr(counts, _COUNTED.get(queue, ""), 0)
    if not count:
        return label
    return f"{label} ({count})" if count < MOST_COUNTED else f"{label} ({MOST_COUNTED - 1}+)"


@staff_only
async def show_queue(update: Update, ctx: Context, tap: ShowQueue) -> None:
    if tap.queue is Queue.DEPARTMENT and not 0 < (tap.department_id or 0) < 2**63:
        await _pick_department(ctx, 0)
        return
    wanted = _VIEWS.get(tap.queue, Wanted())
    if tap.queue is Queue.DEPARTMENT and tap.department_id is not None:
        wanted = Wanted(department_id=tap.department_id)
    cursor = tap.cursor
    try:
        page = await ctx.backend.queue(ctx.chat_id, **wanted, cursor=cursor or None, limit=PAGE)
    except InvalidInput:
        # A button of an older version of the list.
        cursor = ""
        page = await ctx.backend.queue(ctx.chat_id, **wanted, limit=PAGE)
    heading = ctx.t(HEADINGS[tap.queue])
    first = [button(ctx.plain("⏮ First page"), ShowQueue(tap.queue, tap.department_id))] if cursor else []
    more = []
    if page.next_cursor is not None:
        more = [button(ctx.plain("More ▶"), ShowQueue(tap.queue, tap.department_id, page.next_cursor))]
    back = PickDepartment() if tap.queue is Queue.DEPARTMENT else OpenDesk()
    await ctx.edit_or_reply(
        _listed(ctx, heading, page.cases),
        rows(*_numbers(page), first + more, button(ctx.plain("⬅️ Back"), back)),
        personal=True,
    )


def _listed(ctx: Context, heading: Html, cases: list[QueuedCase]) -> Html:
    if not cases:
        return join("\n\n", [heading, ctx.t("There is none.")])
    lines = [screens.queue_line(ctx, case) for case in cases]
    return join("\n\n", [heading, *lines, ctx.t("Press a number to open it.")])


def _numbers(page: QueuePage) -> list[list[InlineKeyboardButton]]:
    return pairs(button(f"{_light(case)} {case.number}", OpenCase(case.number)) for case in page.cases)


def _light(case: QueuedCase) -> str:
    return staff_terms.LIGHTS[case.light] if case.light else staff_terms.NO_LIGHT


# --- by department ---


@staff_only
async def pick_department(update: Update, ctx: Context, tap: PickDepartment) -> None:
    await _pick_department(ctx, tap.page)


async def _pick_department(ctx: Context, number: int) -> None:
    page = Page(await ctx.backend.departments(ctx.chat_id), number)
    await ctx.edit_or_reply(
        ctx.t("Whose cases?") if page.items else ctx.t("There is no office yet that takes cases."),
        rows(
            *(button(one.name, ShowQueue(Queue.DEPARTMENT, one.id)) for one in page.items),
            turning(ctx, page.number, page.count, PickDepartment),
            button(ctx.plain("⬅️ Back"), OpenDesk()),
        ),
        personal=True,
    )


# --- by number ---


@staff_only
async def ask_number(update: Update, ctx: Context, tap: FindCase) -> None:
    await ctx.backend.queue(ctx.chat_id, view=QueueView.MINE, limit=1)
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name == Step.NUMBER:
        ctx.session.end_dialog()
    ctx.session.interrupt_with(Step.NUMBER)
    await _ask(ctx)


@staff_only
async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    await ctx.remove_buttons()
    await _ask(ctx)


async def _ask(ctx: Context, note: Html | None = None) -> None:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at the step only
    question = ctx.t(
        "Please send the number of the case: all of it, such as {example}, or only the digits at its end.",
        example="2026-000123",
    )
    await ctx.reply(join("\n\n", [note, question]), rows(button(ctx.plain("✖️ Cancel"), Drop(dialog.id))))


@staff_only
async def take_number(update: Update, ctx: Context) -> None:
    page = await _numbered(ctx, given(update))
    if not page.cases:
        await _ask(ctx, ctx.t("No case has this number. Please check it."))
        return
    ctx.session.end_dialog()
    await _show_found(ctx, page)


async def show_numbered(ctx: Context, text: str) -> bool:
    """What an officer typed of their own accord may be the number of a case; False: of none that they may see."""
    try:
        page = await _numbered(ctx, text)
    except NotAllowed:
        return False
    if page.cases:
        await _show_found(ctx, page)
    return bool(page.cases)


async def _numbered(ctx: Context, text: str) -> QueuePage:
    number = unicodedata.normalize("NFKC", text).replace(" ", "").replace("\0", "")
    if not 0 < len(number) <= LONGEST_NUMBER:
        return QueuePage(cases=[], next_cursor=None)
    return await ctx.backend.queue(ctx.chat_id, number=number)


async def _show_found(ctx: Context, page: QueuePage) -> None:
    if len(page.cases) == 1:
        await show(ctx, page.cases[0].number)
        return
    heading = ctx.t("<b>Which of them?</b>")
    await ctx.reply(
        _listed(ctx, heading, page.cases), rows(*_numbers(page), button(ctx.plain("⬅️ Back"), OpenDesk())), personal=True
    )


@staff_only
async def not_a_number(update: Update, ctx: Context) -> None:
    await _ask(ctx, ctx.t("Please write it as a text."))


HANDLERS = [
    CallbackHandler(OpenDesk, show_desk),
    CallbackHandler(ShowQueue, show_queue),
    CallbackHandler(PickDepartment, pick_department),
    CallbackHandler(FindCase, ask_number),
    CallbackHandler(Resume, resume, dialog="staff_queue"),
    MessageHandler(InDialog(Step.NUMBER) & filters.TEXT, take_number),
    MessageHandler(InDialog(Step.NUMBER) & filters.ALL, not_a_number),
]
