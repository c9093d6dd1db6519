"""The check of the catalogs finds what a translator or a developer may get wrong."""

from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from locales import check, update
from locales.extraction import template

CODE = """
from locales import lazy
COMMAND = lazy("Your home")
def view(tr, n):
    return tr.t("Until <b>{day}</b>", day=1), tr.n("One file", "{n} files", n), tr.p("stage", "Started")
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "view.py"
    file.write_text(CODE)
    return file


def catalog_of(source: Path) -> Catalog:
    return update.merged("en", Catalog("en"), template([source]))


def problems(source: Path, catalog: Catalog) -> list[str]:
    return check.problems([source], {"en": catalog})


def test_a_complete_catalog_is_fine(source: Path) -> None:
    assert problems(source, catalog_of(source)) == []


def test_the_projects_own_catalogs_are_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main() == 0, capsys.readouterr().out
    assert capsys.readouterr().out.count("\n") == 1


def test_a_missing_sentence_is_found(source: Path) -> None:
    catalog = catalog_of(source)
    catalog.delete("Started", "stage")
    assert problems(source, catalog) == ["en: “Started” is missing"]


def test_a_sentence_that_the_extractor_overlooks_is_found(source: Path) -> None:
    source.write_text(CODE + '\ndef kept(tr, n):\n    tr.t("Kept for {time}", time=how_long(n, tr))\n')
    (found,) = problems(source, catalog_of(source))
    assert "the extractor overlooks “Kept for {time}”" in found


def test_a_sentence_said_nowhere_is_found(source: Path) -> None:
    catalog = catalog_of(source)
    catalog.add("Gone", "Gone")
    assert problems(source, catalog) == ["en: “Gone” is said nowhere"]


@pytest.mark.parametrize(
    ("translation", "problem"),
    [
        ("", "is not translated"),
        ("bis <b>{tag}</b>", "differs from the source in the fields day, tag"),
        ("bis <b>{day}", "<b> is never closed"),
        ("bis {day}</b>", "</b> closes nothing"),
        ("bis <u>{day}</u>", "<u> is not allowed"),
        ("bis {day}", "marks up something else"),
        ("bis & <b>{day}</b>", "a bare <, > or &"),
        ("bis <b>{day:>4}</b>", "a field must be a bare name"),
    ],
)
def test_a_wrong_translation_is_found(source: Path, translation: str, problem: str) -> None:
    catalog = catalog_of(source)
    message = catalog.get("Until <b>{day}</b>")
    assert message is not None
    message.string = translation
    assert any(problem in found for found in problems(source, catalog))


def test_a_fuzzy_translation_is_found(source: Path) -> None:
    catalog = catalog_of(source)
    catalog.add("Your home", "Your home", flags=["fuzzy"])
    assert problems(source, catalog) == ["en: “Your home” is fuzzy"]


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ('tr.t("Until {day}")', "differ in: day"),
        ('tr.t("Until {day}", day=1, month=2)', "differ in: month"),
        ('tr.t(f"Until {day}")', "put together in code"),
        ('tr.plain("Until " + day)', "put together in code"),
    ],
)
def test_a_wrong_call_is_found(source: Path, call: str, problem: str) -> None:
    source.write_text(f"def view(tr, day):\n    return {call}\n")
    found = problems(source, catalog_of(source))
    assert len(found) == 1
    assert f"{source.name}:2" in found[0]
    assert problem in found[0]


def test_an_update_keeps_translations_and_changes_nothing_twice(source: Path) -> None:
    wanted = template([source])
    old = Catalog("zh_CN")
    old.add("Your home", "我的家")
    old.add("Gone", "没有了")
    new = update.merged("zh_CN", old, wanted)
    text = update.written("zh_CN", new).decode()
    assert "我的家" in text
    assert "Gone" not in text
    assert "Date" not in text
    assert update.written("zh_CN", update.merged("zh_CN", new, wanted)).decode() == text


def test_an_update_asks_anew_for_a_sentence_whose_plural_changed(source: Path) -> None:
    old = update.merged("zh_CN", Catalog("zh_CN"), template([source]))
    message = old.get("One file")
    assert message is not None
    message.string = ("{n}个文件",)
    source.write_text(CODE.replace("{n} files", "{n} pieces"))
    new = update.merged("zh_CN", old, template([source])).get("One file")
    assert new is not None
    assert not check.is_translated(new)
