"""Of whom a value is not there: what a placeholder needs, as a condition over a ``Link`` with its ``Agreement``.

It says the same as ``api.broadcasts.facts``, which looks the values up for those who are told.
"""

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select, true

from api.agreements.models import Agreement, AgreementUnit, Party, Registration
from api.broadcasts.models import ImportChange
from api.broadcasts.schemas import NewsKind, Placeholder
from api.chats.models import Link
from api.estate.models import Forecast, Unit
from api.estate.schemas import ForecastBasis
from api.identity.schemas import LinkScope
from api.money.models import TransitionFee

_SHOWS_ALL = Link.scope == LinkScope.EVERYTHING
"""Who may see the progress alone is told no sums and no registrations: of them they are not there."""


def lacks(placeholder: Placeholder, import_id: int | None) -> ColumnElement[bool]:
    """Whether the value is not there for this reader of this agreement.

    Args:
        import_id: the load of a roll whose news is told.
    """
    return not_(_has(placeholder, import_id))


def _has(placeholder: Placeholder, import_id: int | None) -> ColumnElement[bool]:
    match placeholder:
        case Placeholder.NUMBER:
            return true()
        case Placeholder.NAME:
            return or_(Link.person_id.is_not(None), Agreement.id.in_(select(Party.agreement_id)))
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
            return _has_news(import_id)


def _has_handover() -> ColumnElement[bool]:
    """The keys were handed over, or some date is published, for its building or for itself."""
    published = Forecast.basis != ForecastBasis.CONTRACTUAL
    of_a_home = (
        select(AgreementUnit.agreement_id)
        .join(Unit, Unit.id == AgreementUnit.unit_id)
        .where(exists().where(Forecast.building_id == Unit.building_id, published))
    )
    of_itself = select(Forecast.agreement_id).where(Forecast.agreement_id.is_not(None), published)
    return or_(Agreement.handed_over, Agreement.id.in_(of_a_home), Agreement.id.in_(of_itself))


def _has_sum(filled: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(_SHOWS_ALL, Agreement.id.in_(select(TransitionFee.agreement_id).where(filled)))


def _has_news(import_id: int | None) -> ColumnElement[bool]:
    if import_id is None:
        return false()
    touched = select(ImportChange.agreement_id).where(ImportChange.import_id == import_id)
    told_to_all = touched.where(ImportChange.kind.in_((NewsKind.FORECAST, NewsKind.MILESTONE)))
    return or_(and_(_SHOWS_ALL, Agreement.id.in_(touched)), Agreement.id.in_(told_to_all))
