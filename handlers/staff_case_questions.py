"""Putting the question of the step that an officer has begun, up to the preview of what the resident will read."""

from telegram import InlineKeyboardButton

from api.cases.schemas import CaseAction, DepartmentOut, OfficerOut, Outcome, Procedure
from bot.callbacks import DialogCallback
from bot.context import Context
from bot.drafts import Drop
from bot.ui import Page, button, pairs, rows
from handlers import staff_terms
from handlers.facts import enclosures, listed, quoted
from handlers.menu import Row, turning
from handlers.passages import passages
from handlers.staff_case_draft import INTERNAL, Draft, Step
from locales import Html, join

Screen = tuple[Html, list[Row | InlineKeyboardButton]]

DAYS = (7, 15, 30)
"""Offered; any number up to the most can be typed."""


class PickDepartment(DialogCallback, prefix="sc_dept"):
    department_id: int


class TurnDepartments(DialogCallback, prefix="sc_depts"):
    page: int


class PickRoute(DialogCallback, prefix="sc_route"):
    """Where the routing rules send it."""


class PickOfficer(DialogCallback, prefix="sc_who"):
    """Who of the department; none: whoever of them takes it."""

    officer_id: int | None


class TurnOfficers(DialogCallback, prefix="sc_whos"):
    page: int


class PickProcedure(DialogCallback, prefix="sc_proc"):
    procedure: Procedure


class PickOutcome(DialogCallback, prefix="sc_out"):
    outcome: Outcome


class PickDays(DialogCallback, prefix="sc_days"):
    days: int


class Preview(DialogCallback, prefix="sc_see"):
    """The answer is written: as the resident will see it."""


class Rewrite(DialogCallback, prefix="sc_anew"):
    """The text from the beginning."""


class RemoveFile(DialogCallback, prefix="sc_rm"):
    attachment_id: int


class Again(DialogCallback, prefix="sc_again"):
    """All of this step from the first question; what was written is kept."""


class Confirm(DialogCallback, prefix="sc_do"):
    """Do what the preview shows."""

    number: str
    seal: str


class DropForGood(DialogCallback, prefix="sc_drop"):
    """Throw away what was written."""


