"""The one file that a backup is: a tar, encrypted with age (age-encryption.org/v1) for one or several recipients.

Both are formats that other programs open, also in ten years: ``age -d -i KEY FILE | tar x``. Age seals in pieces of
64 KiB by the STREAM construction: a byte that is changed, pieces that are swapped, left out or cut off do not open.
What age does not tell is who made a file, for a recipient is public. So the last member bears a seal: an HMAC over all
members before it, with a key that is derived from ``SHANGLOU_INDEX_KEY``.

Everything streams: a thread seals or opens, a pipe lies between it and who writes or reads.
"""

import hashlib
import hmac
import os
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any, BinaryIO

import pyrage
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PIECE_BYTES = 1024 * 1024
_ENCODING = "ascii", "strict"
"""Of names: they are short and of ASCII, so that a plain head of tar holds them."""


class Damaged(Exception):
    """The file was changed or cut off, or is no backup at all."""


class WrongKey(Exception):
    """The file is not sealed for this key."""


def sealing_key(index_key: str) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"shanglou backup").derive(index_key.encode())


def new_identity() -> tuple[str, str]:
    """A fresh pair: what opens, to be kept away, and the recipient it is for."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def recipients_of(text: str) -> list[Any]:
    """Of a comma-separated list.

    Raises:
        ValueError: one is no recipient of age.
    """
    try:
        return [pyrage.x25519.Recipient.from_str(one.strip()) for one in text.split(",")]
    except pyrage.RecipientError as error:
        raise ValueError("must be recipients as `shanglou keys backup` prints them: age1…") from error


def identities_of(text: str) -> list[Any]:
    """Of a key file as ``age-keygen`` or ``shanglou keys backup`` writes it.

    Raises:
        ValueError: there is none in it, or one is malformed.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    try:
        found = [pyrage.x25519.Identity.from_str(line) for line in lines]
    except pyrage.IdentityError as error:
        raise ValueError("not a key") from error
    if not found:
        raise ValueError("no key")
    return found


