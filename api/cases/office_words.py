"""The office's own terms for cases, in Chinese like the rolls: for its commands, its tables, and the view for other
systems. Residents read plainer ones."""

from collections.abc import Mapping

from api.cases.schemas import CaseCategory, CaseState

STATES: Mapping[CaseState, str] = {
    CaseState.RECEIVED: "已收到",
    CaseState.REGISTERED: "已登记",
    CaseState.TRANSFERRED: "已转送",
    CaseState.ASSIGNED: "已交办",
    CaseState.ACCEPTED: "已受理",
    CaseState.NOT_ACCEPTED: "不予受理",
    CaseState.DIVERTED: "走其他法定途径",
    CaseState.IN_PROGRESS: "办理中",
    CaseState.EXTENDED: "已延期",
    CaseState.ANSWERED: "已答复",
    CaseState.CLOSED: "已办结",
    CaseState.REVIEW: "复查",
    CaseState.SECOND_REVIEW: "复核",
    CaseState.FINAL: "终结",
    CaseState.WITHDRAWN: "已撤回",
}
CATEGORIES: Mapping[CaseCategory, str] = {
    CaseCategory.HANDOVER: "交房",
    CaseCategory.TRANSITION_FEE: "过渡费",
    CaseCategory.PAYMENT: "房款和补偿款",
    CaseCategory.REGISTRATION: "网签和办证",
    CaseCategory.QUALITY: "房屋质量",
    CaseCategory.ALLOCATION: "房号、面积和户型",
    CaseCategory.OTHER: "其他",
}
