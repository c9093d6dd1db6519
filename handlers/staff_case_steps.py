"""Steps with a case: a tap, or a conversation of few questions that ends in a preview and one confirmation.

The dialog's id is the idempotency key of its step, so a redelivered tap takes it once. The case's version goes with
every step: of two officers who press at once one wins, and the other is told who, and sees the case as it stands now.
What somebody had written by then is kept.
"""

from telegram import Update

from api.cases.schemas import CaseAction, PointsAt, StaffCaseOut
from bot.backend import CaseChanged, InvalidInput, NotAllowed, NotAllowedNow, NotFound, OwnAnswer, SaysWho
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.drafts import Drop, Resume
from bot.ui import button, lines, rows
from handlers import staff_case_picks, staff_case_text, staff_terms
from handlers import staff_case_screens as screens
from handlers.facts import listed, quoted
from handlers.passages import packed, passages
from handlers.staff_case import TakeStep, find, show, show_case
from handlers.staff_case_draft import AT_ONCE, ROADS, Draft, Step
from handlers.staff_case_questions import (
    Again,
    Confirm,
    DropForGood,
    Preview,
    RemoveFile,
    Rewrite,
    ask,
    ask_again,
    go,
    standing,
)
from handlers.staff_menu import staff_only
from locales import Html, join

SUPERVISORS = frozenset((CaseAction.SUPERVISE, CaseAction.UNSUPERVISE))
"""Of an open case a supervisor can always do one of them, and nobody else can."""


@staff_only
async def take_step(update: Update, ctx: Context, tap: TakeStep) -> None:
    if not 0 < tap.version < 2**31:
        # What no button of ours bore.
        await show(ctx, tap.number)
    elif tap.action in AT_ONCE:
        # Who taps twice does it once: the key is the same.
        key = f"{tap.number}:{tap.version}:{tap.action.value}"
        await _take_at_once(ctx, tap, key)
    else:
        await _begin(ctx, tap)


async def _take_at_once(ctx: Context, tap: TakeStep, key: str) -> None:
    step = Draft(number=tap.number, version=tap.version, action=tap.action).as_step()
    try:
        case = await ctx.backend.act_on_case(ctx.chat_id, tap.number, step, version=tap.version, idempotency_key=key)
    except (CaseChanged, NotAllowedNow) as refused:
        await _show_refused(ctx, tap.number, tap.version, refused)
    except OwnAnswer:
        await show(ctx, tap.number, _own_answer(ctx))
    except NotAllowed:
        await _show_not_yours(ctx, tap.number)
    except NotFound:
        await show(ctx, tap.number)
    else:
        await show_case(ctx, case, ctx.t("✔️ Done."))


async def _begin(ctx: Context, tap: TakeStep) -> None:
    case = await find(ctx, tap.number)
    if case is None:
        return
    if case.version != tap.version or tap.action not in case.allowed or tap.action not in ROADS:
        note = screens.changes(ctx, case, tap.version) or _possible(ctx, case)
        await show_case(ctx, case, note)
        return
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name in set(Step):
        _, draft = standing(ctx)
        same = (draft.number, draft.action) == (tap.number, tap.action)
        if draft.has_content or same:
            await ask(ctx, None if same else ctx.t("You had begun this. Please finish it first, or cancel it."))
            return
        ctx.session.end_dialog()
    supervises = not SUPERVISORS.isdisjoint(case.allowed)
    draft = Draft(number=case.number, version=case.version, action=tap.action, supervises=supervises)
    draft.look_at(case)
    ctx.session.interrupt_with(draft.next())
    go(ctx, draft.next(), draft)
    await ask(ctx)


def _possible(ctx: Context, case: StaffCaseOut) -> Html:
    steps = [staff_terms.bare_step(ctx.words, action) for action in staff_terms.ACTIONS if action in case.allowed]
    if not steps:
        return ctx.t("<b>That is not possible as the case stands now.</b>")
    return ctx.t(
        "<b>That is not possible as the case stands now.</b> Possible: {steps}.", steps=listed(steps, ctx.words)
    )


# --- question by question ---


@staff_only
async def resume(update: Update, ctx: Context, tap: Resume) -> None:
    await ctx.remove_buttons()
    await ask(ctx)


@staff_only
async def preview(update: Update, ctx: Context, tap: Preview) -> None:
    _, draft = standing(ctx)
    await ctx.remove_buttons()
    go(ctx, draft.next(), draft)
    await ask(ctx)


