"""What a screen says of similar cases, before one writes."""

from telegram import InlineKeyboardButton

from api.cases.schemas import SimilarCases
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.ui import button, lines
from handlers.case_buttons import ShowCase
from handlers.facts import quoted
from locales import Html


class AskToJoin(DialogCallback, prefix="cmp_join"):
    """Join a collective case; asked back before."""

    collective_id: int


def similar_text(ctx: Context, similar: SimilarCases) -> Html | None:
    own = [
        ctx.t("You have an open complaint about this: <b>{number}</b>. You can add to it.", number=case.number)
        for case in similar.own[:1]
    ]
    offers = [
        lines(
            ctx.n(
                "<b>{n} family of your building asks this already:</b>",
                "<b>{n} families of your building ask this already:</b>",
                offer.families,
            ),
            quoted(offer.text),
        )
        for offer in similar.collective
    ]
    return lines(*own, *offers) if own or offers else None


def similar_buttons(ctx: Context, similar: SimilarCases, dialog_id: str) -> list[InlineKeyboardButton]:
    return [
        *(
            button(ctx.plain("➕ Add to {number}", number=case.number), ShowCase(case.number))
            for case in similar.own[:1]
        ),
        *(
            button(ctx.plain("🤝 Join them ({n})", n=offer.families), AskToJoin(dialog_id, offer.id))
            for offer in similar.collective
        ),
    ]
