"""/complain: category, home, text, files, summary; the number and the clock once it is filed.

The draft lives in the dialog, so it survives every restart. Nothing that a person enters is lost by going back, by
another command in between, or by a failure; pressing "Submit" twice files one case.
"""

from telegram import Update

from bot.backend import InvalidInput, NotFound
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.drafts import Drop, Resume, remind_of_draft
from bot.ui import OpenMenuBelow, button, lines, rows
from handlers import complaint_content, complaint_together, verification
from handlers import complaint_screens as screens
from handlers.case_buttons import ShowCase
from handlers.case_screens import acknowledgement
from handlers.case_steps import is_busy
from handlers.complaint_draft import Draft, Step
from handlers.complaint_screens import (
    Back,
    Change,
    Continue,
    DropForGood,
    PickCategory,
    PickHome,
    RemoveFile,
    RemoveLocation,
    Rewrite,
    StartAnew,
    Submit,
    TurnHomes,
)
from handlers.complaint_steps import ask, ask_in_place, begin_with, go, is_complaint, standing
from handlers.content import give_back, give_files_back
from handlers.gate import explain_gate
from handlers.lookups import explain_nothing
from handlers.menu import OpenComplaint, main_menu


async def is_at_the_desk(ctx: Context) -> bool:
    """Whether an officer, who may be a resident as well, has begun something for the office, which is not to be lost;
    they then have been shown it."""
    dialog = ctx.session.dialog
    if dialog is None or not dialog.name.startswith("staff_"):
        return False
    await remind_of_draft(ctx, dialog)
    return True


async def begin(update: Update, ctx: Context, tap: OpenComplaint | None = None) -> None:
    if await is_busy(ctx) or await is_at_the_desk(ctx):
        return
    if ctx.session.dialog is not None and not is_complaint(ctx):
        # Whoever asks for a complaint now has left the other conversation behind.
        await verification.leave(ctx)
    if is_complaint(ctx):
        await _offer_to_continue(ctx)
        return
    if not ctx.session.linked:
        await explain_gate(ctx)
        return
    await _begin_anew(ctx)


async def _begin_anew(ctx: Context) -> None:
    homes = screens.choices(await ctx.backend.homes(ctx.chat_id))
    if not homes:
        ctx.session.dialog = None
        await explain_nothing(ctx)
        return
    begin_with(ctx, homes[0] if len(homes) == 1 else None)
    await ask(ctx)


async def _offer_to_continue(ctx: Context) -> None:
    _, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    if not draft.has_content and draft.category is None:
        await ask(ctx)
        return
    await ctx.reply(
        screens.offer_to_continue(ctx, draft),
        rows(
            button(ctx.plain("➡️ Continue"), Resume(dialog.id)),
            button(ctx.plain("🆕 Start over"), StartAnew(dialog.id)),
        ),
        personal=True,
    )


async def start_anew(update: Update, ctx: Context, tap: StartAnew) -> None:
    await ctx.remove_buttons()
    await give_files_back(ctx, standing(ctx)[1].files)
    await _begin_anew(ctx)


async def resume(update: Update, ctx: Context, tap: Resume | None = None) -> None:
    go(ctx, *standing(ctx))
    await ctx.remove_buttons()
    await ask(ctx)


# --- step by step ---


async def pick_category(update: Update, ctx: Context, tap: PickCategory) -> None:
    step, draft = standing(ctx)
    draft.category = tap.category
    go(ctx, draft.after(step) if step is Step.CATEGORY else step, draft)
    await ask_in_place(ctx)


async def pick_home(update: Update, ctx: Context, tap: PickHome) -> None:
    step, draft = standing(ctx)
    for choice in screens.choices(await ctx.backend.homes(ctx.chat_id)):
        unit_id = choice.unit.id if choice.unit else None
        if (choice.agreement.id, unit_id) == (tap.agreement_id, tap.unit_id):
            draft.home = choice
            go(ctx, draft.after(step) if step is Step.HOME else step, draft)
            await ask_in_place(ctx)
            return
    await _home_is_gone(ctx, draft)


