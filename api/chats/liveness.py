"""What it takes for a right to count today. ``today`` is the day in the office's time zone, or a parameter for it."""

from datetime import date
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Text, any_, case, cast, exists, func, literal_column, or_
from sqlalchemy.orm import aliased

from api.agreements.models import Party
from api.agreements.schemas import OWNER_ROLES
from api.chats.models import Link
from api.identity.models import LinkCode
from api.identity.schemas import LinkLapse


def is_live_party(today: date | BindParameter[Any], party: type[Party] = Party) -> ColumnElement[bool]:
    """The roll still supports this party: a proxy's authority has a last day."""
    return or_(party.valid_until.is_(None), party.valid_until >= today)


def is_live_link(today: date | BindParameter[Any], link: type[Link] = Link) -> ColumnElement[bool]:
    """The link is rightful, and in use."""
    return is_rightful_link(today, link) & (link.expires_on > today)


def is_rightful_link(today: date | BindParameter[Any], link: type[Link] = Link) -> ColumnElement[bool]:
    """Nobody ended the link, no roll suspended it, its last day is not past, and who proved it (nobody, for a relative
    with a code) is still a live party."""
    # An alias, so that it does not mean the parties of the statement around it.
    party = aliased(Party)
    supported = exists().where(
        party.agreement_id == link.agreement_id, party.person_id == link.person_id, is_live_party(today, party)
    )
    return (
        link.revoked_at.is_(None)
        & link.suspended_at.is_(None)
        & or_(link.valid_until.is_(None), link.valid_until >= today)
        & or_(link.person_id.is_(None), supported)
    )


def is_still_owned(code: type[LinkCode] = LinkCode) -> ColumnElement[bool]:
    """One of those in whose name the code lets somebody in still owns the agreement. It may name nobody: an agreement
    without owners."""
    party = aliased(Party)
    owns = exists().where(
        party.agreement_id == code.agreement_id, party.person_id == any_(code.owner_ids), party.role.in_(OWNER_ROLES)
    )
    return or_(func.cardinality(code.owner_ids) == 0, owns)


def lapse(today: date | BindParameter[Any], link: type[Link] = Link) -> ColumnElement[str]:
    """A ``LinkLapse``: why a link that nobody ended shows nothing. Of a live one it means nothing."""
    over = literal_column(f"'{LinkLapse.OVER}'", Text)
    return case(
        (link.suspended_at.is_not(None), cast(link.suspended_because, Text)),
        (link.valid_until < today, over),
        (link.expires_on <= today, literal_column(f"'{LinkLapse.DISUSED}'", Text)),
        # The authority of its proxy.
        else_=over,
    )
