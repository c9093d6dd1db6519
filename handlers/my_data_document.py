"""The document of /mydata: one page of HTML, complete in itself.

HTML, not plain text: every phone opens it with its browser, in its own alphabet (old ones take a text file for another
encoding), in large letters that can be made larger still, with headings to find one's way by. No script, nothing from
outside. The facts come from the API, as far as this chat's links show them; they are told in the words of the screens.
"""

from collections.abc import Sequence
from datetime import date, datetime
from html import escape

from api.agreements.schemas import HandoverOut
from api.identity.schemas import ConsentKind, LinkOut
from api.messages.schemas import DeliveryState, NoticeKind
from api.rights.schemas import KeptDays, MyDataOut, StoredCase, StoredChat, StoredFile, StoredNotice, StoredStep, View
from handlers import handover, home, payments, terms
from handlers.facts import agreement_line, listed
from handlers.gate import lapse_reason
from handlers.relatives import link_dates
from locales import Html, Translator, escaped, join, lazy

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

_WHO = {
    "staff": lazy("The office"),
    "chat": lazy("Another Telegram account of your family"),
    "operator": lazy("The people who run the office's computers"),
    "system": lazy("The system by itself"),
}
_ROLES = {
    "viewer": lazy("look-ups"),
    "case_officer": lazy("complaints desk"),
    "publisher": lazy("announcements"),
    "approver": lazy("approvals"),
    "clerk": lazy("rolls"),
    "admin": lazy("administration"),
}
_ACTIONS = {
    "homes.seen": lazy("looked at the home"),
    "handover.seen": lazy("looked at the handover date"),
    "handover.watched": lazy("wants to be told when the handover date changes"),
    "payments.seen": lazy("looked at the payments"),
    "ledger.seen": lazy("looked at the payments"),
    "cases.seen": lazy("looked at the list of complaints"),
    "case.seen": lazy("looked at a complaint"),
    "case.shown": lazy("looked at a complaint"),
    "case.route_shown": lazy("looked at a complaint"),
    "attachment.seen": lazy("looked at a file of a complaint"),
    "attachment.shown": lazy("looked at a file of a complaint"),
    "queue.shown": lazy("looked at the list of complaints"),
    "links.seen": lazy("looked at who sees the home"),
    "codes.seen": lazy("looked at who sees the home"),
    "agreement.found": lazy("looked at the agreement"),
    "access_request.read": lazy("read what you asked the office"),
    "access_requests.listed": lazy("read what you asked the office"),
    "audit.shown": lazy("looked at this record"),
}
_WORKED = lazy("worked on it")
_NEWS = lazy("news")
_NOTICES = {
    NoticeKind.NEW_LINK: lazy("that somebody else sees your home"),
    NoticeKind.LINK_ENDED: lazy("that you no longer see a home"),
    NoticeKind.LINK_SUSPENDED: lazy("that a home is not shown any more"),
    NoticeKind.ACCESS_GRANTED: lazy("that the office has let you in"),
    NoticeKind.ACCESS_DECLINED: lazy("that the office could not let you in"),
    NoticeKind.CASE_UPDATED: lazy("what the office did with your complaint"),
    NoticeKind.CASE_ON_DESK: lazy("about a complaint that you handle"),
    NoticeKind.DRAFTS_WAIT: lazy("that drafts of broadcasts wait"),
}


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
        _section(tr.t("8. What you agreed to"), _consents(data, tr)),
        _section(tr.t("9. Messages to you"), _notices(data.notices, tr)),
        _section(tr.t("10. Who looked at your data"), _views(data.views, tr)),
        _section(tr.t("11. How long it is kept"), _kept(data.kept_days, tr)),
    ]
    language = tr.locale.replace("_", "-")
    return _PAGE.format(language=escape(language), title=title, body="\n".join(sections))


def _section(heading: Html | None, paragraphs: Sequence[str | None]) -> str:
    told = [f"<p>{escaped(paragraph)}</p>" for paragraph in paragraphs if paragraph]
    return "\n".join([f"<h2>{heading}</h2>", *told] if heading else told)


def _day(moment: datetime, tr: Translator) -> str:
    return tr.date(moment.astimezone(tr.time_zone).date())


