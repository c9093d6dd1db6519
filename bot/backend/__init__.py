"""The bot's client of the API: one method for each route of the wire contract, by who asks."""

from bot.backend.broadcasts import BroadcastCalls
from bot.backend.counted import CountedClient
from bot.backend.desk import DeskCalls
from bot.backend.errors import (
    AlreadyHandled,
    AnsweredAnew,
    BackendError,
    BackendUnavailable,
    BroadcastChanged,
    CaseChanged,
    ConsentNeeded,
    HasProblems,
    InvalidInput,
    Locked,
    NoRoute,
    NotAllowed,
    NotAllowedNow,
    NotFound,
    NotMatched,
    OwnAnswer,
    OwnBroadcast,
    SaysWho,
    TooLarge,
    TooMany,
    Unreachable,
    UnsupportedType,
    VersionConflict,
    WayClosed,
)
from bot.backend.messages import MessageCalls
from bot.backend.residents import ResidentCalls
from bot.backend.staff import StaffCalls
from bot.metrics import Metrics

__all__ = [
    "AlreadyHandled",
    "AnsweredAnew",
    "Backend",
    "BackendError",
    "BackendUnavailable",
    "BroadcastChanged",
    "CaseChanged",
    "ConsentNeeded",
    "HasProblems",
    "InvalidInput",
    "Locked",
    "NoRoute",
    "NotAllowed",
    "NotAllowedNow",
    "NotFound",
    "NotMatched",
    "OwnAnswer",
    "OwnBroadcast",
    "SaysWho",
    "TooLarge",
    "TooMany",
    "Unreachable",
    "UnsupportedType",
    "VersionConflict",
    "WayClosed",
]

CONNECT_TIMEOUT = 2.0
"""Seconds."""
# Below uvicorn's default of 5 seconds, so that it is this side that closes an idle connection.
_KEEP_ALIVE = 4.0


class Backend(ResidentCalls, StaffCalls, DeskCalls, BroadcastCalls, MessageCalls):
    """Asks the API. Every method raises ``BackendUnavailable`` or a ``BackendError``.

    Use it as an async context manager, or ``close`` it at the end.
    """

    def __init__(self, url: str, token: str, *, pool_size: int = 100, metrics: Metrics | None = None) -> None:
        """
        Args:
            url: the API's address, without ``/v1``.
            token: the service token.
            pool_size: connections at the same time.
            metrics: where requests are counted.
        """
        client = CountedClient(
            f"{url.rstrip('/')}/v1/",
            metrics,
            headers={"Authorization": f"Bearer {token}", "User-Agent": "shanglou-bot"},
            size=pool_size,
            connect_timeout=CONNECT_TIMEOUT,
            keep_alive=_KEEP_ALIVE,
        )
        super().__init__(client)

    async def __aenter__(self) -> "Backend":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.close()
