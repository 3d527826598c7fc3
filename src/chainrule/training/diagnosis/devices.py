"""A finding about devices: several of them take longer for an update than one would."""

from collections.abc import Sequence

from chainrule.engines.scaling import LINKS, alone
from chainrule.training.diagnosis.finding import Finding, Record, probed
from chainrule.training.diagnosis.thresholds import STARTING

__all__ = ["too_many_devices"]


def too_many_devices(history: Record, names: Sequence[str] | None) -> Finding | None:
    """The mean update on several devices takes longer than it would on one of them, by the model of `engines.scaling`.

    The first seconds do not count, because the program is compiled in them.
    """
    several, seconds = probed(history, "start", "devices"), history.seconds - STARTING
    if not several or not history.cost or seconds <= 0:
        return None
    devices, size, updates, operations = several
    update = seconds / (len(history.cost) * updates)
    one = alone(update, size, operations, int(devices), LINKS["10 Gbit/s Ethernet"])
    if one >= update:
        return None
    words = (
        f"an update on {devices:.0f} devices takes {_milliseconds(update)}, but on one it would take about "
        f"{_milliseconds(max(one, 0.0))}: the exchange of gradients takes the rest"
    )
    change = "train on one device, or give batches of more rows, for which the devices compute longer"
    return Finding("too many devices", words, change, {"devices": devices, "seconds": update, "alone": max(one, 0.0)})


def _milliseconds(seconds: float) -> str:
    """A time with two significant digits, or as a whole number from 10 ms on.

    >>> _milliseconds(0.00012), _milliseconds(0.1312)
    ('0.12 ms', '131 ms')
    """
    return f"{1000 * seconds:.2g} ms" if seconds < 0.0095 else f"{1000 * seconds:,.0f} ms"
