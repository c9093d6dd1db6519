"""The complaint desk at two sizes: the same pages over HTTP, in turn, of a database with few cases and of one with
many."""

import json
import time
from urllib.parse import quote

from tests.bench.many_cases import ADMIN, CASES_A_FAMILY, FIRST_OFFICER, FIRST_RESIDENT, VIEWER, fill
from tests.bench.pages import Clients, Compared, Page, Path, Say, Sizes, compare
from tests.bench.system import DatabaseServer

_DEEP_PAGES = 8


def _number(nth: int, cases: int) -> int:
    """Here and there among all."""
    return nth * 7919 % cases + 1


def _officer(nth: int) -> int:
    return FIRST_OFFICER + nth % 40


def _queue(query: str = "", chat: int | None = None) -> Path:
    return lambda nth, _: f"/v1/staff/{chat or _officer(nth)}/cases?{query}"


def _case(nth: int, cases: int) -> str:
    return f"2025-{_number(nth, cases):06d}"


def _resident(nth: int, cases: int) -> str:
    return f"/v1/chats/{FIRST_RESIDENT + (_number(nth, cases) - 1) // CASES_A_FAMILY}/cases"


PAGES = (
    Page("queue", _queue()),
    Page("queue: unassigned", _queue("view=unassigned")),
    Page("queue: overdue", _queue("view=overdue")),
    Page("queue: supervisor's list", _queue("view=raised", ADMIN)),
    Page("queue: one department", lambda nth, _: f"/v1/staff/{VIEWER}/cases?department_id={1 + nth % 10}"),
    Page("queue: one category", _queue("category=quality")),
    Page("queue: one state", _queue("state=in_progress")),
    # So few that the small desk has as many: what is measured is the table, not the length of the answer.
    Page("queue: mine", _queue("view=mine&limit=10")),
    Page("queue: mine, with the counts", _queue("view=mine&counted=true&limit=10")),
    Page("queue: supervised", _queue("supervised=true&limit=3")),
    Page("queue: mine of one category", _queue("view=mine&category=handover&limit=1")),
    Page("queue: overdue of one department", _queue("view=overdue&department_id=3&limit=3")),
    Page("queue: what waits longest", _queue("sort=received")),
    Page("queue: mine, answered", _queue("view=mine&state=answered&limit=3")),
    Page("queue: closed ones", _queue("state=closed")),
    Page("queue: by number", lambda nth, cases: f"{_queue()(nth, cases)}number={_case(nth, cases)}"),
    Page("queue: by serial", lambda nth, cases: f"{_queue()(nth, cases)}number={_number(nth, cases)}"),
    Page("case page, staff", lambda nth, cases: f"/v1/staff/{_officer(nth)}/cases/{_case(nth, cases)}"),
    Page("cases page, resident", _resident),
    Page("case page, resident", lambda nth, cases: f"{_resident(nth, cases)}/{_case(nth, cases)}"),
    Page("figures of the last 30 days", lambda *_: f"/v1/staff/{VIEWER}/figures{_last_days(30)}", has_goal=False),
)


def _last_days(days: int) -> str:
    first = time.strftime("%Y-%m-%d", time.gmtime(time.time() - days * 86400))
    return f"?first_day={first}&by=department"


def measure_desk(server: DatabaseServer, few: int, many: int, times: int, say: Say) -> Compared:
    """
    Raises:
        Failed: an answer was none, or an API ended.
    """
    return compare(server, fill, (few, many), lambda clients, sizes: (*PAGES, _deep(clients, sizes)), times, say)


def _deep(clients: Clients, sizes: Sizes) -> Page:
    """A page far down the queue, as its reader comes to it."""
    paths = {}
    for client, cases in zip(clients, sizes, strict=True):
        cursor = ""
        for _ in range(_DEEP_PAGES):
            found = json.loads(client.get(f"/v1/staff/{VIEWER}/cases?limit=50{cursor}")[1])["next_cursor"]
            cursor = f"&cursor={quote(found)}" if found else cursor
        paths[cases] = f"/v1/staff/{VIEWER}/cases?limit=10{cursor}"
    return Page(f"queue: after {_DEEP_PAGES * 50} others", lambda _, cases: paths[cases])
