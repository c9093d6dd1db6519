"""Attachments and temporary files have no place."""

import tempfile
from pathlib import Path

import pytest
from aiohttp import web

from api.settings import Settings
from bot.cli.doctor.disks import free_bytes
from tests.bot.conftest import serving_aiohttp
from tests.doctor.conftest import Deployment, of, troubles


async def test_attachments_cannot_be_written(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    deployment.environment["SHANGLOU_ATTACHMENTS_URL"] = f"file://{in_the_way}/attachments"
    assert troubles(await deployment.look(monkeypatch)) == {"disk_attachments": "failed"}


async def test_the_object_store_does_not_answer(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused at once, by a store on this machine that knows no bucket."""

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=403)

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", refuse)
    async with serving_aiohttp(app) as url:
        deployment.environment |= {
            "SHANGLOU_ATTACHMENTS_URL": "s3://invented",
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_REGION": "x",
        }
        assert troubles(await deployment.look(monkeypatch)) == {"disk_attachments": "failed"}


@pytest.mark.parametrize(("free", "state"), [(100 * 2**20, "failed"), (2 * 2**30, "warning")])
async def test_the_disk_is_full(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, settings: Settings, free: int, state: str
) -> None:
    def left(folder: Path) -> int:
        return free if folder.is_relative_to(settings.data_dir) else free_bytes(folder)

    findings = await deployment.look(monkeypatch, free=left)
    assert troubles(findings) == {"disk_attachments": state}


@pytest.mark.parametrize(
    ("free", "troubled"),
    [
        # All of what docker-compose.yml and docs/kubernetes give it, and what a file on its way leaves of that.
        (256 * 2**20, {}),
        (216 * 2**20, {}),
        (99 * 2**20, {"disk_temporary": "warning"}),
        (19 * 2**20, {"disk_temporary": "failed"}),
    ],
)
async def test_temporary_files_need_little(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, troubled: dict[str, str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def left(folder: Path) -> int:
        return free if folder == tmp_path / "temporary" else 2**40

    findings = await deployment.look(monkeypatch, free=left)
    assert troubles(findings) == troubled
    assert f"还有 {free // 2**20} MB" in of(findings, "disk_temporary").found
