"""What a handler gets: the session, the API, the words of the reader's language, and ways to answer."""

from typing import Any, Self

from telegram import InlineKeyboardMarkup, InputFile, Message
from telegram.error import BadRequest, NetworkError, TelegramError
from telegram.ext import Application, CallbackContext, ExtBot

from api.agreements.schemas import HandoverOut, HomeOut
from api.chats.schemas import ChatWithHandover, ChatWithHomes, ChatWithPayments
from api.money.schemas import PaymentsOut
from bot.backend import Backend
from bot.intake import buttons_of
from bot.sessions import ChatSession
from bot.settings import BotSettings
from bot.transport import call
from bot.turns import Turn, current_turn
from bot.ui import Keyboard, OpenMenuBelow, wire
from locales import Html, Translator, translator

App = Application[ExtBot[None], "Context", dict[Any, Any], dict[Any, Any], dict[Any, Any], None]

_NO_PREVIEW = {"is_disabled": True}
_HARMLESS = (
    "message is not modified",
    "query is too old",
    "query id is invalid",
    "message can't be edited",
    "message to edit not found",
    "message can't be deleted",
    "message to delete not found",
)


def is_harmless(error: BaseException | None) -> bool:
    """Whether Telegram refused something that no longer matters to the person."""
    return isinstance(error, BadRequest) and any(part in error.message.lower() for part in _HARMLESS)


