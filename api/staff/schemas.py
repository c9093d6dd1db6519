"""Wire contract of staff."""

from enum import StrEnum


class StaffRole(StrEnum):
    """What somebody of the office may do. An account can have several; none contains another."""

    VIEWER = "viewer"
    CASE_OFFICER = "case_officer"
    PUBLISHER = "publisher"
    APPROVER = "approver"
    CLERK = "clerk"
    ADMIN = "admin"
