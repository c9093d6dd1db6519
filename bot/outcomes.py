"""What became of a message that was to be sent, by what Telegram answered or by how the call failed."""

from typing import NamedTuple

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from api.messages.schemas import Outcome
from bot.transport import ConnectionLost, NotConnected, NotUnderstood

TOKEN_PAUSE = 60.0
"""Seconds: without its token the bot can do nothing, and somebody has to give it a new one."""
_NO_SUCH_CHAT = (
    ("chat not found", "chat_not_found"),
    ("user not found", "chat_not_found"),
    ("peer_id_invalid", "chat_not_found"),
    ("deactivated", "deactivated"),
    ("chat was deleted", "deactivated"),
)
"""Of refusals with status 400, those that will not pass for this chat: what they say, and the word for it."""


_NOTHING_TO_DO = ("message is not modified", "message to delete not found")
"""Refusals of an edit or a deletion that say that it is as it should be."""
_TOO_LATE = (
    ("message to edit not found", "message_gone"),
    ("message_id_invalid", "message_gone"),
    ("message can't be edited", "not_editable"),
    ("message can't be deleted", "too_old"),
)
"""Those that say that it cannot be mended any more, and the word for it."""


_NO_MESSAGE = "message to be replied not found"
"""Of a message that speaks of another one, which its reader has deleted."""


class Failure(NamedTuple):
    """``reason`` is a word of our own: what Telegram says may quote the message. ``after``: seconds."""

    outcome: Outcome
    reason: str
    after: float = 0.0


def failure(error: BaseException) -> Failure:
    """How a call that sends a message failed."""
    match error:
        case RetryAfter():
            # It keeps its place: the pause is everybody's.
            return Failure(Outcome.UNSENT, "too_many_requests")
        case Forbidden():
            return Failure(Outcome.GONE, "forbidden")
        case ChatMigrated():
            return Failure(Outcome.GONE, "migrated")
        case BadRequest():
            said = error.message.lower()
            if _NO_MESSAGE in said:
                return Failure(Outcome.FAILED, "message_gone")
            for words, reason in _NO_SUCH_CHAT:
                if words in said:
                    return Failure(Outcome.GONE, reason)
            return Failure(Outcome.FAILED, "bad_request")
        case InvalidToken():
            return Failure(Outcome.UNSENT, "token_refused", TOKEN_PAUSE)
        case NotConnected():
            return Failure(Outcome.RETRY, "not_connected")
        case TimedOut():
            return Failure(Outcome.UNKNOWN, "timed_out")
        case ConnectionLost():
            return Failure(Outcome.UNKNOWN, "connection_lost")
        case NotUnderstood():
            return Failure(Outcome.UNKNOWN, "not_understood")
        case NetworkError() if isinstance(error.__cause__, NotUnderstood):
            # A page of something in between, which may have passed the request on.
            return Failure(Outcome.UNKNOWN, "not_understood")
        case NetworkError():
            # Telegram's own answer, with a status of 500 or above.
            return Failure(Outcome.RETRY, "server_error")
    # An answer that nobody understands, to a request that went out.
    return Failure(Outcome.UNKNOWN, "not_understood")


def correction_failure(error: BaseException) -> Failure | None:
    """How an edit or a deletion of a message failed; None: it is as it should be."""
    if isinstance(error, BadRequest):
        said = error.message.lower()
        if any(words in said for words in _NOTHING_TO_DO):
            return None
        for words, reason in _TOO_LATE:
            if words in said:
                return Failure(Outcome.FAILED, reason)
    return failure(error)


def halt_seconds(halt: RetryAfter) -> float:
    """The pause that Telegram asks for."""
    pause = halt.retry_after
    return float(pause) if isinstance(pause, int | float) else pause.total_seconds()
