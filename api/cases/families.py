"""Which complaints are one family's. It is defined here and nowhere else.

Agreements are no families: one person may hold five. What an agreement has of a family is its parties, so agreements
that have a person in common are one family's, and an agreement without parties is a family of its own.

- Where families are counted for people to read (:func:`family_key`), each stands for the person whom its agreement is
  named after.
- Where they must hide each other (:func:`family_of_each`), it is rather one family too few: any person in common makes
  one of two, and so does the chat that filed, be it a proxy's for strangers.
"""

from collections.abc import Collection, Hashable, Sequence
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, func, select

from api.agreements.models import Party
from api.agreements.schemas import PartyRole


def _people(agreement_id: Any) -> Select[int]:
    """Holders before proxies, as agreements are named."""
    return (
        select(Party.person_id)
        .where(Party.agreement_id == agreement_id)
        .order_by(Party.role != PartyRole.HOLDER, Party.position, Party.id)
        .correlate_except(Party)
    )


def family_key(agreement_id: Any) -> SQLColumnExpression[int]:
    """The same for agreements of the same first party. Below zero: no person's id, there is none."""
    return func.coalesce(_people(agreement_id).limit(1).scalar_subquery(), -agreement_id)


def people_of(agreement_id: Any) -> SQLColumnExpression[list[int]]:
    """All parties of an agreement."""
    return func.array(_people(agreement_id).scalar_subquery())


def family_of_each(cases: Sequence[Collection[Hashable]]) -> list[int]:
    """A number for the family of each case, given what ties each to others: its agreement, its people, its chat.

    Cases that have a tie in common are one family's, and so are those that a third one ties together.
    """
    family = list(range(len(cases)))

    def first(nth: int) -> int:
        while family[nth] != nth:
            family[nth] = nth = family[family[nth]]
        return nth

    seen: dict[Hashable, int] = {}
    for nth, ties in enumerate(cases):
        for tie in ties:
            family[first(nth)] = first(seen.setdefault(tie, nth))
    return [first(nth) for nth in range(len(cases))]