_KEEPS = OpenMenuBelow().encode()


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """Made by PTB for each turn. Texts are Telegram HTML (``locales.Html``)."""

    __slots__ = ("turn", "words")

    turn: Turn
    words: Translator

    @classmethod
    def from_update(cls, update: object, application: Any) -> Self:
        context = super().from_update(update, application)
        context.turn = current_turn()
        context.words = translator(context.turn.session.locale, application.bot_data["settings"].timezone)
        return context

    @property
    def session(self) -> ChatSession:
        return self.turn.session

    @property
    def backend(self) -> Backend:
        backend: Backend = self.application.bot_data["backend"]
        return backend

    @property
    def chat_id(self) -> int:
        return self.turn.session.chat_id

    @property
    def office(self) -> str:
        """Who runs the bot, as it calls itself."""
        settings: BotSettings = self.application.bot_data["settings"]
        return settings.office_name or self.plain("The office of your redevelopment")

    @property
    def payload(self) -> str:
        """What stands behind a command: of ``/start CODE``, ``CODE``. Empty where nothing does."""
        return self.turn.command[1] if self.turn.command else ""

    @property
    def office_contact(self) -> str | None:
        """Where the office is and how it is reached, in its own words."""
        settings: BotSettings = self.application.bot_data["settings"]
        return settings.office_contact

    # What the family may see. Where the handler said that it needs it, it has come with the chat's state.

    async def homes(self) -> list[HomeOut]:
        """Empty: the chat has no live link."""
        if isinstance(self.session.state, ChatWithHomes):
            return self.session.state.homes
        return await self.backend.homes(self.chat_id) if self.session.linked else []

    async def payments(self) -> list[PaymentsOut]:
        """Empty: the chat has no live link."""
        if isinstance(self.session.state, ChatWithPayments):
            return self.session.state.payments
        return await self.backend.payments(self.chat_id) if self.session.linked else []

    async def handovers(self) -> list[HandoverOut]:
        """Empty: the chat has no live link."""
        if isinstance(self.session.state, ChatWithHandover):
            return self.session.state.handover
        return await self.backend.handovers(self.chat_id) if self.session.linked else []

    # Words

    def t(self, msgid: str, /, **values: str | int) -> Html:
        return self.words.t(msgid, **values)

    def n(self, singular: str, plural: str, n: int, /, **values: str | int) -> Html:
        return self.words.n(singular, plural, n, **values)

    def p(self, context: str, msgid: str, /, **values: str | int) -> Html:
        return self.words.p(context, msgid, **values)

    def plain(self, msgid: str, /, **values: str | int) -> str:
        return self.words.plain(msgid, **values)

    def speak(self, locale: str) -> None:
        """Go on in another language, from now on."""
        self.session.locale = locale
        self.words = translator(locale, self.words.time_zone)

    # Answers

    async def reply(
        self, text: str, keyboard: Keyboard | None = None, *, personal: bool = False, to: Message | None = None
    ) -> int:
        """Send a message; gives its number.

        Args:
            text: Telegram HTML, at most 4,096 characters.
            keyboard: of any kind.
            personal: it tells something about the family: Telegram lets nobody forward or save it.
            to: the message that it replies to, which Telegram then shows above it, and brings along with a tap.
        """
        answered = {"message_id": to.message_id, "allow_sending_without_reply": True} if to is not None else None
        sent = await self._call(
            "sendMessage",
            chat_id=self.chat_id,
            text=text,
            parse_mode="HTML",
            reply_markup=wire(keyboard),
            link_preview_options=_NO_PREVIEW,
            protect_content=personal or None,
            reply_parameters=answered,
        )
        number: int = sent["message_id"]
        return number

    async def reply_with_document(
        self, data: bytes, filename: str, caption: str, keyboard: InlineKeyboardMarkup | None = None
    ) -> None:
        """Send a personal document: Telegram lets nobody forward or save it."""
        await self.bot.send_document(
            self.chat_id,
            InputFile(data, filename),
            caption=caption,
            parse_mode="HTML",
            reply_markup=keyboard,
            protect_content=True,
        )

    async def offer_document(
        self, data: bytes, filename: str, caption: str, keyboard: InlineKeyboardMarkup | None = None
    ) -> bool:
        """Like ``reply_with_document``; False where Telegram will not take the file."""
        try:
            await self.reply_with_document(data, filename, caption, keyboard)
        except NetworkError as error:
            # PTB has no name of its own for 413, "Request Entity Too Large".
            said = error.message.lower()
            if "too large" not in said and (not isinstance(error, BadRequest) or "chat not found" in said):
                raise
            return False
        return True

    async def edit_or_reply(
        self, text: str, keyboard: InlineKeyboardMarkup | None = None, *, personal: bool = False
    ) -> None:
        """Put the text where the tapped button was; where that is not possible, send a message.

        A personal answer never replaces a message that is not protected.
        """
        query = self.turn.update.callback_query
        message = query.message if query else None
        if (
            not isinstance(message, Message)
            # A file that was brought stays as it is.
            or message.text is None
            or self.turn.keeps_message
            or any(key.callback_data == _KEEPS for key in buttons_of(message))
            or (personal and not message.has_protected_content)
            or not await self.edit(message.message_id, text, keyboard)
        ):
            await self.reply(text, keyboard, personal=personal)

    async def edit(self, message_id: int, text: str, keyboard: InlineKeyboardMarkup | None = None) -> bool:
        """Change a message of the bot's; False when it is gone or too old."""
        try:
            await self._call(
                "editMessageText",
                chat_id=self.chat_id,
                message_id=message_id,
                text=text,
                parse_mode="HTML",
                reply_markup=wire(keyboard),
                link_preview_options=_NO_PREVIEW,
            )
        except BadRequest as error:
            if not is_harmless(error):
                raise
            return "not modified" in error.message.lower()
        return True

    async def answer(self, text: str | None = None, *, alert: bool = False) -> None:
        """End the waiting sign on the tapped button, once; ``text`` (plain, at most 200 characters) pops up.

        Every tap is answered after its handler, so that a handler calls this only to say something.
        """
        query = self.turn.update.callback_query
        if query is None or self.turn.answered:
            return
        self.turn.answered = True
        await self._call_if_possible(
            "answerCallbackQuery", callback_query_id=query.id, text=text, show_alert=alert or None
        )

    async def remove_buttons(self) -> None:
        """Take the buttons off the tapped message, where that is still possible."""
        query = self.turn.update.callback_query
        if query is not None and isinstance(query.message, Message) and query.message.reply_markup:
            await self._call_if_possible(
                "editMessageReplyMarkup", chat_id=self.chat_id, message_id=query.message.message_id
            )

    async def take_away(self) -> None:
        """Delete the person's message, which bears what should not stay in the chat, or ask them to."""
        message = self.turn.update.message
        if message is None:
            return
        try:
            await self.bot.delete_message(self.chat_id, message.message_id)
        except TelegramError as error:
            if "not found" not in error.message.lower():
                await self.reply(
                    self.t("I could not delete your message. Please delete it yourself, so that nobody reads it.")
                )

    async def _call(self, method: str, **parameters: Any) -> Any:
        return await call(self.bot, method, parameters)

    async def _call_if_possible(self, method: str, **parameters: Any) -> None:
        try:
            await call(self.bot, method, parameters)
        except BadRequest as error:
            if not is_harmless(error):
                raise
