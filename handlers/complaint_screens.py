"""What each step of a complaint asks and shows, and with which keys."""

from telegram import InlineKeyboardButton

from api.agreements.schemas import HomeOut
from api.cases.schemas import MAX_ATTACHMENTS, CaseCategory, SimilarCases
from api.estate.schemas import UnitOut
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.drafts import Drop
from bot.ui import Page, button, lines, pairs, rows
from handlers import terms
from handlers.complaint_draft import Draft, DraftHome, Step
from handlers.content import Screen
from handlers.facts import (
    SHOWN_TEXT,
    agreement_button,
    agreement_line,
    enclosures,
    listed,
    quoted,
    unit_button,
    unit_label,
)
from handlers.menu import turning
from handlers.similar import similar_buttons, similar_text
from locales import Html


class PickCategory(DialogCallback, prefix="cmp_cat"):
    category: CaseCategory


class PickHome(DialogCallback, prefix="cmp_home"):
    agreement_id: int
    unit_id: int | None


class TurnHomes(DialogCallback, prefix="cmp_homes"):
    """Another page of the homes."""

    page: int


class Continue(DialogCallback, prefix="cmp_on"):
    """This step is done."""


class Back(DialogCallback, prefix="cmp_back"):
    """One step back; nothing is lost."""


class Rewrite(DialogCallback, prefix="cmp_anew"):
    """Write the text anew."""


class RemoveFile(DialogCallback, prefix="cmp_rm"):
    attachment_id: int


class RemoveLocation(DialogCallback, prefix="cmp_rmloc"):
    pass


class Change(DialogCallback, prefix="cmp_chg"):
    """From the summary to one part, and back to the summary."""

    step: Step


class Submit(DialogCallback, prefix="cmp_send"):
    """``seal`` tells whether the draft is still what the summary showed."""

    seal: str


class StartAnew(DialogCallback, prefix="cmp_new"):
    """Throw the draft away and begin another."""


class DropForGood(DialogCallback, prefix="cmp_drop"):
    """Throw the draft away; asked back before."""


def choices(homes: list[HomeOut]) -> list[DraftHome]:
    """Every home of every agreement that the chat may complain about; an agreement without a home stands for itself."""
    found: list[DraftHome] = []
    for home in homes:
        if home.agreement.progress_only:
            continue
        units: list[UnitOut | None] = [*home.units] if home.units else [None]
        found += [DraftHome(agreement=home.agreement, unit=unit, several=True) for unit in units]
    if len(found) == 1:
        found[0].several = False
    return found


def home_label(ctx: Context, home: DraftHome) -> Html:
    if home.unit is None:
        return agreement_line(home.agreement, ctx.words)
    return unit_label(home.unit, ctx.words)


def _home_button(ctx: Context, home: DraftHome, dialog_id: str) -> InlineKeyboardButton:
    text = agreement_button(home.agreement, ctx.words) if home.unit is None else unit_button(home.unit, ctx.words)
    return button(text, PickHome(dialog_id, home.agreement.id, home.unit.id if home.unit else None))


def contents(ctx: Context, draft: Draft) -> Html | None:
    """2 photos, 1 document, a location"""
    kinds = [file.kind for file in draft.files]
    return listed(enclosures(kinds, ctx.words, location=draft.location is not None), ctx.words) or None


def _way_out(ctx: Context, dialog_id: str) -> list[InlineKeyboardButton]:
    return [button(ctx.plain("⬅️ Back"), Back(dialog_id)), button(ctx.plain("✖️ Cancel"), Drop(dialog_id))]


def category(ctx: Context, draft: Draft, dialog_id: str) -> Screen:
    text = lines(
        ctx.t("<b>What is it about?</b>"),
        ctx.t("I have kept what you wrote.") if draft.text else None,
    )
    buttons = [
        button(
            f"{'✓ ' if kind is draft.category else ''}{terms.name(ctx.words, kind)}",
            PickCategory(dialog_id, kind),
        )
        for kind in CaseCategory
    ]
    return text, rows(*buttons, _way_out(ctx, dialog_id))


def home(ctx: Context, dialog_id: str, homes: list[DraftHome], page: int = 0) -> Screen:
    shown = Page(homes, page)
    return ctx.t("<b>Which home is it about?</b>"), rows(
        *(_home_button(ctx, choice, dialog_id) for choice in shown.items),
        turning(ctx, shown.number, shown.count, lambda number: TurnHomes(dialog_id, number)),
        _way_out(ctx, dialog_id),
    )


