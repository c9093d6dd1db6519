"""Personal data at rest: sealed for one purpose, found by a blind index, absent from a dump."""

import base64
import json
import random

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from api.db import Database
from api.privacy import PIECE_BYTES, CannotOpen, Vault
from api.tables import Base
from tests.api.calls import by_phone, call, prove, upload
from tests.factories import Factory

pytestmark = pytest.mark.security("Personal data lies sealed")

INDEX_KEY = "test-index-key-0123456789abcdefghij"


def ring(*names: str) -> str:
    return ",".join(f"{name}:{base64.urlsafe_b64encode(name.encode() * 32).decode()}" for name in names)


@pytest.fixture(scope="module")
def a_vault() -> Vault:
    return Vault(ring("a"), INDEX_KEY)


@given(st.text())
def test_what_is_sealed_opens_again(value: str) -> None:
    vault = Vault(ring("a"), INDEX_KEY)
    sealed = vault.seal("person.name", value)
    assert vault.open("person.name", sealed) == value
    assert vault.seal("person.name", value) != sealed


def test_json(a_vault: Vault) -> None:
    value = {"text": "漏水", "photos": [1, 2], "none": None}
    assert a_vault.open_json("chat.dialog", a_vault.seal_json("chat.dialog", value)) == value


def test_only_for_its_purpose(a_vault: Vault) -> None:
    with pytest.raises(CannotOpen):
        a_vault.open("person.phone", a_vault.seal("person.name", "王示例"))


def test_no_altered_byte_opens(a_vault: Vault) -> None:
    sealed = a_vault.seal("person.name", "王示例")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(CannotOpen):
            a_vault.open("person.name", bytes(altered))
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            a_vault.open("person.name", sealed[:length])


def test_an_error_tells_nothing(a_vault: Vault) -> None:
    with pytest.raises(CannotOpen) as error:
        a_vault.open("person.phone", a_vault.seal("person.name", "王示例"))
    assert "王" not in str(error.value)


def test_keys_are_rotated() -> None:
    old, both, new = (Vault(keys, INDEX_KEY) for keys in (ring("a"), ring("b", "a"), ring("b")))
    sealed = old.seal("person.name", "王示例")
    assert both.open("person.name", sealed) == "王示例"
    with pytest.raises(CannotOpen):
        new.open("person.name", sealed)
    # The first key of the ring seals.
    assert new.open("person.name", both.seal("person.name", "王示例")) == "王示例"
    with pytest.raises(CannotOpen):
        old.open("person.name", both.seal("person.name", "王示例"))


def test_resealed_with_the_active_key() -> None:
    old, both, new = (Vault(keys, INDEX_KEY) for keys in (ring("a"), ring("b", "a"), ring("b")))
    sealed = old.seal("person.name", "王示例")
    resealed = both.reseal("person.name", sealed)
    assert new.open("person.name", resealed) == "王示例"
    assert both.reseal("person.name", resealed) is resealed
    with pytest.raises(CannotOpen):
        both.reseal("person.phone", sealed)
    with pytest.raises(CannotOpen):
        new.reseal("person.name", sealed)
    assert (both.active_key_id, both.key_ids) == ("b", ["b", "a"])
    assert resealed.startswith(both.active_header)


FILE = "attachment.file:ab/cd"


def sealed_file(vault: Vault, clear: bytes, purpose: str = FILE, feed: int = PIECE_BYTES) -> bytes:
    sealing = vault.seal_file(purpose)
    parts = [sealing.update(clear[start : start + feed]) for start in range(0, len(clear), feed)]
    return b"".join([*parts, sealing.finish()])


def opened_file(vault: Vault, sealed: bytes, purpose: str = FILE, feed: int = PIECE_BYTES) -> bytes:
    opening = vault.open_file(purpose)
    parts = [opening.update(sealed[start : start + feed]) for start in range(0, len(sealed), feed)]
    return b"".join([*parts, opening.finish()])


@given(
    st.sampled_from([0, 1, PIECE_BYTES, 2 * PIECE_BYTES, 3 * PIECE_BYTES]),
    st.integers(-1, 1),
    st.integers(10_000, 200_000),
    st.integers(10_000, 200_000),
)
def test_a_file_opens_again_however_it_is_fed(pieces: int, more: int, seal_feed: int, open_feed: int) -> None:
    vault = Vault(ring("a"), INDEX_KEY)
    clear = random.Random(1).randbytes(max(0, pieces + more))
    sealed = sealed_file(vault, clear, feed=seal_feed)
    assert opened_file(vault, sealed, feed=open_feed) == clear
    assert sealed_file(vault, clear) != sealed
    assert clear[:64] not in sealed or len(clear) < 8


def test_a_file_fed_byte_by_byte(a_vault: Vault) -> None:
    clear = bytes(range(256)) * 257
    assert opened_file(a_vault, sealed_file(a_vault, clear, feed=1), feed=1) == clear


