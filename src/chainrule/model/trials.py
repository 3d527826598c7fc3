"""Short trainings decide, where rows are few: whether a number becomes several inputs, and how weights decay.

    all inputs, decay 1  |  each number as one input, decay 1  →  the better of them, decay 0.3  →  if better, decay 0.1

Of an ensemble half of the members are trained, each on the folds that it has in the whole. One network is trained for
an eighth of the epochs. What has the least validation cost is then trained in full. Linear models, which decide where
no trial is made (`chainrule.model.choose_inputs`), cannot tell what a network learns of squares by itself.

Source: the experiments of docs/decisions/0029-trials-by-folds.md.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.examples import RowArrays
from chainrule.fields import AUTO, is_auto
from chainrule.model.choose_inputs import GAIN, LEAST_ROWS, MOST_INPUTS
from chainrule.model.ensemble import Ensemble
from chainrule.model.preset import DECAY, MANY
from chainrule.model.settings import TableSettings
from chainrule.model.warm_start import linear_start, start_for
from chainrule.optimizers import AdamW
from chainrule.tables.inputs import Encoder
from chainrule.training import EpochEnd, start

__all__ = ["Trial", "are_tried", "best_trial", "only_inputs"]

SHARE = 8  # of the epochs of one network: one in so many
DECAYS = (1.0, 0.3, 0.1)


class Trial(NamedTuple):
    """What is tried: the inputs, and the settings."""

    encoder: Encoder
    settings: TableSettings


def are_tried(wanted: TableSettings, settings: TableSettings, rows: int) -> bool:
    """Whether trials are made: one device trains, the preset decides how long, and enough rows are held out.

    - wanted, settings: the settings of the user, and those that run.
    - rows: the number of rows to train on.
    """
    held_out = settings.members > 1 or (rows > MANY and bool(settings.validation))
    of_preset = is_auto(wanted.epochs) and is_auto(wanted.hidden) and wanted.time is None
    return of_preset and held_out and not settings.rule.full_batch and not settings.is_sharded


def best_trial(
    first: Trial,
    wanted: TableSettings,
    one: Architecture,
    rows: RowArrays,
    held_out: RowArrays | None,
    ensemble: Callable[[Architecture], Ensemble],
) -> Trial:
    """The inputs and the settings of the least validation cost.

    - first: all inputs, and the settings that run without trials.
    - wanted: the settings of the user, of which none changes.
    - one: the architecture of a member with all inputs.
    - rows, held_out: X, T and weights of the rows to train on, and of those for validation, or None with folds.
    - ensemble: the ensemble of members of an architecture.
    """
    encoder, places = first.encoder, first.encoder.plain_places
    if len(rows.X) < LEAST_ROWS or encoder.width > MOST_INPUTS:
        return Trial(encoder.plain, first.settings)

    def cost(trial: Trial) -> float:
        narrow = trial.encoder.width < encoder.width
        train, validation = (rows, held_out) if not narrow else only_inputs(places, rows, held_out)
        member = dataclasses.replace(one, sizes=(trial.encoder.width, *one.sizes[1:]))
        return _cost(_half(ensemble(member)), train, validation, trial.settings)

    decays = _decays(first.settings, wanted)
    best, least = Trial(encoder, decays[0]), None
    if len(places) < encoder.width:
        plain = best._replace(encoder=encoder.plain)
        both = cost(best), cost(plain)
        best, least = (best, both[0]) if both[0] < GAIN * both[1] else (plain, both[1])
    for weaker in decays[1:]:
        least, other = cost(best) if least is None else least, cost(best._replace(settings=weaker))
        if not other < least:
            break
        best, least = best._replace(settings=weaker), other
    return best


def only_inputs(places: Array, rows: RowArrays, held_out: RowArrays | None) -> tuple[RowArrays, RowArrays | None]:
    """The rows with some of their inputs."""
    held_out = None if held_out is None else held_out._replace(X=held_out.X[:, places])
    return rows._replace(X=rows.X[:, places]), held_out


def _half(ensemble: Ensemble) -> Ensemble:
    """Half of the members, two at least, which leave out the folds that they always do."""
    return dataclasses.replace(ensemble, count=max(-(-ensemble.count // 2), min(ensemble.count, 2)))


def _decays(settings: TableSettings, wanted: TableSettings) -> list[TableSettings]:
    """The settings with decays from strong to weak; as they are where the user, a plane or one network decides."""
    rule = settings.rule
    decides = is_auto(wanted.optimizer) and settings.members > 1
    if not decides or not isinstance(rule, AdamW) or rule.weight_decay < DECAY:
        return [settings]
    rules = [dataclasses.replace(rule, weight_decay=decay) for decay in DECAYS]
    return [dataclasses.replace(settings, optimizer=own) for own in rules]


def _cost(ensemble: Ensemble, rows: RowArrays, held_out: RowArrays | None, settings: TableSettings) -> float:
    """The least validation cost of a training; infinite where no cost was finite."""
    assert settings.seed is not None, "that of the training"
    network = ensemble.network(settings.first_weights, settings.seed, settings.dtype)
    examples, validation = ensemble.checked(network, rows, held_out)
    if start_for(settings.start, AUTO, ensemble.one) == "linear":
        linear_start(ensemble, network, examples, None, engine=settings.engine)
    plan = settings.training
    if ensemble.count == 1:
        plan = dataclasses.replace(plan, epochs=max(settings.epochs // SHARE, 1), patience=None)
    events = start(network, examples, plan, validation=validation, search_leaks=False)
    costs = [event.validation for event in events if isinstance(event, EpochEnd)]
    return min((cost for cost in costs if cost is not None and math.isfinite(cost)), default=math.inf)
