"""The studio over HTTP, for this machine alone: the page's files, commands by POST, views as a stream of events.

GET  /, /studio.js, ... the page; it holds no data
POST /do                a command as JSON; the answer is JSON, errors have one line under "error"
GET  /events            the views, as server-sent events that the page reads by fetch
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from chainrule.errors import ChainruleError
from chainrule.serve.answers import json_bytes
from chainrule.serve.bodies import Limits
from chainrule.serve.doors import refusal
from chainrule.serve.server import address_of, connection, listen
from chainrule.studio.assets import asset, assets
from chainrule.studio.doors import Doors, new_token
from chainrule.studio.folder import MOST_DROPPED
from chainrule.studio.worker import Worker

__all__ = ["address_of", "application", "listen", "new_token", "run"]

MOST_BODY = MOST_DROPPED * 4 // 3 + 2**16  # bytes: a dropped file in base64
MOST_STREAMS = 16  # pages at a time
MOST_COMMANDS = 32  # commands that wait for their answer
HEARTBEAT = 15.0  # seconds without a view after which the stream says that it lives
BODY_SECONDS = 60.0
INDEX = "index.html"


def application(worker: Worker, token: str, report: Callable[[str], None] = print) -> Starlette:
    """The application of a worker.

    - worker: the thread of the session, started.
    - token: what requests must send, but those for the page's files.
    - report: writes the line about an error that should not happen.
    """
    open_paths = {"/", *(f"/{name}" for name in assets())}

    async def unexpected(request: Request, error: Exception) -> Response:
        report(f"unexpected {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        return refusal(500, "an error inside the studio: the terminal has a line about it")

    studio = Studio(worker)
    app = Starlette(
        routes=[
            Route("/do", studio.do, methods=["POST"]),
            Route("/events", studio.events, methods=["GET"]),
            Route("/{name:path}", _file, methods=["GET"]),
        ],
        middleware=[Middleware(Doors, token=token, open_paths=open_paths)],
        exception_handlers={HTTPException: _refused, Exception: unexpected},
    )
    app.router.redirect_slashes = False
    return app


async def _file(request: Request) -> Response:
    """A file of the page."""
    entry = asset(request.path_params["name"] or INDEX)
    if entry is None:
        raise HTTPException(404, "there is no such path: there are the page, POST /do and GET /events")
    content, kind = entry
    return Response(content, headers={"content-type": f"{kind}; charset=utf-8"})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    lines = {405: "this path has no such method: there are GET for the page and /events, POST for /do"}
    return refusal(error.status_code, lines.get(error.status_code, error.detail), dict(error.headers or {}))


class Studio:
    """The routes that need the token."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._waiting = self._streams = 0

    async def do(self, request: Request) -> Response:
        """Answer a command. Raises HTTPException for one that is refused."""
        if self._waiting >= MOST_COMMANDS:
            raise HTTPException(503, "too many commands wait for their answer: try again", {"Retry-After": "1"})
        command = _parsed(await _body(request))
        self._waiting += 1
        try:
            answer = await asyncio.wrap_future(self._worker.ask(command))
        except (ChainruleError, OSError) as error:
            return refusal(422, self._worker.session.work.folder.hidden(_line(error)))
        except MemoryError:
            return refusal(422, "there is not enough memory for this: take fewer rows or a smaller network")
        finally:
            self._waiting -= 1
        return Response(json_bytes(answer), media_type="application/json")

    async def events(self, request: Request) -> Response:
        """The views, from now on. Raises HTTPException where too many pages listen."""
        if self._streams >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} pages listen already: close one")
        return StreamingResponse(self._views(request), media_type="text/event-stream")

    async def _views(self, request: Request) -> AsyncIterator[bytes]:
        worker, loop, news = self._worker, asyncio.get_running_loop(), asyncio.Event()

        def notify() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(news.set)

        self._streams += 1
        worker.listen(notify)
        try:
            yield b": the studio\n\n"
            while not (worker.closed or await request.is_disconnected()):
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        await news.wait()
                except TimeoutError:
                    yield b": alive\n\n"
                    continue
                news.clear()
                yield b"data: " + worker.view + b"\n\n"
        finally:
            self._streams -= 1
            worker.leave(notify)


async def _body(request: Request) -> bytes:
    """The body, bounded in bytes and seconds."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "a command is JSON: send application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "the body is compressed: send it as it is")
    too_large = HTTPException(413, f"the body has more than {MOST_BODY:,} bytes", {"Connection": "close"})
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MOST_BODY:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MOST_BODY:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, f"the body did not come within {BODY_SECONDS:g} s", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "the body did not come completely") from None
    return bytes(content)


def _parsed(content: bytes) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not a number")

    try:
        return json.loads(content.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the command is not JSON: {_line(error)}") from None


def _line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def run(
    worker: Worker,
    token: str,
    listener: socket.socket,
    *,
    stopped: Callable[[], bool],
    ready: Callable[[], None],
    report: Callable[[str], None] = print,
) -> None:
    """Serve until `stopped()`, which is asked ten times a second.

    - worker, token: as for `application`.
    - listener: a socket of this machine alone.
    - ready: called once.
    - report: writes the line about an error that should not happen.
    """
    config = uvicorn.Config(
        application(worker, token, report),
        http=connection(Limits()),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=128,
        h11_max_incomplete_event_size=2**16,
        timeout_graceful_shutdown=1,
    )
    asyncio.run(_Server(config, worker, stopped, ready).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller."""

    def __init__(
        self, config: uvicorn.Config, worker: Worker, stopped: Callable[[], bool], ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._worker, self._stopped, self._ready = worker, stopped, ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stopped()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._worker.close()
        await super().shutdown(sockets)
