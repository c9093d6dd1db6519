"""Where a conversation about one complaint stands, and putting the question of that step."""

from telegram import InlineKeyboardButton

from api.cases.schemas import CaseAction
from bot.context import Context
from bot.drafts import Drop, remind_of_draft
from bot.ui import button, lines, rows
from handlers.case_buttons import AsNew, Choose, Finish, RemoveFile, Rewrite, Send, ShowCase, Solved, Stars, Withdraw
from handlers.case_draft import CaseDraft, Step
from handlers.case_screens import ACTIONS
from handlers.content import Screen
from handlers.facts import enclosures, listed, quoted
from locales import Html, join, lazy

STARS = {
    5: lazy("⭐⭐⭐⭐⭐ Very good"),
    4: lazy("⭐⭐⭐⭐ Good"),
    3: lazy("⭐⭐⭐ So-so"),
    2: lazy("⭐⭐ Poor"),
    1: lazy("⭐ Very poor"),
}
SOLVED = {
    True: lazy("✅ Yes, solved"),
    False: lazy("❌ No, not solved"),
    None: lazy("🤔 I cannot say yet"),
}

SEND = lazy("✅ Send to the office")


def is_about_case(ctx: Context) -> bool:
    dialog = ctx.session.dialog
    return dialog is not None and dialog.name in set(Step)


