"""Whether an update is what the Bot API says, as far as it is read here.

python-telegram-bot takes over what JSON holds without a look at its types: a text may be a number, a chat's id a text
that then stands in an address of the API. What is let through here can be used as its type hints say.
"""

from collections.abc import Iterable
from typing import Any

from telegram import (
    Chat,
    Contact,
    Document,
    InlineKeyboardButton,
    Location,
    MaybeInaccessibleMessage,
    Message,
    PhotoSize,
    Update,
    User,
)

IDS = 2**52
"""No person, chat, message or update has this id or a higher one: Telegram's have at most 52 bits."""

_CHATS = frozenset({Chat.PRIVATE, Chat.GROUP, Chat.SUPERGROUP, Chat.CHANNEL})


def is_sound(update: Update) -> bool:
    """Looks at messages and taps only; the other kinds are not read. An update is never two kinds at once."""
    message, query = update.message, update.callback_query
    if not _is_id(update.update_id) or update.update_id < 0:
        return False
    if query is None:
        return message is None or _is_message(message)
    return (
        message is None
        and type(query.id) is str
        and _is_text(query.data)
        and _is_sender(query.from_user)
        and _is_shown(query.message)
    )


def _is_text(value: Any) -> bool:
    return value is None or type(value) is str


def _is_id(value: Any) -> bool:
    # True and False are numbers to isinstance().
    return type(value) is int and -IDS < value < IDS


def _is_number(message_id: Any) -> bool:
    return _is_id(message_id) and message_id > 0


def _is_chat(chat: Any) -> bool:
    if not isinstance(chat, Chat) or not isinstance(chat.type, str) or chat.type not in _CHATS:
        return False
    return _is_id(chat.id) and (chat.type != Chat.PRIVATE or chat.id > 0)


def _is_sender(user: Any) -> bool:
    return user is None or (isinstance(user, User) and _is_id(user.id) and _is_text(user.language_code))


def _is_shown(message: Any) -> bool:
    """The message that a tapped button stands under, which may be gone; none at all under an inline result."""
    if message is None:
        return True
    return isinstance(message, MaybeInaccessibleMessage) and _is_number(message.message_id) and _is_chat(message.chat)


def _is_message(message: Message) -> bool:
    return (
        _is_shown(message)
        and _is_sender(message.from_user)
        and _is_text(message.text)
        and _is_text(message.caption)
        and _is_text(message.media_group_id)
        and all(isinstance(photo, PhotoSize) and _is_file(photo) for photo in message.photo)
        and _is_document(message.document)
        and _is_contact(message.contact)
        and _is_location(message.location)
        and _is_answered(message.reply_to_message)
    )


def _is_answered(message: Any) -> bool:
    """The message that this one replies to: who wrote it, its number and its buttons are looked at."""
    if message is None:
        return True
    return (
        isinstance(message, Message)
        and _is_shown(message)
        and _is_sender(message.from_user)
        and all(_is_text(button.callback_data) for button in buttons_of(message))
    )


def buttons_of(message: Message) -> Iterable[InlineKeyboardButton]:
    """The inline buttons below a message."""
    return (button for row in message.reply_markup.inline_keyboard for button in row) if message.reply_markup else ()


def _is_file(file: PhotoSize | Document) -> bool:
    size = file.file_size
    return (
        type(file.file_id) is str
        and type(file.file_unique_id) is str
        and (size is None or (type(size) is int and size >= 0))
    )


def _is_document(document: Any) -> bool:
    if document is None:
        return True
    return (
        isinstance(document, Document)
        and _is_file(document)
        and _is_text(document.file_name)
        and _is_text(document.mime_type)
    )


def _is_contact(contact: Any) -> bool:
    if contact is None:
        return True
    return (
        isinstance(contact, Contact)
        and type(contact.phone_number) is str
        and (contact.user_id is None or _is_id(contact.user_id))
    )


def _is_location(location: Any) -> bool:
    if location is None:
        return True
    return isinstance(location, Location) and _is_degree(location.latitude, 90) and _is_degree(location.longitude, 180)


def _is_degree(value: Any, limit: int) -> bool:
    return type(value) in (int, float) and abs(value) <= limit
