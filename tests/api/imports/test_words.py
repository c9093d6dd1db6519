"""Words of the rolls: stages of registration, handover, milestones, what a date rests on, whose debt."""

from datetime import date

import pytest

from api.agreements.schemas import RegistrationStage
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.imports import words
from api.imports.cells import Cell
from api.imports.problems import BadCell
from api.money.schemas import LedgerDirection, LedgerState


@pytest.mark.parametrize(
    ("written", "stage", "blocked_by"),
    [
        ("未网签", RegistrationStage.NOT_STARTED, None),
        ("未办理", RegistrationStage.NOT_STARTED, None),
        ("办理中", RegistrationStage.IN_PROGRESS, None),
        ("已受理（材料齐）", RegistrationStage.IN_PROGRESS, None),
        ("受限（土地抵押未解除）", RegistrationStage.BLOCKED, "土地抵押未解除"),
        ("暂停：开发商资质过期", RegistrationStage.BLOCKED, "开发商资质过期"),
        ("无法办理，欠缴税费", RegistrationStage.BLOCKED, "欠缴税费"),
        ("查封", RegistrationStage.BLOCKED, "查封"),
        ("因土地抵押无法办理", RegistrationStage.BLOCKED, "土地抵押"),
        ("已网签", RegistrationStage.COMPLETED, None),
        ("已备案", RegistrationStage.COMPLETED, None),
        ("已办结", RegistrationStage.COMPLETED, None),
    ],
)
def test_registrations(written: str, stage: RegistrationStage, blocked_by: str | None) -> None:
    found = words.registration(written)
    assert (found.stage, found.blocked_by, found.status) == (stage, blocked_by, written)


def test_a_word_nobody_knows_is_not_guessed() -> None:
    with pytest.raises(BadCell, match="已网签"):
        words.registration("差不多了")


@pytest.mark.parametrize(
    ("written", "handed_over", "day"),
    [
        ("已交付", True, None),
        ("已交房（2026年3月1日）", True, date(2026, 3, 1)),
        ("2026.3.1交付", True, date(2026, 3, 1)),
        (date(2026, 3, 1), True, date(2026, 3, 1)),
        ("未交付", False, None),
        ("计划2027年3月1日交付", False, None),
        ("部分交付", False, None),
    ],
)
def test_handovers(written: Cell, handed_over: bool, day: date | None) -> None:
    assert words.handover(written)[:2] == (handed_over, day)


def test_milestones_and_what_is_none() -> None:
    assert words.milestone("封顶") is words.milestone("主体结构封顶") is MilestoneKind.TOPPED_OUT
    assert words.milestone("外立面完成") is MilestoneKind.EXTERIOR
    assert words.milestone("竣工验收备案（消防）") is MilestoneKind.COMPLETION_FILED
    for not_filed in ("竣工", "竣工验收", "预计交房", "验收"):
        with pytest.raises(BadCell):
            words.milestone(not_filed)


def test_what_a_date_rests_on() -> None:
    assert words.basis("合同约定") is words.basis("安置协议") is ForecastBasis.CONTRACTUAL
    assert words.basis("施工计划") is ForecastBasis.PLANNED
    assert words.basis("专班承诺") is ForecastBasis.PROMISED
    for unclear in ("领导说的", "合同和计划"):
        with pytest.raises(BadCell):
            words.basis(unclear)


def test_whose_debt() -> None:
    assert words.due("应退12000元") == (LedgerDirection.TO_HOUSEHOLD, LedgerState.DUE)
    assert words.due("已付") == (LedgerDirection.FROM_HOUSEHOLD, LedgerState.PAID)
    assert words.due("差价款（应补为正，应退为负）") is None
    assert words.without_due_words("应退：12000元") == "12000元"


def test_sums_per_month_and_other_rates() -> None:
    assert words.is_monthly("元/月")
    assert words.is_monthly("元/户·月")
    assert not words.is_monthly("元/㎡·月")
    assert not words.is_monthly("元/人/月")
    assert not words.is_monthly("元")
