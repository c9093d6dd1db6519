"""Key figures of the defences, and the table that ``make security`` prints.

``figure("expected takeovers in 24 h", "0.003")`` keeps a number that a test found; it is shown at the end of every
run. ``pytestmark = pytest.mark.security("Guessing is hopeless")`` says which defence the tests of a module show.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath

import pytest
from _pytest.terminal import TerminalReporter
from rich.console import Console
from rich.table import Table

Figure = Callable[[str, object], None]
_DEFENCE = "defence"
_FIGURE = "figure"


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Keeps a key figure of this test: its name, and its value as it shall be read."""

    def keep(name: str, value: object) -> None:
        record_property(_FIGURE, f"{name}: {value}")

    return keep


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "security(defence): shows that one of the defences holds; `make security`")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("security")
        if marker is not None:
            (defence,) = marker.args
            # With the report it comes from a worker to who prints the table.
            item.user_properties.append((_DEFENCE, defence))


@dataclass
class _Row:
    tests: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    files: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    @property
    def result(self) -> str:
        if self.failed:
            return f"{self.failed} FAILED"
        return "held" if self.tests > self.skipped else "not tried"


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    reports = [
        report
        for kind in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(kind, [])
        if isinstance(report, pytest.TestReport)
    ]
    figures = [str(value) for report in reports for name, value in report.user_properties if name == _FIGURE]
    if "security" in config.getoption("markexpr"):
        terminalreporter.section("defences")
        _print_table(terminalreporter, _rows(reports))
    elif figures:
        terminalreporter.section("figures")
        for line in sorted(set(figures)):
            terminalreporter.write_line(line)


def _rows(reports: list[pytest.TestReport]) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    for report in reports:
        properties = list(report.user_properties)
        for defence in (str(value) for name, value in properties if name == _DEFENCE):
            row = rows.setdefault(defence, _Row())
            # A set-up or a tearing-down that failed is counted, but is no test of its own.
            row.tests += report.when == "call" or report.skipped
            row.failed += report.failed
            row.skipped += report.skipped
            row.seconds += report.duration
            file = PurePath(report.nodeid.partition("::")[0]).as_posix()
            if file not in row.files:
                row.files.append(file)
            row.figures += [str(value) for name, value in properties if name == _FIGURE and value not in row.figures]
    return rows


def _print_table(terminalreporter: TerminalReporter, rows: dict[str, _Row]) -> None:
    table = Table(show_lines=True)
    for heading, share in (("defence", 3), ("tests", 4), ("result", 1), ("seconds", 1), ("key figures", 6)):
        table.add_column(heading, ratio=share, overflow="fold")
    for defence, row in sorted(rows.items()):
        tests = "\n".join([f"{row.tests} in", *(file.removeprefix("tests/") for file in sorted(row.files))])
        table.add_row(defence, tests, row.result, f"{row.seconds:.1f}", "\n".join(row.figures))
    console = Console(width=max(terminalreporter._tw.fullwidth, 140), highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(table)
    terminalreporter.write(captured.get())
