"""What a broadcast may say to its readers: their own homes as they are now, in one look-up for all of a batch.

It holds only what the bodies ask for, and only agreements to which the chat's link is live. A link to the progress
alone shows the home, its handover and its building's milestones: sums and registrations are not there for it. What was
agreed in a contract is no forecast of today's: it is not told as one.

Not recorded one by one: like what a notice tells, it is looked up for the courier that brings it, and each message is
a row of the outbox, which stays.
"""

import json
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from typing import Any

import structlog
from sqlalchemy import BigInteger, Select, Text, and_, bindparam, case, cast, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from api.agreements.models import Agreement, AgreementUnit, Registration
from api.agreements.queries import forecasts_of_home, ref_columns
from api.agreements.schemas import RegistrationKind, RegistrationStage
from api.broadcasts.models import ImportChange
from api.broadcasts.news import FACTS
from api.broadcasts.schemas import (
    SUMS,
    AllOf,
    AnyOf,
    NewsKind,
    Placeholder,
    RecipientFacts,
    Rule,
    TouchedBy,
)
from api.chats.access import TODAY
from api.chats.liveness import is_live_link
from api.chats.models import Link
from api.estate.models import Forecast, Milestone, Unit
from api.estate.queries import HOMES_FIRST, PLACES, forecast_json, home_label
from api.identity.documents import mask_agreement_number, mask_name
from api.identity.schemas import LinkScope
from api.lookups import LookUp, Row, decimal_text, json_list, json_object
from api.money.models import LedgerEntry, TransitionFee
from api.privacy import CannotOpen, Vault

log = structlog.get_logger()

PROGRESS_NEWS = (NewsKind.FORECAST, NewsKind.MILESTONE)
"""What a link to the progress alone is told of."""

_OF_FEES = ("paid_up_to", "monthly_amount", "next_payment_on", "fee_source", "fee_as_of")
_OF_REGISTRATIONS = ("registration", "stage", "registration_source", "registration_as_of")
_IDS = ARRAY(BigInteger())

News = Collection[tuple[int, NewsKind]]
"""Loads of a roll, and what of each is told."""


def news_of(rule: Rule | None, import_id: int | None) -> list[tuple[int, NewsKind]]:
    """What ``{news}`` tells of in a broadcast: what its rule asks for, else all that the load changed which made its
    draft."""
    asked = sorted(_touched(rule)) if rule is not None else []
    return asked or [(import_id, kind) for kind in NewsKind if import_id is not None]


def _name(vault: Vault, row: Any) -> str | None:
    """None where it cannot be opened: everybody else's messages must not wait for that."""
    try:
        return mask_name(vault.open("person.name", row["holder"]))
    except CannotOpen:
        log.error("name_unreadable", agreement=row["id"])
        return None


def _touched(rule: Rule) -> set[tuple[int, NewsKind]]:
    match rule:
        case TouchedBy():
            return {(rule.import_id, rule.kind)}
        case AllOf() | AnyOf():
            return set[tuple[int, NewsKind]]().union(*map(_touched, rule.of))
        case _:
            return set()


async def facts_of(
    session: AsyncSession,
    vault: Vault,
    asked: Sequence[tuple[int, Collection[int]]],
    used: Collection[str],
    *,
    today: date,
    news: News = (),
) -> list[RecipientFacts]:
    """Facts of each of these chats about these agreements, in the order asked for. Parameters as of `plain_facts`."""
    found = await plain_facts(session, vault, asked, used, today=today, news=news)
    return [RecipientFacts.model_validate(facts) for facts in found]


async def plain_facts(
    session: AsyncSession,
    vault: Vault,
    asked: Sequence[tuple[int, Collection[int]]],
    used: Collection[str],
    *,
    today: date,
    news: News = (),
) -> list[dict[str, Any]]:
    """The same as plain data that a ``RecipientFacts`` reads, as it goes to couriers: without what is not there.

    Args:
        asked: chats with ids of agreements; those that the chat does not see today are left out.
        used: the placeholders of the bodies; what is none is passed over.
        news: what ``{news}`` tells of.
    """
    known = frozenset(Placeholder(name) for name in used if name in set(Placeholder))
    pairs = [(place, chat, agreement) for place, (chat, ids) in enumerate(asked) for agreement in dict.fromkeys(ids)]
    values: dict[str, Any] = {
        "places": [place for place, _, _ in pairs],
        "chat_ids": [chat for _, chat, _ in pairs],
        "agreement_ids": [agreement for _, _, agreement in pairs],
        "today": today,
    }
    if Placeholder.NEWS in known:
        values |= {"import_ids": [load for load, _ in news], "news_kinds": [kind.value for _, kind in news]}
    found: list[dict[str, Any]] = [{"homes": []} for _ in asked]
    for row in await _look_up(known).in_transaction(session, **values) if pairs else ():
        reader = found[row["place"]]
        reader["homes"].append(_home(row, known))
        if reader.get("name") is None and Placeholder.NAME in known and row["holder"] is not None:
            reader["name"] = _name(vault, row)
    return found


