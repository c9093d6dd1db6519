"""What the office's people ask for, by the chat that acts for their account. The API checks its roles with every
call."""

from datetime import date

from pydantic import SecretStr, TypeAdapter

from api.identity.schemas import LinkRole, LinkScope
from api.staff.schemas import (
    AccessDeclineIn,
    AccessGrantIn,
    StaffAccessRequestOut,
    StaffAccessRequestPage,
    StaffAccountChange,
    StaffAccountIn,
    StaffAccountOut,
    StaffAgreementFound,
    StaffAgreementOut,
    StaffCodeIn,
    StaffCodeOut,
    StaffLinkCodeIn,
    StaffLinkCodeOut,
    StaffMe,
)
from bot.backend.calls import Calls, dump, query, read, read_list, row

_ACCOUNTS = TypeAdapter(list[StaffAccountOut])
_FOUND = TypeAdapter(list[StaffAgreementFound])


class StaffCalls(Calls):
    """One method for each route below ``/v1/staff/{chat_id}``. All but :meth:`link_staff` raise ``NotAllowed`` where
    the chat acts for no account, or for one without the role."""

    # The account

    async def link_staff(self, chat_id: int, code: SecretStr) -> StaffMe:
        """Let this chat act for the account of a one-time code.

        Raises:
            NotMatched: whatever was wrong.
            Locked: too many wrong tries.
        """
        # A code that arrives twice from the same chat succeeds twice.
        given = dump(StaffCodeIn(code=code))
        return read(StaffMe, await self._send("POST", f"staff/{chat_id}/account", given, again=True))

    async def staff_me(self, chat_id: int) -> StaffMe:
        return read(StaffMe, await self._get(f"staff/{chat_id}/me"))

    async def staff_accounts(self, chat_id: int) -> list[StaffAccountOut]:
        """Disabled ones too."""
        return read_list(_ACCOUNTS, await self._get(f"staff/{chat_id}/accounts"))

    async def add_staff_account(self, chat_id: int, account: StaffAccountIn) -> StaffAccountOut:
        return read(StaffAccountOut, await self._send("POST", f"staff/{chat_id}/accounts", dump(account)))

    async def change_staff_account(self, chat_id: int, account_id: int, change: StaffAccountChange) -> StaffAccountOut:
        """
        Raises:
            NotFound
        """
        path = f"staff/{chat_id}/accounts/{row(account_id)}"
        return read(StaffAccountOut, await self._send("PATCH", path, dump(change), again=True))

    async def issue_staff_code(self, chat_id: int, account_id: int) -> StaffCodeOut:
        """A code by which the account's owner links their Telegram; it is told this once.

        Raises:
            NotFound: no such account, or it is disabled.
        """
        return read(StaffCodeOut, await self._send("POST", f"staff/{chat_id}/accounts/{row(account_id)}/codes"))

    # Requests for access

    async def access_queue(
        self, chat_id: int, *, cursor: str | None = None, limit: int | None = None
    ) -> StaffAccessRequestPage:
        """Open ones first, without what was written.

        Raises:
            InvalidInput: the cursor is none that a page gave.
        """
        asked = query(cursor=cursor, limit=limit)
        return read(StaffAccessRequestPage, await self._get(f"staff/{chat_id}/access-requests", asked))

    async def access_request(self, chat_id: int, request_id: int) -> StaffAccessRequestOut:
        """
        Raises:
            NotFound
        """
        return read(StaffAccessRequestOut, await self._get(f"staff/{chat_id}/access-requests/{row(request_id)}"))

    async def grant_access(self, chat_id: int, request_id: int, grant: AccessGrantIn) -> None:
        """
        Raises:
            NotFound: no such request, or no such agreement.
            AlreadyHandled: somebody has answered it.
            InvalidInput: the roll does not name such a person, or a day is past.
        """
        await self._send("POST", f"staff/{chat_id}/access-requests/{row(request_id)}/grant", dump(grant))

    async def decline_access(self, chat_id: int, request_id: int, reason: str) -> None:
        """
        Raises:
            NotFound
            AlreadyHandled: somebody has answered it.
        """
        given = dump(AccessDeclineIn(reason=reason))
        await self._send("POST", f"staff/{chat_id}/access-requests/{row(request_id)}/decline", given)

    # Who sees an agreement

    async def find_agreements(self, chat_id: int, number: str) -> list[StaffAgreementFound]:
        """One for each project that uses the number; empty: none does."""
        return read_list(_FOUND, await self._get(f"staff/{chat_id}/agreements", query(number=number)))

    async def agreement_links(self, chat_id: int, agreement_id: int) -> StaffAgreementOut:
        """
        Raises:
            NotFound
        """
        return read(StaffAgreementOut, await self._get(f"staff/{chat_id}/agreements/{row(agreement_id)}"))

    async def issue_link_code(
        self,
        chat_id: int,
        agreement_id: int,
        *,
        scope: LinkScope,
        role: LinkRole = LinkRole.RELATIVE,
        valid_until: date | None = None,
    ) -> StaffLinkCodeOut:
        """A code that lets somebody in; it is told this once.

        Raises:
            NotFound
        """
        wanted = StaffLinkCodeIn.model_validate({"role": role, "scope": scope, "valid_until": valid_until})
        path = f"staff/{chat_id}/agreements/{row(agreement_id)}/codes"
        return read(StaffLinkCodeOut, await self._send("POST", path, dump(wanted)))

    async def revoke_link(self, chat_id: int, link_id: int) -> None:
        """
        Raises:
            NotFound: it is ended already.
        """
        await self._send("DELETE", f"staff/{chat_id}/links/{row(link_id)}", again=True)
