"""What a request passes before the studio answers: its host, where it comes from, its token; the headers of answers.

A page of another site must not reach the studio, though it runs in the same browser: not by its own name for this
machine (Host), not by a request across sites (Origin, Sec-Fetch-Site), not without the token, which only the address
that the person opened has. The token is in the fragment of that address, which browsers send to nobody.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainrule.serve.doors import Hosts, refusal

__all__ = ["CSP", "HEADER", "HEADERS", "Doors", "new_token"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADER = "x-studio-token"
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=()",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}

_NAVIGATION = ("none", "same-origin")


def new_token() -> str:
    """A token that nobody guesses: 256 random bits."""
    return secrets.token_urlsafe(32)


class Doors:
    """Refuses requests that do not come from the studio's own page, and adds the headers to every answer.

    - token: what a request for anything but the page's files must send.
    - open_paths: the files of the page, which hold no data and need no token.
    """

    def __init__(self, app: ASGIApp, token: str, open_paths: Collection[str]) -> None:
        self._app, self._token, self._open = app, token, open_paths
        self._checked = Hosts(self._inside, (), "open the address that chainrule studio printed")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401, 403 or 421."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._checked(scope, receive, with_headers)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(scope)
        answer: Callable[..., Awaitable[Any]] = self._app if refused is None else refusal(*refused)
        await answer(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the line for a request that is refused."""
        headers = Headers(scope=scope)
        if "host" not in headers:
            return 400, "the request names no host"
        if len(headers.getlist("host")) > 1:
            return 400, "the request names two hosts"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin != f"http://{headers['host']}":
            return 403, "the request comes from another page: open the address that chainrule studio printed"
        if site is not None and site not in _NAVIGATION:
            return 403, "the request comes from another page: open the address that chainrule studio printed"
        if scope["path"] in self._open:
            return None
        given = headers.get(HEADER, "").encode("utf-8", "replace")
        if not secrets.compare_digest(given, self._token.encode()):
            return 401, "the token is missing or another one: open the address that chainrule studio printed last"
        return None
