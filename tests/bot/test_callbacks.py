"""The codec of callback data: what was written is read back, anything else is None, and 64 bytes are the limit."""

from enum import StrEnum

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.callbacks import MAX_BYTES, Callback, DialogCallback, TooLong, decode
from bot.ui import button


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark:blue"


class Everything(Callback, prefix="t_all"):
    number: int
    text: str
    flag: bool
    colour: Colour
    maybe_number: int | None = None
    maybe_text: str | None = None


class Empty(Callback, prefix="t_empty"):
    pass


class Step(DialogCallback, prefix="t_step"):
    choice: int


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
callbacks = st.builds(
    Everything,
    st.integers(-(2**63), 2**63),
    texts,
    st.booleans(),
    st.sampled_from(Colour),
    st.none() | st.integers(),
    st.none() | texts,
)


@given(callbacks)
def test_what_fits_is_read_back_as_it_was(callback: Everything) -> None:
    try:
        data = callback.encode()
    except TooLong:
        assume(False)
        return
    assert len(data.encode()) <= MAX_BYTES
    assert decode(data) == callback


@given(st.text(max_size=100) | texts.map(lambda rest: f"t_all:{rest}") | callbacks.map(str))
def test_any_text_is_either_exactly_what_is_written_or_nothing(data: str) -> None:
    callback = decode(data)
    assert callback is None or callback.encode() == data


@given(callbacks, st.integers(0, 63), st.characters())
def test_damaged_data_never_reads_as_two_spellings(callback: Everything, place: int, character: str) -> None:
    try:
        data = callback.encode()
    except TooLong:
        assume(False)
        return
    damaged = data[:place] + character + data[place + 1 :]
    read = decode(damaged)
    assert read is None or read.encode() == damaged


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        ":",
        "unknown:1",
        "t_empty:",
        "t_step:abc",
        "t_step:abc:1:2",
        "t_step:abc:",
        "t_step:abc:01",
        "t_step:abc:+1",
        "t_step:abc:-0",
        "t_step:abc: 1",
        "t_step:abc:A",
        "t_step:abc:１",
        "t_step:%:1",
        "t_all:1:x:2:red:%:%",
        "t_all:1:x:1:green:%:%",
        "t_step:" + "9" * 5000,
        "t_step:a%3a:1",
    ],
)
def test_malformed_data_is_nothing(data: str | None) -> None:
    assert decode(data) is None


def test_more_than_64_bytes_is_refused_when_the_button_is_made() -> None:
    fits = Step("x" * (64 - len("t_step::1")), 1)
    assert len(button("…", fits).callback_data or "") == 64  # type: ignore[arg-type]
    with pytest.raises(TooLong):
        button("…", Step(fits.dialog + "x", 1))
    with pytest.raises(TooLong, match="66 bytes"):
        Step("字" * 19, 1).encode()


def test_text_that_has_no_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        Step("\ud800", 1).encode()


def test_a_prefix_belongs_to_one_class() -> None:
    with pytest.raises(TypeError, match="is Step's"):

        class Other(Callback, prefix="t_step"):
            pass


def test_a_prefix_is_short_and_plain() -> None:
    with pytest.raises(TypeError, match="prefix"):

        class Bad(Callback, prefix="With:Colon"):
            pass


def test_a_field_that_no_button_can_carry_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="cannot carry"):

        class Bad(Callback, prefix="t_bad"):
            many: list[int]


def test_dialog_buttons_leave_room_beside_a_dialogs_id() -> None:
    assert Step("0123456789", 1).encode() == "t_step:0123456789:1"
