"""What the words in a roll mean: stages of registration, handover, milestones, what a date rests on, whose debt."""

import re
from dataclasses import dataclass
from datetime import date

from api.agreements.schemas import RegistrationStage
from api.estate.schemas import ForecastBasis, MilestoneKind
from api.identity.documents import normalise_text
from api.imports.cells import Cell, public_text, text
from api.imports.dates import date_inside, last_day
from api.imports.problems import BadCell
from api.money.schemas import LedgerDirection, LedgerState

_STAGES: tuple[tuple[RegistrationStage, str], ...] = (
    (RegistrationStage.NOT_STARTED, "未|尚未|暂未|还未|没有|待办|否"),
    (
        RegistrationStage.IN_PROGRESS,
        "办理中|正在|已受理|受理中|审核中|网签中|备案中|登记中|已申请|已提交|已递交|进行中",
    ),
    (RegistrationStage.BLOCKED, "受限|限制|暂停|暂缓|查封|被查封|已查封|抵押|被抵押|冻结|被冻结|无法|不能|不予"),
    (
        RegistrationStage.COMPLETED,
        "已网签|已备案|已办|已领证|已发证|已取证|已出证|已完成|已登记|网签完成|备案完成|办结|完成|是",
    ),
)
_BECAUSE = re.compile(r"因(?P<cause>.+?)[,，]?(?:无法|不能|暂停|暂缓|受限|未能).*")
_TAIL = re.compile(r"^[^(:,，。;；]*[(:,，。;；]\s*(?P<tail>.+?)\)?$", re.DOTALL)
STAGE_EXPECTED = "未办理、办理中、已受理、受限、暂停、查封、抵押、无法办理、已网签、已备案、已办结 之一；原因写在括号里"


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a registration is; ``blocked_by`` in the roll's own words."""

    stage: RegistrationStage
    status: str
    blocked_by: str | None
    happened_on: date | None


def registration(value: Cell) -> Stage:
    """网签状态 or 办证状态: the leading words tell the stage, what follows a blocked one tells why."""
    status = public_text(value)
    plain = normalise_text(status)
    if because := _BECAUSE.fullmatch(plain):
        return Stage(RegistrationStage.BLOCKED, status, because["cause"], None)
    for stage, words in _STAGES:
        leading = re.match(words, plain)
        if leading is None:
            continue
        if stage is not RegistrationStage.BLOCKED:
            return Stage(stage, status, None, date_inside(plain))
        tail = _TAIL.match(plain)
        return Stage(stage, status, tail["tail"] if tail else leading.group().removeprefix("被"), None)
    raise BadCell(STAGE_EXPECTED)


_HANDED_OVER = re.compile(r"已(?:交付|交房|收房|接房|入住|领钥匙|移交|交钥匙)|交付完成|交房完成")


def handover(value: Cell) -> tuple[bool, date | None, str]:
    """交付状态: whether the keys were handed over, the day if the cell tells it, and the roll's own words."""
    status = public_text(value)
    plain = normalise_text(status)
    if _HANDED_OVER.match(plain):
        return True, date_inside(plain), status
    if not isinstance(value, str):
        return True, last_day(value), status
    day = date_inside(plain)
    if (
        day is not None
        and re.search(r"交付|交房|收房|入住|^[\d年月日./\-]+$", plain)
        and not re.search("未|待|计划", plain)
    ):
        return True, day, status
    return False, None, status


_MILESTONES: dict[MilestoneKind, str] = {
    MilestoneKind.STARTED: "开工 动工 开工建设 正式开工",
    MilestoneKind.SUSPENDED: "停工 停建 全面停工",
    MilestoneKind.RESUMED: "复工 恢复施工 全面复工 复工复建 复建",
    MilestoneKind.TOPPED_OUT: "封顶 主体封顶 主体结构封顶 结构封顶 主体完工封顶",
    MilestoneKind.EXTERIOR: "外立面 外墙 外墙施工 外立面施工 外立面工程 外墙工程 落架",
    MilestoneKind.FITTED: "室内装修 装修 精装修 内装 室内装饰 室内装饰装修 装饰装修 室内工程",
    MilestoneKind.UTILITIES: (
        "水电气暖接通 水电气接通 水电气暖 水电气 通水通电 水电气暖配套 水电接通 市政配套 配套接入 水电气热接通"
    ),
    MilestoneKind.LANDSCAPE: "园林道路 园林绿化 室外工程 小区道路 园林景观 绿化道路 园林 道路绿化 室外管网及道路",
    MilestoneKind.COMPLETION_FILED: "竣工验收备案 竣工备案 验收备案 竣工验收备案证",
    MilestoneKind.HANDOVER_READY: "具备交房条件 具备交付条件 交房条件 交付条件 达到交房条件 达到交付条件",
}
_MILESTONE_BY_WORD = {word: kind for kind, words in _MILESTONES.items() for word in words.split()}
MILESTONE_EXPECTED = "节点：" + "、".join(words.split()[0] for words in _MILESTONES.values()) + " 之一"


def milestone(value: Cell) -> MilestoneKind:
    """A stage of a building. Completion (竣工) alone is none: what counts is that it was filed (竣工验收备案)."""
    plain = re.sub(r"\(.*\)", "", normalise_text(text(value) or ""))
    for candidate in (plain, re.sub(r"(?:完成|完工|时间|日期|节点)+$", "", plain)):
        if kind := _MILESTONE_BY_WORD.get(candidate):
            return kind
    raise BadCell(MILESTONE_EXPECTED)


def basis(value: Cell) -> ForecastBasis:
    """依据: what an expected date rests on."""
    plain = normalise_text(text(value) or "")
    found = {
        kind
        for kind, words in (
            (ForecastBasis.CONTRACTUAL, "合同|协议|约定"),
            (ForecastBasis.PLANNED, "计划|排期|进度安排|工期"),
            (ForecastBasis.PROMISED, "承诺"),
        )
        if re.search(words, plain)
    }
    if len(found) != 1:
        raise BadCell("日期的依据：合同约定、计划、承诺 之一")
    return found.pop()


_DUES: tuple[tuple[str, LedgerDirection, LedgerState], ...] = (
    ("已退|已返|已领", LedgerDirection.TO_HOUSEHOLD, LedgerState.PAID),
    ("已付|已交|已缴|已补|付清|交清|结清", LedgerDirection.FROM_HOUSEHOLD, LedgerState.PAID),
    ("应退|应返|待退|未退", LedgerDirection.TO_HOUSEHOLD, LedgerState.DUE),
    ("应付|应补|应交|应缴|未付|未交|未缴|欠", LedgerDirection.FROM_HOUSEHOLD, LedgerState.DUE),
)
_DUE_WORDS = re.compile("|".join(words for words, _, _ in _DUES) + "|已?(?:清|款项?|差价款?|房款)|[::]")


def due(written: str) -> tuple[LedgerDirection, LedgerState] | None:
    """Whose debt, and whether it is settled, by the words in a heading or cell; none where they say nothing, or both
    ways at once (a heading like "应补为正，应退为负")."""
    plain = normalise_text(written)
    found = {(direction, state) for words, direction, state in _DUES if re.search(words, plain)}
    return found.pop() if len(found) == 1 else None


def without_due_words(written: str) -> str:
    """The sum that is left when the words of :func:`due` are taken away."""
    return _DUE_WORDS.sub("", normalise_text(written)).strip("()")


def is_monthly(unit: str) -> bool:
    """Whether a unit is a sum per month for the household (元/月), not per square metre or person."""
    plain = normalise_text(unit)
    return "月" in plain and not re.search(r"m2|平|人", plain)
