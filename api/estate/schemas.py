"""Wire contract of the estate: homes' places, milestones and forecasts."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, Field


class UnitKind(StrEnum):
    FLAT = "flat"
    SHOP = "shop"
    PARKING = "parking"


class MilestoneKind(StrEnum):
    """Stages of a building in the order in which they are reached."""

    STARTED = "started"  # 开工
    SUSPENDED = "suspended"  # 停工
    RESUMED = "resumed"  # 复工
    TOPPED_OUT = "topped_out"  # 封顶
    EXTERIOR = "exterior"  # 外立面
    FITTED = "fitted"  # 室内装修
    UTILITIES = "utilities"  # 水电气暖接通
    LANDSCAPE = "landscape"  # 园林道路
    COMPLETION_FILED = "completion_filed"  # 竣工验收备案
    HANDOVER_READY = "handover_ready"  # 具备交房条件


class ForecastBasis(StrEnum):
    """What an expected handover date rests on; the three are different facts."""

    CONTRACTUAL = "contractual"  # 合同约定
    PLANNED = "planned"  # 计划
    PROMISED = "promised"  # 承诺


class UnitOut(BaseModel):
    """A home with its full label; building numbers repeat across parcels."""

    id: int
    building_id: int
    parcel: str = Field(examples=["A3"])
    phase: str = Field(examples=["一期"])
    building: str = Field(examples=["2"])
    entrance: str | None = Field(description="单元; none for a shop on the street", examples=["1"])
    room: str = Field(examples=["1801"])
    kind: UnitKind
    layout: str | None = Field(description="户型", examples=["三室两厅一卫"])
    area_m2: Decimal | None = Field(description="建筑面积, square metres")


class MilestoneOut(BaseModel):
    kind: MilestoneKind
    planned_on: date | None
    achieved_on: date | None
    note: str | None
    source: str
    as_of: date


class BuildingRef(BaseModel):
    """Enough to name a building."""

    id: int
    parcel: str
    phase: str
    name: str


class BuildingOut(BuildingRef):
    milestones: list[MilestoneOut] = Field(description="In the order of MilestoneKind.")


class ForecastOut(BaseModel):
    """An expected handover date or window. ``latest_on`` equals ``earliest_on`` for a single date; ``earliest_on``
    alone is missing for "by the end of 2027"; both are where the office said that no date can be given yet."""

    basis: ForecastBasis
    earliest_on: date | None
    latest_on: date | None
    reason: str | None = Field(description="Why it differs from the one before.")
    source: str
    published_on: date = Field(description="When it was first stated.")
    confirmed_on: date = Field(description='The last roll that still says so: the "as of" date.')
    next_update_on: date | None
