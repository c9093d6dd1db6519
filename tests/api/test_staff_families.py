"""Who sees an agreement, as staff see it: masked, without chats, and ended where it has to be."""

from datetime import timedelta

import aiohttp
import pytest

from api.agreements.schemas import PartyRole
from api.db import Database
from api.estate.models import Project
from api.identity.schemas import LinkMethod, LinkRole, LinkScope
from api.privacy import Vault
from api.staff.schemas import StaffAgreementFound, StaffAgreementOut, StaffLinkCodeOut, StaffRole
from tests.api.calls import by_code, call, numbers, own, prove
from tests.api.test_link_life import told
from tests.api.test_staff import OFFICER, OTHER, actions, staff
from tests.days import office_day
from tests.factories import Factory

pytestmark = pytest.mark.security("Staff see what their role needs, masked, and end any link")

HOLDER, CHILD, PROXY = 700100200, 700100201, 700100202
PATH = f"/v1/staff/{OFFICER}/agreements"


async def found(api: aiohttp.ClientSession, number: str) -> list[StaffAgreementFound]:
    answer = await call(api, "GET", PATH, params={"number": number})
    return [StaffAgreementFound.model_validate(one) for one in answer]


async def test_an_agreement_is_found_however_its_number_is_spelled(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    viewer = await staff(factory, OFFICER, StaffRole.VIEWER)
    who = factory.invented()
    first = await factory.agreement(people=[await factory.person(who)], number="AZ-2021-0034")
    other = await factory.add(Project(name="Another redevelopment"))
    second = await factory.add(
        type(first)(
            project_id=other.id,
            kind=first.kind,
            number="AZ-2021-0034",
            number_key="AZ-2021-0034",
            source=first.source,
            as_of=first.as_of,
        )
    )
    both = await found(api, "az－2021－0034")
    assert [(one.agreement.id, one.project) for one in both] == [
        (first.id, "Invented redevelopment"),
        (second.id, "Another redevelopment"),
    ]
    assert both[0].agreement.holder == who.name[0] + "*" * (len(who.name) - 1)
    assert [(what, actor, on) for what, _, actor, on in await actions(database) if what == "agreement.found"] == [
        ("agreement.found", viewer, first.id),
        ("agreement.found", viewer, second.id),
    ]
    for nothing in ("AZ-9999", "\0", "字" * 80):
        assert await found(api, nothing) == []


async def test_whom_the_roll_names_and_who_sees_it_masked(
    api: aiohttp.ClientSession, database: Database, factory: Factory
) -> None:
    clerk = await staff(factory, OFFICER, StaffRole.CLERK)
    who, proxy = factory.invented(), factory.invented()
    holder, authorised = await factory.person(who), await factory.person(proxy)
    agreement = await factory.agreement(people=[holder], number="A-1001")
    day = office_day() + timedelta(days=30)
    await factory.party(agreement, authorised, PartyRole.PROXY, position=1, valid_until=day)
    await factory.link(HOLDER, agreement, person=holder)
    await factory.link(CHILD, agreement, role=LinkRole.RELATIVE, method=LinkMethod.CODE, scope=LinkScope.PROGRESS)
    await factory.link(PROXY, agreement, person=authorised, role=LinkRole.PROXY, expires_on=office_day())
    await factory.link(PROXY + 1, agreement, revoked=True)
    async with api.get(f"{PATH}/{agreement.id}") as response:
        body = await response.text()
    one = StaffAgreementOut.model_validate_json(body)
    assert [(party.role, party.name[0], party.valid_until) for party in one.parties] == [
        (PartyRole.HOLDER, who.name[0], None),
        (PartyRole.PROXY, proxy.name[0], day),
    ]
    assert [(link.role, link.live, link.person is None, link.valid_until) for link in one.links] == [
        (LinkRole.HOLDER, True, False, None),
        (LinkRole.RELATIVE, True, True, None),
        (LinkRole.PROXY, False, False, day),
    ]
    for secret in (who.name, proxy.name, who.phone, who.id_number[-6:], str(HOLDER), str(CHILD), str(PROXY)):
        assert secret not in body
    assert ("links.seen", "staff", clerk, agreement.id) in await actions(database)
    await call(api, "GET", f"{PATH}/999999", 404)


async def test_a_link_is_ended_with_those_whom_it_let_in(
    api: aiohttp.ClientSession, database: Database, factory: Factory, vault: Vault
) -> None:
    """An impostor passed as the holder and let a friend in: both are out and told, and the record says by whom."""
    officer = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    who = factory.invented()
    agreement = await factory.agreement(people=[await factory.person(who)], number="A-1001")
    link = await factory.link(HOLDER, agreement)
    codes = f"/v1/chats/{HOLDER}/agreements/{agreement.id}/codes"
    code = await call(api, "POST", codes, 201, json={"scope": "everything"})
    await prove(api, CHILD, by_code(code["code"]))
    await call(api, "DELETE", f"/v1/staff/{OFFICER}/links/{link.id}", 204)
    for chat_id in (HOLDER, CHILD):
        assert numbers(await call(api, "GET", f"/v1/chats/{chat_id}/links")) == []
    news = await told(database, vault, "link_ended")
    assert {chat_id: news[chat_id]["by"] for chat_id in news} == {HOLDER: "staff", CHILD: "staff"}
    assert ("link.ended", "staff", officer, link.id) in await actions(database)
    await call(api, "DELETE", f"/v1/staff/{OFFICER}/links/{link.id}", 404)


async def test_a_code_from_the_counter(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    officer = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    agreement = await factory.agreement(number="A-1001")
    codes = f"{PATH}/{agreement.id}/codes"
    day = office_day() + timedelta(days=60)
    wanted = {"role": "proxy", "scope": "progress", "valid_until": str(day), "days": 3}
    code = StaffLinkCodeOut.model_validate(await call(api, "POST", codes, 201, json=wanted))
    assert (code.role, code.scope, code.valid_until) == (LinkRole.PROXY, LinkScope.PROGRESS, day)
    (link,) = own(await prove(api, PROXY, by_code(code.code)))
    assert (link["role"], link["scope"], link["valid_until"]) == ("proxy", "progress", str(day))
    assert "code.issued" in [what for what, kind, actor, _ in await actions(database) if actor == officer]
    for wrong in ({"role": "proxy"}, {"role": "holder"}, {"valid_until": "2020-01-01"}, {"days": 91}):
        await call(api, "POST", codes, 422, json=wrong)
    await call(api, "POST", f"{PATH}/999999/codes", 404, json={})


async def test_who_may_not_let_in_may_not_end_either(api: aiohttp.ClientSession, factory: Factory) -> None:
    await staff(factory, OTHER, StaffRole.VIEWER, StaffRole.CLERK, StaffRole.PUBLISHER, StaffRole.APPROVER)
    agreement = await factory.agreement()
    link = await factory.link(HOLDER, agreement)
    await call(api, "GET", f"/v1/staff/{OTHER}/agreements/{agreement.id}")
    await call(api, "DELETE", f"/v1/staff/{OTHER}/links/{link.id}", 403)
    await call(api, "POST", f"/v1/staff/{OTHER}/agreements/{agreement.id}/codes", 403, json={})
    assert len((await call(api, "GET", f"/v1/chats/{HOLDER}/links"))["links"]) == 1


async def test_codes_of_the_counter_end_with_the_role_that_gives_them(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    admin = 700100297
    await staff(factory, admin, StaffRole.ADMIN)
    officer = await staff(factory, OFFICER, StaffRole.CASE_OFFICER, StaffRole.CLERK)
    agreement = await factory.agreement(people=[await factory.person()])
    code = (await call(api, "POST", f"{PATH}/{agreement.id}/codes", 201, json={"days": 90}))["code"]
    await call(api, "PATCH", f"/v1/staff/{admin}/accounts/{officer}", json={"roles": ["clerk"]})
    await prove(api, CHILD, by_code(code), 403)
    # Nor does it come back with the role.
    await call(api, "PATCH", f"/v1/staff/{admin}/accounts/{officer}", json={"roles": ["case_officer"]})
    await prove(api, CHILD, by_code(code), 403)
    again = (await call(api, "POST", f"{PATH}/{agreement.id}/codes", 201, json={}))["code"]
    await prove(api, CHILD, by_code(again))


async def test_codes_of_the_counter_end_with_the_officer_and_with_who_is_shut_out(
    api: aiohttp.ClientSession, factory: Factory
) -> None:
    """A stolen phone of the office opens no home, no officer lets themselves in, and who is out stays out."""
    admin = 700100297
    await staff(factory, admin, StaffRole.ADMIN)
    thief = await staff(factory, OFFICER, StaffRole.CASE_OFFICER)
    agreement = await factory.agreement(people=[await factory.person()])
    codes = f"{PATH}/{agreement.id}/codes"
    first, second, third = [(await call(api, "POST", codes, 201, json={"days": 7}))["code"] for _ in range(3)]
    await prove(api, OFFICER, by_code(first), 403)
    (link,) = own(await prove(api, CHILD, by_code(first)))
    await call(api, "DELETE", f"/v1/staff/{OFFICER}/links/{link['id']}", 204)
    await prove(api, CHILD, by_code(second), 403)
    fourth = (await call(api, "POST", codes, 201, json={"days": 7}))["code"]
    await call(api, "PATCH", f"/v1/staff/{admin}/accounts/{thief}", json={"disabled": True})
    await call(api, "PATCH", f"/v1/staff/{admin}/accounts/{thief}", json={"disabled": False})
    for code in (third, fourth):
        await prove(api, PROXY, by_code(code), 403)
