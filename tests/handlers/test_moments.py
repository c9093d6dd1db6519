"""Days and times as people type them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.moments import parse_moment

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""A Thursday."""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("明天上午9点半", "2026-11-27 09:30"),
        ("明早八点", "2026-11-27 08:00"),
        ("后天下午3点", "2026-11-28 15:00"),
        ("大后天 10:15", "2026-11-29 10:15"),
        ("今晚7点", "2026-11-26 19:00"),
        ("今天下午四点一刻", "2026-11-26 16:15"),
        ("11月28日 15:00", "2026-11-28 15:00"),
        ("十一月二十八号下午三点二十分", "2026-11-28 15:20"),
        ("1月3日9点", "2027-01-03 09:00"),
        ("28号 9点", "2026-11-28 09:00"),
        ("3号 9点", "2026-12-03 09:00"),
        ("2026-12-01 08:30", "2026-12-01 08:30"),
        ("2026年12月1日8时30分", "2026-12-01 08:30"),
        ("２０２６．１２．１　８：３０", "2026-12-01 08:30"),
        ("12/1 8:30", "2026-12-01 08:30"),
        ("周五10点", "2026-11-27 10:00"),
        ("下周一上午十点", "2026-11-30 10:00"),
        ("星期天中午", "2026-11-29 12:00"),
        ("周一 9:00", "2026-11-30 09:00"),
        ("15:00", "2026-11-26 15:00"),
        ("9:00", "2026-11-27 09:00"),
        ("十点", "2026-11-27 10:00"),
        ("2小时后", "2026-11-26 14:00"),
        ("半夜", None),
        ("tomorrow 9am", "2026-11-27 09:00"),
        ("Tomorrow at 9:30 pm", "2026-11-27 21:30"),
        ("28 Nov 9:30", "2026-11-28 09:30"),
        ("Nov 28, 2026 at 3 pm", "2026-11-28 15:00"),
        ("November 28 15:00", "2026-11-28 15:00"),
        ("friday noon", "2026-11-27 12:00"),
        ("tonight 8:00", "2026-11-26 20:00"),
        ("in 30 minutes", "2026-11-26 12:30"),
        ("明天", None),
        ("早一点", None),
        ("2026-02-30 9:00", None),
        ("25:00", None),
        ("明天9点70分", None),
        ("", None),
    ],
)
def test_as_people_type_it(text: str, meant: str | None) -> None:
    found = parse_moment(text, NOW)
    assert (None if found is None else found.strftime("%Y-%m-%d %H:%M")) == meant


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(list("今明后天周上下午晚点半分刻:：/-月日号0129十二三 apm")), max_size=15).map("".join)
)
def test_whatever_is_typed_raises_nothing(text: str) -> None:
    found = parse_moment(text, NOW)
    assert found is None or found.tzinfo is not None
