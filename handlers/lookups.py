"""What the look-ups (/home, /payments, /handover) have in common: choosing an agreement, showing a screen of it."""

from collections.abc import Callable as Function
from collections.abc import Sequence
from datetime import date, datetime

from api.agreements.schemas import AgreementRef
from api.identity.schemas import LinkRole
from bot.callbacks import Callback
from bot.context import Context
from bot.ui import Page, button, rows
from handlers.facts import agreement_button
from handlers.gate import ask_office_button, explain_gate
from handlers.menu import OpenHandover, OpenHome, OpenMenu, Row, turning
from locales import Html


class ShowHome(Callback, prefix="home1"):
    """One agreement's homes; ``screen`` counts from 0."""

    agreement_id: int
    screen: int = 0


class ShowStages(Callback, prefix="stages"):
    """Every stage of its buildings."""

    agreement_id: int
    screen: int = 0


class ShowPayments(Callback, prefix="pay1"):
    """What was paid and is owed under one agreement."""

    agreement_id: int
    screen: int = 0


class ShowLedger(Callback, prefix="ledger"):
    """A page of its history; without a cursor the newest."""

    agreement_id: int
    cursor: str = ""


class ShowHandover(Callback, prefix="hand1"):
    """When the homes of one agreement are handed over."""

    agreement_id: int
    screen: int = 0


class ShowSlips(Callback, prefix="slips"):
    """How often that date changed."""

    agreement_id: int
    screen: int = 0


class WatchHandover(Callback, prefix="watch"):
    """Tell me when it changes, or no longer."""

    agreement_id: int
    watching: bool


def today(ctx: Context) -> date:
    """The day it is at the office."""
    return datetime.now(ctx.words.time_zone).date()


def known(agreements: Sequence[AgreementRef]) -> list[AgreementRef]:
    """Each agreement once, in the order given."""
    return list({agreement.id: agreement for agreement in agreements}.values())


async def choose(
    ctx: Context,
    question: Html,
    agreements: Sequence[AgreementRef],
    show: Function[[int], Callback],
    more: Function[[int], Callback],
    page: int,
) -> None:
    """One of several agreements; ``show`` is what its button carries, ``more`` what leads to another page of them."""
    shown = Page(agreements, page)
    await ctx.edit_or_reply(
        question,
        rows(
            *(button(agreement_button(agreement, ctx.words), show(agreement.id)) for agreement in shown.items),
            turning(ctx, shown.number, shown.count, more),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


async def show_screen(
    ctx: Context, screens: Sequence[Html], number: int, to: Function[[int], Callback], *more: Row
) -> None:
    """One of the screens, with the way to its neighbours, further rows of buttons, and the way out."""
    number = min(max(number, 0), len(screens) - 1)
    await ctx.edit_or_reply(
        screens[number],
        rows(turning(ctx, number, len(screens), to), *more, [button(ctx.plain("Main menu"), OpenMenu())]),
        personal=True,
    )


async def explain_gone(ctx: Context, *, any_left: bool) -> None:
    """In place of an agreement that this chat does not (or no longer) see."""
    if any_left:
        await ctx.edit_or_reply(
            ctx.t("This agreement is not linked to your chat any more. You can see your other ones."),
            rows(button(ctx.plain("Main menu"), OpenMenu())),
        )
    else:
        await explain_nothing(ctx)


async def explain_nothing(ctx: Context) -> None:
    """In place of money and complaints that this chat does not see: because it sees nothing, or the progress alone."""
    if not ctx.session.linked:
        await explain_gate(ctx)
        return
    own = [link for link in (await ctx.backend.links(ctx.chat_id)).links if link.this_chat]
    if any(link.role is LinkRole.HEIR for link in own):
        text = ctx.t(
            "Until the office has seen the papers of the inheritance you see how far the home is, but not its money. "
            "The office will tell you which papers it needs."
        )
    else:
        text = ctx.t(
            "The holder shares with you how far the home is: when the keys come, and what the building looks like. "
            "Money and complaints stay with the holder.\n\nIf you should see them too, please ask the holder for a new "
            "code: they find it under /settings, “Let a relative see it”, “Everything”."
        )
    await ctx.edit_or_reply(
        text,
        rows(
            [button(ctx.plain("Handover"), OpenHandover()), button(ctx.plain("My home"), OpenHome())],
            ask_office_button(ctx),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )
