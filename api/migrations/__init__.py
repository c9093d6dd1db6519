"""Alembic migrations, run by ``shanglou migrate``, the demo and the tests alike.

``versions`` holds the revisions. What the long ones make is beside it in ``tables_0001`` and so on, a module for each
group of tables, as they were then: like the revisions, never changed again.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory


def _config(database_url: str = "") -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = database_url
    return config


@cache
def head_revision() -> str | None:
    """The newest revision this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def is_newer(revision: str) -> bool:
    """Whether a newer version than this one has migrated the database."""
    return revision not in _known()


def serves(revision: str | None) -> bool:
    """Whether this code works on a database of that revision: its own newest, and what newer versions have made of it
    (docs/decisions/0012)."""
    return revision is not None and (revision == head_revision() or is_newer(revision))


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database up to a revision; leave one alone that a newer version has migrated. Blocking; runs its own
    event loop, so call it outside of one."""
    config = _config(database_url)
    config.attributes["leave_newer"] = True
    command.upgrade(config, revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to a revision (``base`` for an empty one). Blocking, like :func:`upgrade`."""
    command.downgrade(_config(database_url), revision)
