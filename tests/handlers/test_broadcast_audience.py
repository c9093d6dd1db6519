"""Audiences put together tap by tap: what is joined to what, what is taken back, and how it reads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas import (
    AllOf,
    AnyOf,
    AtStage,
    BuildingsOf,
    EntrancesOf,
    Everybody,
    HandedOver,
    InArrears,
    InBuilding,
    InEntrance,
    NewsKind,
    Not,
    Numbered,
    OfKind,
    ParcelsOf,
    PhasesOf,
    ReachedBy,
    Rule,
    Speaks,
    TouchedBy,
)
from handlers.broadcast_audience import How, Places, condition_of, entrance_code, joined, sentence, without_last
from locales import translator

ZH, EN = translator("zh_CN"), translator("en")
BUILDINGS = [EntrancesOf(id=1, name="2", entrances=["1", "2"]), EntrancesOf(id=2, name="3号楼", entrances=[])]
PLACES = [
    ParcelsOf(
        id=1,
        name="编造项目",
        parcels=[PhasesOf(id=1, name="A3", phases=[BuildingsOf(id=1, name="一期", buildings=BUILDINGS)])],
    )
]
TWO, THREE = InBuilding(id=1), InBuilding(id=2)
BUYERS = OfKind(kind=AgreementKind.PURCHASE)


def read(rule: Rule | None, tr: Any = ZH) -> str:
    return sentence(rule, Places(PLACES, tr), tr)


def put_together(*steps: tuple[How, Rule]) -> Rule:
    rule: Rule | None = None
    for how, condition in steps:
        rule = joined(rule, condition, how)
    assert rule is not None
    return rule


def test_what_nobody_can_be_at_once_becomes_a_choice() -> None:
    rule = put_together((How.AND, TWO), (How.AND, BUYERS), (How.AND, THREE), (How.AND, THREE))
    assert rule == AllOf(of=[AnyOf(of=[TWO, THREE]), BUYERS])
    languages = put_together((How.AND, Speaks(locales=["en"])), (How.AND, Speaks(locales=["zh_CN", "en"])))
    assert languages == Speaks(locales=["en", "zh_CN"])
    held, done = RegistrationStage.BLOCKED, RegistrationStage.COMPLETED
    contract, title = RegistrationKind.CONTRACT_FILING, RegistrationKind.TITLE_CERTIFICATE
    stages = put_together(
        (How.AND, AtStage(kind=contract, stages=[held])),
        (How.AND, AtStage(kind=contract, stages=[done])),
        (How.AND, AtStage(kind=title, stages=[held])),
    )
    assert stages == AllOf(of=[AtStage(kind=contract, stages=[held, done]), AtStage(kind=title, stages=[held])]), (
        "two registrations can both be held up"
    )
    assert put_together((How.AND, Numbered(numbers=["1"])), (How.AND, Numbered(numbers=["2"]))) == Numbered(
        numbers=["1", "2"]
    )


def test_and_goes_to_the_group_that_was_begun_last() -> None:
    rule = put_together((How.AND, TWO), (How.OR, BUYERS), (How.AND_NOT, HandedOver(value=True)))
    assert rule == AnyOf(of=[TWO, AllOf(of=[BUYERS, Not(of=HandedOver(value=True))])])
    choice = put_together((How.AND, TWO), (How.AND, THREE), (How.OR, BUYERS))
    assert choice == AnyOf(of=[AnyOf(of=[TWO, THREE]), BUYERS])


def test_everybody_gives_way_to_the_first_condition() -> None:
    assert joined(Everybody(), BUYERS, How.AND_NOT) == Not(of=BUYERS)


def test_the_last_condition_is_taken_back() -> None:
    rule: Rule | None = put_together((How.AND, TWO), (How.AND, BUYERS), (How.OR, THREE), (How.AND, BUYERS))
    left = []
    while rule is not None:
        left.append(read(rule))
        rule = without_last(rule)
    assert left == [
        "A3地块 一期 2号楼，并且购房户；\n或者A3地块 一期 3号楼，并且购房户",
        "A3地块 一期 2号楼，并且购房户；\n或者A3地块 一期 3号楼",
        "A3地块 一期 2号楼，并且购房户",
        "A3地块 一期 2号楼",
    ]


@pytest.mark.parametrize(
    ("rule", "chinese", "english"),
    [
        (None, "还没有选", "nobody is chosen yet"),
        (Everybody(), "所有住户", "all families"),
        (Not(of=HandedOver(value=True)), "还没有交房的", "without their keys yet"),
        (Not(of=InArrears(value=False)), "过渡费有拖欠的", "with a transition fee overdue"),
        (
            InEntrance(building_id=1, entrance="1"),
            "A3地块 一期 2号楼 1单元",
            "Parcel A3, Phase 1, Building 2, Entrance 1",
        ),
        (InBuilding(id=99), "已经没有的地方", "a place that is not there any more"),
        (Speaks(locales=["en", "zh_CN"]), "看English或简体中文的", "reading English or 简体中文"),
        (Numbered(numbers=["1", "2"]), "名单里的2份协议", "in a list of 2 agreements"),
        (
            AllOf(of=[AnyOf(of=[TWO, THREE]), Not(of=BUYERS)]),
            "（A3地块 一期 2号楼或A3地块 一期 3号楼），并且除了购房户",
            "(Parcel A3, Phase 1, Building 2 or Parcel A3, Phase 1, 3号楼), and not: buyers' families",
        ),
        (ReachedBy(broadcast_id=7, value=False), "没有收到群发7号的", "not reached by broadcast 7"),
        (TouchedBy(import_id=3, kind=NewsKind.FORECAST), "第3次导入改了交房时间的", "handover date changed by load 3"),
    ],
)
def test_a_rule_can_be_read_aloud(rule: Rule | None, chinese: str, english: str) -> None:
    assert (read(rule, ZH), read(rule, EN)) == (chinese, english)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("*", Everybody()),
        ("b1", TWO),
        ("kpurchase", BUYERS),
        ("h0", HandedOver(value=False)),
        ("len", Speaks(locales=["en"])),
        (entrance_code(1, "2"), InEntrance(building_id=1, entrance="2")),
        (entrance_code(1, "3"), None),
        ("b0", None),
        ("bx", None),
        ("kcastle", None),
        ("rnone.none", None),
        ("", None),
        ("h", None),
    ],
)
def test_what_a_button_carries(code: str, rule: Rule | None) -> None:
    assert condition_of(code, PLACES) == rule


CONDITIONS = st.sampled_from(
    [TWO, THREE, BUYERS, HandedOver(value=True), Speaks(locales=["en"]), Numbered(numbers=["1"])]
)


@given(steps=st.lists(st.tuples(st.sampled_from(How), CONDITIONS), min_size=1, max_size=8))
def test_whatever_is_put_together_reads_and_can_be_taken_back(steps: list[tuple[How, Rule]]) -> None:
    rule: Rule | None = put_together(*steps)
    for _ in range(30):
        if rule is None:
            break
        assert read(rule)
        rule = without_last(rule)
    assert rule is None
