"""Who gets what: every route of the API × everybody who may ask × another family's things.

One line for each route of the OpenAPI document; one that is missing fails here, so whoever adds a route says in this
table who may use it. Every cell is asked over HTTP, with the things of one family:

    401   refused before anything was looked at
    200   answered; of staff and the family itself also: what does not exist is not found
    own   answered, with nothing of the family in it: the asker's own things, or none
    404   not found, word for word as if it did not exist
    403   refused (`not_allowed`; where somebody proves who they are, `not_matched`), whether it exists or not

``family`` is the chat whose things they are, ``resident`` one of another family, ``stranger`` linked to nothing,
``disabled`` an account of staff that had every role; the others are accounts with one role each.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from sqlalchemy import text

from api.agreements.models import Agreement
from api.app import create_app
from api.broadcasts.models import Broadcast
from api.identity.models import AccessRequest, LinkCode
from api.identity.schemas import CONSENT_VERSION, AccessRequestKind, LinkMethod, LinkRole
from api.messages.models import Delivery
from api.messages.schemas import DeliveryState, NoticeKind
from api.settings import Settings
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from tests.api.calls import PNG, agree, call, upload
from tests.defences import Figure
from tests.factories import Factory

pytestmark = pytest.mark.security("Who gets what: every route × every role × another family's things")

ACTORS = ("nobody", "family", "resident", "stranger", "disabled", *(role.value for role in StaffRole))
TABLE = """
                                                                     no         resi stra dis  view case pub  app
                                                                     tok. famil dent nger abl. er   off. lish rove cler admi
