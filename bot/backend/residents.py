"""What residents' conversations ask for, by chat; the API answers only from that chat's live links."""

from collections.abc import Collection

from pydantic import TypeAdapter

from api.agreements.schemas import HandoverOut, HomeOut
from api.broadcasts.schemas import Mutes, Topic
from api.cases.schemas import (
    AttachmentKind,
    AttachmentOut,
    CaseCategory,
    CaseIn,
    CaseOfMessage,
    CaseOut,
    CasePage,
    FileLink,
    JoinIn,
    ResidentAction,
    SimilarCases,
)
from api.chats.schemas import (
    ChatSave,
    ChatState,
    ChatWithHandover,
    ChatWithHomes,
    ChatWithPayments,
    Facts,
    Watch,
)
from api.identity.schemas import (
    CONSENT_VERSION,
    AccessRequestIn,
    AccessRequestMade,
    AccessRequestsMade,
    ConsentKind,
    ConsentsIn,
    ConsentsOut,
    LinksOut,
    Proof,
    RelativeCodeIn,
    RelativeCodeOut,
    RelativeCodesOut,
)
from api.money.schemas import LedgerPage, PaymentsOut
from api.rights.schemas import ErasureOut, MyDataOut
from bot.backend.calls import JSON, UPLOAD_TIMEOUT, Calls, case_number, dump, query, read, read_list, row
from bot.backend.errors import VersionConflict

_WITH: dict[Facts, type[ChatState]] = {
    Facts.HOMES: ChatWithHomes,
    Facts.PAYMENTS: ChatWithPayments,
    Facts.HANDOVER: ChatWithHandover,
}
_HOMES = TypeAdapter(list[HomeOut])
_PAYMENTS = TypeAdapter(list[PaymentsOut])
_HANDOVERS = TypeAdapter(list[HandoverOut])


