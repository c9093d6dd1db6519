"""Whom to try the demo as: four people who come to the bot, and three of the office."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession

from api.agreements.service import find_agreements
from api.audit.service import OPERATOR
from api.cases.departments import add_department, set_member
from api.db import Database
from api.identity.codes import issue_code
from api.imports.sample import SamplePerson
from api.staff.schemas import StaffRole
from api.staff.service import add_account
from bot.cli.demo_data import DemoData

_OFFICE = {
    "officer": ("接访员（演示）", [StaffRole.CASE_OFFICER]),
    "publisher": ("发布员（演示）", [StaffRole.PUBLISHER]),
    "approver": ("审批员（演示）", [StaffRole.APPROVER, StaffRole.ADMIN]),
}


@dataclass(frozen=True)
class DemoPerson:
    """Somebody to try the demo as. ``id_number`` and ``agreements`` are what proves who they are; ``code`` is the
    one-time code that staff issued for them; ``how`` tells what to do with it. Who is of the office needs no proof."""

    role: str
    user_id: int
    name: str
    phone: str
    id_number: str | None
    agreements: list[str]
    code: str | None
    how: str


async def move_in(data: DemoData, page: str) -> list[DemoPerson]:
    """Give them a phone with Telegram on it, and those of the office their accounts."""
    database = Database(data.url, pool_size=1)
    try:
        async with aiohttp.ClientSession(page) as client:
            return [*await _residents(data, database, client), *await _office(data, database, client)]
    finally:
        await database.close()


async def _residents(data: DemoData, database: Database, client: aiohttp.ClientSession) -> list[DemoPerson]:
    holder, buyer, parent = data.people.holder, data.people.buyer, data.people.parent
    async with database.transaction() as session:
        code = await _code_for_a_relative(session, data, parent.agreements[0])
    child = SamplePerson(name=f"{parent.name[0]}小小", id_number="", phone="19900990001")
    stranger = SamplePerson(name="路过客", id_number="", phone="19900990002")
    roles = [
        ("relocated_holder", holder, None, "点按钮发送手机号，再发身份证号后四位：" + holder.id_number[-4:]),
        ("buyer_two_flats", buyer, None, "点按钮发送手机号，再发身份证号后四位：" + buyer.id_number[-4:]),
        ("holder_child", child, code, f"替父母查，手机号不在台账里。发工作人员给的邀请码：{code}"),
        ("stranger", stranger, None, "不在台账里，什么也证明不了：看看机器人怎么回答"),
    ]
    people = []
    for role, person, one_time_code, how in roles:
        proof = [f"合同编号：{'、'.join(person.agreements)}", f"证件号码：{person.id_number}"]
        note = "\n".join([how, f"姓名：{person.name}", *(proof if person.agreements else [])])
        user_id = await _arrives(client, person.name, person.phone, note)
        agreements = parent.agreements if one_time_code else person.agreements
        people.append(
            DemoPerson(
                role=role,
                user_id=user_id,
                name=person.name,
                phone=person.phone,
                id_number=person.id_number or None,
                agreements=list(agreements),
                code=one_time_code,
                how=how,
            )
        )
    return people


async def _office(data: DemoData, database: Database, client: aiohttp.ClientSession) -> list[DemoPerson]:
    how = "工作人员，账号已经绑好：发 /staff 打开工作台"
    people = []
    async with database.transaction() as session:
        department_id = await add_department(session, OPERATOR, "工作专班（演示）")
        for place, (role, (name, roles)) in enumerate(_OFFICE.items()):
            phone = f"1990099001{place}"
            user_id = await _arrives(client, name, phone, how)
            account = await add_account(session, data.settings.vault(), OPERATOR, name, roles)
            account.chat_id, account.linked_at = user_id, datetime.now(UTC)
            is_supervisor = StaffRole.ADMIN in roles
            if is_supervisor or StaffRole.CASE_OFFICER in roles:
                await session.flush()
                await set_member(session, OPERATOR, department_id, account.id, is_supervisor=is_supervisor)
            people.append(DemoPerson(role, user_id, name, phone, None, [], None, how))
    return people


async def _arrives(client: aiohttp.ClientSession, name: str, phone: str, note: str) -> int:
    asked = {"first_name": name, "phone": phone, "language_code": "zh-hans", "note": note}
    async with client.post("/play/users", json=asked) as response:
        response.raise_for_status()
        return int((await response.json())["id"])


async def _code_for_a_relative(session: AsyncSession, data: DemoData, agreement: str) -> str:
    [found] = await find_agreements(session, agreement)
    code, _ = await issue_code(session, data.settings.vault(), found, issued_by="demo", valid_for=timedelta(days=30))
    return code