def standing(ctx: Context) -> tuple[Step, CaseDraft]:
    """The step and the draft of the current conversation, which must be about a complaint."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - the handlers match in such a conversation only
    return Step(dialog.name), CaseDraft.model_validate(dialog.data["draft"])


def go(ctx: Context, step: Step, draft: CaseDraft, *, dropping: bool = False) -> None:
    """Stand at a step from now on, with this draft.

    Args:
        dropping: it is asked whether all is to be thrown away.
    """
    draft.dropping = dropping
    ctx.session.go(step, draft=draft.model_dump(mode="json", exclude_defaults=True))


def begin(ctx: Context, step: Step, draft: CaseDraft) -> None:
    """A new conversation; one of another sort that was going on waits until this has ended."""
    if is_about_case(ctx):
        ctx.session.end_dialog()
    ctx.session.interrupt_with(step)
    go(ctx, step, draft)


async def is_busy(ctx: Context) -> bool:
    """Whether something was begun that took effort and is not sent yet; the person then has been shown it."""
    if not is_about_case(ctx) or not standing(ctx)[1].has_content:
        return False
    await ask(ctx, ctx.t("You had begun this, and it is not sent yet. Please send it first, or cancel it:"))
    return True


async def remind(ctx: Context) -> None:
    """Of the conversation that was interrupted, if one was."""
    if ctx.session.dialog is not None:
        await remind_of_draft(ctx, ctx.session.dialog)


async def screen(ctx: Context) -> Screen:
    """The question of the step that the conversation stands at."""
    step, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    cancel = button(ctx.plain("✖️ Cancel"), Drop(dialog.id))
    match step:
        case Step.SAY:
            return _say(ctx, draft, dialog.id, cancel)
        case Step.OFFER:
            return _offer(ctx, draft, dialog.id, [CaseAction(name) for name in dialog.data["allowed"]], cancel)
        case Step.RATE:
            return (
                ctx.t("<b>How do you rate the answer to complaint {number}?</b>", number=draft.number),
                rows(
                    *(button(ctx.plain(text), Stars(dialog.id, draft.number, n)) for n, text in STARS.items()), cancel
                ),
            )
        case Step.SOLVED:
            return (
                ctx.t(
                    "<b>Is the matter itself solved?</b>\nOnly you can tell; the office does not count it otherwise."
                ),
                rows(
                    *(button(ctx.plain(text), Solved(dialog.id, draft.number, said)) for said, text in SOLVED.items()),
                    cancel,
                ),
            )
        case Step.WHY:
            return (
                join(
                    "\n",
                    [
                        ctx.t("<b>This is what you wrote:</b>"),
                        quoted(draft.text),
                        ctx.t("To add something, just send it. If it is right, press “Finish”."),
                    ],
                )
                if draft.text
                else ctx.t("<b>Why do you think so?</b>\nWrite it in a few words, or press “Finish” to leave it out."),
                rows(button(ctx.plain("✅ Finish"), Finish(dialog.id, draft.number)), cancel),
            )
        case Step.WITHDRAW:
            asked = (
                lines(
                    ctx.t("<b>Withdraw the request for a review of complaint {number}?</b>", number=draft.number),
                    ctx.t(
                        "The answer then stands as it is, and you cannot ask for this review again. This cannot be "
                        "undone."
                    ),
                )
                if draft.of_review
                else lines(
                    ctx.t("<b>Withdraw complaint {number}?</b>", number=draft.number),
                    ctx.t(
                        "The office then stops working on it, and this cannot be undone. About the same matter you can "
                        "file a new complaint at any time."
                    ),
                )
            )
            return (
                asked,
                rows(
                    button(ctx.plain("No, keep it"), Drop(dialog.id)),
                    button(ctx.plain("↩️ Yes, withdraw it"), Withdraw(dialog.id, draft.number)),
                ),
            )


def _say(ctx: Context, draft: CaseDraft, dialog_id: str, cancel: InlineKeyboardButton) -> Screen:
    last = draft.files[-1] if draft.files else None
    files = [button(ctx.plain("🗑 Remove the last file"), RemoveFile(dialog_id, draft.number, last.id))] if last else []
    heading = join(
        "\n",
        [
            ctx.t("<b>{what}</b> · complaint {number}", what=ctx.plain(ACTIONS[draft.action]), number=draft.number),
            quoted(draft.question) if draft.question else None,
        ],
    )
    if draft.rewriting or not draft.has_content:
        asked = (
            ctx.t("Please send the new text. It takes the place of the old one; until then the old one stays.")
            if draft.rewriting
            else _what_to_write(ctx, draft.action)
        )
        return join("\n\n", [heading, asked]), rows(files, cancel)
    ready = draft.is_complete
    way_on = (
        ctx.t("Nothing is sent yet. Press “Send to the office” when it is right; to add something, just send it.")
        if ready
        else ctx.t("Now please write a few words as well: the office needs a reason.")
    )
    return (
        join("\n\n", [heading, collected(ctx, draft), way_on]),
        rows(
            button(ctx.plain(SEND), Send(dialog_id, draft.number, draft.seal())) if ready else None,
            button(ctx.plain("✏️ Rewrite"), Rewrite(dialog_id, draft.number)) if draft.text else None,
            files,
            cancel,
        ),
    )


def collected(ctx: Context, draft: CaseDraft) -> Html:
    kept = listed(enclosures([file.kind for file in draft.files], ctx.words, location=False), ctx.words)
    return join(
        "\n",
        [
            ctx.t("<b>This is what you wrote:</b>") if draft.text else None,
            quoted(draft.text) if draft.text else None,
            ctx.t("Enclosed: {contents}", contents=kept) if kept else None,
        ],
    )


def _what_to_write(ctx: Context, action: CaseAction) -> Html:
    match action:
        case CaseAction.REPLY:
            return ctx.t("<b>Please write your answer.</b> Photos and documents are fine too.")
        case CaseAction.REOPEN:
            return ctx.t(
                "<b>Please write what is not settled.</b> Photos are fine too. The office then works on it again, and "
                "has 60 days for a new answer."
            )
        case CaseAction.REQUEST_REVIEW:
            return ctx.t(
                "<b>Please write what in the answer you do not agree with, and why.</b> The body above the one that "
                "answered looks at it again and tells you the result in writing within 30 days (Regulations on "
                "Petition Work, article 35)."
            )
        case CaseAction.REQUEST_SECOND_REVIEW:
            return ctx.t(
                "<b>Please write what in the result of the review you do not agree with, and why.</b> The next higher "
                "body looks at it and tells you the result in writing within 30 days; that result is final "
                "(Regulations on Petition Work, article 36)."
            )
    return ctx.t("<b>Please send what you would like to add</b>: words, photos or documents.")


def _offer(
    ctx: Context, draft: CaseDraft, dialog_id: str, allowed: list[CaseAction], cancel: InlineKeyboardButton
) -> Screen:
    """A reply to a complaint to which nothing can be added: nobody guesses what is meant."""
    return (
        join(
            "\n\n",
            [
                ctx.t(
                    "Your words about complaint {number} are with the office. Only these files have not gone to "
                    "anybody yet: nothing can be added to it now.",
                    number=draft.number,
                )
                if draft.words_sent
                else ctx.t(
                    "Complaint {number} is no longer being worked on, so what you sent has not gone to anybody yet.",
                    number=draft.number,
                ),
                collected(ctx, draft),
                ctx.t("<b>What shall become of it?</b>"),
            ],
        ),
        rows(
            *(
                button(ctx.plain(label), Choose(dialog_id, draft.number, action))
                for action, label in ACTIONS.items()
                if action in allowed
            ),
            button(ctx.plain("🆕 File it as a new complaint"), AsNew(dialog_id, draft.number)),
            button(ctx.plain("🔎 See the complaint"), ShowCase(draft.number)),
            cancel,
        ),
    )


async def ask(ctx: Context, *notes: Html | None) -> None:
    """Put the question in a new message, below what there is to say about what was sent."""
    question, keyboard = await screen(ctx)
    await ctx.reply(join("\n\n", [*notes, question]), keyboard, personal=True)


async def ask_in_place(ctx: Context) -> None:
    """Put the question where the tapped button was."""
    question, keyboard = await screen(ctx)
    await ctx.edit_or_reply(question, keyboard, personal=True)
