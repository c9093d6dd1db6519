"""``python -m locales.check``: is every sentence of the code in every catalog, translated and well-formed?"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message

from locales import catalogs
from locales.extraction import fields, overlooked, sources, template, wrong_calls

TAG = re.compile(r"<(/?)([^<>]*)>")
ALLOWED_TAGS = {"b", "i", "code"}
ENTITY = re.compile(r"&(?:lt|gt|amp|quot);")


def forms(text: str | Iterable[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def strings(message: Message) -> tuple[list[str], list[str]]:
    """Source and translation, each as all its forms."""
    return forms(message.id), forms(message.string)


def is_translated(message: Message) -> bool:
    translation = forms(message.string)
    return bool(translation) and all(translation)


def wrong_markup(text: str) -> str | None:
    """What is wrong with the Telegram HTML of a sentence, if anything."""
    open_tags: list[str] = []
    for closing, tag in TAG.findall(text):
        if tag not in ALLOWED_TAGS:
            return f"<{tag}> is not allowed"
        if not closing:
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag:
            return f"</{tag}> closes nothing"
    if open_tags:
        return f"<{open_tags[-1]}> is never closed"
    if re.search(r"[<>&]", ENTITY.sub("", TAG.sub("", text))):
        return "a bare <, > or & (write &lt; &gt; &amp;)"
    return None


def wrong_message(message: Message) -> Iterator[str]:
    source, translation = strings(message)
    if message.fuzzy:
        yield "is fuzzy"
    if not is_translated(message):
        yield "is not translated"
        return
    try:
        wanted = set().union(*map(fields, source))
        for form in translation:
            differing = fields(form) ^ wanted
            # "One photo" and "{n} photos" are forms of one sentence.
            if differing - ({"n"} if message.pluralizable else set()):
                yield f"differs from the source in the fields {', '.join(sorted(differing))}"
    except ValueError as error:
        yield str(error)
    for form in {*source, *translation}:
        if problem := wrong_markup(form):
            yield problem
    if len({tuple(sorted(Counter(TAG.findall(form)).items())) for form in (source[-1], translation[-1])}) > 1:
        yield "marks up something else than the source does"


def wrong_catalog(catalog: Catalog, wanted: Catalog) -> Iterator[str]:
    known = {(message.id if isinstance(message.id, str) else message.id[0], message.context) for message in catalog}
    for message in wanted:
        source = strings(message)[0]
        if message.id and (source[0], message.context) not in known:
            yield f"“{source[0]}” is missing"
    for message in catalog:
        if not message.id:
            continue
        source, translation = strings(message)
        expected = wanted.get(source[0], message.context)
        if expected is None:
            yield f"“{source[0]}” is said nowhere"
            continue
        if strings(expected)[0] != source:
            yield f"“{source[0]}” has another plural in the code"
        if message.pluralizable and len(translation) != catalog.num_plurals:
            yield f"“{source[0]}” needs {catalog.num_plurals} plural forms"
        for problem in wrong_message(message):
            yield f"“{source[0]}” {problem}"
    if catalog.obsolete:
        yield f"{len(catalog.obsolete)} obsolete entries are left"


def problems(files: list[Path], languages: dict[str, Catalog]) -> list[str]:
    """One line for each slip in the code's calls and in the catalogs."""
    found = [problem for file in files for problem in wrong_calls(file)]
    wanted = template(files)
    found += [problem for file in files for problem in overlooked(file, wanted)]
    for locale, catalog in languages.items():
        found += [f"{locale}: {problem}" for problem in wrong_catalog(catalog, wanted)]
    return found


def main() -> int:
    files = sources()
    languages = {locale: catalogs.read(locale) for locale in catalogs.SUPPORTED}
    found = problems(files, languages)
    for problem in found:
        print(problem)  # noqa: T201
    if found:
        print("`python -m locales.update` adds new sentences to the catalogs and takes out old ones.")  # noqa: T201
        return 1
    print(f"{len(languages[catalogs.DEFAULT])} sentences, complete in {', '.join(languages)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
