"""Who may call: programs of the deployment, with a service token."""

import hmac
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import Unauthenticated

_bearer = HTTPBearer(auto_error=False, scheme_name="service token", description="SHANGLOU_SERVICE_TOKEN")


async def require_service(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    """Compares in constant time with every token in force.

    Raises:
        Unauthenticated: no token, or none that is in force.
    """
    given = credentials.credentials.encode() if credentials else b""
    tokens: tuple[bytes, ...] = request.app.state.service_tokens
    matched = False
    for token in tokens:
        matched |= hmac.compare_digest(given, token)
    if not matched:
        raise Unauthenticated