def _home(row: Row, known: frozenset[Placeholder]) -> dict[str, Any]:
    progress_only = row["scope"] == LinkScope.PROGRESS
    facts: dict[str, Any] = {
        "agreement_id": row["id"],
        "number": mask_agreement_number(row["number"]) if progress_only else row["number"],
        "home": row["home"],
    }
    if Placeholder.HANDOVER in known:
        facts |= {"handed_over": row["handed_over"], "handed_over_on": row["handed_over_on"]}
        if row["handed_over"]:
            facts |= {"handover_source": row["handover_source"], "handover_as_of": row["handover_as_of"]}
        elif row["expected"]:
            forecast = json.loads(row["expected"][0])
            facts |= {"forecast": forecast, "handover_basis": forecast["basis"]}
    if not progress_only and known & SUMS:
        facts |= {name: row[name] for name in (*_OF_FEES, "kind")}
    if not progress_only and Placeholder.REGISTRATION in known:
        facts |= {name: row[name] for name in _OF_REGISTRATIONS}
    if Placeholder.NEWS in known:
        told = json.loads(row["news"])
        facts["news"] = [_there(fact) for fact in told if not progress_only or fact["kind"] in PROGRESS_NEWS]
    return _there(facts)


def _there(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


@cache
def _look_up(known: frozenset[Placeholder]) -> LookUp:
    """A row for each agreement of each chat that sees it, its parts as far as they are asked for."""
    asked = (
        func.unnest(*(bindparam(name, None, type_=_IDS) for name in ("places", "chat_ids", "agreement_ids")))
        .table_valued("place", "chat_id", "agreement_id", name="asked")
        .render_derived()
    )
    home = (
        select(home_label().label("label"), Unit.building_id)
        .select_from(PLACES.join(AgreementUnit.__table__, AgreementUnit.unit_id == Unit.id))
        .where(AgreementUnit.agreement_id == Agreement.id)
        .order_by(*HOMES_FIRST)
        .limit(1)
        .correlate(Agreement)
        .lateral("home")
    )
    *ref, holder, label = ref_columns(home.c.label)
    columns: list[Any] = [asked.c.place, Link.scope, *ref, label]
    sources: Any = (
        asked.join(
            Link.__table__,
            (Link.chat_id == asked.c.chat_id) & (Link.agreement_id == asked.c.agreement_id) & is_live_link(TODAY),
        )
        .join(Agreement.__table__, Agreement.id == Link.agreement_id)
        .outerjoin(home, true())
    )
    if Placeholder.NAME in known:
        columns.append(holder)
    if Placeholder.HANDOVER in known:
        forecasts = forecasts_of_home(home).lateral("forecasts")
        sources = sources.join(forecasts, true())
        columns += [
            Agreement.handed_over,
            Agreement.handed_over_on,
            Agreement.source.label("handover_source"),
            Agreement.as_of.label("handover_as_of"),
            forecasts.c.expected,
        ]
    if known & SUMS:
        sources = sources.outerjoin(TransitionFee.__table__, TransitionFee.agreement_id == Agreement.id)
        columns += [
            TransitionFee.paid_up_to,
            TransitionFee.monthly_amount,
            TransitionFee.next_payment_on,
            TransitionFee.source.label("fee_source"),
            TransitionFee.as_of.label("fee_as_of"),
        ]
    if Placeholder.REGISTRATION in known:
        farthest = _registration().lateral("farthest")
        sources = sources.outerjoin(farthest, true())
        columns += list(farthest.c)
    if Placeholder.NEWS in known:
        columns.append(_news().scalar_subquery().label("news"))
    return LookUp(select(*columns).select_from(sources).order_by(asked.c.place, Agreement.id))


def _registration() -> Select[*tuple[Any, ...]]:
    """The certificate, once something was done for it; until then the filing of the contract."""
    begun = (Registration.kind == RegistrationKind.TITLE_CERTIFICATE) & (
        Registration.stage != RegistrationStage.NOT_STARTED
    )
    return (
        select(
            Registration.kind.label("registration"),
            Registration.stage,
            Registration.source.label("registration_source"),
            Registration.as_of.label("registration_as_of"),
        )
        .where(Registration.agreement_id == Agreement.id)
        .order_by(begun.desc(), Registration.kind == RegistrationKind.TITLE_CERTIFICATE)
        .limit(1)
        .correlate(Agreement)
    )


def _news() -> Select[*tuple[Any, ...]]:
    """A list of ``NewsFact``; what does not hold any more is not told."""
    told = (
        func.unnest(bindparam("import_ids", None, type_=_IDS), bindparam("news_kinds", None, type_=ARRAY(Text())))
        .table_valued("import_id", "kind", name="told")
        .render_derived()
    )
    before = aliased(Forecast)
    kind = ImportChange.kind
    fact = json_object(
        kind=kind,
        forecast=case((Forecast.id.is_not(None), forecast_json())),
        before=case((before.id.is_not(None), forecast_json(before))),
        milestone=Milestone.kind,
        happened_on=Milestone.achieved_on,
        ledger=LedgerEntry.kind,
        amount=decimal_text(LedgerEntry.amount),
        period_start=LedgerEntry.period_start,
        period_end=LedgerEntry.period_end,
        registration=Registration.kind,
        stage=Registration.stage,
        source=func.coalesce(Forecast.source, Milestone.source, LedgerEntry.source, Registration.source),
        as_of=func.coalesce(Forecast.confirmed_on, Milestone.as_of, LedgerEntry.as_of, Registration.as_of),
    )
    rows = ImportChange.__table__.join(
        told, (told.c.import_id == ImportChange.import_id) & (told.c.kind == cast(kind, Text))
    )
    for its_kind, (table, holds) in FACTS.items():
        rows = rows.outerjoin(table.__table__, and_(kind == its_kind, table.id == ImportChange.fact_id, holds))
    rows = rows.outerjoin(before, before.id == ImportChange.before_id)
    there = or_(*(table.id.is_not(None) for table, _ in FACTS.values()))
    return (
        select(cast(json_list(fact, kind, ImportChange.fact_id), Text))
        .select_from(rows)
        .where(ImportChange.agreement_id == Agreement.id, there)
        .correlate(Agreement)
    )
