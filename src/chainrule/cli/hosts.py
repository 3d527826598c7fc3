"""The options of `train` for several hosts, and how a host of several writes and ends.

Only host 0 writes its results and notes; the others write the line that says why they fail. JAX and its libraries write
to the descriptors 1 and 2 of the process, and end it where host 0 is gone: both are put in one line here.
"""

import ctypes
import dataclasses
import os
import signal
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli import streams
from chainrule.cli.training_options import GROUPS
from chainrule.cli.values import duration
from chainrule.errors import SettingError
from chainrule.hosts import Hosts, Link, link_of
from chainrule.hosts.link import ENDED
from chainrule.text import shown

__all__ = ["ALONE", "HostOptions"]

_kept: list[Any] = []  # what C calls must not be collected


@dataclasses.dataclass(frozen=True)
class HostOptions:
    """Which hosts train together."""

    hosts: Annotated[
        str | None,
        Parameter(
            help="Train on several hosts by the xla engine, with the same command on each: 'auto' for what mpirun, "
            "srun or the variables JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID say, or the address "
            "of host 0. The model depends on --shards, not on the number of hosts.",
            group=GROUPS["Machine"],
            metavar="auto|HOST0:PORT",
            negative="",
            show_default=False,
        ),
    ] = None
    host: Annotated[
        str | None,
        Parameter(
            help="Number of this host, from 0, and number of hosts; with an address for --hosts.",
            group=GROUPS["Machine"],
            metavar="I/N",
            negative="",
            show_default=False,
        ),
    ] = None
    hosts_wait: Annotated[
        float | None,
        Parameter(
            converter=duration,
            help="Time to wait for the other hosts at the start: 30s, 10m. Default: 5m.",
            group=GROUPS["Machine"],
            metavar="TIME",
            negative="",
            show_default=False,
        ),
    ] = None

    @property
    def chosen(self) -> Hosts | None:
        """The hosts that the options name, or None. Raises SettingError for options that contradict each other."""
        more: dict[str, Any] = {} if self.hosts_wait is None else {"wait": self.hosts_wait}
        if self.hosts is None:
            needing = {"--host": self.host is not None, "--hosts-wait": bool(more)}
            for option in (option for option, is_set in needing.items() if is_set):
                raise SettingError(f"{option} needs the hosts: add --hosts auto, or --hosts HOST0:PORT")
            return None
        if self.hosts == "auto":
            if self.host is not None:
                raise SettingError("--hosts auto knows the number of this host: leave out --host")
            return Hosts.auto(**more)
        if self.host is None:
            raise SettingError("--hosts has an address, so say which host this is: add --host I/N, such as 0/2")
        number, _, count = self.host.partition("/")
        if not (number.isdigit() and count.isdigit()):
            raise SettingError(
                f"--host is {shown(self.host)}, but must be I/N with an address for --hosts, such as 0/2"
            )
        return Hosts(self.hosts, int(number), int(count), **more)

    def join(self) -> Link:
        """Start this host among the others, if there are any. Raises HostsError as `link_of` does."""
        hosts = self.chosen
        if hosts is not None and hosts.hosts > 1:
            streams.keep()
            if hosts.host:
                streams.only_errors()
            _end_in_one_line()
        return link_of(hosts)


ALONE = HostOptions()


def _end_in_one_line() -> None:
    """Where JAX aborts the process because the others are gone, say so in one line, and exit with 1.

    The handler is called in the thread of JAX that aborts, which a handler of Python would not be.
    """

    def aborted(number: int) -> None:
        streams.print_error(ENDED)
        os._exit(1)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(aborted)
    _kept.append(handler)
    library = ctypes.CDLL(None)
    library.signal.restype = ctypes.c_void_p
    library.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    library.signal(int(signal.SIGABRT), ctypes.cast(handler, ctypes.c_void_p))
