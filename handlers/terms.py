"""What the values of the wire contract are called: one word for one thing on every screen."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from api.agreements.schemas import AgreementKind, RegistrationKind, RegistrationStage
from api.broadcasts.schemas import NewsKind, Topic
from api.cases.schemas import CaseCategory, CaseEventKind, CaseState, Outcome, Procedure
from api.estate.schemas import ForecastBasis, MilestoneKind, UnitKind
from api.identity.schemas import AccessRequestKind, AccessRequestState, LinkMethod, LinkRole, LinkScope
from api.money.schemas import LedgerKind
from api.staff.schemas import StaffRole
from locales import Html, Translator, lazy

# By type first: members of different enums with the same value are equal to each other.
NAMES: Mapping[type[StrEnum], Mapping[Any, str]] = {
    AgreementKind: {
        AgreementKind.RELOCATION: lazy("Relocation agreement"),
        AgreementKind.PURCHASE: lazy("Purchase contract"),
    },
    LinkRole: {
        LinkRole.HOLDER: lazy("Holder"),
        LinkRole.CO_OWNER: lazy("Co-owner"),
        LinkRole.PROXY: lazy("Proxy"),
        LinkRole.HEIR: lazy("Heir"),
        LinkRole.RELATIVE: lazy("Family member"),
    },
    LinkScope: {
        LinkScope.PROGRESS: lazy("only how far the home is"),
        LinkScope.EVERYTHING: lazy("everything"),
    },
    AccessRequestKind: {
        AccessRequestKind.HOLDER_DIED: lazy("The holder has passed away"),
        AccessRequestKind.RESOLD: lazy("The home was sold to me"),
        AccessRequestKind.NAME_CHANGED: lazy("My name or ID number has changed"),
        AccessRequestKind.PHONE_CHANGED: lazy("My phone number has changed"),
        AccessRequestKind.OTHER: lazy("Something else"),
    },
    AccessRequestState: {
        AccessRequestState.OPEN: lazy("waits for the office"),
        AccessRequestState.GRANTED: lazy("the office has let you in"),
        AccessRequestState.DECLINED: lazy("the office could not let you in"),
    },
    LinkMethod: {
        LinkMethod.PHONE: lazy("by phone number"),
        LinkMethod.AGREEMENT: lazy("by agreement number"),
        LinkMethod.CODE: lazy("by invitation code"),
        LinkMethod.OFFICE: lazy("let in by the office"),
    },
    StaffRole: {
        StaffRole.VIEWER: lazy("Viewer"),
        StaffRole.CASE_OFFICER: lazy("Case officer"),
        StaffRole.PUBLISHER: lazy("Publisher"),
        StaffRole.APPROVER: lazy("Approver"),
        StaffRole.CLERK: lazy("Data clerk"),
        StaffRole.ADMIN: lazy("Administrator"),
    },
    UnitKind: {
        UnitKind.FLAT: lazy("Flat"),
        UnitKind.SHOP: lazy("Shop"),
        UnitKind.PARKING: lazy("Parking space"),
    },
    MilestoneKind: {
        MilestoneKind.STARTED: lazy("Building work started"),
        MilestoneKind.SUSPENDED: lazy("Building work stopped"),
        MilestoneKind.RESUMED: lazy("Building work resumed"),
        MilestoneKind.TOPPED_OUT: lazy("Top floor built"),
        MilestoneKind.EXTERIOR: lazy("Outer walls finished"),
        MilestoneKind.FITTED: lazy("Inside fitted out"),
        MilestoneKind.UTILITIES: lazy("Water, power, gas and heating connected"),
        MilestoneKind.LANDSCAPE: lazy("Roads and gardens laid out"),
        MilestoneKind.COMPLETION_FILED: lazy("Completion inspected and filed"),
        MilestoneKind.HANDOVER_READY: lazy("Ready for handover"),
    },
    ForecastBasis: {
        ForecastBasis.CONTRACTUAL: lazy("the date agreed in the contract"),
        ForecastBasis.PLANNED: lazy("a planned date, not a promise"),
        ForecastBasis.PROMISED: lazy("a date that was promised"),
    },
    RegistrationKind: {
        RegistrationKind.CONTRACT_FILING: lazy("Contract registration"),
        RegistrationKind.TITLE_CERTIFICATE: lazy("Title certificate"),
    },
    RegistrationStage: {
        RegistrationStage.NOT_STARTED: lazy("not started yet"),
        RegistrationStage.IN_PROGRESS: lazy("being processed"),
        RegistrationStage.BLOCKED: lazy("held up"),
        RegistrationStage.COMPLETED: lazy("done"),
    },
    LedgerKind: {
        LedgerKind.HOUSE_PRICE: lazy("House price"),
        LedgerKind.PRICE_DIFFERENCE: lazy("Price difference"),
        LedgerKind.MAINTENANCE_FUND: lazy("Maintenance fund"),
        LedgerKind.COMPENSATION: lazy("Compensation"),
        LedgerKind.TRANSITION_FEE: lazy("Transition fee"),
        LedgerKind.PENALTY: lazy("Penalty"),
        LedgerKind.REFUND: lazy("Refund"),
    },
    Topic: {
        Topic.NEWS: lazy("General news"),
        Topic.HANDOVER: lazy("When the keys come"),
        Topic.PROGRESS: lazy("How far the building is"),
        Topic.PAYMENTS: lazy("Payments"),
        Topic.REGISTRATION: lazy("Registration and title certificate"),
        Topic.LEGAL: lazy("Legal notices"),
    },
    NewsKind: {
        NewsKind.FORECAST: lazy("News of the handover date"),
        NewsKind.MILESTONE: lazy("News of the building"),
        NewsKind.PAYMENT: lazy("Payment to the family"),
        NewsKind.REGISTRATION: lazy("Step of registration or title certificate"),
    },
    CaseCategory: {
        CaseCategory.HANDOVER: lazy("Handover of the home"),
        CaseCategory.TRANSITION_FEE: lazy("Transition fee"),
        CaseCategory.PAYMENT: lazy("Payments and compensation"),
        CaseCategory.REGISTRATION: lazy("Registration and title certificate"),
        CaseCategory.QUALITY: lazy("Quality of the building"),
        CaseCategory.ALLOCATION: lazy("Which home, its size or layout"),
        CaseCategory.OTHER: lazy("Something else"),
    },
    CaseState: {
        CaseState.RECEIVED: lazy("Received"),
        CaseState.REGISTERED: lazy("Registered"),
        CaseState.TRANSFERRED: lazy("Passed on to the office in charge"),
        CaseState.ASSIGNED: lazy("Assigned to an office"),
        CaseState.ACCEPTED: lazy("Accepted"),
        CaseState.NOT_ACCEPTED: lazy("Not accepted"),
        CaseState.DIVERTED: lazy("To be settled in court or by another procedure"),
        CaseState.IN_PROGRESS: lazy("Being worked on"),
        CaseState.EXTENDED: lazy("Being worked on, time extended"),
        CaseState.ANSWERED: lazy("Answered"),
        CaseState.CLOSED: lazy("Closed"),
        CaseState.REVIEW: lazy("Under review"),
        CaseState.SECOND_REVIEW: lazy("Under second review"),
        CaseState.FINAL: lazy("Final"),
        CaseState.WITHDRAWN: lazy("Withdrawn"),
    },
    Outcome: {
        Outcome.SUPPORTED: lazy("your request is granted"),
        Outcome.EXPLAINED: lazy("explained: how things are, and why"),
        Outcome.NOT_SUPPORTED: lazy("your request is not granted"),
    },
    Procedure: {
        Procedure.LITIGATION: lazy("a court"),
        Procedure.ARBITRATION: lazy("arbitration"),
        Procedure.ADMINISTRATIVE: lazy("an administrative procedure, such as reconsideration"),
    },
    CaseEventKind: {
        CaseEventKind.RECEIVED: lazy("Received"),
        CaseEventKind.REGISTERED: lazy("Registered"),
        CaseEventKind.ACCEPTED: lazy("Accepted"),
        CaseEventKind.REFUSED: lazy("Not accepted"),
        CaseEventKind.DIVERTED: lazy("To be settled in court or by another procedure"),
        CaseEventKind.ASSIGNED: lazy("Given to an office"),
        CaseEventKind.CLAIMED: lazy("Taken by an officer"),
        CaseEventKind.TRANSFERRED: lazy("Passed on to the office in charge"),
        CaseEventKind.OBJECTED: lazy("Sent back: another office is in charge"),
        CaseEventKind.STARTED: lazy("Work began"),
        CaseEventKind.ASKED: lazy("The officer asked something"),
        CaseEventKind.REPLIED: lazy("The question was answered"),
        CaseEventKind.ADDED: lazy("Something was added"),
        CaseEventKind.EXTENDED: lazy("Time extended"),
        CaseEventKind.ANSWERED: lazy("Answered"),
        CaseEventKind.CLOSED: lazy("Closed"),
        CaseEventKind.REOPENED: lazy("Taken up again"),
        CaseEventKind.REVIEW_REQUESTED: lazy("Review asked for"),
        CaseEventKind.REVIEW_ANSWERED: lazy("Result of the review"),
        CaseEventKind.SECOND_REVIEW_REQUESTED: lazy("Second review asked for"),
        CaseEventKind.SECOND_REVIEW_ANSWERED: lazy("Result of the second review"),
        CaseEventKind.WITHDRAWN: lazy("Withdrawn"),
        CaseEventKind.SUPERVISED: lazy("Watched by a supervisor from now on"),
        CaseEventKind.UNSUPERVISED: lazy("No longer watched by a supervisor"),
        CaseEventKind.RATED: lazy("The answer was rated"),
        CaseEventKind.JOINED: lazy("Joined other families"),
        CaseEventKind.SPLIT_OFF: lazy("On its own again"),
        CaseEventKind.MERGED: lazy("Put together with other families' complaints"),
        CaseEventKind.UNMERGED: lazy("Taken apart from the others"),
        CaseEventKind.PUBLISHED: lazy("Offered to the building's other families"),
        CaseEventKind.UNPUBLISHED: lazy("No longer offered to other families"),
        CaseEventKind.OVERDUE: lazy("Past its last day"),
    },
}


def name(tr: Translator, value: StrEnum) -> Html:
    """What a value is called. Names hold nothing to escape, so they fit buttons as well as message text."""
    return tr.t(NAMES[type(value)][value])
