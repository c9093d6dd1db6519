"""Figures of the complaint desk. What each of them counts, ``api.cases.figures`` says, and docs/cases-figures.md."""

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from api.cases.schemas.words import CaseCategory


class FiguresBy(StrEnum):
    DEPARTMENT = "department"
    CATEGORY = "category"


class FiguresFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class Figures(BaseModel):
    """Of the days from the first to the last, both counted."""

    first_day: date
    last_day: date
    received: int
    stock_start: int = Field(description="Open cases before the first day: the office owed something on them.")
    inflow: int
    outflow: int
    stock_end: int = Field(description="`stock_start` + `inflow` − `outflow`.")
    answered_in_time: int
    answered_late: int
    median_days: float | None = Field(description="Days from receipt to the first answer; none: nothing was answered.")
    ratings: int
    mean_rating: float | None = Field(description="1 to 5, 5 is best; none: nobody rated.")
    closed: int
    closed_unsaid: int = Field(description="Of `closed`: its resident has not said whether it is solved.")
    solved: int = Field(description="Residents said so.")
    not_solved: int = Field(description="Residents said so.")


class FiguresOfGroup(Figures):
    """``weeks``: the same figures for each week, from Monday, the first and the last as far as they are within."""

    category: CaseCategory | None = None
    department_id: int | None = None
    department: str | None = Field(default=None, description="None: no department has the cases.")
    overdue_now: int = Field(description="Open now, and past the day on which they were due.")
    weeks: list[Figures]


class FiguresOut(BaseModel):
    """``total`` is of all cases: where cases went from one department to another, its inflow and outflow are less than
    those of the departments together."""

    counted_at: datetime
    by: FiguresBy | None
    total: FiguresOfGroup
    groups: list[FiguresOfGroup]
