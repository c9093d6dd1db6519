"""Tries to prove who one is at any moment, on the real database, without HTTP."""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter

from api.db import Database
from api.errors import ApiError, Locked, NotMatched, WayClosed
from api.identity.schemas import Proof
from api.identity.service import verify
from api.identity.surge import Surge
from api.metrics import Metrics
from api.privacy import Vault
from api.settings import Settings

PROOFS: TypeAdapter[Proof] = TypeAdapter(Proof)
START = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Tries:
    """What one API would answer."""

    def __init__(self, database: Database, vault: Vault, settings: Settings) -> None:
        self.database = database
        self.vault = vault
        self.metrics = Metrics()
        self.surge = Surge(settings, self.metrics)

    async def answer(self, chat_id: int, proof: dict[str, str], now: datetime) -> ApiError | None:
        """Nothing when the chat is linked."""
        kept: ApiError | None = None
        async with self.database.transaction() as session:
            try:
                parsed = PROOFS.validate_python(proof)
                await verify(session, self.vault, self.surge, chat_id, parsed, now.date(), now)
            except (Locked, NotMatched, WayClosed) as error:
                kept = error
        return kept

    async def outcome(self, chat_id: int, proof: dict[str, str], now: datetime) -> str:
        answer = await self.answer(chat_id, proof, now)
        return "linked" if answer is None else answer.code

    async def waits(self, chat_id: int, proof: dict[str, str], now: datetime) -> timedelta:
        """For how long the chat is locked."""
        answer = await self.answer(chat_id, proof, now)
        assert isinstance(answer, Locked), answer
        return timedelta(seconds=answer.details["retry_after_seconds"])
