"""The bench itself runs: every subject, the estate, the report."""

import sys
from pathlib import Path

import pytest

from tests.bench.processes import python, run_to_end

pytestmark = pytest.mark.long


def test_the_bench_runs_and_writes_its_report(tmp_path: Path) -> None:
    written = tmp_path / "docs" / "bench.md"
    printed = run_to_end("the bench", python("tests.bench", "--quick", "--write", str(written)), {}, 240)
    report = written.read_text()
    assert printed.strip() == report.strip()
    subjects = ("python-telegram-bot, echo", "aiogram, echo", "shanglou: bot + API + PostgreSQL")
    for told in (
        *subjects,
        "MB",
        "calamine",
        "at 2,000 households",
        "The complaint desk at 2,000 cases",
        "broadcast, limit 30",
    ):
        assert told in report
    assert str(Path.cwd()) not in report
    assert sys.prefix not in report
