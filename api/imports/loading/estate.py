"""Parcels, phases, buildings and units: found by their names, made where a roll names new ones."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table, select

from api.estate.models import Building, Parcel, Phase, Unit
from api.imports.loading.bulk import Bulk, within
from api.imports.places import inside
from api.imports.records import AgreementRecord, Home, ProgressRecord
from api.imports.report import RollReport
from api.imports.rolls import Roll
from api.imports.rows import Row

BuildingPlace = tuple[str, str, str]
"""Parcel, phase, building."""
UnitPlace = tuple[int, str | None, str]
"""Id of the building, entrance, room."""

_parcels: Table = Parcel.__table__  # type: ignore[assignment]
_phases: Table = Phase.__table__  # type: ignore[assignment]
_buildings: Table = Building.__table__  # type: ignore[assignment]
_units: Table = Unit.__table__  # type: ignore[assignment]


class Estate:
    """The project's buildings, stored ones and those that the rolls at hand name in full."""

    def __init__(self, project_id: int) -> None:
        self._project_id = project_id
        self._parcel_ids: dict[str, int] = {}
        self._phase_ids: dict[tuple[str, str], int] = {}
        self._building_ids: dict[BuildingPlace, int] = {}
        self._by_name: defaultdict[str, dict[BuildingPlace, None]] = defaultdict(dict)

    @classmethod
    async def open(cls, bulk: Bulk, project_id: int) -> "Estate":
        estate = cls(project_id)
        for id_, name in await bulk.rows(select(Parcel.id, Parcel.name).where(Parcel.project_id == project_id)):
            estate._parcel_ids[name] = id_
        for id_, parcel, name in await bulk.rows(
            select(Phase.id, Parcel.name, Phase.name).join(Parcel).where(Parcel.project_id == project_id)
        ):
            estate._phase_ids[parcel, name] = id_
        for id_, parcel, phase, name in await bulk.rows(
            select(Building.id, Parcel.name, Phase.name, Building.name)
            .join(Phase, Phase.id == Building.phase_id)
            .join(Parcel, Parcel.id == Phase.parcel_id)
            .where(Parcel.project_id == project_id)
        ):
            estate._building_ids[parcel, phase, name] = id_
            estate._by_name[name][parcel, phase, name] = None
        return estate

    def announce(self, roll: Roll) -> None:
        """Fill in what a sheet's name or title tells of parcel and phase, and take note of every place that is named
        in full, so that a roll without parcels can be understood by means of one that has them."""
        told: dict[str, tuple[str | None, str | None]] = {}
        named: list[Home | ProgressRecord] = [home for record in roll.agreements for home in record.homes]
        named += roll.progress
        for place in named:
            sheet = place.row.rows.sheet.name
            if sheet not in told:
                by_name, by_title = inside(sheet), inside(place.row.rows.headings.title)
                told[sheet] = (by_name[0] or by_title[0], by_name[1] or by_title[1])
            place.parcel, place.phase = place.parcel or told[sheet][0], place.phase or told[sheet][1]
            if place.parcel and place.phase:
                self._by_name[place.building][place.parcel, place.phase, place.building] = None

    def find(self, row: Row, parcel: str | None, phase: str | None, building: str) -> BuildingPlace | None:
        """The full place of a building; an error at the row where it cannot be told."""
        if parcel and phase:
            return parcel, phase, building
        candidates = [
            place
            for place in self._by_name.get(building, ())
            if parcel in (None, place[0]) and phase in (None, place[1])
        ]
        if len(candidates) == 1:
            return candidates[0]
        name = "building" if row.has("building") else "room"
        if not candidates:
            row.fail(name, "已知的楼栋，或者写明地块和期（加“地块”“期”两列，或写在标题、工作表名里；不分期的写“一期”）")
        else:
            known = "、".join(f"{p}地块{f}" for p, f, _ in sorted(candidates)[:5])
            row.fail(name, f"写明地块和期：{known}都有{building}号楼")
        return None

    async def ensure(self, bulk: Bulk, places: Iterable[BuildingPlace], report: RollReport) -> None:
        """Make the parcels, phases and buildings that are not there yet."""
        wanted = [place for place in dict.fromkeys(places) if place not in self._building_ids]
        parcels = [name for name in dict.fromkeys(p for p, _, _ in wanted) if name not in self._parcel_ids]
        ids = await bulk.ids(_parcels, len(parcels))
        await bulk.insert(
            _parcels,
            ("id", "project_id", "name"),
            [(i, self._project_id, n) for i, n in zip(ids, parcels, strict=True)],
        )
        self._parcel_ids |= dict(zip(parcels, ids, strict=True))
        phases = [key for key in dict.fromkeys((p, f) for p, f, _ in wanted) if key not in self._phase_ids]
        ids = await bulk.ids(_phases, len(phases))
        await bulk.insert(
            _phases,
            ("id", "parcel_id", "name"),
            [(i, self._parcel_ids[p], f) for i, (p, f) in zip(ids, phases, strict=True)],
        )
        self._phase_ids |= dict(zip(phases, ids, strict=True))
        ids = await bulk.ids(_buildings, len(wanted))
        await bulk.insert(
            _buildings,
            ("id", "phase_id", "name"),
            [(i, self._phase_ids[p, f], b) for i, (p, f, b) in zip(ids, wanted, strict=True)],
        )
        self._building_ids |= dict(zip(wanted, ids, strict=True))
        if wanted:
            report.facts["buildings"].added += len(wanted)

    def building_id(self, place: BuildingPlace) -> int:
        return self._building_ids[place]


