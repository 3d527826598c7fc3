"""The machine and the environment of the workers: what a number means depends on them."""

import datetime
import importlib.metadata
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainrule

__all__ = [
    "busiest",
    "cpus",
    "describe",
    "disturbing",
    "environment",
    "is_at_rest",
    "rest",
    "threads_of_this",
    "versions",
]

# Settings of libraries that choose slower kernels, or another number of threads than is measured.
DISTURBING = re.compile(
    "(OPENBLAS|MKL|NVPL|BLIS|OMP|KMP|GOMP|XLA|JAX|TORCH|ATEN|ONEDNN|DNNL|MALLOC)_|NPY_(DISABLE|ENABLE)|GLIBC_TUNABLES"
    "|LD_PRELOAD|CHAINRULE_(ISA|THREADS)"
)
REST = 1.0  # the most seconds to wait until a process is at rest
PEERS = ("scikit-learn", "torch", "jax", "jaxlib", "onnxruntime", "opacus", "backpack-for-pytorch")


def cpus(threads: int) -> list[int]:
    """The processors that a worker with so many threads is pinned to: the last ones that we may use."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        raise SystemExit(f"{threads} threads were asked for, but this process may use {len(allowed)} processors")
    return allowed[-threads:]


def busiest(work: Callable[[], object], threads: int) -> list[int]:
    """The threads of this process that work most in a call, by their numbers."""
    before = _worked()
    work()
    more = {thread: spent - before.get(thread, 0) for thread, spent in _worked().items()}
    return sorted(more, key=more.__getitem__, reverse=True)[:threads]


def rest(process: int) -> None:
    """Wait until the threads of a process sleep: those of some libraries spin for a while after their work.

    At most for REST seconds.
    """
    until = time.monotonic() + REST
    while not is_at_rest(process) and time.monotonic() < until:
        time.sleep(0.001)


def is_at_rest(process: int) -> bool:
    """Whether no thread of a process runs or waits for a processor."""
    states = (_state(task / "stat") for task in Path(f"/proc/{process}/task").iterdir())
    return all(state != "R" for state in states)


def _state(stat: Path) -> str:
    """A thread's state, a letter, which follows its name; none of a thread that has ended."""
    try:
        return stat.read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def threads_of_this() -> list[int]:
    """The numbers of all threads of this process."""
    return [int(task.name) for task in Path("/proc/self/task").iterdir()]


def _worked() -> dict[int, int]:
    """Nanoseconds on a processor of each thread of this process."""
    files = {thread: Path(f"/proc/self/task/{thread}/schedstat") for thread in threads_of_this()}
    return {thread: int(path.read_text().split()[0]) for thread, path in files.items()}


def disturbing() -> dict[str, str]:
    """The settings of this environment that workers do not get."""
    return {key: value for key, value in os.environ.items() if DISTURBING.match(key)}


def environment(threads: int) -> dict[str, str]:
    """A worker's environment: everything but what disturbs, and the number of threads for every library."""
    kept = {key: value for key, value in os.environ.items() if key not in disturbing()}
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CHAINRULE_THREADS", "NPROC")
    eigen = "true" if threads > 1 else "false"
    flags = f"--xla_cpu_multi_thread_eigen={eigen} intra_op_parallelism_threads={threads}"
    return {**kept, **dict.fromkeys(names, str(threads)), "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


def versions(peers: tuple[str, ...] = PEERS) -> dict[str, str]:
    """The versions of all that is installed and takes part."""
    found = {"chainrule": chainrule.__version__, "python": platform.python_version()}
    for name in ("numpy", "scipy", *peers):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, Any]:
    """The processor's model, caches and instruction sets, memory, system, load and date."""
    info = _pairs(Path("/proc/cpuinfo"))
    flags = info.get("flags", "").split()
    wanted = ("avx2", "fma", "avx512", "amx", "avx_vnni")
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "model": info.get("model name", platform.processor()),
        "family": f"{info.get('cpu family', '?')}/{info.get('model', '?')}",
        "processors": len(os.sched_getaffinity(0)),
        "caches": _caches(),
        "isa": sorted(flag for flag in flags if flag.startswith(wanted)),
        "memory": _pairs(Path("/proc/meminfo")).get("MemTotal", "?"),
        "system": platform.platform(),
        "load": list(os.getloadavg()),
    }


def _pairs(path: Path) -> dict[str, str]:
    """The first value of each `key: value` line of a file of /proc."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return found


def _caches() -> dict[str, str]:
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / part).read_text().strip() for part in ("level", "type", "size"))
        found[f"L{level} {kind.lower()}"] = size
    return found
