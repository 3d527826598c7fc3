"""Real processes for the tests of hosts: what they run, and how they are started."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 240.0  # seconds; a loaded machine takes long to start JAX


@dataclasses.dataclass
class Ended:
    """A process that has ended: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The last line of stdout, as JSON."""
        lines = [line for line in self.out.splitlines() if line.startswith("{")]
        assert lines, (self.code, self.out, self.err)
        return json.loads(lines[-1])


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a process: few threads, compiled programs in a folder of the test."""
    shared = {"NPROC": "2", "JAX_PLATFORMS": "cpu", "CHAINRULE_COMPILED": str(folder / "compiled")}
    return {**os.environ, **shared, "PYTHONUNBUFFERED": "1", **more}


def begin(task: Mapping[str, Any], folder: Path, **more: str) -> subprocess.Popen[str]:
    """Start a worker with a task."""
    command = [sys.executable, str(WORKER), json.dumps({"folder": str(folder), **task})]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=environment(folder, **more), text=True, **pipes)


def ends(processes: list[subprocess.Popen[str]]) -> list[Ended]:
    """What processes leave; none is left running."""
    until, ended = time.monotonic() + PATIENCE, []
    try:
        for process in processes:
            out, err = process.communicate(timeout=max(1.0, until - time.monotonic()))
            ended.append(Ended(process.returncode, out, err))
    finally:
        for process in processes:
            process.kill()
    return ended


def together(hosts: int, task: Mapping[str, Any], folder: Path, **of_host: Mapping[str, Any]) -> list[Ended]:
    """Run a task on several hosts of this machine; `of_host` has more of the task for "host1" and so on."""
    for _ in range(3):
        address = f"127.0.0.1:{free_port()}"
        tasks = [{**task, "hosts": [address, host, hosts], **of_host.get(f"host{host}", {})} for host in range(hosts)]
        ended = ends([begin(each, folder) for each in tasks])
        if not any("cannot be opened" in process.err for process in ended):
            return ended
    raise AssertionError("no free port")


def alone(task: Mapping[str, Any], folder: Path, devices: int = 1) -> Ended:
    """Run a task on one host with so many parts of a CPU as devices."""
    flags = f"--xla_force_host_platform_device_count={devices}"
    return ends([begin(task, folder, XLA_FLAGS=flags)])[0]