GET /healthz                                                         200  200  200  200  200  200  200  200  200  200  200
GET /readyz                                                          200  200  200  200  200  200  200  200  200  200  200
POST /v1/messages/claim                                              401  200  200  200  200  200  200  200  200  200  200
POST /v1/messages/report                                             401  200  200  200  200  200  200  200  200  200  200
GET /v1/messages/broadcasts/{broadcast_id}/file                      401  200  200  200  200  200  200  200  200  200  200
GET /v1/chats/{chat_id}                                              401  200  own  own  own  own  own  own  own  own  own
PUT /v1/chats/{chat_id}                                              401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/with-homes                                   401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/with-payments                                401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/with-handover                                401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/homes                                        401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/payments                                     401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/handover                                     401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/links                                        401  200  own  own  own  own  own  own  own  own  own
POST /v1/chats/{chat_id}/links                                       401  403  403  403  403  403  403  403  403  403  403
DELETE /v1/chats/{chat_id}/links/{link_id}                           401  200  404  404  404  404  404  404  404  404  404
PUT /v1/chats/{chat_id}/agreements/{agreement_id}/handover-watch     401  200  404  404  404  404  404  404  404  404  404
DELETE /v1/chats/{chat_id}/agreements/{agreement_id}/handover-watch  401  200  404  404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/agreements/{agreement_id}/ledger             401  200  404  404  404  404  404  404  404  404  404
POST /v1/chats/{chat_id}/agreements/{agreement_id}/codes             401  200  404  404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/agreements/{agreement_id}/codes              401  200  404  404  404  404  404  404  404  404  404
DELETE /v1/chats/{chat_id}/agreements/{agreement_id}/codes/{code_id} 401  200  404  404  404  404  404  404  404  404  404
POST /v1/chats/{chat_id}/attachments                                 401  200  own  404  404  404  404  404  404  404  404
DELETE /v1/chats/{chat_id}/attachments/{attachment_id}               401  200  404  404  404  404  404  404  404  404  404
POST /v1/chats/{chat_id}/cases                                       401  200  404  404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/agreements/{agreement_id}/similar-cases      401  200  404  404  404  404  404  404  404  404  404
POST /v1/chats/{chat_id}/collective-cases/{collective_id}/members    401  200  404  404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/cases                                        401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/cases/{number}                               401  200  404  404  404  404  404  404  404  404  404
POST /v1/chats/{chat_id}/cases/{number}/actions                      401  200  404  404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/cases/{number}/attachments/{attachment_id}   401  200  404  404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/mutes                                        401  200  own  own  own  own  own  own  own  own  own
PUT /v1/chats/{chat_id}/mutes                                        401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/consents                                     401  200  own  own  own  own  own  own  own  own  own
PUT /v1/chats/{chat_id}/consents                                     401  200  own  own  own  own  own  own  own  own  own
DELETE /v1/chats/{chat_id}/consents/id_number                        401  200  own  own  own  own  own  own  own  own  own
POST /v1/chats/{chat_id}/access-requests                             401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/access-requests                              401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/data                                         401  200  own  own  own  own  own  own  own  own  own
GET /v1/chats/{chat_id}/erasure                                      401  200  own  own  own  own  own  own  own  own  own
POST /v1/chats/{chat_id}/cases/{number}/attachments/{attachment_id}/links 401 200 404 404  404  404  404  404  404  404  404
GET /v1/chats/{chat_id}/messages/{message_id}                        401  200  404  404  404  404  404  404  404  404  404
GET /files/{token}                                                   404  404  404  404  404  404  404  404  404  404  404
POST /v1/staff/{chat_id}/account                                     401  403  403  403  403  403  403  403  403  403  403
GET /v1/staff/{chat_id}/me                                           401  403  403  403  403  200  200  200  200  200  200
GET /v1/staff/{chat_id}/accounts                                     401  403  403  403  403  403  403  403  403  403  200
POST /v1/staff/{chat_id}/accounts                                    401  403  403  403  403  403  403  403  403  403  200
PATCH /v1/staff/{chat_id}/accounts/{account_id}                      401  403  403  403  403  403  403  403  403  403  200
POST /v1/staff/{chat_id}/accounts/{account_id}/codes                 401  403  403  403  403  403  403  403  403  403  200
GET /v1/staff/{chat_id}/access-requests                              401  403  403  403  403  200  200  403  403  403  200
GET /v1/staff/{chat_id}/access-requests/{request_id}                 401  403  403  403  403  403  200  403  403  403  200
POST /v1/staff/{chat_id}/access-requests/{request_id}/grant          401  403  403  403  403  403  200  403  403  403  200
POST /v1/staff/{chat_id}/access-requests/{request_id}/decline        401  403  403  403  403  403  200  403  403  403  200
GET /v1/staff/{chat_id}/agreements                                   401  403  403  403  403  200  200  403  403  200  200
GET /v1/staff/{chat_id}/agreements/{agreement_id}                    401  403  403  403  403  200  200  403  403  200  200
POST /v1/staff/{chat_id}/agreements/{agreement_id}/codes             401  403  403  403  403  403  200  403  403  403  200
DELETE /v1/staff/{chat_id}/links/{link_id}                           401  403  403  403  403  403  200  403  403  403  200
GET /v1/staff/{chat_id}/cases                                        401  403  403  403  403  200  200  403  200  403  200
GET /v1/staff/{chat_id}/cases/{number}                               401  403  403  403  403  200  200  403  200  403  200
POST /v1/staff/{chat_id}/cases/{number}/actions                      401  403  403  403  403  403  200  403  200  403  200
GET /v1/staff/{chat_id}/cases/{number}/route                         401  403  403  403  403  200  200  403  200  403  200
GET /v1/staff/{chat_id}/cases/{number}/attachments/{attachment_id}   401  403  403  403  403  200  200  403  200  403  200
POST /v1/staff/{chat_id}/attachments                                 401  403  403  403  403  403  200  200  200  403  200
GET /v1/staff/{chat_id}/departments                                  401  403  403  403  403  200  200  403  200  403  200
GET /v1/staff/{chat_id}/figures                                      401  403  403  403  403  200  200  403  200  403  200
GET /v1/staff/{chat_id}/figures/export                               401  403  403  403  403  200  200  403  200  403  200
GET /v1/staff/{chat_id}/places                                       401  403  403  403  403  200  403  200  200  403  200
POST /v1/staff/{chat_id}/broadcasts/numbers                          401  403  403  403  403  403  403  200  403  403  403
POST /v1/staff/{chat_id}/broadcasts/count                            401  403  403  403  403  403  403  200  403  403  403
GET /v1/staff/{chat_id}/broadcasts                                   401  403  403  403  403  200  403  200  200  403  200
POST /v1/staff/{chat_id}/broadcasts                                  401  403  403  403  403  403  403  200  403  403  403
GET /v1/staff/{chat_id}/broadcasts/{broadcast_id}                    401  403  403  403  403  200  403  200  200  403  200
PUT /v1/staff/{chat_id}/broadcasts/{broadcast_id}                    401  403  403  403  403  403  403  200  403  403  403
POST /v1/staff/{chat_id}/broadcasts/{broadcast_id}/steps             401  403  403  403  403  403  403  200  200  403  200
POST /v1/staff/{chat_id}/broadcasts/{broadcast_id}/follow-ups        401  403  403  403  403  403  403  200  403  403  403
GET /v1/staff/{chat_id}/broadcasts/{broadcast_id}/count              401  403  403  403  403  200  403  200  200  403  200
GET /v1/staff/{chat_id}/broadcasts/{broadcast_id}/preview            401  403  403  403  403  403  403  200  200  403  200
POST /v1/staff/{chat_id}/broadcasts/{broadcast_id}/test              401  403  403  403  403  403  403  200  200  403  200
GET /v1/staff/{chat_id}/broadcasts/{broadcast_id}/missing            401  403  403  403  403  403  403  200  200  403  200
GET /v1/staff/{chat_id}/broadcasts/{broadcast_id}/report             401  403  403  403  403  200  403  200  200  403  200
GET /v1/staff/{chat_id}/broadcasts/{broadcast_id}/unreached          401  403  403  403  403  403  403  200  200  403  200
DELETE /v1/chats/{chat_id}                                           401  200  own  own  own  own  own  own  own  own  own
"""  # noqa: E501 - a table; its last row erases who asks
CELL = re.compile(r"200|401|403|404|own")
ROWS = {
    f"{method} {path}": dict(zip(ACTORS, cells.split(), strict=True))
    for method, path, cells in re.findall(r"^([A-Z]+) (/\S+) +(.+)$", TABLE, re.MULTILINE)
}
"""Route → actor → cell."""

PROOFS = ("POST /v1/chats/{chat_id}/links", "POST /v1/staff/{chat_id}/account")
"""Here a wrong code is given: whoever gives a right one is, by that, no longer who they were."""
_IDS = (
    "agreement_id",
    "link_id",
    "code_id",
    "attachment_id",
    "request_id",
    "account_id",
    "message_id",
    "collective_id",
    "broadcast_id",
)
MISSING: dict[str, Any] = dict.fromkeys(_IDS, 2**40) | {"number": "2026-999999", "token": "x"}
_KEYS = count(1)


def _key() -> dict[str, str]:
    return {"Idempotency-Key": f"matrix-{uuid4().hex}"}


def _file() -> dict[str, Any]:
    params = {"kind": "photo", "filename": "photo.png", "upload_key": f"matrix-{next(_KEYS):04}"}
    return {"params": params, "data": io.BytesIO(PNG)}


REQUESTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "POST /v1/messages/claim": lambda _: {"json": {}},
    "POST /v1/messages/report": lambda _: {"json": {"results": []}},
    "PUT /v1/chats/{chat_id}": lambda _: {"json": {"version": 0, "locale": "en", "dialog": None}},
    "POST /v1/chats/{chat_id}/links": lambda _: {"json": {"method": "code", "code": "ABCDEFGHJK"}},
    "POST /v1/chats/{chat_id}/agreements/{agreement_id}/codes": lambda _: {"json": {"scope": "everything"}},
    "POST /v1/chats/{chat_id}/attachments": lambda _: _file(),
    "POST /v1/staff/{chat_id}/attachments": lambda _: _file(),
    "GET /v1/chats/{chat_id}/agreements/{agreement_id}/similar-cases": lambda _: {"params": {"category": "quality"}},
    "POST /v1/chats/{chat_id}/collective-cases/{collective_id}/members": lambda of: {
        "json": {"agreement_id": of["agreement_id"]},
        "headers": _key(),
    },
    "POST /v1/chats/{chat_id}/cases/{number}/actions": lambda _: {
        "json": {"action": "add", "text": "又漏了"},
        "headers": _key(),
    },
    "POST /v1/staff/{chat_id}/cases/{number}/actions": lambda of: {
        "json": {"step": {"action": "ask", "text": "哪一间？"}, "version": of.get("version", 1)},
        "headers": _key(),
    },
    "POST /v1/chats/{chat_id}/cases": lambda of: {
        "json": {"category": "quality", "agreement_id": of["agreement_id"], "text": "漏水"},
        "headers": _key(),
    },
    "PUT /v1/chats/{chat_id}/mutes": lambda _: {"json": {"topics": ["news"]}},
    "PUT /v1/chats/{chat_id}/consents": lambda _: {"json": {"kinds": ["notice"], "version": CONSENT_VERSION}},
    "POST /v1/chats/{chat_id}/access-requests": lambda _: {"json": {"kind": "other", "text": "x"}, "headers": _key()},
    "POST /v1/staff/{chat_id}/account": lambda _: {"json": {"code": "S-ABCDEFGHJKLM"}},
    "POST /v1/staff/{chat_id}/accounts": lambda _: {"json": {"name": "接访甲", "roles": ["viewer"]}},
    "PATCH /v1/staff/{chat_id}/accounts/{account_id}": lambda _: {"json": {"roles": ["clerk"]}},
    "POST /v1/staff/{chat_id}/access-requests/{request_id}/grant": lambda of: {
        "json": {"agreement_id": of["agreement_id"], "role": "relative"}
    },
    "POST /v1/staff/{chat_id}/access-requests/{request_id}/decline": lambda _: {"json": {"reason": "请来一趟"}},
    "GET /v1/staff/{chat_id}/agreements": lambda of: {"params": {"number": of["agreement_number"]}},
    "POST /v1/staff/{chat_id}/agreements/{agreement_id}/codes": lambda _: {"json": {}},
    "POST /v1/staff/{chat_id}/broadcasts/numbers": lambda of: {
        "params": {"filename": "numbers.txt"},
        "data": io.BytesIO(of["agreement_number"].encode()),
        "headers": {"Content-Type": "application/octet-stream"},
    },
    "POST /v1/staff/{chat_id}/broadcasts/count": lambda _: {"json": {"audience": {"op": "everybody"}}},
    "POST /v1/staff/{chat_id}/broadcasts": lambda _: {"json": {}, "headers": _key()},
    "PUT /v1/staff/{chat_id}/broadcasts/{broadcast_id}": lambda _: {"json": {"version": 1}},
    "POST /v1/staff/{chat_id}/broadcasts/{broadcast_id}/steps": lambda _: {"json": {"action": "cancel", "version": 1}},
    "POST /v1/staff/{chat_id}/broadcasts/{broadcast_id}/follow-ups": lambda _: {"json": {}, "headers": _key()},
    "POST /v1/staff/{chat_id}/broadcasts/{broadcast_id}/test": lambda _: {"json": {}},
}
"""What goes with a request beyond its path."""


@dataclass
class World:
    """A family with everything that a route can name, another one, and everybody who asks."""

    api: aiohttp.ClientSession
    factory: Factory
    agreement: Agreement
    unit_label: str
    number: str = ""
    # Far apart: wrong tries of neighbouring accounts count together.
    chats: dict[str, int] = field(
        default_factory=lambda: {actor: 700_000_000 + n * 1_000_000 for n, actor in enumerate(ACTORS)}
    )
    others: "count[int]" = field(default_factory=lambda: count(900_000_000))

    @property
    def telling(self) -> tuple[str, ...]:
        """What tells that an answer is about the family."""
        return self.agreement.number, self.unit_label, self.number

    async def things(self, path: str) -> dict[str, Any]:
        """The family's, of the kinds that the path names; what a request may change is made for it."""
        found: dict[str, Any] = {
            "agreement_id": self.agreement.id,
            "agreement_number": self.agreement.number,
            "number": self.number,
            # Addresses that are in force are tried in tests/flows/test_case_files.py.
            "token": "AAAA",
        }
        factory = self.factory
        if "{link_id}" in path:
            link = await factory.link(next(self.others), self.agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE)
            found["link_id"] = link.id
        if "{code_id}" in path:
            code = LinkCode(
                code_index=uuid4().bytes * 2,
                agreement_id=self.agreement.id,
                issued_by="owner",
                issued_by_chat_id=self.chats["family"],
                expires_at=datetime(2099, 1, 1, tzinfo=UTC),
            )
            found["code_id"] = (await factory.add(code)).id
        if "{attachment_id}" in path:
            stored = await upload(self.api, self.chats["family"], upload_key=f"matrix-{next(_KEYS):04}")
            found["attachment_id"] = stored["id"]
        async with factory.database.transaction() as session:
            case = (
                await session.execute(text("SELECT id, version FROM cases WHERE number = :n"), {"n": self.number})
            ).one()
            found["version"] = case.version
            if "{message_id}" in path:
                found["message_id"] = next(self.others)
                told = {"chat": self.chats["family"], "case": case.id, "message": found["message_id"]}
                await session.execute(
                    text(
                        "INSERT INTO deliveries (chat_id, case_id, message_id, kind, state) "
                        "VALUES (:chat, :case, :message, 'case_updated', 'sent')"
                    ),
                    told,
                )
            if "/cases/{number}/attachments/" in path:
                values = {"case": case.id, "file": found["attachment_id"]}
                await session.execute(text("UPDATE attachments SET case_id = :case WHERE id = :file"), values)
        if path == "/v1/messages/broadcasts/{broadcast_id}/file":
            stored = await upload(self.api, self.chats["family"], upload_key=f"matrix-{next(_KEYS):04}")
            draft = Broadcast(fallback="en", bodies={}, attachment_id=stored["id"])
            found["broadcast_id"] = (await factory.add(draft)).id
        elif "{broadcast_id}" in path:
            found["broadcast_id"] = await self._broadcast(sent=path.endswith(("/follow-ups", "/report", "/unreached")))
        if "{collective_id}" in path:
            found["collective_id"] = await self._offered_by_a_neighbour()
        if "{request_id}" in path:
            request = AccessRequest(
                chat_id=next(self.others),
                idempotency_key=uuid4().hex,
                kind=AccessRequestKind.HOLDER_DIED,
                text=factory.vault.seal("access_request.text", self.agreement.number),
            )
            found["request_id"] = (await factory.add(request)).id
        if "{account_id}" in path:
            account = StaffAccount(name=factory.vault.seal("staff.name", "接访乙"), roles=["viewer"])
            found["account_id"] = (await factory.add(account)).id
        return found

    async def _broadcast(self, *, sent: bool) -> int:
        """To the family."""
        values: dict[str, Any] = {"state": "sent", "started_at": datetime.now(UTC), "total": 1} if sent else {}
        everybody: dict[str, Any] = {"op": "everybody"}
        bodies = {"zh_CN": {"text": "{home}"}}
        row = await self.factory.add(Broadcast(audience=everybody, bodies=bodies, fallback="zh_CN", **values))
        if sent:
            delivery = Delivery(
                broadcast_id=row.id,
                chat_id=self.chats["family"],
                agreement_ids=[self.agreement.id],
                kind=NoticeKind.BROADCAST,
                state=DeliveryState.SENT,
            )
            await self.factory.add(delivery)
        return row.id

    async def _offered_by_a_neighbour(self) -> int:
        """A case that families of the building may join."""
        chat_id, agreement = next(self.others), await self.factory.agreement(units=[await self.factory.unit()])
        await self.factory.link(chat_id, agreement)
        case = {"category": "quality", "agreement_id": agreement.id, "text": "漏水"}
        filed = await call(self.api, "POST", f"/v1/chats/{chat_id}/cases", 201, json=case, headers=_key())
        published = text("UPDATE cases SET published_at = now(), published_text = :text WHERE number = :n RETURNING id")
        sealed = self.factory.vault.seal("case.published_text", "楼道漏水")
        async with self.factory.database.transaction() as session:
            return int((await session.execute(published, {"text": sealed, "n": filed["number"]})).scalar_one())


