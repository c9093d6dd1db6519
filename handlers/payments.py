"""/payments: what the family paid and owes, what it was paid and is owed; the ledger page by page."""

from dataclasses import dataclass
from datetime import date, timedelta

from telegram import Update

from api.chats.schemas import Facts
from api.money.schemas import (
    LedgerDirection,
    LedgerEntryOut,
    LedgerKind,
    LedgerPage,
    LedgerState,
    LedgerTotalOut,
    PaymentsOut,
    PurchaseTermsOut,
    TransitionFeeOut,
)
from bot.backend import InvalidInput, NotFound
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button, rows
from handlers import terms
from handlers.facts import Fact, add_lines, agreement_line, listed, screens, shortened, told
from handlers.lookups import (
    ShowHandover,
    ShowHome,
    ShowLedger,
    ShowPayments,
    choose,
    explain_gone,
    explain_nothing,
    show_screen,
    today,
)
from handlers.menu import OpenMenu, OpenPayments
from locales import Html, Translator, join, lazy

PAGE = 6
"""Entries of the history on one screen."""
SHOWN_ARREARS = 4
SHOWN_PERIODS = 2
"""Stretches of time that are named beside a sum; of more, the history tells."""

Side = tuple[LedgerDirection, LedgerState]
OWED_TO = (LedgerDirection.TO_HOUSEHOLD, LedgerState.DUE)
RECEIVED = (LedgerDirection.TO_HOUSEHOLD, LedgerState.PAID)
PAID = (LedgerDirection.FROM_HOUSEHOLD, LedgerState.PAID)
STILL_TO_PAY = (LedgerDirection.FROM_HOUSEHOLD, LedgerState.DUE)
HEADINGS = {
    PAID: lazy("<b>You have paid</b>"),
    STILL_TO_PAY: lazy("<b>You still have to pay</b>"),
    OWED_TO: lazy("<b>Owed to you, not paid yet</b>"),
    RECEIVED: lazy("<b>You have received</b>"),
}


def view(payments: PaymentsOut, tr: Translator, today: date) -> list[Html]:
    """One agreement's money on one screen; nothing is computed beyond the sums of the ledger.

    What the rolls do not hold is said, too: who asks what they paid takes silence for a loss. Facts of one roll stand
    together, since then its name is told once.
    """
    heading = join("\n", [tr.t("<b>Payments</b>"), agreement_line(payments.agreement, tr)])
    facts: list[Fact] = []
    if payments.terms is not None and (lines := _terms_lines(payments.terms, tr)):
        facts.append(Fact(lines, payments.terms.source, payments.terms.as_of))
    facts += _sums(payments, PAID, tr) or _nothing(payments, tr.t("The rolls hold <b>no payment of yours</b>."))
    facts += _sums(payments, STILL_TO_PAY, tr)
    facts += _transition_fee_facts(payments, tr, today)
    facts += _sums(payments, OWED_TO, tr)
    if not _has_fee_or_refund(payments):
        facts += _nothing(payments, tr.t("The rolls hold <b>no transition fee and no refund</b> for you."))
    facts += _sums(payments, RECEIVED, tr)
    paragraphs = told(facts, tr)
    if not payments.totals:
        paragraphs.append(tr.t("What was paid and what is owed: not published yet."))
    return screens(heading, paragraphs)


def history_view(page: LedgerPage, tr: Translator) -> Html:
    """One page of the ledger, newest first."""
    heading = join(
        "\n",
        [
            tr.t("<b>All payments</b>"),
            agreement_line(page.agreement, tr),
            tr.n("{n} entry, newest first", "{n} entries, newest first", page.total_count)
            if page.total_count
            else tr.t("Nothing is published yet."),
        ],
    )
    facts = [Fact(_entry_lines(entry, tr), entry.source, entry.as_of) for entry in page.entries]
    return join("\n\n", [heading, *told(facts, tr)])


