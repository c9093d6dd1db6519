"""What the documents promise exists, and every setting and command is told."""

import re
from pathlib import Path

from api.settings import Settings
from bot.cli import COMMANDS
from bot.settings import BotSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
KEEPING = (ROOT / "docs" / "keeping.md").read_text()
CASES = (ROOT / "docs" / "cases.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()


def test_every_setting_is_told() -> None:
    told = set(re.findall(r"`SHANGLOU_(\w+)`", OPERATIONS))
    settings = {name.upper() for kind in (Settings, BotSettings) for name in kind.model_fields}
    assert told == settings | {"ENV_FILE"}


def test_every_command_is_told_and_every_told_command_exists() -> None:
    assert set(re.findall(r"shanglou (\w+)", README)) == set(COMMANDS)


def test_pictures_and_pages_exist() -> None:
    docs = ROOT / "docs"
    for text, folder in ((README, ROOT), (OPERATIONS, docs), (SECURITY, docs), (KEEPING, docs)):
        for target in re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)|src="([^"]+)"', text):
            assert (folder / "".join(target)).exists()


def test_headings_that_are_linked_to_exist() -> None:
    """As a page of Markdown names them: lower case, hyphens for spaces, nothing else."""
    pages = {"operations.md": OPERATIONS, "security.md": SECURITY, "cases.md": CASES, "keeping.md": KEEPING, "": ""}
    anchors = {
        name: {
            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.+)$", text)
        }
        for name, text in pages.items()
    }
    for here, text in pages.items():
        for page, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text):
            assert anchor in anchors[page or here], f"{here}: {page}#{anchor}"


# --- docs/security.md ---

TESTS = ROOT / "tests"


def test_every_threat_has_a_test_that_exists() -> None:
    section = SECURITY.split("## Threats\n")[1].split("\n## ")[0]
    threats = [line.split(" | ") for line in section.splitlines() if line.startswith("| **")]
    assert len(threats) > 20
    for threat, defence, shown in threats:
        assert defence.strip(), threat
        named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", shown)
        assert named, f"{threat} has no test"
        for file, function in named:
            code = (TESTS / file).read_text()
            assert function == "" or re.search(rf"^(async )?def {function}\(", code, re.MULTILINE), (file, function)


def test_every_defence_is_told_by_its_name() -> None:
    named = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r'^[^`\n]*pytest\.mark\.security\(\s*"([^"]+)"', file.read_text(), re.MULTILINE)
    }
    section = SECURITY.split("## The defences by name\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^- (.+)$", section, re.MULTILINE)) == named


def test_the_folder_map_is_true() -> None:
    tree = README.split("```\n")[-2]
    for name in re.findall(r"^ {2}?(\w+)/", tree, re.MULTILINE) + re.findall(r"^(\w+)/", tree, re.MULTILINE):
        assert any((ROOT / folder / name).is_dir() for folder in (".", "bot", "api", "docs", "tests"))