def standing(ctx: Context) -> tuple[Step, Draft]:
    """The question and the draft of the step that is going on."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called in a step only
    return Step(dialog.name), Draft.model_validate(dialog.data["draft"])


def go(ctx: Context, step: Step, draft: Draft) -> None:
    """Stand at a question from now on, with this draft."""
    ctx.session.go(step, draft=draft.model_dump(mode="json", exclude_defaults=True))


async def ask(ctx: Context, *notes: Html | None, page: int = 0) -> None:
    """Put the question in a new message, below what there is to say first."""
    step, draft = standing(ctx)
    before, (text, keys) = await _screens(ctx, step, draft, page)
    for passage in before:
        await ctx.reply(passage, personal=True)
    draft.asked = await ctx.reply(join("\n\n", [*notes, text]), rows(*keys), personal=True)
    go(ctx, step, draft)


async def ask_again(ctx: Context, *notes: Html | None, page: int = 0) -> None:
    """Put the question where it stood, or where that is gone, anew."""
    step, draft = standing(ctx)
    before, (text, keys) = await _screens(ctx, step, draft, page)
    if before or not draft.asked or not await ctx.edit(draft.asked, join("\n\n", [*notes, text]), rows(*keys)):
        await ask(ctx, *notes, page=page)


async def _screens(ctx: Context, step: Step, draft: Draft, page: int) -> tuple[list[Html], Screen]:
    """The question, and what goes before it in messages of its own."""
    dialog = ctx.session.dialog
    assert dialog is not None  # noqa: S101 - called in a step only
    before: list[Html] = []
    if step is Step.DEPARTMENT:
        text, keys = await _departments(ctx, draft, dialog.id, page)
    elif step is Step.OFFICER:
        text, keys = await _officers(ctx, draft, dialog.id, page)
    elif step is Step.PROCEDURE:
        text = ctx.t("Which procedure has to settle it?")
        keys = [button(ctx.plain(staff_terms.PROCEDURES[one]), PickProcedure(dialog.id, one)) for one in Procedure]
    elif step is Step.OUTCOME:
        text = ctx.t("What does the office say to what was asked for?")
        keys = [button(ctx.plain(staff_terms.OUTCOMES[one]), PickOutcome(dialog.id, one)) for one in Outcome]
    elif step is Step.DAYS:
        text = ctx.t(
            "By how many days? At most {n}, once (Regulations on Petition Work, article 34). Press one, or send a "
            "number.",
            n=staff_terms.MOST_DAYS,
        )
        offered = [button(ctx.words.n("{n} day", "{n} days", n), PickDays(dialog.id, n)) for n in DAYS]
        keys = [offered]
    elif step is Step.APPROVER:
        text = ctx.t("Article 34 wants the approval of the head of your office. Please send the name of who gave it.")
        keys = []
    elif step is Step.TEXT:
        text, keys = _text(ctx, draft, dialog.id)
    else:
        before, (text, keys) = _preview(ctx, draft, dialog.id)
    heading = ctx.t(
        "<b>{step}</b> · case {number}", step=staff_terms.step(ctx.words, draft.action), number=draft.number
    )
    cancel = button(ctx.plain("✖️ Cancel"), Drop(dialog.id))
    return before, (join("\n\n", [heading, text]), [*keys, cancel])


async def _departments(ctx: Context, draft: Draft, dialog_id: str, number: int) -> Screen:
    departments = await ctx.backend.departments(ctx.chat_id)
    if draft.action is CaseAction.TRANSFER:
        now = (await ctx.backend.staff_case(ctx.chat_id, draft.number)).department_id
        departments = [one for one in departments if one.id != now]
    page = Page(departments, number)
    keys: list[Row | InlineKeyboardButton] = [
        *(button(_department(ctx, one), PickDepartment(dialog_id, one.id)) for one in page.items),
        turning(ctx, page.number, page.count, lambda n: TurnDepartments(dialog_id, n)),
    ]
    suggested: Html | None = None
    if draft.action is CaseAction.ASSIGN:
        route = await ctx.backend.case_route(ctx.chat_id, draft.number)
        if route.department is not None:
            suggested = ctx.t("By the rules: {who}", who=listed([route.department, route.officer], ctx.words))
            keys.insert(0, button(ctx.plain("🧭 As the rules say"), PickRoute(dialog_id)))
    question = ctx.t("To which office?") if departments else ctx.t("There is no other office that takes cases.")
    return join("\n\n", [question, suggested]), keys


def _department(ctx: Context, department: DepartmentOut) -> str:
    officers = ctx.words.n("{n} officer", "{n} officers", len(department.officers))
    return f"{department.name} · {officers}"


async def _officers(ctx: Context, draft: Draft, dialog_id: str, number: int) -> Screen:
    page = Page(await offered(ctx, draft), number)
    keys: list[Row | InlineKeyboardButton] = [
        *(button(_officer(ctx, one), PickOfficer(dialog_id, one.id)) for one in page.items),
        turning(ctx, page.number, page.count, lambda n: TurnOfficers(dialog_id, n)),
        button(ctx.plain("Whoever of them takes it"), PickOfficer(dialog_id, None)),
    ]
    return ctx.t(
        "To whom of {department}? Who has the fewest open cases comes first.", department=draft.department
    ), keys


async def offered(ctx: Context, draft: Draft) -> list[OfficerOut]:
    """The department's officers, without those who gave what is to be reviewed: it is for somebody else to look at."""
    departments = await ctx.backend.departments(ctx.chat_id)
    gave = (await ctx.backend.case_route(ctx.chat_id, draft.number)).gave
    officers = next((one.officers for one in departments if one.id == draft.department_id), [])
    return [officer for officer in officers if officer.id not in gave]


def _officer(ctx: Context, officer: OfficerOut) -> str:
    load = ctx.words.n("{n} open case", "{n} open cases", officer.open_cases)
    role = ctx.plain("supervises") if officer.supervisor else None
    return " · ".join(part for part in (officer.name, load, role) if part)


# --- words ---


def _text(ctx: Context, draft: Draft, dialog_id: str) -> Screen:
    if not draft.is_answer:
        return ctx.t(staff_terms.QUESTIONS[draft.action]), []
    kept = _received(ctx, draft)
    last = draft.files[-1] if draft.files else None
    text = join(
        "\n\n",
        [
            ctx.t("Outcome: {outcome}", outcome=ctx.words.t(staff_terms.OUTCOMES[draft.outcome]))
            if draft.outcome
            else None,
            ctx.t("<b>Received so far: {contents}.</b>", contents=kept) if kept else None,
            ctx.t(
                "Please send the answer: write it, in several messages if you like, or send documents or photos. When "
                "all is here, press “Preview”."
            )
            if not kept
            else ctx.t("To add something, just send it. When all is here, press “Preview”."),
        ],
    )
    return text, [
        *([button(ctx.plain("👀 Preview"), Preview(dialog_id))] if kept else []),
        *([button(ctx.plain("✏️ Rewrite"), Rewrite(dialog_id))] if draft.text else []),
        *([button(ctx.plain("🗑 Remove the last file"), RemoveFile(dialog_id, last.id))] if last else []),
    ]


