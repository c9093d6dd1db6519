"""What rules are made of: the places of the estate, and agreement numbers from a file."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit.service import record
from api.broadcasts.problems import known_numbers
from api.broadcasts.schemas import (
    MAX_NUMBERS,
    BuildingsOf,
    EntrancesOf,
    NumbersFound,
    ParcelsOf,
    PhasesOf,
)
from api.broadcasts.service import By
from api.errors import TooLarge, TooMany, UnsupportedType
from api.estate.models import Building, Parcel, Phase, Project, Unit
from api.identity.documents import normalise_agreement_number
from api.imports.cells import Cell, number_text, text
from api.imports.problems import BadCell, UnreadableFile
from api.imports.workbook import open_workbook

MAX_FILE_BYTES = 5_000_000
MAX_LINES = 3
"""A text with more lines is a table, unless it has one column."""
_SEPARATORS = str.maketrans(dict.fromkeys("、，；;,|\t\r\n", " "))


async def list_places(session: AsyncSession, by: By) -> list[ParcelsOf]:
    """Every project with its parcels, phases, buildings and entrances, each in the order of the roll. They name
    nobody."""
    tree: dict[Any, list[Any]] = {}
    entrances: dict[int, list[str]] = {}
    units = select(Unit.building_id, Unit.entrance).where(Unit.entrance.is_not(None)).distinct()
    entrance: Any
    for building_id, entrance in await session.execute(units.order_by(Unit.building_id, Unit.entrance)):
        entrances.setdefault(building_id, []).append(entrance)
    for building in await session.scalars(select(Building).order_by(Building.id)):
        its = EntrancesOf(
            id=building.id, name=building.name, entrances=sorted(entrances.get(building.id, ()), key=_naturally)
        )
        tree.setdefault((Phase, building.phase_id), []).append(its)
    for phase in await session.scalars(select(Phase).order_by(Phase.id)):
        found = BuildingsOf(id=phase.id, name=phase.name, buildings=tree.get((Phase, phase.id), []))
        tree.setdefault((Parcel, phase.parcel_id), []).append(found)
    for parcel in await session.scalars(select(Parcel).order_by(Parcel.id)):
        phases = PhasesOf(id=parcel.id, name=parcel.name, phases=tree.get((Parcel, parcel.id), []))
        tree.setdefault((Project, parcel.project_id), []).append(phases)
    projects = await session.scalars(select(Project).order_by(Project.id))
    await record(session, by.actor, "places.listed", "project", [None])
    return [
        ParcelsOf(id=project.id, name=project.name, parcels=tree.get((Project, project.id), [])) for project in projects
    ]


def _naturally(name: str) -> tuple[int, str]:
    """2 before 10."""
    return (int(name) if name.isdecimal() else 10**9, name)


async def receive(body: AsyncIterator[bytes]) -> bytes:
    """
    Raises:
        TooLarge
    """
    parts, size = [], 0
    async for chunk in body:
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise TooLarge(max_bytes=MAX_FILE_BYTES)
        parts.append(chunk)
    return b"".join(parts)


def columns_of(content: bytes, filename: str) -> list[list[str]]:
    """What stands in each column of a spreadsheet or text, as agreement numbers may. Blocking.

    Raises:
        UnsupportedType: it is none that can be read.
    """
    suffix = Path(filename.replace("\0", "")).suffix.lower()[:10]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"numbers{suffix or '.txt'}"
        path.write_bytes(content)
        try:
            sheets = open_workbook(path).sheets
        except UnreadableFile as error:
            raise UnsupportedType from error
    columns = []
    for sheet in sheets:
        its_columns = list(zip_longest(*sheet.rows, fillvalue=""))
        columns += [[*filter(None, map(_number, column))] for column in its_columns]
        # Numbers one behind the other, as people paste them.
        if len(its_columns) == 1 or len(sheet.rows) <= MAX_LINES:
            columns.append([written for row in sheet.rows for written in _line(row)])
    return [column for column in columns if column]


def _line(row: Sequence[Cell]) -> list[str]:
    return " ".join(filter(None, map(text, row))).translate(_SEPARATORS).split()


def _number(cell: Cell) -> str | None:
    try:
        return number_text(cell)
    except BadCell:
        return None


async def find_numbers(session: AsyncSession, by: By, columns: list[list[str]]) -> NumbersFound:
    """The column with the most numbers of agreements in it. What stands above the first of them is its heading.

    Raises:
        TooMany: more than a rule can have.
    """
    keys = {written: normalise_agreement_number(written) for column in columns for written in column}
    known = await known_numbers(session, list({*keys.values()}))
    best = max(columns, key=lambda column: len({keys[written] for written in column} & known), default=[])
    found: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for written in best:
        if keys[written] in known:
            found.setdefault(keys[written], written)
        elif found or any(character.isdecimal() for character in written):
            unknown.setdefault(keys[written], written[:80])
    if max(len(found), len(unknown)) > MAX_NUMBERS:
        raise TooMany(max=MAX_NUMBERS)
    await record(session, by.actor, "broadcast.numbers_read", "broadcast", [None])
    return NumbersFound(found=list(found.values()), unknown=list(unknown.values()))
