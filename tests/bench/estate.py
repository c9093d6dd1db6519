"""The estate that the residents ask about: an invented one, loaded by the importer, and chats linked to it.

``python -m tests.bench.estate DATABASE FOLDER HOUSEHOLDS RESIDENTS`` in a process of its own; it tells on stdout, as
JSON, how long things took.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
from python_calamine import CalamineWorkbook

from api.db import Database
from api.imports.sample import write_sample
from api.imports.service import load_rolls
from api.privacy import Vault
from tests.bench.fake_telegram import FIRST_CHAT
from tests.bench.processes import Failed, peak_megabytes

# Holders from the whole estate, each linked to all that is theirs, as a shared phone number does it.
_LINK = """
WITH holders AS (
    SELECT person_id, row_number() OVER (ORDER BY person_id) - 1 AS number, count(*) OVER () AS all_holders
    FROM (SELECT DISTINCT person_id FROM parties WHERE role = 'holder') AS every
), chosen AS (
    SELECT person_id, row_number() OVER (ORDER BY number) - 1 AS resident
    FROM holders WHERE number * $2::bigint % all_holders < $2
)
INSERT INTO links (chat_id, agreement_id, person_id, role, method)
SELECT $1::bigint + resident, agreement_id, person_id, role, 'phone'
FROM chosen JOIN parties USING (person_id) WHERE resident < $2 AND role IN ('holder', 'co_owner')
"""


@dataclass(frozen=True)
class Loaded:
    """Times are seconds, memory is MB."""

    rows: int
    bare_seconds: float
    import_seconds: float
    import_cpu_seconds: float
    again_seconds: float
    peak_mb: float
    residents: int


async def load(url: str, folder: Path, households: int, residents: int) -> Loaded:
    """
    Raises:
        Failed: the importer refused the sample, or it has fewer holders than residents are wanted.
    """
    vault = Vault(os.environ["SHANGLOU_ENCRYPTION_KEYS"], os.environ["SHANGLOU_INDEX_KEY"])
    paths = write_sample(folder, households=households, seed=1).paths
    start = time.perf_counter()
    rows = sum(_read_bare(path) for path in paths)
    bare_seconds = time.perf_counter() - start
    database = Database(url, pool_size=2)
    try:
        import_seconds, import_cpu_seconds = await _import(database, vault, paths)
        again_seconds, _ = await _import(database, vault, paths)
    finally:
        await database.close()
    linked = await _link(url, residents)
    return Loaded(rows, bare_seconds, import_seconds, import_cpu_seconds, again_seconds, peak_megabytes(), linked)


def _read_bare(path: Path) -> int:
    with CalamineWorkbook.from_path(path) as workbook:
        return sum(len(workbook.get_sheet_by_name(name).to_python()) for name in workbook.sheet_names)


async def _import(database: Database, vault: Vault, paths: list[Path]) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    reports = await load_rolls(database, vault, paths)
    took = time.perf_counter() - start, time.process_time() - cpu
    if not all(report.loaded for report in reports):
        raise Failed("the importer refused the sample")
    return took


async def _link(url: str, residents: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_LINK, FIRST_CHAT, residents)
        linked: int = await connection.fetchval("SELECT count(DISTINCT chat_id) FROM links")
        # What autovacuum does some time after a load; it must not do it in the middle of a measurement.
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    if linked != residents:
        raise Failed(f"the estate has holders for {linked} chats only")
    return linked


if __name__ == "__main__":
    url, folder, households, residents = sys.argv[1:]
    loaded = asyncio.run(load(url, Path(folder), int(households), int(residents)))
    print(json.dumps(asdict(loaded)), flush=True)
