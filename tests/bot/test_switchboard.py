"""A turn comes to the same handlers, in the same order, whether all are asked or only those that can take it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from telegram import Update

from api.chats.schemas import ChatState, Dialog
from bot.dispatch import CallbackHandler, CommandHandler, Switchboard
from bot.sessions import ChatSession
from bot.turns import Turn, running
from handlers.registry import HANDLERS
from tests.hostile.shapes import callback_data, texts

CHAT = {"id": 11, "type": "private"}
USER = {"id": 11, "is_bot": False, "first_name": "王"}
OFFICE = {"id": 7, "is_bot": True, "first_name": "b", "username": "b"}
BOARD = Switchboard(HANDLERS)
STEPS = sorted(
    {"".join(one._dialog or ()).rstrip(".") for one in HANDLERS if isinstance(one, CallbackHandler | CommandHandler)}
)


def message(**more: Any) -> dict[str, Any]:
    return {"message": {"message_id": 3, "date": 1_700_000_000, "chat": CHAT, "from": USER, **more}}


def tapped(data: str) -> dict[str, Any]:
    below = {"message_id": 2, "date": 1_700_000_000, "chat": CHAT, "from": OFFICE, "text": "?"}
    return {"callback_query": {"id": "1", "from": USER, "chat_instance": "1", "data": data, "message": below}}


photo = {"file_id": "f", "file_unique_id": "u", "width": 9, "height": 9}
replied = {"message_id": 2, "date": 1_700_000_000, "chat": CHAT, "from": OFFICE, "text": "?"}
wires = st.one_of(
    texts.map(lambda text: message(text=text)),
    texts.map(lambda text: message(text=text, reply_to_message=replied)),
    st.just(message(photo=[photo])),
    st.just(message(contact={"phone_number": "19900000000", "first_name": "王"})),
    callback_data().map(tapped),
)


@contextmanager
def turning(update: Update, step: str) -> Iterator[None]:
    dialog = Dialog(id="abcdefghij", name=step, data={}) if step else None
    state = ChatState(chat_id=11, locale="en", linked=True, dialog=dialog, version=1)
    token = running.set(Turn(update, ChatSession(state)))
    try:
        yield
    finally:
        running.reset(token)


@given(wires, st.sampled_from(STEPS))
def test_it_asks_in_the_order_of_the_registry(wire: dict[str, Any], step: str) -> None:
    update = Update.de_json({"update_id": 1, **wire})
    with turning(update, step):
        found = [(one, one.check_update(update)) for one in HANDLERS]
        assert [*BOARD.check_update(update)] == [(one, check) for one, check in found if check not in (None, False)]
        assert any(check not in (None, False) for _, check in found), "somebody always answers"
