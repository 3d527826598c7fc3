"""The memory that programs can still take, below the limits of the machine, of control groups and of the process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["available_memory"]

_NO_LIMIT = 2**63
_UNKNOWN = 2**32  # where the system does not say
_ROOT = Path("/")


def available_memory(root: Path = _ROOT) -> int:
    """Bytes that programs can still take without swapping, as far as the system tells; else 4 GiB.

    `root` is the folder that has /proc and /sys.
    """
    return min(_of_machine(root), *_left_to_groups(root), _left_to_process(root))


def _of_machine(root: Path) -> int:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        return _entry(root / "proc/meminfo", "MemAvailable:") * 1024
    return _UNKNOWN


def _left_to_groups(root: Path) -> Iterator[int]:
    """Bytes below the limit of each control group of this process and of each group above it; cached files are free.

    Source: the Linux kernel's Control Group v2 (memory.max, memory.current) and v1 (memory.limit_in_bytes).
    """
    yield _NO_LIMIT
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, kinds, group = line.split(":", 2)
            if not kinds:
                yield from _below(root / "sys/fs/cgroup", group, ("memory.max", "memory.current", "inactive_file"))
            elif "memory" in kinds.split(","):
                words = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                yield from _below(root / "sys/fs/cgroup/memory", group, words)


def _below(mount: Path, group: str, words: tuple[str, str, str]) -> Iterator[int]:
    """The same for a group and the groups above it; in a container the mount itself is its group."""
    limit, used, cached = words
    relative = Path(group.lstrip("/"))
    for folder in dict.fromkeys((mount / relative, *((mount / above) for above in relative.parents), mount)):
        with contextlib.suppress(OSError, ValueError, StopIteration):
            most = int((folder / limit).read_text())  # "max" is a ValueError: there is no limit
            free = _entry(folder / "memory.stat", cached)
            yield max(0, most - int((folder / used).read_text()) + free)


def _left_to_process(root: Path) -> int:
    """Bytes below the limit of the address space (`ulimit -v`)."""
    with contextlib.suppress(OSError, ValueError, StopIteration, AttributeError):
        most = resource.getrlimit(resource.RLIMIT_AS)[0]
        if most != resource.RLIM_INFINITY:
            return max(0, most - _entry(root / "proc/self/status", "VmSize:") * 1024)
    return _NO_LIMIT


def _entry(path: Path, name: str) -> int:
    """The number after a name at the beginning of a line."""
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.split()[:1] == [name])
