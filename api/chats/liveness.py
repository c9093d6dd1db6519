"""What it takes for a right to count today. ``today`` is the day in the office's time zone, or a parameter for it."""

from datetime import date
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, exists, or_
from sqlalchemy.orm import aliased

from api.agreements.models import Party
from api.chats.models import Link


def is_live_party(today: date | BindParameter[Any], party: type[Party] = Party) -> ColumnElement[bool]:
    """The roll still supports this party: a proxy's authority has a last day."""
    return or_(party.valid_until.is_(None), party.valid_until >= today)


def is_live_link(today: date | BindParameter[Any], link: type[Link] = Link) -> ColumnElement[bool]:
    """Nobody ended the link, and who proved it (nobody, for a relative with a code) is still a live party."""
    # An alias, so that it does not mean the parties of the statement around it.
    party = aliased(Party)
    supported = exists().where(
        party.agreement_id == link.agreement_id, party.person_id == link.person_id, is_live_party(today, party)
    )
    return link.revoked_at.is_(None) & or_(link.person_id.is_(None), supported)
