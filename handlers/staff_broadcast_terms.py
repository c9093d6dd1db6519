"""What the states, steps and problems of broadcasts are called on the office's side."""

from api.broadcasts.schemas import (
    BroadcastAction,
    BroadcastState,
    Missing,
    Operation,
    Placeholder,
    ProblemKind,
    Target,
)
from locales import lazy

STATES: dict[BroadcastState, str] = {
    BroadcastState.DRAFT: lazy("📝 draft"),
    BroadcastState.SUBMITTED: lazy("⏳ waits for approval"),
    BroadcastState.APPROVED: lazy("✅ approved, waits for its time"),
    BroadcastState.SENDING: lazy("📤 going out"),
    BroadcastState.PAUSED: lazy("⏸ paused"),
    BroadcastState.SENT: lazy("🏁 done"),
    BroadcastState.CANCELLED: lazy("🚫 cancelled"),
}
DONE: dict[BroadcastAction, str] = {
    BroadcastAction.EDIT: lazy("changed"),
    BroadcastAction.SUBMIT: lazy("submitted"),
    BroadcastAction.APPROVE: lazy("approved"),
    BroadcastAction.REJECT: lazy("sent back"),
    BroadcastAction.START: lazy("began to go out"),
    BroadcastAction.PAUSE: lazy("paused"),
    BroadcastAction.RESUME: lazy("went on"),
    BroadcastAction.CANCEL: lazy("cancelled"),
    BroadcastAction.FINISH: lazy("done"),
}
OPERATIONS: dict[Operation, str] = {
    Operation.SEND: lazy("<b>Broadcast {number}</b>"),
    Operation.EDIT: lazy("<b>Broadcast {number}</b>: corrects what broadcast {of} sent"),
    Operation.DELETE: lazy("<b>Broadcast {number}</b>: deletes what broadcast {of} sent"),
}
SENT_AGAIN = lazy("<b>Broadcast {number}</b>: once more to whom broadcast {of} did not reach")
MISSING: dict[Missing, str] = {
    Missing.SAY_SO: lazy("“not published yet” is said in its place"),
    Missing.LEAVE_OUT: lazy("they get nothing"),
}
PLACEHOLDERS: dict[Placeholder, str] = {
    Placeholder.NAME: lazy("name, masked"),
    Placeholder.HOME: lazy("home"),
    Placeholder.NUMBER: lazy("agreement number"),
    Placeholder.HANDOVER: lazy("handover"),
    Placeholder.PAID_UP_TO: lazy("fee paid up to"),
    Placeholder.MONTHLY_FEE: lazy("fee each month"),
    Placeholder.NEXT_PAYMENT: lazy("next payment"),
    Placeholder.REGISTRATION: lazy("registration"),
    Placeholder.NEWS: lazy("what the new roll changed"),
}
TARGETS: dict[Target, str] = {
    Target.MENU: lazy("Main menu"),
    Target.HOME: lazy("My home"),
    Target.HANDOVER: lazy("Handover"),
    Target.PAYMENTS: lazy("Payments"),
    Target.COMPLAINT: lazy("File a complaint"),
    Target.SETTINGS: lazy("Settings"),
}
PROBLEMS: dict[ProblemKind, str] = {
    ProblemKind.NO_AUDIENCE: lazy("Nobody is chosen yet."),
    ProblemKind.NOBODY: lazy(
        "Nobody would get it: none of those chosen has Telegram here, or each lacks a value that the text needs."
    ),
    ProblemKind.UNKNOWN_PLACE: lazy("This is not there: {found}"),
    ProblemKind.NO_BODY: lazy("{language}: there is no text, and it is the one for all other readers."),
    ProblemKind.EMPTY: lazy("{language}: the text is empty."),
    ProblemKind.UNKNOWN_PLACEHOLDER: lazy(
        "{language}, line {line}, character {column}: {found} cannot be filled in. Braces as such are written twice."
    ),
    ProblemKind.BROKEN_HTML: lazy("{language}, line {line}, character {column}: Telegram cannot show {found}."),
    ProblemKind.TOO_LONG: lazy(
        "{language}: too long. Filled in it can get {found} characters; from line {line}, character {column} on it "
        "does not fit."
    ),
    ProblemKind.BAD_BUTTON: lazy("{language}: the button “{found}” opens nothing, or two things."),
    ProblemKind.TIME_PASSED: lazy("The time at which it should begin has passed."),
    ProblemKind.TOO_OLD: lazy("It was sent more than 48 hours ago: Telegram deletes it no more. You can correct it."),
}
