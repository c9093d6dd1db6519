"""Failures on demand: the next calls of a method are refused, cut or slowed."""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from bot.playground.errors import ApiError, Garbled


@dataclass(slots=True)
class Fault:
    """``count`` calls of ``method`` (``*`` is any) answer ``status``; see ``POST /play/faults``."""

    method: str
    status: int
    count: int = 1
    retry_after: int | None = None
    description: str | None = None
    chat_id: int | None = None
    executed: bool = False
    """The call takes effect and only its answer is lost: what a time-out looks like from the bot's side."""
    delay: float = 0
    """Seconds before the answer."""
    body: str | None = None
    """Stands in the answer instead of the Bot API's JSON: half of it, a proxy's page."""

    def error(self) -> ApiError | None:
        """None when the fault only delays (status 200)."""
        if self.body is not None:
            return Garbled(self.status, self.body)
        if self.status == HTTPStatus.OK:
            return None
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            seconds = self.retry_after or 1
            words = self.description or f"Too Many Requests: retry after {seconds}"
            return ApiError(self.status, words, retry_after=seconds)
        if self.description is not None:
            return ApiError(self.status, self.description)
        if self.status == HTTPStatus.FORBIDDEN:
            return ApiError(self.status, "Forbidden: bot was blocked by the user")
        if self.status == HTTPStatus.BAD_REQUEST:
            return ApiError(self.status, "Bad Request: chat not found")
        return ApiError(self.status, HTTPStatus(self.status).phrase)


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def take(self, method: str, chat_id: Any) -> Fault | None:
        """The first fault that fits this call, used up by one."""
        if not self._faults:
            return None
        for fault in self._faults:
            if fault.method != "*" and fault.method.lower() != method.lower():
                continue
            if fault.chat_id is not None and str(fault.chat_id) != str(chat_id):
                continue
            fault.count -= 1
            if fault.count <= 0:
                self._faults.remove(fault)
            return fault
        return None

    def list(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        self._faults.clear()
