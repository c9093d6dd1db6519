"""Short-lived addresses of files, for what Telegram refuses to bring.

The address is sealed with the key ring: it tells nothing, cannot be guessed, and needs no table. It opens nothing that
its chat does not see at that moment: whose link to the home has ended meanwhile gets nothing any more.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from api.cases.downloads import Found, find_for_chat
from api.cases.schemas import FileLink
from api.errors import NotFound
from api.lookups import Reading
from api.privacy import CannotOpen
from api.settings import Settings

FILES = "/files/"
LIFETIME = timedelta(minutes=30)
"""Long enough to go over to another phone or computer, too short to be passed around."""
PURPOSE = "attachment.link"


async def link_to(reading: Reading, settings: Settings, chat_id: int, number: str, attachment_id: int) -> FileLink:
    """
    Raises:
        NotFound: there is no such file, or its case is not this chat's.
    """
    await find_for_chat(reading, chat_id, number, attachment_id)
    if settings.public_url is None:
        return FileLink(url=None, expires_at=None)
    expires_at = datetime.now(UTC) + LIFETIME
    sealed = reading.vault.seal_json(PURPOSE, [chat_id, number, attachment_id, int(expires_at.timestamp())])
    token = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    return FileLink(url=f"{settings.public_url}{FILES}{token}", expires_at=expires_at)


async def find_linked(reading: Reading, token: str) -> Found:
    """
    Raises:
        NotFound: the address is none of ours, is over, or is of what its chat does not see any more.
    """
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        chat_id, number, attachment_id, expires_at = reading.vault.open_json(PURPOSE, sealed)
    except (binascii.Error, ValueError, CannotOpen):
        raise NotFound from None
    if datetime.now(UTC).timestamp() >= expires_at:
        raise NotFound
    return await find_for_chat(reading, chat_id, number, attachment_id)
