"""Whom a broadcast is for: rules over pairs of a chat and an agreement that it sees, and what can be chosen."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas.words import Id, Locale, NewsKind, NoNul

MAX_NUMBERS = 20_000
MAX_RULES, MAX_DEPTH = 50, 8
"""Rules of an audience all together, and how deep they may be nested."""


class Everybody(BaseModel):
    op: Literal["everybody"] = "everybody"


class InProject(BaseModel):
    op: Literal["project"] = "project"
    id: Id


class InParcel(BaseModel):
    op: Literal["parcel"] = "parcel"
    id: Id


class InPhase(BaseModel):
    op: Literal["phase"] = "phase"
    id: Id


class InBuilding(BaseModel):
    op: Literal["building"] = "building"
    id: Id


class InEntrance(BaseModel):
    op: Literal["entrance"] = "entrance"
    building_id: Id
    entrance: Annotated[str, NoNul] = Field(min_length=1, max_length=40)


class OfKind(BaseModel):
    op: Literal["household"] = "household"
    kind: AgreementKind


class HandedOver(BaseModel):
    op: Literal["handed_over"] = "handed_over"
    value: bool


class InArrears(BaseModel):
    """Whether the roll shows a transition fee that is due and not paid."""

    op: Literal["arrears"] = "arrears"
    value: bool


class AtStage(BaseModel):
    op: Literal["registration"] = "registration"
    kind: RegistrationKind
    stages: Annotated[list[RegistrationStage], Field(min_length=1, max_length=10)]


class Speaks(BaseModel):
    """Chats that read one of these languages. Of families without a chat no language is known."""

    op: Literal["language"] = "language"
    locales: Annotated[list[Locale], Field(min_length=1, max_length=20)]


class Numbered(BaseModel):
    """These agreements, by their numbers as people write them."""

    op: Literal["numbers"] = "numbers"
    numbers: Annotated[
        list[Annotated[str, NoNul, StringConstraints(min_length=1, max_length=80)]], Field(max_length=MAX_NUMBERS)
    ]


class ReachedBy(BaseModel):
    """Agreements of which a chat got that broadcast (``value``), or none did."""

    op: Literal["reached"] = "reached"
    broadcast_id: Id
    value: bool


class TouchedBy(BaseModel):
    """Agreements for which this load of a roll changed something of this kind."""

    op: Literal["news"] = "news"
    import_id: Id
    kind: NewsKind


class AllOf(BaseModel):
    op: Literal["all"] = "all"
    of: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_RULES)]


class AnyOf(BaseModel):
    op: Literal["any"] = "any"
    of: Annotated[list["Rule"], Field(min_length=1, max_length=MAX_RULES)]


class Not(BaseModel):
    op: Literal["not"] = "not"
    of: "Rule"


Rule = Annotated[
    Everybody
    | InProject
    | InParcel
    | InPhase
    | InBuilding
    | InEntrance
    | OfKind
    | HandedOver
    | InArrears
    | AtStage
    | Speaks
    | Numbered
    | ReachedBy
    | TouchedBy
    | AllOf
    | AnyOf
    | Not,
    Field(discriminator="op"),
]
for _model in (AllOf, AnyOf, Not):
    _model.model_rebuild()


def parts_of(rule: Rule) -> "list[Rule]":
    """The rules that a rule is made of."""
    match rule:
        case AllOf(of=parts) | AnyOf(of=parts):
            return parts
        case Not(of=part):
            return [part]
        case _:
            return []


def _within_bounds(rule: Rule) -> Rule:
    level, depth, count, numbers = [rule], 0, 0, 0
    while level:
        depth, count = depth + 1, count + len(level)
        numbers += sum(len(part.numbers) for part in level if isinstance(part, Numbered))
        level = [part for outer in level for part in parts_of(outer)]
        if depth > MAX_DEPTH or count > MAX_RULES or numbers > MAX_NUMBERS:
            raise ValueError(f"at most {MAX_RULES} rules, {MAX_DEPTH} deep, with {MAX_NUMBERS} numbers")
    return rule


Audience = Annotated[Rule, AfterValidator(_within_bounds)]


# --- what can be chosen ---


class EntrancesOf(BaseModel):
    id: int
    name: str
    entrances: list[str]


class BuildingsOf(BaseModel):
    id: int
    name: str
    buildings: list[EntrancesOf]


class PhasesOf(BaseModel):
    id: int
    name: str
    phases: list[BuildingsOf]


class ParcelsOf(BaseModel):
    """A project with all of its places, to choose from."""

    id: int
    name: str
    parcels: list[PhasesOf]


class NumbersFound(BaseModel):
    """Agreement numbers of a file, each once, as they are written there."""

    found: list[str] = Field(max_length=MAX_NUMBERS)
    unknown: list[str] = Field(max_length=MAX_NUMBERS, description="With which there is no agreement.")
