"""What an officer reads of a case: its line in the queue, its page, its history."""

from collections.abc import Sequence

from api.cases.schemas import (
    CaseActor,
    CaseEventKind,
    CaseState,
    QueuedCase,
    StaffCaseOut,
    StaffClockOut,
    StaffEventOut,
)
from bot.context import Context
from handlers import staff_terms, terms
from handlers.facts import agreement_line, enclosures, listed, quoted, unit_label
from handlers.passages import packed, passages
from locales import Html, Translator, join

_FOLLOWING = (
    CaseState.RECEIVED,
    CaseState.REGISTERED,
    CaseState.TRANSFERRED,
    CaseState.ASSIGNED,
    CaseState.ACCEPTED,
    CaseState.IN_PROGRESS,
    CaseState.EXTENDED,
)
"""Not answered yet: what is done with the collective case is done with it too."""
SHOWN_MEMBERS = 12
RECENT = 5
"""Events on the page of a case; all of them stand in its history."""
SHOWN_WORDS = 120
"""Characters of what was said with such an event."""
QUOTED = 1500
"""Characters of a text in one paragraph of the history."""


# --- in the queue ---


def queue_line(ctx: Context, case: QueuedCase) -> Html:
    tr = ctx.words
    light = staff_terms.LIGHTS[case.light] if case.light else staff_terms.NO_LIGHT
    about = listed([terms.name(tr, case.category), case.home], tr)
    nobody = ctx.t("nobody has taken it")
    standing = [
        terms.name(tr, case.state),
        listed([case.department, case.officer or nobody], tr),
        ctx.t("waits for the resident") if case.asked else None,
        ctx.t("👁 supervised") if case.supervised else None,
        ctx.t("🚩 reported as overdue") if case.raised else None,
    ]
    return join(
        "\n",
        [
            ctx.t("{light} <b>{number}</b> · {about}", light=light, number=case.number, about=about),
            _due(ctx, case),
            join(" · ", standing),
        ],
    )


def _due(ctx: Context, case: QueuedCase) -> Html | None:
    if case.due_on is None:
        return None
    if case.light is not None and case.light.value == "overdue":
        return ctx.t("Was due on {day}", day=ctx.words.date(case.due_on))
    return ctx.t("Due on {day}", day=ctx.words.date(case.due_on))


# --- the page ---


def page(ctx: Context, case: StaffCaseOut) -> Html:
    events = [event_line(ctx, event, case) for event in case.events[-RECENT:]]
    clocks = [clock_line(ctx, clock) for clock in case.clocks]
    return join(
        "\n\n",
        [
            join("\n", [*_heading(ctx, case), *_subject(ctx, case)]),
            join("\n", _standing(ctx, case)),
            _together(ctx, case),
            _unreached(ctx, case),
            quoted(case.text),
            join("\n", [ctx.t("<b>Time limits</b>"), *clocks]) if clocks else None,
            join("\n", [ctx.t("<b>What happened</b>"), *events]),
            ctx.t("You gave the answer, so somebody else decides the review.") if case.own_answer else None,
            None if case.allowed else _only_read(ctx, case),
        ],
    )


def _together(ctx: Context, case: StaffCaseOut) -> Html | None:
    """With which other cases it is answered."""
    if case.master and case.state not in _FOLLOWING:
        return ctx.t(
            "🤝 It was answered together with case {number}. Should that one be answered again, this family gets that "
            "answer too.",
            number=case.master,
        )
    if case.master:
        return ctx.t("🤝 Follows case <b>{number}</b>: work on that one.", number=case.master)
    members = ctx.n("🤝 {n} case follows this one:", "🤝 {n} cases follow this one:", len(case.members))
    offered = ctx.t("📣 Offered to the building: {text}", text=case.published_text) if case.published_text else None
    return join("\n", [join(" ", [members, _numbers(ctx, case.members)]) if case.members else None, offered]) or None