def _received(ctx: Context, draft: Draft) -> Html:
    return listed(
        [
            ctx.n("a text of {n} character", "a text of {n} characters", len(draft.text)) if draft.text else None,
            *enclosures([file.kind for file in draft.files], ctx.words, location=False),
        ],
        ctx.words,
    )


def _readers(ctx: Context, draft: Draft) -> Html:
    if draft.action is CaseAction.MERGE:
        return ctx.t("Together with case:")
    if draft.action is CaseAction.PUBLISH:
        return ctx.t("Families of the building will read:")
    return ctx.t("For the office only:") if draft.action in INTERNAL else ctx.t("The resident will read:")


def _consequences(ctx: Context, draft: Draft) -> list[Html | None]:
    cases, unreached = draft.told
    nobody = 0 < cases <= unreached
    return [
        ctx.n(
            "👥 {n} more case follows this one: its family is told the same.",
            "👥 {n} more cases follow this one: their families are told the same.",
            cases - 1,
        )
        if cases > 1
        else None,
        ctx.t(staff_terms.CONSEQUENCES[draft.action]) if not nobody else None,
        ctx.t("📵 <b>Nobody of the family reads this here any more.</b> Please tell them by phone or by post as well.")
        if nobody
        else ctx.n(
            "📵 {n} of the families reads nothing here any more: please tell it by phone or by post.",
            "📵 {n} of the families read nothing here any more: please tell them by phone or by post.",
            unreached,
        )
        if unreached
        else None,
    ]


def _preview(ctx: Context, draft: Draft, dialog_id: str) -> tuple[list[Html], Screen]:
    """What is going to happen, and the words as they will be read; a long text in the passages in which it arrives."""
    tr = ctx.words
    anybody = ctx.t("whoever of them takes it") if draft.action is CaseAction.ASSIGN else None
    facts = [
        ctx.t("To: {who}", who=listed([draft.department, draft.officer or anybody], tr)) if draft.department else None,
        ctx.t("Procedure: {procedure}", procedure=tr.t(staff_terms.PROCEDURES[draft.procedure]))
        if draft.procedure
        else None,
        ctx.t("Outcome: {outcome}", outcome=tr.t(staff_terms.OUTCOMES[draft.outcome])) if draft.outcome else None,
        ctx.n("{n} day more", "{n} days more", draft.days) if draft.days else None,
        ctx.t("Approved by: {name}", name=draft.approved_by) if draft.approved_by else None,
    ]
    kinds = [file.kind for file in draft.files]
    parts = [quoted(part, len(part)) for part in passages(draft.text)]
    readers = _readers(ctx, draft)
    before = [join("\n", [readers, parts[0]]), *parts[1:]] if len(parts) > 1 else []
    short = join("\n", [readers, parts[0]]) if len(parts) == 1 else None
    split = ctx.n(
        "Above: the text as the resident will read it, in {n} message.",
        "Above: the text as the resident will read it, in {n} messages.",
        len(parts),
    )
    if draft.action is CaseAction.MERGE:
        add = ctx.t("If it is another one, just send its number.")
    elif parts or draft.is_answer:
        add = ctx.t("To add something, just send it.")
    else:
        add = ctx.t("To add a note, just send it.")
    text = join(
        "\n\n",
        [
            join("\n", facts) or None,
            short or (split if before else None),
            ctx.t("With it: {contents}", contents=listed(enclosures(kinds, tr, location=False), tr)) if kinds else None,
            *_consequences(ctx, draft),
            add,
        ],
    )
    keys: list[Row | InlineKeyboardButton] = [
        button(ctx.plain("✅ Yes, do it"), Confirm(dialog_id, draft.number, draft.seal())),
        *pairs(
            [
                *([button(ctx.plain("✏️ Rewrite"), Rewrite(dialog_id))] if draft.text else []),
                *([button(ctx.plain("↩️ Begin once more"), Again(dialog_id))] if len(draft.road()) > 1 else []),
            ]
        ),
    ]
    return before, (text, keys)
