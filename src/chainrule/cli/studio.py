"""`chainrule studio`: a local page on which a network learns a table, and every number of it can be read."""

import signal
import webbrowser
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.console import say, write_json
from chainrule.cli.options import AsJson
from chainrule.cli.signals import Interrupt
from chainrule.cli.streams import print_error, print_note
from chainrule.errors import SettingError
from chainrule.registry import require

__all__ = ["studio"]

_PACKAGES = ("anyio", "h11", "starlette", "uvicorn")


def studio(
    table: Path | None = None,
    /,
    *,
    target: Annotated[str | None, Parameter(help="The column to learn.")] = None,
    port: Annotated[int, Parameter(help="The port; 0 takes a free one.")] = 0,
    browser: Annotated[bool, Parameter(help="Whether to open the page in a browser.")] = True,
    as_json: AsJson = False,
) -> int:
    """Watch a network learn, in the browser, and read every number of it.

    Parameters
    ----------
    table
        A table to open at once: CSV, Parquet or Arrow. Without one the page offers small sets, and takes files.
    """
    require(0 <= port <= 65535, "port", port, "a whole number from 0 to 65535")
    if table is None and target is not None:
        raise SettingError("--target names a column of a table: name the table too")
    server, session, worker = _modules(table)
    if table is not None:
        _open(session, table, target)
    listener = server.listen("127.0.0.1", port)
    token = server.new_token()
    address, number = server.address_of(listener)
    url = f"http://{address}:{number}/#{token}"

    def ready() -> None:
        if as_json:
            write_json({"event": "ready", "url": url, "host": address, "port": number})
        else:
            say(f"the studio is at {url} (end: Ctrl-C)")
        if browser and not webbrowser.open(url):
            print_note("no browser could be opened: open the address above")

    with Interrupt() as interrupt:
        interrupt.defer(lambda: "stopped")
        server.run(worker.start(), token, listener, stopped=interrupt.signalled, ready=ready, report=print_error)
    return 0 if interrupt.code == 128 + signal.SIGTERM else interrupt.code


def _open(session: Any, table: Path, target: str | None) -> None:
    """Open the table before the page does, so that a wrong name is said here."""
    name = table.name
    if target is None:
        columns = session.do({"do": "columns", "path": name})["columns"]
        raise SettingError(f"name the column to learn by --target: {table} has {', '.join(map(repr, columns[:20]))}")
    session.do({"do": "open", "path": name, "target": target, "held_out": 0.2})


def _modules(table: Path | None) -> tuple[Any, Any, Any]:
    """The server, a session and its worker. Raises SettingError where a package that they need is not installed."""
    try:
        from chainrule.studio import server
        from chainrule.studio.worker import Worker
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        line = "chainrule studio needs starlette and uvicorn, which are not installed: pip install 'chainrule[studio]'"
        raise SettingError(line) from None
    from chainrule.studio.session import Session

    session = Session(Path.cwd() if table is None else table.resolve().parent, keeps=True)
    return server, session, Worker(session)
