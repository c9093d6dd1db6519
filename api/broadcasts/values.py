"""Of whom a value is not there: what a placeholder needs, as a condition over a ``Link`` with its ``Agreement``.

It says the same as ``api.broadcasts.facts``, which looks the values up for those who are told.
"""

from sqlalchemy import ColumnElement, and_, false, not_, or_, select, true

from api.agreements.models import Agreement, AgreementUnit, Party, Registration
from api.broadcasts.facts import PROGRESS_NEWS, News
from api.broadcasts.models import ImportChange
from api.broadcasts.news import FACTS
from api.broadcasts.schemas import NewsKind, Placeholder
from api.chats.models import Link
from api.estate.models import Forecast, Unit
from api.estate.queries import HOMES_FIRST
from api.estate.schemas import ForecastBasis
from api.identity.schemas import LinkScope
from api.money.models import TransitionFee

_SHOWS_ALL = Link.scope == LinkScope.EVERYTHING
"""Who may see the progress alone is told no sums and no registrations: of them they are not there."""


def lacks(placeholder: Placeholder, news: News = ()) -> ColumnElement[bool]:
    """Whether the value is not there for this reader of this agreement.

    Args:
        news: what ``{news}`` tells of.
    """
    return not_(_has(placeholder, news))


def _has(placeholder: Placeholder, news: News) -> ColumnElement[bool]:
    match placeholder:
        case Placeholder.NUMBER:
            return true()
        case Placeholder.NAME:
            return Agreement.id.in_(select(Party.agreement_id))
        case Placeholder.HOME:
            return Agreement.id.in_(select(AgreementUnit.agreement_id))
        case Placeholder.HANDOVER:
            return _has_handover()
        case Placeholder.PAID_UP_TO:
            return _has_sum(TransitionFee.paid_up_to.is_not(None))
        case Placeholder.MONTHLY_FEE:
            return _has_sum(TransitionFee.monthly_amount.is_not(None))
        case Placeholder.NEXT_PAYMENT:
            return _has_sum(TransitionFee.next_payment_on.is_not(None))
        case Placeholder.REGISTRATION:
            return and_(_SHOWS_ALL, Agreement.id.in_(select(Registration.agreement_id)))
        case Placeholder.NEWS:
            return or_(false(), *(_has_news(import_id, kind) for import_id, kind in sorted(news)))


def _has_handover() -> ColumnElement[bool]:
    """The keys were handed over, or something was published for the building of its first home or for itself."""
    first_home = (
        select(Unit.building_id)
        .join(AgreementUnit, AgreementUnit.unit_id == Unit.id)
        .where(AgreementUnit.agreement_id == Agreement.id)
        .order_by(*HOMES_FIRST)
        .limit(1)
        .correlate(Agreement)
        .scalar_subquery()
    )
    # What was agreed in a contract is not told as a forecast of today's.
    expected = Forecast.basis != ForecastBasis.CONTRACTUAL
    of_the_building = select(Forecast.building_id).where(Forecast.building_id.is_not(None), expected)
    of_itself = select(Forecast.agreement_id).where(Forecast.agreement_id.is_not(None), expected)
    return or_(Agreement.handed_over, first_home.in_(of_the_building), Agreement.id.in_(of_itself))


def _has_sum(filled: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(_SHOWS_ALL, Agreement.id.in_(select(TransitionFee.agreement_id).where(filled)))


def _has_news(import_id: int, kind: NewsKind) -> ColumnElement[bool]:
    """Unless it does not hold any more."""
    facts = FACTS[kind]
    touched = select(ImportChange.agreement_id).where(
        ImportChange.import_id == import_id,
        ImportChange.kind == kind,
        ImportChange.fact_id.in_(select(facts.table.id).where(facts.holds)),
    )
    told = Agreement.id.in_(touched)
    return told if kind in PROGRESS_NEWS else and_(_SHOWS_ALL, told)
