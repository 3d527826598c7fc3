"""Starts the link of this process: a roll call of the hosts, then JAX's coordination service.

There is one link in a process, because JAX can be started once. The service watches the hosts: where one ends without a
word, JAX ends the others within the seconds of `heartbeat`.
"""

import atexit
import contextlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.errors import HostsError
from chainrule.hosts.link import ALONE, Link
from chainrule.hosts.record import Hosts
from chainrule.hosts.roll_call import call_roll, difference
from chainrule.jax_extra import why_no_jax
from chainrule.text import shortened

__all__ = ["link_of", "process_link", "require_same"]

_LEAVING = 10  # seconds that hosts wait for each other when they leave JAX
_started: dict[str, Any] = {}  # the hosts and the link of this process


def process_link() -> Link:
    """The link of this process, if `link_of` has started it; else that of one host."""
    link: Link = _started.get("link", ALONE)
    return link


def link_of(hosts: Hosts | None) -> Link:
    """The link of this process, started at the first call with several hosts.

    >>> link_of(cr.Hosts()).hosts
    1

    Raises HostsError in one line where JAX is missing, too old or used before, where host 0 cannot be reached or its
    port is taken, where hosts do not come in time, and where they differ.
    """
    if hosts is None or hosts.hosts == 1:
        return ALONE
    if "link" in _started:
        before: Hosts = _started["hosts"]
        if (before.coordinator, before.host, before.hosts) != (hosts.coordinator, hosts.host, hosts.hosts):
            raise HostsError(f"this process is {before} already: a process can be one host only")
        process_link().at_work = True
        return process_link()
    if reason := why_no_jax("several hosts need"):
        raise HostsError(reason)
    call_roll(hosts, _facts(hosts))
    link = _connected(hosts)
    require_same(link, _devices())
    _started.update(hosts=hosts, link=link)
    atexit.register(link.wait_for_the_end, hosts.wait)  # before JAX leaves, which has registered earlier
    return link


def require_same(link: Link, values: Mapping[str, str]) -> None:
    """Compare values by name with those of host 0. Raises HostsError that names the first that differs."""
    first, *others = link.gather(dict(values))
    for number, other in enumerate(others, start=1):
        if line := difference(number, other, first):
            raise HostsError(line)


def _connected(hosts: Hosts) -> Link:
    import jax
    from jax._src import distributed  # the client of the key-value store has no public name

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from the program
    try:
        jax.distributed.initialize(
            hosts.coordinator,
            hosts.hosts,
            hosts.host,
            hosts.local_devices,
            cluster_detection_method="deactivate",
            initialization_timeout=max(1, round(hosts.wait)),
            heartbeat_timeout_seconds=max(1, round(hosts.heartbeat)),
            shutdown_timeout_seconds=_LEAVING,
        )
        jax.devices()  # all hosts exchange their devices here
    except Exception as error:  # JAX has no class of its own for them
        raise HostsError(_why(hosts, str(error))) from None
    return Link(hosts.host, hosts.hosts, distributed.global_state.client, jax.device_count())


def _why(hosts: Hosts, text: str) -> str:
    """An error of JAX's start in our words."""
    if "must be called before" in text or "only be called once" in text:
        return "JAX was used in this process before: give hosts to the first call that uses it"
    if "Failed to start RPC server" in text:  # since the roll call, which had the port
        return f"another program has taken the port of {hosts.coordinator}: choose another"
    if (
        "visible_devices" in text
        or "no supported devices" in text.lower()
        or "unable to initialize backend" in text.lower()
    ):
        return f"host {hosts.host} has no such GPU (JAX: {shortened(text, 100)}): check CUDA_VISIBLE_DEVICES"
    return f"JAX cannot start host {hosts.host} of {hosts.hosts} ({shortened(text, 120)})"


def _facts(hosts: Hosts) -> dict[str, str]:
    """What must be the same on all hosts, as far as it is known before JAX starts."""
    from importlib import metadata  # slow to import, and only needed here

    versions = {name: metadata.version(name) for name in ("jax", "jaxlib")}
    numbers = {"number of hosts": str(hosts.hosts), "shards": str(hosts.shards)}
    return {"chainrule": __version__, **versions, "numpy": np.__version__, **numbers}


def _devices() -> dict[str, str]:
    """The devices, which compute the same bits only where they are of one kind."""
    import jax

    device, count = jax.local_devices()[0], str(jax.local_device_count())
    if device.platform != "cpu":
        return {"devices": count, "processor": device.device_kind}
    return {"devices": count, "processor": _processor(), "threads (NPROC)": _threads()}


def _processor() -> str:
    """The model of the processor, as far as the system tells."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _threads() -> str:
    """The threads of XLA on a processor: wide layers are summed by them."""
    own = os.environ.get("NPROC", "")
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return own if own.isdigit() else str(count)
