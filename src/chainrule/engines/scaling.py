"""How long an update takes on several devices, by a model: what is computed, shared, and what the links carry.

    seconds(D) = fixed + shared / D + exchange(D)
    exchange(D) = 2 (D - 1) (latency + bytes / (D bandwidth))         all_to_all, then all_gather, of one flat gradient

`fixed` is what every device does by itself (the rule, the loop), `shared` the passes over the rows of a batch.
"""

from typing import NamedTuple

__all__ = ["LINKS", "Link", "UpdateTime", "alone"]

OVERHEAD = 1.5e-4  # seconds of the smallest update in one process
OPERATIONS = 1e10  # of float32 in a second, which a core with AVX2 exceeds


class Link(NamedTuple):
    """What connects the devices: bytes a second in one direction, and the seconds that a message takes."""

    bandwidth: float
    latency: float

    def exchange(self, size: float, devices: int) -> float:
        """The seconds in which gradients of so many bytes are summed on all devices.

        >>> Link(1e9, 1e-4).exchange(8e6, 1), round(Link(1e9, 1e-4).exchange(8e6, 2), 6)
        (0.0, 0.0082)
        """
        return 2 * (devices - 1) * (self.latency + size / (devices * self.bandwidth))


LINKS = {  # assumed: the seconds of a message are those of a step of a collective operation
    "10 Gbit/s Ethernet": Link(1.25e9, 1e-4),
    "100 Gbit/s": Link(12.5e9, 2e-5),
    "NVLink": Link(2e11, 1e-5),
}


class UpdateTime(NamedTuple):
    """The seconds of an update on one device: `fixed`, and `shared` by the devices; and the bytes of its gradient."""

    fixed: float
    shared: float
    size: float

    def seconds(self, devices: int, link: Link) -> float:
        """The seconds of an update of the same batch on several devices."""
        return self.fixed + self.shared / devices + link.exchange(self.size, devices)

    def efficiency(self, devices: int, link: Link, same_batch: bool = True) -> float:
        """The speed-up over one device as a share of the devices; each has a batch of its own if not `same_batch`.

        >>> time = UpdateTime(fixed=0.0, shared=0.01, size=4e6)
        >>> [round(time.efficiency(devices, LINKS["100 Gbit/s"]), 2) for devices in (1, 2, 8)]
        [1.0, 0.93, 0.6]
        """
        alone = self.fixed + self.shared
        if same_batch:
            return alone / (devices * self.seconds(devices, link))
        return alone / (alone + link.exchange(self.size, devices))


def alone(seconds: float, size: float, operations: float, devices: int, link: Link) -> float:
    """The most seconds that an update would take on one device, if it takes `seconds` on several.

    - size: the bytes of its gradient.
    - operations: its floating-point operations.

    It is the smaller of two bounds: `devices` times what is left without the exchange, and what a core of a CPU needs.

    >>> alone(0.0043, 4e3, 1e5, 2, LINKS["10 Gbit/s Ethernet"]) < 2e-4
    True
    """
    return min(devices * (seconds - link.exchange(size, devices)), OVERHEAD + operations / OPERATIONS)