class ResidentCalls(Calls):
    """One method for each route below ``/v1/chats/{chat_id}``."""

    # Conversation state

    async def chat(self, chat_id: int, needs: Facts | None = None) -> ChatState:
        """A chat that never wrote has version 0 and no locale.

        ``needs``: facts to come with it in the same answer, which then is a ``ChatWithHomes`` or the like.
        """
        if needs is None:
            return read(ChatState, await self._get(f"chats/{chat_id}"))
        return read(_WITH[needs], await self._get(f"chats/{chat_id}/with-{needs}"))

    async def save_chat(self, chat_id: int, save: ChatSave) -> ChatState:
        """
        Raises:
            VersionConflict: ``save.version`` is not the stored one any more.
        """
        try:
            return read(ChatState, await self._send("PUT", f"chats/{chat_id}", dump(save), again=True))
        except VersionConflict:
            # Perhaps it is this very save that is in the way: sent twice because the first answer was lost.
            now = await self.chat(chat_id)
            if (now.version, now.locale, now.dialog) == (save.version + 1, save.locale, save.dialog):
                return now
            raise

    # Links

    async def links(self, chat_id: int) -> LinksOut:
        return read(LinksOut, await self._get(f"chats/{chat_id}/links"))

    async def prove(self, chat_id: int, proof: Proof) -> LinksOut:
        """Try to link the chat.

        Raises:
            ConsentNeeded: the person has not agreed to the notice, or to having an ID number compared.
            NotMatched: the answer never tells which part was wrong.
            Locked: too many wrong tries.
        """
        return read(LinksOut, await self._send("POST", f"chats/{chat_id}/links", dump(proof)))

    async def consents(self, chat_id: int) -> ConsentsOut:
        """What the person has agreed to, in the present version of the words."""
        return read(ConsentsOut, await self._get(f"chats/{chat_id}/consents"))

    async def agree(self, chat_id: int, kind: ConsentKind) -> None:
        given = ConsentsIn(kinds=[kind], version=CONSENT_VERSION)
        await self._send("PUT", f"chats/{chat_id}/consents", dump(given), again=True)

    async def withdraw_id_consent(self, chat_id: int) -> None:
        await self._send("DELETE", f"chats/{chat_id}/consents/id_number", again=True)

    async def unlink(self, chat_id: int, link_id: int) -> None:
        """
        Raises:
            NotFound
        """
        await self._send("DELETE", f"chats/{chat_id}/links/{row(link_id)}", again=True)

    async def invite_relative(self, chat_id: int, agreement_id: int, wanted: RelativeCodeIn) -> RelativeCodeOut:
        """A code that lets a relative in; it is told this once.

        Raises:
            NotFound: not an agreement that this chat owns.
            TooMany: the family's codes that nobody has used yet.
        """
        path = f"chats/{chat_id}/agreements/{row(agreement_id)}/codes"
        return read(RelativeCodeOut, await self._send("POST", path, dump(wanted)))

    async def relative_codes(self, chat_id: int, agreement_id: int) -> RelativeCodesOut:
        """The family's codes that nobody has used yet.

        Raises:
            NotFound: not an agreement that this chat owns.
        """
        return read(RelativeCodesOut, await self._get(f"chats/{chat_id}/agreements/{row(agreement_id)}/codes"))

    async def cancel_code(self, chat_id: int, agreement_id: int, code_id: int) -> None:
        """
        Raises:
            NotFound: it is used, over or cancelled already.
        """
        await self._send("DELETE", f"chats/{chat_id}/agreements/{row(agreement_id)}/codes/{row(code_id)}", again=True)

    # Asking the office

    async def request_access(
        self, chat_id: int, request: AccessRequestIn, *, idempotency_key: str
    ) -> AccessRequestMade:
        """Ask the office to look at one's papers; the same key again is the same request.

        Raises:
            ConsentNeeded: the person has not agreed to the notice.
            TooMany: requests that are not answered yet.
        """
        headers = {**JSON, "Idempotency-Key": idempotency_key}
        body = await self._send("POST", f"chats/{chat_id}/access-requests", dump(request), headers, again=True)
        return read(AccessRequestMade, body)

    async def access_requests(self, chat_id: int) -> AccessRequestsMade:
        """Newest first."""
        return read(AccessRequestsMade, await self._get(f"chats/{chat_id}/access-requests"))

    # One's rights

    async def my_data(self, chat_id: int) -> MyDataOut:
        """All that is kept about the chat.

        Raises:
            TooMany: copies within 24 hours.
        """
        return read(MyDataOut, await self._get(f"chats/{chat_id}/data"))

    async def erasure(self, chat_id: int) -> ErasureOut:
        """What forgetting the chat would end, and what stays."""
        return read(ErasureOut, await self._get(f"chats/{chat_id}/erasure"))

    async def forget(self, chat_id: int) -> None:
        """Erase the chat. Whoever writes in it from now on is a stranger."""
        await self._send("DELETE", f"chats/{chat_id}", again=True)

    # What it is told of

    async def mutes(self, chat_id: int) -> Mutes:
        """The topics of which the chat does not want to be told."""
        return read(Mutes, await self._get(f"chats/{chat_id}/mutes"))

    async def mute(self, chat_id: int, topics: Collection[Topic]) -> None:
        """Mute these topics, and no others.

        Raises:
            InvalidInput: ``LEGAL`` is among them.
        """
        await self._send("PUT", f"chats/{chat_id}/mutes", dump(Mutes(topics=[*topics])), again=True)

    # Look-ups

    async def homes(self, chat_id: int) -> list[HomeOut]:
        """Empty: the chat has no live link."""
        return read_list(_HOMES, await self._get(f"chats/{chat_id}/homes"))

    async def payments(self, chat_id: int) -> list[PaymentsOut]:
        """Empty: the chat has no live link."""
        return read_list(_PAYMENTS, await self._get(f"chats/{chat_id}/payments"))

    async def ledger(
        self, chat_id: int, agreement_id: int, *, cursor: str | None = None, limit: int | None = None
    ) -> LedgerPage:
        """
        Raises:
            NotFound: not an agreement of this chat.
        """
        asked = query(cursor=cursor, limit=limit)
        return read(LedgerPage, await self._get(f"chats/{chat_id}/agreements/{row(agreement_id)}/ledger", asked))

    async def handovers(self, chat_id: int) -> list[HandoverOut]:
        """Empty: the chat has no live link."""
        return read_list(_HANDOVERS, await self._get(f"chats/{chat_id}/handover"))

    async def watch_handover(self, chat_id: int, agreement_id: int, *, watching: bool) -> Watch:
        """Remember, or forget, the wish to be told when the handover date changes.

        Raises:
            NotFound: not an agreement of this chat.
        """
        path = f"chats/{chat_id}/agreements/{row(agreement_id)}/handover-watch"
        return read(Watch, await self._send("PUT" if watching else "DELETE", path, again=True))

    # Complaints

    async def attach(
        self,
        chat_id: int,
        data: bytes,
        *,
        kind: AttachmentKind,
        filename: str,
        media_type: str,
        upload_key: str,
    ) -> AttachmentOut:
        """Store a file; the same ``upload_key`` again gives the same attachment.

        Raises:
            TooLarge, UnsupportedType, TooMany
        """
        return await self._upload(
            f"chats/{chat_id}", data, kind=kind, filename=filename, media_type=media_type, upload_key=upload_key
        )

    async def detach(self, chat_id: int, attachment_id: int) -> None:
        """
        Raises:
            NotFound: no such attachment, or it is part of a case already.
        """
        await self._send("DELETE", f"chats/{chat_id}/attachments/{row(attachment_id)}", again=True)

    async def file_case(self, chat_id: int, case: CaseIn, *, idempotency_key: str) -> CaseOut:
        """File a complaint; the same key again gives the same case.

        Raises:
            NotFound: unknown agreement, unit or attachment.
            InvalidInput
        """
        headers = {**JSON, "Idempotency-Key": idempotency_key}
        body = await self._send("POST", f"chats/{chat_id}/cases", dump(case), headers, again=True)
        return read(CaseOut, body)

    async def similar_cases(
        self, chat_id: int, agreement_id: int, category: CaseCategory, unit_id: int | None = None
    ) -> SimilarCases:
        """
        Raises:
            NotFound: no such agreement or unit of this chat.
        """
        path = f"chats/{chat_id}/agreements/{row(agreement_id)}/similar-cases"
        return read(SimilarCases, await self._get(path, query(category=category, unit_id=unit_id)))

    async def join_collective(
        self, chat_id: int, collective_id: int, joining: JoinIn, *, idempotency_key: str
    ) -> CaseOut:
        """
        Raises:
            NotFound: it is not offered any more, or an agreement, unit or attachment is not this chat's.
        """
        headers = JSON | {"Idempotency-Key": idempotency_key}
        path = f"chats/{chat_id}/collective-cases/{row(collective_id)}/members"
        return read(CaseOut, await self._send("POST", path, dump(joining), headers, again=True))

    async def cases(
        self,
        chat_id: int,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        idempotency_key: str | None = None,
    ) -> CasePage:
        """Newest first; with ``idempotency_key`` only the case filed with it, if there is one."""
        asked = query(cursor=cursor, limit=limit, idempotency_key=idempotency_key)
        return read(CasePage, await self._get(f"chats/{chat_id}/cases", asked))

    async def case(self, chat_id: int, number: str) -> CaseOut:
        """
        Raises:
            NotFound
        """
        return read(CaseOut, await self._get(f"chats/{chat_id}/cases/{case_number(number)}"))

    async def act_on_own_case(
        self, chat_id: int, number: str, step: ResidentAction, *, idempotency_key: str
    ) -> CaseOut:
        """Add to a complaint, answer a question, rate, reopen, ask for a review, or withdraw it; the same key again is
        the same step. Returns the complaint after it.

        Raises:
            NotFound: no such complaint of this chat, or a file that is not free.
            NotAllowedNow: not as it stands; its ``allowed`` tells what can be done.
        """
        headers = {**JSON, "Idempotency-Key": idempotency_key}
        path = f"chats/{chat_id}/cases/{case_number(number)}/actions"
        return read(CaseOut, await self._send("POST", path, dump(step), headers, again=True))

    async def attachment(self, chat_id: int, number: str, attachment_id: int) -> bytes:
        """A file of a complaint: one's own, or of the office's answer.

        Raises:
            NotFound
        """
        path = f"chats/{chat_id}/cases/{case_number(number)}/attachments/{row(attachment_id)}"
        return await self._send("GET", path, again=True, seconds=UPLOAD_TIMEOUT)

    async def file_link(self, chat_id: int, number: str, attachment_id: int) -> FileLink:
        """A short-lived address of a file; its ``url`` is none where the office has no public address.

        Raises:
            NotFound
        """
        path = f"chats/{chat_id}/cases/{case_number(number)}/attachments/{row(attachment_id)}/links"
        return read(FileLink, await self._send("POST", path, again=True))

    async def case_of_message(self, chat_id: int, message_id: int) -> CaseOfMessage:
        """The complaint that a message of the bot's told of.

        Raises:
            NotFound: it told of none that this chat sees.
        """
        return read(CaseOfMessage, await self._get(f"chats/{chat_id}/messages/{row(message_id)}"))
