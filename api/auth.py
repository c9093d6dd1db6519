"""Who may call ``/v1``: programs of the deployment, with a service token.

The check stands before the routes, so that no route can be without it, known or not. It looks at the path as they do:
behind a proxy that puts a prefix before it, without that.
"""

import hmac
from collections.abc import Sequence
from typing import Any

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Unauthenticated, answer

PREFIX = "/v1/"
SCHEME_NAME = "service token"
SCHEME: dict[str, Any] = {"type": "http", "scheme": "bearer", "description": "SHANGLOU_SERVICE_TOKEN"}


class ServiceToken:
    """ASGI middleware: what comes to ``/v1/`` without a token in force is answered 401 and goes no further."""

    def __init__(self, app: ASGIApp, tokens: Sequence[bytes]) -> None:
        self.app = app
        self.tokens = tuple(tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and get_route_path(scope).startswith(PREFIX)
        if asked and not self._bears_token(scope["headers"]):
            await answer(Unauthenticated())(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _bears_token(self, headers: Sequence[tuple[bytes, bytes]]) -> bool:
        """Compares in constant time with every token in force."""
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, credentials = given.partition(b" ")
        if scheme.lower() != b"bearer":
            return False
        credentials = credentials.strip()
        matched = False
        for token in self.tokens:
            matched |= hmac.compare_digest(credentials, token)
        return matched


def document(schema: dict[str, Any]) -> None:
    """Say in an OpenAPI document what the check asks for."""
    schema.setdefault("components", {}).setdefault("securitySchemes", {})[SCHEME_NAME] = SCHEME
    for path, operations in schema["paths"].items():
        if path.startswith(PREFIX):
            for operation in operations.values():
                operation["security"] = [{SCHEME_NAME: []}]
