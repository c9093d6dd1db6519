"""Every table, imported once, so that migrations and tests see the whole schema."""

from api.agreements import models as agreements
from api.cases import models as cases
from api.chats import models as chats
from api.db import Base
from api.estate import models as estate
from api.identity import models as identity
from api.imports import models as imports
from api.money import models as money

__all__ = ["Base", "agreements", "cases", "chats", "estate", "identity", "imports", "money"]
