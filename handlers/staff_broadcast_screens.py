"""Broadcasts in words for the office: one line of a list, the sheet with all that is known, how far it is."""

from datetime import UTC, datetime

from api.broadcasts.schemas import (
    AudienceCount,
    Body,
    BroadcastAction,
    BroadcastEventOut,
    BroadcastOut,
    BroadcastState,
    BroadcastSummary,
    Operation,
    ParcelsOf,
    Placeholder,
    Problem,
    Progress,
    ReachedOf,
)
from bot.ui import shorten
from handlers import terms
from handlers.broadcast_audience import Places, sentence
from handlers.facts import listed, quoted
from handlers.staff_broadcast_terms import (
    DONE,
    MISSING,
    OPERATIONS,
    PLACEHOLDERS,
    PROBLEMS,
    SENT_AGAIN,
    STATES,
)
from locales import Html, Translator, join, native_name
from locales.templates import parted, plain

SHOWN_BODY = 300
SHOWN_BODIES = 4
SHOWN_EVENTS = 4
SHOWN_PROBLEMS = 6
SHOWN_NUMBERS = 5
SHOWN_BUILDINGS = 12
OVER = (BroadcastState.SENT, BroadcastState.CANCELLED)


def line(broadcast: BroadcastSummary, tr: Translator) -> Html:
    """One of a list."""
    return join(
        "\n",
        [
            tr.t("<b>{number}</b> · {state}", number=broadcast.id, state=tr.t(STATES[broadcast.state])),
            shorten(broadcast.title, 60) or tr.t("(no text yet)"),
            tr.t(
                "{topic} · {author} · {moment}",
                topic=terms.name(tr, broadcast.topic),
                author=broadcast.author,
                moment=tr.datetime(broadcast.finished_at or broadcast.started_at or broadcast.created_at),
            ),
        ],
    )


def heading(broadcast: BroadcastSummary, tr: Translator) -> Html:
    if broadcast.operation is Operation.SEND:
        if broadcast.of_id is not None:
            return tr.t(SENT_AGAIN, number=broadcast.id, of=broadcast.of_id)
        return tr.t(OPERATIONS[Operation.SEND], number=broadcast.id)
    return tr.t(OPERATIONS[broadcast.operation], number=broadcast.id, of=broadcast.of_id or 0)


def sheet(broadcast: BroadcastOut, count: AudienceCount | None, places: list[ParcelsOf], tr: Translator) -> Html:
    """All that is known of a broadcast, on one screen."""
    content = broadcast.content
    return join(
        "\n\n",
        [
            join("\n", [heading(broadcast, tr), tr.t("Now: {state}", state=tr.t(STATES[broadcast.state]))]),
            how_it_is_told(broadcast, tr),
            join(
                "\n",
                [
                    tr.t("Topic: {topic}", topic=terms.name(tr, content.topic)),
                    tr.t("For: <b>{families}</b>", families=sentence(content.audience, Places(places, tr), tr))
                    if broadcast.operation is Operation.SEND
                    else None,
                    _start(broadcast, tr),
                    tr.t("Where a value is not there: {what}", what=tr.t(MISSING[content.missing]))
                    if count is not None and count.missing
                    else None,
                    tr.t("📎 With a file") if content.attachment_id is not None else None,
                ],
            ),
            counted(count, tr) if count is not None else None,
            *(
                _body(broadcast, locale, body, tr)
                for locale, body in [*content.bodies.items()][:SHOWN_BODIES]
                if broadcast.operation is not Operation.DELETE
            ),
            progress(broadcast, broadcast.progress, tr) if broadcast.progress is not None else None,
            problems(broadcast.problems, tr) if broadcast.state not in OVER else None,
            events(broadcast.events, tr),
        ],
    )


def how_it_is_told(broadcast: BroadcastOut, tr: Translator) -> Html | None:
    """Of a correction: what its readers get of it. An edit alone rings nowhere."""
    if broadcast.operation is not Operation.EDIT:
        return None
    return tr.t(
        "✏️ <b>This is a correction.</b> What broadcast {of} sent is changed in the chats. Then each reader of a "
        "changed message gets a short new one, with a ring: it was changed, and what it says now counts.",
        of=broadcast.of_id or 0,
    )


def _body(broadcast: BroadcastOut, locale: str, body: Body, tr: Translator) -> Html:
    """A language's text; of a correction with the one before it."""
    fallback = broadcast.content.fallback
    if locale in broadcast.uncorrected:
        same = tr.t("↩️ The same as in broadcast {of}: nothing is corrected here yet.", of=broadcast.of_id or 0)
        return join("\n", [body_lines(locale, body, tr, fallback), same])
    before = broadcast.before.get(locale)
    if before is None:
        return body_lines(locale, body, tr, fallback)
    # Two texts for each language must not take more room than one takes elsewhere, where there are many.
    room = SHOWN_BODY if len(broadcast.content.bodies) <= SHOWN_BODIES // 2 else SHOWN_BODY // 2
    old, new = (shorten(text, room) for text in parted(before.text, body.text))
    return join(
        "\n",
        [
            body_lines(locale, body, tr, fallback, shown=new),
            tr.t("↩️ Before, in broadcast {of}:", of=broadcast.of_id or 0),
            quoted(old),
            _buttons(before, tr) if before.buttons != body.buttons else None,
        ],
    )


