"""How a turn finds its handler: PTB handlers that look at the turn, which was read once, and keep no state.

They are tried in the order of ``handlers/registry.py``, as far as they can take a turn of its kind; the first that
matches runs. All but ``TurnHandler`` match in private chats only.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

from telegram import Message, Update
from telegram.ext import BaseHandler
from telegram.ext.filters import BaseFilter, UpdateFilter

from api.chats.schemas import Facts
from bot.callbacks import Callback, DialogCallback
from bot.context import Context
from bot.drafts import remind_of_draft
from bot.trails import current_trail
from bot.turns import Turn, current_turn

Tap = TypeVar("Tap", bound=Callback)
Found = TypeVar("Found")
Handler = Callable[[Update, Context], Coroutine[Any, Any, None]]


class InDialog(UpdateFilter):
    """The conversation stands at this step: ``InDialog("complaint.text")``, or at any step of ``complaint``."""

    __slots__ = ("_name", "_prefix")

    def __init__(self, name: str) -> None:
        super().__init__(name=f"InDialog({name})")
        self._name = name
        self._prefix = f"{name}."

    def filter(self, update: Update) -> bool:
        return _stands_at(current_turn(), self._name, self._prefix)


def called(function: Callable[..., Any]) -> str:
    """The name under which turns that come to it are counted: ``handover.show``."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__.strip('_')}"


class _Counted(BaseHandler[Update, Context, None]):
    """Says in the trail of the turn which function it came to."""

    __slots__ = ("_called",)

    def __init__(self, callback: Any) -> None:
        super().__init__(callback)
        self._called = called(callback)

    async def handle_update(self, update: Update, application: Any, check_result: Any, context: Context) -> None:
        await self.take(update, context, check_result)

    async def take(self, update: Update, context: Context, found: Any) -> bool:
        """Whether it was this handler's after all."""
        current_trail().handler = self._called
        await self.handle(update, context, found)
        return True

    async def handle(self, update: Update, context: Context, found: Any) -> None:
        await self.callback(update, context)


def _stands_at(turn: Turn, name: str, prefix: str) -> bool:
    dialog = turn.session.dialog
    return dialog is not None and (dialog.name == name or dialog.name.startswith(prefix))


class TurnHandler(_Counted):
    """Takes every turn of which ``when`` is true."""

    __slots__ = ("_when",)

    def __init__(self, when: Callable[[Turn], bool], callback: Handler) -> None:
        super().__init__(callback)
        self._when = when

    def check_update(self, update: object) -> bool:
        return self._when(current_turn())

    async def handle(self, update: Update, context: Context, found: Any) -> None:
        await self.callback(update, context)
        await context.answer()


class CommandHandler(_Counted):
    """A command. After it the person is reminded of the draft that it interrupted.

    Args:
        name: without the slash.
        callback: ``async def show(update, ctx)``; ``ctx.payload`` is what stands behind the command.
        dialog: match only at this step (or any step of this conversation), as ``InDialog``; by default in every state.
        reminds: False for a command that deals with the draft itself.
        needs: facts that it is sure to ask for: they come with the chat's state.
    """

    __slots__ = ("_dialog", "_reminds", "name", "needs")

    def __init__(
        self,
        name: str,
        callback: Handler,
        *,
        dialog: str | None = None,
        reminds: bool = True,
        needs: Facts | None = None,
    ) -> None:
        super().__init__(callback)
        self.name = name
        self.needs = needs
        self._dialog = (dialog, f"{dialog}.") if dialog is not None else None
        self._reminds = reminds

    def check_update(self, update: object) -> bool:
        turn = current_turn()
        if turn.command is None or turn.command[0] != self.name or not turn.private:
            return False
        return self._dialog is None or _stands_at(turn, *self._dialog)

    async def handle(self, update: Update, context: Context, found: Any) -> None:
        draft = context.session.dialog
        await self.callback(update, context)
        if self._reminds and draft is not None:
            await remind_of_draft(context, draft)


class CallbackHandler(_Counted):
    """A tap on a button that carries ``kind``. The tap is answered after the callback.

    A button of a conversation (``DialogCallback``) matches only while that very conversation is going on; an older
    one falls through to the handlers behind.

    Args:
        kind: the class of what the button carries.
        callback: ``async def open_ledger(update, ctx, tap)``; ``tap`` is a ``kind``.
        dialog: match only at this step (or any step of this conversation), as ``InDialog``.
        reminds: whether the person is reminded of a draft that this interrupted, as after a command.
        any_dialog: match buttons of earlier conversations as well.
        needs: facts that it is sure to ask for: they come with the chat's state.
    """

    __slots__ = ("_any_dialog", "_dialog", "_reminds", "kind", "needs")

    def __init__(
        self,
        kind: type[Tap],
        callback: Callable[[Update, Context, Tap], Coroutine[Any, Any, None]],
        *,
        dialog: str | None = None,
        reminds: bool = False,
        any_dialog: bool = False,
        needs: Facts | None = None,
    ) -> None:
        super().__init__(callback)
        self.kind = kind
        self.needs = needs
        self._dialog = (dialog, f"{dialog}.") if dialog is not None else None
        self._reminds = reminds
        self._any_dialog = any_dialog or not issubclass(kind, DialogCallback)

    def check_update(self, update: object) -> Callback | None:
        turn = current_turn()
        tap = turn.tap
        if type(tap) is not self.kind or not turn.private:
            return None
        if self._dialog is not None and not _stands_at(turn, *self._dialog):
            return None
        if not self._any_dialog:
            dialog = turn.session.dialog
            if dialog is None or not isinstance(tap, DialogCallback) or tap.dialog != dialog.id:
                return None
        return tap

    async def handle(self, update: Update, context: Context, found: Any) -> None:
        draft = context.session.dialog
        await self.callback(update, context, found)  # type: ignore[call-arg]
        await context.answer()
        if self._reminds and draft is not None:
            await remind_of_draft(context, draft)