@staff_only
async def rewrite(update: Update, ctx: Context, tap: Rewrite) -> None:
    _, draft = standing(ctx)
    draft.text = ""
    await ctx.remove_buttons()
    go(ctx, Step.TEXT if Step.TEXT in draft.road() else Step.CONFIRM, draft)
    await ask(ctx)


@staff_only
async def remove_file(update: Update, ctx: Context, tap: RemoveFile) -> None:
    step, draft = standing(ctx)
    # Retention deletes it: it is part of no case.
    draft.files = [file for file in draft.files if file.id != tap.attachment_id]
    go(ctx, step, draft)
    await ask_again(ctx)


@staff_only
async def again(update: Update, ctx: Context, tap: Again | None = None) -> None:
    _, draft = standing(ctx)
    await ctx.remove_buttons()
    await _from_the_start(ctx, draft)


async def _from_the_start(ctx: Context, draft: Draft, *notes: Html | None) -> None:
    fresh = draft.model_copy(
        update={
            "department_id": None,
            "department": "",
            "officer_id": None,
            "officer": "",
            "procedure": None,
            "outcome": None,
            "days": 0,
            "approved_by": "",
        }
    )
    go(ctx, fresh.road()[0], fresh)
    await ask(ctx, *notes)


# --- the end ---


@staff_only
async def confirm(update: Update, ctx: Context, tap: Confirm) -> None:
    step, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    if step is not Step.CONFIRM or draft.next() is not Step.CONFIRM or tap.seal != draft.seal():
        go(ctx, draft.next(), draft)
        await ask(ctx, ctx.t("You changed something after that. Please look at it once more."))
        return
    try:
        case = await ctx.backend.act_on_case(
            ctx.chat_id,
            draft.number,
            draft.as_step(),
            version=draft.version,
            # What was changed after an answer that got lost is another step.
            idempotency_key=f"{dialog.id}-{draft.seal()}",
        )
    except CaseChanged:
        await _keep_and_ask(ctx, draft)
    except NotAllowedNow as refused:
        ctx.session.end_dialog()
        await _give_back(ctx, draft)
        await _show_refused(ctx, draft.number, draft.version, refused, below=True)
    except OwnAnswer:
        ctx.session.end_dialog()
        await _give_back(ctx, draft)
        await show(ctx, draft.number, _own_answer(ctx), below=True)
    except NotAllowed:
        ctx.session.end_dialog()
        await _give_back(ctx, draft)
        await _show_not_yours(ctx, draft.number, below=True)
    except SaysWho as refused:
        await _write_it_anew(ctx, draft, [PointsAt(part) for part in refused.details["parts"]])
    except (InvalidInput, NotFound):
        await _something_is_gone(ctx, draft)
    else:
        ctx.session.end_dialog()
        await show_case(
            ctx, case, ctx.t("✔️ Done: {step}", step=staff_terms.bare_step(ctx.words, draft.action)), below=True
        )
        # Last: while the answer has not arrived, pressing once more brings it.
        await ctx.remove_buttons()


@staff_only
async def confirmed_before(update: Update, ctx: Context, tap: Confirm) -> None:
    """ "Yes" of a conversation that is over: pressed twice, or cancelled."""
    await ctx.remove_buttons()
    await show(ctx, tap.number, ctx.t("This is done already, or was cancelled. The case stands so:"), below=True)


async def _keep_and_ask(ctx: Context, draft: Draft) -> None:
    """Somebody did something meanwhile: what was begun is kept, where it is still possible."""
    case = await find(ctx, draft.number)
    if case is None:
        ctx.session.end_dialog()
        await _give_back(ctx, draft)
        return
    note = screens.changes(ctx, case, draft.version)
    if draft.action not in case.allowed:
        ctx.session.end_dialog()
        await _give_back(ctx, draft)
        await show_case(ctx, case, join("\n\n", [note, _possible(ctx, case)]), below=True)
        return
    draft.look_at(case)
    go(ctx, Step.CONFIRM, draft)
    await ctx.remove_buttons()
    # By itself: what was said meanwhile and a long answer do not fit into one message.
    if note is not None:
        await ctx.reply(note, personal=True)
    await ask(ctx, ctx.t("What you had begun is kept. Please look at it once more:"))


async def _give_back(ctx: Context, draft: Draft) -> None:
    """What an officer had written for a step that is not possible any more."""
    if draft.action is CaseAction.MERGE or not draft.has_content:
        return
    await ctx.remove_buttons()
    if draft.files:
        await ctx.reply(
            ctx.n(
                "{n} file was not sent. It is above in this chat.",
                "{n} files were not sent. They are above in this chat.",
                len(draft.files),
            )
        )
    if not draft.text:
        return
    heading = ctx.t("<b>Your text was not sent. Here it is, should you need it:</b>")
    for message in packed(heading, [quoted(part, len(part)) for part in passages(draft.text)]):
        await ctx.reply(message, personal=True)


