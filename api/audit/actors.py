"""Who does something that is recorded."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    CHAT = "chat"
    STAFF = "staff"
    OPERATOR = "operator"  # the command line
    SYSTEM = "system"  # a periodic job, an import


@dataclass(frozen=True)
class Actor:
    """Who does something."""

    kind: ActorKind
    id: int | None = None

    @classmethod
    def chat(cls, chat_id: int) -> "Actor":
        return cls(ActorKind.CHAT, chat_id)

    @classmethod
    def staff(cls, staff_id: int) -> "Actor":
        return cls(ActorKind.STAFF, staff_id)


OPERATOR = Actor(ActorKind.OPERATOR)
SYSTEM = Actor(ActorKind.SYSTEM)
