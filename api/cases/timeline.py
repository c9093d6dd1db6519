"""What happened with a case, opened for who may read it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from api.cases.news import is_shown
from api.cases.schemas import CaseEventKind
from api.cases.transitions import resident_reads
from api.privacy import Vault

_PLAIN = ("kind", "by", "department", "outcome", "procedure", "days", "rating", "solved", "master")


def open_attachments(vault: Vault, json_text: str) -> tuple[list[dict[str, Any]], Mapping[int | None, list[int]]]:
    """``AttachmentOut`` of each file, and the ids of those that came with each event."""
    attachments, files_of = orjson.loads(json_text), defaultdict(list)
    for attachment in attachments:
        attachment["filename"] = _open(vault, "attachment.filename", attachment["filename"])
        files_of[attachment.pop("event_id")].append(attachment["id"])
    return attachments, files_of


def shown_to_resident(events: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Events that the resident sees, each with ``handled_by``: the department that had the case until then. Where it
    stays in its department, who has it there is the office's own matter."""
    department = None
    for event in events:
        kind = CaseEventKind(event["kind"])
        stays = kind is CaseEventKind.ASSIGNED and event["department"] == department
        if is_shown(kind) and not stays:
            yield event | {"handled_by": department}
        department = None if kind is CaseEventKind.OBJECTED else event["department"] or department


def event_out(
    vault: Vault, event: dict[str, Any], files_of: Mapping[int | None, Sequence[int]], *, for_resident: bool
) -> dict[str, Any]:
    """A ``CaseEventOut``, or for the office a ``StaffEventOut``."""
    out = {name: event[name] for name in _PLAIN}
    # PostgreSQL's JSON leaves out the zeros at the end of a second's fraction.
    out["happened_at"] = datetime.fromisoformat(event["happened_at"])
    hidden = for_resident and not resident_reads(CaseEventKind(event["kind"]))
    out["text"] = "" if hidden else _open(vault, "case_event.text", event["text"]) or ""
    out["attachment_ids"] = [*files_of.get(event["id"], []), *files_of.get(event["follows_id"] or 0, [])]
    if for_resident:
        # The number of another family's case.
        del out["master"]
        out["handled_by"] = event["handled_by"]
    else:
        out["actor"] = _open(vault, "staff.name", event["actor"])
        out["officer"] = _open(vault, "staff.name", event["officer"])
        out["approved_by"] = _open(vault, "case_event.approved_by", event["approved_by"])
    return out


def collective_out(vault: Vault, row: Any) -> dict[str, Any] | None:
    """A ``CollectiveOut``; none: the case is worked on by itself."""
    if not row["member"] and not row["published"] and row["families"] < 2:
        return None
    sealed = row["collective_text"]
    return {
        "families": row["families"],
        "text": None if sealed is None else vault.open("case.published_text", sealed),
        "is_member": row["member"],
    }


def _open(vault: Vault, purpose: str, sealed: str | None) -> str | None:
    return None if sealed is None else vault.open(purpose, bytes.fromhex(sealed))
