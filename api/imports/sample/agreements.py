"""The families of the sample and their agreements, as facts; how the rolls write them is another module's matter."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from api.imports.sample.estate import Estate, SampleUnit, free_flat
from api.imports.sample.people import PeopleMaker, SamplePeople, SamplePerson

_SECOND_UNIT = 0.12
_SHOP = 0.03
_CO_OWNERS = 0.25
_NOT_ALLOCATED = 0.03
_SECOND_CONTRACT = 0.05
_BUYER_IS_RELOCATED = 0.04
_IN_ARREARS = 0.35
_STREETS = ("和平里", "渔港巷", "老粮站", "胜利街", "码头村")
PAYMENT_METHODS = ("按揭贷款", "一次性付款", "分期付款", "公积金贷款")
BLOCKED_FILINGS = ("受限（土地抵押未解除）", "暂停：开发商资质过期", "查封（法院查封该楼栋）")
BLOCKED_TITLES = ("无法办理（未完成竣工验收备案）", "受限（开发商欠缴税费）", "抵押")


@dataclass(frozen=True)
class Relocation:
    number: str
    owners: list[SamplePerson]
    units: list[SampleUnit]
    address: str
    household_size: int
    resettlement_area: float
    price_difference: int
    monthly_fee: int
    in_arrears: bool
    signed_on: date

    @property
    def handed_over(self) -> bool:
        return bool(self.units) and self.units[0].building.stage.handed_over


@dataclass(frozen=True)
class Purchase:
    number: str
    owners: list[SamplePerson]
    unit: SampleUnit
    unit_price: int
    total: int
    down_payment: int
    paid: int
    payment_method: str
    signed_on: date
    agreed_handover: date
    filing: str
    filed_on: date | None
    title: str

    @property
    def handed_over(self) -> bool:
        return self.unit.building.stage.handed_over


class Families:
    """Half of the households were relocated, half bought; some did both, some hold two contracts."""

    def __init__(self, random: Random, estate: Estate, households: int) -> None:
        self._random = random
        self._people = PeopleMaker(random)
        relocated = max(2, households // 2)
        self.relocations = [self._relocation(estate, position) for position in range(relocated)]
        self.purchases: list[Purchase] = []
        for position in range(max(1, households - relocated)):
            buyers = self._buyers(position)
            contracts = 2 if position == 0 or random.random() < _SECOND_CONTRACT else 1
            for _ in range(contracts):
                self.purchases.append(self._purchase(estate, buyers))

    def picked(self) -> SamplePeople:
        """The people that demos and tests act as."""
        return SamplePeople(
            holder=self.relocations[0].owners[0],
            buyer=self.purchases[0].owners[0],
            parent=self.relocations[1].owners[0],
        )

    def _relocation(self, estate: Estate, position: int) -> Relocation:
        random = self._random
        picked = position < 2  # these two are shown around
        units: list[SampleUnit] = []
        if picked or random.random() >= _NOT_ALLOCATED:
            units.append(free_flat(estate.for_relocation, position))
            if not picked and random.random() < _SECOND_UNIT:
                units.append(self._second_unit(estate, position))
        owners = [self._people.person()]
        while not picked and len(owners) < 4 and random.random() < _CO_OWNERS:
            owners.append(self._people.person())
        size = random.randint(len(owners), 6)
        number = f"AZ-{2018 + position % 3}-{position + 1:05d}"
        for owner in owners:
            owner.agreements.append(number)
        return Relocation(
            number=number,
            owners=owners,
            units=units,
            address=f"临江镇{random.choice(_STREETS)}{random.randint(1, 240)}号",
            household_size=size,
            resettlement_area=round(sum(unit.area for unit in units if unit.entrance) or 30.0 * size, 2),
            price_difference=random.choice((0, 1, 1, 1, -1)) * random.randrange(3_000, 90_000, 10),
            monthly_fee=490 * size if picked else random.choice((490, 510, 525)) * size,
            in_arrears=position == 0 or (position != 1 and random.random() < _IN_ARREARS),
            signed_on=date(2018 + position % 3, 3, 1) + timedelta(days=random.randrange(240)),
        )

    def _second_unit(self, estate: Estate, position: int) -> SampleUnit:
        if self._random.random() < _SHOP / _SECOND_UNIT:
            shop = next(estate.for_relocation[position % len(estate.for_relocation)].free_shops, None)
            if shop is not None:
                return shop
        elsewhere = self._random.random() < 0.1
        start = self._random.randrange(len(estate.for_relocation)) if elsewhere else position
        return free_flat(estate.for_relocation, start)

    def _buyers(self, position: int) -> list[SamplePerson]:
        random = self._random
        if position and random.random() < _BUYER_IS_RELOCATED:
            return [random.choice(self.relocations[2:] or self.relocations).owners[0]]
        buyers = [self._people.person()]
        if position and random.random() < _CO_OWNERS:
            buyers.append(self._people.person())
        return buyers

    def _purchase(self, estate: Estate, buyers: list[SamplePerson]) -> Purchase:
        random = self._random
        position = len(self.purchases)
        building = estate.for_purchase[position % len(estate.for_purchase)]
        shop = next(building.free_shops, None) if position and random.random() < _SHOP else None
        unit = shop or free_flat(estate.for_purchase, position)
        building = unit.building
        number = f"GF-{2019 + position % 4}-{position + 1:05d}"
        for buyer in buyers:
            buyer.agreements.append(number)
        unit_price = random.randrange(6_200, 9_800, 50)
        total = round(unit.area * unit_price / 100) * 100
        method = random.choice(PAYMENT_METHODS)
        down_payment = total if method == "一次性付款" else round(total * 0.3 / 10_000) * 10_000
        paid = total
        if method == "分期付款":
            paid = down_payment + round((total - down_payment) * random.random() / 100) * 100
        signed_on = date(2019 + position % 4, 1, 5) + timedelta(days=random.randrange(340))
        filing = random.choice(("已网签", "已网签", "已备案", "办理中", "未网签", random.choice(BLOCKED_FILINGS)))
        title = "已办结" if building.stage.handed_over and random.random() < 0.6 else "未办理"
        if title == "未办理" and random.random() < 0.25:
            title = random.choice(BLOCKED_TITLES)
        return Purchase(
            number=number,
            owners=buyers,
            unit=unit,
            unit_price=unit_price,
            total=total,
            down_payment=down_payment,
            paid=paid,
            payment_method=method,
            signed_on=signed_on,
            agreed_handover=date(signed_on.year + 3, 6, 30) if position % 2 else date(signed_on.year + 2, 12, 31),
            filing=filing,
            filed_on=signed_on + timedelta(days=12) if filing.startswith("已") else None,
            title=title,
        )
