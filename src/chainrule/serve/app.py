"""The routes: POST /predict, GET /health, /drift, / and /openapi.json; the status and the one line of every error."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from chainrule.errors import DataError, SettingError
from chainrule.serve.answers import json_bytes
from chainrule.serve.batches import Batcher
from chainrule.serve.bodies import ORIGIN, Body, Limits
from chainrule.serve.descriptions import About, openapi, summary
from chainrule.serve.doors import Hosts, Log, Seats, refusal
from chainrule.serve.served import Served

__all__ = ["Service", "application"]

_CSV, _JSON = "text/csv", "application/json"
_UTF_8 = ("", "utf-8", "utf8", "us-ascii")
_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}


class Service(NamedTuple):
    """An application, and its route that answers requests for predictions."""

    app: Starlette
    predict: Predict


def application(
    served: Served,
    about: About,
    limits: Limits | None = None,
    *,
    hosts: Collection[str] | None = (),
    log: Callable[[str], None] | None = None,
    report: Callable[[str], None] = print,
) -> Service:
    """The application for what a file holds.

    - served: columns, targets and predictions.
    - about: the file's name and digest.
    - limits: None for the defaults.
    - hosts: the names, besides those of this machine, that requests may be for; None for any.
    - log: writes a line for each request, or None.
    - report: writes the line about an error that should not happen.
    """
    limits = Limits() if limits is None else limits
    predict = Predict(served, limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with predict.batcher.running():
            yield

    async def unexpected(request: Request, error: Exception) -> Response:
        report(f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        return refusal(500, "an error inside the server: its log has a line about it")

    fixed = {"/": summary(served, about), "/openapi.json": openapi(served, about, limits), "/health": about.health()}
    routes = [Route(path, _fixed(json_bytes(document))) for path, document in fixed.items()]
    routes.append(Route("/drift", _drift_of(served)))
    doors = [Middleware(Log, write=log)] if log else []
    app = Starlette(
        routes=[*routes, Route("/predict", predict, methods=["POST"])],
        middleware=[*doors, Middleware(Hosts, allowed=hosts)],
        exception_handlers={HTTPException: _refused, Exception: unexpected},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return Service(app, predict)


def _fixed(content: bytes) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that always answers the same JSON."""

    async def endpoint(request: Request) -> Response:
        return Response(content, headers=_NO_SNIFFING, media_type=_JSON)

    return endpoint


def _drift_of(served: Served) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that says how the rows since the start differ from those of training."""

    async def endpoint(request: Request) -> Response:
        drift = served.drift()
        document: dict[str, Any] = {"rows": None, "columns": [], "line": ""}
        if drift is not None:
            document = {**drift.document(), "line": str(drift)}
        return Response(json_bytes(document), headers=_NO_SNIFFING, media_type=_JSON)

    return endpoint


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    paths = "POST /predict, GET /, GET /health, GET /drift and GET /openapi.json"
    lines = {404: f"there is no such path: there are {paths}", 405: f"this path has no such method: there are {paths}"}
    return refusal(error.status_code, lines.get(error.status_code, error.detail), dict(error.headers or {}))


class Predict:
    """Answers POST /predict, as an ASGI application: a request has its seat until its answer is sent."""

    def __init__(self, served: Served, limits: Limits) -> None:
        self.batcher = Batcher(served, limits)
        self.answered = 0  # requests
        self._limits, self._seats = limits, Seats(limits.concurrency)
        self._reading: set[asyncio.Timeout] = set()
        self._closing = False

    def close(self) -> None:
        """From now on refuse what has not come completely; what has come is answered."""
        self._closing = True
        for timeout in self._reading:
            timeout.reschedule(asyncio.get_running_loop().time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Raises HTTPException for one that is refused."""
        request = Request(scope, receive)
        is_csv = _is_csv(request)
        async with self._seats:
            try:
                response = await self._response(request, is_csv)
            except ClientDisconnect:
                return
            await response(scope, receive, send)
            self.answered += 1

    async def _response(self, request: Request, is_csv: bool) -> Response:
        as_csv = _wants_csv(request.headers.get("accept", ""))
        content = await self._content(request)
        try:
            answer = await self.batcher.answer(Body(content, is_csv), as_csv)
        except (DataError, SettingError) as error:
            raise HTTPException(422, str(error)) from None
        except MemoryError:
            raise HTTPException(503, "there is not enough memory for this body: send fewer rows") from None
        return Response(answer.content, headers=_NO_SNIFFING, media_type=_CSV if as_csv else _JSON)

    async def _content(self, request: Request) -> bytes:
        """The body, bounded in bytes and seconds."""
        self._require_size(int(request.headers.get("content-length", 0)), request)
        content = bytearray()
        try:
            async with asyncio.timeout(self._limits.seconds) as timeout:
                self._reading.add(timeout)
                if self._closing:
                    timeout.reschedule(0)
                async for chunk in request.stream():
                    content += chunk
                    self._require_size(len(content), request)
        except TimeoutError:
            if self._closing:
                raise HTTPException(503, "the server is ending", {"Connection": "close"}) from None
            line = f"{ORIGIN} did not come within {self._limits.seconds:g} s: send it faster, or in parts"
            raise HTTPException(408, line, {"Connection": "close"}) from None
        finally:
            self._reading.discard(timeout)
        _require_charset(request, content)
        return bytes(content)

    def _require_size(self, size: int, request: Request) -> None:
        if size > self._limits.body:
            headers = {"Connection": "close"} if "expect" in request.headers else {}
            line = f"{ORIGIN} has {size:,} bytes or more: send at most {self._limits.body:,} at a time"
            raise HTTPException(413, line, headers)


def _is_csv(request: Request) -> bool:
    """Whether the body is CSV, and not JSON. Raises HTTPException for anything else, as other pages could send it."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind not in (_CSV, _JSON):
        came = f"is {kind[:60]!r}" if kind else "is not named"
        raise HTTPException(415, f"the content type {came}: send {_JSON} or {_CSV}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "the body is compressed: send it as it is")
    if _charset(parameters) not in _UTF_8:
        raise HTTPException(415, f"the character set is {_charset(parameters)[:40]!r}: send UTF-8")
    return kind == _CSV


def _charset(parameters: str) -> str:
    """The character set in the parameters of a content type, "" where none is named."""
    named = [part.partition("=") for part in parameters.split(";")]
    return next((value.strip().strip('"').lower() for name, _, value in named if name.strip().lower() == "charset"), "")


def _require_charset(request: Request, content: bytearray) -> None:
    """Raise HTTPException where a body says that it is UTF-8 and is not."""
    if not _charset(request.headers["content-type"].partition(";")[2]):
        return  # JSON is UTF-8; the encoding of CSV shows
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HTTPException(400, f"{ORIGIN} is not UTF-8 at byte {error.start + 1}: send UTF-8") from None


def _wants_csv(accept: str) -> bool:
    """Whether CSV is preferred to JSON by the header Accept."""
    quality = {_CSV: 0.0, _JSON: 0.0, "application/*": 0.0, "*/*": 0.0}
    for part in accept.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if kind in quality:
            quality[kind] = _quality(parameters)
    return quality[_CSV] > max(quality[_JSON], quality["application/*"]) and quality[_CSV] >= quality["*/*"]


def _quality(parameters: list[str]) -> float:
    value = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
    try:
        return float(value)
    except ValueError:
        return 0.0
