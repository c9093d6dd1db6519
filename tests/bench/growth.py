"""What families ask, and what couriers take, in a deployment with few households and in one with many."""

from typing import Any

from tests.bench.many_households import (
    FIRST_CHAT,
    FIRST_NEWCOMER,
    NEWCOMERS,
    NOTICES,
    OFFICER,
    fill,
    id_number,
    person_name,
    phone,
)
from tests.bench.pages import Compared, Page, Path, Say, compare
from tests.bench.system import DatabaseServer

A_CLAIM = {"limit": 10, "lease_seconds": 600, "wait_seconds": 0}
_SETTINGS = {
    # Couriers take as much as they like: what is measured is the claim.
    "SHANGLOU_SEND_RATE": "1000",
    "SHANGLOU_SEND_BURST": "100",
    "SHANGLOU_QUIET_FROM": "0",
    "SHANGLOU_QUIET_UNTIL": "0",
}


def _number(nth: int, households: int) -> int:
    """Here and there among all."""
    return nth * 7919 % households + 1


def _of_a_chat(rest: str) -> Path:
    return lambda nth, households: f"/v1/chats/{FIRST_CHAT + _number(nth, households) - 1}{rest}"


def _ledger(nth: int, households: int) -> str:
    number = _number(nth, households)
    return f"/v1/chats/{FIRST_CHAT + number - 1}/agreements/{number}/ledger"


def _newcomer(nth: int, _: int) -> str:
    return f"/v1/chats/{FIRST_NEWCOMER + nth % NEWCOMERS}/links"


def _papers(nth: int, households: int) -> dict[str, Any]:
    number = _number(nth, households)
    return {
        "method": "agreement",
        "agreement_number": f"bench-{number}",
        "name": person_name(number),
        "id_tail": id_number(number)[-6:],
    }


def _own_phone(nth: int, households: int) -> dict[str, Any]:
    number = _number(nth + 500, households)
    return {"method": "phone", "phone": f"+86{phone(number)}", "tail": id_number(number)[-4:]}


PAGES = (
    Page("a turn's start, /handover", _of_a_chat("/with-handover")),
    Page("a turn's start, /home", _of_a_chat("/with-homes")),
    Page("a turn's start, /payments", _of_a_chat("/with-payments")),
    Page("a page of the ledger", _ledger),
    Page("links of a chat", _of_a_chat("/links")),
    Page("cases of a chat", _of_a_chat("/cases")),
    Page("proof by papers", _newcomer, body=_papers, status=201),
    Page("proof by phone", _newcomer, body=_own_phone, status=201),
    Page(
        "agreement by number, staff",
        lambda nth, households: f"/v1/staff/{OFFICER}/agreements?number=BENCH-{_number(nth, households)}",
    ),
    Page(
        "agreement, staff",
        lambda nth, households: f"/v1/staff/{OFFICER}/agreements/{_number(nth, households)}",
    ),
    Page("claim of 10 of a broadcast", lambda *_: "/v1/messages/claim", body=lambda *_: A_CLAIM),
    Page("claim of 10 notices", lambda *_: "/v1/messages/claim", body=lambda *_: A_CLAIM, before=NOTICES),
)


def measure_growth(server: DatabaseServer, few: int, many: int, times: int, say: Say) -> Compared:
    """
    Raises:
        Failed: an answer was none, or an API ended.
    """
    return compare(server, fill, (few, many), lambda *_: PAGES, times, say, _SETTINGS)
