"""Anybody can make up what a button carries: each kind of button with numbers that lead nowhere, pressed by a stranger,
by a resident and by the office. The fuzzer meets them by chance; here all of them are met each time."""

import asyncio
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from api.staff.schemas import StaffRole
from bot.callbacks import Callback, TooLong
from tests.api.test_staff import staff
from tests.factories import Factory
from tests.flows.conftest import Household
from tests.hostile.conftest import Complaints, HookedSystem, settled
from tests.hostile.mutations import body_of
from tests.hostile.shapes import button_kinds
from tests.people import Person

pytestmark = [pytest.mark.long, pytest.mark.security("Hostile input arrives as text, or not at all")]

NUMBERS = (-(2**63), -1041, 0, 4_000_000, 2**63 - 1, 2**63)
WORDS = ("", "0", "XF-2026-999999", "没有")


def values(kind: Any) -> list[Any]:
    """What a field of this kind carries that leads nowhere."""
    options = get_args(kind) or (kind,)
    found: list[Any] = []
    for option in options:
        if option is NoneType:
            found.append(None)
        elif option is bool:
            found += [False, True]
        elif option is int:
            found += NUMBERS
        elif option is str:
            found += WORDS
        elif issubclass(option, Enum):
            found += list(option)
    return found


def made_up(kind: type[Callback]) -> Iterator[str]:
    """As many as the field with the most values has; the other fields take turns."""
    hints = get_type_hints(kind)
    choices = [values(hints[field.name]) for field in fields(kind)]  # type: ignore[arg-type]
    for turn in range(max(map(len, choices), default=1)):
        try:
            yield kind(*(options[turn % len(options)] for options in choices)).encode()
        except TooLong:
            continue


def tap(number: int, person: Person, message_id: int, data: str) -> bytes:
    user = {"id": person.id, "is_bot": False, "first_name": "王", "language_code": "zh-hans"}
    chat = {"id": person.id, "type": "private", "first_name": "王"}
    message = {"message_id": message_id, "date": 1, "chat": chat, "text": "x"}
    query = {"id": str(number), "from": user, "chat_instance": "1", "data": data, "message": message}
    return body_of({"update_id": number, "callback_query": query})


async def pressed(hooked: HookedSystem, person: Person, first: int) -> dict[int, str]:
    """Every made-up button; by its update's number what it carried."""
    await person.send("/help")
    message_id = (await person.expect("")).id
    data = [data for kind in button_kinds() for data in made_up(kind)]
    sent = dict(enumerate(data, first))
    for number, carried in sent.items():
        assert await hooked.post(tap(number, person, message_id, carried)) == 200
    return sent


async def test_each_kind_of_button(
    hooked: HookedSystem, factory: Factory, household: Household, complaints: Complaints
) -> None:
    stranger, resident, office = [await hooked.person(name) for name in ("王样本", "张样本", "接访甲")]
    await factory.link(resident.id, household.agreement)
    await staff(factory, office.id, *StaffRole, name="接访甲")
    pressing = (pressed(hooked, person, 10_000 * n) for n, person in enumerate((stranger, resident, office), 1))
    sent: dict[int, str] = {}
    for part in await asyncio.gather(*pressing):
        sent |= part
    await settled(hooked, 60)

    failed = {(entry.get("at"), sent.get(entry.get("update_id", 0))) for entry in complaints.of_ours}
    assert not failed, "\n".join(f"{at}: {carried}" for at, carried in sorted(failed, key=str))
    assert len(sent) > 1_000
