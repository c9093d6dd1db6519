"""Whom a broadcast is for: the rule as a readable sentence, and its conditions put together tap by tap. No Telegram."""

import zlib
from collections.abc import Sequence
from enum import StrEnum

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas import (
    AllOf,
    AnyOf,
    AtStage,
    Everybody,
    HandedOver,
    InArrears,
    InBuilding,
    InEntrance,
    InParcel,
    InPhase,
    InProject,
    NewsKind,
    Not,
    Numbered,
    OfKind,
    ParcelsOf,
    ReachedBy,
    Rule,
    Speaks,
    TouchedBy,
)
from handlers import terms
from handlers.facts import named, phase_label
from locales import Html, Translator, join, lazy, native_name


class How(StrEnum):
    """How a condition joins those that are there."""

    AND = "and"
    AND_NOT = "andn"
    OR = "or"
    OR_NOT = "orn"

    @property
    def negated(self) -> bool:
        return self in (How.AND_NOT, How.OR_NOT)

    def turned(self) -> "How":
        """The same joint with the opposite."""
        pairs = {How.AND: How.AND_NOT, How.OR: How.OR_NOT}
        return pairs.get(self) or next(one for one, other in pairs.items() if other is self)


def joined(rule: Rule | None, condition: Rule, how: How) -> Rule:
    """The rule with one more condition. What nobody can fulfil at once (two buildings, two languages) becomes a choice
    between them."""
    added: Rule = Not(of=condition) if how.negated else condition
    if rule is None or isinstance(rule, Everybody):
        return added
    if how in (How.OR, How.OR_NOT):
        groups: list[Rule] = rule.of if isinstance(rule, AnyOf) and not _is_choice(rule) else [rule]
        return AnyOf(of=[*groups, added])
    if isinstance(rule, AnyOf) and not _is_choice(rule):
        *before, last = rule.of
        return AnyOf(of=[*before, joined(last, condition, how)])
    parts: list[Rule] = rule.of if isinstance(rule, AllOf) else [rule]
    if not how.negated:
        for place, part in enumerate(parts):
            either = _either(part, condition)
            if either is not None:
                return _all([*parts[:place], either, *parts[place + 1 :]])
    return AllOf(of=[*parts, added])


def without_last(rule: Rule) -> Rule | None:
    """The rule as it was before the last condition came; None: nothing is left."""
    if isinstance(rule, AllOf | AnyOf):
        *before, last = rule.of
        shorter = without_last(last) if isinstance(last, AllOf | AnyOf) else None
        rest = [*before, *([shorter] if shorter is not None else [])]
        if not rest:
            return None
        return _all(rest) if isinstance(rule, AllOf) else _any(rest)
    return None


def _all(parts: list[Rule]) -> Rule:
    return parts[0] if len(parts) == 1 else AllOf(of=parts)


def _any(parts: list[Rule]) -> Rule:
    return parts[0] if len(parts) == 1 else AnyOf(of=parts)


def _is_choice(rule: AnyOf) -> bool:
    """Whether it is one condition with several values: in building 2 or 3."""
    return len({part.op for part in rule.of}) == 1 and _can_be_one_of(rule.of[0])


def _can_be_one_of(rule: Rule) -> bool:
    return isinstance(rule, InProject | InParcel | InPhase | InBuilding | InEntrance | OfKind)


def _either(part: Rule, condition: Rule) -> Rule | None:
    """Both values as one condition, where they are values of the same; None: they are not."""
    match part, condition:
        case Speaks(locales=old), Speaks(locales=new):
            return Speaks(locales=[*dict.fromkeys([*old, *new])])
        case AtStage(kind=kind, stages=before), AtStage(kind=same, stages=more) if kind is same:
            return AtStage(kind=kind, stages=[*dict.fromkeys([*before, *more])])
        case Numbered(numbers=known), Numbered(numbers=others):
            return Numbered(numbers=[*dict.fromkeys([*known, *others])])
        case AnyOf(), _ if _is_choice(part) and part.of[0].op == condition.op:
            return part if condition in part.of else AnyOf(of=[*part.of, condition])
        case _, _ if part.op == condition.op and _can_be_one_of(part):
            return part if part == condition else AnyOf(of=[part, condition])
    return None


# --- what a button carries ---


def entrance_code(building_id: int, entrance: str) -> str:
    """A button has no room for the name itself."""
    return f"e{building_id}.{zlib.crc32(entrance.encode()):x}"


def condition_of(code: str, places: Sequence[ParcelsOf]) -> Rule | None:
    """The condition that a button carries; None: there is no such place (any more)."""
    kind, rest = code[:1], code[1:]
    try:
        match kind:
            case "*":
                return Everybody()
            case "p":
                return InProject(id=int(rest))
            case "c":
                return InParcel(id=int(rest))
            case "f":
                return InPhase(id=int(rest))
            case "b":
                return InBuilding(id=int(rest))
            case "e":
                return _entrance_of(rest, places)
            case "k":
                return OfKind(kind=AgreementKind(rest))
            case "h" | "a" if rest in ("0", "1"):
                return HandedOver(value=rest == "1") if kind == "h" else InArrears(value=rest == "1")
            case "l":
                return Speaks(locales=[rest])
            case "r":
                registration, _, stage = rest.partition(".")
                return AtStage(kind=RegistrationKind(registration), stages=[RegistrationStage(stage)])
    except ValueError:
        pass
    return None


