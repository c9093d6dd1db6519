"""The record of what was loaded when."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.db import Base, CreatedAt, Id


class RollKind(StrEnum):
    RELOCATION = "relocation"  # 安置台账
    PURCHASE = "purchase"  # 购房台账
    TRANSITION_FEE = "transition_fee"  # 过渡费发放表
    PROGRESS = "progress"  # 楼栋进度表


class Import(Base):
    """One load of one roll. ``counts`` holds added, changed, unchanged and rejected rows."""

    __tablename__ = "imports"
    __table_args__ = (Index(None, "sha256"),)

    id: Mapped[Id]
    kind: Mapped[RollKind]
    filename: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[str]
    as_of: Mapped[date]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