class ArchiveWriter:
    """Writes members one after the other. Left by an exception, what was written does not open as a whole."""

    def __init__(self, out: BinaryIO, recipients: Sequence[Any], key: bytes) -> None:
        self._digest = hmac.new(key, digestmod=hashlib.sha256)
        source, target = os.pipe()
        self._source, self._pipe = os.fdopen(source, "rb"), os.fdopen(target, "wb")
        self._out, self._recipients = out, recipients
        self._failure: Exception | None = None
        self._given_up = False
        self._sealed_bytes = 0
        self._thread = Thread(target=self._seal, daemon=True)

    def __enter__(self) -> "ArchiveWriter":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._given_up = kind is not None
        try:
            if not self._given_up:
                self._pipe.write(tarfile.NUL * (2 * tarfile.BLOCKSIZE))
            self._pipe.close()
        except BrokenPipeError:
            pass  # the failure of the other side is told below
        self._thread.join()
        if self._failure is not None and (kind is None or isinstance(error, BrokenPipeError)):
            raise self._failure

    @property
    def sealed_bytes(self) -> int:
        """How many have been written out."""
        return self._sealed_bytes

    def add(self, name: str, content: bytes) -> None:
        self.begin(name, len(content))
        self.write(content)
        self.end(len(content))

    def begin(self, name: str, size: int) -> None:
        """Start a member; its bytes follow by :meth:`write`, exactly as many, then :meth:`end`."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self.write(member.tobuf(tarfile.USTAR_FORMAT, *_ENCODING))

    def write(self, content: bytes) -> None:
        self._digest.update(content)
        self._pipe.write(content)

    def end(self, size: int) -> None:
        self.write(tarfile.NUL * (-size % tarfile.BLOCKSIZE))

    def seal(self) -> str:
        """Of all that was written so far."""
        return self._digest.hexdigest()

    # --- the thread ---

    def _seal(self) -> None:
        try:
            pyrage.encrypt_io(_Calls(read=self._read), _Calls(write=self._write), self._recipients)
        except Exception as error:
            # Age wraps what its reader and writer raise; the first of them is the cause.
            self._failure = self._failure or error
        finally:
            self._source.close()

    def _read(self, size: int) -> bytes:
        part = self._source.read(size)
        if not part and self._given_up:
            raise Damaged
        return part

    def _write(self, content: bytes) -> int:
        try:
            self._out.write(content)
        except OSError as error:
            self._failure = error
            raise
        self._sealed_bytes += len(content)
        return len(content)


class _Calls:
    """What age takes for a file."""

    def __init__(self, read: Callable[[int], bytes] | None = None, write: Callable[[bytes], int] | None = None) -> None:
        if read is not None:
            self.read = read
        if write is not None:
            self.write = write

    def flush(self) -> None:
        pass


@dataclass(frozen=True)
class Member:
    """One member, to be read before the next.

    Attributes:
        seal: what the seal of all members before it should be.
    """

    name: str
    size: int
    seal: str
    _read: Callable[[int], bytes]

    def parts(self) -> Iterator[bytes]:
        """Its bytes, part by part.

        Raises:
            Damaged: they are not all there.
        """
        left = self.size
        while left:
            part = self._read(min(left, PIECE_BYTES))
            left -= len(part)
            yield part

    def content(self) -> bytes:
        return b"".join(self.parts())


class _Stream:
    """The clear tar, read exactly, and its running HMAC."""

    def __init__(self, source: BinaryIO, key: bytes) -> None:
        self._source = source
        self._digest = hmac.new(key, digestmod=hashlib.sha256)

    def read(self, size: int) -> bytes:
        content = self._source.read(size)
        if len(content) < size:
            raise Damaged
        self._digest.update(content)
        return content

    def drain(self) -> None:
        while self._source.read(PIECE_BYTES):
            pass

    def members(self) -> Iterator[Member]:
        while True:
            seal = self._digest.hexdigest()
            head = self.read(tarfile.BLOCKSIZE)
            if not head.strip(tarfile.NUL):
                if self._source.read(tarfile.BLOCKSIZE + 1) != tarfile.NUL * tarfile.BLOCKSIZE:
                    raise Damaged
                return
            try:
                info = tarfile.TarInfo.frombuf(head, *_ENCODING)
            except tarfile.TarError as error:
                raise Damaged from error
            if info.type != tarfile.REGTYPE:
                raise Damaged
            member = Member(info.name, info.size, seal, self.read)
            yield member
            self.read(-info.size % tarfile.BLOCKSIZE)


@contextmanager
def opened(file: BinaryIO, identities: Sequence[Any], key: bytes) -> Iterator[Iterator[Member]]:
    """The members of a backup, each to be read to its end before the next. Only who has gone through all of them knows
    that the file is whole.

    Args:
        key: see :func:`sealing_key`; the caller compares ``Member.seal``.

    Raises:
        Damaged: also in the middle.
        WrongKey: at once.
    """
    file.seek(0)
    source, target = os.pipe()
    failures: list[Exception] = []

    def open_it(sink: BinaryIO) -> None:
        try:
            pyrage.decrypt_io(file, sink, identities)
        except Exception as error:
            failures.append(error)
        finally:
            # Nobody reads any more where the other side has had enough.
            with suppress(BrokenPipeError):
                sink.close()

    thread = Thread(target=open_it, args=[os.fdopen(target, "wb")], daemon=True)
    thread.start()
    try:
        with os.fdopen(source, "rb") as clear:
            yield _whole(_Stream(clear, key), thread, failures)
    finally:
        thread.join()


def _whole(stream: _Stream, thread: Thread, failures: list[Exception]) -> Iterator[Member]:
    try:
        yield from stream.members()
        thread.join()
    except Damaged:
        # Why it ends here, or makes no sense, age may tell.
        stream.drain()
        thread.join()
        if not failures:
            raise
    if failures:
        raise _told(failures[0]) from failures[0]


def _told(failure: Exception) -> Exception:
    if isinstance(failure, pyrage.DecryptError):
        # One for whom it is not sealed, and one whose list of recipients was changed, look alike.
        return WrongKey() if "matching keys" in str(failure) else Damaged()
    if isinstance(failure, OSError) and failure.errno is not None:
        return failure
    return Damaged()
