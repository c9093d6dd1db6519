"""While a complaint is written: what there is already about the same matter. One's own open complaint can be added to;
what the office answers for several families of the building together can be joined, with a number of one's own."""

from telegram import Update

from api.cases.schemas import CollectiveOffer, JoinIn
from bot.backend import NotFound
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.dispatch import CallbackHandler
from bot.ui import OpenMenuBelow, button, lines, rows
from handlers.case_buttons import ShowCase
from handlers.complaint_draft import Draft, Step
from handlers.complaint_screens import Back, home_label
from handlers.complaint_steps import ask, ask_in_place, standing
from handlers.facts import quoted
from handlers.similar import AskToJoin
from locales import Html


class Join(DialogCallback, prefix="cmp_joins"):
    """File it, together with the others."""

    collective_id: int


async def _offer(ctx: Context, draft: Draft, collective_id: int) -> CollectiveOffer | None:
    if draft.home is None or draft.category is None:
        return None
    try:
        similar = await ctx.backend.similar_cases(
            ctx.chat_id, draft.home.agreement.id, draft.category, draft.home.unit.id if draft.home.unit else None
        )
    except NotFound:
        return None
    return next((offer for offer in similar.collective if offer.id == collective_id), None)


async def ask_to_join(update: Update, ctx: Context, tap: AskToJoin) -> None:
    _, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    offer = await _offer(ctx, draft, tap.collective_id)
    if offer is None or draft.home is None:
        await ask(ctx, _is_over(ctx))
        return
    await ctx.edit_or_reply(
        lines(
            ctx.n("<b>Join this family?</b>", "<b>Join these {n} families?</b>", offer.families),
            quoted(offer.text),
            ctx.t("Home: {home}", home=home_label(ctx, draft.home)),
            ctx.t(
                "You get a number of your own. The office answers all of you together, and the answer comes to you "
                "here. You can leave again at any time before that. The other families do not learn who you are."
            ),
        ),
        rows(
            button(ctx.plain("🤝 Yes, join"), Join(dialog.id, offer.id)),
            button(ctx.plain("✏️ No, write my own"), Back(dialog.id)),
        ),
        personal=True,
    )


async def join_them(update: Update, ctx: Context, tap: Join) -> None:
    _, draft = standing(ctx)
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - see standing
    if draft.home is None:
        await ask_in_place(ctx)
        return
    joining = JoinIn(
        agreement_id=draft.home.agreement.id,
        unit_id=draft.home.unit.id if draft.home.unit else None,
        text=draft.text,
        attachment_ids=[file.id for file in draft.files],
    )
    try:
        case = await ctx.backend.join_collective(ctx.chat_id, tap.collective_id, joining, idempotency_key=dialog.id)
    except NotFound:
        await ask(ctx, _is_over(ctx))
        return
    ctx.session.end_dialog()
    families = case.collective.families if case.collective else 1
    await ctx.reply(
        lines(
            ctx.t("✅ <b>Your complaint is filed, together with the others.</b>"),
            ctx.t("Number: <b>{number}</b>", number=case.number),
            ctx.t("Received: {moment}", moment=ctx.words.datetime(case.received_at)),
            ctx.n("{n} family is answered together.", "{n} families are answered together.", families),
            ctx.t("What the office answers comes to you here."),
        ),
        rows(button(ctx.plain("View it"), ShowCase(case.number)), button(ctx.plain("Main menu"), OpenMenuBelow())),
        personal=True,
    )
    # Last: while the receipt has not arrived, pressing the button again brings it.
    await ctx.remove_buttons()


def _is_over(ctx: Context) -> Html:
    return ctx.t("These families have their answer by now, or the office offers it no more. Please write your own.")


HANDLERS = [
    CallbackHandler(AskToJoin, ask_to_join, dialog=Step.TEXT),
    CallbackHandler(Join, join_them, dialog=Step.TEXT),
]
