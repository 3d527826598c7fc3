"""Whether a number becomes several inputs, where rows are few: short trainings of the networks themselves decide.

Two ensembles are trained for a quarter of the epochs, one with all inputs and one with each number as one input, with
the same settings and on the same folds. The inputs of the lower validation cost stay. Linear models, which decide for
larger tables (`chainrule.model.choose_inputs`), cannot tell what a network learns of squares by itself.
"""

import dataclasses
import math

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.examples import RowArrays
from chainrule.fields import is_auto
from chainrule.model.choose_inputs import MOST_INPUTS
from chainrule.model.ensemble import Ensemble
from chainrule.model.settings import TableSettings
from chainrule.model.warm_start import linear_start, start_for
from chainrule.tables.inputs import Encoder
from chainrule.training import EpochEnd, start

__all__ = ["are_tried", "tried_inputs"]

SHARE = 4  # of the epochs: one in so many


def are_tried(wanted: TableSettings, settings: TableSettings) -> bool:
    """Whether networks decide on the inputs: where the preset decides how long to train several members.

    - wanted, settings: the settings of the user, and those that run.
    """
    of_preset = is_auto(wanted.epochs) and is_auto(wanted.hidden) and wanted.time is None
    return of_preset and settings.members > 1 and not settings.rule.full_batch


def tried_inputs(
    encoder: Encoder,
    one: Architecture,
    rows: RowArrays,
    settings: TableSettings,
    seed: int,
    classes: Array | None,
    groups: Array | None,
) -> Encoder:
    """The encoder, or `encoder.plain` if networks do better with each number as one input.

    - one: the architecture of a member with all inputs.
    - rows: X, T and weights of the rows to train on.
    - settings, seed: those of the training.
    - classes, groups: as in `Ensemble.of`.
    """
    places = encoder.plain_places
    if len(places) == encoder.width:
        return encoder
    if encoder.width > MOST_INPUTS:
        return encoder.plain
    plain = dataclasses.replace(one, sizes=(len(places), *one.sizes[1:]))
    costs = []
    for member, X in ((one, rows.X), (plain, np.ascontiguousarray(rows.X[:, places]))):
        ensemble = Ensemble.of(member, settings.members, seed, len(X), classes, groups)
        costs.append(_cost(ensemble, rows._replace(X=X), settings, seed))
    return encoder if costs[0] < costs[1] else encoder.plain


def _cost(ensemble: Ensemble, rows: RowArrays, settings: TableSettings, seed: int) -> float:
    """The least validation cost in a short training; infinite where no cost was finite."""
    network = ensemble.network(settings.first_weights, seed, settings.dtype)
    examples, validation = ensemble.checked(network, rows, None)
    if start_for(settings.start, settings.start, ensemble.one) == "linear":
        linear_start(ensemble, network, examples, None, engine=settings.engine)
    short = dataclasses.replace(settings.training, epochs=max(settings.epochs // SHARE, 1), patience=None)
    costs = [
        event.validation
        for event in start(network, examples, short, validation=validation, search_leaks=False)
        if isinstance(event, EpochEnd)
    ]
    return min((cost for cost in costs if cost is not None and math.isfinite(cost)), default=math.inf)
