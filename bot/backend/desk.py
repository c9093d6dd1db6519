"""What the office's people ask for on the complaint desk, by the chat that acts for an account."""

from datetime import date

from pydantic import TypeAdapter

from api.cases.schemas import (
    AttachmentKind,
    AttachmentOut,
    CaseCategory,
    CaseState,
    DepartmentOut,
    FiguresBy,
    FiguresFormat,
    FiguresOut,
    QueuePage,
    QueueSort,
    QueueView,
    RouteOut,
    StaffAction,
    StaffActionIn,
    StaffCaseOut,
)
from bot.backend.calls import JSON, UPLOAD_TIMEOUT, Calls, case_number, dump, query, read, read_list, row

_DEPARTMENTS = TypeAdapter(list[DepartmentOut])


class DeskCalls(Calls):
    """One method for each route of cases below ``/v1/staff/{chat_id}``. Every method raises ``NotAllowed`` where the
    chat acts for no account, or for none that may."""

    async def queue(
        self,
        chat_id: int,
        *,
        view: QueueView | None = None,
        department_id: int | None = None,
        state: CaseState | None = None,
        category: CaseCategory | None = None,
        supervised: bool | None = None,
        number: str | None = None,
        sort: QueueSort | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        counted: bool | None = None,
    ) -> QueuePage:
        """Open cases, unless ``state`` or ``number`` asks for others; ``counted``, with how many there are.

        Raises:
            InvalidInput: the cursor is of another order.
        """
        asked = query(
            view=view,
            department_id=department_id,
            state=state,
            category=category,
            supervised=None if supervised is None else str(supervised).lower(),
            number=number,
            sort=sort,
            cursor=cursor,
            limit=limit,
            counted="true" if counted else None,
        )
        return read(QueuePage, await self._get(f"staff/{chat_id}/cases", asked))

    async def staff_case(self, chat_id: int, number: str) -> StaffCaseOut:
        """
        Raises:
            NotFound
        """
        return read(StaffCaseOut, await self._get(f"staff/{chat_id}/cases/{case_number(number)}"))

    async def act_on_case(
        self, chat_id: int, number: str, step: StaffAction, *, version: int, idempotency_key: str
    ) -> StaffCaseOut:
        """Take a step; the same key again is the same step. Returns the case after it.

        Args:
            version: of the case as the officer saw it.

        Raises:
            NotAllowed: not for this account, or not on this case.
            OwnAnswer: it decides the review of what this account answered.
            NotAllowedNow: not as the case stands.
            CaseChanged: somebody took a step since.
            NoRoute: no routing rule fits.
            SaysWho: what the building is to read would show whose case it is.
            NotFound: no such case, department, officer or file.
            InvalidInput
        """
        headers = {**JSON, "Idempotency-Key": idempotency_key}
        body = dump(StaffActionIn(step=step, version=version))
        path = f"staff/{chat_id}/cases/{case_number(number)}/actions"
        return read(StaffCaseOut, await self._send("POST", path, body, headers, again=True))

    async def case_route(self, chat_id: int, number: str) -> RouteOut:
        """
        Raises:
            NotFound
        """
        return read(RouteOut, await self._get(f"staff/{chat_id}/cases/{case_number(number)}/route"))

    async def departments(self, chat_id: int) -> list[DepartmentOut]:
        return read_list(_DEPARTMENTS, await self._get(f"staff/{chat_id}/departments"))

    async def staff_attach(
        self,
        chat_id: int,
        data: bytes,
        *,
        kind: AttachmentKind,
        filename: str,
        media_type: str,
        upload_key: str,
    ) -> AttachmentOut:
        """Store a file for an answer; the same ``upload_key`` again gives the same attachment.

        Raises:
            TooLarge, UnsupportedType, TooMany
        """
        return await self._upload(
            f"staff/{chat_id}", data, kind=kind, filename=filename, media_type=media_type, upload_key=upload_key
        )

    async def staff_attachment(self, chat_id: int, number: str, attachment_id: int) -> bytes:
        """The file itself.

        Raises:
            NotFound
        """
        path = f"staff/{chat_id}/cases/{case_number(number)}/attachments/{row(attachment_id)}"
        return await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT)

    async def figures(
        self,
        chat_id: int,
        *,
        first_day: date | None = None,
        last_day: date | None = None,
        by: FiguresBy | None = None,
    ) -> FiguresOut:
        """
        Raises:
            InvalidInput: the days are in no order, or too many.
        """
        asked = _days_asked(first_day, last_day, by)
        # Of years of a large office they take longer than a page.
        path = f"staff/{chat_id}/figures{query(**asked)}"
        return read(FiguresOut, await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT))

    async def export_figures(
        self,
        chat_id: int,
        kind: FiguresFormat,
        *,
        first_day: date | None = None,
        last_day: date | None = None,
        by: FiguresBy | None = None,
    ) -> bytes:
        """The same as a file for spreadsheets.

        Raises:
            InvalidInput: the days are in no order, or too many.
        """
        asked = query(**_days_asked(first_day, last_day, by), format=kind)
        return await self._send("GET", f"staff/{chat_id}/figures/export{asked}", again=True, seconds=UPLOAD_TIMEOUT)


def _days_asked(first_day: date | None, last_day: date | None, by: FiguresBy | None) -> dict[str, str | None]:
    return {
        "first_day": first_day.isoformat() if first_day else None,
        "last_day": last_day.isoformat() if last_day else None,
        "by": by,
    }
