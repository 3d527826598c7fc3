"""The hosts of a training as a record: how many there are, which one this process is, and where host 0 is."""

import dataclasses
import re
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import AUTO, Kind, Record, Seconds, Special, Whole, documented, is_auto, is_whole, setting
from chainrule.hosts.environment import Place, place_of
from chainrule.registry import require
from chainrule.text import shown

__all__ = ["Hosts", "HostsChoice"]

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):([0-9]{1,5})")


@dataclasses.dataclass(frozen=True)
class _Address(Kind):
    """The name or number of a machine and a port, "host0:1234"."""

    def convert(self, name: str, value: Any) -> str:
        match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
        require(match is not None and 0 < int(match[2]) < 2**16, name, value, self.allowed)
        return str(value)

    @property
    def words(self) -> str:
        return "a machine and a port from 1 to 65535, such as host0:1234"


@dataclasses.dataclass(frozen=True)
class _Devices(Kind):
    """The numbers of devices of this machine (a tuple)."""

    def convert(self, name: str, value: Any) -> tuple[int, ...]:
        numbers = [value] if is_whole(value) else value
        is_list = isinstance(numbers, list | tuple) and len(numbers) > 0
        require(is_list and all(is_whole(number, 0) for number in numbers), name, value, self.allowed)
        return tuple(int(number) for number in numbers)

    @property
    def words(self) -> str:
        return "whole numbers from 0"


@documented
@dataclasses.dataclass(frozen=True)
class Hosts(Record):
    """The processes that train one network together, by the XLA engine.

    {settings}

    `Hosts.auto()` reads all of it from what the launcher says (see docs/hosts.md). Each host makes the same call with
    the same data. The result depends on the number of shards, and not on the number of hosts.

    >>> cr.Hosts("node0:7000", host=1, hosts=2, shards=8)
    Hosts(coordinator='node0:7000', host=1, hosts=2, shards=8)

    Raises SettingError in one line where a value is not allowed, and where two contradict each other.
    """

    coordinator: str | None = setting(
        None,
        _Address(specials=(Special("none", None, "one host"),)),
        "Address of host 0, which opens this port; the others connect to it.",
    )
    host: int = setting(0, Whole(0), "Number of this host, from 0.")
    hosts: int = setting(1, Whole(1), "Number of hosts.")
    shards: int | None = setting(
        None,
        Whole(1, specials=(Special("none", None, "the setting `shards`, or one for each device"),)),
        "Number of parts of each batch, which fixes every bit of the result.",
    )
    local_devices: tuple[int, ...] | None = setting(
        None, _Devices(specials=(Special("none", None, "all that it sees"),)), "GPUs of this machine that it takes."
    )
    wait: float = setting(
        300.0, Seconds(0, above=True), "Time to wait for the other hosts, at the start and at the end."
    )
    heartbeat: float = setting(30.0, Seconds(1), "Time after which a host that does not answer counts as ended.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.host >= self.hosts:
            raise SettingError(f"host is {self.host}, but {self.hosts} hosts are numbered 0 to {self.hosts - 1}")
        if self.hosts > 1 and self.coordinator is None:
            raise SettingError(f"hosts is {self.hosts}: give the address of host 0 too, such as host0:1234")

    def __repr__(self) -> str:
        fields = dataclasses.fields(self)
        values = {
            field.name: getattr(self, field.name) for field in fields if getattr(self, field.name) != field.default
        }
        return f"Hosts({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    @classmethod
    def auto(cls, shards: int | None = None, **more: Any) -> "Hosts":
        """The hosts that the launcher of this process names in the environment.

        It reads JAX_COORDINATOR_ADDRESS with JAX_NUM_PROCESSES and JAX_PROCESS_ID, then the variables of Open MPI, then
        those of Slurm. `more` are other fields, such as `wait`.

        Raises SettingError where no launcher is named, and where the variables are incomplete or contradict each other.
        """
        place: Place = place_of()
        return cls(**(place._asdict() | {"shards": shards} | more))


@dataclasses.dataclass(frozen=True)
class HostsChoice(Kind):
    """A `Hosts`, or "auto" for what the launcher says (then a Hosts)."""

    def convert(self, name: str, value: Any) -> Hosts:
        if is_auto(value):
            return Hosts.auto()
        if not isinstance(value, Hosts):
            raise SettingError(f"{name} is {shown(value)}, but must be {self.allowed}")
        return value

    @property
    def words(self) -> str:
        return f"a Hosts, {AUTO!r} for what the launcher says"
