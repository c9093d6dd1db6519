"""Every table, imported once, so that migrations and tests see the whole schema."""

from api import jobs, retention
from api.agreements import models as agreements
from api.audit import models as audit
from api.broadcasts import models as broadcasts
from api.cases import models as cases
from api.chats import models as chats
from api.db import Base
from api.estate import models as estate
from api.identity import models as identity
from api.imports import models as imports
from api.messages import models as messages
from api.money import models as money
from api.staff import models as staff

__all__ = [
    "Base",
    "agreements",
    "audit",
    "broadcasts",
    "cases",
    "chats",
    "estate",
    "identity",
    "imports",
    "jobs",
    "messages",
    "money",
    "retention",
    "staff",
]
