"""What the drafts of a loaded roll say, in every language. ``{news}`` becomes what changed for each family, with day
and source. The office changes them as it likes before anything is sent."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from api.broadcasts.schemas import Body, BroadcastButton, NewsKind, Placeholder, Target
from locales import SUPPORTED, lazy, translator


class _Draft(NamedTuple):
    text: str
    button: str
    target: Target


_DRAFTS: Final[Mapping[NewsKind, _Draft]] = {
    NewsKind.FORECAST: _Draft(
        lazy(
            "<b>There is news of your handover date</b>\n\nAgreement {number}\n{news}\n\n"
            "Dates that were published earlier stay to be read under “Handover”."
        ),
        lazy("Handover"),
        Target.HANDOVER,
    ),
    NewsKind.MILESTONE: _Draft(
        lazy("<b>There is news of your building</b>\n\nAgreement {number}\n{news}"),
        lazy("My home"),
        Target.HOME,
    ),
    NewsKind.PAYMENT: _Draft(
        lazy(
            "<b>Money was paid to you</b>\n\nAgreement {number}\n{news}\n\n"
            "If it has not reached you within a few days, please tell the office: “File a complaint” in the menu."
        ),
        lazy("Payments"),
        Target.PAYMENTS,
    ),
    NewsKind.REGISTRATION: _Draft(
        lazy("<b>There is news of your registration or title certificate</b>\n\nAgreement {number}\n{news}"),
        lazy("My home"),
        Target.HOME,
    ),
}


def news_bodies() -> dict[NewsKind, dict[str, Body]]:
    """For ``api.imports.service.LoadOptions``."""
    return {kind: {locale: _body(draft, locale) for locale in SUPPORTED} for kind, draft in _DRAFTS.items()}


def _body(draft: _Draft, locale: str) -> Body:
    tr = translator(locale)
    # They stay placeholders, to be filled in for each reader.
    kept = {name.value: f"{{{name.value}}}" for name in (Placeholder.NUMBER, Placeholder.NEWS)}
    return Body(
        text=tr.t(draft.text, **kept),
        buttons=[BroadcastButton(label=tr.plain(draft.button), target=draft.target)],
    )
