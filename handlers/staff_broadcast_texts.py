"""The texts of a broadcast: one for each language, as typed and with its formatting, and its placeholders."""

from telegram import InlineKeyboardButton, Update
from telegram.ext import filters

from api.broadcasts.schemas import MAX_BODY, MAX_BUTTONS, Body, BroadcastOut, Placeholder, Target
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, InDialog, MessageHandler
from bot.ui import button, pairs, rows
from handlers import staff_broadcast_screens as screens
from handlers.content import message_of
from handlers.facts import quoted
from handlers.id_texts import holds_id_number
from handlers.menu import Row
from handlers.passages import is_cut
from handlers.staff_broadcast import OpenBroadcast, change, find, seen
from handlers.staff_broadcast_draft import Asked, Question, ask, asked_about, awaited
from handlers.staff_broadcast_terms import PLACEHOLDERS
from handlers.staff_menu import staff_only
from locales import SUPPORTED, Html, join, native_name

SHOWN = 2_500
"""Characters of a text that its screen repeats."""


class EditText(Callback, prefix="b_text"):
    """The text in one language."""

    broadcast_id: int
    version: int
    locale: str


class Insert(Callback, prefix="b_ins"):
    """A placeholder at the end of the text."""

    broadcast_id: int
    version: int
    locale: str
    placeholder: Placeholder


class Bring(Callback, prefix="b_undo"):
    """The text before the newest one."""

    broadcast_id: int
    version: int
    locale: str


class DropText(Callback, prefix="b_rm"):
    """No text of its own in this language."""

    broadcast_id: int
    version: int
    locale: str


class ForAllOthers(Callback, prefix="b_rest"):
    """Readers of other languages get this one."""

    broadcast_id: int
    version: int
    locale: str


class AddButton(Callback, prefix="b_btn"):
    """A button that opens a page; none: first, which."""

    broadcast_id: int
    version: int
    locale: str
    target: Target | None = None


class DropButton(Callback, prefix="b_btn_rm"):
    """The last button."""

    broadcast_id: int
    version: int
    locale: str


async def show_texts(ctx: Context, broadcast: BroadcastOut) -> None:
    """The languages, with how each text begins."""
    content = broadcast.content
    languages = list(dict.fromkeys([*SUPPORTED, *content.bodies]))
    shown = [
        screens.body_lines(locale, content.bodies[locale], ctx.words, content.fallback)
        for locale in languages
        if locale in content.bodies
    ][: screens.SHOWN_BODIES]
    await ctx.edit_or_reply(
        join(
            "\n\n",
            [
                screens.heading(broadcast, ctx.words),
                ctx.t(
                    "Each family gets the text in its language. Who reads none of these languages gets the one in "
                    "{language}.",
                    language=native_name(content.fallback),
                ),
                *shown,
                screens.problems(broadcast.problems, ctx.words),
            ],
        ),
        rows(
            *pairs(
                button(
                    f"{'✔️' if locale in content.bodies else '➕'} {native_name(locale)}",
                    EditText(broadcast.id, broadcast.version, locale),
                )
                for locale in languages
            ),
            button(ctx.plain("⬅️ Back to the broadcast"), OpenBroadcast(broadcast.id)),
        ),
        personal=True,
    )


@staff_only
async def edit_text(update: Update, ctx: Context, tap: EditText) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is not None:
        await ask_text(ctx, broadcast, tap.locale)


async def ask_text(
    ctx: Context,
    broadcast: BroadcastOut,
    locale: str,
    note: Html | None = None,
    *,
    question: Question | None = None,
    below: bool = False,
) -> None:
    """The text in one language as it is, with what is wrong with it; what is sent next takes its place."""
    body = broadcast.content.bodies.get(locale)
    wrong = [one for one in broadcast.problems if one.locale == locale and body is not None]
    asked = (question or Question(broadcast_id=broadcast.id, version=0)).model_copy(
        update={"version": broadcast.version, "locale": locale}
    )
    text = join(
        "\n\n",
        [
            join(
                "\n", [screens.heading(broadcast, ctx.words), ctx.t("<b>{language}</b>", language=native_name(locale))]
            ),
            None if body is None else _as_written(body, clean=not wrong),
            screens.problems(wrong, ctx.words),
            ctx.t("Please send the text. Bold, italic and links stay as you set them.")
            if body is None
            else ctx.t("To say it otherwise, send the whole text anew."),
            join(
                "\n",
                [
                    ctx.t("These are filled in for each family; touch one to copy it:"),
                    screens.placeholder_list(ctx.words),
                ],
            ),
        ],
    )
    await ask(ctx, Asked.BODY, asked, text, *_text_keys(ctx, broadcast, locale, body, asked), note=note, below=below)


def _as_written(body: Body, *, clean: bool) -> Html:
    """With its formatting, where Telegram can show it."""
    shown = Html(f"<blockquote>{body.text}</blockquote>") if clean and len(body.text) <= SHOWN else None
    if shown is not None and "<blockquote" not in body.text:
        return shown
    return quoted(body.text, SHOWN)