@pytest.fixture
async def world(api: aiohttp.ClientSession, factory: Factory) -> World:
    unit = await factory.unit(room="家7701")  # No moment in an answer has it by chance.
    agreement = await factory.agreement(number="MATRIX-2021-0034", units=[unit])
    await factory.ledger_entry(agreement)
    world = World(api, factory, agreement, "家7701")
    await factory.link(world.chats["family"], agreement)
    other = await factory.agreement(units=[await factory.unit(room="1801")])
    await factory.link(world.chats["resident"], other)
    for actor in ("disabled", *(role.value for role in StaffRole)):
        disabled = actor == "disabled"
        await factory.add(
            StaffAccount(
                name=factory.vault.seal("staff.name", "接访甲"),
                roles=[role.value for role in StaffRole] if disabled else [actor],
                chat_id=world.chats[actor],
                disabled_at=datetime.now(UTC) if disabled else None,
            )
        )
    for actor in ACTORS:
        await agree(api, world.chats[actor])
    case = {"category": "quality", "agreement_id": agreement.id, "text": "7701 漏水"}
    filed = await call(api, "POST", f"/v1/chats/{world.chats['family']}/cases", 201, json=case, headers=_key())
    world.number = filed["number"]
    return world


async def _ask(client: aiohttp.ClientSession, route: str, chat_id: int, things: dict[str, Any]) -> tuple[int, str]:
    method, path = route.split(" ")
    more = REQUESTS[route](things) if route in REQUESTS else {}
    target = path.format_map({**things, "chat_id": chat_id})
    async with client.request(method, target, **more) as response:
        return response.status, await response.text(errors="replace")


