"""`chainrule serve`: answer rows over HTTP with the predictions of a model."""

import hashlib
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from chainrule._version import __version__
from chainrule.cli.answers import answering
from chainrule.cli.console import say, write_json
from chainrule.cli.options import AsJson
from chainrule.cli.signals import Interrupt
from chainrule.cli.streams import print_error, print_note
from chainrule.cli.values import duration, words
from chainrule.errors import SettingError
from chainrule.fields import Number, Whole
from chainrule.registry import require

__all__ = ["serve"]

_UNITS = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_PACKAGES = ("anyio", "h11", "starlette", "uvicorn")


def _size(kind: Any, tokens: Sequence[Token]) -> int:
    """A number of bytes, with a unit: "16MiB"."""
    text = tokens[-1].value.replace(" ", "").lower()
    match = re.fullmatch(r"([0-9]{1,15})([a-z]*)", text)
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a size: write bytes, or for example 64KiB, 16MiB")
    return int(match[1]) * _UNITS[match[2]]


def serve(
    model: Path,
    /,
    *,
    port: Annotated[int, Parameter(help="The port; 0 takes a free one and prints it.")] = 8000,
    host: Annotated[
        str,
        Parameter(
            help="The address to listen on. With 0.0.0.0 every machine in the network can ask, without a password."
        ),
    ] = "127.0.0.1",
    allow_host: Annotated[
        str | None,
        Parameter(
            help="Names of this server, separated by commas, for which it answers too. Default: on 127.0.0.1 only "
            "localhost, so that no web page can reach it under a name of its own; on another address any name.",
            negative="",
            show_default=False,
        ),
    ] = None,
    max_body: Annotated[int, Parameter(converter=_size, help="Bytes of a request at most, for example 16MiB.")] = 2**24,
    max_rows: Annotated[int, Parameter(help="Rows of a request at most.")] = 10_000,
    concurrency: Annotated[
        int, Parameter(help="Requests that are answered at a time; more are refused with status 503.")
    ] = 64,
    timeout: Annotated[
        float,
        Parameter(converter=duration, help="Time in which a client must send a request and read the answer: 30s, 1m."),
    ] = 30.0,
    verbose: Annotated[bool, Parameter(negative="", help="Write a line to stderr for each request.")] = False,
    as_json: AsJson = False,
) -> int:
    """Answer rows over HTTP with the predictions of a model.

    Parameters
    ----------
    model
        A file that `train` or cr.save wrote: a model, an estimator or a network.
    """
    app, server, bodies, descriptions = _modules()
    require(0 <= port <= 65535, "port", port, "a whole number from 0 to 65535")
    limits = bodies.Limits(
        Whole(1).clean("max_body", max_body),
        Whole(1).clean("max_rows", max_rows),
        Whole(1).clean("concurrency", concurrency),
        Number(0, above=True).clean("timeout", timeout),
    )
    served, about = answering(model), descriptions.About(model.name, _digest(model))
    listener = server.listen(host, port)
    hosts = [name.lower() for name in words(allow_host or "")]
    service = app.application(
        served,
        about,
        limits,
        hosts=hosts if hosts or server.is_local(listener) else None,
        log=print_note if verbose else None,
        report=print_error,
    )
    address, number = server.address_of(listener)
    if not server.is_local(listener):
        print_note(f"warning: everyone who can reach {address} can ask this model: there is no password")

    def ready() -> None:
        shown = f"[{address}]" if ":" in address else address
        _say_start(as_json, f"http://{shown}:{number}", address, number, about)

    with Interrupt() as interrupt:
        interrupt.defer(lambda: "stopped before every request was answered")
        server.run(service, listener, limits, stopped=interrupt.signalled, ready=ready, report=print_error)
    _say_end(as_json, service.predict.answered)
    return 0 if interrupt.code == 128 + signal.SIGTERM else interrupt.code


def _modules() -> tuple[Any, Any, Any, Any]:
    """The modules of the server. Raises SettingError where a package that they need is not installed."""
    try:
        from chainrule.serve import app, bodies, descriptions, server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        line = "chainrule serve needs starlette and uvicorn, which are not installed: pip install 'chainrule[serve]'"
        raise SettingError(line) from None
    return app, server, bodies, descriptions


def _digest(model: Path) -> str:
    """The SHA-256 of the file, as `sha256sum` prints it."""
    with model.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _say_start(as_json: bool, url: str, host: str, port: int, about: Any) -> None:
    if as_json:
        about = {"model": about.name, "digest": about.digest, "version": __version__}
        write_json({"event": "ready", "url": url, "host": host, "port": port, **about})
    else:
        say(f"{about.name} answers at {url}/predict (columns: {url}/, end: Ctrl-C)")


def _say_end(as_json: bool, answered: int) -> None:
    if as_json:
        write_json({"event": "stopped", "answered": answered})
    else:
        say(f"stopped after {answered:,} answers")
