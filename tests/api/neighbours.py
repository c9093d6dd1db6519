"""Families of one building, and one elsewhere, whose complaints may be one matter."""

from typing import Any

import pytest
from sqlalchemy import select

from api.agreements.models import Agreement
from api.cases.models import Case
from api.messages.models import Delivery
from api.messages.service import PAYLOAD
from tests.api.calls import call
from tests.api.desk import Desk
from tests.factories import Factory

NEIGHBOUR, OTHER_NEIGHBOUR, FAR = 700100301, 700100302, 700100303
PUBLISHED = "二单元楼道一直没有电梯。"


@pytest.fixture
async def homes(desk: Desk, factory: Factory) -> dict[int, Agreement]:
    """Two more families in the same building, and one elsewhere."""
    here, elsewhere = await factory.building(), await factory.building("99")
    found = {}
    for chat, building in ((NEIGHBOUR, here), (OTHER_NEIGHBOUR, here), (FAR, elsewhere)):
        agreement = await factory.agreement(units=[await factory.unit(building=building, room=f"{chat % 1000}")])
        await factory.link(chat, agreement)
        found[chat] = agreement
    return found


async def similar(desk: Desk, chat: int, agreement: Agreement, category: str = "quality", status: int = 200) -> Any:
    path = f"/v1/chats/{chat}/agreements/{agreement.id}/similar-cases"
    return await call(desk.api, "GET", path, status, params={"category": category})


async def join(
    desk: Desk, chat: int, agreement: Agreement, collective: int, status: int = 201, *, key: str = "", **more: Any
) -> Any:
    return await call(
        desk.api,
        "POST",
        f"/v1/chats/{chat}/collective-cases/{collective}/members",
        status,
        json={"agreement_id": agreement.id} | more,
        headers={"Idempotency-Key": key or f"join-{chat}"},
    )


async def published(desk: Desk, state: str = "in_progress") -> tuple[str, int]:
    """Number and id of a case that is offered to the building."""
    number = await desk.to(state)
    await desk.act(number, "publish", text=PUBLISHED)
    async with desk.factory.database.transaction() as session:
        case = (await session.scalars(select(Case).where(Case.number == number))).one()
    return number, case.id


async def told(desk: Desk, chat: int) -> list[dict[str, Any]]:
    """The notices for a chat."""
    async with desk.factory.database.transaction() as session:
        rows = await session.scalars(select(Delivery).where(Delivery.chat_id == chat).order_by(Delivery.id))
        return [desk.factory.vault.open_json(PAYLOAD, row.payload) for row in rows if row.payload is not None]


async def news(desk: Desk, chat: int) -> list[tuple[str, str]]:
    return [(notice["number"], notice["news"]) for notice in await told(desk, chat)]
