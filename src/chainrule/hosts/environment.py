"""What the launcher of this process says in the environment: how many processes there are, and which one this is.

    Kubernetes, or by hand   JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES, JAX_PROCESS_ID
    Open MPI                 OMPI_COMM_WORLD_SIZE, _RANK, _LOCAL_SIZE, _LOCAL_RANK; host 0 from OMPI_MCA_orte_hnp_uri
    Slurm                    SLURM_NTASKS, SLURM_PROCID, SLURM_LOCALID; host 0 from SLURM_STEP_NODELIST

The port is the one that JAX chooses for these launchers, from the number of the job.
"""

import os
import re
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from chainrule.errors import SettingError
from chainrule.text import shown

__all__ = ["Place", "place_of"]

_PORTS = 2**12  # the last ones, of which a job has one
_FIRST_PORT = 2**16 - _PORTS
ADDRESS = "JAX_COORDINATOR_ADDRESS"


class Place(NamedTuple):
    """Where this process is among the hosts; the fields of `Hosts` of these names."""

    coordinator: str | None = None
    host: int = 0
    hosts: int = 1
    local_devices: tuple[int, ...] | None = None


def place_of(environment: Mapping[str, str] | None = None) -> Place:
    """The place of this process by its environment.

    >>> place_of({"JAX_COORDINATOR_ADDRESS": "a:1", "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "1"})
    Place(coordinator='a:1', host=1, hosts=2, local_devices=None)

    Raises SettingError where no launcher is named, so that machines on which its variables are forgotten do not train
    a model each, and where a variable is missing or is not a number.
    """
    known = os.environ if environment is None else environment
    if any(name in known for name in ("JAX_NUM_PROCESSES", "JAX_PROCESS_ID")):
        return _by_hand(known)
    if "OMPI_COMM_WORLD_SIZE" in known:
        return _open_mpi(known)
    if {"SLURM_JOB_ID", "SLURM_PROCID", "SLURM_STEP_NODELIST"} <= known.keys():
        return _slurm(known)
    if ADDRESS in known:
        return _by_hand(known)
    if "SLURM_JOB_ID" in known:
        raise SettingError("hosts is 'auto' in a job of Slurm, but srun did not start this process: put srun before it")
    raise SettingError(
        "hosts is 'auto', but neither mpirun, srun nor JAX_NUM_PROCESSES says which host this is: start it by one of "
        "them, or leave hosts out for one machine"
    )


def _by_hand(known: Mapping[str, str]) -> Place:
    hosts, host = _number(known, "JAX_NUM_PROCESSES"), _number(known, "JAX_PROCESS_ID")
    ids = known.get("JAX_LOCAL_DEVICE_IDS")
    devices = None if not ids else tuple(int(part) for part in ids.split(",") if part.strip().isdigit())
    return Place(_address(known, hosts), host, hosts, devices or _devices(known, 0, 1))


def _address(known: Mapping[str, str], hosts: int) -> str | None:
    address = known.get(ADDRESS)
    if address is None and hosts > 1:
        raise SettingError(f"JAX_NUM_PROCESSES is {hosts}, but {ADDRESS} is not set: set it to host0:port")
    return address if hosts > 1 else None


def _open_mpi(known: Mapping[str, str]) -> Place:
    hosts, host = _number(known, "OMPI_COMM_WORLD_SIZE"), _number(known, "OMPI_COMM_WORLD_RANK")
    local = _number(known, "OMPI_COMM_WORLD_LOCAL_RANK", 0)
    here = _number(known, "OMPI_COMM_WORLD_LOCAL_SIZE", 1)
    address = None if hosts == 1 else known.get(ADDRESS) or _address_of_open_mpi(known, here == hosts)
    return Place(address, host, hosts, _devices(known, local, here))


def _address_of_open_mpi(known: Mapping[str, str], one_machine: bool) -> str:
    """The address of host 0: of the launcher (Open MPI 4), or of this machine if all hosts are on it."""
    uri = known.get("OMPI_MCA_orte_hnp_uri", "")
    match = re.search(r"tcp://(.+?)[,:]|tcp6://\[(.+?)[,\]]", uri)
    job = uri.split(".", 1)[0]
    if match and job.isdigit():
        machine = match[1] or f"[{match[2]}]"
        return f"{machine}:{_port(int(job) // 2**12)}"
    if one_machine:
        return f"127.0.0.1:{_port(zlib.crc32(known.get('PMIX_NAMESPACE', '').encode()))}"
    raise SettingError(f"mpirun does not say where host 0 is: add -x {ADDRESS}=host0:port")


def _slurm(known: Mapping[str, str]) -> Place:
    hosts, host = _number(known, "SLURM_NTASKS"), _number(known, "SLURM_PROCID")
    first = re.match(r"([^,\[]+)(?:\[([0-9]+))?", known["SLURM_STEP_NODELIST"])
    if first is None:
        raise SettingError(f"SLURM_STEP_NODELIST is {shown(known['SLURM_STEP_NODELIST'])}, which names no machine")
    port = _port(_number(known, "SLURM_JOB_ID"))
    address = known.get(ADDRESS) or f"{first[1]}{first[2] or ''}:{port}"
    here = re.match(r"[0-9]+", known.get("SLURM_STEP_TASKS_PER_NODE", known.get("SLURM_TASKS_PER_NODE", "1")))
    devices = _devices(known, _number(known, "SLURM_LOCALID", 0), int(here[0]) if here else 1)
    return Place(address if hosts > 1 else None, host, hosts, devices)


def _devices(known: Mapping[str, str], local: int, here: int) -> tuple[int, ...] | None:
    """The GPUs of this process among those that it sees; None for all.

    - local, here: its number among the processes of this machine, and how many these are.

    If there are as many as processes or more, each process takes its share; if not, the launcher has dealt them out.
    """
    visible = [part for part in known.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    if not visible:
        return (local,) if here > 1 else None
    share = len(visible) // here or len(visible)
    return tuple(range(local * share, (local + 1) * share)) if share < len(visible) else tuple(range(share))


def _port(job: int) -> int:
    return _FIRST_PORT + job % _PORTS


def _number(known: Mapping[str, str], name: str, otherwise: int | None = None) -> int:
    """The number that a variable has; `otherwise` where it is not set and need not be."""
    text = known.get(name)
    if text is None and otherwise is not None:
        return otherwise
    if text is None or not text.isdigit():
        what = "is not set" if text is None else f"is {shown(text)}"
        raise SettingError(f"{name} {what}, but must be a whole number: set it for every process")
    return int(text)
