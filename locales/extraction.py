"""What the code says: the sentences for the catalogs, and slips in the calls that say them."""

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.extract import extract

ROOT = Path(__file__).parent.parent
FOLDERS = ("bot", "handlers")
KEYWORDS = {"t": None, "plain": None, "lazy": None, "n": (1, 2), "p": ((1, "c"), 2)}
COMMENT_TAG = "Translators:"
METHODS = {"t": 1, "plain": 1, "n": 2, "p": 2}
"""Methods of Translator and how many of their first arguments are sentences (or a context)."""


def sources() -> list[Path]:
    return sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))


def template(files: list[Path]) -> Catalog:
    """Every sentence of the files, untranslated and without its place (places would change with every edit)."""
    catalog = Catalog()
    for file in files:
        found = extract("python", io.BytesIO(file.read_bytes()), KEYWORDS, [COMMENT_TAG], strip_comment_tags=True)
        for _, message, comments, context in found:
            catalog.add(message, auto_comments=comments, context=context)
    return catalog


def fields(sentence: str) -> set[str]:
    """Names of a sentence's fields.

    Raises:
        ValueError: unbalanced braces, or a field that is more than a name.
    """
    names = set()
    for _, name, spec, conversion in Formatter().parse(sentence):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"a field must be a bare name, not {{{name}}}")
        names.add(name)
    return names


def wrong_calls(file: Path) -> Iterator[str]:
    """Calls that no catalog can serve: a sentence put together in code, or values that are not its fields."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
            continue
        words = node.args[: METHODS[node.func.attr]]
        place = f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}:{node.lineno}"
        if any(isinstance(word, ast.JoinedStr | ast.BinOp) for word in words):
            yield f"{place}: the sentence is put together in code; write it whole, with {{fields}}"
            continue
        literals = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        if not literals or len(literals) < len(words) or any(keyword.arg is None for keyword in node.keywords):
            continue
        given = {str(keyword.arg) for keyword in node.keywords}
        try:
            wanted = set().union(*map(fields, literals))
        except ValueError as error:
            yield f"{place}: {error}"
            continue
        if node.func.attr == "n":
            wanted.discard("n")
        if given != wanted:
            names = ", ".join(sorted(given ^ wanted))
            yield f"{place}: the sentence's fields and the values given differ in: {names}"


def overlooked(file: Path, found: Catalog) -> Iterator[str]:
    """Sentences that the extractor did not see, which nobody would be asked to translate: a variable in a call that is
    called as a keyword (``n``) it takes for the beginning of another call."""
    seen = {text for message in found for text in ([message.id] if isinstance(message.id, str) else message.id)}
    for node in ast.walk(ast.parse(file.read_bytes())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
            continue
        words = node.args[node.func.attr == "p" : METHODS[node.func.attr]]
        for word in words:
            if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value not in seen:
                place = f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}:{word.lineno}"
                yield f"{place}: the extractor overlooks “{word.value}”: a variable has a keyword's name"
