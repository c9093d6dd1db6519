"""Writing, approving and stopping broadcasts, over HTTP as the office's people do."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.broadcasts.models import Broadcast
from api.cases.attachments import sweep_orphans
from api.cases.models import Attachment
from api.cases.store import AttachmentStore
from api.db import Database
from api.identity.documents import mask_name
from api.settings import Settings
from tests.api.calls import PNG, call, upload
from tests.api.newsroom import ADMIN, APPROVER, BOTH, CLERK, EVERYBODY, HELLO, PUBLISHER, VIEWER, Newsroom
from tests.factories import Factory


@pytest.fixture
async def readers(newsroom: Newsroom) -> list[int]:
    return [(await newsroom.family())[0] for _ in range(3)]


async def test_a_broadcast_is_written_submitted_and_approved(newsroom: Newsroom, readers: list[int]) -> None:
    draft = await newsroom.draft()
    assert (draft.state, draft.version, draft.title, draft.author) == (
        "draft",
        1,
        "您好，您的房子：{home}",
        "编造员1",
    )
    assert draft.problems == []
    assert draft.needs_approval
    assert draft.allowed == ["edit", "submit", "cancel"]
    assert draft.progress is None
    submitted = await newsroom.step(draft.id, "submit")
    assert submitted["state"] == "submitted"
    assert submitted["allowed"] == ["edit", "cancel"]
    seen = await newsroom.page(draft.id, chat=APPROVER)
    assert seen.allowed == ["approve", "reject", "cancel"]
    assert (await newsroom.page(draft.id, chat=VIEWER)).allowed == []
    assert (await newsroom.page(draft.id, chat=ADMIN)).allowed == ["cancel"]
    approved = await newsroom.step(draft.id, "approve", chat=APPROVER)
    assert approved["state"] == "approved"
    assert [(event["action"], event["by"]) for event in approved["events"]] == [
        ("submit", "编造员1"),
        ("approve", "编造员2"),
    ]
    page = await newsroom.ask("GET", "", chat=VIEWER)
    assert [broadcast["id"] for broadcast in page["broadcasts"]] == [draft.id]
    for action, chat in (("submitted", PUBLISHER), ("approved", APPROVER)):
        assert await newsroom.recorded(f"broadcast.{action}") == [
            ("staff", newsroom.staff[chat], "broadcast", draft.id)
        ]
    assert len(await newsroom.recorded("broadcast.created")) == 1
    assert len(await newsroom.recorded("broadcast.shown")) >= 4


async def test_nobody_approves_their_own(newsroom: Newsroom, readers: list[int]) -> None:
    own = await newsroom.draft(chat=BOTH)
    await newsroom.step(own.id, "submit", chat=BOTH)
    refused = await newsroom.step(own.id, "approve", 403, chat=BOTH)
    assert refused["code"] == "own_broadcast"
    # Nor what they have changed, or submitted for somebody else.
    for action in ("edit", "submit"):
        other = await newsroom.draft()
        if action == "edit":
            await newsroom.edit(other.id, chat=BOTH, topic="handover")
            await newsroom.edit(other.id, topic="payments")
        await newsroom.step(other.id, "submit", chat=BOTH if action == "submit" else PUBLISHER)
        assert (await newsroom.step(other.id, "approve", 403, chat=BOTH))["code"] == "own_broadcast"
        await newsroom.step(other.id, "approve", chat=APPROVER)
    for chat in (PUBLISHER, ADMIN):
        refused = await newsroom.step(own.id, "approve", 403, chat=chat)
        assert refused["code"] == "not_allowed"
    for chat in (VIEWER, CLERK):
        await newsroom.step(own.id, "cancel", 403, chat=chat, version=1)


async def test_approved_twice_is_approved_once(newsroom: Newsroom, readers: list[int]) -> None:
    draft = await newsroom.draft()
    await newsroom.step(draft.id, "submit")
    version = (await newsroom.page(draft.id)).version
    results = await asyncio.gather(
        *(
            newsroom.api.post(
                f"/v1/staff/{chat}/broadcasts/{draft.id}/steps", json={"action": "approve", "version": version}
            )
            for chat in (APPROVER, BOTH)
        )
    )
    assert sorted(result.status for result in results) == [200, 409]
    late = next(result for result in results if result.status == 409)
    refused = await late.json()
    assert refused["code"] == "broadcast_changed"
    assert refused["details"] | {"happened_at": ""} == {
        "version": version + 1,
        "state": "approved",
        "action": "approve",
        "happened_at": "",
    }
    again = await newsroom.step(draft.id, "approve", 409, chat=APPROVER)
    assert (again["code"], again["details"]) == ("not_allowed_now", {"allowed": ["cancel"], "state": "approved"})
    assert len(await newsroom.recorded("broadcast.approved")) == 1


async def test_what_is_changed_after_approval_must_be_approved_anew(newsroom: Newsroom, readers: list[int]) -> None:
    approved = await newsroom.approved(starts_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    changed = await newsroom.edit(approved.id, bodies={"zh_CN": {"text": "改过的话"}})
    assert (changed["state"], changed["title"]) == ("draft", "改过的话")
    async with newsroom.factory.database.transaction() as session:
        row = await session.get_one(Broadcast, approved.id)
        assert (row.revision, row.approved_revision) == (2, None)
    stale = await newsroom.edit(approved.id, 409, version=approved.version)
    assert (stale["code"], stale["details"]["action"]) == ("broadcast_changed", "edit")
    await newsroom.step(approved.id, "approve", 409, chat=APPROVER)
    await newsroom.step(approved.id, "submit")
    again = await newsroom.step(approved.id, "approve", chat=APPROVER)
    assert [event["action"] for event in again["events"]] == ["submit", "approve", "edit", "submit", "approve"]
    await newsroom.step(approved.id, "cancel", chat=ADMIN)
    over = await newsroom.edit(approved.id, 409)
    assert over["details"] == {"allowed": [], "state": "cancelled"}


async def test_rejected_with_a_reason(newsroom: Newsroom, readers: list[int]) -> None:
    draft = await newsroom.draft()
    await newsroom.step(draft.id, "submit")
    await newsroom.step(draft.id, "reject", 422, chat=APPROVER, text="  ")
    rejected = await newsroom.step(draft.id, "reject", chat=APPROVER, text="日期不对")
    assert rejected["state"] == "draft"
    assert [(event["action"], event["text"]) for event in rejected["events"]][-1] == ("reject", "日期不对")


async def test_few_readers_need_no_approval(newsroom: Newsroom, readers: list[int], settings: Settings) -> None:
    settings.broadcast_approval_above = 2
    _, agreement = await newsroom.family()
    few = await newsroom.draft(audience={"op": "numbers", "numbers": [agreement.number]})
    assert not few.needs_approval
    assert (await newsroom.step(few.id, "submit"))["state"] == "approved"
    many = await newsroom.draft()
    assert many.needs_approval
    assert (await newsroom.step(many.id, "submit"))["state"] == "submitted"


async def test_sending_is_paused_resumed_and_cancelled(newsroom: Newsroom, readers: list[int]) -> None:
    draft = await newsroom.approved()
    await newsroom.send(draft.id, {chat: ([], "waiting") for chat in readers}, state="sending")
    assert (await newsroom.page(draft.id)).allowed == ["pause", "cancel"]
    for chat in (PUBLISHER, APPROVER, ADMIN):
        assert (await newsroom.step(draft.id, "pause", chat=chat))["state"] == "paused"
        assert (await newsroom.step(draft.id, "pause", 409, chat=chat))["details"]["allowed"] == ["resume", "cancel"]
        assert (await newsroom.step(draft.id, "resume", chat=chat))["state"] == "sending"
    cancelled = await newsroom.step(draft.id, "cancel", text="发错了")
    assert cancelled["state"] == "cancelled"
    assert cancelled["progress"]["total"] == 3
    await newsroom.step(draft.id, "resume", 409)


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ({"audience": None}, [("no_audience", None, None, None)]),
        ({"audience": {"op": "building", "id": 999}}, [("unknown_place", None, None, "building 999")]),
        (
            {"audience": {"op": "reached", "broadcast_id": 99, "value": True}},
            [("unknown_place", None, None, "broadcast 99")],
        ),
        (
            {"audience": {"op": "not", "of": {"op": "numbers", "numbers": ["没有-1"]}}},
            [("unknown_place", None, None, "没有-1")],
        ),
        ({"audience": {"op": "not", "of": EVERYBODY}}, [("nobody", None, None, None)]),
        ({"bodies": {}}, [("no_body", None, None, None)]),
        ({"bodies": {"zh_CN": {"text": " \n"}}}, [("empty", 1, 1, None)]),
        (
            {"bodies": HELLO | {"en": {"text": "Hello\n dear {nmae}, <b>you</i>"}}},
            [("unknown_placeholder", 2, 7, "{nmae}"), ("broken_html", 2, 15, "<b>"), ("broken_html", 2, 21, "</i>")],
        ),
        ({"bodies": {"zh_CN": {"text": "长" * 3_000 + "{news}" * 2}}}, [("too_long", 1, 3007, "4200")]),
        (
            {"bodies": {"zh_CN": {"text": "好", "buttons": [{"label": "看"}, {"label": "行", "target": "home"}]}}},
            [("bad_button", None, None, "看")],
        ),
        ({"starts_at": "2026-01-01T00:00:00Z"}, [("time_passed", None, None, None)]),
    ],
)
async def test_what_is_wrong_is_found_with_its_place(
    newsroom: Newsroom, readers: list[int], content: dict[str, Any], problems: list[Any]
) -> None:
    draft = await newsroom.draft(**content)
    told = [(problem.kind.value, problem.line, problem.column, problem.found) for problem in draft.problems]
    assert told == problems
    refused = await newsroom.step(draft.id, "submit", 409)
    assert refused["code"] == "has_problems"
    assert [problem["kind"] for problem in refused["details"]["problems"]] == [
        problem.kind.value for problem in draft.problems
    ]
    assert (await newsroom.page(draft.id)).state == "draft"


async def test_what_became_wrong_since_is_found_when_it_is_approved(newsroom: Newsroom, readers: list[int]) -> None:
    draft = await newsroom.draft()
    await newsroom.step(draft.id, "submit")
    await newsroom.sql("UPDATE chats SET gone_at = now()")
    refused = await newsroom.step(draft.id, "approve", 409, chat=APPROVER)
    assert [problem["kind"] for problem in refused["details"]["problems"]] == ["nobody"]


async def test_the_same_key_is_the_same_draft(newsroom: Newsroom) -> None:
    first = await newsroom.create(key="the-same-key")
    again = await newsroom.create(key="the-same-key", status=200)
    assert again["id"] == first["id"]
    other = await newsroom.create(key="the-same-key", chat=BOTH)
    assert other["id"] != first["id"]
    assert (await newsroom.ask("GET", "", params={"limit": 50}))["broadcasts"][0]["id"] == other["id"]


async def test_pages_of_the_list(newsroom: Newsroom) -> None:
    made = [(await newsroom.draft()).id for _ in range(5)]
    await newsroom.step(made[1], "cancel")
    cursor, found = None, []
    for _ in range(3):
        asked = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await newsroom.ask("GET", "", params=asked)
        found += [broadcast["id"] for broadcast in page["broadcasts"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (made[::-1], None)
    cancelled = await newsroom.ask("GET", "", params=[("state", "cancelled"), ("state", "sent")])
    assert [broadcast["id"] for broadcast in cancelled["broadcasts"]] == [made[1]]
    for broken in ("x", "AAAA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"):
        await newsroom.ask("GET", "", 422, params={"cursor": broken})
    for path in ("/999", "/999/count", "/999/preview", "/999/report", "/999/missing", "/999/unreached"):
        await newsroom.ask("GET", path, 404)


async def test_a_file_is_the_accounts_own(newsroom: Newsroom, readers: list[int]) -> None:
    theirs = await upload(newsroom.api, readers[0], upload_key="residents-file")
    await newsroom.create(attachment_id=theirs["id"], status=404)
    path = f"/v1/staff/{PUBLISHER}/attachments"
    own = await upload(newsroom.api, PUBLISHER, PNG, upload_key="publishers-file", path=path)
    draft = await newsroom.draft(attachment_id=own["id"])
    assert draft.problems == []
    long = await newsroom.edit(draft.id, bodies={"zh_CN": {"text": "长" * 1025}})
    assert [problem["kind"] for problem in long["problems"]] == ["too_long"]
    await newsroom.edit(draft.id, 404, attachment_id=theirs["id"])
    # It stays when somebody else mends the words, and a complaint cannot take it.
    await newsroom.edit(draft.id, chat=BOTH, bodies=HELLO)


async def test_a_preview_shows_nobody_by_name_or_door(newsroom: Newsroom, factory: Factory) -> None:
    who = factory.invented()
    building = await factory.building("7")
    unit = await factory.unit(building, room="1801")
    agreement = await factory.agreement(people=[await factory.person(who)], units=[unit], number="TEST-2026-0815")
    await newsroom.chat(agreement, locale="en")
    for _ in range(4):
        await newsroom.family()
    draft = await newsroom.draft(bodies={"zh_CN": {"text": "{name}，{home}，{number}"}})
    shown = await newsroom.ask("GET", f"/{draft.id}/preview", chat=APPROVER)
    assert [reader["locale"] for reader in shown["readers"]] == ["en", "zh_CN", "zh_CN"]
    (home,) = shown["readers"][0]["facts"]["homes"]
    assert home["home"] == "A3-一期-7-1-**"
    assert shown["readers"][0]["facts"]["name"] == mask_name(who.name)
    told = str(shown)
    for personal in (who.name, "1801", agreement.number):
        assert personal not in told
    seen = await newsroom.recorded("broadcast.previewed")
    assert ("staff", newsroom.staff[APPROVER], "agreement", agreement.id) in seen
    assert len(seen) == 4
    nobody = await newsroom.draft(audience=None)
    assert (await newsroom.ask("GET", f"/{nobody.id}/preview"))["readers"] == []


async def test_a_test_goes_to_oneself_alone(newsroom: Newsroom, readers: list[int], database: Database) -> None:
    draft = await newsroom.draft(bodies=HELLO | {"en": {"text": "Hello {home}"}})
    await newsroom.ask("POST", f"/{draft.id}/test", 204, json={"locale": "en"})
    claim = await call(newsroom.api, "POST", "/v1/messages/claim", json={"limit": 10})
    (message,) = claim["messages"]
    assert (message["chat_id"], message["kind"]) == (PUBLISHER, "broadcast_test")
    content = message["payload"]["content"]
    assert list(content["bodies"]) == ["en"]
    assert content["fallback"] == "en"
    assert message["payload"]["facts"]["homes"][0]["home"].endswith("-**")
    await newsroom.ask("POST", f"/{draft.id}/test", 422, json={"locale": "ar"})
    broken = await newsroom.draft(bodies={"zh_CN": {"text": "<b>"}})
    refused = await newsroom.ask("POST", f"/{broken.id}/test", 409, json={})
    assert refused["code"] == "has_problems"
    # Whom it is for does not matter yet.
    nobody = await newsroom.draft(audience=None)
    await newsroom.ask("POST", f"/{nobody.id}/test", 204, json={})


async def test_places_to_choose_from(newsroom: Newsroom, factory: Factory) -> None:
    building = await factory.building("2")
    for entrance in ("10", "2", None):
        await factory.unit(building, entrance=entrance)
    await factory.building("3")
    (project,) = await call(newsroom.api, "GET", f"/v1/staff/{VIEWER}/places")
    (parcel,) = project["parcels"]
    (phase,) = parcel["phases"]
    assert [(place["name"], place["entrances"]) for place in phase["buildings"]] == [("2", ["2", "10"]), ("3", [])]
    await call(newsroom.api, "GET", f"/v1/staff/{CLERK}/places", 403)


async def test_a_file_that_is_sent_is_not_swept_up_nor_taken_back(
    newsroom: Newsroom, database: Database, settings: Settings
) -> None:
    path = f"/v1/staff/{PUBLISHER}/attachments"
    own = await upload(newsroom.api, PUBLISHER, upload_key="publishers-file", path=path)
    unused = await upload(newsroom.api, PUBLISHER, upload_key="unused-file", path=path)
    await newsroom.draft(attachment_id=own["id"])
    await call(newsroom.api, "DELETE", f"/v1/chats/{PUBLISHER}/attachments/{own['id']}", 404)
    await newsroom.sql("UPDATE attachments SET uploaded_at = now() - interval '90 days'")
    store = AttachmentStore(settings.attachments_url, settings.data_dir)
    await sweep_orphans(database, store, timedelta(days=30))
    async with database.transaction() as session:
        assert list(await session.scalars(select(Attachment.id))) == [own["id"]]
    assert unused["id"] != own["id"]
    # Nor does it go when the account's owner has everything erased.
    await call(newsroom.api, "DELETE", f"/v1/chats/{PUBLISHER}", 204)
    async with database.transaction() as session:
        assert list(await session.scalars(select(Attachment.id))) == [own["id"]]


@pytest.mark.parametrize("starts_at", ["2026-12-01T09:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
async def test_a_time_that_is_nobodys_is_refused(newsroom: Newsroom, starts_at: str) -> None:
    """Without an offset it would be anybody's guess whose nine o'clock is meant."""
    refused = await newsroom.create(starts_at=starts_at, status=422)
    assert refused["details"]["fields"][0]["at"] == ["body", "starts_at"]


async def test_what_no_database_keeps_is_left_out(newsroom: Newsroom) -> None:
    draft = await newsroom.draft(
        audience={"op": "numbers", "numbers": ["A\0-1"]},
        bodies={"zh_CN": {"text": "停\0水", "buttons": [{"label": "看\0看", "url": "https://a.example/\0b"}]}},
    )
    assert "\0" not in draft.model_dump_json()
    assert "\\u0000" not in draft.model_dump_json()
