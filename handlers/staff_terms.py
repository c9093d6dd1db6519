"""What the steps, clocks and lights of cases are called on the office's side. What residents read of the same is in
``terms``."""

from api.cases.schemas import CaseAction, CaseActor, ClockKind, Light, Outcome, PointsAt, Procedure
from locales import Translator, lazy

ACTIONS: dict[CaseAction, str] = {
    CaseAction.CLAIM: lazy("✋ I take it"),
    CaseAction.REGISTER: lazy("📝 Register"),
    CaseAction.ACCEPT: lazy("✅ Accept"),
    CaseAction.START: lazy("▶️ Begin work"),
    CaseAction.ANSWER: lazy("✉️ Answer"),
    CaseAction.REVIEW_ANSWER: lazy("✉️ Result of the review"),
    CaseAction.SECOND_REVIEW_ANSWER: lazy("✉️ Result of the second review"),
    CaseAction.ASK: lazy("❓ Ask the resident"),
    CaseAction.EXTEND: lazy("⏳ More time"),
    CaseAction.ASSIGN: lazy("👤 Assign"),
    CaseAction.TRANSFER: lazy("➡️ Pass on"),
    CaseAction.OBJECT: lazy("↩️ Not ours"),
    CaseAction.REFUSE: lazy("🚫 Do not accept"),
    CaseAction.DIVERT: lazy("⚖️ Another procedure"),
    CaseAction.CLOSE: lazy("🏁 Close"),
    CaseAction.SUPERVISE: lazy("👁 Supervise"),
    CaseAction.UNSUPERVISE: lazy("👁 End supervision"),
    CaseAction.MERGE: lazy("🤝 Put together"),
    CaseAction.UNMERGE: lazy("✂️ Take apart"),
    CaseAction.PUBLISH: lazy("📣 Offer to the building"),
    CaseAction.UNPUBLISH: lazy("📣 Offer no longer"),
}
"""Steps of the office, in the order of their buttons."""

QUESTIONS: dict[CaseAction, str] = {
    CaseAction.REFUSE: lazy("Please write why it is not accepted, and where the resident can go with it."),
    CaseAction.OBJECT: lazy("Please write why it is not for your office. Only the office reads it."),
    CaseAction.ASK: lazy("Please write what you need to know. The resident can answer here, with photos too."),
    CaseAction.DIVERT: lazy("Please write which body it is, and how to get there."),
    CaseAction.EXTEND: lazy("Please write the reason, in words that the resident understands."),
    CaseAction.MERGE: lazy("Please send the number of the other case, with which this one shall be answered."),
    CaseAction.PUBLISH: lazy(
        "Please write in a sentence or two what it is about. Every family of the building may read it: no names, no "
        "homes. At most 300 characters."
    ),
}
"""What a step needs in words."""
CONSEQUENCES: dict[CaseAction, str] = {
    CaseAction.ACCEPT: lazy("The resident is told that it is accepted, and by when the answer comes."),
    CaseAction.CLOSE: lazy("The resident is told that it is closed, and how it can be taken up again."),
    CaseAction.MERGE: lazy(
        "From now on it follows that case: what is done there counts here too. Number and time limits stay. The "
        "resident is told at once."
    ),
    CaseAction.UNMERGE: lazy("It is worked on by itself again, from where it stands. The resident is told at once."),
    CaseAction.PUBLISH: lazy(
        "Families of the building who are about to complain of the same see these words and can join. The family that "
        "asked is told, with the same words, and can have them taken away. Names and homes must not stand in them."
    ),
    CaseAction.SUPERVISE: lazy("The resident and whoever has the case are told that it is supervised."),
    CaseAction.REFUSE: lazy("With this the case is over. The resident is told at once."),
    CaseAction.OBJECT: lazy("The case goes back to who registers. The resident is not told."),
    CaseAction.ASK: lazy("The resident is told at once. Your own time limits run on."),
    CaseAction.DIVERT: lazy("With this the case is over here. The resident is told at once."),
    CaseAction.ASSIGN: lazy("Who gets it is told; the resident too, where the office changes."),
    CaseAction.TRANSFER: lazy("That office and the resident are told at once."),
    CaseAction.EXTEND: lazy("The resident is told the new day and the reason. It is possible once for each answer."),
    CaseAction.ANSWER: lazy(
        "The resident is told at once, and can rate it, ask for a review or have it taken up again."
    ),
    CaseAction.REVIEW_ANSWER: lazy("The resident is told at once, and can ask for a second review."),
    CaseAction.SECOND_REVIEW_ANSWER: lazy("The resident is told at once. With this the matter is final."),
}
"""What an officer is told before a step is taken."""

OUTCOMES: dict[Outcome, str] = {
    Outcome.SUPPORTED: lazy("Supported"),
    Outcome.EXPLAINED: lazy("Explained"),
    Outcome.NOT_SUPPORTED: lazy("Not supported"),
}

PROCEDURES: dict[Procedure, str] = {
    Procedure.LITIGATION: lazy("A court"),
    Procedure.ARBITRATION: lazy("Arbitration"),
    Procedure.ADMINISTRATIVE: lazy("An administrative procedure"),
}

ACTORS: dict[CaseActor, str] = {
    CaseActor.RESIDENT: lazy("the resident"),
    CaseActor.OFFICER: lazy("an officer"),
    CaseActor.SUPERVISOR: lazy("a supervisor"),
    CaseActor.SYSTEM: lazy("the system"),
}

CLOCKS: dict[ClockKind, str] = {
    ClockKind.ACCEPTANCE_NOTICE: lazy("Tell whether it is accepted"),
    ClockKind.JURISDICTION_OBJECTION: lazy("Say that it is not yours"),
    ClockKind.ANSWER: lazy("Answer in writing"),
    ClockKind.REVIEW_REQUEST: lazy("The resident can ask for a review"),
    ClockKind.REVIEW_OPINION: lazy("Result of the review, in writing"),
    ClockKind.SECOND_REVIEW_REQUEST: lazy("The resident can ask for a second review"),
    ClockKind.SECOND_REVIEW_OPINION: lazy("Result of the second review, in writing"),
    ClockKind.REOPEN: lazy("The resident can have it taken up again"),
    ClockKind.RESIDENT_ANSWER: lazy("The resident can answer your question"),
}

RIGHTS = frozenset(
    (ClockKind.REVIEW_REQUEST, ClockKind.SECOND_REVIEW_REQUEST, ClockKind.REOPEN, ClockKind.RESIDENT_ANSWER)
)
"""Clocks that are the resident's: no light of the office's."""

LIGHTS: dict[Light, str] = {Light.GREEN: "🟢", Light.YELLOW: "🟡", Light.RED: "🔴", Light.OVERDUE: "⛔"}
NO_LIGHT = "⚪"

POINTS_AT: dict[PointsAt, str] = {
    PointsAt.NAME: lazy("a name of the family"),
    PointsAt.HOME: lazy("their home"),
    PointsAt.NUMBER: lazy("a phone, ID or agreement number"),
}
"""By what a text would show whose case it is."""

MOST_DAYS = 30
"""By which an answer can be put off (article 34)."""


def step(tr: Translator, action: CaseAction) -> str:
    """A step as its button calls it; plain."""
    return tr.plain(ACTIONS[action])


def bare_step(tr: Translator, action: CaseAction) -> str:
    """The same without its sign, for the middle of a sentence."""
    return step(tr, action).partition(" ")[2]
