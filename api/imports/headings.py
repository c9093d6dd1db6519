"""Headings: which of the four rolls a sheet is, and which column says what.

Real rolls write the same heading in many ways, in any order, below title rows, over two merged lines, with spaces,
newlines, full-width letters, and units in brackets.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.identity.documents import normalise_text
from api.imports.cells import Cell
from api.imports.models import RollKind
from api.imports.problems import Secrecy
from api.imports.workbook import Sheet

ROLL_NAMES = {
    RollKind.RELOCATION: "安置台账",
    RollKind.PURCHASE: "购房台账",
    RollKind.TRANSITION_FEE: "过渡费发放表",
    RollKind.PROGRESS: "楼栋进度表",
}

_PLACE = {
    "parcel": "地块 宗地号 宗地 地块名称 地块编号 地块号 所属地块 安置地块",
    "phase": "期 所属分期名称 所属分期 分期 期数 分期名称 期别 所属期",
    "building": "楼栋 楼栋号 楼号 栋号 幢号 楼幢 楼幢号 栋 幢 楼栋名称 安置楼栋 安置楼栋号 所在楼栋",
}
_HOME = _PLACE | {
    "entrance": "单元 单元号 安置单元 单元名称",
    "room": "房号 安置房号 室号 房间号 门牌号 房屋号 户室号 户号 安置房房号",
    "layout": "户型 房型 安置户型 户型结构",
    "area": "建筑面积 安置房建筑面积 安置房面积 房屋建筑面积 面积 房屋面积 建面 合同面积 实测面积 预测面积",
    "unit_kind": "房屋类型 房屋用途 用途 物业类型 房屋性质 类型",
}
_OWNER = {
    "id_number": "证件号码 身份证号 身份证号码 身份证 证件号 公民身份号码 身份号码 证件编号 有效证件号码 身份证件号码",
    "phone": "手机号码 联系电话 手机号 手机 电话 联系方式 电话号码 联系手机",
    "co_owners": "共有人 共有人姓名 其他共有人 共同买受人 共同被安置人 共有权人",
    "co_owner_ids": "共有人证件号码 共有人身份证号 共有人身份证号码 共有人证件号",
}
_STATES = {
    "signed_on": "签约日期 签订日期 协议签订日期 合同签订日期 签约时间 签订时间 签协议日期",
    "filing_status": "网签状态 网签备案状态 备案状态 是否网签 网签情况",
    "filing_date": "网签日期 备案日期 网签备案日期 网签时间",
    "filing_number": "备案号 网签备案号 备案编号 网签号 合同备案号 网签编号",
    "handover_status": "交付状态 交房状态 是否交房 是否交付 入住状态 交付情况 交房情况",
    "title_status": "办证状态 不动产证状态 不动产证办理状态 产权证状态 不动产权证 不动产证 办证情况 产证状态",
    "published_on": "发布日期 说明日期 公布日期 发布时间",
    "next_update_on": "下次更新 下次发布 下次更新日期 下次发布日期 下次更新时间 下次发布时间",
    "reason": "说明 原因 延期原因 原因说明 情况说明 延期说明 交房说明",
    "note": "备注 备注说明 备注信息",
}
_FIELDS: dict[RollKind, dict[str, str]] = {
    RollKind.RELOCATION: _HOME
    | _OWNER
    | _STATES
    | {
        "agreement_number": "协议编号 协议号 安置协议编号 安置协议号 拆迁协议编号 补偿协议编号 征收协议编号 协议书编号",
        "name": "被安置人姓名 姓名 被安置人 被拆迁人 被拆迁人姓名 户主 户主姓名 被征收人 权利人 产权人 安置人姓名",
        "address": "原住址 原地址 原房屋地址 原房屋坐落 拆迁前住址 被拆迁房屋坐落 原居住地址",
        "household_size": "安置人口 安置人数 安置人口数 人口 家庭人口",
        "resettlement_area": "住宅安置面积 安置面积 应安置面积 可安置面积",
        "price_difference": "差价款 差价 房屋差价款 安置差价款 结算差价款 应补差价款 应付差价款 应交差价款 应退差价款 "
        "已付差价款 已交差价款 已补差价款 未付差价款 未交差价款 差价款应补应退",
        "fee_rate": "过渡费标准 月过渡费 过渡费月标准 临时安置费标准 过渡安置费标准 每月过渡费 过渡费",
        "paid_up_to": "已发放至 过渡费已发放至 发放至 已发至 过渡费发放至 已发放截止日期 已发放到",
        "next_payment_on": "下次发放日期 下次发放时间 下期发放日期 下次发放",
        "forecast": "交房时间 交房日期 预计交房 预计交房时间 预计交房日期 计划交房时间 计划交房日期 交付时间 "
        "预计交付时间",
        "basis": "依据 交房依据 预计依据",
    },
    RollKind.PURCHASE: _HOME
    | _OWNER
    | _STATES
    | {
        "agreement_number": "合同编号 合同号 购房合同编号 购房合同号 买卖合同编号 商品房买卖合同编号 商品房合同编号",
        "name": "买受人 姓名 买受人姓名 购房人 购房人姓名 业主 业主姓名 客户姓名 权利人",
        "unit_price": "单价 房屋单价 合同单价 成交单价",
        "total_price": "总价 总价款 合同总价 房屋总价 总房款 成交总价 合同金额 合同总价款",
        "payment_method": "付款方式 支付方式 付款类型",
        "down_payment": "首付款 首付 首付金额 首付款金额",
        "loan_amount": "贷款额 贷款金额 贷款 按揭金额 按揭款 按揭贷款 贷款额度",
        "paid": "已付款 已付金额 已付房款 已交房款 累计已付 已交款 实收款 已付总额",
        "unpaid": "未付款 未付金额 未付房款 剩余房款 欠款 应收款 尾款 未交房款",
        "agreed_handover": "约定交房日期 合同约定交房日期 合同交房日期 约定交付日期 约定交房时间 合同约定交房时间 "
        "交房日期 交房时间",
    },
    RollKind.TRANSITION_FEE: {
        "agreement_number": "协议编号 协议号 安置协议编号 安置协议号 拆迁协议编号 补偿协议编号 征收协议编号 协议书编号",
        "name": "姓名 被安置人姓名 被安置人 被拆迁人 领取人 户主 户主姓名 收款人",
        "id_number": _OWNER["id_number"],
        "period_start": "起始时间 开始时间 起始日期 开始日期 起始月份 过渡费起始时间 起",
        "period_end": "终止时间 结束时间 截止时间 终止日期 截止日期 结束日期 终止月份 过渡费终止时间 止",
        "period": "起止时间 起止日期 起止月份 发放期间 过渡期间 所属期间 补偿期间 过渡费期间 过渡期限",
        "amount": "过渡费金额 总过渡费 过渡费 发放金额 金额 应发金额 实发金额 过渡费总额 发放总额",
        "batch": "支付批次 批次 发放批次 批次号",
        "paid_on": "支付日期 发放时间 发放日期 支付时间 实际发放日期",
        "next_payment_on": "下次发放日期 下次发放时间 下期发放日期 下次发放",
        "reason": "说明 未发原因 未付原因 原因 原因说明 情况说明 发放说明",
        "note": _STATES["note"],
    },
    RollKind.PROGRESS: _PLACE
    | {
        "milestone": "节点 节点名称 工程节点 进度节点 施工节点 形象进度",
        "planned_on": "计划日期 计划完成日期 计划时间 计划完成时间 计划完成",
        "achieved_on": "完成日期 实际完成日期 完成时间 实际日期 实际完成时间 实际完成",
        "forecast": "预计交房 预计交房时间 预计交房日期 预计交付 预计交付时间 计划交房时间 交房时间",
        "basis": "依据 预计依据 交房依据",
        "reason": _STATES["reason"],
        "source": "信息来源 来源 文件依据 数据来源",
        "published_on": _STATES["published_on"],
        "next_update_on": _STATES["next_update_on"],
        "note": _STATES["note"],
    },
}
_IGNORED = frozenset(
    (
        "序号",
        "编号",
        "行号",
        "no",
        "no.",
        "问题",
        "操作",
        "经办人",
        "录入人",
        "审核人",
        "签字",
        "签名",
        "盖章",
        "领取人签字",
    )
)

_NEEDED: dict[RollKind, tuple[tuple[str, ...], ...]] = {
    # Each group needs one of its fields.
    RollKind.RELOCATION: (("agreement_number",), ("name",)),
    RollKind.PURCHASE: (("agreement_number",), ("name",)),
    RollKind.TRANSITION_FEE: (("agreement_number",), ("amount",), ("period", "period_start")),
    RollKind.PROGRESS: (("building",), ("milestone", "forecast")),
}
_TELLING: dict[RollKind, frozenset[str]] = {
    # Fields that no other roll has: they decide between rolls that share most of their headings.
    RollKind.RELOCATION: frozenset(
        {"agreement_number", "address", "household_size", "resettlement_area", "fee_rate", "paid_up_to"}
    ),
    RollKind.PURCHASE: frozenset(
        {"agreement_number", "unit_price", "total_price", "paid", "unpaid", "agreed_handover"}
    ),
    RollKind.TRANSITION_FEE: frozenset({"period", "period_start", "period_end", "amount", "batch", "paid_on"}),
    RollKind.PROGRESS: frozenset({"milestone", "planned_on", "achieved_on", "source"}),
}
_SECRECY = {
    **dict.fromkeys(("name", "co_owners"), Secrecy.NAME),
    **dict.fromkeys(("id_number", "co_owner_ids"), Secrecy.ID_NUMBER),
    "phone": Secrecy.PHONE,
    **dict.fromkeys(("address", "note", "reason"), Secrecy.HIDDEN),
    **dict.fromkeys(
        ("milestone", "basis", "filing_status", "title_status", "parcel", "phase", "payment_method"), Secrecy.OPEN
    ),
}
_SEVERAL_COLUMNS = frozenset({"phone", "note"})
_HEADING_ROWS_SEARCHED = 30
_UNIT_IN_BRACKETS = re.compile(r"\((?P<unit>[^)]*)\)")
_UNIT_AT_END = re.compile(r"[/:]?(?P<unit>万元(?:/月|/m2)?|元(?:/m2)?(?:[/·]?月)?|m2|平方米)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is understood: what it says, its heading as written, and the unit in the heading."""

    field: str
    index: int
    heading: str
    unit: str | None

    @property
    def secrecy(self) -> Secrecy:
        return _SECRECY.get(self.field, Secrecy.PLAIN)


