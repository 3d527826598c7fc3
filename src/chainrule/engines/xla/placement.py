"""Where the shards of a run are: the devices of all processes in a row, and those of this process.

The seam to what starts processes: once `jax.distributed` is initialised, `jax.devices()` has the devices of all
processes, and a run uses the first `settings.devices` of them, or all. With S shards on D devices, device d has the
shards d S/D to (d+1) S/D - 1; a process has those of its devices (`Placement.own`), and gives only their rows.
"""

import dataclasses
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from chainrule.arrays import Array
from chainrule.engines.xla.machine import is_gpu
from chainrule.engines.xla.shards import AXIS, mesh_of
from chainrule.errors import EngineError
from chainrule.settings import TrainingSettings

__all__ = ["Placement"]

DEVICE_SHARE = 0.6  # of a GPU's memory, for the rows
CPU_BYTES = 2**31  # of rows that are copied for devices of a CPU


@dataclasses.dataclass(frozen=True)
class Placement:
    """The devices of a run, and which shards are where.

    - shards: S.
    - devices: of all processes, in the order of their shards.
    - own: the shards of this process.
    - processes: how many processes there are.
    """

    shards: int
    devices: tuple[Any, ...]
    own: slice
    processes: int

    @classmethod
    def of(cls, settings: TrainingSettings) -> "Placement":
        """The placement that settings ask for: one device where they name neither devices nor shards.

        Raises EngineError where there are not so many devices, where they do not divide the shards, and where a process
        has none of them.
        """
        devices = _chosen(settings.devices, settings.shards)
        shards = settings.shards or len(devices)
        if shards % len(devices):
            raise EngineError(
                f"shards is {shards}, but {len(devices)} devices do not divide it: give a multiple of {len(devices)}"
            )
        each = shards // len(devices)
        mine = [k for k, device in enumerate(devices) if device.process_index == jax.process_index()]
        if not mine or mine != list(range(mine[0], mine[-1] + 1)):
            raise EngineError(
                f"process {jax.process_index()} has no devices of the {len(devices)} in a row: leave devices out"
            )
        own = slice(mine[0] * each, (mine[-1] + 1) * each)
        return cls(shards, tuple(devices), own, jax.process_count())

    def given(self, array: Any, cut: bool = False) -> Any:
        """A small array as an argument of a program: as it is for one device, to which the call brings it."""
        return array if len(self.devices) == 1 else self.put(array, cut)

    def put(self, array: Any, cut: bool = False) -> Any:
        """An array on the devices: whole on each of them, or cut along its second axis, which has the own shards."""
        if len(self.devices) == 1:
            return jax.device_put(array, self.devices[0])
        array = np.asarray(array)
        sharding = NamedSharding(mesh_of(self.devices), PartitionSpec(None, AXIS) if cut else PartitionSpec())
        if not cut:
            return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])
        shape = (array.shape[0], self.shards, *array.shape[2:])
        return jax.make_array_from_callback(shape, sharding, lambda index: array[:, self._within(index[1])])

    def _within(self, shards: slice) -> slice:
        """The places of some shards among those of this process."""
        start, stop, _ = shards.indices(self.shards)
        return slice(start - self.own.start, stop - self.own.start)

    def fits(self, arrays: tuple[Array | None, ...]) -> bool:
        """Whether all rows may be put on each device at once: arrays in memory that leave room there."""
        if any(isinstance(a, np.memmap) for a in arrays):
            return False
        return sum(a.nbytes for a in arrays if a is not None) <= _room(self.devices[0])


def _chosen(count: int | None, shards: int | None) -> list[Any]:
    everywhere = jax.devices()
    if count is None:
        alone = jax.process_count() == 1
        count = _dividing(shards or 1, len(everywhere)) if alone else len(everywhere)
    if count > len(everywhere):
        more = (
            "" if is_gpu(everywhere[0]) else ", or XLA_FLAGS=--xla_force_host_platform_device_count=N for more of a CPU"
        )
        raise EngineError(
            f"devices is {count}, but JAX has {len(everywhere)} ({everywhere[0].platform}): give fewer{more}"
        )
    return everywhere[:count]


def _dividing(shards: int, most: int) -> int:
    """The largest number of devices, at most `most`, that divides the shards."""
    return next(count for count in range(min(shards, most), 0, -1) if shards % count == 0)


def _room(device: Any) -> float:
    """The bytes of a device that rows may take."""
    if not is_gpu(device):
        return CPU_BYTES
    return DEVICE_SHARE * (device.memory_stats() or {}).get("bytes_limit", 0)
