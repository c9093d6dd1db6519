"""What became of a broadcast: reports, lists for the door-to-door team, sending once more, corrections."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from openpyxl import load_workbook

from api.broadcasts.schemas import BroadcastOut, BroadcastReport
from api.broadcasts.sending import finish, start
from tests.api.calls import call, upload
from tests.api.newsroom import APPROVER, BOTH, CLERK, PUBLISHER, VIEWER, Newsroom
from tests.factories import Factory


class Sent:
    """A broadcast to families of two buildings: one got it, one blocked the bot, of one nobody knows, one has no chat,
    one has two chats of which one got it."""

    id: int
    chats: dict[str, int]
    numbers: dict[str, str]


@pytest.fixture
async def sent(newsroom: Newsroom, factory: Factory) -> Sent:
    found = Sent()
    found.chats, found.numbers = {}, {}
    outcomes: dict[int, tuple[list[int], str]] = {}
    draft = await newsroom.draft(audience={"op": "household", "kind": "relocation"})
    for name, building, locale, outcome in (
        ("got", "2", "zh_CN", "sent"),
        ("blocked", "2", "zh_CN", "gone"),
        ("doubt", "3", "en", "unknown"),
        ("alone", "3", None, None),
        ("two", "3", "en", "sent"),
    ):
        units = [await factory.unit(await factory.building(building))]
        agreement = await factory.agreement(number=f"TEST-{name}", units=units)
        found.numbers[name] = agreement.number
        if outcome is not None:
            found.chats[name] = await newsroom.chat(agreement, locale=locale)
            outcomes[found.chats[name]] = ([agreement.id], outcome)
        if name == "two":
            found.chats["second"] = await newsroom.chat(agreement, locale="en")
            outcomes[found.chats["second"]] = ([agreement.id], "failed")
    await newsroom.sql("UPDATE chats SET gone_at = now() WHERE id = :id", id=found.chats["blocked"])
    await newsroom.send(draft.id, outcomes)
    found.id = draft.id
    return found


async def table(newsroom: Newsroom, path: str, *, chat: int = PUBLISHER) -> list[tuple[Any, ...]]:
    async with newsroom.api.get(f"/v1/staff/{chat}/broadcasts{path}") as response:
        assert response.status == 200, await response.text()
        assert response.headers["content-disposition"].startswith("attachment")
        workbook = load_workbook(io.BytesIO(await response.read()))
    return list(workbook.active.iter_rows(values_only=True))  # type: ignore[union-attr]


async def test_by_outcome_language_and_building(newsroom: Newsroom, sent: Sent) -> None:
    told = await newsroom.ask("GET", f"/{sent.id}/report", chat=VIEWER)
    report = BroadcastReport.model_validate(told)
    progress = report.progress
    assert (progress.total, progress.sent, progress.gone, progress.unknown, progress.failed) == (5, 2, 1, 1, 1)
    assert {row.name: (row.total, row.sent) for row in report.languages} == {"zh_CN": (2, 1), "en": (3, 1)}
    assert {row.name: (row.total, row.sent) for row in report.buildings} == {"A3-一期-2": (2, 1), "A3-一期-3": (3, 1)}
    assert (report.families, report.unreached) == (5, 3)
    for number in sent.numbers.values():
        assert number not in str(told)
    assert await newsroom.recorded("broadcast.report_shown") == [
        ("staff", newsroom.staff[VIEWER], "broadcast", sent.id)
    ]


async def test_the_list_for_the_door_names_nobody(newsroom: Newsroom, sent: Sent) -> None:
    heading, *rows = await table(newsroom, f"/{sent.id}/unreached")
    assert heading == ("协议编号", "房子")
    assert {row[0] for row in rows} == {sent.numbers[name] for name in ("blocked", "doubt", "alone")}
    assert all(len(row) == 2 and row[1].startswith("A3-一期-") for row in rows)
    assert await newsroom.recorded("broadcast.unreached_exported") == [
        ("staff", newsroom.staff[PUBLISHER], "broadcast", sent.id)
    ]
    for chat in (VIEWER, CLERK):
        await newsroom.ask("GET", f"/{sent.id}/unreached", 403, chat=chat)


async def test_sent_once_more_to_those_who_did_not_get_it(newsroom: Newsroom, sent: Sent) -> None:
    headers = {"Idempotency-Key": "once-more-0001"}
    path = f"/{sent.id}/follow-ups"
    again = BroadcastOut.model_validate(await newsroom.ask("POST", path, 201, json={}, headers=headers))
    assert (again.operation, again.of_id, again.state) == ("send", sent.id, "draft")
    assert (await newsroom.ask("POST", path, 200, json={}, headers=headers))["id"] == again.id
    counted = await newsroom.ask("GET", f"/{again.id}/count")
    assert (counted["chats"], counted["agreements"], counted["unreachable"]) == (1, 3, 2)
    await newsroom.step(again.id, "submit")
    await newsroom.step(again.id, "approve", chat=APPROVER)
    async with newsroom.factory.database.transaction() as session:
        now = datetime.now(UTC)
        assert await start(session, again.id, now.date(), now) == 1
    await newsroom.sql(
        "UPDATE deliveries SET state = 'sent', finished_at = now(), message_id = 7 "
        "WHERE chat_id = :c AND broadcast_id = :b",
        c=sent.chats["doubt"],
        b=again.id,
    )
    # Not while it goes out: whoever gets it later would be told twice.
    early = {"Idempotency-Key": "once-more-early"}
    refused = await newsroom.ask("POST", f"/{again.id}/follow-ups", 409, json={}, headers=early)
    assert (refused["code"], refused["details"]["state"]) == ("not_allowed_now", "sending")
    async with newsroom.factory.database.transaction() as session:
        await finish(session, [again.id])
    # The first one's report counts whom the second one reached.
    _, *rows = await table(newsroom, f"/{sent.id}/unreached")
    assert {row[0] for row in rows} == {sent.numbers["blocked"], sent.numbers["alone"]}
    second = await newsroom.ask("GET", f"/{again.id}/report")
    assert second["unreached"] == 2
    third = await newsroom.ask(
        "POST", f"/{again.id}/follow-ups", 201, json={}, headers={"Idempotency-Key": "once-more-0002"}
    )
    assert third["of_id"] == sent.id
    assert [problem["kind"] for problem in third["problems"]] == ["nobody"]
    listed = await newsroom.ask("GET", "", params={"of_id": str(sent.id)})
    assert {broadcast["id"] for broadcast in listed["broadcasts"]} == {again.id, third["id"]}


async def test_what_was_sent_is_corrected_after_approval(newsroom: Newsroom, sent: Sent) -> None:
    for operation in ("edit", "delete"):
        headers = {"Idempotency-Key": f"correct-{operation}"}
        draft = await newsroom.ask(
            "POST", f"/{sent.id}/follow-ups", 201, json={"operation": operation}, headers=headers
        )
        assert (draft["operation"], draft["problems"], draft["needs_approval"]) == (operation, [], True)
        counted = await newsroom.ask("GET", f"/{draft['id']}/count")
        assert (counted["chats"], counted["agreements"], counted["unreachable"]) == (2, 2, 0)
        await newsroom.step(draft["id"], "submit")
        assert (await newsroom.step(draft["id"], "approve", 403))["code"] == "not_allowed"
        await newsroom.step(draft["id"], "approve", chat=APPROVER)
    nothing = await newsroom.create(operation="edit", status=422)
    assert nothing["details"]["fields"][0]["at"] == ["body", "of_id"]
    unsent = await newsroom.draft()
    await newsroom.create(operation="delete", of_id=unsent.id, status=409)
    await newsroom.create(operation="delete", of_id=999, status=404)


async def test_what_is_too_old_is_not_deleted(newsroom: Newsroom, sent: Sent) -> None:
    await newsroom.sql("UPDATE deliveries SET finished_at = finished_at - interval '49 hours'")
    headers = {"Idempotency-Key": "correct-late"}
    draft = await newsroom.ask("POST", f"/{sent.id}/follow-ups", 201, json={"operation": "delete"}, headers=headers)
    assert [problem["kind"] for problem in draft["problems"]] == ["too_old"]
    refused = await newsroom.step(draft["id"], "submit", 409)
    assert refused["code"] == "has_problems"
    headers = {"Idempotency-Key": "correct-late-2"}
    edited = await newsroom.ask("POST", f"/{sent.id}/follow-ups", 201, json={"operation": "edit"}, headers=headers)
    assert edited["problems"] == []


async def test_values_that_are_missing_are_listed(newsroom: Newsroom, factory: Factory) -> None:
    _, paid = await newsroom.family(number="TEST-A")
    await factory.transition_fee(paid)
    await newsroom.family(number="=TEST-B")
    draft = await newsroom.draft(bodies={"zh_CN": {"text": "{home} {paid_up_to}"}, "en": {"text": "{handover}"}})
    heading, *rows = await table(newsroom, f"/{draft.id}/missing", chat=APPROVER)
    assert heading == ("协议编号", "房子", "缺少的内容")
    assert {row[0]: row[2] for row in rows} == {"TEST-A": "交房时间", "'=TEST-B": "交房时间、过渡费已发放至"}
    plain = await newsroom.draft(bodies={"zh_CN": {"text": "您好"}})
    assert len(await table(newsroom, f"/{plain.id}/missing")) == 1
    assert len(await newsroom.recorded("broadcast.missing_exported")) == 2


async def test_what_was_not_sent_has_no_report(newsroom: Newsroom) -> None:
    draft = await newsroom.draft()
    for path in ("report", "unreached"):
        refused = await newsroom.ask("GET", f"/{draft.id}/{path}", 409)
        assert refused["code"] == "not_allowed_now"
    headers = {"Idempotency-Key": "too-early-0001"}
    await newsroom.ask("POST", f"/{draft.id}/follow-ups", 409, json={}, headers=headers)
    await call(newsroom.api, "GET", f"/v1/staff/{CLERK}/broadcasts/{draft.id}/report", 403)


async def test_whom_it_reached_is_not_known_for_ever(newsroom: Newsroom, sent: Sent) -> None:
    """The messages are deleted after a while: then it must not go out to everybody once more."""
    await newsroom.sql("DELETE FROM deliveries")
    headers = {"Idempotency-Key": "much-too-late"}
    draft = await newsroom.ask("POST", f"/{sent.id}/follow-ups", 201, json={}, headers=headers)
    assert [(problem["kind"], problem["found"]) for problem in draft["problems"]] == [
        ("unknown_place", f"broadcast {sent.id}")
    ]
    assert (await newsroom.step(draft["id"], "submit", 409))["code"] == "has_problems"


async def test_another_publisher_sends_it_once_more_with_its_file(newsroom: Newsroom, sent: Sent) -> None:
    """Also where it was itself a broadcast sent once more, with a file of its own."""
    again = await newsroom.ask("POST", f"/{sent.id}/follow-ups", 201, json={}, headers={"Idempotency-Key": "again-01"})
    file = await upload(newsroom.api, PUBLISHER, upload_key="a-file-of-mine", path=f"/v1/staff/{PUBLISHER}/attachments")
    await newsroom.edit(again["id"], attachment_id=file["id"])
    await newsroom.send(again["id"], {})
    third = await newsroom.ask(
        "POST", f"/{again['id']}/follow-ups", 201, chat=BOTH, json={}, headers={"Idempotency-Key": "again-02"}
    )
    assert (third["of_id"], third["content"]["attachment_id"]) == (sent.id, file["id"])
