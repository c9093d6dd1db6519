"""What the office's people ask for about broadcasts, by the chat that acts for an account."""

from collections.abc import Sequence
from urllib.parse import urlencode

from pydantic import TypeAdapter

from api.broadcasts.schemas import (
    AudienceCount,
    BroadcastChange,
    BroadcastNew,
    BroadcastOut,
    BroadcastPage,
    BroadcastReport,
    BroadcastState,
    BroadcastStep,
    FollowUp,
    Locale,
    NumbersFound,
    ParcelsOf,
    PreviewOut,
    TestSend,
)
from bot.backend.calls import JSON, UPLOAD_TIMEOUT, Calls, dump, query, read, read_list, row

_PLACES = TypeAdapter(list[ParcelsOf])


class BroadcastCalls(Calls):
    """One method for each route of broadcasts below ``/v1/staff/{chat_id}``. Every method raises ``NotAllowed`` where
    the chat acts for no account, or for none that may."""

    async def places(self, chat_id: int) -> list[ParcelsOf]:
        return read_list(_PLACES, await self._get(f"staff/{chat_id}/places"))

    async def read_numbers(self, chat_id: int, data: bytes, *, filename: str) -> NumbersFound:
        """Agreement numbers of a file.

        Raises:
            TooLarge, UnsupportedType, TooMany
        """
        target = f"staff/{chat_id}/broadcasts/numbers{query(filename=filename[-500:])}"
        headers = {"Content-Type": "application/octet-stream"}
        return read(NumbersFound, await self._send("POST", target, data, headers, again=True, seconds=UPLOAD_TIMEOUT))

    async def count_audience(self, chat_id: int, new: BroadcastNew) -> AudienceCount:
        """How many would get what is being written; nothing is stored."""
        target = f"staff/{chat_id}/broadcasts/count"
        body = await self._send("POST", target, dump(new), again=True, seconds=UPLOAD_TIMEOUT)
        return read(AudienceCount, body)

    async def broadcasts(
        self,
        chat_id: int,
        *,
        states: Sequence[BroadcastState] = (),
        of_id: int | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> BroadcastPage:
        """Newest first.

        Raises:
            InvalidInput: the cursor is of another list.
        """
        given = [("state", state.value) for state in states]
        given += [
            (name, str(value)) for name, value in (("of_id", of_id), ("cursor", cursor), ("limit", limit)) if value
        ]
        asked = f"?{urlencode(given)}" if given else ""
        return read(BroadcastPage, await self._get(f"staff/{chat_id}/broadcasts", asked))

    async def create_broadcast(self, chat_id: int, new: BroadcastNew, *, idempotency_key: str) -> BroadcastOut:
        """A draft; the same key again is the same draft.

        Raises:
            NotFound: no such file of this account, or no such broadcast.
            NotAllowedNow: what it is about has not been sent.
            InvalidInput
        """
        headers = {**JSON, "Idempotency-Key": idempotency_key}
        return read(
            BroadcastOut, await self._send("POST", f"staff/{chat_id}/broadcasts", dump(new), headers, again=True)
        )

    async def broadcast(self, chat_id: int, broadcast_id: int) -> BroadcastOut:
        """
        Raises:
            NotFound
        """
        return read(BroadcastOut, await self._get(_path(chat_id, broadcast_id)))

    async def edit_broadcast(self, chat_id: int, broadcast_id: int, change: BroadcastChange) -> BroadcastOut:
        """Say it otherwise: what was submitted or approved is a draft again.

        Raises:
            BroadcastChanged: somebody changed it since ``change.version``.
            NotAllowedNow: it has begun to go out.
            NotFound: no such broadcast, or no such file of this account.
            InvalidInput
        """
        return read(BroadcastOut, await self._send("PUT", _path(chat_id, broadcast_id), dump(change)))

    async def step_broadcast(self, chat_id: int, broadcast_id: int, step: BroadcastStep) -> BroadcastOut:
        """Submit, approve, reject, pause, resume or cancel.

        Raises:
            BroadcastChanged: somebody changed it since ``step.version``.
            NotAllowedNow: not in this state.
            OwnBroadcast: nobody approves their own.
            HasProblems: something must be mended first.
            NotFound
        """
        return read(BroadcastOut, await self._send("POST", f"{_path(chat_id, broadcast_id)}/steps", dump(step)))

    async def follow_up_broadcast(
        self, chat_id: int, broadcast_id: int, asked: FollowUp, *, idempotency_key: str
    ) -> BroadcastOut:
        """A draft that sends it once more to whom it did not reach, or corrects it; the same key again is the same.

        Raises:
            NotAllowedNow: it has not been sent.
            InvalidInput: its audience has as many rules as there may be.
            NotFound
        """
        headers = {**JSON, "Idempotency-Key": idempotency_key}
        target = f"{_path(chat_id, broadcast_id)}/follow-ups"
        return read(BroadcastOut, await self._send("POST", target, dump(asked), headers, again=True))

    async def broadcast_count(self, chat_id: int, broadcast_id: int) -> AudienceCount:
        """How many get it, as it stands now.

        Raises:
            NotFound
        """
        # Of a million families it takes longer than a page.
        path = f"{_path(chat_id, broadcast_id)}/count"
        return read(AudienceCount, await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT))

    async def preview_broadcast(self, chat_id: int, broadcast_id: int) -> PreviewOut:
        """
        Raises:
            NotFound
        """
        return read(PreviewOut, await self._get(f"{_path(chat_id, broadcast_id)}/preview"))

    async def test_broadcast(self, chat_id: int, broadcast_id: int, *, locale: Locale | None = None) -> None:
        """A courier brings it to the chat that asks.

        Raises:
            NotAllowedNow, HasProblems, NotFound
        """
        await self._send("POST", f"{_path(chat_id, broadcast_id)}/test", dump(TestSend(locale=locale)))

    async def broadcast_report(self, chat_id: int, broadcast_id: int) -> BroadcastReport:
        """
        Raises:
            NotAllowedNow: it has not been sent.
            NotFound
        """
        path = f"{_path(chat_id, broadcast_id)}/report"
        return read(BroadcastReport, await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT))

    async def export_missing(self, chat_id: int, broadcast_id: int) -> bytes:
        """Families of which a value is not there, as a spreadsheet.

        Raises:
            NotFound
        """
        path = f"{_path(chat_id, broadcast_id)}/missing"
        return await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT)

    async def export_unreached(self, chat_id: int, broadcast_id: int) -> bytes:
        """Families that it did not reach, as a spreadsheet.

        Raises:
            NotAllowedNow: it has not been sent.
            NotFound
        """
        path = f"{_path(chat_id, broadcast_id)}/unreached"
        return await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT)


def _path(chat_id: int, broadcast_id: int) -> str:
    return f"staff/{chat_id}/broadcasts/{row(broadcast_id)}"
