"""The keys: whether this ring opens what is stored, and this index key finds it."""

import asyncio
from contextlib import suppress

from sqlalchemy import func, select

from api.db import Database, sealed_columns
from api.identity.models import Person
from api.privacy import CannotOpen, Vault
from api.rotation import keys_in_use, sealed_tables, usage
from bot.cli.doctor.findings import Finding, failed, ok, warning

USAGE_SECONDS = 12.0
"""For looking at every sealed value's head; of millions there is no time for each."""
SAMPLE = 1000
"""Rows at each end of a table in which a value is looked for, to be opened."""


async def look_at_keys(database: Database, vault: Vault) -> list[Finding]:
    in_use: set[str | None] | None = None
    with suppress(TimeoutError):
        async with asyncio.timeout(USAGE_SECONDS):
            in_use = keys_in_use(await usage(database))
    if in_use is None:
        return await _sampled(database, vault)
    strange = sorted(key_id for key_id in in_use if key_id is not None and key_id not in vault.key_ids)
    if strange:
        return [
            failed(
                "keys",
                f"有数据是用 {'、'.join(strange)} 加密的，密钥环里没有，打不开。",
                "请从密钥的备份里把它加回 SHANGLOU_ENCRYPTION_KEYS。",
            )
        ]
    if (trouble := await _trouble(database, vault)) is not None:
        return [trouble]
    if None in in_use:
        return [warning("keys", "有的数据还没有加密。", "请运行 shanglou keys rotate。")]
    old = sorted(key_id for key_id in in_use if key_id is not None and key_id != vault.active_key_id)
    more = f"；{'、'.join(old)} 也还在用" if old else ""
    return [ok("keys", f"密钥都在，抽查的数据能打开（现在用 {vault.active_key_id} 加密{more}）。")]


async def _sampled(database: Database, vault: Vault) -> list[Finding]:
    """What can be told where there is too much to look at all of it."""
    trouble = await _trouble(database, vault)
    unfinished = warning("keys", "数据太多，没有逐项查完；抽查的都能打开。", "要查全，请运行 shanglou keys status。")
    return [trouble or unfinished]


async def _trouble(database: Database, vault: Vault) -> Finding | None:
    if (place := await _unopened(database, vault)) is not None:
        return failed(
            "keys",
            f"{place} 里的数据打不开：密钥不是当初那一把（或数据坏了）。",
            "请从备份里找回原来的密钥，放进 SHANGLOU_ENCRYPTION_KEYS。",
        )
    if not await _index_fits(database, vault):
        return failed(
            "keys",
            "SHANGLOU_INDEX_KEY 和库里的索引对不上，谁都查不到。",
            "请换回原来的 SHANGLOU_INDEX_KEY；它不能更换。",
        )
    return None


async def _unopened(database: Database, vault: Vault) -> str | None:
    """The first column of which one value does not open; of each column a new one and an old one are tried."""
    for table in sealed_tables():
        for name, purpose in sealed_columns(table).items():
            for order in (list(table.primary_key), [key.desc() for key in table.primary_key]):
                some = select(table.c[name].label("value")).order_by(*order).limit(SAMPLE).subquery()
                async with database.reading() as reader:
                    value = await reader.scalar(select(some.c.value).where(func.length(some.c.value) > 0).limit(1))
                try:
                    if value is not None:
                        vault.open(purpose, value)
                except CannotOpen:
                    return f"{table.name}.{name}"
    return None


async def _index_fits(database: Database, vault: Vault) -> bool:
    newest = (
        select(Person.id_number, Person.id_number_index)
        .where(Person.id_number.is_not(None), Person.id_number_index.is_not(None))
        .order_by(Person.id.desc())
        .limit(1)
    )
    async with database.reading() as reader:
        found = (await reader.execute(newest)).one_or_none()
    if found is None or found[0] is None:
        return True
    return vault.index("person.id_number", vault.open("person.id_number", found[0])) == found[1]
