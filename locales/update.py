"""``python -m locales.update``: bring the code's sentences into the catalogs, take out what is said nowhere.

New sentences come in untranslated, except in English, the language they are written in. The files are sorted and
bear neither places nor times, so that they change only where the words do.
"""

import sys
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from locales import catalogs
from locales.check import forms, is_translated, strings
from locales.extraction import sources, template

SOURCE_LOCALE = "en"
HEADER = """\
# Words of shanglou: {locale}
msgid ""
msgstr ""
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def merged(locale: str, catalog: Catalog, wanted: Catalog) -> Catalog:
    """The wanted sentences with the translations that the catalog has."""
    result = Catalog(locale)
    for message in wanted:
        if not message.id:
            continue
        source = strings(message)[0]
        old = catalog.get(source[0], message.context)
        kept = old.string if old is not None and old.id == message.id else None
        if locale == SOURCE_LOCALE and not (kept and all(forms(kept))):
            kept = message.id
        result.add(message.id, kept, auto_comments=message.auto_comments, context=message.context)
    return result


def written(locale: str, catalog: Catalog) -> bytes:
    """The catalog as a ``.po`` file."""
    body = BytesIO()
    write_po(body, catalog, width=0, omit_header=True, sort_output=True, no_location=True)
    header = HEADER.format(locale=locale, plural_forms=catalog.plural_forms)
    return header.encode() + body.getvalue().strip() + b"\n"


def main() -> int:
    wanted = template(sources())
    for locale in catalogs.SUPPORTED:
        file = catalogs.path(locale)
        before = catalogs.read(locale) if file.exists() else Catalog(locale)
        after = merged(locale, before, wanted)
        missing = sum(not is_translated(message) for message in after if message.id)
        contents = written(locale, after)
        if not file.exists() or file.read_bytes() != contents:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents)
        print(f"{locale}: {len(after)} sentences, {missing} to translate")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
