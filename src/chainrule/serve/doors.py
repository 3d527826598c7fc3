"""What a request passes on its way in: the host that it names, the number of requests at a time, the log.

A page in a browser can make its own name resolve to 127.0.0.1 and then post to a local server (DNS rebinding). Its
requests name that host, so a server on a local address takes requests for `localhost` and its addresses alone, and for
the hosts that were allowed by name.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Collection
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chainrule.serve.answers import json_bytes
from chainrule.text import printable, shortened

__all__ = ["Hosts", "Log", "Seats", "refusal"]

_LONGEST = 600  # characters of an error


def refusal(status: int, line: str, headers: dict[str, str] | None = None) -> Response:
    """An error as one line in JSON, bounded because it may show a cell."""
    return Response(json_bytes({"error": shortened(line, _LONGEST)}), status, headers, "application/json")


class Hosts:
    """Refuses requests for hosts that are not among `allowed`; None allows all. `hint` says what to do."""

    def __init__(self, app: ASGIApp, allowed: Collection[str] | None, hint: str = "start it with --allow-host") -> None:
        self._app, self._allowed, self._hint = app, allowed, hint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        host = Headers(scope=scope).get("host") if scope["type"] == "http" else None
        if host is None or self._allowed is None or _is_allowed(host, self._allowed):
            await self._app(scope, receive, send)
            return
        line = f"this server does not answer for the host {shortened(printable(host), 100)!r}: {self._hint}"
        await refusal(421, line)(scope, receive, send)


def _is_allowed(host: str, allowed: Collection[str]) -> bool:
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".") in allowed or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


class Seats:
    """So many requests at a time, from their first byte to the last one of the answer; more are refused."""

    def __init__(self, count: int) -> None:
        self._free = count

    async def __aenter__(self) -> None:
        if not self._free:
            line = "the server is busy with as many requests as it takes at a time: try again"
            raise HTTPException(503, line, {"Retry-After": "1"})
        self._free -= 1

    async def __aexit__(self, *error: object) -> None:
        self._free += 1


class Log:
    """Writes one line for each request: client, method, path, status, milliseconds."""

    def __init__(self, app: ASGIApp, write: Callable[[str], None]) -> None:
        self._app, self._write = app, write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write its line when it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._write(_line(scope, status, time.perf_counter() - began))


def _line(scope: dict[str, Any] | Any, status: int, seconds: float) -> str:
    client = (scope.get("client") or ("-",))[0]
    path = shortened(printable(scope["path"]), 100)
    return f"{client} {scope['method']} {path} {status or 'no answer'} {1000 * seconds:.1f} ms"