def left_as_it_was(broadcast: BroadcastOut, tr: Translator) -> Html | None:
    """What is said before a correction goes out that leaves a language as it is."""
    if not broadcast.uncorrected:
        return None
    return tr.t(
        "⚠️ <b>Not corrected: {languages}.</b> Who reads that still sees what broadcast {of} said.",
        languages=listed([native_name(locale) for locale in broadcast.uncorrected], tr),
        of=broadcast.of_id or 0,
    )


def _start(broadcast: BroadcastOut, tr: Translator) -> Html | None:
    if broadcast.started_at is not None:
        return None
    content = broadcast.content
    if content.starts_at is None:
        begins = tr.t("Begins: as soon as it is approved")
    else:
        begins = tr.t("Begins: {moment}", moment=tr.datetime(content.starts_at))
    night, quiet = None, broadcast.quiet_hours
    if content.urgent:
        night = tr.t("🚨 Urgent: also at night")
    elif quiet is not None and broadcast.operation is Operation.EDIT:
        night = tr.t(
            "At night, between {since}:00 and {until}:00, the messages are changed all the same; their readers hear of "
            "it from {until}:00 on",
            since=quiet.since,
            until=quiet.until,
        )
    elif quiet is not None and broadcast.operation is Operation.SEND:
        night = tr.t(
            "Not at night: between {since}:00 and {until}:00 it waits until morning",
            since=quiet.since,
            until=quiet.until,
        )
    return join("\n", [begins, night])


def counted(count: AudienceCount, tr: Translator) -> Html:
    """How many get it as it stands now."""
    languages = [
        tr.t(
            "{language} {n}",
            language=native_name(one.locale) if one.locale else tr.t("language not known"),
            n=tr.number(one.chats),
        )
        for one in count.languages
    ]
    return join(
        "\n",
        [
            tr.t(
                "📊 <b>{chats}</b> chats get it, of {families} families.",
                chats=tr.number(count.chats),
                families=tr.number(count.agreements),
            ),
            tr.t("Families without a chat: {n}", n=tr.number(count.unreachable)) if count.unreachable else None,
            tr.t("Chats that do not want this topic: {n}", n=tr.number(count.muted)) if count.muted else None,
            listed(languages, tr) if languages else None,
            *(
                tr.t(
                    "Without a value for {placeholder}: {n} ({numbers})",
                    placeholder=tr.t(PLACEHOLDERS[one.placeholder]),
                    n=tr.number(one.chats),
                    numbers=listed([*one.agreements[:SHOWN_NUMBERS], "…" if one.chats > SHOWN_NUMBERS else None], tr),
                )
                for one in count.missing
            ),
        ],
    )


def body_lines(locale: str, body: Body, tr: Translator, fallback: str, *, shown: str | None = None) -> Html:
    """A language's text, how it begins, with its buttons.

    Args:
        shown: of its text, where that is not its beginning.
    """
    text = plain(body.text) if shown is None else shown
    name = native_name(locale)
    title = tr.t("✏️ <b>{language}</b>, also for all other languages", language=name)
    if locale != fallback:
        title = tr.t("✏️ <b>{language}</b>", language=name)
    return join(
        "\n",
        [
            title,
            quoted(text, SHOWN_BODY) if text else tr.t("(no text yet)"),
            _buttons(body, tr),
        ],
    )


def _buttons(body: Body, tr: Translator) -> Html | None:
    if not body.buttons:
        return None
    return tr.t("Buttons: {buttons}", buttons=listed([one.label for one in body.buttons], tr))


# --- what is wrong ---


def problem(one: Problem, tr: Translator) -> Html:
    given: dict[str, str | int] = {
        "language": native_name(one.locale or ""),
        "line": one.line or 1,
        "column": one.column or 1,
        "found": one.found or "",
    }
    return tr.t(PROBLEMS[one.kind], **given)


def problems(found: list[Problem], tr: Translator) -> Html | None:
    if not found:
        return None
    rest = len(found) - SHOWN_PROBLEMS
    return join(
        "\n",
        [
            tr.t("⚠️ <b>Before it can go out:</b>"),
            *(tr.t("• {problem}", problem=problem(one, tr)) for one in found[:SHOWN_PROBLEMS]),
            tr.n("and {n} more", "and {n} more", rest) if rest > 0 else None,
        ],
    )


