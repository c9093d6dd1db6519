"""How exactly a public view may say where a complaint is from. Pure.

Whoever knows that a neighbour complained yesterday about the lift must not find that very complaint, and so learn what
became of it. So a place is named only where it hides somebody: at least :data:`K` families must have complained on the
same day, about the same, from the same place, and all of them are told with that place.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

K = 5


@dataclass(frozen=True)
class Located:
    """A case: of which family, on which day, about what, from where.

    Attributes:
        places: the finest first, as they would be told: building, parcel, project.
    """

    id: int
    family: Hashable
    alike: Hashable
    """Day and category: what else is told of a case, and a neighbour may know."""
    places: Sequence[str]


def tell_places(cases: Iterable[Located], k: int = K) -> dict[int, str]:
    """The place that may be told of each case; of a case that is not in it none may.

    Cases that cannot be told with a place are looked at again with the next coarser one, among themselves: those that
    are told already hide nobody there.
    """
    told: dict[int, str] = {}
    left = list(cases)
    for depth in reversed(range(max((len(case.places) for case in left), default=0))):
        groups: dict[tuple[Hashable, str], list[Located]] = {}
        for case in left:
            if depth < len(case.places):
                groups.setdefault((case.alike, case.places[-1 - depth]), []).append(case)
        for (_, place), group in groups.items():
            if len({case.family for case in group}) >= k:
                told |= dict.fromkeys((case.id for case in group), place)
        left = [case for case in left if case.id not in told]
    return told
