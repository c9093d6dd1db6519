"""The small HTTP client against a server that is written out byte by byte."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bot.http import Answer, BrokenConnection, HttpClient, NoConnection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Server:
    """Answers each request with the next of ``answers`` (None: hangs up); ``closing``: each on its own connection."""

    answers: list[bytes | None]
    closing: bool = False
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    port: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                answer = self.answers.pop(0) if self.answers else b""
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
                if self.closing:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()
            self.gone.set()


@asynccontextmanager
async def talking(
    *answers: bytes | None, closing: bool = False, size: int = 4, keep_alive: float = 4.0
) -> AsyncIterator[tuple[Server, HttpClient]]:
    server = Server(list(answers), closing)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    client = HttpClient(
        f"http://127.0.0.1:{server.port}/v1/",
        headers={"X-Name": "x"},
        size=size,
        connect_timeout=30,
        keep_alive=keep_alive,
    )
    async with listener:
        yield server, client
        await client.close()


async def get(client: HttpClient, seconds: float = 30) -> Answer:
    return await client.request("GET", "a?b=c", None, None, seconds=seconds)


async def test_one_connection_serves_request_after_request() -> None:
    async with talking(OK, OK) as (server, client):
        assert await get(client) == Answer(200, b"ok")
        assert await get(client) == Answer(200, b"ok")
    assert server.connections == 1
    assert server.heads[0].startswith(b"GET /v1/a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Name: x\r\n" in server.heads[0]


async def test_an_answer_may_come_in_chunks_without_a_body_or_after_a_continue() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n2\r\n!!\r\n0\r\n\r\n"
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    after = b"HTTP/1.1 100 Continue\r\n\r\n" + OK
    async with talking(chunked, empty, after) as (server, client):
        assert [await get(client) for _ in range(3)] == [Answer(200, b"ok!!"), Answer(204, b""), Answer(200, b"ok")]
    assert server.connections == 1


async def test_a_body_travels_with_its_length() -> None:
    async with talking(OK) as (server, client):
        await client.request("POST", "a", b"{}", {"Content-Type": "application/json"}, seconds=30)
    assert b"\r\nContent-Length: 2\r\n" in server.heads[0]
    assert b"\r\nContent-Type: application/json\r\n" in server.heads[0]


async def test_a_connection_that_the_server_closes_is_not_used_again() -> None:
    async with talking(OK, OK, closing=True) as (server, client):
        assert await get(client) == Answer(200, b"ok")
        await server.gone.wait()
        await asyncio.sleep(0)
        assert await get(client) == Answer(200, b"ok")
    assert server.connections == 2


async def test_a_connection_is_not_used_again_when_the_answer_says_so_or_after_its_time() -> None:
    async with talking(OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), OK) as (server, client):
        assert [await get(client), await get(client)] == [Answer(200, b"ok")] * 2
        assert server.connections == 2
    async with talking(OK, OK, keep_alive=0) as (server, client):
        assert [await get(client), await get(client)] == [Answer(200, b"ok")] * 2
        assert server.connections == 2


@pytest.mark.parametrize("answer", [None, b"no HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"])
async def test_what_is_no_answer_is_a_broken_connection(answer: bytes | None) -> None:
    async with talking(answer, OK) as (_, client):
        with pytest.raises(ConnectionError):
            await get(client)
        assert await get(client) == Answer(200, b"ok")


async def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\n\r\nok", closing=True) as (_, client):
        assert await get(client) == Answer(200, b"ok")


async def test_who_hangs_up_after_an_answer_without_a_body_has_not_answered_the_next() -> None:
    async with talking(b"HTTP/1.1 204 No Content\r\n\r\n", None) as (_, client):
        assert await get(client) == Answer(204, b"")
        with pytest.raises(BrokenConnection):
            await get(client)


async def test_an_answer_that_nobody_asked_for_is_not_the_next_ones() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbb"
    async with talking(OK + half, OK) as (server, client):
        assert [await get(client) for _ in range(2)] == [Answer(200, b"ok")] * 2
    assert server.connections == 2


async def test_who_finds_no_connection_waits_only_so_long() -> None:
    async with talking(OK, size=1) as (server, client):
        client._pool_timeout = 0.05
        server.answers[0] = b"HTTP/1.1 200 OK\r\n"
        first = asyncio.create_task(get(client))
        while not server.heads:
            await asyncio.sleep(0.001)
        with pytest.raises(NoConnection):
            await get(client)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_no_answer_in_time() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\n", OK) as (server, client):
        with pytest.raises(TimeoutError):
            await get(client, seconds=0.05)
        assert await get(client) == Answer(200, b"ok")
    assert server.connections == 2


async def test_who_gives_up_leaves_no_half_read_connection_behind() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\n", OK) as (server, client):
        asking = asyncio.create_task(get(client))
        while not server.heads:
            await asyncio.sleep(0.001)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await get(client) == Answer(200, b"ok")
    assert server.connections == 2


async def test_who_finds_no_connection_waits() -> None:
    async with talking(*[OK] * 5, size=1) as (server, client):
        assert await asyncio.gather(*(get(client) for _ in range(5))) == [Answer(200, b"ok")] * 5
    assert server.connections == 1


async def test_nobody_listens() -> None:
    async with talking() as (_, client):
        pass
    with pytest.raises(NoConnection):
        await get(client)


async def test_a_host_with_an_address_where_nobody_listens_is_reached_by_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Telegram has addresses of both kinds; behind many a router the one kind leads nowhere."""
    async with talking(OK) as (server, _), asyncio.timeout(30):
        nowhere, there = socket.socket(), server.port
        with nowhere:
            # Taken, and nobody listens: where packets are swallowed a test would have to wait.
            nowhere.bind(("127.0.0.1", 0))
            addresses = [("127.0.0.1", nowhere.getsockname()[1]), ("127.0.0.1", there)]
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

            async def both(*_: object, **__: object) -> list[object]:
                return list(found)

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
            client = HttpClient("http://two.example/", headers={}, size=1, connect_timeout=30, keep_alive=4)
            assert await get(client) == Answer(200, b"ok")
            await client.close()


async def test_tls_is_spoken_with_who_can_show_who_they_are_and_with_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed("localhost", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server([OK, OK])
    listener = await asyncio.start_server(server.serve, "localhost", 0, family=socket.AF_INET, ssl=context)
    address = f"https://localhost:{listener.sockets[0].getsockname()[1]}/"
    async with listener:
        stranger = HttpClient(address, headers={}, size=1, connect_timeout=30, keep_alive=4)
        with pytest.raises(NoConnection):
            await get(stranger)
        assert not server.heads, "nothing was said before"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        client = HttpClient(address, headers={}, size=1, connect_timeout=30, keep_alive=4)
        assert [await get(client) for _ in range(2)] == [Answer(200, b"ok")] * 2
        await client.close()


def self_signed(host: str, folder: Path) -> Path:
    """Key and certificate of an invented server, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + certificate.public_bytes(Encoding.PEM))
    return file


async def test_a_header_cannot_smuggle_another_in() -> None:
    async with talking(OK) as (server, client):
        with pytest.raises(ValueError, match="one line"):
            await client.request("POST", "a", b"", {"Content-Type": "x\r\nX-Other: y"}, seconds=30)
    assert server.heads == []
