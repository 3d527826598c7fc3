"""The server: its socket, its connections, and its end.

A client that is slow does not keep others waiting: the head of a request, its body and the reading of the answer have
so many seconds each, and there are so many connections. At the end no connection is accepted any more, requests that
have come completely are answered, the others are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from chainrule.serve.app import Service
from chainrule.serve.bodies import Limits

__all__ = ["address_of", "connection", "is_local", "listen", "run"]

_IDLE_CONNECTIONS = 448  # beside those of requests; descriptors are few
_END = 2.0  # seconds for the last answers


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises OSError in one line."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        raise OSError(_why(host, port, error)) from None


def _why(host: str, port: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: name another by --port, or --port 0 for a free one"
    if number == errno.EACCES:
        return f"port {port} of {host} is not allowed to this user: name one from 1024 by --port"
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror | UnicodeError):
        return f"host is {host!r}, which is not an address of this machine: try 127.0.0.1"
    return f"cannot listen on port {port} of {host}: {getattr(error, 'strerror', None) or error}"


def address_of(listener: socket.socket) -> tuple[str, int]:
    """The address and the port that a socket listens on."""
    host, port, *_ = listener.getsockname()
    return host, port


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    return ipaddress.ip_address(address_of(listener)[0].partition("%")[0]).is_loopback


def run(
    service: Service,
    listener: socket.socket,
    limits: Limits,
    *,
    stopped: Callable[[], bool],
    ready: Callable[[], None],
    report: Callable[[str], None] = print,
) -> None:
    """Serve until `stopped()`, which is asked ten times a second, then answer what has come.

    `ready` is called once; `report` gets the line about an error that should not happen.
    """
    config = uvicorn.Config(
        service.app,
        http=connection(limits),
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_END,
    )
    asyncio.run(_Server(config, service, stopped, ready, report).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """A server that leaves signals to its caller."""

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        stopped: Callable[[], bool],
        ready: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        super().__init__(config)
        self._service, self._stopped, self._ready, self._report = service, stopped, ready, report

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: self._report(context["message"]))
        await super().startup(sockets)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stopped()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.predict.close()
        await super().shutdown(sockets)


def connection(limits: Limits) -> type[asyncio.Protocol]:
    """The class of connections whose clients may take so many seconds."""
    most = limits.concurrency + _IDLE_CONNECTIONS

    class Connection(H11Protocol):
        """A connection that ends where the head of a request does not come, or where an answer is not read."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._head, self._answer = Limit(limits.seconds, transport.abort), Limit(limits.seconds, transport.abort)
            transport.set_write_buffer_limits(high=0)  # paused as soon as the client does not read
            self._head.start()
            if len(self.connections) > most:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            try:
                super().data_received(data)
            except h11.ProtocolError:  # what is not HTTP, behind a request that is answered already
                self.transport.abort()
            if self.cycle is None or self.cycle.response_complete:
                self._head.start()
            else:
                self._head.stop()

        def send_400_response(self, msg: str) -> None:
            super().send_400_response(msg)
            if self.cycle is not None:  # a request whose body is not HTTP: nothing more can be sent to it
                self.cycle.disconnected = True
                self.cycle.message_event.set()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._answer.start()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._answer.stop()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._head.stop()
            self._answer.stop()

    return Connection


class Limit:
    """Calls a function unless it is stopped within so many seconds of its start."""

    def __init__(self, seconds: float, late: Callable[[], None]) -> None:
        self._seconds, self._late = seconds, late
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to wait, if it does not wait already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._late)

    def stop(self) -> None:
        """Wait no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
