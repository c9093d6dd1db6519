"""What a publisher reads of what happened to a broadcast."""

from datetime import UTC, datetime

from api.broadcasts.schemas import BroadcastAction, BroadcastEventOut
from handlers.staff_broadcast_screens import events
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
