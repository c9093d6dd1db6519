"""People with a phone, acting through the playground's user side: they write, tap, share, and read what comes."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, TypeVar

import aiohttp

Found = TypeVar("Found")

PATIENCE = 30.0
"""Seconds a person waits for an answer before the test fails, also on a machine that is busy; an answer is noticed the
moment it comes."""


class Disappointed(AssertionError):
    """What was expected did not come; the text shows the whole chat."""


@dataclass(frozen=True)
class Message:
    """One bubble of the chat, as its owner sees it."""

    wire: dict[str, Any]

    @property
    def id(self) -> int:
        return int(self.wire["message_id"])

    @property
    def mine(self) -> bool:
        return bool(self.wire["mine"])

    @property
    def event(self) -> int:
        """Grows with every message and every edit of the whole playground."""
        return int(self.wire["event"])

    @property
    def text(self) -> str:
        return str(self.wire.get("text") or self.wire.get("caption") or "")

    @property
    def protected(self) -> bool:
        return bool(self.wire.get("has_protected_content"))

    @property
    def inline(self) -> list[dict[str, Any]]:
        """Inline buttons, row by row."""
        rows = (self.wire.get("reply_markup") or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    @property
    def buttons(self) -> list[str]:
        return [str(button["text"]) for button in self.inline]

    def __str__(self) -> str:
        kinds = ("photo", "document", "location", "contact", "sticker", "voice")
        content = self.text or next((f"<{kind}>" for kind in kinds if kind in self.wire), "<?>")
        lines = [f"{'→' if self.mine else '←'} #{self.id}{' (edited)' if self.wire.get('edited') else ''} {content}"]
        rows = (self.wire.get("reply_markup") or {}).get("inline_keyboard", [])
        lines += ["    " + " ".join(f"[{button['text']}]" for button in row) for row in rows]
        return "\n".join(lines)


@dataclass
class Person:
    """Acts and reads over HTTP like the chat page does.

    ``expect`` looks only at what came, or was edited, since this person last did something.
    """

    client: aiohttp.ClientSession
    id: int
    name: str
    phone: str
    messages: dict[int, Message] = field(default_factory=dict)
    _event: int = 0
    _acted_at: int = 0

    @classmethod
    async def arrive(
        cls,
        client: aiohttp.ClientSession,
        name: str,
        *,
        phone: str | None = None,
        language: str = "zh-hans",
        user_id: int | None = None,
    ) -> "Person":
        wanted = {"first_name": name, "phone": phone, "language_code": language, "id": user_id}
        async with client.post("/play/users", json={k: v for k, v in wanted.items() if v is not None}) as response:
            response.raise_for_status()
            card = await response.json()
        return cls(client, card["id"], name, card["phone"])

    # What a person does

    async def send(self, text: str) -> None:
        await self._act("messages", json={"text": text})

    async def reply(self, message: Message, text: str) -> None:
        """Answers one message, as apps let one do by swiping it."""
        await self._act("messages", json={"text": text, "reply_to": message.id})

    async def edit(self, message: Message, text: str) -> None:
        await self._act("edits", json={"message_id": message.id, "text": text})

    async def share_contact(self) -> None:
        """Presses the button that shares one's own number."""
        await self._act("contact", json={})

    async def send_contact_card(self, phone: str, *, user_id: int | None = None, first_name: str = "联系人") -> None:
        """A card out of the address book: somebody else's, or one's own typed in."""
        card = {"phone_number": phone, "first_name": first_name}
        await self._act("contact", json=card if user_id is None else {**card, "user_id": user_id})

    async def send_photo(self, *photos: bytes, caption: str | None = None, reply_to: Message | None = None) -> None:
        """Several photos go as an album."""
        await self._send_files("photo", [("photo.png", "image/png", data) for data in photos], caption, reply_to)

    async def send_document(
        self,
        data: bytes,
        *,
        filename: str = "file.pdf",
        media_type: str = "application/pdf",
        caption: str | None = None,
    ) -> None:
        await self._send_files("document", [(filename, media_type, data)], caption)

    async def send_location(self, latitude: float = 30.5, longitude: float = 114.3) -> None:
        await self._act("location", json={"latitude": latitude, "longitude": longitude})

    async def sticker(self) -> None:
        await self._act("sticker", json={})

    async def voice(self) -> None:
        await self._act("voice", json={})

    async def tap(self, button: str, *, on: Message | None = None) -> None:
        """Taps the inline button with this text (or, where no text equals it, containing it) on the newest message that
        has one, and waits until the bot has done what it does."""
        message, found = await self.find_button(button, on=on)
        query = await self.tap_data(message.id, str(found["callback_data"]))
        async with self.client.get(f"/play/users/{self.id}/taps/{query}", params={"wait": str(PATIENCE)}) as response:
            if not (await response.json())["answered"]:
                raise Disappointed(f"{self.name} tapped {button!r} in vain.\nThe chat:\n{self.transcript()}")

    async def find_button(self, button: str, *, on: Message | None = None) -> tuple[Message, dict[str, Any]]:
        def look() -> tuple[Message, dict[str, Any]] | None:
            where = [self.messages[on.id]] if on else self._newest_first()
            for exact in (True, False):
                for message in where:
                    for candidate in message.inline:
                        if candidate["text"] == button if exact else button in candidate["text"]:
                            return message, candidate
            return None

        return await self._until(look, f"a button {button!r}")

    async def tap_data(self, message_id: int, data: str) -> str:
        """Sends what a button would send, also one that is gone or never was; gives the id of the tap at once."""
        sent = await self._act("taps", json={"message_id": message_id, "data": data})
        return str(sent["callback_query_id"])

    async def press(self, button: str) -> None:
        """Presses a button of the reply keyboard, which sends its text (or one's own contact)."""

        async def look() -> dict[str, Any] | None:
            for row in (await self.keyboard()) or []:
                for candidate in row:
                    if button in candidate["text"]:
                        return dict(candidate)
            return None

        found = await look()
        until = asyncio.get_running_loop().time() + PATIENCE
        while found is None:
            if asyncio.get_running_loop().time() > until:
                raise Disappointed(f"{self.name} finds no key {button!r}.\nThe chat:\n{self.transcript()}")
            await self.refresh(wait=1)
            found = await look()
        await (self.share_contact() if found.get("request_contact") else self.send(found["text"]))

    async def keyboard(self) -> list[list[dict[str, Any]]] | None:
        """Rows of the reply keyboard on the screen."""
        async with self.client.get(f"/play/users/{self.id}") as response:
            response.raise_for_status()
            markup = (await response.json())["keyboard"]
        return markup["keyboard"] if markup else None

    async def block(self) -> None:
        await self._act("block", json={})

    async def unblock(self) -> None:
        await self._act("unblock", json={})

    # What a person sees

    async def expect(self, *parts: str) -> Message:
        """The newest message of the bot, of those since one's last act, that contains every part."""

        def look() -> Message | None:
            for message in self._newest_first():
                if message.event > self._acted_at and not message.mine and all(part in message.text for part in parts):
                    return message
            return None

        return await self._until(look, f"a message with {' and '.join(map(repr, parts))}")

    async def expect_any(self) -> Message:
        """Any answer at all since one's last act."""
        return await self.expect("")

    async def expect_button(self, button: str) -> Message:
        """The newest message, of those since one's last act, that bears this inline button."""

        def look() -> Message | None:
            for message in self._newest_first():
                if message.event > self._acted_at and any(button in text for text in message.buttons):
                    return message
            return None

        return await self._until(look, f"a message with the button {button!r}")

    async def expect_deleted(self, text: str) -> None:
        """One's own message with this text disappears from the chat."""

        def gone() -> bool | None:
            return None if any(m.mine and text in m.text for m in self.messages.values()) else True

        await self._until(gone, f"the message {text!r} to be deleted")

    async def expect_that(self, what: str, true: Callable[["Person"], bool]) -> None:
        """Waits until something holds of the chat as this person sees it."""
        await self._until(lambda: True if true(self) else None, what)

    @property
    def answers(self) -> list[Message]:
        """What the bot wrote or edited since one's last act, oldest first."""
        found = [m for m in self.messages.values() if not m.mine and m.event > self._acted_at]
        return sorted(found, key=lambda message: message.event)

    @property
    def last(self) -> Message:
        return max((m for m in self.messages.values() if not m.mine), key=lambda message: message.event)

    def said(self) -> Iterable[str]:
        """All the texts of the bot still in the chat."""
        return (message.text for message in self.messages.values() if not message.mine)

    def transcript(self) -> str:
        return "\n".join(str(message) for _, message in sorted(self.messages.items()))

    async def refresh(self, wait: float = 0) -> None:
        """Take in what is new; with ``wait``, as soon as there is something, at the latest after that many seconds."""
        query = {"since": str(self._event), "wait": f"{wait:.2f}"}
        async with self.client.get(f"/play/users/{self.id}/messages", params=query) as response:
            response.raise_for_status()
            self._event = int(response.headers["X-Playground-Event"])
            for wire in await response.json():
                if wire.get("deleted"):
                    self.messages.pop(wire["message_id"], None)
                else:
                    self.messages[wire["message_id"]] = Message(wire)

    # Inside

    def _newest_first(self) -> list[Message]:
        return sorted((m for m in self.messages.values() if not m.mine), key=lambda m: m.event, reverse=True)

    async def _until(self, look: Callable[[], Found | None], what: str) -> Found:
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE
        while (found := look()) is None:
            left = until - loop.time()
            if left <= 0:
                raise Disappointed(f"{self.name} waited in vain for {what}.\nThe chat:\n{self.transcript()}")
            await self.refresh(wait=left)
        return found

    async def _act(self, what: str, **request: Any) -> dict[str, Any]:
        await self.refresh()
        self._acted_at = self._event
        async with self.client.post(f"/play/users/{self.id}/{what}", **request) as response:
            if response.status >= 400:
                raise AssertionError(f"the playground refused {what}: {response.status} {await response.text()}")
            answer: dict[str, Any] = await response.json()
            return answer

    async def _send_files(
        self, what: str, files: list[tuple[str, str, bytes]], caption: str | None, reply_to: Message | None = None
    ) -> None:
        form = aiohttp.FormData()
        for filename, media_type, data in files:
            form.add_field("file", BytesIO(data), filename=filename, content_type=media_type)
        if caption is not None:
            form.add_field("caption", caption)
        if reply_to is not None:
            form.add_field("reply_to", str(reply_to.id))
        await self._act(what, data=form)