def _text_keys(
    ctx: Context, broadcast: BroadcastOut, locale: str, body: Body | None, asked: Question
) -> list[Row | InlineKeyboardButton]:
    if body is None:
        return []
    at = (broadcast.id, broadcast.version, locale)
    keys: list[Row | InlineKeyboardButton] = list(
        pairs(button(f"➕ {ctx.plain(PLACEHOLDERS[one])}", Insert(*at, one)) for one in Placeholder)
    )
    if len(body.buttons) < MAX_BUTTONS:
        keys.append(button(ctx.plain("🔘 Add a button"), AddButton(*at)))
    if body.buttons:
        keys.append(button(ctx.plain("🗑 Remove the button “{label}”", label=body.buttons[-1].label), DropButton(*at)))
    if asked.before is not None:
        keys.append(button(ctx.plain("↩️ The text before"), Bring(*at)))
    if locale != broadcast.content.fallback:
        keys.append(
            [
                button(ctx.plain("🌐 For all other languages"), ForAllOthers(*at)),
                button(ctx.plain("🗑 Remove this language"), DropText(*at)),
            ]
        )
    return keys


# --- what is typed ---


@staff_only
async def take_text(update: Update, ctx: Context) -> None:
    message, question = message_of(update), awaited(ctx)
    broadcast = await asked_about(ctx, question)
    if broadcast is None:
        return
    if message.message_id <= question.taken:
        await ask_text(ctx, broadcast, question.locale, question=question, below=True)
        return
    if holds_id_number(message.text or ""):
        await ctx.take_away()
        note = ctx.t("There was an ID number in your message. It must not be in what you write here.")
        await ask_text(ctx, broadcast, question.locale, note, question=question, below=True)
        return
    old = broadcast.content.bodies.get(question.locale)
    more = (message.text_html or "").replace("\0", "").strip()
    text = f"{old.text}{more}" if question.cut and old is not None else more
    if len(text) > MAX_BODY:
        note = ctx.t(
            "This text is too long: it has {given} characters, and {max} are possible.",
            given=ctx.words.number(len(text)),
            max=ctx.words.number(MAX_BODY),
        )
        await ask_text(ctx, broadcast, question.locale, note, question=question, below=True)
        return
    update_of = {
        "taken": message.message_id,
        "cut": is_cut(message.text or ""),
        "before": question.before if question.cut else (old.text if old is not None else None),
    }
    await _save(ctx, broadcast, question.locale, text, question.model_copy(update=update_of), below=True)


async def _save(
    ctx: Context, broadcast: BroadcastOut, locale: str, text: str, question: Question, *, below: bool = False
) -> None:
    old = broadcast.content.bodies.get(locale)
    body = Body(text=text, buttons=old.buttons if old is not None else [])
    changed = await change(ctx, broadcast, below=below, bodies={**broadcast.content.bodies, locale: body})
    if changed is not None:
        wrong = any(one.locale == locale for one in changed.problems)
        note = ctx.t("✔️ The text is kept.") if not wrong else ctx.t("The text is kept, but something must be mended.")
        await ask_text(ctx, changed, locale, note, question=question, below=below)


@staff_only
async def no_text(update: Update, ctx: Context) -> None:
    question = awaited(ctx)
    broadcast = await find(ctx, question.broadcast_id)
    if broadcast is not None:
        note = ctx.t("Please write it as a text. A photo or document has a button of its own.")
        await ask_text(ctx, broadcast, question.locale, note, question=question, below=True)


# --- what is tapped ---


@staff_only
async def insert(update: Update, ctx: Context, tap: Insert) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    old = broadcast.content.bodies.get(tap.locale)
    text = f"{old.text if old is not None else ''}{{{tap.placeholder.value}}}"
    if len(text) <= MAX_BODY:
        await _save(ctx, broadcast, tap.locale, text, _kept(ctx, broadcast, old))
    else:
        await ask_text(ctx, broadcast, tap.locale)


def _kept(ctx: Context, broadcast: BroadcastOut, old: Body | None) -> Question:
    """The question that is being asked, with the text that is about to be replaced."""
    dialog = ctx.session.dialog
    question = Question(broadcast_id=broadcast.id, version=broadcast.version)
    if dialog is not None and dialog.name == Asked.BODY:
        question = awaited(ctx)
    return question.model_copy(update={"before": old.text if old is not None else None, "cut": False})


@staff_only
async def bring(update: Update, ctx: Context, tap: Bring) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    question = _kept(ctx, broadcast, broadcast.content.bodies.get(tap.locale))
    dialog = ctx.session.dialog
    before = awaited(ctx).before if dialog is not None and dialog.name == Asked.BODY else None
    if before is None:
        await ask_text(ctx, broadcast, tap.locale)
        return
    await _save(ctx, broadcast, tap.locale, before, question)


@staff_only
async def drop_text(update: Update, ctx: Context, tap: DropText) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    left = {locale: body for locale, body in broadcast.content.bodies.items() if locale != tap.locale}
    changed = await change(ctx, broadcast, bodies=left)
    if changed is not None:
        await show_texts(ctx, changed)


@staff_only
async def for_all_others(update: Update, ctx: Context, tap: ForAllOthers) -> None:
    broadcast = await seen(ctx, tap.broadcast_id, tap.version)
    if broadcast is None:
        return
    changed = await change(ctx, broadcast, fallback=tap.locale)
    if changed is not None:
        await show_texts(ctx, changed)


HANDLERS = [
    CallbackHandler(EditText, edit_text),
    CallbackHandler(Insert, insert),
    CallbackHandler(Bring, bring),
    CallbackHandler(DropText, drop_text),
    CallbackHandler(ForAllOthers, for_all_others),
    MessageHandler(InDialog(Asked.BODY) & filters.TEXT, take_text),
    MessageHandler(InDialog(Asked.BODY) & filters.ALL, no_text),
]
