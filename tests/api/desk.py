"""The complaint desk as residents and officers use it, over HTTP."""

from itertools import count
from typing import Any

import aiohttp

from api.agreements.models import Agreement
from api.audit.service import OPERATOR
from api.cases.departments import add_department, set_member
from api.cases.schemas import CaseOut, QueuePage, StaffCaseOut
from api.staff.models import StaffAccount
from api.staff.schemas import StaffRole
from tests.api.calls import call, upload
from tests.factories import Factory

RESIDENT, RELATIVE, STRANGER = 700100200, 700100201, 700100202
OFFICER, COLLEAGUE, ADMIN, VIEWER = 600100200, 600100201, 600100202, 600100203
OPINION: dict[str, Any] = {"outcome": "supported", "text": "九月底前修好。"}
REVIEW_OPINION: dict[str, Any] = {"outcome": "explained", "text": "维持原来的答复。"}


class Desk:
    """A family with a home, and an office of two officers, an administrator and a viewer."""

    agreement: Agreement
    department: int
    officer: int
    colleague: int
    admin: int

    def __init__(self, api: aiohttp.ClientSession, factory: Factory) -> None:
        self.api, self.factory = api, factory
        self._keys = count(1)

    async def open(self) -> "Desk":
        self.agreement = await self.factory.agreement(units=[await self.factory.unit()])
        await self.factory.link(RESIDENT, self.agreement)
        self.officer = await self.account(OFFICER, StaffRole.CASE_OFFICER, name="接访甲")
        self.colleague = await self.account(COLLEAGUE, StaffRole.CASE_OFFICER, name="接访乙")
        self.admin = await self.account(ADMIN, StaffRole.ADMIN, name="负责人")
        await self.account(VIEWER, StaffRole.VIEWER, name="查看员")
        self.department = await self.add_department("住建局", self.officer, self.colleague)
        return self

    async def account(self, chat_id: int | None, *roles: StaffRole, name: str = "编造员") -> int:
        row = StaffAccount(
            name=self.factory.vault.seal("staff.name", name), roles=[role.value for role in roles], chat_id=chat_id
        )
        return (await self.factory.add(row)).id

    async def add_department(self, name: str, *members: int, supervisor: int | None = None) -> int:
        async with self.factory.database.transaction() as session:
            department_id = await add_department(session, OPERATOR, name)
            for member in members:
                await set_member(session, OPERATOR, department_id, member, is_supervisor=member == supervisor)
        return department_id

    # --- the resident ---

    async def file(self, *, chat: int = RESIDENT, **values: Any) -> str:
        """A new complaint's number."""
        case = {"category": "quality", "agreement_id": self.agreement.id, "text": "厨房漏水。"} | values
        headers = {"Idempotency-Key": f"dialog-{next(self._keys):06}"}
        filed = await call(self.api, "POST", f"/v1/chats/{chat}/cases", 201, json=case, headers=headers)
        return str(filed["number"])

    async def case(self, number: str, *, chat: int = RESIDENT) -> CaseOut:
        return CaseOut.model_validate(await call(self.api, "GET", f"/v1/chats/{chat}/cases/{number}"))

    async def say(
        self, number: str, action: str, status: int = 200, *, chat: int = RESIDENT, key: str = "", **fields: Any
    ) -> Any:
        """A resident's step; the case after it, or the refusal."""
        return await call(
            self.api,
            "POST",
            f"/v1/chats/{chat}/cases/{number}/actions",
            status,
            json={"action": action} | fields,
            headers={"Idempotency-Key": key or f"say-{next(self._keys):06}"},
        )

    # --- the office ---

    async def page(self, number: str, *, chat: int = OFFICER) -> StaffCaseOut:
        return StaffCaseOut.model_validate(await call(self.api, "GET", f"/v1/staff/{chat}/cases/{number}"))

    async def act(
        self,
        number: str,
        action: str,
        status: int = 200,
        *,
        chat: int = OFFICER,
        key: str = "",
        version: int | None = None,
        **fields: Any,
    ) -> Any:
        """An officer's step, as somebody who has just looked at the case where no version is given."""
        if version is None:
            version = (await self.page(number, chat=chat)).version
        return await call(
            self.api,
            "POST",
            f"/v1/staff/{chat}/cases/{number}/actions",
            status,
            json={"step": {"action": action} | fields, "version": version},
            headers={"Idempotency-Key": key or f"act-{next(self._keys):06}"},
        )

    async def queue(self, *, chat: int = OFFICER, **asked: Any) -> QueuePage:
        params = {name: str(value) for name, value in asked.items()}
        return QueuePage.model_validate(await call(self.api, "GET", f"/v1/staff/{chat}/cases", params=params))

    async def upload(self, *, chat: int = OFFICER, filename: str = "答复意见书.png", key: str = "") -> int:
        """A file of an officer's; its id."""
        file = await upload(
            self.api,
            chat,
            filename=filename,
            upload_key=key or f"file-{next(self._keys):06}",
            path=f"/v1/staff/{chat}/attachments",
        )
        return int(file["id"])

    async def to(self, state: str, **values: Any) -> str:
        """A new case, brought to a state by the usual steps; its number."""
        number = await self.file(**values)
        for action, fields in ROADS[state]:
            if action.startswith("resident:"):
                await self.say(number, action.removeprefix("resident:"), **fields)
            else:
                own: dict[str, Any] = {"department_id": self.department} if action in ("assign", "transfer") else {}
                await self.act(number, action, **own, **fields)
        assert (await self.page(number)).state == state
        return number


Road = list[tuple[str, dict[str, Any]]]
_WHY = {"text": "请再看看。"}
_REGISTERED: Road = [("register", {})]
_ACCEPTED: Road = [*_REGISTERED, ("accept", {})]
_ANSWERED: Road = [*_ACCEPTED, ("answer", OPINION)]
_REVIEW: Road = [*_ANSWERED, ("resident:request_review", _WHY)]
_SECOND: Road = [
    *_REVIEW,
    ("review_answer", REVIEW_OPINION | {"chat": COLLEAGUE}),
    ("resident:request_second_review", _WHY),
]
ROADS: dict[str, Road] = {
    "received": [],
    "registered": _REGISTERED,
    "transferred": [*_REGISTERED, ("transfer", {})],
    "assigned": [*_REGISTERED, ("assign", {})],
    "accepted": _ACCEPTED,
    "not_accepted": [*_REGISTERED, ("refuse", {"text": "请找街道办。"})],
    "diverted": [*_REGISTERED, ("divert", {"procedure": "litigation", "text": "请到区法院立案庭。"})],
    "in_progress": [*_ACCEPTED, ("start", {})],
    "extended": [*_ACCEPTED, ("extend", {"days": 30, "text": "要做检测。", "approved_by": "编造局长"})],
    "answered": _ANSWERED,
    "closed": [*_ANSWERED, ("close", {})],
    "review": _REVIEW,
    "second_review": _SECOND,
    "final": [*_SECOND, ("second_review_answer", REVIEW_OPINION | {"chat": ADMIN})],
    "withdrawn": [("resident:withdraw", {})],
}
"""How a case comes to a state."""
