"""The two ways a request can fail: as the Bot API says it, and as the user side says it."""

from typing import Any


class ApiError(Exception):
    """A refusal in the Bot API's own shape and words."""

    def __init__(self, status: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


class Garbled(ApiError):
    """An answer that is none of the Bot API: its description is the whole body."""


def bad_request(reason: str) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}")


class PlayError(Exception):
    """A refusal of the user side: ``{"error": message}`` with a 4xx status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