def _entrance_of(rest: str, places: Sequence[ParcelsOf]) -> Rule | None:
    for project in places:
        for parcel in project.parcels:
            for phase in parcel.phases:
                for building in phase.buildings:
                    for entrance in building.entrances:
                        if entrance_code(building.id, entrance) == f"e{rest}":
                            return InEntrance(building_id=building.id, entrance=entrance)
    return None


# --- in words ---


class Places:
    """Names of places by what they are and their ids."""

    def __init__(self, projects: Sequence[ParcelsOf], tr: Translator) -> None:
        between = tr.p("between the parts of an address", ", ")
        self._names: dict[tuple[str, int], Html] = {}
        for project in projects:
            self._names["project", project.id] = join("", [project.name])
            for parcel in project.parcels:
                parcel_name = named(tr, lazy("Parcel {name}"), parcel.name)
                self._names["parcel", parcel.id] = join("", [parcel_name])
                for phase in parcel.phases:
                    label = [parcel_name, phase_label(phase.name, tr)]
                    self._names["phase", phase.id] = join(between, label)
                    for building in phase.buildings:
                        whole = [*label, named(tr, lazy("Building {name}"), building.name)]
                        self._names["building", building.id] = join(between, whole)

    def name(self, kind: str, place_id: int, tr: Translator) -> Html:
        known = self._names.get((kind, place_id))
        return known if known is not None else tr.t("a place that is not there any more")


def sentence(rule: Rule | None, places: Places, tr: Translator) -> Html:
    """The whole rule, to be read aloud."""
    if rule is None:
        return tr.t("nobody is chosen yet")
    if isinstance(rule, AnyOf) and not _is_choice(rule):
        parts = [_words(part, places, tr, inside=False) for part in rule.of]
        return join(tr.p("between groups of families", "\nor "), parts)
    return _words(rule, places, tr, inside=False)


def _words(rule: Rule, places: Places, tr: Translator, *, inside: bool) -> Html:
    match rule:
        case AllOf(of=parts):
            text = join(
                tr.p("between conditions that all hold", ", and "),
                [_words(part, places, tr, inside=True) for part in parts],
            )
        case AnyOf(of=parts):
            text = join(
                tr.p("between conditions of which one holds", " or "),
                [_words(part, places, tr, inside=True) for part in parts],
            )
        case Not(of=HandedOver(value=value)):
            return _words(HandedOver(value=not value), places, tr, inside=inside)
        case Not(of=InArrears(value=value)):
            return _words(InArrears(value=not value), places, tr, inside=inside)
        case Not(of=part):
            return tr.t("not: {condition}", condition=_words(part, places, tr, inside=True))
        case _:
            return _condition(rule, places, tr)
    return tr.t("({conditions})", conditions=text) if inside and len(parts) > 1 else text


def _condition(rule: Rule, places: Places, tr: Translator) -> Html:
    either = tr.p("between conditions of which one holds", " or ")
    match rule:
        case InProject() | InParcel() | InPhase() | InBuilding():
            return places.name(rule.op, rule.id, tr)
        case InEntrance(building_id=building_id, entrance=entrance):
            parts = [places.name("building", building_id, tr), named(tr, lazy("Entrance {name}"), entrance)]
            return join(tr.p("between the parts of an address", ", "), parts)
        case OfKind(kind=kind):
            return tr.t(KINDS[kind])
        case HandedOver(value=value):
            return tr.t("with their keys") if value else tr.t("without their keys yet")
        case InArrears(value=value):
            return tr.t("with a transition fee overdue") if value else tr.t("without a transition fee overdue")
        case AtStage(kind=registration, stages=stages):
            named_stages = join(either, [terms.name(tr, stage) for stage in stages])
            return tr.t("{kind}: {stage}", kind=terms.name(tr, registration), stage=named_stages)
        case Speaks(locales=languages):
            return tr.t("reading {languages}", languages=join(either, [native_name(one) for one in languages]))
        case Numbered(numbers=numbers):
            return tr.n("in a list of {n} agreement", "in a list of {n} agreements", len(numbers))
        case ReachedBy(broadcast_id=number, value=value):
            if value:
                return tr.t("reached by broadcast {number}", number=number)
            return tr.t("not reached by broadcast {number}", number=number)
        case TouchedBy(import_id=number, kind=news):
            return tr.t("{news} changed by load {number}", news=tr.t(NEWS[news]), number=number)
    return tr.t("all families")


KINDS = {
    AgreementKind.RELOCATION: lazy("relocated families"),
    AgreementKind.PURCHASE: lazy("buyers' families"),
}
NEWS = {
    NewsKind.FORECAST: lazy("handover date"),
    NewsKind.MILESTONE: lazy("building progress"),
    NewsKind.PAYMENT: lazy("payments"),
    NewsKind.REGISTRATION: lazy("registration"),
}