@dataclass(slots=True)
class Headings:
    """Where a sheet's headings are and what its columns say."""

    kind: RollKind
    columns: dict[str, list[Column]]
    first_row: int
    last_row: int
    title: str
    missing: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def _plain(heading: Cell) -> tuple[str, str | None]:
    """A heading for comparison, and the unit it names."""
    plain = normalise_text(str(heading)).lower().replace("㎡", "m2").strip("*:：")
    units = [match["unit"] for match in _UNIT_IN_BRACKETS.finditer(plain)]
    bare = _UNIT_IN_BRACKETS.sub("", plain)
    if at_end := _UNIT_AT_END.search(bare):
        cut = bare[: at_end.start()]
        if cut and bare not in _KNOWN:
            bare = cut
            units.append(at_end["unit"])
    return bare.strip("*:：/"), "、".join(units) or None


_BY_HEADING: dict[RollKind, dict[str, str]] = {
    kind: {synonym: name for name, synonyms in reversed(fields.items()) for synonym in synonyms.split()}
    for kind, fields in _FIELDS.items()
}
_KNOWN = frozenset(heading for synonyms in _BY_HEADING.values() for heading in synonyms)


def find_headings(sheet: Sheet) -> Headings | None:
    """The sheet's headings; none when it is no roll. ``missing`` is filled when it nearly is one."""
    best: Headings | None = None
    best_score = 0
    rows = sheet.rows[:_HEADING_ROWS_SEARCHED]
    for index, row in enumerate(rows):
        filled = sum(1 for cell in row if cell != "")
        if filled < 2:
            continue
        below = rows[index + 1] if index + 1 < len(rows) else []
        for two_lines in (False, True):
            if two_lines and not _may_be_second_line(below):
                continue
            for kind in RollKind:
                found = _match(sheet, kind, index, row, below if two_lines else None)
                score = _score(found)
                if score > best_score:
                    best, best_score = found, score
    if best is None or (len(best.columns) < 3 and best.missing):
        return None
    return best