def _chat(chat: StoredChat | None, data: MyDataOut, tr: Translator) -> list[Html | None]:
    if chat is None:
        return [tr.t("Nothing is kept.")]
    draft = _draft(chat)
    tries = data.tries
    return [
        tr.t("Known since {day}, last used on {last}.", day=_day(chat.created_at, tr), last=_day(chat.saved_at, tr)),
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
                tr.t("From {day} to {last}", day=_day(link.linked_at, tr), last=_day(link.ended_at, tr)),
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
                    day=_day(code.issued_at, tr),
                    scope=terms.name(tr, code.scope),
                ),
                tr.t("Used on {day}.", day=_day(code.used_at, tr)) if code.used_at else tr.t("Not used."),
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
            day=_day(file.uploaded_at, tr),
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
                    day=_day(request.created_at, tr),
                    kind=terms.name(tr, request.kind),
                    state=terms.name(tr, request.state),
                ),
                _quoted(request.text),
            ],
        )
        for request in data.requests
    ]
    return told or [tr.t("None.")]


def _consents(data: MyDataOut, tr: Translator) -> list[Html | None]:
    told: list[Html | None] = []
    for consent in data.consents:
        what = (
            tr.t("How your data is handled")
            if consent.kind is ConsentKind.NOTICE
            else tr.t("That characters of an ID number are compared")
        )
        told.append(
            join(
                "\n",
                [
                    tr.t("<b>{what}</b> (words of {version})", what=what, version=consent.version),
                    tr.t("Agreed on {day}", day=_day(consent.given_at, tr)),
                    tr.t("Taken back on {day}", day=_day(consent.withdrawn_at, tr)) if consent.withdrawn_at else None,
                ],
            )
        )
    return told or [tr.t("None.")]


def _notices(notices: Sequence[StoredNotice], tr: Translator) -> list[Html | None]:
    if not notices:
        return [tr.t("None.")]
    lines = [
        tr.t("• {day}: {what}", day=_day(notice.created_at, tr), what=_notice(notice, tr))
        if notice.state in (DeliveryState.SENT, DeliveryState.UNKNOWN)
        else tr.t("• {day}: {what}, not sent", day=_day(notice.created_at, tr), what=_notice(notice, tr))
        for notice in notices
    ]
    return [tr.t("What a message said is not kept once it is sent, only that it was sent."), join("\n", lines)]


def _notice(notice: StoredNotice, tr: Translator) -> Html:
    known = {kind.value: words for kind, words in _NOTICES.items()}
    return tr.t(known.get(notice.kind, _NEWS))


def _views(views: Sequence[View], tr: Translator) -> list[Html | None]:
    told: list[Html | None] = [
        tr.t("Since you see your home here. Nobody is named; the office knows who it was, and must answer for it."),
    ]
    told += [_view(view, tr) for view in views]
    return told if views else [*told, tr.t("Nobody but you.")]


def _view(view: View, tr: Translator) -> Html:
    who = tr.t(_WHO.get(view.who, _WHO["system"]))
    roles = listed([tr.t(_ROLES[role]) for role in view.roles if role in _ROLES], tr)
    what = tr.t(_ACTIONS.get(view.action, _WORKED))
    return join(
        "\n",
        [
            tr.t("<b>{who}</b> ({roles}) {what}", who=who, roles=roles, what=what)
            if roles
            else tr.t("<b>{who}</b> {what}", who=who, what=what),
            tr.n("{n} time, the last on {day}", "{n} times, the last on {day}", view.times, day=_day(view.last_at, tr)),
        ],
    )


def _kept(days: KeptDays, tr: Translator) -> list[Html | None]:
    def kept(what: str, n: int) -> Html:
        return tr.n("• {what}: {n} day", "• {what}: {n} days", n, what=what)

    return [
        join(
            "\n",
            [
                kept(tr.t("What you begin and do not finish"), days.drafts),
                kept(tr.t("Files that you send and do not file"), days.files),
                kept(tr.t("How often somebody tried to show who they are"), days.attempts),
                kept(tr.t("Codes that are used or over"), days.codes),
                kept(tr.t("Which home you once saw, after that has ended"), days.links),
                kept(tr.t("What you asked the office, once it has answered"), days.requests),
                kept(tr.t("That a message was sent to you"), days.deliveries),
                kept(tr.t("What you agreed to, after you have taken it back"), days.consents),
                kept(tr.t("Your language, when you no longer use the bot"), days.chats),
            ],
        ),
        tr.t(
            "Complaints that were filed, and the office's own rolls, stay as long as the law wants them kept. The "
            "record of who looked at what is never deleted; no names and no content stand in it."
        ),
        tr.t("With /forget you have everything erased that need not be kept."),
    ]
