"""Where a complaint's conversation stands, and putting the question of that step."""

from api.cases.schemas import CaseCategory, SimilarCases
from bot.backend import BackendError
from bot.context import Context
from handlers import complaint_screens as screens
from handlers.complaint_draft import Draft, DraftHome, Step
from handlers.content import Screen
from locales import Html, join


def is_complaint(ctx: Context) -> bool:
    dialog = ctx.session.dialog
    return dialog is not None and dialog.name in set(Step)


def standing(ctx: Context) -> tuple[Step, Draft]:
    """The step and the draft of the current conversation, which must be a complaint."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - the handlers match in a complaint only
    return Step(dialog.name), Draft.model_validate(dialog.data["draft"])


def go(ctx: Context, step: Step, draft: Draft, *, dropping: bool = False) -> None:
    """Stand at a step from now on, with this draft.

    Args:
        dropping: it is asked whether all is to be thrown away.
    """
    draft.dropping = dropping
    if step is Step.SUMMARY:
        draft.changing = False
    ctx.session.go(step, draft=draft.model_dump(mode="json", exclude_defaults=True))


def begin_with(ctx: Context, home: DraftHome | None) -> None:
    """A new draft in a new conversation."""
    draft = Draft(home=home)
    ctx.session.start_dialog(Step.CATEGORY)
    go(ctx, draft.after(Step.CATEGORY), draft)


async def screen(ctx: Context, page: int = 0) -> Screen:
    """The question of the step that the conversation stands at."""
    step, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    if step is Step.HOME:
        return screens.home(ctx, dialog.id, screens.choices(await ctx.backend.homes(ctx.chat_id)), page)
    if step is Step.TEXT and draft.home is not None and draft.category is not None and not draft.text:
        return screens.text(ctx, draft, dialog.id, await _similar(ctx, draft.home, draft.category))
    show = {
        Step.CATEGORY: screens.category,
        Step.TEXT: screens.text,
        Step.FILES: screens.files,
        Step.SUMMARY: screens.summary,
    }[step]
    return show(ctx, draft, dialog.id)


async def _similar(ctx: Context, home: DraftHome, category: CaseCategory) -> SimilarCases | None:
    """What there is already about it. Whoever cannot be told of that can write all the same."""
    try:
        return await ctx.backend.similar_cases(
            ctx.chat_id, home.agreement.id, category, home.unit.id if home.unit else None
        )
    except BackendError:
        return None


async def ask(ctx: Context, *notes: Html | None) -> int:
    """Put the question in a new message, below what there is to say about what was sent. Returns the message's id."""
    question, keyboard = await screen(ctx)
    return await ctx.reply(join("\n\n", [*notes, question]), keyboard, personal=True)


async def ask_in_place(ctx: Context, *, page: int = 0) -> None:
    """Put the question where the tapped button was."""
    question, keyboard = await screen(ctx, page)
    await ctx.edit_or_reply(question, keyboard, personal=True)
