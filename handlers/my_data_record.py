"""What the document of /mydata tells of the system's own record: what was agreed to, what was sent, who looked, and how
long each thing is kept."""

from collections.abc import Sequence

from api.identity.schemas import ConsentKind
from api.messages.schemas import DeliveryState, NoticeKind
from api.rights.schemas import KeptDays, MyDataOut, StoredNotice, View
from handlers.facts import day_of, how_long, listed
from locales import Html, Translator, join, lazy

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
    NoticeKind.BROADCAST_ON_DESK: lazy("about a broadcast that you work on"),
    NoticeKind.BROADCAST: lazy("an announcement of the office"),
    NoticeKind.BROADCAST_TEST: lazy("how a broadcast will look"),
}


def consents(data: MyDataOut, tr: Translator) -> list[Html | None]:
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
                    tr.t("Agreed on {day}", day=day_of(consent.given_at, tr)),
                    tr.t("Taken back on {day}", day=day_of(consent.withdrawn_at, tr)) if consent.withdrawn_at else None,
                ],
            )
        )
    return told or [tr.t("None.")]


def notices(notices: Sequence[StoredNotice], tr: Translator) -> list[Html | None]:
    if not notices:
        return [tr.t("None.")]
    lines = [
        tr.t("• {day}: {what}", day=day_of(notice.created_at, tr), what=_notice(notice, tr))
        if notice.state in (DeliveryState.SENT, DeliveryState.UNKNOWN)
        else tr.t("• {day}: {what}, not sent", day=day_of(notice.created_at, tr), what=_notice(notice, tr))
        for notice in notices
    ]
    return [tr.t("What a message said is not kept once it is sent, only that it was sent."), join("\n", lines)]


def _notice(notice: StoredNotice, tr: Translator) -> Html:
    known = {kind.value: words for kind, words in _NOTICES.items()}
    return tr.t(known.get(notice.kind, _NEWS))


def views(views: Sequence[View], tr: Translator) -> list[Html | None]:
    told: list[Html | None] = [
        tr.t("Since you see your home here. Nobody is named; the office knows who it was, and must answer for it."),
    ]
    alike: dict[Html, list[View]] = {}
    for view in views:
        # Several actions have the same words: told one by one they would look like one told several times.
        alike.setdefault(_seen_by(view, tr), []).append(view)
    told += [join("\n", [words, _times(same, tr)]) for words, same in alike.items()]
    return told if views else [*told, tr.t("Nobody but you.")]


def _seen_by(view: View, tr: Translator) -> Html:
    who = tr.t(_WHO.get(view.who, _WHO["system"]))
    roles = listed([tr.t(_ROLES[role]) for role in view.roles if role in _ROLES], tr)
    what = tr.t(_ACTIONS.get(view.action, _WORKED))
    if roles:
        return tr.t("<b>{who}</b> ({roles}) {what}", who=who, roles=roles, what=what)
    return tr.t("<b>{who}</b> {what}", who=who, what=what)


def _times(views: Sequence[View], tr: Translator) -> Html:
    return tr.n(
        "{n} time, the last on {day}",
        "{n} times, the last on {day}",
        sum(view.times for view in views),
        day=day_of(max(view.last_at for view in views), tr),
    )


def kept_days(days: KeptDays, tr: Translator) -> list[Html | None]:
    def kept(what: str, how_many: int) -> Html:
        return tr.t("• {what}: {time}", what=what, time=how_long(how_many, tr))

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
            "Complaints that were filed, and the office's own rolls, stay as long as the law requires. The "
            "record of who looked at what is never deleted; no names and no content stand in it."
        ),
        tr.t("With /forget you have everything erased that need not be kept."),
    ]
