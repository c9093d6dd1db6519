"""The document of /mydata: one page of HTML, complete in itself.

HTML, not plain text: every phone opens it with its browser, in its own alphabet (old ones take a text file for another
encoding), in large letters that can be made larger still, with headings to find one's way by. No script, nothing from
outside. The facts come from the API, as far as this chat's links show them; they are told in the words of the screens.
"""

from collections.abc import Sequence
from datetime import date
from html import escape

from api.agreements.schemas import HandoverOut
from api.identity.schemas import LinkOut
from api.rights.schemas import MyDataOut, StoredCase, StoredChat, StoredFile, StoredStep
from handlers import handover, home, payments, terms
from handlers import my_data_record as record
from handlers.facts import agreement_line, day_of, listed
from handlers.gate import lapse_reason
from handlers.relatives import link_dates
from locales import Html, Translator, escaped, join

_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 20px/1.6 sans-serif; color: #111; background: #fff; max-width: 40em; margin: 0 auto; padding: 1em; }}
h1 {{ font-size: 1.5em; line-height: 1.3; }}
h2 {{ font-size: 1.25em; border-top: 3px solid #111; padding-top: 0.6em; margin-top: 1.8em; }}
p {{ white-space: pre-line; overflow-wrap: anywhere; margin: 0.8em 0; }}
blockquote {{ white-space: pre-line; border-left: 4px solid #999; margin: 0.4em 0; padding-left: 0.8em; }}
i {{ font-style: normal; color: #444; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def document(data: MyDataOut, tr: Translator, office: str, today: date) -> str:
    """The page, in the reader's language."""
    title = tr.t("What is kept about you")
    sections = [
        _section(
            None,
            [
                tr.t("Made on {moment}.", moment=tr.datetime(data.made_at)),
                tr.t("{office} runs this bot and keeps these data.", office=office),
                tr.t(
                    "Names, phone numbers and ID numbers are shortened here too, so that nobody can misuse this page. "
                    "Mistakes are put right by the office."
                ),
            ],
        ),
        _section(tr.t("1. This chat"), _chat(data.chat, data, tr)),
        _section(tr.t("2. Whose home you may see"), _links(data, tr)),
        _section(tr.t("3. Your home"), _homes(data, tr, today)),
        _section(tr.t("4. Handover"), _handovers(data.handover, tr, today)),
        _section(tr.t("5. Payments"), _payments(data, tr, today)),
        _section(tr.t("6. Your complaints"), _complaints(data, tr)),
        _section(tr.t("7. What you asked the office"), _requests(data, tr)),
        _section(tr.t("8. What you agreed to"), record.consents(data, tr)),
        _section(tr.t("9. Messages to you"), record.notices(data.notices, tr)),
        _section(tr.t("10. Who looked at your data"), record.views(data.views, tr)),
        _section(tr.t("11. How long it is kept"), record.kept_days(data.kept_days, tr)),
    ]
    language = tr.locale.replace("_", "-")
    return _PAGE.format(language=escape(language), title=title, body="\n".join(sections))


def _section(heading: Html | None, paragraphs: Sequence[str | None]) -> str:
    told = [f"<p>{escaped(paragraph)}</p>" for paragraph in paragraphs if paragraph]
    return "\n".join([f"<h2>{heading}</h2>", *told] if heading else told)


def _chat(chat: StoredChat | None, data: MyDataOut, tr: Translator) -> list[Html | None]:
    if chat is None:
        return [tr.t("Nothing is kept.")]
    draft = _draft(chat)
    tries = data.tries
    return [
        tr.t(
            "Known since {day}, last used on {last}.", day=day_of(chat.created_at, tr), last=day_of(chat.saved_at, tr)
        ),
        tr.t("The number of this chat, by which Telegram knows it, and its language."),
        tr.t("You have begun something and not finished it.") if chat.dialog is not None else None,
        _quoted(draft) if draft else None,
        tr.n(
            "Somebody tried {n} time here to show who they are; {wrong} without success.",
            "Somebody tried {n} times here to show who they are; {wrong} without success.",
            tries.count,
            wrong=tr.number(tries.wrong),
        )
        if tries.count
        else None,
        tr.t("You do not want to be told of: {topics}.", topics=listed([terms.name(tr, t) for t in data.muted], tr))
        if data.muted
        else None,
        tr.t("This chat also acts for an account of the office's staff.") if data.is_staff else None,
    ]


def _draft(chat: StoredChat) -> str | None:
    """What the person has written so far, wherever the conversation keeps it; also one that another interrupts."""
    texts: list[str] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name == "text" and isinstance(inner, str):
                    texts.append(inner)
                else:
                    look(inner)

    if chat.dialog is not None:
        look(chat.dialog.data)
    return "\n\n".join(text for text in texts if text) or None


def _links(data: MyDataOut, tr: Translator) -> list[Html | None]:
    links, lapsed = data.links.links, data.links.lapsed
    told: list[Html | None] = [_link(link, tr) for link in links]
    told += [
        join(
            "\n",
            [
                tr.t("Not shown any more: {agreement}", agreement=agreement_line(link.agreement, tr)),
                lapse_reason(tr, link.because),
            ],
        )
        for link in lapsed
    ]
    told += [
        join(
            "\n",
            [
                tr.t("Seen here earlier: {agreement}", agreement=agreement_line(link.agreement, tr)),
                tr.t("From {day} to {last}", day=day_of(link.linked_at, tr), last=day_of(link.ended_at, tr)),
            ],
        )
        for link in data.ended_links
    ]
    told += [
        join(
            " ",
            [
                tr.t(
                    "A code that you made for a relative on {day}: shows {scope}.",
                    day=day_of(code.issued_at, tr),
                    scope=terms.name(tr, code.scope),
                ),
                tr.t("Used on {day}.", day=day_of(code.used_at, tr)) if code.used_at else tr.t("Not used."),
            ],
        )
        for code in data.codes
    ]
    return told or [tr.t("None.")]


def _link(link: LinkOut, tr: Translator) -> Html:
    who = tr.t("You see:") if link.this_chat else tr.t("Another Telegram account sees:")
    return join(
        "\n",
        [
            tr.t("<b>{who}</b> {agreement}", who=who, agreement=agreement_line(link.agreement, tr)),
            tr.t("Role: {role}", role=terms.name(tr, link.role)),
            tr.t("Shown: {scope}", scope=terms.name(tr, link.scope)),
            *link_dates(tr, link),
        ],
    )


def _flowing(screens: Sequence[Html]) -> list[Html]:
    """Screens as one text: each after the first repeats the heading, which a page need not."""
    return [screen if number == 0 else Html(screen.partition("\n\n")[2]) for number, screen in enumerate(screens)]


def _homes(data: MyDataOut, tr: Translator, today: date) -> list[Html | None]:
    told: list[Html | None] = []
    for one in data.homes:
        told += _flowing(home.view(one, tr, today))
        if home.has_more_stages(one):
            told += _flowing(home.stages_view(one, tr, today))
    return told or [tr.t("None.")]


def _handovers(every: Sequence[HandoverOut], tr: Translator, today: date) -> list[Html | None]:
    told: list[Html | None] = []
    for agreement_id in dict.fromkeys(one.agreement.id for one in every):
        mine = [one for one in every if one.agreement.id == agreement_id]
        told += _flowing(handover.view(mine, tr, today))
        if handover.has_more_slips(mine):
            told += _flowing(handover.slips_view(mine, tr))
        if any(one.watching for one in mine):
            told.append(tr.t("You want to be told when this date changes."))
    return told or [tr.t("None.")]


def _payments(data: MyDataOut, tr: Translator, today: date) -> list[Html | None]:
    told: list[Html | None] = []
    for one in data.payments:
        told += _flowing(payments.view(one, tr, today))
    told += [payments.history_view(ledger, tr) for ledger in data.ledgers]
    return told or [tr.t("Nothing that you may see here.") if data.homes else tr.t("None.")]


def _complaints(data: MyDataOut, tr: Translator) -> list[Html | None]:
    told: list[Html | None] = [_complaint(case, tr) for case in data.cases]
    if data.files:
        told.append(join("\n", [tr.t("Files that you sent and did not file:"), *_files(data.files, tr)]))
    return told or [tr.t("None.")]


def _complaint(case: StoredCase, tr: Translator) -> Html:
    place = case.location
    return join(
        "\n",
        [
            tr.t("<b>Complaint {number}</b>", number=case.number),
            tr.t("About: {category}", category=terms.name(tr, case.category)),
            agreement_line(case.agreement, tr),
            tr.t("Received: {moment}", moment=tr.datetime(case.received_at)),
            tr.t("Registered: {moment}", moment=tr.datetime(case.registered_at)) if case.registered_at else None,
            tr.t("Accepted: {moment}", moment=tr.datetime(case.accepted_at)) if case.accepted_at else None,
            tr.t("Now: <b>{state}</b>", state=terms.name(tr, case.state)),
            _quoted(case.text),
            tr.t("Place: {latitude}, {longitude}", latitude=str(place.latitude), longitude=str(place.longitude))
            if place
            else None,
            *_files(case.files, tr),
            *(_step(step, tr) for step in case.history),
        ],
    )


def _step(step: StoredStep, tr: Translator) -> Html:
    happened = tr.t("• {moment}: {event}", moment=tr.datetime(step.happened_at), event=terms.name(tr, step.kind))
    return join("\n", [happened, _quoted(step.text) if step.text else None])


def _files(files: Sequence[StoredFile], tr: Translator) -> list[Html]:
    return [
        tr.t(
            "• {name}, {size} KB, {day}",
            name=file.filename,
            size=tr.number(max(1, round(file.size / 1024))),
            day=day_of(file.uploaded_at, tr),
        )
        for file in files
    ]


def _quoted(text: str) -> Html:
    # Closes the paragraph around it, as HTML has it.
    return Html(f"</p><blockquote>{escaped(text)}</blockquote><p>")


def _requests(data: MyDataOut, tr: Translator) -> list[Html | None]:
    told: list[Html | None] = [
        join(
            "\n",
            [
                tr.t(
                    "No. {number}, {day}, {kind}: {state}",
                    number=request.id,
                    day=day_of(request.created_at, tr),
                    kind=terms.name(tr, request.kind),
                    state=terms.name(tr, request.state),
                ),
                _quoted(request.text),
            ],
        )
        for request in data.requests
    ]
    return told or [tr.t("None.")]
