"""From the version before to this one, part by part, while residents are in the middle of conversations."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from api.cases.models import Case
from api.db import Database
from api.privacy import Vault
from api.settings import Settings
from tests.factories import Factory
from tests.flows.conftest import new_household
from tests.people import Person
from tests.replicas.contract import contract_of, kept
from tests.replicas.deployment import Deployment
from tests.replicas.processes import migrate
from tests.replicas.versions import NoHistory, previous_version

pytestmark = pytest.mark.long


async def lets_in(system: Deployment, factory: Factory, name: str) -> Person:
    """A family comes for the first time: consent, phone, the last four digits."""
    household = await new_household(factory)
    person = await system.person(name, phone=household.phone)
    await person.send("/home")
    await person.tap("验证身份")
    await person.tap("我看过了")
    await person.tap("用手机号")
    await person.tap("同意")
    await person.press("发送我的手机号")
    await person.expect("后四位")
    await person.send(household.id_number[-4:])
    await person.expect("找到您的1份协议", household.agreement.number)
    return person


async def looks_up(person: Person) -> None:
    await person.send("/handover")
    await person.expect("交房")


async def complains(person: Person) -> None:
    await person.send("/complain")
    await person.tap("房屋质量")
    await person.expect("把事情写下来")


async def writes(person: Person) -> None:
    await person.send(f"{person.name}的厨房漏水")
    await person.expect("内容收到了")


async def submits(person: Person) -> None:
    await person.tap("继续")
    await person.expect("请核对一下")
    await person.tap("提交")
    await person.expect("您的投诉已经提交")


async def does_everything(system: Deployment, factory: Factory, name: str) -> Person:
    person = await lets_in(system, factory, name)
    await looks_up(person)
    await complains(person)
    await writes(person)
    await submits(person)
    return person


async def test_the_version_before_goes_on_working_while_this_one_comes(
    settings: Settings, vault: Vault, empty_url: str, tmp_path: Path
) -> None:
    try:
        previous = previous_version(tmp_path)
    except NoHistory as why:
        pytest.skip(str(why))
    assert contract_of(previous) == kept(), "run python -m tests.replicas.contract"
    database = Database(empty_url, pool_size=2)
    async with Deployment(settings, empty_url, tmp_path) as system, AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        factory = Factory(database, vault)
        await migrate(system.office, version=previous)
        old_api, old_bot = system.an_api(0, version=previous), system.a_bot(0, version=previous)
        await system.run(old_api)
        await system.run(old_bot)
        early = await system.person("早来的人")
        await early.send("/start")
        await early.expect("您想查什么")

        # First the database, on which the old API goes on.
        await migrate(system.office)
        patient = await lets_in(system, factory, "慢慢来的人")
        people = [await does_everything(system, factory, "库新的时候")]
        await complains(patient)

        # Then the APIs, one after the other: old bots ask either.
        await system.run(system.an_api(1))
        people.append(await does_everything(system, factory, "新旧接口都在的时候"))
        await old_api.end()
        people.append(await does_everything(system, factory, "接口新的时候"))
        await writes(patient)

        # Last the bots: a conversation goes on with either.
        await system.run(system.a_bot(1))
        people.append(await does_everything(system, factory, "新旧机器人都在的时候"))
        await old_bot.end()
        people.append(await does_everything(system, factory, "全新的时候"))
        await looks_up(patient)
        await submits(patient)
        await early.send("/help")
        await early.expect_any()

        async with database.transaction() as session:
            cases = (await session.execute(select(Case))).scalars().all()
        told = {case.chat_id: vault.open("case.text", case.text) for case in cases}
        assert told == {person.id: f"{person.name}的厨房漏水" for person in [patient, *people]}
        assert len(cases) == len(told)
