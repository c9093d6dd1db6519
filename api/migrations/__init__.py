"""Alembic migrations, run by ``shanglou migrate``, the demo and the tests alike."""

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


def is_known(revision: str) -> bool:
    """Whether this code knows how a database of that revision is brought up to date."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the database up to a revision. Blocking; runs its own event loop, so call it outside of one."""
    command.upgrade(_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to a revision (``base`` for an empty one). Blocking, like :func:`upgrade`."""
    command.downgrade(_config(database_url), revision)
