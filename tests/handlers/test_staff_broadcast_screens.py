"""What a publisher reads of what happened to a broadcast."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.broadcasts.schemas import BroadcastAction, BroadcastEventOut, BroadcastOut, Operation, Progress, QuietHours
from handlers.staff_broadcast_screens import events, progress, sheet
from locales import translator

zh = translator("zh_CN")


def happened(action: BroadcastAction, minute: int, by: str = "甲", text: str = "") -> BroadcastEventOut:
    return BroadcastEventOut(action=action, happened_at=datetime(2026, 11, 27, 1, minute, tzinfo=UTC), by=by, text=text)


def test_changes_in_a_row_do_not_push_the_reason_off_the_screen() -> None:
    edits = [happened(BroadcastAction.EDIT, minute) for minute in range(10, 20)]
    told = str(
        events(
            [
                happened(BroadcastAction.SUBMIT, 1),
                happened(BroadcastAction.REJECT, 2, by="乙", text="日期写错了"),
                *edits,
                happened(BroadcastAction.EDIT, 30, by="丙"),
            ],
            zh,
        )
    )
    assert "日期写错了" in told
    assert told.count("改了内容") == 2, "one for each person"
    assert "09:19 改了内容" in told, "the last of them"


LONG = "停水通知。" * 100


def page(**values: Any) -> BroadcastOut:
    bodies = values.pop("bodies", {"zh_CN": {"text": f"{LONG}12月6日停水。", "buttons": []}})
    given = {
        "id": 9,
        "operation": Operation.EDIT,
        "of_id": 7,
        "topic": "news",
        "state": "submitted",
        "version": 1,
        "title": "停水通知",
        "starts_at": None,
        "created_at": datetime(2026, 11, 27, tzinfo=UTC),
        "started_at": None,
        "finished_at": None,
        "author": "甲",
        "content": {"bodies": bodies, "fallback": "zh_CN", "topic": "news"},
        "problems": [],
        "before": {
            "zh_CN": {"text": f"<b>{LONG}12月5日停水。</b>", "buttons": [{"label": "旧按钮", "target": "home"}]}
        },
        "progress": None,
        "events": [],
        "allowed": [],
        "quiet_hours": QuietHours(since=22, until=8),
        "needs_approval": True,
    }
    return BroadcastOut.model_validate(given | values)


def test_an_approver_sees_what_a_correction_changes_however_long_the_text_is() -> None:
    told = str(sheet(page(), None, [], zh))
    assert "这是一条更正" in told
    assert told.index("12月6日") < told.index("群发7号里原来写的") < told.index("12月5日") < told.index("旧按钮")
    assert "早上8点以后再提醒收到的人" in told
    assert "夜里不发" not in told
    assert "这是一条更正" not in str(sheet(page(operation=Operation.SEND, of_id=None, before={}), None, [], zh))


def test_a_correction_in_many_languages_stays_on_one_screen() -> None:
    languages = ("zh_CN", "en", "ug", "bo")
    bodies = {locale: {"text": f"{LONG}6{LONG}", "buttons": []} for locale in languages}
    before = {locale: {"text": f"{LONG}5{LONG}", "buttons": []} for locale in languages}
    told = str(sheet(page(bodies=bodies, before=before), None, [], zh))
    assert told.count("里原来写的") == len(languages)
    assert len(told) < 2000


def test_a_language_that_a_correction_adds_has_nothing_before_it() -> None:
    told = str(sheet(page(bodies={"en": {"text": "No water", "buttons": []}}), None, [], zh))
    assert "No water" in told
    assert "原来写的" not in told


@pytest.mark.parametrize(
    ("operation", "words"),
    [(Operation.SEND, "点接着发"), (Operation.EDIT, "消息照改，早上"), (Operation.DELETE, None)],
)
def test_at_night_it_is_said_what_goes_on(operation: Operation, words: str | None) -> None:
    hour = datetime.now(zh.time_zone).hour
    night = QuietHours(since=hour, until=(hour + 2) % 24)
    now = Progress(total=2, sent=1, waiting=1)
    sending = page(
        state="sending", started_at=datetime(2026, 11, 27, tzinfo=UTC), operation=operation, quiet_hours=night
    )
    told = str(progress(sending, now, zh))
    assert words in told if words is not None else "现在是夜里" not in told
