"""Commands of ``shanglou`` as processes of their own, which a test may kill, end, and start again."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
END_SECONDS = 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def migrate(settings: Mapping[str, str], *, version: Path = ROOT) -> None:
    """``shanglou migrate`` of a version, to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "migrate"),
        cwd=version,
        env=_environment(settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode(errors="replace")[-3000:]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    around = {name: value for name, value in os.environ.items() if not name.startswith("SHANGLOU_")}
    return {**around, "SHANGLOU_ENV_FILE": os.devnull, **settings}


async def _is_well(client: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with client.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


class Process:
    """One ``shanglou …``. Started again, it has the same settings and ports."""

    def __init__(
        self, *command: str, settings: Mapping[str, str], ready_at: str, log: Path, version: Path = ROOT
    ) -> None:
        """
        Args:
            command: what stands behind ``shanglou``.
            ready_at: answers 200 as soon as it can be used.
            log: where to put what it says.
            version: folder of the source that is run.
        """
        self.name = " ".join(command)
        self._command = (sys.executable, "-m", "bot", *command)
        self._environment = _environment(settings)
        self._ready_at = ready_at
        self._log = log
        self._version = version
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Process":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        """Returns when it can be used."""
        with self._log.open("ab") as log:
            # python -m puts the working folder first where modules are looked for: an older version's own are run.
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self._version, env=self._environment, stdout=log, stderr=log
            )
        async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as client:
            while not await _is_well(client, self._ready_at):
                assert self._process.returncode is None, f"{self.name} ended while it was starting\n{self.said()}"
                await asyncio.sleep(0.05)

    async def is_ready(self) -> bool:
        """Whether it takes new connections and says that it is well."""
        async with aiohttp.ClientSession() as client:
            return await _is_well(client, self._ready_at)

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def ask_to_end(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        assert self._process.returncode is None, f"{self.name} ended by itself\n{self.said()}"
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> None:
        """Until it has ended, and well."""
        assert self._process is not None
        code = await asyncio.wait_for(self._process.wait(), END_SECONDS)
        # uvicorn, when it has done everything, ends by the very signal.
        assert code in (0, -signal.SIGTERM), f"{self.name} ended with {code}\n{self.said()}"

    async def end(self) -> None:
        self.ask_to_end()
        await self.ended()

    def said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]
