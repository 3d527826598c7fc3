"""A finding about the batch: more rows in an update than the noise of their gradients asks for."""

import math
from collections.abc import Sequence

from chainrule.training.diagnosis.curves import rate_too_low
from chainrule.training.diagnosis.finding import Finding, Record, probed
from chainrule.training.diagnosis.thresholds import LARGE_BATCH, SMALL_NOISE

__all__ = ["batch_too_large"]


def batch_too_large(history: Record, names: Sequence[str] | None) -> Finding | None:
    """Training ends before it is done, and a batch is far larger than the noise scale of the gradients.

    The noise scale is about the largest useful batch. It is used only where the rows of the probe are many times as
    many, at the start and at the end, so that they tell the mean gradient from its noise.

    Source: McCandlish et al., An empirical model of large-batch training, arXiv:1812.06162, 2018.
    """
    batch = probed(history, "start", "batch")
    scales = [*probed(history, "start", "noise scale"), *probed(history, "end", "noise scale")]
    rows = probed(history, "end", "rows")
    if not batch or len(scales) != 2 or not all(scale <= SMALL_NOISE * rows[0] for scale in scales):
        return None
    scale = max(*scales, 4.0)  # fewer rows than about 8 make an update no cheaper
    if batch[0] < LARGE_BATCH * scale or rate_too_low(history, names) is None:
        return None
    fewer = 2 ** math.ceil(math.log2(2 * scale))
    words = (
        f"an update reads {batch[0]:,.0f} rows, but the gradients of {scale:.2g} rows agree as well "
        "(their noise scale), and training ends before it is done"
    )
    change = f"try batch_size {fewer}: as many epochs then make {batch[0] / fewer:.0f} times as many updates"
    return Finding("batch too large", words, change, {"batch": batch[0], "noise_scale": max(scales)})
