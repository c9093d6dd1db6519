"""What is said of cases in one word: states, actions, events, clocks."""

from enum import StrEnum


class CaseCategory(StrEnum):
    HANDOVER = "handover"  # 交房
    TRANSITION_FEE = "transition_fee"  # 过渡费
    PAYMENT = "payment"  # 房款、补偿款
    REGISTRATION = "registration"  # 网签、办证
    QUALITY = "quality"  # 房屋质量
    ALLOCATION = "allocation"  # 房号、面积、户型
    OTHER = "other"


class CaseState(StrEnum):
    """States of design §3; ``api.cases.lifecycle`` says what leads from one to another."""

    RECEIVED = "received"  # 已收到
    REGISTERED = "registered"  # 已登记
    TRANSFERRED = "transferred"  # 已转送
    ASSIGNED = "assigned"  # 已交办
    ACCEPTED = "accepted"  # 已受理
    NOT_ACCEPTED = "not_accepted"  # 不予受理
    DIVERTED = "diverted"  # 走其他法定途径
    IN_PROGRESS = "in_progress"  # 办理中
    EXTENDED = "extended"  # 已延期
    ANSWERED = "answered"  # 已答复
    CLOSED = "closed"  # 已办结
    REVIEW = "review"  # 复查
    SECOND_REVIEW = "second_review"  # 复核
    FINAL = "final"  # 终结
    WITHDRAWN = "withdrawn"  # 已撤回


class PointsAt(StrEnum):
    """What in a text would lead to a family."""

    NAME = "name"
    HOME = "home"
    NUMBER = "number"  # of a phone, an ID card, the agreement


class CaseAction(StrEnum):
    """What somebody does with a case."""

    RECEIVE = "receive"
    REGISTER = "register"
    ACCEPT = "accept"
    REFUSE = "refuse"
    DIVERT = "divert"
    ASSIGN = "assign"
    CLAIM = "claim"
    TRANSFER = "transfer"
    OBJECT = "object"
    START = "start"
    ASK = "ask"
    REPLY = "reply"
    ADD = "add"
    EXTEND = "extend"
    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"
    REQUEST_REVIEW = "request_review"
    REVIEW_ANSWER = "review_answer"
    REQUEST_SECOND_REVIEW = "request_second_review"
    SECOND_REVIEW_ANSWER = "second_review_answer"
    WITHDRAW = "withdraw"
    SUPERVISE = "supervise"
    UNSUPERVISE = "unsupervise"
    RATE = "rate"
    JOIN = "join"
    SPLIT_OFF = "split_off"
    MERGE = "merge"
    UNMERGE = "unmerge"
    PUBLISH = "publish"
    UNPUBLISH = "unpublish"


class CaseEventKind(StrEnum):
    """What happened: the action in the past tense, and what only time does."""

    RECEIVED = "received"
    REGISTERED = "registered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DIVERTED = "diverted"
    ASSIGNED = "assigned"
    CLAIMED = "claimed"
    TRANSFERRED = "transferred"
    OBJECTED = "objected"
    STARTED = "started"
    ASKED = "asked"
    REPLIED = "replied"
    ADDED = "added"
    EXTENDED = "extended"
    ANSWERED = "answered"
    CLOSED = "closed"
    REOPENED = "reopened"
    REVIEW_REQUESTED = "review_requested"
    REVIEW_ANSWERED = "review_answered"
    SECOND_REVIEW_REQUESTED = "second_review_requested"
    SECOND_REVIEW_ANSWERED = "second_review_answered"
    WITHDRAWN = "withdrawn"
    SUPERVISED = "supervised"
    UNSUPERVISED = "unsupervised"
    RATED = "rated"
    JOINED = "joined"
    SPLIT_OFF = "split_off"
    MERGED = "merged"
    UNMERGED = "unmerged"
    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"
    OVERDUE = "overdue"


class CaseActor(StrEnum):
    """As whom somebody acts on a case."""

    RESIDENT = "resident"  # the chat that filed it
    OFFICER = "officer"  # 接访员
    SUPERVISOR = "supervisor"  # 负责人
    SYSTEM = "system"  # a sweep, an import, the command line


class Outcome(StrEnum):
    """What the office says to what was asked for (article 32)."""

    SUPPORTED = "supported"  # 支持
    EXPLAINED = "explained"  # 解释说明
    NOT_SUPPORTED = "not_supported"  # 不予支持


class Procedure(StrEnum):
    """Where a matter goes that another procedure has to settle (article 31)."""

    LITIGATION = "litigation"  # 诉讼
    ARBITRATION = "arbitration"  # 仲裁
    ADMINISTRATIVE = "administrative"  # 行政复议、行政裁决等


class ClockKind(StrEnum):
    """Time limits; ``api.cases.clocks`` has their lengths and articles."""

    ACCEPTANCE_NOTICE = "acceptance_notice"
    JURISDICTION_OBJECTION = "jurisdiction_objection"
    ANSWER = "answer"
    REVIEW_REQUEST = "review_request"
    REVIEW_OPINION = "review_opinion"
    SECOND_REVIEW_REQUEST = "second_review_request"
    SECOND_REVIEW_OPINION = "second_review_opinion"
    REOPEN = "reopen"
    RESIDENT_ANSWER = "resident_answer"


class Light(StrEnum):
    """How a clock stands, at a glance."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    OVERDUE = "overdue"


class AttachmentKind(StrEnum):
    PHOTO = "photo"
    DOCUMENT = "document"


class QueueView(StrEnum):
    """Which open cases; without one, all."""

    MINE = "mine"
    UNASSIGNED = "unassigned"  # nobody has claimed it
    OVERDUE = "overdue"
    RAISED = "raised"  # the supervisor's list: a sweep found it overdue


class QueueSort(StrEnum):
    DUE = "due"  # what is due first
    RECEIVED = "received"  # what waits longest