def _stands_above(total: LedgerTotalOut, fee: TransitionFeeOut | None) -> bool:
    """Whether it is the sum of the one unpaid period that the transition fee names already."""
    return (
        fee is not None
        and (total.kind, total.state) == (LedgerKind.TRANSITION_FEE, LedgerState.DUE)
        and total.direction == LedgerDirection.TO_HOUSEHOLD
        and [entry.amount for entry in fee.arrears] == [total.amount]
    )


def _terms_lines(agreed: PurchaseTermsOut, tr: Translator) -> list[str]:
    lines: list[str] = []
    if agreed.total_price is not None:
        lines.append(tr.t("Total price: {amount}", amount=tr.money(agreed.total_price)))
    if agreed.unit_price is not None:
        lines.append(tr.t("Price per m²: {amount}", amount=tr.money(agreed.unit_price)))
    if agreed.payment_method:
        lines.append(tr.t("Way of paying: {method}", method=shortened(agreed.payment_method)))
    if agreed.down_payment is not None:
        lines.append(tr.t("Down payment: {amount}", amount=tr.money(agreed.down_payment)))
    if agreed.loan_amount is not None:
        lines.append(tr.t("Loan: {amount}", amount=tr.money(agreed.loan_amount)))
    return [tr.t("<b>Your contract</b>"), *lines] if lines else []


def _sums(payments: PaymentsOut, side: Side, tr: Translator) -> list[Fact]:
    """The sums that went, or are to go, that way."""
    facts: list[Fact] = []
    for total in payments.totals:
        if (total.direction, total.state) == side and not _stands_above(total, payments.transition_fee):
            lines = _sum_lines(total, tr)
            add_lines(facts, lines if facts else [tr.t(HEADINGS[side]), *lines], total.source, total.as_of)
    return facts


def _sum_lines(total: LedgerTotalOut, tr: Translator) -> list[str]:
    """A sum with the months that it is for, where it is for months."""
    lines: list[str] = [tr.t("{kind}: {amount}", kind=terms.name(tr, total.kind), amount=tr.money(total.amount))]
    if len(total.periods) > SHOWN_PERIODS:
        lines.append(tr.t("Which months it is for: see “All payments”"))
    elif total.periods:
        # On a line of its own, so that no phone breaks a date.
        periods = [tr.period(period.start, period.end) for period in total.periods]
        lines.append(tr.t("It is for {period}", period=listed(periods, tr)))
    elif total.kind == LedgerKind.TRANSITION_FEE:
        lines.append(tr.t("The roll does not tell all the months that it is for."))
    return lines


def _nothing(payments: PaymentsOut, sentence: str) -> list[Fact]:
    """That the rolls hold nothing of it; where they hold no sum at all, the page says so for all at once. It has no
    heading: "You have paid" above it would contradict it."""
    return [Fact([sentence], payments.source, payments.as_of)] if payments.totals else []


def _has_fee_or_refund(payments: PaymentsOut) -> bool:
    return payments.transition_fee is not None or any(
        total.kind in (LedgerKind.TRANSITION_FEE, LedgerKind.REFUND) or (total.direction, total.state) == OWED_TO
        for total in payments.totals
    )


def _transition_fee_facts(payments: PaymentsOut, tr: Translator, today: date) -> list[Fact]:
    fee = payments.transition_fee
    facts = [] if fee is None else _rate_facts(fee, tr, today)
    end = _end_of_roll(payments)
    if end is not None and end.day < today:
        line = _end_line(end.day, payments.handed_over, tr)
        add_lines(facts, [line] if facts else [tr.t("<b>Transition fee</b>"), line], end.source, end.as_of)
    return facts


@dataclass(frozen=True, slots=True)
class _End:
    """The last day that a roll tells of, paid or not."""

    day: date
    source: str
    as_of: date


def _end_of_roll(payments: PaymentsOut) -> _End | None:
    """How far the transition fee's rolls go. None where no roll tells, or a sum in them may be for any month."""
    fee = payments.transition_fee
    totals = [
        total
        for total in payments.totals
        if (total.kind, total.direction) == (LedgerKind.TRANSITION_FEE, LedgerDirection.TO_HOUSEHOLD)
    ]
    if not all(total.periods for total in totals):
        return None
    ends = [_End(total.periods[-1].end, total.source, total.as_of) for total in totals]
    if fee is not None and fee.paid_up_to is not None:
        ends.insert(0, _End(fee.paid_up_to, fee.source, fee.as_of))
    return max(ends, key=lambda end: end.day, default=None)


