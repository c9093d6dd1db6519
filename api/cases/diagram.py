"""``python -m api.cases.diagram``: draw the lifecycle into docs/cases.md, from its table."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from api.cases.clocks import CLOCKS, Owed
from api.cases.lifecycle import TABLE
from api.cases.lifecycle_rows import When
from api.cases.schemas import CaseState

DOCUMENT = Path(__file__).parents[2] / "docs" / "cases.md"
BEGIN, END = "<!-- made by python -m api.cases.diagram: begin -->", "<!-- made by python -m api.cases.diagram: end -->"


def diagram() -> str:
    """The states, as Mermaid draws them. Steps that change no state stand below it."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in TABLE:
        for source in row.sources or ("[*]",):
            if row.target is not None and row.target != source:
                arrows[source, row.target].append(row.action)
    lines = [f"    {source} --> {target}: {', '.join(actions)}" for (source, target), actions in arrows.items()]
    left = {source for source, _ in arrows}
    lines += [f"    {state} --> [*]" for state in CaseState if state not in left]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def _steps() -> Iterator[str]:
    yield "| action | from | to | by | starts | ends | resident is told | article |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in TABLE:
        starts = [
            *row.starts,
            *(f"{kind} (to another department)" for kind in row.starts_if_moved),
            *(f"{kind} (the first time)" for kind in row.starts_once),
            *(f"{kind} (if it runs)" for kind in row.renews),
        ]
        told = {When.NEVER: "", When.ALWAYS: "yes", When.MOVED: "if it goes to another department"}[row.tells]
        when = f" (while {row.within or row.while_running} runs)" if row.within or row.while_running else ""
        when += " (with its collective case)" if row.following else ""
        when += " (a member goes on alone)" if row.leaves else ""
        by = f"{', '.join(row.by)}{', not who gave what is reviewed' if row.by_others else ''}"
        stops = "all" if len(row.stops) == len(CLOCKS) else ", ".join(row.stops)
        yield (
            f"| {row.action}{when} | {', '.join(row.sources) or '–'} | {row.target or 'the same'} | "
            f"{by} | {', '.join(starts)} | {stops} | {told} | {row.article} |"
        )


def _clocks() -> Iterator[str]:
    yield "| clock | length | whose | article |"
    yield "|---|---|---|---|"
    for kind, clock in CLOCKS.items():
        length = f"{clock.days} {'working ' if clock.working_days else ''}days"
        if clock.extendable:
            length += f", once up to {clock.extendable} more"
        whose = "the office's duty" if clock.owed is Owed.BY_OFFICE else "the resident's right"
        yield f"| {kind} | {length} | {whose} | {clock.article or 'set by the office'} |"


def document(text: str) -> str:
    """The page with its made part as it is to be.

    Raises:
        ValueError: the marks of that part are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("no marks")
    made = "\n\n".join([diagram(), "\n".join(_steps()), "\n".join(_clocks())])
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text()))
