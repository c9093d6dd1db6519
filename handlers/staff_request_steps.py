"""Where an answer to a request for access stands, and putting the question of that step."""

import re
from datetime import date
from enum import StrEnum

from pydantic import BaseModel
from telegram import InlineKeyboardButton

from api.identity.schemas import AccessRequestState, LinkRole, LinkScope
from api.staff.schemas import AccessGrantIn, StaffAgreementFound, StaffAgreementOut, StaffPartyOut
from bot.backend import NotFound
from bot.callbacks import Callback, DialogCallback
from bot.context import Context
from bot.drafts import Drop
from bot.ui import button, rows
from handlers import terms
from handlers.facts import quoted
from handlers.lookups import today
from handlers.relatives import Until
from handlers.staff_links import heading, party_line
from locales import Html, join

_DAY = re.compile(r"\s*(\d{4})\D{1,3}(\d{1,2})\D{1,3}(\d{1,2})\D?\s*")


class Step(StrEnum):
    """The dialog's name on each step."""

    NUMBER = "staff_requests.number"
    WHO = "staff_requests.who"
    LAST_DAY = "staff_requests.last_day"
    SCOPE = "staff_requests.scope"
    CONFIRM = "staff_requests.confirm"
    REASON = "staff_requests.reason"
    CONFIRM_NO = "staff_requests.confirm_no"


class OpenRequest(Callback, prefix="s_req"):
    """One request, with what was written."""

    request_id: int


class Grant(Callback, prefix="s_yes"):
    """Let them in: first, which agreement."""

    request_id: int


class Decline(Callback, prefix="s_no"):
    """Do not: first, why."""

    request_id: int


class PickAgreement(DialogCallback, prefix="sr_agr"):
    """One of several projects that use the number."""

    agreement_id: int


class PickParty(DialogCallback, prefix="sr_party"):
    """Who it is, of those whom the roll names."""

    party_id: int


class PickRole(DialogCallback, prefix="sr_role"):
    """As whom, where the roll does not name them."""

    role: LinkRole


class PickDay(DialogCallback, prefix="sr_day"):
    until: Until


class PickScope(DialogCallback, prefix="sr_scope"):
    scope: LinkScope


class Again(DialogCallback, prefix="sr_again"):
    """Answer it anew from the first step."""


class Confirm(DialogCallback, prefix="sr_do"):
    """Do what the screen says."""


class Draft(BaseModel):
    """What the dialog knows by now."""

    request_id: int
    agreement_id: int = 0
    role: LinkRole = LinkRole.RELATIVE
    party_id: int | None = None
    scope: LinkScope = LinkScope.EVERYTHING
    valid_until: date | None = None
    reason: str = ""

    def grant(self) -> AccessGrantIn:
        return AccessGrantIn(
            agreement_id=self.agreement_id,
            role=self.role,
            party_id=self.party_id,
            scope=self.scope,
            valid_until=self.valid_until,
        )


def draft(ctx: Context) -> Draft:
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    return Draft.model_validate(dialog.data)


def state(ctx: Context, value: AccessRequestState) -> Html:
    """As the office says it; the person who asked reads ``terms``."""
    if value is AccessRequestState.OPEN:
        return ctx.t("waiting")
    return ctx.t("let in") if value is AccessRequestState.GRANTED else ctx.t("not let in")


def read_day(text: str) -> date | None:
    """2027-05-31, 2027.5.31, 2027年5月31日"""
    found = _DAY.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