async def settle_units(
    bulk: Bulk, estate: Estate, records: Iterable[AgreementRecord], report: RollReport
) -> dict[str, list[int]]:
    """Make or correct the units that the records name. Returns the units' ids by agreement number."""
    homes = [(record.number_key, home) for record in records for home in record.homes]
    places = [(home.parcel or "", home.phase or "", home.building) for _, home in homes]
    await estate.ensure(bulk, places, report)
    wanted: dict[UnitPlace, Home] = {}
    of_agreement: defaultdict[str, dict[UnitPlace, None]] = defaultdict(dict)
    for (number_key, home), place in zip(homes, places, strict=True):
        key = (estate.building_id(place), home.entrance, home.room)
        of_agreement[number_key][key] = None
        first = wanted.setdefault(key, home)
        # The same unit on several rows: the first row that tells a thing is believed, so that a second load agrees.
        first.layout = first.layout or home.layout
        first.area_m2 = home.area_m2 if first.area_m2 is None else first.area_m2
    building_ids = list({key[0] for key in wanted})
    stored = {
        (unit.building_id, unit.entrance, unit.room): unit
        for unit in await bulk.rows(select(_units).where(within(_units.c.building_id, building_ids)))
    }
    tally = report.facts["units"]
    new: list[tuple[UnitPlace, tuple[Any, ...]]] = []
    changed = []
    for key, home in wanted.items():
        unit = stored.get(key)
        if unit is None:
            new.append((key, (home.kind, home.layout, home.area_m2)))
            continue
        values = (home.kind, home.layout or unit.layout, unit.area_m2 if home.area_m2 is None else home.area_m2)
        if values == (unit.kind, unit.layout, unit.area_m2):
            tally.unchanged += 1
        else:
            tally.changed += 1
            changed.append((unit.id, *values))
            report.example(f"{home.building}号楼{home.room}：户型、面积或用途有变化")
    tally.added += len(new)
    fresh = await bulk.ids(_units, len(new))
    columns = ("building_id", "entrance", "room", "kind", "layout", "area_m2")
    await bulk.insert(
        _units, ("id", *columns), [(i, *key, *values) for i, (key, values) in zip(fresh, new, strict=True)]
    )
    await bulk.update(_units, ("id",), columns[3:], changed)
    ids = {key: unit.id for key, unit in stored.items()} | {key: i for i, (key, _) in zip(fresh, new, strict=True)}
    return {number_key: [ids[key] for key in keys] for number_key, keys in of_agreement.items()}