def text(ctx: Context, draft: Draft, dialog_id: str, similar: SimilarCases | None = None) -> Screen:
    if draft.rewriting:
        return (
            ctx.t("Please send the new text. It takes the place of the old one; until then the old one stays."),
            rows(_way_out(ctx, dialog_id)),
        )
    if draft.text:
        return (
            lines(
                ctx.t("<b>This is what you wrote:</b>"),
                quoted(draft.text),
                ctx.t("To add something, just send it."),
            ),
            rows(
                button(ctx.plain("➡️ Continue"), Continue(dialog_id)),
                button(ctx.plain("✏️ Rewrite"), Rewrite(dialog_id)),
                _way_out(ctx, dialog_id),
            ),
        )
    kept = contents(ctx, draft)
    return (
        lines(
            similar_text(ctx, similar) if similar else None,
            ctx.t("Received so far: {contents}.", contents=kept) if kept else None,
            ctx.t("<b>Please write what happened</b>, in your own words: what, where, and since when."),
            ctx.t("You may send several messages."),
        ),
        rows(*(similar_buttons(ctx, similar, dialog_id) if similar else ()), _way_out(ctx, dialog_id)),
    )


def files(ctx: Context, draft: Draft, dialog_id: str) -> Screen:
    kept = contents(ctx, draft)
    last = draft.files[-1] if draft.files else None
    return (
        lines(
            ctx.t("<b>Received: {contents}.</b>", contents=kept)
            if kept
            else ctx.t("<b>Would you like to add photos or documents?</b>"),
            ctx.t("There is no room for more files.")
            if draft.is_full
            else ctx.t("Send them with the 📎 beside the text field, up to {n}; a location too.", n=MAX_ATTACHMENTS),
            ctx.t("When you have sent everything, press “Continue”."),
        ),
        rows(
            button(ctx.plain("➡️ Continue"), Continue(dialog_id)),
            button(ctx.plain("🗑 Remove the last file"), RemoveFile(dialog_id, last.id)) if last else None,
            button(ctx.plain("🗑 Remove the location"), RemoveLocation(dialog_id)) if draft.location else None,
            _way_out(ctx, dialog_id),
        ),
    )


def summary(ctx: Context, draft: Draft, dialog_id: str) -> Screen:
    assert draft.category is not None  # noqa: S101 - Draft.after leads here only when complete
    assert draft.home is not None  # noqa: S101 - likewise
    changes = [
        button(ctx.plain("✏️ What it is about"), Change(dialog_id, Step.CATEGORY)),
        button(ctx.plain("✏️ Home"), Change(dialog_id, Step.HOME)) if draft.home.several else None,
        button(ctx.plain("✏️ Text"), Change(dialog_id, Step.TEXT)),
        button(ctx.plain("✏️ Files"), Change(dialog_id, Step.FILES)),
    ]
    return (
        lines(
            ctx.t("<b>Please check. Is this right?</b>"),
            "",
            ctx.t("About: {category}", category=terms.name(ctx.words, draft.category)),
            ctx.t("Home: {home}", home=home_label(ctx, draft.home)),
            quoted(draft.text),
            ctx.n("({n} character in all)", "({n} characters in all)", len(draft.text))
            if len(draft.text) > SHOWN_TEXT
            else None,
            ctx.t("Enclosed: {contents}", contents=contents(ctx, draft) or ctx.t("nothing")),
        ),
        rows(
            button(ctx.plain("✅ Submit"), Submit(dialog_id, draft.seal())),
            *pairs(key for key in changes if key),
            _way_out(ctx, dialog_id),
        ),
    )


def offer_to_continue(ctx: Context, draft: Draft) -> Html:
    kept = contents(ctx, draft)
    return lines(
        ctx.t("<b>You have an unfinished complaint.</b>"),
        ctx.t("About: {category}", category=terms.name(ctx.words, draft.category)) if draft.category else None,
        quoted(draft.text, 200) if draft.text else None,
        ctx.t("Enclosed: {contents}", contents=kept) if kept else None,
        ctx.t("Would you like to go on with it?"),
    )