def _against(route: str, cell: str, world: World, theirs: tuple[int, str], missing: tuple[int, str] | None) -> str:
    """What is wrong with an answer, and with that about what does not exist; empty: nothing."""
    status, body = theirs
    if cell in ("200", "own"):
        if not 200 <= status < 300:
            return f"was refused: {status} {body}"
        if cell == "own" and (shown := [part for part in world.telling if part in body]):
            return f"shows the family ({shown}): {body}"
        if cell == "200" and missing is not None and missing[0] != 404:
            return f"finds what does not exist: {missing}"
        return ""
    if str(status) != cell:
        return f"{status} {body}"
    refusal = {"401": "unauthenticated", "404": "not_found", "403": "not_matched" if route in PROOFS else "not_allowed"}
    if f'"code":"{refusal[cell]}"' not in body or any(part in body for part in world.telling):
        return f"says {body}"
    if missing is not None and missing != theirs:
        return f"tells that it exists: {theirs} instead of {missing}"
    return ""


def test_every_route_has_its_row(settings: Settings) -> None:
    paths = create_app(settings, "postgresql://nobody@127.0.0.1:1/none").openapi()["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(ROWS) == served
    assert set(REQUESTS) <= served
    assert all(CELL.fullmatch(cell) for row in ROWS.values() for cell in row.values())


def test_the_table_of_roles_is_true(settings: Settings) -> None:
    """docs/security.md says of every route of staff who may use it; what it says is what the cells above say."""
    paths = create_app(settings, "postgresql://nobody@127.0.0.1:1/none").openapi()["paths"]
    routes = {
        operation["operationId"]: f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method, operation in methods.items()
    }
    section = (Path(__file__).parents[2] / "docs" / "security.md").read_text().split("## The office's roles\n")[1]
    heading, _, *lines = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("|")]
    roles = [cell.strip() for cell in heading.strip("|").split("|")[2:]]
    assert roles == [role.value for role in StaffRole]
    told: dict[str, set[str]] = {}
    for line in lines:
        _, named, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for operation in re.findall(r"`(\w+)`", named):
            told[routes[operation]] = {role for role, cell in zip(roles, cells, strict=True) if cell == "✓"}
    assert told == {
        route: {role for role in roles if row[role] == "200"}
        for route, row in ROWS.items()
        if " /v1/staff/" in route and route not in PROOFS
    }


