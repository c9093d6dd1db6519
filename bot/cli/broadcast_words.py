"""What the commands call states, outcomes and problems of broadcasts."""

from api.broadcasts.schemas import BroadcastAction, BroadcastState, Operation, Problem, ProblemKind

STATES = {
    BroadcastState.DRAFT: "草稿",
    BroadcastState.SUBMITTED: "待审批",
    BroadcastState.APPROVED: "已批准，等待发送",
    BroadcastState.SENDING: "正在发送",
    BroadcastState.PAUSED: "已暂停",
    BroadcastState.SENT: "已发完",
    BroadcastState.CANCELLED: "已取消",
}
OPERATIONS = {Operation.SEND: "发送", Operation.EDIT: "改正", Operation.DELETE: "撤回"}
STEPS = {
    BroadcastAction.EDIT: "修改",
    BroadcastAction.SUBMIT: "提交",
    BroadcastAction.APPROVE: "批准",
    BroadcastAction.REJECT: "退回",
    BroadcastAction.START: "开始发送",
    BroadcastAction.PAUSE: "暂停",
    BroadcastAction.RESUME: "继续",
    BroadcastAction.CANCEL: "取消",
    BroadcastAction.FINISH: "发完",
}
OUTCOMES = {
    "sent": "已送达",
    "gone": "对方已屏蔽或注销",
    "failed": "发送失败",
    "unknown": "不确定是否送达",
    "cancelled": "不再发送",
    "waiting": "还没发",
}
_PROBLEMS = {
    ProblemKind.NO_AUDIENCE: "还没有选择发给谁。",
    ProblemKind.NOBODY: "选中的住户都没有能收到消息的聊天，没有人会收到。",
    ProblemKind.UNKNOWN_PLACE: "找不到：{found}",
    ProblemKind.NO_BODY: "缺少 {locale} 的正文（读不了其他语言的人看这一份）。",
    ProblemKind.EMPTY: "{locale} 的正文是空的。",
    ProblemKind.UNKNOWN_PLACEHOLDER: "{locale} 第 {line} 行第 {column} 个字：不认识 {found}。",
    ProblemKind.BROKEN_HTML: "{locale} 第 {line} 行第 {column} 个字：Telegram 显示不了 {found}。",
    ProblemKind.TOO_LONG: "{locale} 太长：填好内容后最多有 {found} 个字，从第 {line} 行第 {column} 个字起放不下。",
    ProblemKind.BAD_BUTTON: "{locale} 的按钮“{found}”要么什么也不打开，要么同时打开两样。",
    ProblemKind.TIME_PASSED: "定好的发送时间已经过了。",
    ProblemKind.TOO_OLD: "已经超过 48 小时，Telegram 不再撤回；可以改正。",
}


def problem(found: Problem) -> str:
    return _PROBLEMS[found.kind].format_map(found.model_dump())
