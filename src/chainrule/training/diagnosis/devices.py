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
        f"an update on {devices:.0f} devices takes {1000 * update:.2g} ms, but on one it would take about "
        f"{1000 * max(one, 0.0):.2g} ms: the exchange of gradients takes the rest"
    )
    change = "train on one device, or give batches of more rows, for which the devices compute longer"
    return Finding("too many devices", words, change, {"devices": devices, "seconds": update, "alone": max(one, 0.0)})
