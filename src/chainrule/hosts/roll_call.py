"""The roll call: before JAX starts, host 0 waits on its port until every host has come and said what it is.

    host h  ->  host 0    {"host": h, "facts": {...}}      one line of JSON
    host 0  ->  host h    {"error": ""}                    go; or the line that says why not

JAX ends a process without an error that can be caught where a host is missing. So its service is started, on the same
port, when all hosts are there.
"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

from chainrule.errors import HostsError
from chainrule.hosts.record import Hosts
from chainrule.text import counted, shortened

__all__ = ["call_roll", "difference"]

_PAUSE = 0.1  # seconds between two tries to reach host 0
_LONGEST = 2**16  # bytes of a line
_ANSWER = 5.0  # seconds within which a host that has connected says what it is


def call_roll(hosts: Hosts, facts: Mapping[str, str]) -> None:
    """Wait until all hosts are there, and compare `facts` with those of host 0, such as versions, by their names.

    Raises HostsError in one line where the port is taken, host 0 cannot be reached, hosts do not come within
    `hosts.wait` seconds, two have one number, or a fact differs.
    """
    if hosts.host == 0:
        _call(hosts, dict(facts))
    else:
        _answer(hosts, dict(facts))


def difference(host: int, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """The line that names the first fact of a host that differs from host 0's; "" where none does.

    >>> difference(1, {"jax": "0.9.0"}, {"jax": "0.10.2"})
    'host 1 has jax 0.9.0, but host 0 has 0.10.2: use the same on all hosts'
    """
    for name in dict.fromkeys([*here, *there]):
        other, own = (shortened(str(each.get(name, "none")), 60) for each in (there, here))
        if other != own:
            return f"host {host} has {name} {other}, but host 0 has {own}: use the same on all hosts"
    return ""


def _call(hosts: Hosts, facts: dict[str, str]) -> None:
    """The roll call of host 0."""
    present: dict[int, socket.socket] = {}
    others: dict[int, dict[str, Any]] = {}
    end = time.monotonic() + hosts.wait
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_opened(hosts))
        error = ""
        while not error and len(present) < hosts.hosts - 1:
            server.settimeout(max(0.01, end - time.monotonic()))
            try:
                connection = stack.enter_context(server.accept()[0])
            except TimeoutError:
                error = _missing(hosts, present)
                break
            error = _heard(connection, hosts, present, others)
        differing = (line for number in sorted(others) if (line := difference(number, others[number], facts)))
        error = error or next(differing, "")
        for connection in present.values():
            _say(connection, {"error": error})
    if error:
        raise HostsError(error)


def _heard(
    connection: socket.socket, hosts: Hosts, present: dict[int, socket.socket], others: dict[int, dict[str, Any]]
) -> str:
    """Take the line of a host that has connected; returns an error, or "". Whoever is not a host is ignored."""
    line = _line(connection, _ANSWER)
    number, facts = (None, None) if line is None else (line.get("host"), line.get("facts"))
    if not isinstance(number, int) or not isinstance(facts, dict):
        return ""
    if number in present or not 0 < number < hosts.hosts:
        error = f"two hosts say that they are host {number}: give each a number of its own"
        if number >= hosts.hosts:
            error = f"host {number} has come, but host 0 expects {hosts.hosts} hosts: give all the same number of them"
        _say(connection, {"error": error})
        return error
    present[number], others[number] = connection, facts
    return ""


def _missing(hosts: Hosts, present: dict[int, socket.socket]) -> str:
    missing = [str(number) for number in range(1, hosts.hosts) if number not in present]
    which = f"{counted(len(missing), 'host')} ({shortened(', '.join(missing), 40)})"
    return (
        f"{which} of {hosts.hosts} did not come to {hosts.coordinator} within {hosts.wait:g} seconds: start all of them"
    )


def _answer(hosts: Hosts, facts: dict[str, str]) -> None:
    """The roll call of another host."""
    end = time.monotonic() + hosts.wait
    with _reached(hosts, end) as connection:
        _say(connection, {"host": hosts.host, "facts": facts})
        reply = _line(connection, max(0.1, end - time.monotonic()) + _ANSWER)
    if reply is None:
        raise HostsError(f"host 0 at {hosts.coordinator} has ended or is another program: see what host 0 says")
    if reply.get("error"):
        raise HostsError(shortened(str(reply["error"])))


def _opened(hosts: Hosts) -> socket.socket:
    """The port of host 0. Raises HostsError where another program has it."""
    port = _address(hosts)[1]
    try:
        return socket.create_server(("", port), backlog=hosts.hosts)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise HostsError(f"port {port} of host 0 cannot be opened ({why}): choose another") from None


def _reached(hosts: Hosts, end: float) -> socket.socket:
    """A connection to host 0. Raises HostsError where it does not answer in time."""
    while True:
        try:
            return socket.create_connection(_address(hosts), timeout=max(0.1, min(end - time.monotonic(), _ANSWER)))
        except OSError as error:
            if time.monotonic() + _PAUSE > end:
                why = shortened(error.strerror or str(error) or "no answer", 60)
                raise HostsError(
                    f"host 0 cannot be reached at {hosts.coordinator} within {hosts.wait:g} seconds ({why}): "
                    "check the address, and that host 0 runs"
                ) from None
        time.sleep(_PAUSE)


def _address(hosts: Hosts) -> tuple[str, int]:
    machine, _, port = str(hosts.coordinator).rpartition(":")
    return machine.strip("[]"), int(port)


def _say(connection: socket.socket, line: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(line).encode() + b"\n")


def _line(connection: socket.socket, seconds: float) -> dict[str, Any] | None:
    """A line of JSON; None where none comes, or something else."""
    connection.settimeout(seconds)
    text = b""
    try:
        while not text.endswith(b"\n") and len(text) < _LONGEST:
            part = connection.recv(4096)
            if not part:
                return None
            text += part
        line = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