async def test_every_cell(api_url: str, world: World, figure: Figure) -> None:
    wrong: list[str] = []
    cells = requests = 0
    async with aiohttp.ClientSession(api_url) as nobody:
        for route, row in ROWS.items():
            # What the rows before have left behind.
            async with world.factory.database.transaction() as session:
                await session.execute(text("UPDATE link_codes SET expires_at = now()"))
            path = route.split(" ")[1]
            names = [name for name in re.findall(r"\{(\w+)\}", path) if name != "chat_id"]
            if route == "POST /v1/chats/{chat_id}/cases":
                names.append("agreement_id")
            for actor, cell in row.items():
                client = nobody if actor == "nobody" else world.api
                chat_id = world.chats[actor]
                theirs = await _ask(client, route, chat_id, await world.things(path))
                missing = await _ask(client, route, chat_id, MISSING) if names else None
                if problem := _against(route, cell, world, theirs, missing):
                    wrong.append(f"{route} as {actor}, expected {cell}: {problem}")
                cells += 1
                requests += 1 + bool(names)
    assert wrong == []
    figure("access matrix", f"{len(ROWS)} routes × {len(ACTORS)} askers = {cells} cells, {requests} requests")


async def test_another_familys_things_do_not_come_in_by_the_body(world: World) -> None:
    """A complaint about one's own home, with their unit or their file."""
    family, resident = world.chats["family"], world.chats["resident"]
    [home] = await call(world.api, "GET", f"/v1/chats/{resident}/homes")
    [theirs] = await call(world.api, "GET", f"/v1/chats/{family}/homes")
    stored = await upload(world.api, family, upload_key="matrix-body")
    own = {"category": "quality", "agreement_id": home["agreement"]["id"], "text": "漏水"}
    path = f"/v1/chats/{resident}/cases"
    for foreign in ({"unit_id": theirs["units"][0]["id"]}, {"attachment_ids": [stored["id"]]}):
        nothing = {name: [2**40] if isinstance(value, list) else 2**40 for name, value in foreign.items()}
        refused = await call(world.api, "POST", path, 404, json=own | foreign, headers=_key())
        assert refused == await call(world.api, "POST", path, 404, json=own | nothing, headers=_key())
    await call(world.api, "POST", path, 201, json=own, headers=_key())