def _numbers(ctx: Context, numbers: Sequence[str]) -> Html:
    more = ["…"] if len(numbers) > SHOWN_MEMBERS else []
    return listed([*numbers[:SHOWN_MEMBERS], *more], ctx.words)


def _unreached(ctx: Context, case: StaffCaseOut) -> Html | None:
    if not case.unreached:
        return None
    if not case.members:
        return ctx.t("📵 The family reads nothing here any more. Please tell them by phone or by post.")
    return ctx.t(
        "📵 Families of these read nothing here any more; please tell them by phone or by post: {numbers}",
        numbers=_numbers(ctx, case.unreached),
    )


def _heading(ctx: Context, case: StaffCaseOut) -> list[Html | None]:
    return [
        ctx.t("<b>Case {number}</b>", number=case.number),
        ctx.t("Now: <b>{state}</b>", state=terms.name(ctx.words, case.state)),
        ctx.t("👁 supervised") if case.supervised else None,
        ctx.t("🚩 reported as overdue") if case.raised else None,
    ]


def _subject(ctx: Context, case: StaffCaseOut) -> list[Html | None]:
    tr = ctx.words
    home = unit_label(case.unit, tr) if case.unit else case.agreement.home
    return [
        ctx.t("About: {category}", category=terms.name(tr, case.category)),
        ctx.t("🏠 {home}", home=home) if home else None,
        agreement_line(case.agreement, tr),
        ctx.t("Project: {project}", project=case.project),
        ctx.t("Enclosed: {contents}", contents=enclosed(ctx, case)),
    ]


def enclosed(ctx: Context, case: StaffCaseOut) -> Html:
    """What the family sent."""
    office = {file for event in case.events if event.by is not CaseActor.RESIDENT for file in event.attachment_ids}
    kinds = [attachment.kind for attachment in case.attachments if attachment.id not in office]
    return listed(enclosures(kinds, ctx.words, location=case.location is not None), ctx.words) or ctx.t("nothing")


def _standing(ctx: Context, case: StaffCaseOut) -> list[Html | None]:
    """Who has it, and since when; receiving, registering and accepting are three different days."""
    tr = ctx.words
    return [
        ctx.t("With: {who}", who=listed([case.department, case.officer], tr))
        if case.department or case.officer
        else ctx.t("Nobody has taken it yet."),
        ctx.t("Received: {moment}", moment=tr.datetime(case.received_at)),
        ctx.t("Registered: {moment}", moment=tr.datetime(case.registered_at)) if case.registered_at else None,
        ctx.t("Accepted: {moment}", moment=tr.datetime(case.accepted_at)) if case.accepted_at else None,
        ctx.t("Outcome: {outcome}", outcome=tr.t(staff_terms.OUTCOMES[case.outcome])) if case.outcome else None,
        _rating(ctx, case),
    ]


def _rating(ctx: Context, told: StaffCaseOut | StaffEventOut) -> Html | None:
    if told.rating is None:
        return None
    solved = {True: ctx.t("solved"), False: ctx.t("not solved"), None: ctx.t("not said whether it is solved")}
    return ctx.t("The resident gives {rating} of 5; {solved}", rating=told.rating, solved=solved[told.solved])


def _only_read(ctx: Context, case: StaffCaseOut) -> Html:
    if not any(clock.kind not in staff_terms.RIGHTS for clock in case.clocks):
        return ctx.t("Nothing is to be done with it now.")
    if case.department is None:
        return ctx.t("Your account can read this case, not work on it.")
    return ctx.t(
        "You can read this case. Only {department} and supervisors can work on it.", department=case.department
    )