async def _write_it_anew(ctx: Context, draft: Draft, parts: list[PointsAt]) -> None:
    """The building would have read whose complaint it is."""
    held = listed([ctx.t(staff_terms.POINTS_AT[part]) for part in parts], ctx.words)
    note = join(
        "\n",
        [
            ctx.t(
                "<b>Nothing was shown to anybody.</b> Neighbours could tell whose complaint it is by {held}:", held=held
            ),
            quoted(draft.text, len(draft.text)),
        ],
    )
    draft.text = ""
    go(ctx, Step.TEXT, draft)
    await ctx.remove_buttons()
    await ask(ctx, note)


async def _show_refused(
    ctx: Context, number: str, version: int, refused: CaseChanged | NotAllowedNow, *, below: bool = False
) -> None:
    case = await find(ctx, number)
    if case is None:
        return
    changed = screens.changes(ctx, case, version)
    possible = _possible(ctx, case) if isinstance(refused, NotAllowedNow) or changed is None else None
    await show_case(ctx, case, join("\n\n", [changed, possible]), below=below)


def _own_answer(ctx: Context) -> Html:
    return ctx.t("<b>You gave the answer yourself, so somebody else decides the review.</b>")


async def _show_not_yours(ctx: Context, number: str, *, below: bool = False) -> None:
    """Whoever has lost the account meanwhile is told so instead, by ``staff_only``."""
    await show(ctx, number, ctx.t("<b>Your account may not do this with this case.</b>"), below=below)


async def _something_is_gone(ctx: Context, draft: Draft) -> None:
    """An office or officer that takes no cases any more, files that are not stored any more, an approval that is needed
    after all; what was written is kept."""
    await ctx.remove_buttons()
    if draft.files:
        draft.files.clear()
        go(ctx, Step.TEXT, draft)
        note = ctx.t("The files are not there any more. Please send them once more; everything else is kept.")
        await ask(ctx, note)
    elif draft.action is CaseAction.MERGE:
        draft.text = ""
        go(ctx, Step.TEXT, draft)
        await ask(ctx, ctx.t("It cannot be put together with that one: there is no other open case with this number."))
    elif draft.action is CaseAction.EXTEND:
        draft.supervises = False
        go(ctx, draft.next(), draft)
        await ask(ctx)
    else:
        await _from_the_start(ctx, draft, ctx.t("That is not possible any more. Please begin once more."))


@staff_only
async def drop(update: Update, ctx: Context, tap: Drop | None = None) -> None:
    """Cancel; what took effort is not thrown away by one wrong touch."""
    _, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    # Whoever has only named another case can do so again.
    if not draft.has_content or draft.action is CaseAction.MERGE:
        await drop_for_good(update, ctx)
        return
    await ctx.reply(
        lines(
            ctx.t("<b>Throw away what you entered?</b>"),
            ctx.t("It cannot be brought back. Nothing was done with the case."),
        ),
        rows(
            button(ctx.plain("No, go on"), Resume(dialog.id)),
            button(ctx.plain("🗑 Yes, throw it away"), DropForGood(dialog.id)),
        ),
    )


@staff_only
async def drop_for_good(update: Update, ctx: Context, tap: DropForGood | None = None) -> None:
    _, draft = standing(ctx)
    ctx.session.end_dialog()
    await ctx.remove_buttons()
    await show(ctx, draft.number, ctx.t("Cancelled. Nothing was done with the case."), below=True)


HANDLERS = [
    CallbackHandler(TakeStep, take_step),
    CallbackHandler(Resume, resume, dialog="staff_case"),
    CallbackHandler(Preview, preview, dialog="staff_case"),
    CallbackHandler(Rewrite, rewrite, dialog="staff_case"),
    CallbackHandler(RemoveFile, remove_file, dialog="staff_case"),
    CallbackHandler(Again, again, dialog="staff_case"),
    CallbackHandler(Confirm, confirm, dialog="staff_case"),
    CallbackHandler(Confirm, confirmed_before, any_dialog=True),
    CallbackHandler(Drop, drop, dialog="staff_case"),
    CallbackHandler(DropForGood, drop_for_good, dialog="staff_case"),
    CommandHandler("cancel", drop, dialog="staff_case", reminds=False),
    *staff_case_picks.HANDLERS,
    *staff_case_text.HANDLERS,
]
