"""What the weights of a network tell of a single row at most: (epsilon, delta) of training by `Clip(example, noise)`.

`Clip(example=c, noise=z)` limits the gradient of each row to the length c and adds noise of z c to their sum: one
Gaussian mechanism with noise multiplier z. An epoch takes every row once, so a row is in one update of each epoch, and
E epochs are E mechanisms, whatever the batch size. Nothing is gained by sampling, because there is none.

Source: Abadi et al., Deep learning with differential privacy, CCS 2016; Chua et al., How private are DP-SGD
implementations?, ICML 2024, for orders that are shuffled.
"""

import warnings
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import Number, Special, Whole

__all__ = ["epsilon"]

_NOISE = Number(0, above=True)
_DELTA = Number(0, 1, above=True, below=True)
_COUNT = Whole(1, specials=(Special("none", None),))
_SHARE = Number(0, 1, above=True, specials=(Special("none", None),))


def epsilon(noise: float, delta: float, *, epochs: Any = None, updates: Any = None, share: Any = None) -> float:
    """The epsilon of a training: Pr[the weights are in S] <= e^epsilon Pr[the same without one row] + delta.

    - noise: the noise multiplier z of `Clip(example=c, noise=z)`, above 0.
    - delta: between 0 and 1, well below 1 / n for n rows.
    - epochs: the number of epochs of chainrule, which take every row once each: z / sqrt(epochs) is the multiplier.
    - updates, share: for another program in place of `epochs`: the number of updates, each of which takes every row
      with the probability `share`, independently of all others (Poisson sampling).

    "Without one row" puts a gradient of 0 in its place. For a row that is replaced by any other, halve `noise`.

    >>> round(epsilon(4.0, 1e-5, epochs=20), 2)                                # doctest: +SKIP
    4.98

    Raises SettingError for other values, and where dp-accounting, which is optional, is not installed.

    Source: Balle & Wang, ICML 2018, for one Gaussian mechanism; composition by privacy loss distributions, Koskela et
    al., AISTATS 2020, as in Google's library dp-accounting.
    """
    noise, delta = _NOISE.clean("noise", noise), _DELTA.clean("delta", delta)
    epochs, updates, share = (
        _COUNT.clean("epochs", epochs), _COUNT.clean("updates", updates), _SHARE.clean("share", share),
    )  # fmt: skip
    if (epochs is None) == (updates is None) or (updates is None) != (share is None):
        raise SettingError("give either epochs, for chainrule's training, or updates and share, for Poisson sampling")
    events, accountant = _library()
    event = events.GaussianDpEvent(noise)
    if epochs is None:
        event = events.SelfComposedDpEvent(events.PoissonSampledDpEvent(share, event), updates)
    else:
        event = events.SelfComposedDpEvent(event, epochs)
    return float(accountant.PLDAccountant().compose(event).get_epsilon(delta))


def _library() -> tuple[Any, Any]:
    """The modules of dp-accounting. Raises SettingError where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from dp_accounting import dp_event
            from dp_accounting.pld import pld_privacy_accountant
    except ImportError:
        raise SettingError(
            "epsilon is computed by dp-accounting, which is not installed: pip install 'chainrule[privacy]'"
        ) from None
    return dp_event, pld_privacy_accountant
