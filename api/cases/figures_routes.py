"""Figures of the complaint desk, for everybody in the office: they name nobody."""

import asyncio
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Query, Request, Response
from pydantic import BeforeValidator

from api.cases.figures import count_figures
from api.cases.figures_export import MEDIA_TYPES, export, filename
from api.cases.figures_sql import MAX_DAYS, Period
from api.cases.schemas import FiguresBy, FiguresFormat, FiguresOut
from api.cases.staff_routes import Reader
from api.lookups import reading
from api.routing import v1_router
from api.staff.routes import NOT_ALLOWED

router = v1_router("desk")


def _iso(given: Any) -> date:
    """As the document says and no other way: pydantic also takes a number for seconds since 1970."""
    return date.fromisoformat(given)


_Day = Annotated[date, BeforeValidator(_iso)]
First = Annotated[
    _Day | None, Query(description=f"None: the first of the month. At most {MAX_DAYS} days before the last one.")
]
Last = Annotated[_Day | None, Query(description="None, or later than today: today.")]
By = Annotated[FiguresBy | None, Query(description="Also by department, or by category.")]
_FILE = {"schema": {"type": "string", "format": "binary"}}
TABLE: dict[str, Any] = {
    "description": "The table as a file.",
    "content": {media_type.partition(";")[0]: _FILE for media_type in MEDIA_TYPES.values()},
}


def _period(request: Request, first_day: date | None, last_day: date | None) -> Period:
    office = reading(request)
    return Period.asked(first_day, last_day, office.timezone, office.today())


@router.get(
    "/staff/{chat_id}/figures",
    summary="What came in, went out and is left, how fast it was answered, and what residents say",
    operation_id="get_figures",
    responses=NOT_ALLOWED,
)
async def get_figures(
    request: Request, officer: Reader, first_day: First = None, last_day: Last = None, by: By = None
) -> FiguresOut:
    """What each figure counts stands in docs/cases-figures.md."""
    period = _period(request, first_day, last_day)
    return await count_figures(request.app.state.database, officer.actor, period, by, datetime.now(UTC))


@router.get(
    "/staff/{chat_id}/figures/export",
    summary="The same as a table for spreadsheets",
    operation_id="export_figures",
    response_class=Response,
    responses={**NOT_ALLOWED, 200: TABLE},
)
async def export_figures(
    request: Request,
    officer: Reader,
    first_day: First = None,
    last_day: Last = None,
    by: By = None,
    format: FiguresFormat = FiguresFormat.XLSX,
) -> Response:
    found = await count_figures(
        request.app.state.database,
        officer.actor,
        _period(request, first_day, last_day),
        by,
        datetime.now(UTC),
        action="figures.exported",
    )
    headers = {"content-disposition": f"attachment; filename*=utf-8''{quote(filename(found, format))}"}
    table = await asyncio.to_thread(export, found, format)
    return Response(table, media_type=MEDIA_TYPES[format], headers=headers)
