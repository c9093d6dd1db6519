"""/home: where the family's homes are, how far the buildings and the registrations are."""

from datetime import date

from telegram import Update

from api.agreements.schemas import HomeOut, RegistrationOut, RegistrationStage
from api.chats.schemas import Facts
from api.estate.schemas import BuildingOut, MilestoneKind, MilestoneOut, UnitKind, UnitOut
from bot.callbacks import Callback
from bot.context import Context
from bot.dispatch import CallbackHandler, CommandHandler
from bot.ui import button
from handlers import terms
from handlers.facts import (
    SHOWN_UNITS,
    Fact,
    add_lines,
    agreement_line,
    building_label,
    more_units,
    screens,
    shortened,
    told,
    unit_label,
)
from handlers.gate import explain_gate
from handlers.lookups import (
    ShowHandover,
    ShowHome,
    ShowPayments,
    ShowStages,
    choose,
    explain_gone,
    show_screen,
    today,
)
from handlers.menu import OpenHome
from locales import Html, Translator, join

STAGES = list(MilestoneKind)


def view(home: HomeOut, tr: Translator, today: date) -> list[Html]:
    """One agreement on one screen: homes, the newest and the next stage of each building, registrations."""
    heading = join("\n", [tr.t("<b>Your home</b>"), agreement_line(home.agreement, tr)])
    facts = [Fact(_agreement_lines(home, tr), home.source, home.as_of)]
    paragraphs: list[str] = []
    for building in home.buildings:
        shown = _newest_and_next(building.milestones)
        if shown:
            facts += _stage_facts(building, shown, tr, today)
        else:
            paragraphs.append(
                join("\n", [_building_heading(building, tr), tr.t("Building progress: not published yet.")])
            )
    facts += [_registration_fact(registration, tr) for registration in home.registrations]
    if home.agreement.progress_only:
        paragraphs.append(tr.t("The holder shares with you how far the home is, not its money."))
    elif not home.registrations:
        paragraphs.append(tr.t("Registration: not published yet."))
    return screens(heading, [*told(facts, tr), *paragraphs])


def stages_view(home: HomeOut, tr: Translator, today: date) -> list[Html]:
    """Every published stage of the agreement's buildings."""
    heading = join("\n", [tr.t("<b>Building progress</b>"), agreement_line(home.agreement, tr)])
    paragraphs: list[str] = []
    for building in home.buildings:
        if building.milestones:
            paragraphs += told(_stage_facts(building, building.milestones, tr, today), tr)
        else:
            paragraphs.append(
                join("\n", [_building_heading(building, tr), tr.t("Building progress: not published yet.")])
            )
    return screens(heading, paragraphs)


def has_more_stages(home: HomeOut) -> bool:
    """Whether ``stages_view`` tells more than ``view``."""
    return any(len(building.milestones) > len(_newest_and_next(building.milestones)) for building in home.buildings)


def _agreement_lines(home: HomeOut, tr: Translator) -> list[str]:
    lines: list[str] = [line for unit in home.units[:SHOWN_UNITS] for line in _unit_lines(unit, tr)]
    if rest := more_units(home.units, tr):
        lines.append(rest)
    if not home.units:
        lines.append(tr.t("Which home you get: not published yet."))
    if home.resettlement_area_m2 is not None:
        lines.append(tr.t("Area due to you under the agreement: {area}", area=tr.area(home.resettlement_area_m2)))
    if home.signed_on is not None:
        lines.append(tr.t("Signed on {day}", day=tr.date(home.signed_on)))
    return lines


def _unit_lines(unit: UnitOut, tr: Translator) -> list[str]:
    details = [
        terms.name(tr, unit.kind) if unit.kind is not UnitKind.FLAT else None,
        unit.layout,
        tr.area(unit.area_m2) if unit.area_m2 is not None else tr.t("area not published yet"),
    ]
    return [tr.t("🏠 <b>{home}</b>", home=unit_label(unit, tr)), join(tr.p("between details", ", "), details)]


def _building_heading(building: BuildingOut, tr: Translator) -> Html:
    return tr.t("<b>{building}</b>", building=building_label(building, tr))


def _newest_and_next(milestones: list[MilestoneOut]) -> list[MilestoneOut]:
    """The stage reached last and the next one in order that is not reached."""
    reached = [milestone for milestone in milestones if milestone.achieved_on is not None]
    newest = max(reached, key=lambda stage: (stage.achieved_on or date.min, STAGES.index(stage.kind)), default=None)
    position = STAGES.index(newest.kind) if newest else -1
    ahead = [stage for stage in milestones if stage.achieved_on is None and STAGES.index(stage.kind) > position]
    following = min(ahead, key=lambda stage: STAGES.index(stage.kind), default=None)
    return [stage for stage in (newest, following) if stage is not None]


def _stage_facts(building: BuildingOut, stages: list[MilestoneOut], tr: Translator, today: date) -> list[Fact]:
    """The stages, those of one source and day together; the first one bears the building's name."""
    facts: list[Fact] = []
    for stage in stages:
        add_lines(facts, _stage_lines(stage, tr, today), stage.source, stage.as_of)
    facts[0].lines.insert(0, _building_heading(building, tr))
    return facts


