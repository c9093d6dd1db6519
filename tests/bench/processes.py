"""The bench's processes: started here, watched for their CPU time, ended here."""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).parents[2]
END_SECONDS = 15


class Failed(Exception):
    """A part of the bench did not do what it should; the message says which and shows the end of what it said."""


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


@contextlib.contextmanager
def started(name: str, command: list[str], environment: Mapping[str, str] | None = None) -> Iterator["Child"]:
    """A process that runs for as long as the block does.

    Raises:
        Failed: it ended by itself.
    """
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        child = Child(name, process, said)
        try:
            yield child
            if process.poll() is not None:
                raise Failed(child.report(f"{name} ended by itself ({process.returncode})"))
        finally:
            child.end()


def run_to_end(name: str, command: list[str], environment: Mapping[str, str], seconds: float) -> str:
    """What a process said on stdout until it ended.

    Raises:
        Failed: it did not end well, or not in time.
    """
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=said, text=True
        )
        child = Child(name, process, said)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(child.report(f"{name} took more than {seconds:.0f} seconds")) from None
        finally:
            child.end()
        if process.returncode:
            raise Failed(child.report(f"{name} failed ({process.returncode})"))
        return output


class Child:
    """A process of the bench."""

    def __init__(self, name: str, process: subprocess.Popen[str], said: IO[str]) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._said = said

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def line(self) -> str:
        """The next line of its stdout."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(END_SECONDS)
            raise Failed(self.report(f"{self.name} ended without a word"))
        return line.strip()

    def report(self, what: str) -> str:
        """``what`` with the end of what the process wrote to stderr."""
        self._said.seek(0)
        return f"{what}\n{self._said.read()[-3000:]}"

    def end(self) -> None:
        """Ask it to end; when it does not, make it. It leaves none of its own children behind."""
        process = self._process
        if process.poll() is None:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for left in psutil.wait_procs(family, timeout=1)[1]:
                left.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of all that it ever started, ended ones included."""
    root = psutil.Process(pid)
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_megabytes(pid: int) -> float:
    """Resident memory of one process (MB of 10⁶ bytes), shared pages included."""
    return psutil.Process(pid).memory_info().rss / 1e6


def peak_megabytes() -> float:
    """The most memory that this process ever had resident (MB of 10⁶ bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
