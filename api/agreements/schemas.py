"""Wire contract of agreements: what a family holds, with its homes, registrations and handover."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, Field

from api.estate.schemas import BuildingOut, BuildingRef, ForecastOut, UnitOut


class AgreementKind(StrEnum):
    RELOCATION = "relocation"  # 安置协议
    PURCHASE = "purchase"  # 购房合同


class PartyRole(StrEnum):
    HOLDER = "holder"
    CO_OWNER = "co_owner"
    PROXY = "proxy"
    HEIR = "heir"


OWNER_ROLES = (PartyRole.HOLDER, PartyRole.CO_OWNER)


class RegistrationKind(StrEnum):
    CONTRACT_FILING = "contract_filing"  # 网签备案
    TITLE_CERTIFICATE = "title_certificate"  # 不动产证


class RegistrationStage(StrEnum):
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    COMPLETED = "completed"


class AgreementRef(BaseModel):
    """Enough to name an agreement in a list."""

    id: int
    number: str
    kind: AgreementKind
    holder: str = Field(description="First holder's name, masked: 张*")
    home: str | None = Field(description="Short label of its first home: A3-一期-2-1-1801", default=None)
    progress_only: bool = Field(
        default=False, description="Whether the chat sees the home and its handover alone; then the number is masked."
    )


class RegistrationOut(BaseModel):
    kind: RegistrationKind
    stage: RegistrationStage
    status: str | None = Field(description="The roll's own words.")
    happened_on: date | None = Field(description="Date of the stage, where the roll tells it.")
    filing_number: str | None
    blocked_by: str | None = Field(description="What stands in its way, in the roll's own words.")
    source: str
    as_of: date


class HomeOut(BaseModel):
    """One agreement with its homes, how far their buildings are, and the registrations."""

    agreement: AgreementRef
    signed_on: date | None
    resettlement_area_m2: Decimal | None = Field(description="住宅安置面积, square metres")
    units: list[UnitOut]
    buildings: list[BuildingOut] = Field(description="Of the units, each once.")
    registrations: list[RegistrationOut]
    source: str
    as_of: date


class HandoverOut(BaseModel):
    """Handover of the homes that one agreement has in one building (none assigned yet: ``building`` is missing)."""

    agreement: AgreementRef
    building: BuildingRef | None
    units: list[UnitOut]
    handed_over_on: date | None = Field(description="The day the keys were handed over, where the roll tells it.")
    handover_status: str | None = Field(description="交付状态 in the roll's own words.")
    handed_over: bool
    contractual: ForecastOut | None = Field(description="The newest date agreed in the contract.")
    current: ForecastOut | None = Field(description="The newest planned or promised date; none: not published yet.")
    history: list[ForecastOut] = Field(description="Earlier planned or promised dates, newest first.")
    watching: bool = Field(description="Whether this chat asked to be told when it changes.")
    source: str
    as_of: date
