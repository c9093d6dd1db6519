"""The object store that holds the bytes of attachments: a local folder, or S3 by ``SHANGLOU_ATTACHMENTS_URL``."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from api.errors import Unavailable

if TYPE_CHECKING:
    from obstore import GetResult

log = structlog.get_logger()


_PART_BYTES = 256 * 1024


class AttachmentStore:
    """Puts, gets and deletes objects. Opened at the first use.

    Every method raises ``Unavailable`` when the store cannot do it.
    """

    def __init__(self, url: str | None, data_dir: Path) -> None:
        """
        Args:
            url: ``file:///folder``, or ``s3://bucket/prefix`` with credentials and region in ``AWS_*`` variables.
            data_dir: the folder ``attachments`` in it serves where there is no URL.
        """
        self._url = url
        self._data_dir = data_dir

    @cached_property
    def _store(self) -> ObjectStore:
        if self._url is not None and not self._url.startswith("file:"):
            return from_url(self._url)
        folder = self._data_dir / "attachments" if self._url is None else Path(unquote(urlsplit(self._url).path))
        # What residents send shows them, their papers and their homes.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalStore(folder, automatic_cleanup=True)

    async def put(self, key: str, file: BinaryIO) -> None:
        file.seek(0)
        try:
            await obstore.put_async(self._store, key, file, max_concurrency=2)
        except (BaseError, OSError) as error:
            raise self._failed("put", error) from error

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The object's bytes, part by part. Once this has returned they come, even if the object is deleted meanwhile.

        Raises:
            FileNotFoundError: there is no such object.
        """
        _, parts = await self.get_with_size(key)
        return parts

    async def get_with_size(self, key: str) -> tuple[int, AsyncIterator[bytes]]:
        """As :meth:`get`, with how many bytes there will be."""
        try:
            found = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise self._failed("get", error) from error
        return found.meta["size"], self._parts(found)

    async def _parts(self, found: "GetResult") -> AsyncIterator[bytes]:
        try:
            async for part in found.stream(_PART_BYTES):
                yield bytes(part)
        except (BaseError, OSError) as error:
            raise self._failed("get", error) from error

    async def delete(self, key: str) -> None:
        """Also when there is no such object."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise self._failed("delete", error) from error

    async def keys_before(self, moment: datetime) -> AsyncIterator[list[str]]:
        """Batches of the keys of objects that were written before a moment."""
        try:
            async for batch in obstore.list(self._store, chunk_size=1000):
                yield [entry["path"] for entry in batch if entry["last_modified"] < moment]
        except (BaseError, OSError) as error:
            raise self._failed("list", error) from error

    def _failed(self, what: str, error: Exception) -> Unavailable:
        log.error("object_store_failed", what=what, error=type(error).__name__)
        return Unavailable(store=what)