def test_a_file_opens_only_as_it_was_sealed(a_vault: Vault) -> None:
    clear = random.Random(1).randbytes(3 * PIECE_BYTES)
    sealed = sealed_file(a_vault, clear)
    header, piece = 2 + 32, PIECE_BYTES + 16
    assert len(sealed) == header + 3 * piece
    head, pieces = sealed[:header], [sealed[header + n * piece : header + (n + 1) * piece] for n in range(3)]
    other = sealed_file(a_vault, clear)
    spoiled = {
        "another file's place": (sealed, FILE + "x"),
        "a sealed value": (a_vault.seal(FILE, "x" * 100), FILE),
        "pieces swapped": (head + pieces[1] + pieces[0] + pieces[2], FILE),
        "a piece left out": (head + pieces[0] + pieces[2], FILE),
        "the last piece cut off": (head + pieces[0] + pieces[1], FILE),
        "cut off within a piece": (sealed[:-1], FILE),
        "a piece twice": (sealed + pieces[2], FILE),
        "something added": (sealed + b"x", FILE),
        "another file's head": (other[:header] + sealed[header:], FILE),
        "another file's piece": (sealed[:-piece] + other[-piece:], FILE),
        "the clear file": (clear, FILE),
        **{f"first {length} bytes": (sealed[:length], FILE) for length in range(header + 20)},
    }
    for how, (bytes_, purpose) in spoiled.items():
        with pytest.raises(CannotOpen):
            raise AssertionError(f"{how}: {len(opened_file(a_vault, bytes_, purpose))} bytes opened")
    for position in (*range(header + 20), header + piece - 1, header + piece, len(sealed) - 1):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(CannotOpen):
            opened_file(a_vault, bytes(altered))


def test_a_value_is_no_file_and_a_file_no_value(a_vault: Vault) -> None:
    with pytest.raises(CannotOpen):
        a_vault.open(FILE, sealed_file(a_vault, b"clear"))


def test_files_follow_the_ring() -> None:
    old, both, new = (Vault(keys, INDEX_KEY) for keys in (ring("a"), ring("b", "a"), ring("b")))
    assert opened_file(both, sealed_file(old, b"clear")) == b"clear"
    assert opened_file(new, sealed_file(both, b"clear")) == b"clear"
    with pytest.raises(CannotOpen):
        opened_file(new, sealed_file(old, b"clear"))


STORED_FILE = "AWHw3BbGqds9EzTLB7dLoHQIKTIvEN4qPH9ogcubItzOMJcsp8s8wa5EXDoUzg8gvjR00DsddRB8lIyC/jL1QR63nkL/ow=="


def test_the_form_of_sealed_files_stays() -> None:
    """What stores hold: when this changes, no file opens any more."""
    sealed = base64.b64decode(STORED_FILE)
    assert opened_file(Vault(ring("b", "a"), INDEX_KEY), sealed) == "invented file 示例".encode()


def test_the_index_is_stable_and_keyed() -> None:
    vault = Vault(ring("a"), INDEX_KEY)
    found = vault.index("person.phone", "19900000001")
    # What databases hold: when this changes, nobody is found any more.
    assert found.hex() == "c8a6bde30097c09755737109c69fdf2ad4ca261c9557dea75e4a7c47694c96c5"
    assert found == Vault(ring("b", "a"), INDEX_KEY).index("person.phone", "19900000001")
    assert found != vault.index("person.name", "19900000001")
    assert found != vault.index("person.phone", "19900000002")
    assert found != Vault(ring("a"), INDEX_KEY + "x").index("person.phone", "19900000001")


async def test_a_dump_shows_nobody(api: aiohttp.ClientSession, database: Database, factory: Factory) -> None:
    who, other = factory.invented(), factory.invented()
    address, note = "无名路一巷七号", "电话联系其子"
    agreement = await factory.agreement(
        people=[await factory.person(who), await factory.person(other, has_id_number=False)],
        units=[await factory.unit()],
        original_address=factory.vault.seal("agreement.original_address", address),
        note=factory.vault.seal("agreement.note", note),
    )
    chat = 700100200
    await prove(api, chat, by_phone(who.phone, who.id_number[-4:]))
    await prove(api, chat + 1, by_phone(who.phone, "9999"), 403)
    draft = {"id": "dialog-0002", "name": "complaint.text", "data": {"text": "草稿内容"}}
    await call(api, "PUT", f"/v1/chats/{chat}", json={"version": 0, "locale": "zh_CN", "dialog": draft})
    photo = await upload(api, chat, filename=f"{who.name}身份证.png")
    case = {
        "category": "other",
        "agreement_id": agreement.id,
        "text": f"我是{who.name}，{who.phone}",
        "location": {"latitude": 30.51234, "longitude": 114.31234},
        "attachment_ids": [photo["id"]],
    }
    await call(api, "POST", f"/v1/chats/{chat}/cases", 201, json=case, headers={"Idempotency-Key": "dialog-0001"})
    dump = b""
    async with database.reading() as reader:
        for table in Base.metadata.tables:
            rows = (await reader.execute(text(f"SELECT * FROM {table}"))).all()
            for row in rows:
                for value in row:
                    dump += value if isinstance(value, bytes) else json.dumps(value, default=str).encode()
                    dump += str(value).encode() + b"\n"
    secrets = [
        who.name,
        who.id_number,
        who.phone,
        other.name,
        other.phone,
        address,
        note,
        "草稿内容",
        "我是",
        "30.51234",
    ]
    assert len(dump) > 1000
    assert agreement.number.encode() in dump
    for secret in secrets:
        assert secret.encode() not in dump, secret
        assert json.dumps(secret).strip('"').encode() not in dump, secret