def clock_line(ctx: Context, clock: StaffClockOut) -> Html:
    """The last day of a time limit, and the article it rests on."""
    tr = ctx.words
    what, day = tr.t(staff_terms.CLOCKS[clock.kind]), tr.date(clock.last_day)
    articles = _articles(tr, clock.article) if clock.article else ctx.t("set by the office")
    if clock.kind in staff_terms.RIGHTS:
        return ctx.t("▫️ {what}: until {day} ({articles})", what=what, day=day, articles=articles)
    light = staff_terms.LIGHTS[clock.light]
    if clock.overdue:
        return ctx.t(
            "{light} {what}: <b>was due on {day}</b> ({articles})", light=light, what=what, day=day, articles=articles
        )
    return ctx.t("{light} {what}: by <b>{day}</b> ({articles})", light=light, what=what, day=day, articles=articles)


def _articles(tr: Translator, named: str) -> Html:
    """22, 23 → articles 22, 23 · 第22、23条"""
    numbers = [number.strip() for number in named.split(",")]
    return tr.n("article {numbers}", "articles {numbers}", len(numbers), numbers=listed(numbers, tr))


# --- what happened ---


def event_line(ctx: Context, event: StaffEventOut, case: StaffCaseOut) -> Html:
    """What happened in short, with the beginning of what was said."""
    line = _event(ctx, event, case)
    # The complaint itself stands above.
    if not event.text or event.kind is CaseEventKind.RECEIVED:
        return line
    return join("\n", [line, quoted(event.text, SHOWN_WORDS)])


def _event(ctx: Context, event: StaffEventOut, case: StaffCaseOut) -> Html:
    tr = ctx.words
    who = event.actor or tr.t(staff_terms.ACTORS[event.by])
    kinds = [attachment.kind for attachment in case.attachments if attachment.id in event.attachment_ids]
    details = [
        ctx.t("To: {who}", who=listed([event.department, event.officer], tr)) if event.department else None,
        tr.t(staff_terms.OUTCOMES[event.outcome]) if event.outcome else None,
        tr.t(staff_terms.PROCEDURES[event.procedure]) if event.procedure else None,
        tr.n("{n} day more", "{n} days more", event.days) if event.days else None,
        ctx.t("approved by {name}", name=event.approved_by) if event.approved_by else None,
        _rating(ctx, event),
        *enclosures(kinds, tr, location=False),
    ]
    return join(
        "\n",
        [
            ctx.t(
                "• {moment}: {event} ({who})",
                moment=tr.datetime(event.happened_at),
                event=terms.name(tr, event.kind),
                who=who,
            ),
            join(" · ", details) or None,
        ],
    )


def changes(ctx: Context, case: StaffCaseOut, since: int) -> Html | None:
    """What was done with a case since the version that an officer saw, and by whom; None: nothing."""
    # A sweep notes that a time limit is over, which is no step.
    steps = [event for event in case.events if event.kind is not CaseEventKind.OVERDUE]
    done = steps[-min(case.version - since, RECENT) :] if case.version > since else []
    if not done:
        return None
    return join(
        "\n",
        [
            ctx.t("<b>Meanwhile something happened with this case:</b>"),
            *(event_line(ctx, event, case) for event in done),
        ],
    )


def whole_text(ctx: Context, case: StaffCaseOut) -> list[Html]:
    heading = ctx.t("<b>Case {number}</b>", number=case.number)
    return packed(heading, [quoted(part, len(part)) for part in passages(case.text)])


def history(ctx: Context, case: StaffCaseOut) -> list[Html]:
    """All that happened, word for word, in screens; the newest is the last."""
    heading = join("\n", [ctx.t("<b>Case {number}</b>", number=case.number), ctx.t("<b>What happened</b>")])
    blocks: list[Html] = []
    for event in case.events:
        said: Sequence[str] = passages(event.text, QUOTED) if event.kind is not CaseEventKind.RECEIVED else ()
        blocks.append(join("\n", [_event(ctx, event, case), quoted(said[0], QUOTED) if said else None]))
        blocks.extend(quoted(part, QUOTED) for part in said[1:])
    return packed(heading, blocks)
