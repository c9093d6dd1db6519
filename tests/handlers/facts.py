"""Invented facts as the API tells them, for the tests of the words."""

from datetime import date
from decimal import Decimal

from api.agreements.schemas import (
    AgreementKind,
    AgreementRef,
    HandoverOut,
    HomeOut,
    RegistrationKind,
    RegistrationOut,
    RegistrationStage,
)
from api.estate.schemas import BuildingOut, ForecastBasis, ForecastOut, MilestoneKind, MilestoneOut, UnitKind, UnitOut
from api.money.schemas import (
    LedgerDirection,
    LedgerEntryOut,
    LedgerKind,
    LedgerPage,
    LedgerState,
    LedgerTotalOut,
    PaymentsOut,
    PeriodOut,
    PurchaseTermsOut,
    TransitionFeeOut,
)

TODAY = date(2026, 11, 20)
AS_OF = date(2026, 11, 1)
ROLL = "安置台账 2026-11"
FEE_ROLL = "过渡费发放表 2026-11"
NOTICE = "专班通告第12号"


def agreement(kind: AgreementKind = AgreementKind.RELOCATION) -> AgreementRef:
    return AgreementRef(id=7, number="AZ-2019-00012", kind=kind, holder="张*", home="A3-一期-2-1-1801")


def unit(room: str = "1801", kind: UnitKind = UnitKind.FLAT, area: Decimal | None = Decimal("89.5")) -> UnitOut:
    return UnitOut(
        id=1,
        building_id=4,
        parcel="A3",
        phase="一期",
        building="2",
        entrance="1" if kind is UnitKind.FLAT else None,
        room=room,
        kind=kind,
        layout="三室两厅一卫" if kind is UnitKind.FLAT else None,
        area_m2=area,
    )


def milestone(
    kind: MilestoneKind, *, achieved: date | None = None, planned: date | None = None, note: str | None = None
) -> MilestoneOut:
    return MilestoneOut(
        kind=kind, planned_on=planned, achieved_on=achieved, note=note, source="楼栋进度表 2026-11", as_of=AS_OF
    )


def building(*milestones: MilestoneOut) -> BuildingOut:
    return BuildingOut(id=4, parcel="A3", phase="一期", name="2", milestones=list(milestones))


def registration(
    stage: RegistrationStage = RegistrationStage.BLOCKED, blocked_by: str | None = "开发企业资金未结清"
) -> RegistrationOut:
    return RegistrationOut(
        kind=RegistrationKind.CONTRACT_FILING,
        stage=stage,
        status=None,
        happened_on=None,
        filing_number=None,
        blocked_by=blocked_by,
        source="购房台账 2026-10",
        as_of=date(2026, 10, 8),
    )


def home(
    *, units: list[UnitOut], buildings: list[BuildingOut], registrations: list[RegistrationOut] | None = None
) -> HomeOut:
    return HomeOut(
        agreement=agreement(),
        signed_on=date(2019, 5, 6),
        resettlement_area_m2=None,
        units=units,
        buildings=buildings,
        registrations=registrations or [],
        source=ROLL,
        as_of=AS_OF,
    )


def forecast(
    earliest: date | None,
    latest: date | None = None,
    *,
    basis: ForecastBasis = ForecastBasis.PLANNED,
    reason: str | None = None,
    published: date = date(2026, 10, 15),
    next_update: date | None = None,
) -> ForecastOut:
    return ForecastOut(
        basis=basis,
        earliest_on=earliest,
        latest_on=latest or earliest,
        reason=reason,
        source=NOTICE,
        published_on=published,
        confirmed_on=AS_OF,
        next_update_on=next_update,
    )


def handover(
    current: ForecastOut | None = None,
    *,
    history: list[ForecastOut] | None = None,
    contractual: ForecastOut | None = None,
    handed_over: bool = False,
    handed_over_on: date | None = None,
    watching: bool = False,
) -> HandoverOut:
    return HandoverOut(
        agreement=agreement(),
        building=building(),
        units=[unit()],
        handed_over_on=handed_over_on,
        handover_status=None,
        handed_over=handed_over,
        contractual=contractual,
        current=current,
        history=history or [],
        watching=watching,
        source=ROLL,
        as_of=AS_OF,
    )


def entry(number: int, *, state: LedgerState = LedgerState.PAID, batch: str | None = None) -> LedgerEntryOut:
    """The transition fee of the number-th half year from 2023 on."""
    year, half = 2023 + number // 2, number % 2
    start = date(year, 7 if half else 1, 1)
    end = date(year, 12, 31) if half else date(year, 6, 30)
    return LedgerEntryOut(
        id=number,
        kind=LedgerKind.TRANSITION_FEE,
        direction=LedgerDirection.TO_HOUSEHOLD,
        state=state,
        amount=Decimal("8820"),
        period_start=start,
        period_end=end,
        due_on=None,
        paid_on=end if state is LedgerState.PAID else None,
        batch=batch,
        note=None,
        source=FEE_ROLL,
        as_of=AS_OF,
    )


def total(
    kind: LedgerKind,
    direction: LedgerDirection,
    state: LedgerState,
    amount: str,
    *periods: tuple[date, date],
    source: str = ROLL,
) -> LedgerTotalOut:
    return LedgerTotalOut(
        kind=kind,
        direction=direction,
        state=state,
        amount=Decimal(amount),
        count=3,
        periods=[PeriodOut(start=start, end=end) for start, end in periods],
        source=source,
        as_of=AS_OF,
    )


def transition_fee(
    *, arrears: int = 0, next_payment_on: date | None = None, paid_up_to: date | None = date(2024, 6, 30)
) -> TransitionFeeOut:
    return TransitionFeeOut(
        monthly_amount=Decimal("1470"),
        rate_text=None,
        paid_up_to=paid_up_to,
        next_payment_on=next_payment_on,
        arrears=[entry(number, state=LedgerState.DUE) for number in range(3, 3 + arrears)],
        source=FEE_ROLL,
        as_of=AS_OF,
    )


def payments(
    *,
    terms: PurchaseTermsOut | None = None,
    totals: list[LedgerTotalOut] | None = None,
    fee: TransitionFeeOut | None = None,
    handed_over: bool = False,
) -> PaymentsOut:
    return PaymentsOut(
        agreement=agreement(),
        handed_over=handed_over,
        terms=terms,
        totals=totals or [],
        transition_fee=fee,
        source=ROLL,
        as_of=AS_OF,
    )


def ledger(entries: list[LedgerEntryOut], total_count: int, next_cursor: str | None = None) -> LedgerPage:
    return LedgerPage(agreement=agreement(), entries=entries, total_count=total_count, next_cursor=next_cursor)