async def turn_homes(update: Update, ctx: Context, tap: TurnHomes) -> None:
    await ask_in_place(ctx, page=tap.page)


async def go_on(update: Update, ctx: Context, tap: Continue) -> None:
    step, draft = standing(ctx)
    go(ctx, draft.after(step), draft)
    await ask_in_place(ctx)


async def back(update: Update, ctx: Context, tap: Back | None = None) -> None:
    step, draft = standing(ctx)
    before = draft.before(step)
    if before is None and not draft.has_content:
        ctx.session.end_dialog()
        await ctx.edit_or_reply(ctx.t("What would you like to know?"), main_menu(ctx), personal=True)
        return
    if before is None:
        await ctx.edit_or_reply(
            ctx.t("What would you like to know? Your complaint waits for you under “File a complaint”."),
            main_menu(ctx),
            personal=True,
        )
        return
    draft.rewriting = False
    go(ctx, before, draft)
    await ask_in_place(ctx)


async def rewrite(update: Update, ctx: Context, tap: Rewrite) -> None:
    _, draft = standing(ctx)
    draft.rewriting = True
    go(ctx, Step.TEXT, draft)
    await ask_in_place(ctx)


async def change(update: Update, ctx: Context, tap: Change) -> None:
    _, draft = standing(ctx)
    missing = draft.after(Step.SUMMARY)
    # The button stands below a complete summary only, but an app that is not Telegram's own can send it at any step.
    draft.changing = missing is Step.SUMMARY
    go(ctx, tap.step if draft.changing else missing, draft)
    await ask_in_place(ctx)


async def remove_file(update: Update, ctx: Context, tap: RemoveFile) -> None:
    step, draft = standing(ctx)
    draft.files = [file for file in draft.files if file.id != tap.attachment_id]
    await give_back(ctx, tap.attachment_id)
    go(ctx, step, draft)
    await ask_in_place(ctx)


async def remove_location(update: Update, ctx: Context, tap: RemoveLocation) -> None:
    step, draft = standing(ctx)
    draft.location = None
    go(ctx, step, draft)
    await ask_in_place(ctx)


# --- the end ---


async def submit(update: Update, ctx: Context, tap: Submit) -> None:
    _, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    if draft.category is None or draft.home is None or not draft.text or tap.seal != draft.seal():
        go(ctx, draft.after(Step.SUMMARY), draft)
        await ask(ctx, ctx.t("You changed something after that. Please look at it once more."))
        return
    try:
        case = await ctx.backend.file_case(ctx.chat_id, draft.as_case(), idempotency_key=dialog.id)
    except NotFound:
        await _something_is_gone(ctx, draft)
        return
    ctx.session.end_dialog()
    await ctx.reply(
        acknowledgement(ctx, case),
        rows(
            button(ctx.plain("View it"), ShowCase(case.number)),
            button(ctx.plain("Main menu"), OpenMenuBelow()),
        ),
        personal=True,
    )
    # Last: while the receipt has not arrived, pressing "Submit" again brings it.
    await ctx.remove_buttons()


async def submitted_before(update: Update, ctx: Context, tap: Submit) -> None:
    """ "Submit" of a conversation that is over: pressed twice, or delivered twice by Telegram."""
    try:
        cases = (await ctx.backend.cases(ctx.chat_id, idempotency_key=tap.dialog)).cases
    except InvalidInput:
        # No conversation was ever called that.
        cases = []
    if not cases and tap.dialog == ctx.session.interrupted and ctx.session.dialog is not None:
        # The complaint waits until the conversation that came in between has ended.
        await remind_of_draft(ctx, ctx.session.dialog)
        return
    await ctx.remove_buttons()
    if cases:
        number = cases[0].number
        await ctx.answer(ctx.plain("Filed already: number {number}", number=number))
        await ctx.reply(
            ctx.t("This complaint is filed already. Its number is <b>{number}</b>.", number=number),
            rows(button(ctx.plain("View it"), ShowCase(number)), button(ctx.plain("Main menu"), OpenMenuBelow())),
            personal=True,
        )
    else:
        await ctx.reply(ctx.t("This complaint was cancelled and not filed."), main_menu(ctx))


