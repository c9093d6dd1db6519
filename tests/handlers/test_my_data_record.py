"""The words of /mydata about the system's own record."""

from datetime import UTC, datetime

from api.rights.schemas import KeptDays, View
from handlers import my_data_record
from locales import translator

zh = translator("zh_CN")


def seen(action: str, day: int, times: int = 1, role: str = "case_officer") -> View:
    at = datetime(2026, 11, day, 4, tzinfo=UTC)
    return View(who="staff", roles=[role], action=action, times=times, first_at=at, last_at=at)


def test_what_has_the_same_words_is_told_once() -> None:
    views = [
        seen("case.accepted", 20),
        seen("case.answered", 22),
        seen("case.shown", 21, times=3),
        seen("case.registered", 19),
        seen("case.registered", 18, role="clerk"),
    ]
    _, *told = [str(line) for line in my_data_record.views(views, zh)]
    assert told == [
        "<b>工作专班</b>（接访）办理过\n3次，最近一次是2026年11月22日",
        "<b>工作专班</b>（接访）看过投诉\n3次，最近一次是2026年11月21日",
        "<b>工作专班</b>（台账）办理过\n1次，最近一次是2026年11月18日",
    ]


def test_nobody_looked() -> None:
    assert "没有" in str(my_data_record.views([], zh)[-1])


def test_whole_years_are_told_as_years() -> None:
    days = KeptDays(
        drafts=30, files=30, attempts=30, codes=30, links=365, requests=180, deliveries=90, consents=1095, chats=400
    )
    told = str(my_data_record.kept_days(days, zh)[0])
    assert "同意记录：3年" in told
    assert "不看以后：1年" in told
    assert "400天" in told
    assert "30天" in told