# --- how far it is ---


def progress(broadcast: BroadcastOut, now: Progress, tr: Translator) -> Html:
    # What was cancelled went to nobody.
    done = now.total - now.waiting - now.cancelled
    share = 100 * done // now.total if now.total else 100
    bar = "▓" * (share // 10) + "░" * (10 - share // 10)
    counts = [
        (tr.t("✅ sent: {n} of {total}", n=tr.number(now.sent), total=tr.number(now.total)), True),
        (tr.t("🚷 blocked or gone: {n}", n=tr.number(now.gone)), now.gone),
        (tr.t("❌ failed: {n}", n=tr.number(now.failed)), now.failed),
        (tr.t("❔ not known whether it arrived: {n}", n=tr.number(now.unknown)), now.unknown),
        (tr.t("🚫 not sent any more: {n}", n=tr.number(now.cancelled)), now.cancelled),
        (tr.t("⏳ left: {n}", n=tr.number(now.waiting)), now.waiting),
    ]
    return join(
        "\n",
        [
            tr.t("{bar} {share} %", bar=bar, share=share),
            *(text for text, shown in counts if shown),
            _pace(broadcast, now, tr) if broadcast.state is BroadcastState.SENDING and now.waiting else None,
        ],
    )


def _pace(broadcast: BroadcastOut, now: Progress, tr: Translator) -> Html:
    quiet = broadcast.quiet_hours
    # Deletions make no noise: they go on at night.
    makes_noise = not broadcast.content.urgent and broadcast.operation is not Operation.DELETE
    if quiet is not None and makes_noise and quiet.covers(datetime.now(tr.time_zone).hour):
        if broadcast.operation is Operation.EDIT:
            return tr.t(
                "🌙 It is night: the messages are changed now, their readers hear of it from {hour}:00 on",
                hour=quiet.until,
            )
        return tr.t("🌙 It is night: it goes on at {hour}:00", hour=quiet.until)
    rate = tr.t("{n} a second", n=tr.number(round(now.rate))) if now.rate >= 1 else tr.t("less than one a second")
    if now.seconds_left is None:
        return rate
    minutes = -(-now.seconds_left // 60)
    left = tr.n("about {n} minute more", "about {n} minutes more", minutes)
    return listed([rate, left], tr)


def running(broadcast: BroadcastOut, tr: Translator) -> Html:
    """What stands in the message that edits itself."""
    return join(
        "\n\n",
        [
            join("\n", [heading(broadcast, tr), tr.t("Now: {state}", state=tr.t(STATES[broadcast.state]))]),
            shorten(broadcast.title, 120),
            progress(broadcast, broadcast.progress, tr) if broadcast.progress is not None else None,
            tr.t("<i>As of {moment}</i>", moment=f"{datetime.now(UTC).astimezone(tr.time_zone):%H:%M:%S}"),
        ],
    )


def reached(rows: list[ReachedOf], title: str, names: bool, tr: Translator) -> Html | None:
    """``names``: they are languages."""
    if not rows:
        return None
    rest = len(rows) - SHOWN_BUILDINGS
    return join(
        "\n",
        [
            title,
            *(
                tr.t(
                    "{name}: {sent} of {total}",
                    name=(native_name(one.name) if names else one.name) if one.name else tr.t("not known"),
                    sent=tr.number(one.sent),
                    total=tr.number(one.total),
                )
                for one in rows[:SHOWN_BUILDINGS]
            ),
            tr.n("and {n} more", "and {n} more", rest) if rest > 0 else None,
        ],
    )


# --- what happened ---


def events(happened: list[BroadcastEventOut], tr: Translator) -> Html | None:
    """The newest of them. Of changes that one person made in a row only the last: every setting is one, and they would
    push the reason for which it was sent back off the screen."""
    if not happened:
        return None
    told: list[BroadcastEventOut] = []
    for one in happened:
        if one.action is BroadcastAction.EDIT and told and (told[-1].action, told[-1].by) == (one.action, one.by):
            told.pop()
        told.append(one)
    return join("\n", [tr.t("<b>What happened</b>"), *(event(one, tr) for one in told[-SHOWN_EVENTS:])])


def event(one: BroadcastEventOut, tr: Translator) -> Html:
    who = one.by or tr.t("the system")
    told = tr.t("{moment}: {what} ({who})", moment=tr.datetime(one.happened_at), what=tr.t(DONE[one.action]), who=who)
    return join("\n", [told, quoted(one.text) if one.text else None])


def placeholder_list(tr: Translator) -> Html:
    """The placeholders as one can copy them with one touch."""
    return join(
        "\n",
        [
            tr.t("<code>{code}</code> – {meaning}", code=f"{{{one.value}}}", meaning=tr.t(PLACEHOLDERS[one]))
            for one in Placeholder
        ],
    )
