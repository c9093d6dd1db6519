"""What the office's people can do here: the menu by roles, and what somebody is told who may not.

Roles are checked by the API with every call, so somebody whose account is disabled, or has lost a role, gets nothing
more from the next tap on. The menu only leaves out what would be refused.
"""

from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from telegram import InlineKeyboardMarkup, Update

from api.staff.schemas import LOOKS_UP, SEES_BROADCASTS, SEES_CASES, SEES_QUEUE, StaffMe, StaffRole
from bot.backend import NotAllowed, NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.ui import button, rows
from handlers import terms
from handlers.facts import listed
from handlers.menu import OpenMenu, main_menu
from locales import Html, join, lazy

P = ParamSpec("P")


class OpenDesk(Callback, prefix="s_desk"):
    """Complaints: which of them?"""


class OpenBroadcasts(Callback, prefix="s_bcs"):
    """Messages to many families."""


class OpenQueue(Callback, prefix="s_queue"):
    """Requests for access; without a cursor those that have waited longest."""

    cursor: str = ""


class AskNumber(Callback, prefix="s_number"):
    """Who sees an agreement: first, which one."""


@dataclass(frozen=True)
class Entry:
    """A key of the menu, for whoever has one of the roles."""

    roles: Collection[StaffRole]
    label: str
    carries: Callback


ENTRIES = (
    # At the top: complaints have clocks.
    Entry(SEES_CASES, lazy("📋 Complaints"), OpenDesk()),
    Entry(SEES_BROADCASTS, lazy("📣 Broadcasts"), OpenBroadcasts()),
    Entry(SEES_QUEUE, lazy("📥 Requests for access"), OpenQueue()),
    Entry(LOOKS_UP, lazy("🔎 Who sees an agreement"), AskNumber()),
)


def may(me: StaffMe, roles: Collection[StaffRole]) -> bool:
    return not {*me.roles}.isdisjoint(roles)


def who(ctx: Context, me: StaffMe) -> Html:
    """A person of the office and their roles."""
    roles = listed([terms.name(ctx.words, role) for role in me.roles], ctx.words)
    return ctx.t("👤 <b>{name}</b>\nRoles: {roles}", name=me.name, roles=roles)


def staff_menu(ctx: Context, me: StaffMe) -> InlineKeyboardMarkup:
    return rows(
        *(button(ctx.plain(entry.label), entry.carries) for entry in ENTRIES if may(me, entry.roles)),
        button(ctx.plain("Main menu"), OpenMenu()),
    )


def staff_only(
    handler: Callable[Concatenate[Update, Context, P], Coroutine[Any, Any, None]],
) -> Callable[Concatenate[Update, Context, P], Coroutine[Any, Any, None]]:
    """For a handler of the office: whom the API refuses is told so, kindly, and learns nothing. What is not there, and
    the handler does not look for, is told likewise."""

    @wraps(handler)
    async def checked(update: Update, ctx: Context, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await handler(update, ctx, *args, **kwargs)
        except NotAllowed:
            await refuse(ctx)
        except NotFound:
            await _tell_gone(ctx)

    return checked


async def _tell_gone(ctx: Context) -> None:
    """What a button was about is gone, or never was: anybody can make buttons up."""
    try:
        me = await ctx.backend.staff_me(ctx.chat_id)
    except NotAllowed:
        await refuse(ctx)
        return
    await ctx.reply(ctx.t("This is not there any more."), staff_menu(ctx, me), personal=True)


async def refuse(ctx: Context) -> None:
    """Who has an account is told that it may not do this; to anybody else it is as if there were nothing here."""
    dialog = ctx.session.dialog
    if dialog is not None and dialog.name.startswith("staff_"):
        ctx.session.end_dialog()
    try:
        me = await ctx.backend.staff_me(ctx.chat_id)
    except NotAllowed:
        await ctx.reply(
            ctx.t("This is only for people who work at the office. What would you like to know?"), main_menu(ctx)
        )
        return
    text = ctx.t("Your account may not do this. If your work needs it, please ask an administrator.")
    await ctx.reply(join("\n\n", [text, who(ctx, me)]), staff_menu(ctx, me), personal=True)