class MessageHandler(_Counted):
    """A message that is no command: ``MessageHandler(InDialog("complaint.text") & filters.TEXT, on_text)``."""

    __slots__ = ("_filter",)

    def __init__(self, what: BaseFilter, callback: Handler) -> None:
        super().__init__(callback)
        self._filter = what

    def check_update(self, update: object) -> bool:
        turn = current_turn()
        if turn.command is not None or turn.update.message is None or not turn.private:
            return False
        return bool(self._filter.check_update(turn.update))


class ReplyHandler(_Counted):
    """A message that replies to one of the bot's, where that was about a thing which has to be looked up. What is about
    none goes on to the handlers behind, as if this one were not there.

    Args:
        find: what the message is about that was replied to; None: nothing of this handler's.
        callback: ``async def on_reply(update, ctx, found)``.
    """

    __slots__ = ("_find",)

    def __init__(
        self,
        find: Callable[[Context, Message], Coroutine[Any, Any, Found | None]],
        callback: Callable[[Update, Context, Found], Coroutine[Any, Any, None]],
    ) -> None:
        super().__init__(callback)
        self._find: Any = find

    def check_update(self, update: object) -> Message | None:
        turn = current_turn()
        message = turn.update.message
        if message is None or turn.command is not None or not turn.private:
            return None
        answered = message.reply_to_message
        is_ours = answered is not None and answered.from_user is not None and answered.from_user.is_bot
        return answered if is_ours else None

    async def take(self, update: Update, context: Context, found: Message) -> bool:
        about = await self._find(context, found)
        if about is None:
            return False
        current_trail().handler = self._called
        await self.callback(update, context, about)  # type: ignore[call-arg]
        return True


class Switchboard(BaseHandler[Update, Context, None]):
    """Hands a turn to the first of many handlers that takes it.

    It asks only those that can take a turn of its kind. PTB asks all that there are, which are hundreds: a twentieth of
    the time that a turn takes.
    """

    __slots__ = ("_by_kind", "_of_every_kind")

    def __init__(self, handlers: Sequence[Any]) -> None:
        """
        Args:
            handlers: of this module, in the order in which they are asked.
        """
        super().__init__(cast(Any, None))
        self._of_every_kind: list[_Counted] = []
        self._by_kind: dict[str | type[Any], list[_Counted]] = {}
        for handler in handlers:
            if isinstance(handler, TurnHandler):
                for those in self._by_kind.values():
                    those.append(handler)
                self._of_every_kind.append(handler)
            else:
                kind = _kind_taken(handler)
                # A kind that is new here starts with what takes every turn and stands before it.
                self._by_kind.setdefault(kind, [*self._of_every_kind]).append(handler)

    def check_update(self, update: object) -> Iterator[tuple[_Counted, Any]]:
        """Those that take it, each with what it found."""
        for handler in self._by_kind.get(_kind(current_turn()), self._of_every_kind):
            found = handler.check_update(update)
            if found is not None and found is not False:
                yield handler, found

    async def handle_update(self, update: Update, application: Any, check_result: Any, context: Context) -> None:
        for handler, found in check_result:
            if await handler.take(update, context, found):
                return


def _kind(turn: Turn) -> str | type[Any]:
    """The name of a command; what a button carries; nothing for all else."""
    if turn.command is not None:
        return turn.command[0]
    return "" if turn.update.callback_query is None else type(turn.tap)


def _kind_taken(handler: Any) -> str | type[Any]:
    if isinstance(handler, CommandHandler):
        return handler.name
    return handler.kind if isinstance(handler, CallbackHandler) else ""


def needs(handlers: Iterable[BaseHandler[Any, Any, Any]]) -> dict[str | type[Callback], Facts]:
    """What commands (by name) and taps (by kind) are sure to ask the API for."""
    return {
        handler.name if isinstance(handler, CommandHandler) else handler.kind: handler.needs
        for handler in handlers
        if isinstance(handler, CommandHandler | CallbackHandler) and handler.needs is not None
    }
