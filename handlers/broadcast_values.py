"""What a broadcast says about a reader's own homes: the value of each placeholder in words, with its day and source.

Of several homes that agree a value is said once; where they differ it is said home by home, as far as there is room.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import unescape

from api.agreements.schemas import AgreementKind
from api.broadcasts.schemas import LONGEST, HomeFacts, NewsFact, NewsKind, Placeholder, RecipientFacts
from api.estate.schemas import ForecastBasis, ForecastOut
from bot.ui import shorten
from handlers import terms
from handlers.handover import passed, span
from locales import Html, Translator, join
from locales.templates import cut, length

LONGEST_SOURCE = 60
LONGEST_REASON = 120
"""Characters of a roll's own words inside a value."""


@dataclass(frozen=True)
class Said:
    """A value of one home. ``remarks`` stand in brackets behind it."""

    value: Html
    source: str
    as_of: date
    remarks: tuple[Html, ...] = ()


_FEES = (Placeholder.PAID_UP_TO, Placeholder.MONTHLY_FEE, Placeholder.NEXT_PAYMENT)


def value_of(placeholder: Placeholder, facts: RecipientFacts, tr: Translator) -> Html | None:
    """A placeholder's value, no longer than ``LONGEST``; None: it is not there."""
    today = datetime.now(tr.time_zone).date()
    homes, longest = facts.homes, LONGEST[placeholder]
    match placeholder:
        case Placeholder.NAME:
            return cut(facts.name, longest) if facts.name else None
        case Placeholder.HOME:
            return _names([home.home for home in homes], longest, tr)
        case Placeholder.NUMBER:
            return _names([home.number for home in homes], longest, tr)
        case Placeholder.NEWS:
            return _news(homes, tr, today)
        case _:
            told = [(home, _of_home(placeholder, home, tr, today)) for home in homes]
            return _of_all(placeholder, told, longest, tr)


# --- one home ---


def _of_home(placeholder: Placeholder, home: HomeFacts, tr: Translator, today: date) -> Said | None:
    match placeholder:
        case Placeholder.HANDOVER:
            return _handover(home, tr, today)
        case Placeholder.PAID_UP_TO:
            return _fee(home, tr.date(home.paid_up_to) if home.paid_up_to else None)
        case Placeholder.MONTHLY_FEE:
            return _fee(home, tr.money(home.monthly_amount) if home.monthly_amount is not None else None)
        case Placeholder.NEXT_PAYMENT:
            return _next_payment(home, tr, today)
        case Placeholder.REGISTRATION:
            return _registration(home, tr)
    raise ValueError(f"{placeholder} is not told home by home")


def _handover(home: HomeFacts, tr: Translator, today: date) -> Said | None:
    if home.handed_over or home.handed_over_on is not None:
        told = (
            tr.t("handed over on {day}", day=tr.date(home.handed_over_on))
            if home.handed_over_on is not None
            else tr.t("handed over")
        )
        if home.handover_source is None or home.handover_as_of is None:
            return None
        return Said(told, home.handover_source, home.handover_as_of)
    return None if home.forecast is None else _expected(home.forecast, tr, today)


def _expected(forecast: ForecastOut, tr: Translator, today: date) -> Said:
    when = span(forecast, tr)
    said = join("", [when or tr.t("no date can be given yet")])
    if forecast.basis is ForecastBasis.CONTRACTUAL:
        # What was agreed once is no date at which one can expect the keys.
        agreed = tr.t("agreed in the contract: {when}", when=when) if when else None
        said = tr.t("not published yet")
        remarks = [agreed]
    else:
        remarks = [terms.name(tr, forecast.basis) if when else None]
        if passed(forecast, today):
            remarks.append(tr.t("this date has passed, no newer one is published yet"))
    return Said(said, forecast.source, forecast.confirmed_on, tuple(remark for remark in remarks if remark))


def _fee(home: HomeFacts, value: str | None, *remarks: Html) -> Said | None:
    if not value or home.fee_source is None or home.fee_as_of is None:
        return None
    return Said(join("", [value]), home.fee_source, home.fee_as_of, remarks)


def _next_payment(home: HomeFacts, tr: Translator, today: date) -> Said | None:
    day = home.next_payment_on
    if day is None:
        return None
    late = (tr.t("this date has passed, no newer one is published yet"),) if day < today else ()
    return _fee(home, tr.date(day), *late)


def _registration(home: HomeFacts, tr: Translator) -> Said | None:
    if home.registration is None or home.stage is None:
        return None
    if home.registration_source is None or home.registration_as_of is None:
        return None
    said = tr.t("{kind}: {stage}", kind=terms.name(tr, home.registration), stage=terms.name(tr, home.stage))
    return Said(said, home.registration_source, home.registration_as_of)


# --- what a newly loaded roll changed ---


def _news(homes: Sequence[HomeFacts], tr: Translator, today: date) -> Html | None:
    told = [(home, lines) for home in homes if (lines := _news_lines(home, tr, today))]
    if not told:
        return None
    if len({tuple(lines) for _, lines in told}) == 1:
        lines = told[0][1]
    else:
        lines = [line for home, own in told for line in (tr.t("{home}:", home=_label(home)), *own)]
    return _fitting(
        lines, LONGEST[Placeholder.NEWS], "\n", lambda n: tr.n("and {n} line more", "and {n} lines more", n)
    )