async def _something_is_gone(ctx: Context, draft: Draft) -> None:
    """The home is not linked to this chat any more, or a file is not stored any more; everything else is kept."""
    assert draft.home is not None  # noqa: S101 - only a complete draft is filed
    wanted = draft.home.agreement.id, draft.home.unit.id if draft.home.unit else None
    homes = screens.choices(await ctx.backend.homes(ctx.chat_id))
    if wanted not in {(home.agreement.id, home.unit.id if home.unit else None) for home in homes}:
        await _home_is_gone(ctx, draft)
        return
    draft.files.clear()
    go(ctx, Step.FILES, draft)
    await ask(ctx, ctx.t("The files are not there any more. Please send them once more; everything else is kept."))


async def _home_is_gone(ctx: Context, draft: Draft) -> None:
    homes = screens.choices(await ctx.backend.homes(ctx.chat_id))
    draft.home = homes[0] if len(homes) == 1 else None
    note = ctx.t("That home is not linked to your chat any more. What you wrote is kept.")
    if not homes:
        go(ctx, Step.HOME, draft)
        await ctx.reply(note)
        await explain_nothing(ctx)
        return
    go(ctx, draft.after(Step.SUMMARY), draft)
    await ask(ctx, note)


async def drop(update: Update, ctx: Context, tap: Drop | None = None) -> None:
    """Cancel; a draft that took effort is not thrown away by one wrong touch."""
    step, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    if not draft.has_content:
        await drop_for_good(update, ctx)
        return
    again = draft.dropping
    go(ctx, step, draft, dropping=True)
    await ctx.reply(
        lines(
            ctx.t("So that nothing is lost by mistake, please press a button.") if again else None,
            ctx.t("<b>Throw away what you entered?</b>"),
            ctx.t("It cannot be brought back. Nothing was sent to the office."),
        ),
        rows(
            button(ctx.plain("No, go on"), Resume(dialog.id)),
            button(ctx.plain("🗑 Yes, throw it away"), DropForGood(dialog.id)),
        ),
    )


async def drop_for_good(update: Update, ctx: Context, tap: DropForGood | None = None) -> None:
    await give_files_back(ctx, standing(ctx)[1].files)
    ctx.session.end_dialog()
    await ctx.remove_buttons()
    await ctx.reply(ctx.t("Cancelled. Nothing was sent. What would you like to know?"), main_menu(ctx))


HANDLERS = [
    CommandHandler("complain", begin, reminds=False),
    CallbackHandler(OpenComplaint, begin),
    CallbackHandler(StartAnew, start_anew, dialog="complaint"),
    CallbackHandler(Resume, resume, dialog="complaint"),
    CallbackHandler(PickCategory, pick_category, dialog="complaint"),
    CallbackHandler(PickHome, pick_home, dialog="complaint"),
    CallbackHandler(TurnHomes, turn_homes, dialog=Step.HOME),
    CallbackHandler(Continue, go_on, dialog="complaint"),
    CallbackHandler(Back, back, dialog="complaint"),
    CallbackHandler(Rewrite, rewrite, dialog="complaint"),
    CallbackHandler(Change, change, dialog="complaint"),
    CallbackHandler(RemoveFile, remove_file, dialog="complaint"),
    CallbackHandler(RemoveLocation, remove_location, dialog="complaint"),
    CallbackHandler(Submit, submit, dialog="complaint"),
    CallbackHandler(Submit, submitted_before, any_dialog=True),
    CallbackHandler(Drop, drop, dialog="complaint"),
    CallbackHandler(DropForGood, drop_for_good, dialog="complaint"),
    CommandHandler("cancel", drop, dialog="complaint", reminds=False),
    *complaint_together.HANDLERS,
    *complaint_content.HANDLERS,
]