def _end_line(last: date, handed_over: bool, tr: Translator) -> Html:
    """Where the roll ends, so that nobody takes its months for all that there are. With the keys the fee may have
    ended, too: then nothing is awaited."""
    after = last + timedelta(days=1)
    say = tr.month if after.day == 1 else tr.date
    if handed_over:
        return tr.t("The roll of the fee goes up to {last}.", last=say(last))
    return tr.t(
        "The roll of the fee goes up to {last}; from {next} on nothing is in it yet.", last=say(last), next=say(after)
    )


def _rate_facts(fee: TransitionFeeOut, tr: Translator, today: date) -> list[Fact]:
    lines: list[str] = [tr.t("<b>Transition fee</b>")]
    if fee.monthly_amount is not None:
        lines.append(tr.t("{amount} each month", amount=tr.money(fee.monthly_amount)))
    if fee.rate_text:
        lines.append(tr.t("Rate: {rate}", rate=shortened(fee.rate_text)))
    if fee.monthly_amount is None and not fee.rate_text:
        lines.append(tr.t("Rate: not published yet"))
    if fee.paid_up_to is None:
        lines.append(tr.t("Paid up to: not published yet"))
    else:
        lines.append(tr.t("Paid up to {day}", day=tr.date(fee.paid_up_to)))
    lines += _next_payment_lines(fee.next_payment_on, tr, today)
    facts = [Fact(lines, fee.source, fee.as_of)]
    if fee.arrears:
        facts += _arrears_facts(fee.arrears, tr)
    return facts


def _next_payment_lines(day: date | None, tr: Translator, today: date) -> list[str]:
    if day is None:
        return [tr.t("Next payment: not published yet")]
    lines: list[str] = [tr.t("Next payment: {day}", day=tr.date(day))]
    if day < today:
        lines.append(tr.t("This date has passed; no newer one is published yet."))
    return lines


def _arrears_facts(arrears: list[LedgerEntryOut], tr: Translator) -> list[Fact]:
    facts: list[Fact] = []
    for entry in arrears[:SHOWN_ARREARS]:
        line = tr.t("{period}: {amount}", period=_when(entry, tr), amount=tr.money(entry.amount))
        add_lines(facts, [line], entry.source, entry.as_of)
    facts[0].lines.insert(0, tr.t("<b>Not paid to you yet</b>"))
    rest = len(arrears) - SHOWN_ARREARS
    if rest > 0:
        facts[-1].lines.append(
            tr.n("and {n} later payment, see “All payments”", "and {n} later payments, see “All payments”", rest)
        )
    return facts


def _entry_lines(entry: LedgerEntryOut, tr: Translator) -> list[str]:
    amount, kind = tr.money(entry.amount), terms.name(tr, entry.kind)
    match (entry.direction, entry.state):
        case (LedgerDirection.FROM_HOUSEHOLD, LedgerState.PAID):
            first = tr.t("You paid <b>{amount}</b>: {kind}", amount=amount, kind=kind)
        case (LedgerDirection.FROM_HOUSEHOLD, _):
            first = tr.t("You are to pay <b>{amount}</b>: {kind}", amount=amount, kind=kind)
        case (_, LedgerState.PAID):
            first = tr.t("You received <b>{amount}</b>: {kind}", amount=amount, kind=kind)
        case _:
            first = tr.t("Owed to you <b>{amount}</b>: {kind}", amount=amount, kind=kind)
    details: list[str | None] = [
        tr.t("for {period}", period=_when(entry, tr)) if entry.period_start or entry.period_end else None,
        tr.t("paid on {day}", day=tr.date(entry.paid_on)) if entry.paid_on else None,
        tr.t("due on {day}", day=tr.date(entry.due_on)) if entry.due_on and not entry.paid_on else None,
        tr.t("batch {batch}", batch=entry.batch) if entry.batch else None,
    ]
    lines: list[str] = [first]
    if any(details):
        lines.append(join(tr.p("between details", ", "), details))
    if entry.note:
        lines.append(tr.t("Note: {note}", note=shortened(entry.note)))
    return lines


