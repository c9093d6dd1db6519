"""What is not needed any more is deleted: how long each kind of data is kept, and the job that sees to it every night.

Personal Information Protection Law, article 19: no longer than the purpose takes. The periods are settings, explained
in docs/operations.md. Small batches, each a transaction of its own with its own count: no lock stands for longer than a
batch takes, and what a crash breaks off is done the next time.

Not here, and why:

- The audit record is kept: who looked at what must stay provable, nobody can delete from it, and no values stand in it.
- The rolls, and complaints that were filed, are the office's own records: the law on archives and the Regulations on
  Petition Work decide on them, not this program.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, func, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, aliased, mapped_column

from api.audit.service import SYSTEM, record
from api.broadcasts.models import Mute
from api.cases.attachments import sweep_orphans
from api.cases.store import AttachmentStore
from api.chats.models import Chat, HandoverWatch, Link
from api.db import Base, CreatedAt, Database, Id
from api.identity.models import AccessRequest, Consent, LinkCode, VerificationAttempt
from api.identity.schemas import AccessRequestState
from api.jobs import ENGINE, Job, JobState, Work, task
from api.messages.models import Delivery
from api.settings import Settings
from api.staff.models import StaffCode

BATCH = 500
"""Rows."""

log = structlog.get_logger()
Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class Erasure(Base):
    """How many rows of one kind one batch deleted. The database refuses to change or remove this, like the audit
    record, which names these rows."""

    __tablename__ = "erasures"

    id: Mapped[Id]
    kind: Mapped[str]
    count: Mapped[int]
    before: Mapped[datetime] = mapped_column(doc="what was older than this")
    erased_at: Mapped[CreatedAt]


@dataclass(frozen=True)
class Rule:
    """Rows of one kind, kept for as many days as a setting says.

    Attributes:
        outdated: which rows, given the moment before which they are too old.
        clears: the columns that are emptied, where the row itself stays.
    """

    kind: str
    setting: str
    model: type[DeclarativeBase]
    outdated: Callable[[datetime], ColumnElement[bool]]
    clears: dict[str, Any] | None = None

    def statement(self, before: datetime) -> Any:
        """Deletes one batch."""
        key = [column for column in self.model.__table__.columns if column.primary_key]
        batch = select(*key).where(self.outdated(before)).limit(BATCH).with_for_update(skip_locked=True)
        which = tuple_(*key).in_(batch)
        if self.clears is None:
            return delete(self.model).where(which)
        return update(self.model).where(which).values(self.clears)


def _older(column: InstrumentedAttribute[Any]) -> Callable[[datetime], ColumnElement[bool]]:
    return lambda before: column < before


def _old_codes(before: datetime) -> ColumnElement[bool]:
    # What it let in rests on it as long as the link stands.
    rests = exists().where(Link.code_id == LinkCode.id)
    return and_(func.coalesce(LinkCode.used_at, LinkCode.expires_at) < before, ~rests)


def _old_links(before: datetime) -> ColumnElement[bool]:
    """Ended, or disused, for so long. An ended one is kept while its chat sees anything else: without it the next roll
    would take what was ended for new, and link it again. Any is kept while somebody is in by a code of its chat: by it
    the next roll tells whether the phone that stands behind them is still its person's."""
    other = aliased(Link)
    sees_more = exists().where(other.chat_id == Link.chat_id, other.revoked_at.is_(None))
    lapsed = Link.revoked_at.is_(None) & (Link.expires_on < before.date())
    guest = aliased(Link)
    stands_behind = exists().where(
        LinkCode.issued_by_chat_id == Link.chat_id,
        LinkCode.agreement_id == Link.agreement_id,
        guest.code_id == LinkCode.id,
        guest.revoked_at.is_(None),
    )
    return or_((Link.revoked_at < before) & ~sees_more, lapsed) & ~stands_behind


def _unlinked_watches(before: datetime) -> ColumnElement[bool]:
    linked = exists().where(Link.chat_id == HandoverWatch.chat_id, Link.agreement_id == HandoverWatch.agreement_id)
    return and_(HandoverWatch.created_at < before, ~linked)