async def ask(ctx: Context, note: Html | None = None) -> None:
    """Put the question of the step that the conversation stands at."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    step, known = Step(dialog.name), draft(ctx)
    keys: list[InlineKeyboardButton] = []
    if step is Step.NUMBER:
        text = ctx.t(
            "Request No. {number}: which agreement shall they see? Please send its number, as it stands in the roll.",
            number=known.request_id,
        )
    elif step is Step.REASON:
        text = ctx.t(
            "Request No. {number}: please write what the person shall be told: what is missing, what to bring, where "
            "to go. They read it word for word.",
            number=known.request_id,
        )
    elif step is Step.CONFIRM_NO:
        text = join("\n", [ctx.t("This is what the person will read:"), quoted(known.reason)])
        keys = [
            button(ctx.plain("✅ Yes, send it"), Confirm(dialog.id)),
            button(ctx.plain("✏️ Rewrite"), Again(dialog.id)),
        ]
    elif step is Step.LAST_DAY:
        text = ctx.t(
            "Until which day may the proxy see it? Please send the last day that stands in the authorisation, such as "
            "{example}, or press a button.",
            example=f"{today(ctx).year + 1}-06-30",
        )
        keys = [
            button(ctx.plain("For a month"), PickDay(dialog.id, Until.MONTH)),
            button(ctx.plain("For a year"), PickDay(dialog.id, Until.YEAR)),
        ]
    elif step is Step.SCOPE:
        text = ctx.t("How much shall they see? As long as papers are missing: only how far the home is.")
        keys = [
            button(ctx.plain("🏗 Only how far the home is"), PickScope(dialog.id, LinkScope.PROGRESS)),
            button(ctx.plain("📋 Everything"), PickScope(dialog.id, LinkScope.EVERYTHING)),
        ]
    else:
        try:
            found = await ctx.backend.agreement_links(ctx.chat_id, known.agreement_id)
        except NotFound:
            ctx.session.go(Step.NUMBER)
            await ask(ctx, ctx.t("This agreement is not on file any more."))
            return
        if step is Step.WHO:
            text, keys = _who(ctx, dialog.id, found)
        else:
            text, keys = _summary(ctx, dialog.id, known, found)
    cancel = button(ctx.plain("✖️ Cancel"), Drop(dialog.id))
    await ctx.reply(join("\n\n", [note, text]), rows(*keys, cancel), personal=True)


async def ask_project(ctx: Context, found: list[StaffAgreementFound]) -> None:
    """Several projects use the number."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called at a step only
    await ctx.reply(
        ctx.t("Several projects use this number. Which one is it?"),
        rows(
            *(button(one.project, PickAgreement(dialog.id, one.agreement.id)) for one in found),
            button(ctx.plain("✖️ Cancel"), Drop(dialog.id)),
        ),
        personal=True,
    )


def _who(ctx: Context, dialog_id: str, found: StaffAgreementOut) -> tuple[Html, list[InlineKeyboardButton]]:
    text = join(
        "\n\n",
        [
            heading(ctx, found),
            join("\n", [ctx.t("<b>The roll names</b>"), *(party_line(ctx, party) for party in found.parties)]),
            ctx.t(
                "Whom have the papers shown the person to be? Who bought the home becomes its holder when the roll is "
                "corrected; until then they are none of these."
            ),
        ],
    )
    return text, [
        *(button(_party(ctx, party), PickParty(dialog_id, party.id)) for party in found.parties),
        button(ctx.plain("A proxy, until a last day"), PickRole(dialog_id, LinkRole.PROXY)),
        button(ctx.plain("An heir of the holder"), PickRole(dialog_id, LinkRole.HEIR)),
        button(ctx.plain("Another family member"), PickRole(dialog_id, LinkRole.RELATIVE)),
    ]


def _party(ctx: Context, party: StaffPartyOut) -> str:
    return f"{party.name} · {terms.name(ctx.words, LinkRole(party.role.value))}"


def _summary(
    ctx: Context, dialog_id: str, known: Draft, found: StaffAgreementOut
) -> tuple[Html, list[InlineKeyboardButton]]:
    tr = ctx.words
    named = next((party for party in found.parties if party.id == known.party_id), None)
    role = terms.name(tr, known.role)
    whom = ctx.t("As: {role}, {name}", role=role, name=named.name) if named else ctx.t("As: {role}", role=role)
    text = join(
        "\n\n",
        [
            ctx.t("<b>Let them in? Request No. {number}</b>", number=known.request_id),
            heading(ctx, found),
            join(
                "\n",
                [
                    whom,
                    ctx.t("Shown: {scope}", scope=terms.name(tr, known.scope)),
                    ctx.t("Until {day}", day=tr.date(known.valid_until)) if known.valid_until else None,
                ],
            ),
            ctx.t("Only if you have seen the papers. It is recorded that it was you."),
        ],
    )
    return text, [
        button(ctx.plain("✅ Yes, let them in"), Confirm(dialog_id)),
        button(ctx.plain("↩️ Begin once more"), Again(dialog_id)),
    ]