def _may_be_second_line(row: Sequence[Cell]) -> bool:
    texts = [_plain(cell)[0] for cell in row if cell != ""]
    return any(text in _KNOWN for text in texts) and not any(re.search(r"\d{4}", text) for text in texts)


def _score(found: Headings) -> int:
    telling = sum(1 for name in found.columns if name in _TELLING[found.kind])
    # What most headings speak for decides, even where a needed one is missing: the clerk is told which. A second
    # line is only believed when it explains more columns.
    lines = found.last_row - found.first_row
    return 10 * len(found.columns) + 5 * telling - 15 * len(found.missing) - lines


def _match(sheet: Sheet, kind: RollKind, index: int, top: Sequence[Cell], below: Sequence[Cell] | None) -> Headings:
    found = Headings(kind, {}, index, index + (below is not None), _title(sheet, index))
    known = _BY_HEADING[kind]
    group: Cell = ""
    for column in range(max(len(top), len(below or ()))):
        upper = top[column] if column < len(top) else ""
        lower = below[column] if below is not None and column < len(below) else ""
        group = upper if upper != "" else group
        candidates: list[tuple[Cell, str]] = []
        if lower != "" and lower != upper:
            # A group's heading (房屋信息) stands over several columns; the line below says which is which.
            candidates = [(lower, str(lower)), (f"{group}{lower}", f"{group}{lower}")]
        elif upper != "":
            candidates = [(upper, str(upper))]
        for candidate, shown in candidates:
            plain, unit = _plain(candidate)
            name = known.get(plain)
            if name is not None and (name not in found.columns or name in _SEVERAL_COLUMNS):
                if unit is None and lower != "":
                    unit = _plain(group)[1]
                found.columns.setdefault(name, []).append(Column(name, column, " ".join(shown.split()), unit))
                break
        else:
            if candidates and _plain(candidates[0][0])[0] not in _IGNORED:
                found.ignored.append(" ".join(candidates[0][1].split()))
    for group_of_fields in _NEEDED[kind]:
        if not any(name in found.columns for name in group_of_fields):
            found.missing.append(_FIELDS[kind][group_of_fields[0]].split()[0])
    return found


def _title(sheet: Sheet, heading_row: int) -> str:
    lines = []
    for row in sheet.rows[:heading_row]:
        texts = list(dict.fromkeys(str(cell).strip() for cell in row if isinstance(cell, str) and cell.strip()))
        if texts:
            lines.append(" ".join(texts))
    return "\n".join(lines)
