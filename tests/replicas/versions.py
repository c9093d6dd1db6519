"""The version before, as it was released: its own source, run with this version's interpreter and libraries."""

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from tests.replicas.processes import ROOT

PREVIOUS = "b690f38"
"""A commit, or a tag: the version from which one upgrades to this one. With each release it is moved on, and
``python -m tests.replicas.contract`` run."""
PACKAGES = ("api", "bot", "handlers", "locales")


class NoHistory(Exception):
    """The repository's history is not at hand."""


def previous_version(folder: Path) -> Path:
    """Its source, below that folder.

    Raises:
        NoHistory
    """
    try:
        archive = subprocess.run(["git", "archive", PREVIOUS, *PACKAGES], cwd=ROOT, capture_output=True)
    except FileNotFoundError:
        raise NoHistory("there is no git here, and so no version before") from None
    if archive.returncode:
        raise NoHistory(f"the version before, {PREVIOUS}, is not in this clone: `git fetch --unshallow` may bring it")
    source = folder / "previous"
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(source, filter="data")
    # Whether it is really that version which is run there, and not the one that is installed.
    where = "; ".join([f"import {', '.join(PACKAGES)}", *(f"print({package}.__file__)" for package in PACKAGES)])
    found = subprocess.run([sys.executable, "-c", where], cwd=source, capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(source / package / "__init__.py") for package in PACKAGES]
    return source