def _when(entry: LedgerEntryOut, tr: Translator) -> str:
    """The period an entry is for, as far as the roll tells it."""
    if entry.period_start and entry.period_end:
        return tr.period(entry.period_start, entry.period_end)
    if entry.period_start:
        return tr.t("from {day}", day=tr.date(entry.period_start))
    if entry.period_end:
        return tr.t("until {day}", day=tr.date(entry.period_end))
    return tr.t("period not published yet")


class ChoosePayments(Callback, prefix="pays"):
    """The agreements of a family that has several, page by page."""

    page: int = 0


async def open_payments(update: Update, ctx: Context, tap: OpenPayments | ChoosePayments | None = None) -> None:
    every = await ctx.payments()
    if not every:
        await explain_nothing(ctx)
    elif len(every) == 1:
        await _show(ctx, every, every[0], 0)
    else:
        page = tap.page if isinstance(tap, ChoosePayments) else 0
        question = ctx.t("You have several agreements. Which one's payments would you like to see?")
        await choose(ctx, question, [payments.agreement for payments in every], ShowPayments, ChoosePayments, page)


async def show_payments(update: Update, ctx: Context, tap: ShowPayments) -> None:
    every = await ctx.payments()
    for payments in every:
        if payments.agreement.id == tap.agreement_id:
            await _show(ctx, every, payments, tap.screen)
            return
    await explain_gone(ctx, any_left=bool(every))


async def show_ledger(update: Update, ctx: Context, tap: ShowLedger) -> None:
    try:
        page = await _page(ctx, tap)
    except NotFound:
        await explain_gone(ctx, any_left=bool(await ctx.payments()))
        return
    earlier = page.next_cursor and [button(ctx.plain("Earlier ▶"), ShowLedger(tap.agreement_id, page.next_cursor))]
    await ctx.edit_or_reply(
        history_view(page, ctx.words),
        rows(
            earlier or None,
            [button(ctx.plain("◀ Newest"), ShowLedger(tap.agreement_id))] if tap.cursor else None,
            button(ctx.plain("Payments"), ShowPayments(tap.agreement_id)),
            button(ctx.plain("Main menu"), OpenMenu()),
        ),
        personal=True,
    )


async def _page(ctx: Context, tap: ShowLedger) -> LedgerPage:
    if tap.cursor:
        try:
            return await ctx.backend.ledger(ctx.chat_id, tap.agreement_id, cursor=tap.cursor, limit=PAGE)
        except InvalidInput:
            pass  # a button from before the cursors changed their form: begin again
    return await ctx.backend.ledger(ctx.chat_id, tap.agreement_id, limit=PAGE)


async def _show(ctx: Context, every: list[PaymentsOut], payments: PaymentsOut, screen: int) -> None:
    agreement_id = payments.agreement.id
    await show_screen(
        ctx,
        view(payments, ctx.words, today(ctx)),
        screen,
        lambda number: ShowPayments(agreement_id, number),
        [button(ctx.plain("All payments"), ShowLedger(agreement_id))],
        [
            button(ctx.plain("Handover"), ShowHandover(agreement_id)),
            button(ctx.plain("My home"), ShowHome(agreement_id)),
        ],
        [button(ctx.plain("Other agreements"), ChoosePayments())] if len(every) > 1 else [],
    )


HANDLERS = [
    CommandHandler("payments", open_payments, needs=Facts.PAYMENTS),
    CallbackHandler(OpenPayments, open_payments, reminds=True, needs=Facts.PAYMENTS),
    CallbackHandler(ChoosePayments, open_payments, needs=Facts.PAYMENTS),
    CallbackHandler(ShowPayments, show_payments, needs=Facts.PAYMENTS),
    CallbackHandler(ShowLedger, show_ledger),
]
