"""``/open311/v2``: the standard's addresses, parameters, errors and two forms, JSON and XML. Served only where
``SHANGLOU_OPEN311`` is on; it asks for no token, since everybody may see what it shows."""

import html
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Request, Response

from api.cases.open311 import MAX_DAYS, MAX_REQUESTS, Asked, RequestIds, list_requests, services
from api.cases.schemas import CaseCategory
from api.lookups import reading

router = APIRouter(prefix="/open311/v2", include_in_schema=False)

MEDIA_TYPES = {"json": "application/json", "xml": "text/xml; charset=utf-8"}
CACHED_SECONDS = 600
_MAX_PAGES = 100_000
_YEARS = range(1971, 9999)


class Refused(Exception):
    """What the standard answers to what it cannot do."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status, self.description = status, description


@router.get("/services.{form}")
async def get_services(form: str) -> Response:
    return _answer(form, "services", "service", services())


@router.get("/services/{service_code}.{form}")
async def get_service(service_code: str, form: str) -> Response:
    """No service has metadata, so there is nothing to define."""
    return _refusal(form, Refused(404, "service_code was not found or has no definition"))


@router.get("/requests.{form}")
async def get_requests(form: str, request: Request) -> Response:
    office = reading(request)
    ids = RequestIds(request.app.state.settings.index_key.get_secret_value())
    try:
        asked = asked_for(request.query_params, ids, office.timezone, office.today())
    except Refused as refused:
        return _refusal(form, refused)
    async with request.app.state.database.transaction() as session:
        found = await list_requests(session, ids, asked, office.timezone, office.today())
    return _answer(form, "service_requests", "request", found)


@router.get("/requests/{request_id}.{form}")
async def get_request(request_id: str, form: str, request: Request) -> Response:
    office = reading(request)
    ids = RequestIds(request.app.state.settings.index_key.get_secret_value())
    case_id, today = ids.open(request_id), office.today()
    found = []
    if case_id is not None:
        async with request.app.state.database.transaction() as session:
            found = await list_requests(session, ids, Asked(today, today, ids=[case_id]), office.timezone, today)
    if not found:
        return _refusal(form, Refused(404, "service_request_id was not found"))
    return _answer(form, "service_requests", "request", found)


def asked_for(params: Mapping[str, str], ids: RequestIds, zone: ZoneInfo, today: date) -> Asked:
    """What the standard's parameters ask for. ``jurisdiction_id`` says nothing here: there is one.

    Raises:
        Refused: one is none of the standard.
    """
    if request_ids := _several(params, "service_request_id"):
        opened = [ids.open(request_id) for request_id in request_ids[:MAX_REQUESTS]]
        return Asked(today, today, ids=[case_id for case_id in opened if case_id is not None])
    start, end = _moment(params, "start_date", zone), _moment(params, "end_date", zone)
    span = timedelta(days=MAX_DAYS)
    if end is None:
        end = datetime.combine(today, time.min, zone) if start is None else start + span
    if start is None:
        start = end - span
    if not timedelta() <= end - start <= span:
        raise Refused(400, f"start_date and end_date may span {MAX_DAYS} days, in this order")
    # What is told of a request is the midnight of its day: only midnights within are found.
    first_day = start.date() if start.timetz().replace(tzinfo=None) == time.min else start.date() + timedelta(days=1)
    codes, statuses = _several(params, "service_code"), {*_several(params, "status")}
    if not statuses <= {"open", "closed"}:
        raise Refused(400, "status is open or closed")
    return Asked(
        first_day,
        end.date(),
        categories=[category for category in CaseCategory if category.value in codes] if codes else None,
        is_open=None if len(statuses) != 1 else statuses == {"open"},
        page=_number(params, "page", 1, _MAX_PAGES),
        page_size=_number(params, "page_size", MAX_REQUESTS, MAX_REQUESTS),
    )


def _several(params: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in params.get(name, "").split(",") if part.strip()]


def _moment(params: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime | None:
    """In the office's time zone. A plus that was not quoted comes as a space."""
    given = params.get(name, "").strip().replace(" ", "+")
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
        if moment.year in _YEARS:
            return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    except ValueError:
        pass
    raise Refused(400, f"{name} is written 2026-11-26T00:00:00+08:00")


def _number(params: Mapping[str, str], name: str, default: int, most: int) -> int:
    given = params.get(name, "").strip()
    if not given:
        return default
    if given.isascii() and given.isdecimal() and len(given) < 10 and 1 <= int(given) <= most:
        return int(given)
    raise Refused(400, f"{name} is a number from 1 to {most}")


def _answer(form: str, root: str, item: str, found: list[dict[str, Any]], status: int = 200) -> Response:
    if form not in MEDIA_TYPES:
        return _refusal("json", Refused(404, "the formats are json and xml"))
    body = orjson.dumps(found) if form == "json" else _xml(root, item, found).encode()
    headers = {"cache-control": f"public, max-age={CACHED_SECONDS}"} if status == 200 else {}
    return Response(body, status_code=status, media_type=MEDIA_TYPES[form], headers=headers)


def _refusal(form: str, refused: Refused) -> Response:
    errors = [{"code": refused.status, "description": refused.description}]
    return _answer(form if form in MEDIA_TYPES else "json", "errors", "error", errors, refused.status)


def _xml(root: str, item: str, found: list[dict[str, Any]]) -> str:
    items = "".join(
        f"<{item}>{''.join(f'<{name}>{_xml_text(value)}</{name}>' for name, value in one.items())}</{item}>"
        for one in found
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>{items}</{root}>'


def _xml_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    # XML has no way to write control characters.
    return html.escape("".join(character for character in str(value) if character.isprintable()))
