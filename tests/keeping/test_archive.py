"""The file that a backup is: whole and ours, or refused."""

import errno
import io
import random
import subprocess
from pathlib import Path
from shutil import which

import pyrage
import pytest

from api.keeping.archive import (
    ArchiveWriter,
    Damaged,
    WrongKey,
    identities_of,
    new_identity,
    opened,
    recipients_of,
    sealing_key,
)

pytestmark = pytest.mark.security("A backup that was changed, cut or forged is not restored")
KEY = sealing_key("an index key of a test")
SECRET, RECIPIENT = new_identity()
RECIPIENTS = recipients_of(RECIPIENT)
SEALED_PIECE = 64 * 1024 + 16
"""Of age's."""
NAMES = ["README.txt", "attachments/ab/" + "0" * 32, "empty", "end.json"]
CONTENTS = [b"words", random.Random(1).randbytes(300_000), b"", b"{}"]


def write(names: list[str] = NAMES, contents: list[bytes] = CONTENTS, recipient: str = RECIPIENT) -> bytes:
    out = io.BytesIO()
    with ArchiveWriter(out, recipients_of(recipient), KEY) as archive:
        for name, content in zip(names, contents, strict=True):
            archive.add(name, content)
    return out.getvalue()


def read(sealed: bytes, secret: str = SECRET) -> list[tuple[str, bytes]]:
    with opened(io.BytesIO(sealed), identities_of(secret), KEY) as members:
        return [(member.name, member.content()) for member in members]


def test_what_is_written_is_read() -> None:
    assert read(write()) == list(zip(NAMES, CONTENTS, strict=True))
    assert read(write([], [])) == []


def test_members_may_come_in_parts() -> None:
    out = io.BytesIO()
    with ArchiveWriter(out, RECIPIENTS, KEY) as archive:
        archive.begin("file", 5_000_000)
        for _ in range(50):
            archive.write(b"x" * 100_000)
        archive.end(5_000_000)
    assert archive.sealed_bytes == len(out.getvalue())
    [(_, content)] = read(out.getvalue())
    assert content == b"x" * 5_000_000


def test_the_seal_is_of_everything_before() -> None:
    out, seals = io.BytesIO(), []
    with ArchiveWriter(out, RECIPIENTS, KEY) as archive:
        for name, content in zip(NAMES, CONTENTS, strict=True):
            seals.append(archive.seal())
            archive.add(name, content)
    assert len({*seals}) == len(seals)

    def seals_read(key: bytes) -> list[str]:
        found = []
        with opened(io.BytesIO(out.getvalue()), identities_of(SECRET), key) as members:
            for member in members:
                found.append(member.seal)
                member.content()
        return found

    assert seals_read(KEY) == seals
    assert not {*seals} & {*seals_read(sealing_key("another"))}


def parted(sealed: bytes) -> tuple[bytes, list[bytes]]:
    """Age's head, with the nonce behind it, and its pieces."""
    payload = sealed.index(b"\n", sealed.index(b"\n--- ") + 1) + 1 + 16
    pieces = sealed[payload:]
    return sealed[:payload], [pieces[n : n + SEALED_PIECE] for n in range(0, len(pieces), SEALED_PIECE)]


def test_any_byte_that_is_changed_is_found() -> None:
    whole = write()
    head, _ = parted(whole)
    places = {0, 20, 60, 110, 200, len(head) - 1, len(head), len(head) + SEALED_PIECE, len(whole) - 1}
    for place in places | {*random.Random(2).sample(range(len(whole)), 40)}:
        changed = bytearray(whole)
        changed[place] ^= 0x40
        with pytest.raises((Damaged, WrongKey)):
            read(bytes(changed))


def test_a_file_that_is_cut_off_or_goes_on_is_found() -> None:
    whole = write()
    head, pieces = parted(whole)
    assert len(pieces) == 5
    for end in (0, 1, 100, len(head), *(len(head) + n * SEALED_PIECE for n in range(1, 5)), len(whole) - 1):
        with pytest.raises(Damaged):
            read(whole[:end])
    for more in (b"\0", whole):
        with pytest.raises(Damaged):
            read(whole + more)


def test_pieces_that_are_swapped_or_left_out_are_found() -> None:
    head, pieces = parted(write())
    assert read(b"".join([head, *pieces]))
    for order in ([1, 0, 2, 3, 4], [0, 2, 3, 4], [1, 2, 3, 4], [0, 0, 1, 2, 3, 4], [0, 1, 2, 4], [4]):
        with pytest.raises(Damaged):
            read(b"".join([head, *(pieces[number] for number in order)]))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(WrongKey):
        read(write(), new_identity()[0])
    # For several, each opens it.
    other_secret, other = new_identity()
    for_both = write(recipient=f"{RECIPIENT}, {other}")
    assert read(for_both) == read(for_both, other_secret) == list(zip(NAMES, CONTENTS, strict=True))


@pytest.mark.parametrize(
    "clear", [b"", b"no tar at all" * 100, b"\0" * 512, b"\0" * 2048, b"\0" * 1024 + b"x", b"\xff" * 200_000]
)
def test_what_is_sealed_but_no_backup(clear: bytes) -> None:
    with pytest.raises(Damaged):
        read(pyrage.encrypt(clear, RECIPIENTS))


def test_what_is_left_in_the_middle_does_not_open() -> None:
    out = io.BytesIO()

    def give_up() -> None:
        with ArchiveWriter(out, RECIPIENTS, KEY) as archive:
            archive.add("file", bytes(500_000))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    assert len(out.getvalue()) > 100_000
    with pytest.raises(Damaged):
        read(out.getvalue())


def test_a_full_disk_is_told_as_such() -> None:
    def fill() -> None:
        with Path("/dev/full").open("wb", buffering=0) as out, ArchiveWriter(out, RECIPIENTS, KEY) as archive:
            for _ in range(100):
                archive.add("file", bytes(500_000))

    with pytest.raises(OSError, match="No space left") as raised:
        fill()
    assert raised.value.errno == errno.ENOSPC


def test_who_stops_reading_leaves_no_thread() -> None:
    whole = write(["first", "second"], [b"1", bytes(5_000_000)])
    with opened(io.BytesIO(whole), identities_of(SECRET), KEY) as members:
        assert next(members).content() == b"1"


@pytest.mark.parametrize(
    "text",
    # Made anew in each process, so the test must not bear its name.
    ["", "age1xyz", "AGE-SECRET-KEY-1XYZ", pytest.param(RECIPIENT, id="a recipient"), "# a remark\n"],
)
def test_no_key_at_all(text: str) -> None:
    with pytest.raises(ValueError, match="key"):
        identities_of(text)


@pytest.mark.skipif(which("age") is None, reason="the program age is not installed")
def test_the_program_age_opens_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"# a remark\n{SECRET}\n")
    (tmp_path / "backup").write_bytes(write())
    command = f"age -d -i {tmp_path}/key {tmp_path}/backup | tar -x -C {tmp_path}"
    subprocess.run(["bash", "-o", "pipefail", "-c", command], check=True)
    assert [(tmp_path / name).read_bytes() for name in NAMES] == CONTENTS
