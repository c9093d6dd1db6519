"""Puts the sample together: the same seed and size always make the same four files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from api.imports.report import OnProgress
from api.imports.sample.agreements import Families
from api.imports.sample.estate import Estate
from api.imports.sample.people import SamplePeople
from api.imports.sample.rolls import Hand, fee_sheet, progress_sheet, purchase_sheets, relocation_sheet
from api.imports.sample.writing import SheetPlan, write_workbook

AS_OF = date(2026, 11, 20)
MIN_HOUSEHOLDS = 10


@dataclass(frozen=True)
class Sample:
    """The files that were written, and the people to try it with."""

    paths: list[Path]
    people: SamplePeople


def write_sample(
    folder: Path,
    *,
    households: int = 10_000,
    seed: int = 1,
    as_of: date = AS_OF,
    on_progress: OnProgress | None = None,
) -> Sample:
    """Write the four rolls into a folder. Blocking: some seconds for 10,000 households.

    Args:
        folder: made if it does not exist; files of the same names are replaced.
        households: half of them relocated, half buyers; at least 10.
        seed: the same one makes the same bytes.
        as_of: the date that the titles tell. What happens in the sample ends at 2026-11-20.
        on_progress: told the file, how many are done, and of how many.
    """
    if households < MIN_HOUSEHOLDS:
        raise ValueError(f"at least {MIN_HOUSEHOLDS} households")
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(seed)  # noqa: S311 - invented data, nothing secret
    estate = Estate(random, households)
    families = Families(random, estate, households)
    hand = Hand(random)
    plans: dict[str, Callable[[], list[SheetPlan]]] = {
        "安置台账": lambda: [relocation_sheet(families.relocations, as_of, hand)],
        "购房台账": lambda: purchase_sheets(families.purchases, as_of, hand),
        "过渡费发放表": lambda: [fee_sheet(families.relocations, as_of, hand)],
        "楼栋进度表": lambda: [progress_sheet(estate, as_of, hand)],
    }
    paths = []
    for done, (name, plan) in enumerate(plans.items()):
        if on_progress:
            on_progress(f"{name}.xlsx", done, len(plans))
        path = folder / f"{name}.xlsx"
        write_workbook(path, plan())
        paths.append(path)
    if on_progress:
        on_progress("完成", len(plans), len(plans))
    return Sample(paths, families.picked())
