"""``shanglou import`` and ``shanglou sample`` as the clerk runs them."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.settings import Settings
from bot.cli import command_line
from tests.api.imports import books
from tests.api.imports.books import ANNE
from tests.api.imports.conftest import Look


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, settings: Settings, database_url: str, tmp_path: Path) -> None:
    monkeypatch.setenv("SHANGLOU_ENV_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SHANGLOU_DATABASE_URL", database_url)
    for name in ("service_token", "encryption_keys", "index_key"):
        monkeypatch.setenv(f"SHANGLOU_{name.upper()}", getattr(settings, name).get_secret_value())
    monkeypatch.setenv("COLUMNS", "200")


async def shanglou(*arguments: str | Path) -> Result:
    # A thread of its own: the command starts a loop, as it does on the command line.
    return await asyncio.to_thread(CliRunner().invoke, command_line(), [str(argument) for argument in arguments])


@pytest.mark.usefixtures("environment")
async def test_a_sample_is_written_and_imported(look: Look, folder: Path) -> None:
    result = await shanglou("sample", folder, "--households", "20", "--seed", "2")
    assert result.exit_code == 0, result.output
    files = result.output.split()
    assert [Path(file).name for file in files] == [
        "安置台账.xlsx",
        "购房台账.xlsx",
        "过渡费发放表.xlsx",
        "楼栋进度表.xlsx",
    ]
    result = await shanglou("import", *files, "--dry-run")
    assert (result.exit_code, await look("SELECT 1 FROM agreements")) == (0, [])
    assert "这是试运行" in result.output
    result = await shanglou("import", *files)
    assert result.exit_code == 0, result.output
    assert "已全部载入" in result.output
    assert len(await look("SELECT 1 FROM agreements")) > 20
    result = await shanglou("import", files[0], "--as-of", "2020-01-01")
    assert result.exit_code == 0, result.output
    assert "库里已有更新的数据，什么都没有改动" in result.output


@pytest.mark.usefixtures("environment")
async def test_bad_rows_end_with_1_and_a_copy(look: Look, folder: Path) -> None:
    bad = [books.relocation(协议编号=str(n), 房号=str(n), 安置人口="多") for n in range(60)]
    path = books.xlsx(folder / "a.xlsx", [books.relocation(), *bad])
    result = await shanglou("import", path)
    assert result.exit_code == 1
    assert "60 处问题" in result.output
    assert "还有 10 处" in result.output
    assert "什么都没有载入" in result.output
    assert ANNE.name not in result.output
    assert (folder / "a.checked.xlsx").exists()
    result = await shanglou("import", path, "--partial", "--source", "通报第1号", "--as-of", "2026-11-01")
    assert result.exit_code == 0
    assert "有 60 行没有载入" in result.output
    (agreement,) = await look("SELECT source, as_of::text FROM agreements")
    assert tuple(agreement.values()) == ("通报第1号", "2026-11-01")


@pytest.mark.usefixtures("environment")
async def test_what_cannot_be_read_ends_with_2_and_one_sentence(folder: Path) -> None:
    (folder / "a.xlsx").write_bytes(b"%PDF-1.7")
    result = await shanglou("import", folder / "a.xlsx")
    assert result.exit_code == 2
    assert result.output.strip() == "文件“a.xlsx”不是电子表格，请提供 xlsx、xls、ods 或 csv 文件。"


async def test_a_missing_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("SERVICE_TOKEN", "ENCRYPTION_KEYS", "INDEX_KEY"):
        monkeypatch.delenv(f"SHANGLOU_{name}", raising=False)
    monkeypatch.setenv("SHANGLOU_ENV_FILE", str(folder / "none"))
    result = await shanglou("import", books.xlsx(folder / "a.xlsx", [books.relocation()]))
    assert result.exit_code == 2
    assert "SHANGLOU_ENCRYPTION_KEYS is missing" in result.output
    assert "Traceback" not in result.output
