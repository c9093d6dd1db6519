"""What the documents promise exists, and every setting and command is told."""

import re
from pathlib import Path

from api.settings import Settings
from bot.cli import COMMANDS
from bot.settings import BotSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def test_every_setting_is_told() -> None:
    told = set(re.findall(r"`SHANGLOU_(\w+)`", OPERATIONS))
    settings = {name.upper() for kind in (Settings, BotSettings) for name in kind.model_fields}
    assert told == settings | {"ENV_FILE"}


def test_every_command_is_told_and_every_told_command_exists() -> None:
    assert set(re.findall(r"shanglou (\w+)", README)) == set(COMMANDS)


def test_pictures_and_pages_exist() -> None:
    for text, folder in ((README, ROOT), (OPERATIONS, ROOT / "docs")):
        for target in re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', text):
            assert (folder / "".join(target)).exists()


def test_the_folder_map_is_true() -> None:
    tree = README.split("```\n")[-2]
    for name in re.findall(r"^ {2}?(\w+)/", tree, re.MULTILINE) + re.findall(r"^(\w+)/", tree, re.MULTILINE):
        assert any((ROOT / folder / name).is_dir() for folder in (".", "bot", "api", "docs", "tests"))