def _stage_lines(stage: MilestoneOut, tr: Translator, today: date) -> list[str]:
    name = terms.name(tr, stage.kind)
    lines: list[str] = []
    if stage.achieved_on is not None:
        sign = "⏸" if stage.kind is MilestoneKind.SUSPENDED else "✅"
        lines.append(tr.t("{sign} {stage}: {day}", sign=sign, stage=name, day=tr.date(stage.achieved_on)))
    elif stage.planned_on is None:
        lines.append(tr.t("▫️ {stage}: date not published yet", stage=name))
    else:
        planned = tr.date(stage.planned_on)
        if stage.planned_on < today:
            lines.append(tr.t("⚠️ {stage}: was planned for {day}, not published as done yet", stage=name, day=planned))
        else:
            lines.append(tr.t("⏳ {stage}: planned for {day}", stage=name, day=planned))
        if stage.kind is MilestoneKind.COMPLETION_FILED:
            lines.append(tr.t("This is when the building should be finished, not when you get the keys."))
    if stage.note:
        lines.append(tr.t("Note: {note}", note=shortened(stage.note)))
    return lines


def _registration_fact(registration: RegistrationOut, tr: Translator) -> Fact:
    sentence = tr.t(
        "<b>{kind}</b>: {stage}",
        kind=terms.name(tr, registration.kind),
        stage=terms.name(tr, registration.stage),
    )
    lines: list[str] = [sentence]
    if registration.happened_on is not None:
        lines.append(tr.t("Date: {day}", day=tr.date(registration.happened_on)))
    if registration.filing_number:
        lines.append(tr.t("Number: {number}", number=registration.filing_number))
    if registration.stage is not RegistrationStage.COMPLETED and registration.blocked_by:
        lines.append(tr.t("Held up by: {reason}", reason=shortened(registration.blocked_by)))
    elif registration.stage is RegistrationStage.BLOCKED:
        lines.append(tr.t("What holds it up: not published yet"))
    if registration.status:
        lines.append(tr.t("In the register: {status}", status=shortened(registration.status)))
    return Fact(lines, registration.source, registration.as_of)


class ChooseHome(Callback, prefix="homes"):
    """The agreements of a family that has several, page by page."""

    page: int = 0


async def open_home(update: Update, ctx: Context, tap: OpenHome | ChooseHome | None = None) -> None:
    homes = await ctx.homes()
    if not homes:
        await explain_gate(ctx)
    elif len(homes) == 1:
        await _show(ctx, homes, homes[0], 0)
    else:
        page = tap.page if isinstance(tap, ChooseHome) else 0
        question = ctx.t("You have several agreements. Which home would you like to see?")
        await choose(ctx, question, [home.agreement for home in homes], ShowHome, ChooseHome, page)


async def show_home(update: Update, ctx: Context, tap: ShowHome) -> None:
    homes, home = await _find(ctx, tap.agreement_id)
    if home is None:
        await explain_gone(ctx, any_left=bool(homes))
    else:
        await _show(ctx, homes, home, tap.screen)


async def show_stages(update: Update, ctx: Context, tap: ShowStages) -> None:
    homes, home = await _find(ctx, tap.agreement_id)
    if home is None:
        await explain_gone(ctx, any_left=bool(homes))
        return
    back = [button(ctx.plain("My home"), ShowHome(tap.agreement_id))]
    screens = stages_view(home, ctx.words, today(ctx))
    await show_screen(ctx, screens, tap.screen, lambda number: ShowStages(tap.agreement_id, number), back)


async def _find(ctx: Context, agreement_id: int) -> tuple[list[HomeOut], HomeOut | None]:
    homes = await ctx.homes()
    return homes, next((home for home in homes if home.agreement.id == agreement_id), None)


async def _show(ctx: Context, homes: list[HomeOut], home: HomeOut, screen: int) -> None:
    agreement_id = home.agreement.id
    await show_screen(
        ctx,
        view(home, ctx.words, today(ctx)),
        screen,
        lambda number: ShowHome(agreement_id, number),
        [button(ctx.plain("All stages of the building"), ShowStages(agreement_id))] if has_more_stages(home) else [],
        [
            button(ctx.plain("Handover"), ShowHandover(agreement_id)),
            *([] if home.agreement.progress_only else [button(ctx.plain("Payments"), ShowPayments(agreement_id))]),
        ],
        [button(ctx.plain("Other agreements"), ChooseHome())] if len(homes) > 1 else [],
    )


HANDLERS = [
    CommandHandler("home", open_home, needs=Facts.HOMES),
    CallbackHandler(OpenHome, open_home, reminds=True, needs=Facts.HOMES),
    CallbackHandler(ChooseHome, open_home, needs=Facts.HOMES),
    CallbackHandler(ShowHome, show_home, needs=Facts.HOMES),
    CallbackHandler(ShowStages, show_stages, needs=Facts.HOMES),
]
