"""What couriers ask for: messages to send, and a place to tell what became of them."""

from api.messages.schemas import Claim, ClaimedBatch, Report, Reported
from bot.backend import calls
from bot.backend.calls import UPLOAD_TIMEOUT, Calls, dump, read


class MessageCalls(Calls):
    """One method for each route below ``/v1/messages``. A courier rests by itself when the API fails, and what it asks
    for may wait: no breaker stands before it."""

    async def claim_messages(self, asked: Claim) -> ClaimedBatch:
        """Lease what is due; waits for up to ``asked.wait_seconds`` while there is nothing.

        Cancelled, it hangs up, and what the API had just leased is given back.
        """
        seconds = calls.TOTAL_TIMEOUT + asked.wait_seconds
        target, body = "messages/claim", dump(asked)
        return read(ClaimedBatch, await self._send("POST", target, body, again=True, guarded=False, seconds=seconds))

    async def report_messages(self, told: Report) -> Reported:
        """Told twice it counts once."""
        return read(Reported, await self._send("POST", "messages/report", dump(told), again=True, guarded=False))

    async def broadcast_file(self, broadcast_id: int) -> bytes:
        """The photo or document of a broadcast.

        Raises:
            NotFound: it has none.
        """
        target = f"messages/broadcasts/{broadcast_id}/file"
        return await self._send("GET", target, again=True, guarded=False, seconds=UPLOAD_TIMEOUT)