def _news_lines(home: HomeFacts, tr: Translator, today: date) -> list[Html]:
    return [_with_source(said, tr) for fact in home.news if (said := _new(fact, tr, today)) is not None]


def _new(fact: NewsFact, tr: Translator, today: date) -> Said | None:
    said: Html | None = None
    remarks: list[Html] = []
    match fact.kind:
        case NewsKind.FORECAST if fact.forecast is not None:
            now = _expected(fact.forecast, tr, today)
            before = fact.before and (span(fact.before, tr) or tr.t("no date"))
            if before and before != now.value:
                said = tr.t("Handover: {before} → {after}", before=before, after=now.value)
            else:
                said = tr.t("Handover: {when}", when=now.value)
            remarks = [*now.remarks]
            if fact.forecast.reason:
                remarks.append(tr.t("reason: {reason}", reason=shorten(fact.forecast.reason, LONGEST_REASON)))
        case NewsKind.MILESTONE if fact.milestone is not None:
            stage = terms.name(tr, fact.milestone)
            said = tr.t("{stage}: {day}", stage=stage, day=tr.date(fact.happened_on)) if fact.happened_on else stage
        case NewsKind.PAYMENT if fact.ledger is not None and fact.amount is not None:
            said = tr.t("{kind}: {amount}", kind=terms.name(tr, fact.ledger), amount=tr.money(fact.amount))
            if fact.period_start is not None and fact.period_end is not None:
                remarks.append(tr.t("for {period}", period=tr.period(fact.period_start, fact.period_end)))
            if fact.happened_on is not None:
                remarks.append(tr.t("paid on {day}", day=tr.date(fact.happened_on)))
        case NewsKind.REGISTRATION if fact.registration is not None and fact.stage is not None:
            said = tr.t("{kind}: {stage}", kind=terms.name(tr, fact.registration), stage=terms.name(tr, fact.stage))
            if fact.happened_on is not None:
                remarks.append(join("", [tr.date(fact.happened_on)]))
    return None if said is None else Said(said, fact.source, fact.as_of, tuple(remarks))


def _gets_none(placeholder: Placeholder, home: HomeFacts) -> bool:
    return placeholder in _FEES and home.kind is AgreementKind.PURCHASE and home.fee_source is None


def _absent(placeholder: Placeholder, home: HomeFacts, tr: Translator) -> Html:
    if _gets_none(placeholder, home):
        return tr.t("none under a purchase contract")
    return tr.t("not published yet")


# --- several homes ---


def _of_all(
    placeholder: Placeholder, told: Sequence[tuple[HomeFacts, Said | None]], longest: int, tr: Translator
) -> Html | None:
    there = [said for _, said in told if said is not None]
    if not there:
        # Of buyers a transition fee will never be published.
        bought = told and all(_gets_none(placeholder, home) for home, _ in told)
        return _absent(placeholder, told[0][0], tr) if bought else None
    if len(set(there)) == 1 and len(there) == len(told):
        return cut(_with_source(there[0], tr), longest)
    one_source = len({(said.source, said.as_of) for said in there}) == 1
    entries = []
    for home, said in told:
        if said is None:
            value = _absent(placeholder, home, tr)
        else:
            value = _bracketed(said.value, said.remarks, tr) if one_source else _with_source(said, tr)
        entries.append(tr.t("{home}: {value}", home=_label(home), value=value))
    source = Html("")
    if one_source:
        source = _bracketed(Html(""), [_source(there[0], tr)], tr)
    separator = tr.p("between the values of several homes", "; ")
    more = _more_homes(tr)
    kept = _fitting(entries, longest - _width(source), separator, more)
    return cut(Html(kept + source), longest)


def _names(names: Iterable[str | None], longest: int, tr: Translator) -> Html | None:
    every = [join("", [name]) for name in dict.fromkeys(names) if name]
    separator = tr.p("between the things of a list", ", ")
    return _fitting(every, longest, separator, _more_homes(tr)) if every else None


def _more_homes(tr: Translator) -> Callable[[int], Html]:
    return lambda n: tr.n("and {n} more home", "and {n} more homes", n)


def _label(home: HomeFacts) -> str:
    return home.home or home.number


def _fitting(parts: Sequence[Html], longest: int, separator: str, more: Callable[[int], Html]) -> Html:
    """As many of them as there is room for, and how many there are besides."""
    for kept in range(len(parts), 0, -1):
        rest = len(parts) - kept
        text = join(separator, [*parts[:kept], more(rest) if rest else None])
        if _width(text) <= longest:
            return text
    return cut(parts[0], longest)


def _with_source(said: Said, tr: Translator) -> Html:
    return _bracketed(said.value, [*said.remarks, _source(said, tr)], tr)


def _source(said: Said, tr: Translator) -> Html:
    return tr.t("as of {day}, source: {source}", day=tr.date(said.as_of), source=shorten(said.source, LONGEST_SOURCE))


def _bracketed(value: Html, remarks: Sequence[Html], tr: Translator) -> Html:
    if not remarks:
        return value
    inside = join(tr.p("between remarks in brackets", "; "), remarks)
    return tr.t("{value} ({remarks})", value=value, remarks=inside)


def _width(text: Html) -> int:
    # Values bear no tags, only escaped characters.
    return length(unescape(text))
