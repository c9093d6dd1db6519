"""What a clerk reads in place of stored words, in the examples of what changed: the rolls' own terms."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from api.agreements.schemas import RegistrationStage
from api.estate.schemas import MilestoneKind
from api.money.schemas import LedgerDirection, LedgerKind, LedgerState

_WORDS: Final[Mapping[str, str]] = {
    LedgerState.DUE: "未付",
    LedgerState.PAID: "已付",
    LedgerDirection.FROM_HOUSEHOLD: "住户付",
    LedgerDirection.TO_HOUSEHOLD: "付给住户",
    LedgerKind.HOUSE_PRICE: "房款",
    LedgerKind.PRICE_DIFFERENCE: "差价款",
    LedgerKind.MAINTENANCE_FUND: "维修基金",
    LedgerKind.COMPENSATION: "补偿款",
    LedgerKind.TRANSITION_FEE: "过渡费",
    LedgerKind.PENALTY: "违约金",
    LedgerKind.REFUND: "退款",
    RegistrationStage.NOT_STARTED: "未办理",
    RegistrationStage.IN_PROGRESS: "办理中",
    RegistrationStage.BLOCKED: "受阻",
    RegistrationStage.COMPLETED: "已办结",
    MilestoneKind.STARTED: "开工",
    MilestoneKind.SUSPENDED: "停工",
    MilestoneKind.RESUMED: "复工",
    MilestoneKind.TOPPED_OUT: "封顶",
    MilestoneKind.EXTERIOR: "外立面",
    MilestoneKind.FITTED: "室内装修",
    MilestoneKind.UTILITIES: "水电气暖",
    MilestoneKind.LANDSCAPE: "道路绿化",
    MilestoneKind.COMPLETION_FILED: "竣工验收备案",
    MilestoneKind.HANDOVER_READY: "具备交房条件",
}


def word(value: str) -> str:
    """The clerk's term for a stored word; any other text stays as it is."""
    return _WORDS.get(value, value)


def months(first: date | None, last: date | None) -> str:
    """Which of several sums: 2026-01至2026-06; nothing where the roll names no time."""
    if first is None and last is None:
        return ""
    return "至".join(f"{day:%Y-%m}" if day else "" for day in (first, last))
