"""Broadcasts as the office writes and approves them, over HTTP."""

from itertools import count
from typing import Any

import aiohttp
from sqlalchemy import select, text

from api.agreements.models import Agreement
from api.audit.models import AuditEvent
from api.broadcasts.schemas import AudienceCount, BroadcastOut
from api.chats.models import Chat
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from tests.api.calls import call
from tests.factories import Factory

PUBLISHER, APPROVER, BOTH, ADMIN, VIEWER, CLERK = 610000001, 610000002, 610000003, 610000004, 610000005, 610000006
EVERYBODY = {"op": "everybody"}
HELLO = {"zh_CN": {"text": "您好，您的房子：{home}"}}


class Newsroom:
    """An office with a publisher, an approver, somebody who is both, an administrator, a viewer and a clerk."""

    def __init__(self, api: aiohttp.ClientSession, factory: Factory) -> None:
        self.api, self.factory = api, factory
        self.staff: dict[int, int] = {}
        self._keys = count(1)
        self._chats = count(710000001)

    async def open(self) -> "Newsroom":
        roles = {
            PUBLISHER: (StaffRole.PUBLISHER,),
            APPROVER: (StaffRole.APPROVER,),
            BOTH: (StaffRole.PUBLISHER, StaffRole.APPROVER),
            ADMIN: (StaffRole.ADMIN,),
            VIEWER: (StaffRole.VIEWER,),
            CLERK: (StaffRole.CLERK,),
        }
        for chat_id, held in roles.items():
            name = self.factory.vault.seal("staff.name", f"编造员{chat_id % 10}")
            row = StaffAccount(name=name, roles=[role.value for role in held], chat_id=chat_id)
            self.staff[chat_id] = (await self.factory.add(row)).id
        return self

    async def chat(self, *agreements: Agreement, locale: str | None = "zh_CN", **link: Any) -> int:
        """A chat that sees these agreements."""
        chat_id = next(self._chats)
        await self.factory.add(Chat(id=chat_id, locale=locale, version=1))
        for agreement in agreements:
            await self.factory.link(chat_id, agreement, **link)
        return chat_id

    async def family(self, *, locale: str | None = "zh_CN", **values: Any) -> tuple[int, Agreement]:
        """A chat with an agreement and a home."""
        agreement = await self.factory.agreement(units=[await self.factory.unit()], **values)
        return await self.chat(agreement, locale=locale), agreement

    # --- asking ---

    async def ask(self, method: str, path: str, status: int = 200, *, chat: int = PUBLISHER, **request: Any) -> Any:
        return await call(self.api, method, f"/v1/staff/{chat}/broadcasts{path}", status, **request)

    async def create(self, *, chat: int = PUBLISHER, status: int = 201, key: str = "", **content: Any) -> Any:
        given = {"audience": EVERYBODY, "bodies": HELLO} | content
        headers = {"Idempotency-Key": key or f"draft-{next(self._keys):06}"}
        return await self.ask("POST", "", status, chat=chat, json=given, headers=headers)

    async def draft(self, **content: Any) -> BroadcastOut:
        return BroadcastOut.model_validate(await self.create(**content))

    async def page(self, broadcast_id: int, *, chat: int = PUBLISHER) -> BroadcastOut:
        return BroadcastOut.model_validate(await self.ask("GET", f"/{broadcast_id}", chat=chat))

    async def edit(self, broadcast_id: int, status: int = 200, *, chat: int = PUBLISHER, **content: Any) -> Any:
        """As somebody who has just looked at it, where no version is given."""
        page = await self.page(broadcast_id, chat=chat)
        given = page.content.model_dump(mode="json") | {"version": page.version} | content
        return await self.ask("PUT", f"/{broadcast_id}", status, chat=chat, json=given)

    async def step(
        self,
        broadcast_id: int,
        action: str,
        status: int = 200,
        *,
        chat: int = PUBLISHER,
        version: int | None = None,
        text: str = "",
    ) -> Any:
        if version is None:
            version = (await self.page(broadcast_id, chat=chat)).version
        given = {"action": action, "version": version, "text": text}
        return await self.ask("POST", f"/{broadcast_id}/steps", status, chat=chat, json=given)

    async def count(self, **content: Any) -> AudienceCount:
        given = {"audience": EVERYBODY, "bodies": HELLO} | content
        return AudienceCount.model_validate(await self.ask("POST", "/count", json=given))

    async def approved(self, **content: Any) -> BroadcastOut:
        draft = await self.draft(**content)
        await self.step(draft.id, "submit")
        return BroadcastOut.model_validate(await self.step(draft.id, "approve", chat=APPROVER))

    # --- what others do ---

    async def sql(self, statement: str, **values: Any) -> None:
        async with self.factory.database.transaction() as session:
            await session.execute(text(statement), values)

    async def send(self, broadcast_id: int, outcomes: dict[int, tuple[list[int], str]], *, state: str = "sent") -> None:
        """As if it had gone out: chat → its agreements, and what became of the message."""
        await self.sql(
            "UPDATE broadcasts SET state = :state, started_at = now(), total = :total WHERE id = :id",
            state=state,
            total=len(outcomes),
            id=broadcast_id,
        )
        for place, (chat_id, (agreements, outcome)) in enumerate(outcomes.items()):
            await self.sql(
                "INSERT INTO deliveries (broadcast_id, chat_id, agreement_ids, kind, state, message_id, finished_at) "
                "VALUES (:id, :chat, :agreements, 'broadcast', :outcome, :message, now())",
                id=broadcast_id,
                chat=chat_id,
                agreements=agreements,
                outcome=outcome,
                message=1000 + place if outcome == "sent" else None,
            )

    async def recorded(self, action: str) -> list[tuple[str, int | None, str, int | None]]:
        """Who did so to what."""
        async with self.factory.database.transaction() as session:
            rows = await session.execute(
                select(AuditEvent.actor_kind, AuditEvent.actor_id, AuditEvent.object_kind, AuditEvent.object_id)
                .where(AuditEvent.action == action)
                .order_by(AuditEvent.id)
            )
            return [(row[0], row[1], row[2], row[3]) for row in rows]
