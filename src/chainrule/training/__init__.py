"""Training: an iterator of events, which whoever runs it reads, shows and may leave at any time.

The weights of the network are current whenever an event is seen. Leaving the loop leaves them so; only `Finished`
brings back the best ones, where a validation set says which those are.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from chainrule.engines import RunSettings, choose, passed_over
from chainrule.errors import SettingError
from chainrule.examples import Examples, as_examples
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Adam, Clip
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.schedules import SCHEDULES
from chainrule.training.checkpoint import Checkpoint, as_checkpoint, keep
from chainrule.training.display import showing
from chainrule.training.events import EpochEnd, Event, Finished, History, Mode, Progress, Started, Stopped
from chainrule.training.loop import Training, TrainingState
from chainrule.training.settings import (
    Metric,
    Plan,
    as_batch_size,
    as_dropout,
    as_mode,
    check_rule,
    check_settings,
    check_stopping,
    check_total,
)

__all__ = [
    "Checkpoint",
    "EpochEnd",
    "Event",
    "Finished",
    "History",
    "Metric",
    "Plan",
    "Progress",
    "Started",
    "Stopped",
    "Training",
    "TrainingState",
    "as_checkpoint",
    "as_dropout",
    "check_settings",
    "check_stopping",
    "fit",
    "train",
]


def train(
    net: Network,
    X: Any,
    T: Any,
    *,
    optimizer: Any = None,
    schedule: Any = None,
    batch_size: int | Literal["auto"] | None = "auto",
    epochs: int = 10,
    validation: tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    alpha: float = 0.0,
    l1: float = 0.0,
    total_weight: float | None = None,
    dropout: Any = 0.0,
    clip: Clip | None = None,
    shuffle: bool = True,
    metrics: Mapping[str, Metric] | None = None,
    monitor: str = "cost",
    mode: Mode | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    time: float | None = None,
    engine: str = "auto",
    threads: int | None = None,
    seed: int | None = 0,
    cancel: Callable[[], bool] | None = None,
    feature_names: Sequence[str] | None = None,
    look: bool = True,
    state: TrainingState | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
) -> Training:
    """Train `net` in place, by mini-batch gradient descent on C (see `Network.cost`): an iterator of events.

    X may be a sparse matrix of SciPy. T is (n, n_L), or class numbers (n,); sample_weight (n,) or (n, n_L).
    optimizer: `cr.Adam()` if None. schedule: what its learning rate is multiplied with over time (`cr.Cosine()`,
    ...). batch_size: rows of an update, None for all; "auto" is 32, or all where the optimizer needs them.
    validation: (X, T) or (X, T, sample_weight). metrics: functions of (A, T) by name, taken on the validation set.
    alpha, l1: the penalties, divided by S, or by total_weight where these rows are a part of a larger set. dropout:
    the probability of dropping a neuron of a hidden layer, one number or one for each. clip: bounds for the
    gradient. seed: for order and dropout; None draws one.

    monitor: "cost" or the name of a metric; its best value (the greatest of a metric, unless mode="min") says which
    epoch's weights are kept. "training" is the cost in training: then validation is only looked at, and the last
    weights stay. patience: stop after so many epochs without a gain of more than min_delta; without a validation set
    the cost in training is monitored. time: stop after so many seconds (the one setting under which bits
    depend on the machine). cancel: asked between updates, ends training when it says True. feature_names: of the
    columns of X, for messages. look: whether some of the rows are looked at before the first update and at the end, for
    `History.diagnose`; no bit depends on it. state: of an earlier training with the same data and settings, to go on
    from exactly there; `epochs` counts from the very first, `time` from now. checkpoint: a file, or a `cr.Checkpoint`,
    that keeps the state while it trains, for going on when the process has died.

    Events: Started; Progress about ten times a second; EpochEnd; Stopped if it ends early (cancelled, patience, time,
    converged, or diverged, when the cost is no longer finite: then the last good weights are kept); Finished.

    >>> net = cr.Network([1, 1], output="identity", dtype="float64")
    >>> [type(event).__name__ for event in cr.train(net, [[0.0], [1.0]], [[1.0], [3.0]], epochs=1)]
    ['Started', 'Progress', 'EpochEnd', 'Finished']

    What comes back also has a `state`, whenever an event is seen: all that going on later takes.

    Raises DataError, SettingError or EngineError in one line, before anything is trained.
    """
    check_settings(batch_size, epochs, alpha, l1, threads)
    check_stopping(patience, min_delta, time)
    check_total(total_weight)
    require(clip is None or isinstance(clip, Clip), "clip", clip, "a Clip, such as cr.Clip(norm=1.0), or None")
    _check_functions(metrics, cancel)
    if metrics and validation is None:
        raise SettingError("metrics are taken on the validation set: give validation=(X, T) too")
    rule = OPTIMIZERS.get(Adam() if optimizer is None else optimizer)
    over_time = SCHEDULES.get("constant" if schedule is None else schedule)
    dropped = as_dropout(dropout, len(net.sizes) - 2)
    check_rule(rule, over_time, clip, dropped)
    found = dict(metrics or {})
    plan = Plan(
        epochs=int(epochs),
        shuffle=shuffle,
        schedule=over_time,
        patience=patience,
        min_delta=float(min_delta),
        time=time,
        metrics=found,
        monitor=monitor,
        mode=as_mode(mode, monitor, found),
        cancel=cancel or (lambda: False),
        feature_names=feature_names,
        look=bool(look),
    )
    examples = as_examples(net.architecture, X, T, sample_weight, net.dtype, sparse=not rule.full_batch)
    settings = RunSettings(
        optimizer=rule,
        batch_size=as_batch_size(batch_size, rule, len(examples.rows)),
        divisor=examples.total if total_weight is None else float(total_weight),
        alpha=float(alpha),
        l1=float(l1),
        dropout=dropped,
        clip=clip,
        threads=threads,
        seed=as_seed(seed),
    )
    held = None if validation is None else _validation(net, validation)
    training = Training(net, examples, settings, choose(engine, net.architecture, settings), plan, held, state)
    if engine == "auto":
        training.notes += passed_over(net.architecture, settings)
    if checkpoint is not None:
        require(state is None, "state", "given", "None with a checkpoint, which has a state of its own")
        keep(training, checkpoint)
    return training


def fit(net: Network, X: Any, T: Any, *, progress: bool = False, **settings: Any) -> History:
    """The same as `train`, run to its end: returns its History. With `progress` it is shown while it runs.

    >>> cr.fit(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=3).epochs
    3
    """
    training = train(net, X, T, **settings)
    for event in showing(training, silent=not progress):
        if isinstance(event, Finished):
            training.close()  # nothing waits for a next event: what it holds is free at once
            return event.history
    raise AssertionError("training ends with Finished")


def _check_functions(metrics: Mapping[str, Metric] | None, cancel: Any) -> None:
    for name, function in {**dict(metrics or {}), **({} if cancel is None else {"cancel": cancel})}.items():
        require(callable(function), f"metric {name}" if name != "cancel" else name, function, "a function")
    for name in ("cost", "training"):
        require(name not in (metrics or {}), "metrics", name, "named otherwise: the cost is there already")


def _validation(net: Network, validation: tuple[Any, ...]) -> Examples:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise SettingError("validation must be (X, T) or (X, T, sample_weight)")
    X, T, *weight = validation
    return as_examples(net.architecture, X, T, weight[0] if weight else None, net.dtype, sparse=True).present()
