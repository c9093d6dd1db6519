"""Conversations with residents: each begins in the file of its name (a long one goes on in files that begin with it).

No HTTP, no SQL: facts come from ``ctx.backend`` (homes, payments, handovers: ``ctx.homes()`` …), words from ``ctx.t``.

How to write one::

    class OpenLedger(Callback, prefix="led"):              # what a button carries (bot.callbacks), at most 64 bytes
        agreement_id: int

    class Pick(DialogCallback, prefix="cmp_pick"):         # a button of a conversation: bears the dialog's id
        category: CaseCategory

    async def show(update: Update, ctx: Context, tap: OpenPayments | None = None) -> None:
        payments = await ctx.payments()                             # BackendError subclasses are yours to answer;
        text = ctx.t("Paid up to {day}", day=ctx.words.date(day))   # whatever else is raised, bot.errors answers
        await ctx.edit_or_reply(text, rows(button(ctx.plain("History"), OpenLedger(7))), personal=True)

    async def begin(update: Update, ctx: Context) -> None:
        dialog = ctx.session.start_dialog("complaint.category")     # saved when the handler returns
        await ctx.reply(ctx.t("What is it about?"), rows(button(ctx.plain("Handover"), Pick(dialog.id, …))))

    async def picked(update: Update, ctx: Context, tap: Pick) -> None:
        ctx.session.go("complaint.text", category=tap.category)
        await ctx.edit_or_reply(ctx.t("Please write what happened."))

    HANDLERS = [
        CommandHandler("payments", show, needs=Facts.PAYMENTS),     # what it needs comes with the chat's state;
                                                                    # afterwards a draft is pointed out by itself,
        CommandHandler("complain", begin, reminds=False),           # not by a command that deals with the draft
        CallbackHandler(OpenPayments, show, reminds=True),          # a key of the main menu (handlers.menu)
        CallbackHandler(Pick, picked, dialog="complaint.category"), # an old button, or another step: not matched
        MessageHandler(InDialog("complaint.text") & filters.TEXT, on_text),
        CallbackHandler(Resume, ask_again, dialog="complaint"),     # bot.drafts: "Go on" after an interruption
    ]

List it in ``registry.py``. What no handler takes ends in ``fallback.py``, which is kind and shows a way on; so a step
lists only what it understands. ``/cancel`` and ``Drop`` (bot.drafts) end any dialog; a conversation that has something
to clear away handles both itself, with ``dialog="complaint"``, ahead of ``start.py``.

- A failing handler's changes to the session are discarded. A turn may run twice (see ``bot.sessions``): what changes
  something bears an idempotency key made from ``ctx.session.dialog.id``.
- ``ctx.reply(text, keyboard, personal=True)`` for whatever is about a family; ``ctx.answer("…")`` pops up on a tap
  (every tap is answered anyway).
- Texts are whole English sentences, literals, with ``{fields}``; values are escaped (``locales``). ``ctx.t`` for
  messages, ``ctx.plain`` for buttons. Dates, money, numbers: ``ctx.words.date(…)`` and its like.
- ``python -m locales.update`` puts new sentences into the catalogs; ``python -m locales.check`` tells what is missing.
"""
