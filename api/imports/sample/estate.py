"""The invented estate: parcels and phases whose buildings bear the same numbers, at every stage of building."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

PARCELS = ("A3", "B1", "C2")
PHASES = ("一期", "二期")
_FLATS_PER_FLOOR = 3
_FLOORS = 17
_ENTRANCES = 2
_SHOPS = 4
_LAYOUTS = (("两室一厅一卫", 68.35), ("三室两厅一卫", 89.5), ("三室两厅两卫", 112.76), ("四室两厅两卫", 138.2))

MILESTONES = ("复工", "主体封顶", "外立面", "水电气暖接通", "园林道路", "竣工验收备案", "具备交房条件")


@dataclass(frozen=True)
class SampleForecast:
    """One saying about when a building will be handed over, as the progress roll writes it."""

    published_on: date
    expected: str
    basis: str
    reason: str | None
    source: str
    next_update: str | None = None


@dataclass(frozen=True)
class Stage:
    """How far buildings of one kind are: how many milestones are reached, and what was said about the handover."""

    reached: int
    forecasts: tuple[SampleForecast, ...]
    handed_over: bool = False


_FIRST = SampleForecast(date(2023, 5, 18), "2024年12月", "计划", None, "专班通报第2号")
_SLIPPED = SampleForecast(date(2024, 9, 30), "2025-12-31", "计划", "总包单位更换，停工四个月", "专班通报第6号")

STAGES = (
    Stage(
        3,
        (
            _FIRST,
            _SLIPPED,
            SampleForecast(
                date(2026, 10, 15), "2027年6月", "计划", "供水管网改造未完成", "专班通报第12号", "2026-12-31"
            ),
        ),
    ),
    Stage(
        4,
        (
            _FIRST,
            SampleForecast(
                date(2026, 9, 28), "2027年3月至6月", "承诺", "电梯设备到货推迟", "专班通报第11号", "2027-01-15"
            ),
        ),
    ),
    Stage(
        7,
        (_FIRST, SampleForecast(date(2024, 12, 6), "2025年9月30日", "计划", "雨季影响外墙施工", "专班通报第7号")),
        handed_over=True,
    ),
    Stage(
        2,
        (
            _FIRST,
            _SLIPPED,
            SampleForecast(
                date(2026, 10, 15), "2027年第四季度", "计划", "外立面工程重新招标", "专班通报第12号", "2026-12-31"
            ),
        ),
    ),
    Stage(
        1,
        (
            _FIRST,
            SampleForecast(
                date(2026, 8, 20),
                "未定",
                "计划",
                "资金监管账户余额不足，正在申请专项借款",
                "专班通报第10号",
                "2026年12月",
            ),
        ),
    ),
    Stage(
        6,
        (_SLIPPED, SampleForecast(date(2026, 11, 6), "2026年12月底前", "承诺", None, "专班通报第13号", "2026-12-25")),
    ),
)


@dataclass(frozen=True)
class SampleUnit:
    building: "SampleBuilding"
    entrance: str | None
    room: str
    layout: str
    area: float


@dataclass
class SampleBuilding:
    parcel: str
    phase: str
    number: int
    stage: Stage
    free_flats: Iterator[SampleUnit] = field(repr=False, default_factory=lambda: iter(()))
    free_shops: Iterator[SampleUnit] = field(repr=False, default_factory=lambda: iter(()))

    def milestone(self, index: int) -> tuple[date, date | None]:
        """Planned and achieved date of a milestone."""
        shift = timedelta(days=17 * (self.number % 7))
        planned = date(2023, 8, 1) + timedelta(days=150 * index) + shift
        return planned, planned + timedelta(days=23 + 9 * index) if index < self.stage.reached else None


def free_flat(buildings: Sequence[SampleBuilding], start: int) -> SampleUnit:
    """The next free flat of a building, or of the first one after it that has any left."""
    for step in range(len(buildings)):
        unit = next(buildings[(start + step) % len(buildings)].free_flats, None)
        if unit is not None:
            return unit
    raise RuntimeError("the estate is full")


class Estate:
    """Buildings of relocated families bear odd numbers, those of buyers even ones."""

    def __init__(self, random: Random, households: int) -> None:
        self._random = random
        per_building = _FLATS_PER_FLOOR * _FLOORS * _ENTRANCES
        # A family may need a second flat, and nothing looks realer than a building with empty flats.
        per_quarter = max(1, -(-households * 6 // (5 * 2 * len(PARCELS) * len(PHASES) * per_building)))
        self.for_relocation: list[SampleBuilding] = []
        self.for_purchase: list[SampleBuilding] = []
        for position in range(per_quarter):
            for parcel in PARCELS:
                for phase in PHASES:
                    for group in (self.for_relocation, self.for_purchase):
                        number = 2 * position + (1 if group is self.for_relocation else 2)
                        building = SampleBuilding(parcel, phase, number, STAGES[len(group) % len(STAGES)])
                        building.free_flats = self._flats(building)
                        building.free_shops = self._shops(building)
                        group.append(building)

    @property
    def buildings(self) -> list[SampleBuilding]:
        everything = [*self.for_relocation, *self.for_purchase]
        return sorted(everything, key=lambda b: (b.parcel, PHASES.index(b.phase), b.number))

    def _flats(self, building: SampleBuilding) -> Iterator[SampleUnit]:
        for floor in range(1, _FLOORS + 1):
            for entrance in range(1, _ENTRANCES + 1):
                for position in range(1, _FLATS_PER_FLOOR + 1):
                    layout, area = _LAYOUTS[(position + building.number) % len(_LAYOUTS)]
                    yield SampleUnit(building, str(entrance), f"{floor}{position:02d}", layout, area)

    def _shops(self, building: SampleBuilding) -> Iterator[SampleUnit]:
        for position in range(1, _SHOPS + 1):
            yield SampleUnit(building, None, f"商铺{position:02d}", "商铺", 40.0 + 7.5 * position)
