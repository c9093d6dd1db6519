"""Who of the office hears of the steps of a broadcast: whoever may approve it, and whose it is; never who took the
step."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from sqlalchemy import select

from api.broadcasts.schemas import BroadcastAction, BroadcastStep, Operation
from api.broadcasts.sending import start_when_due
from api.broadcasts.service import BY_OPERATOR, Now, step
from api.messages.models import Delivery
from api.messages.schemas import BroadcastOnDesk, NoticeKind
from api.messages.service import PAYLOAD
from api.settings import Settings
from tests.api.broadcasting import ALL_DONE, a_broadcast, work
from tests.api.newsroom import APPROVER, BOTH, PUBLISHER, Newsroom
from tests.api.outbox import claim, tell
from tests.factories import Factory


class Desk:
    """The office's people, and a worker that tells them."""

    def __init__(self, newsroom: Newsroom, settings: Settings, database_url: str, factory: Factory) -> None:
        self.newsroom, self.factory = newsroom, factory
        self._settings, self._database_url = settings, database_url
        self._seen = 0

    async def told(self) -> dict[int, BroadcastOnDesk]:
        """By chat, what they have been told since last asked."""
        await work(self._settings, self._database_url, self.factory, until=ALL_DONE)
        async with self.factory.database.transaction() as session:
            chosen = Delivery.kind == NoticeKind.BROADCAST_ON_DESK, Delivery.id > self._seen
            rows = (await session.scalars(select(Delivery).where(*chosen).order_by(Delivery.id))).all()
        self._seen = rows[-1].id if rows else self._seen
        assert len({row.chat_id for row in rows}) == len(rows), "each is told once"
        open_json = self.factory.vault.open_json
        return {row.chat_id: BroadcastOnDesk.model_validate(open_json(PAYLOAD, row.payload or b"")) for row in rows}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Broadcasts go out at any hour."""
    return settings.model_copy(update={"quiet_from": 0, "quiet_until": 0})


@pytest.fixture
async def desk(newsroom: Newsroom, settings: Settings, database_url: str, factory: Factory) -> Desk:
    await newsroom.family()
    return Desk(newsroom, settings, database_url, factory)


async def test_approvers_hear_that_it_waits_and_writers_what_became_of_it(desk: Desk) -> None:
    newsroom = desk.newsroom
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    draft = await newsroom.draft(starts_at=tomorrow.isoformat())
    assert await desk.told() == {}, "as long as it is a draft"
    await newsroom.step(draft.id, "submit")
    told = await desk.told()
    assert {*told} == {APPROVER, BOTH}
    waits = {"broadcast_id": draft.id, "title": draft.title, "action": "submit", "by": "编造员1", "starts_at": tomorrow}
    assert told[APPROVER] == BroadcastOnDesk.model_validate(waits)
    await newsroom.step(draft.id, "reject", chat=APPROVER, text="请写明时间。")
    told = await desk.told()
    assert {chat: (notice.action, notice.by, notice.text) for chat, notice in told.items()} == {
        PUBLISHER: ("reject", "编造员2", "请写明时间。")
    }
    await newsroom.edit(draft.id, chat=BOTH, topic="handover")
    await newsroom.step(draft.id, "submit")
    assert {*await desk.told()} == {APPROVER, BOTH}, "the second one as who has changed it"
    await newsroom.step(draft.id, "approve", chat=APPROVER)
    assert {chat: notice.action for chat, notice in (await desk.told()).items()} == {
        PUBLISHER: "approve",
        BOTH: "approve",
    }
    await newsroom.step(draft.id, "cancel", chat=PUBLISHER)
    assert {chat: notice.action for chat, notice in (await desk.told()).items()} == {BOTH: "cancel"}


async def test_nobody_is_called_to_approve_what_is_a_draft_again(desk: Desk) -> None:
    draft = await desk.newsroom.draft()
    await desk.newsroom.step(draft.id, "submit")
    await desk.newsroom.edit(draft.id, topic="handover")
    assert await desk.told() == {}


async def test_whose_it_is_hears_how_many_it_reached(desk: Desk, api: aiohttp.ClientSession) -> None:
    approved = await desk.newsroom.approved()
    assert {*await desk.told()} == {PUBLISHER}
    while claimed := await claim(api):
        await tell(api, claimed, "sent", message_id=1)
    told = {"broadcast_id": approved.id, "title": approved.title, "action": "finish", "by": None, "total": 1, "sent": 1}
    told["by_itself"] = True
    assert await desk.told() == {PUBLISHER: BroadcastOnDesk.model_validate(told)}


async def test_a_correction_is_told_as_such_with_what_it_changes(desk: Desk) -> None:
    newsroom = desk.newsroom
    long = "停水通知，" * 20
    sent = await newsroom.approved(bodies={"zh_CN": {"text": f"<b>{long}</b>12月5日停水。"}, "en": {"text": "Water"}})
    chat, agreement = await newsroom.family()
    await newsroom.send(sent.id, {chat: ([agreement.id], "sent")})
    await desk.told()
    headers = {"Idempotency-Key": "correct-the-day"}
    draft = await newsroom.ask("POST", f"/{sent.id}/follow-ups", 201, json={"operation": "edit"}, headers=headers)
    after = {"zh_CN": {"text": f"<b>{long}</b>12月6日停水。"}, "en": {"text": "Water"}}
    await newsroom.edit(draft["id"], bodies=after)
    page = await newsroom.page(draft["id"])
    assert page.before["zh_CN"].text.endswith("12月5日停水。")
    assert page.uncorrected == ["en"]
    await newsroom.step(draft["id"], "submit")
    told = (await desk.told())[APPROVER]
    assert (told.operation, told.of_id) == (Operation.EDIT, sent.id)
    assert told.before.startswith("…")
    assert (told.before[-9:], told.after[-9:]) == ("，12月5日停水。", "，12月6日停水。")
    assert "<b>" not in told.before + told.after
    await newsroom.edit(draft["id"], bodies=sent.model_dump(mode="json")["content"]["bodies"])
    await newsroom.step(draft["id"], "submit")
    told = (await desk.told())[APPROVER]
    assert (told.before, told.after) == ("", ""), "nothing is changed"


async def test_who_may_approve_hears_of_one_that_would_reach_more_by_now(desk: Desk, factory: Factory) -> None:
    """It needed no second person when it was submitted."""
    grown = await a_broadcast(factory, approved_revision=None, author_id=desk.newsroom.staff[PUBLISHER])
    async with factory.database.transaction() as session:
        await start_when_due(session, grown)
    told = await desk.told()
    assert {*told} == {PUBLISHER, APPROVER, BOTH}
    assert {(notice.action, notice.by, notice.by_itself) for notice in told.values()} == {("submit", None, True)}


async def test_what_a_script_submits_is_told_as_such(desk: Desk, factory: Factory, settings: Settings) -> None:
    draft = await desk.newsroom.draft()
    submitted = BroadcastStep(action=BroadcastAction.SUBMIT, version=draft.version)
    async with factory.database.transaction() as session:
        await step(session, BY_OPERATOR, draft.id, submitted, Now.of(settings))
    told = await desk.told()
    assert {*told} == {PUBLISHER, APPROVER, BOTH}
    assert {(notice.by, notice.by_itself) for notice in told.values()} == {(None, False)}


async def test_each_is_called_once_though_it_was_submitted_twice(desk: Desk) -> None:
    draft = await desk.newsroom.draft()
    await desk.newsroom.step(draft.id, "submit")
    await desk.newsroom.edit(draft.id, topic="handover")
    await desk.newsroom.step(draft.id, "submit")
    assert {*await desk.told()} == {APPROVER, BOTH}


async def test_who_lost_the_role_is_told_nothing_more(desk: Desk) -> None:
    draft = await desk.newsroom.draft()
    await desk.newsroom.step(draft.id, "submit")
    await desk.told()
    await desk.newsroom.sql("UPDATE staff_accounts SET roles = ARRAY['clerk'] WHERE chat_id = :chat", chat=PUBLISHER)
    await desk.newsroom.step(draft.id, "reject", chat=APPROVER, text="请写明时间。")
    assert await desk.told() == {}


async def test_what_is_long_past_is_told_nobody(desk: Desk) -> None:
    """No worker knew the job for a while."""
    draft = await desk.newsroom.draft()
    await desk.newsroom.step(draft.id, "submit")
    await desk.newsroom.sql("UPDATE broadcast_events SET happened_at = now() - interval '25 hours'")
    assert await desk.told() == {}