def _mutes_of_nobody(before: datetime) -> ColumnElement[bool]:
    return and_(Mute.created_at < before, ~exists().where(Chat.id == Mute.chat_id))


def _strangers(before: datetime) -> ColumnElement[bool]:
    return and_(Chat.saved_at < before, ~exists().where(Link.chat_id == Chat.id))


def _old_consents(before: datetime) -> ColumnElement[bool]:
    """Withdrawn, or of a chat of which nothing else is kept."""
    left = Consent.withdrawn_at.is_(None) & (Consent.given_at < before)
    known = or_(exists().where(Chat.id == Consent.chat_id), exists().where(Link.chat_id == Consent.chat_id))
    return or_(Consent.withdrawn_at < before, left & ~known)


RULES = (
    Rule("verification_attempt", "attempts", VerificationAttempt, _older(VerificationAttempt.attempted_at)),
    Rule("delivery", "deliveries", Delivery, _older(Delivery.finished_at)),
    Rule("link", "links", Link, _old_links),
    Rule("handover_watch", "links", HandoverWatch, _unlinked_watches),
    Rule("link_code", "codes", LinkCode, _old_codes),
    Rule(
        "staff_code",
        "codes",
        StaffCode,
        lambda before: func.coalesce(StaffCode.used_at, StaffCode.expires_at) < before,
    ),
    Rule("consent", "consents", Consent, _old_consents),
    Rule(
        "access_request",
        "requests",
        AccessRequest,
        lambda before: (AccessRequest.state != AccessRequestState.OPEN) & (AccessRequest.handled_at < before),
    ),
    Rule(
        "draft",
        "drafts",
        Chat,
        lambda before: Chat.dialog.is_not(None) & (Chat.saved_at < before),
        # A turn that is under way notices, as it does when another turn has saved.
        clears={"dialog": None, "version": Chat.version + 1},
    ),
    Rule("chat", "chats", Chat, _strangers),
    Rule("mute", "chats", Mute, _mutes_of_nobody),
    Rule("job", "jobs", Job, lambda before: (Job.state == JobState.DONE) & (Job.finished_at < before)),
)


def kept_days(settings: Settings, setting: str) -> int:
    days: int = getattr(settings, f"retention_{setting}_days")
    return days


async def erase_outdated(transaction: Transaction, settings: Settings, now: datetime) -> AsyncIterator[tuple[str, int]]:
    """Delete what is outdated; of each kind, how many rows there were."""
    for rule in RULES:
        before = now - timedelta(days=kept_days(settings, rule.setting))
        statement, erased, more = rule.statement(before), 0, True
        while more:
            async with transaction() as session:
                result: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
                    statement.execution_options(synchronize_session=False)
                )
                if result.rowcount:
                    await _note(session, rule.kind, result.rowcount, before)
            erased += result.rowcount
            more = result.rowcount == BATCH
        yield rule.kind, erased
    before = now - timedelta(days=kept_days(settings, "jobs"))
    async with transaction() as session:
        # What the engine keeps about jobs that are over.
        for table in (ENGINE.qualified.queue_table_log, ENGINE.qualified.statistics_table):
            await session.execute(text(f"DELETE FROM {table} WHERE created < :before"), {"before": before})  # noqa: S608 - the engine's own names


async def _note(session: AsyncSession, kind: str, count: int, before: datetime) -> None:
    row = Erasure(kind=kind, count=count, before=before)
    session.add(row)
    await session.flush()
    await record(session, SYSTEM, "data.outdated", "erasure", [row.id])


async def erase_files(database: Database, store: AttachmentStore, days: int) -> int:
    """Delete files that no complaint came of, so many days after they were sent; how many there were."""
    return await sweep_orphans(database, store, timedelta(days=days))


@task("retention", cron="40 19 * * *")
async def apply_retention(work: Work) -> None:
    """Every night, at 3:40 in China."""
    erased = {
        kind: count async for kind, count in erase_outdated(work.transaction, work.settings, datetime.now(UTC)) if count
    }
    if files := await erase_files(work.database, work.store, kept_days(work.settings, "files")):
        erased["file"] = files
    log.info("retention_applied", **erased)
