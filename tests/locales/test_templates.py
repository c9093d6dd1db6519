"""Texts of the office with placeholders: what is wrong is found, with its place; what passes, Telegram takes."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.entities import utf16_length
from bot.playground.formatting import format_text
from locales import Html
from locales.templates import Flaw, FlawKind, check, cut, fill, length, parted, plain, used

LONGEST = {"name": 40, "home": 120, "news": 600}
LIMIT = 4_096


def flaws(text: str, limit: int = LIMIT) -> list[Flaw]:
    return check(text, known=LONGEST, longest=LONGEST, limit=limit)


def slip(text: str) -> tuple[FlawKind, int, int, str]:
    """The only thing that is wrong."""
    (flaw,) = flaws(text)
    return flaw.kind, flaw.line, flaw.column, flaw.found


# --- filling in ---


def test_values_are_filled_in_and_escaped_once() -> None:
    text = "<b>{name}</b>：{home} &amp; {{x}}"
    assert used(text) == {"name", "home"}
    filled = fill(text, {"name": "A<B & C", "home": Html("<i>5</i>")})
    assert filled == "<b>A&lt;B &amp; C</b>：<i>5</i> &amp; {x}"
    assert type(filled) is Html


@pytest.mark.parametrize("written", ["{name}", "{Name}", "{ name }", "{\u3000NAME }", "{{{name}}}"])
def test_a_placeholder_may_be_written_as_a_phone_writes_it(written: str) -> None:
    assert used(written) == {"name"}
    assert flaws(written) == []
    assert "张*" in fill(written, {"name": "张*"})


def test_a_value_is_not_looked_at_again() -> None:
    assert fill("{name}", {"name": "{home}", "home": "no"}) == "{home}"


def test_what_has_no_value_stays_as_it_is_written() -> None:
    assert fill("{name}, {house}, {", {"home": "no"}) == "{name}, {house}, {"


def test_nothing_is_filled_in_inside_a_tag() -> None:
    text = '<a href="https://x.example/{name}">x</a>'
    assert used(text) == set()
    assert fill(text, {"name": "张*"}) == text
    assert slip(text)[0] is FlawKind.BROKEN_HTML


def test_plain_is_what_is_read() -> None:
    assert plain("<b>1 &lt; 2</b> {{a}} {home} &#x27;\n") == "1 < 2 {a} {home} '"


# --- what is wrong, and where ---


@pytest.mark.parametrize("text", ["", " \n\t", "<b></b>", "<b> \u200b</b>\u3000", "&#32;"])
def test_what_shows_nothing_is_empty(text: str) -> None:
    assert slip(text) == (FlawKind.EMPTY, 1, 1, "")


@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        ("{house}", 1, 1, "{house}"),
        ("您好\n家：{姓名}", 2, 3, "{姓名}"),
        ("a }", 1, 3, "}"),
        ("{name\n}x"[:5], 1, 1, "{"),
        ("{{name}", 1, 7, "}"),
        ("😀 {}", 1, 3, "{}"),
        ("家：｛home｝", 1, 3, "｛home｝"),
    ],
)
def test_unknown_placeholders(text: str, line: int, column: int, found: str) -> None:
    assert slip(text) == (FlawKind.UNKNOWN_PLACEHOLDER, line, column, found)


@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        ("<b>never closed", 1, 1, "<b>"),
        ("x\n\n y</b>", 3, 3, "</b>"),
        ("<b><i>x</b>", 1, 8, "</b>"),
        ("<p>x</p>", 1, 1, "<p>"),
        ("1 < 2", 1, 3, "<"),
        ("x <b", 1, 3, "<b"),
        ("<br/>x", 1, 1, "<br/>"),
        ("<a>x</a>", 1, 1, "<a>"),
        ('<a href="nowhere">x</a>', 1, 1, '<a href="nowhere">'),
        ('<span class="red">x</span>', 1, 1, '<span class="red">'),
        ("a&nbsp;b", 1, 2, "&nbsp;"),
        ("a&LT;b", 1, 2, "&LT;"),
        ("<!-- x -->y", 1, 1, "<!-- x -->"),
    ],
)
def test_broken_html(text: str, line: int, column: int, found: str) -> None:
    assert slip(text) == (FlawKind.BROKEN_HTML, line, column, found)


@pytest.mark.parametrize(
    "text",
    [
        "<B>x</B>",
        "<b >x</b >",
        '<a href="https://x.example/?a=1&amp;b=2">x</a>',
        "<a href='tel:110'>x</a>",
        '<span class="tg-spoiler">x</span>',
        '<pre><code class="language-python">x</code></pre>',
        "<blockquote expandable>x</blockquote>",
        '<tg-emoji emoji-id="5368324170671202286">👍</tg-emoji>',
        "AT&T, R&D; 1 > 0 &quot;&#39;&#x27;",
        "{{}} ｛x｝",
    ],
)
def test_what_telegram_takes_is_not_complained_about(text: str) -> None:
    assert flaws(text) == []
    format_text(text, "HTML", None)


def test_too_long_counts_the_longest_values_and_no_markup() -> None:
    text = "<b>" + "字" * 10 + "</b>\n{name}x"
    assert flaws(text, limit=52) == []
    (flaw,) = flaws(text, limit=51)
    assert flaw == Flaw(FlawKind.TOO_LONG, 2, 7, "52")
    assert flaws(text, limit=50)[0].column == 1, "the placeholder does not fit any more"
    assert flaws(text, limit=6)[0] == Flaw(FlawKind.TOO_LONG, 1, 10, "52")
    assert flaws("{name}{name}", limit=79)[0].found == "80"


def test_emoji_count_as_telegram_counts_them() -> None:
    assert flaws("😀" * 5, limit=10) == []
    assert flaws("😀" * 5 + "a", limit=10) == [Flaw(FlawKind.TOO_LONG, 1, 6, "11")]


def test_all_that_is_wrong_is_told_in_order() -> None:
    found = flaws("<b>{house}\n{name}<p>", limit=10)
    assert [(flaw.kind.value, flaw.line, flaw.column) for flaw in found] == [
        ("broken_html", 1, 1),
        ("unknown_placeholder", 1, 4),
        ("too_long", 2, 1),
        ("broken_html", 2, 7),
    ]


# --- values that are too long ---


def test_a_long_value_is_cut() -> None:
    assert cut("短", 2) == "短"
    assert cut("一二三四", 3) == "一二…"
    assert cut("a<b", 3) == "a&lt;b"
    assert cut("a<bc", 3) == "a&lt;…"
    assert cut("😀😀", 3) == "😀…"
    assert cut(Html("<b>一二<i>三四五</i></b>"), 4) == "<b>一二<i>三…</i></b>"
    assert cut(Html("{{x}}"), 4) == "{{x…", "a value has no placeholders"


# --- whatever is written ---

PIECES = st.sampled_from(
    [
        *("{name}", "{home}", "{news}", "{x}", "{{", "}}", "{", "}", "<b>", "</b>", "<i>", "</i>", "<", ">", "&"),
        *("&amp;", "&#x41;", "&nbsp;", "<br/>", '<a href="https://x.example">', "</a>", "<pre>", "</pre>", "<code>"),
        *("</code>", "\n", "\r\n", " ", "😀", "字", '"', "'", "=", "｛name｝", "\0", "\ud800"),
        *("<span class=tg-spoiler>", "</span>"),
    ]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES | st.text(max_size=4), max_size=25).map("".join))
VALUES: st.SearchStrategy[Mapping[str, str]] = st.fixed_dictionaries(
    {
        name: st.text(min_size=1, max_size=longest + 9).map(lambda value: f"x{value}")
        for name, longest in LONGEST.items()
    }
)


@given(text=TEXTS, values=VALUES, limit=st.integers(min_value=1, max_value=1_000))
def test_what_passes_telegram_takes_whatever_is_filled_in(text: str, values: Mapping[str, str], limit: int) -> None:
    found = flaws(text, limit)
    filled = fill(text, {name: cut(value, LONGEST[name]) for name, value in values.items()})
    plain(text)
    for flaw in found:
        lines = text.split("\n")
        assert lines[flaw.line - 1][flaw.column - 1 :].startswith(flaw.found[:1]) or flaw.kind is FlawKind.TOO_LONG
    if not found:
        shown, _ = format_text(filled.encode(errors="replace").decode(), "HTML", None)
        assert 0 < utf16_length(shown) <= limit


@given(value=st.text(max_size=50), longest=st.integers(min_value=1, max_value=60))
def test_a_value_that_is_cut_fits_and_is_valid(value: str, longest: int) -> None:
    assert length(plain(cut(value, longest).replace("{", "(").replace("}", ")"))) <= longest


# --- what two texts have not in common ---


def test_two_texts_are_shown_from_a_little_before_where_they_differ() -> None:
    assert parted("<b>5日</b>停水", "6日停水") == ("5日停水", "6日停水")
    assert parted("停水", "停水") == ("停水", "停水")
    alike = "".join(chr(0x4E00 + number) for number in range(100))
    assert parted(f"{alike}5日", f"{alike}6日") == (f"…{alike[60:]}5日", f"…{alike[60:]}6日")
    assert parted(alike, f"{alike}。") == (f"…{alike[60:]}", f"…{alike[60:]}。")
    assert parted("", alike) == ("", alike)
