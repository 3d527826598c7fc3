"""Short trainings decide whether numbers and times become several inputs, how weights decay, and how fast they learn.

    squares and cubes, decay 1  |  each number as one input, decay 1  →  if the first gain, bins beside them
    →  an input for each frequent value beside the best of these
    →  more inputs for times, without bins  →  with bins
    →  the best of all, decay 0.3  →  if better, decay 0.1
    →  if its cost is least while the rate still rises, a tenth of the rate
    →  without the columns that it hardly uses  →  without more of them
    above 5,000 rows: bins  |  each number as one input  |  bins and an input for each frequent value  →  times
                      →  if most of many inputs are 0: rate 0.003, decay 0.3  |  0.01, 0.1  →  if better, 0.01, 0.03

Of an ensemble half of the members are trained, each on the folds that it has in the whole; above 1,500 rows the decay
is 0.3 at first. Above 5,000 rows one network is trained: for an eighth of the epochs to choose the inputs, for all of
them to choose the rate and the decay, which has too few updates to act in less. What has the least validation cost is
then trained in full; members of other trials join the ensemble where their mean is better (`chainrule.model.blend`).
Linear models, which decide where no trial is made (`chainrule.model.choose_inputs`), cannot tell what a network learns
of squares by itself.

Source: the experiments of docs/decisions/0029-trials-by-folds.md, 0032-members-of-trials.md,
0037-many-rows-and-words.md, 0040-values-of-small-tables.md, 0041-rare-words.md, 0043-dates.md,
0044-tables-from-outside.md and 0045-people-words-and-columns.md.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.examples import RowArrays
from chainrule.fields import AUTO, is_auto
from chainrule.model.blend import Tried, joining, members_on
from chainrule.model.choose_columns import LOW_T, REASON, Rises, may_be_left_out, rises_of
from chainrule.model.choose_inputs import GAIN, LEAST_ROWS, MOST_INPUTS
from chainrule.model.ensemble import Ensemble
from chainrule.model.preset import DECAY, FEW, MANY, RISE
from chainrule.model.settings import TableSettings
from chainrule.model.sparse_rows import are_sparse, without_zeros
from chainrule.model.warm_start import linear_start, start_for
from chainrule.network import Network
from chainrule.optimizers import AdamW
from chainrule.tables.inputs import Encoder
from chainrule.training import EpochEnd, start

__all__ = ["Choice", "Trial", "Watch", "are_tried", "best_trial", "only_inputs", "with_members"]

SHARE = 8  # of the epochs of many rows, to choose inputs: one in so many
DECAYS = (1.0, 0.3, 0.1)
SLOWER = 10  # a smaller rate is that of the preset, divided by so much
MANY_DECAYS, MANY_RATE = (0.1, 0.03), 0.01  # of many rows and words, after those of the preset


class Trial(NamedTuple):
    """What is tried: the inputs, and the settings."""

    encoder: Encoder
    settings: TableSettings


class Outcome(NamedTuple):
    """The least validation cost of a trial, the epoch, from 0, at whose end it was, and the costs of all epochs."""

    cost: float = math.inf
    epoch: int = 0
    costs: tuple[float, ...] = ()


class Watch(NamedTuple):
    """Who waits for the short trainings that choose inputs and settings.

    - begin: is called before the first.
    - cancel: says whether to end them.
    """

    begin: Callable[[], Any] = lambda: None
    cancel: Callable[[], bool] = lambda: False


class Choice(NamedTuple):
    """What the trials choose.

    - best: the inputs and the settings of the least validation cost.
    - further: trained members of other trials that join those of the best; they take the inputs of `encoder`.
    - encoder: that of the best trial, or another that has the inputs of the further members, too.
    - places: the inputs of `encoder` that the members of the best trial see; None if these are all.
    """

    best: Trial
    further: tuple[Network, ...]
    encoder: Encoder
    places: Array | None = None


def are_tried(wanted: TableSettings, settings: TableSettings, rows: int) -> bool:
    """Whether trials are made: one device trains, the preset decides how long, and enough rows are held out.

    - wanted, settings: the settings of the user, and those that run.
    - rows: the number of rows to train on.
    """
    share = settings.validation if isinstance(settings.validation, float) else 1.0  # of a table of its own: all rows
    held_out = settings.members > 1 or (rows > MANY and share > 0)
    of_preset = is_auto(wanted.epochs) and is_auto(wanted.hidden) and wanted.time is None
    return of_preset and held_out and not settings.rule.full_batch and not settings.is_sharded


def best_trial(
    first: Trial,
    wanted: TableSettings,
    one: Architecture,
    rows: RowArrays,
    held_out: RowArrays | None,
    ensemble: Callable[[Architecture], Ensemble],
    cancel: Callable[[], bool] = lambda: False,
) -> tuple[Trial, list[tuple[Trial, Tried]]]:
    """The inputs and the settings of the least validation cost, and all trials that were made.

    - first: all inputs, and the settings that run without trials.
    - wanted: the settings of the user, of which none changes.
    - one: the architecture of a member with all inputs.
    - rows, held_out: X, T and weights of the rows to train on, and of those for validation, or None with folds.
    - ensemble: the ensemble of members of an architecture.
    - cancel: whether to end the trials, which then choose by what they know.
    """
    trials = _Trials(first, one, rows, held_out, ensemble, cancel)
    decays = _decays(first.settings, wanted, len(rows.X))
    if len(rows.X) < LEAST_ROWS or not trials.may_have(first.encoder.curved):
        best = first._replace(encoder=first.encoder.plain)
        return (trials.weakened(best, None, decays)[0] if trials.are_short else best), trials.made
    best, least = trials.of_inputs(decays[0])
    # the costs of short trials are of fewer epochs
    best, least = trials.weakened(best, None if trials.are_short else least, decays)
    best, least = trials.slower(best, least, wanted)
    return (best if wanted.keep else trials.without_columns(best, least, wanted.kinds)), trials.made


@dataclasses.dataclass(frozen=True)
class _Trials:
    """The short trainings of one table; the fields are those of `best_trial`, and `made` all that have been made."""

    first: Trial
    one: Architecture
    rows: RowArrays
    held_out: RowArrays | None
    ensemble: Callable[[Architecture], Ensemble]
    cancel: Callable[[], bool]
    made: list[tuple[Trial, Tried]] = dataclasses.field(default_factory=list)

    @property
    def are_short(self) -> bool:
        """Whether one network is trained, for some of the epochs: where rows are many."""
        return len(self.rows.X) > MANY

    def may_have(self, encoder: Encoder) -> bool:
        """Whether trials with an encoder's inputs do not take too long; up to 5,000 rows rare words are not counted."""
        return (encoder.width if self.are_short else int(encoder.are_common.sum())) <= MOST_INPUTS

    def is_sparse(self, encoder: Encoder) -> bool:
        """Whether most of the many inputs of an encoder are 0."""
        return are_sparse(self.rows.X, _places(encoder, self.first.encoder))

    @functools.cached_property
    def fold(self) -> Array | None:
        """For each row (n,) the member that leaves it out; None with one member."""
        return self.ensemble(self.one).fold

    def member(self, encoder: Encoder) -> Architecture:
        """The architecture of a member with the inputs of an encoder."""
        return dataclasses.replace(self.one, sizes=(encoder.width, *self.one.sizes[1:]))

    def run(self, trial: Trial, share: int = SHARE) -> Outcome:
        """A trial, which of many rows has one in `share` epochs; the cost is infinite if cancelled."""
        if self.cancel():
            return Outcome()
        places = _places(trial.encoder, self.first.encoder)
        whole = self.rows, self.held_out
        train, validation = whole if places is None else only_inputs(places, *whole)
        half = _half(self.ensemble(self.member(trial.encoder)))
        settings, is_sparse = trial.settings, self.is_sparse(trial.encoder)
        if self.are_short:
            half, train, validation = _short(half, train, validation)
            settings = dataclasses.replace(settings, epochs=max(settings.epochs // share, 1), patience=None)
        if is_sparse:
            train, validation = without_zeros(train), None if validation is None else without_zeros(validation)
        network, outcome = _trained(half, train, validation, settings, self.cancel)
        self.made.append((trial, Tried(half, network, places, outcome.cost)))
        return outcome

    def of_inputs(self, settings: TableSettings) -> tuple[Trial, Outcome | None]:
        """The inputs of the least cost with these settings, and the outcome, None where there is nothing to choose."""
        all_inputs, plain = self.first.encoder, self.first.encoder.plain
        curved, binned = (each.with_times(plain) for each in (all_inputs.curved, all_inputs.without_values))
        best, least = Trial(curved, settings), None
        if plain.width < curved.width:
            alone = best._replace(encoder=plain)
            least, other = self.run(best), self.run(alone)
            best, least = (best, least) if _gains(least.cost, other.cost) else (alone, other)
        if best.encoder is curved and curved.width < binned.width and self.may_have(binned):
            best, least = self.or_with(binned, best, least)
        valued = all_inputs.with_times(plain) if self.are_short else all_inputs.with_values(best.encoder)
        if all_inputs.without_values is not all_inputs:
            best, least = self.or_with(valued, best, least)
        for times in (all_inputs.curved, all_inputs):
            detailed = best.encoder.with_times(times)
            if best.encoder.width < detailed.width and self.may_have(detailed):
                best, least = self.or_with(detailed, best, least)
        return best, least

    def or_with(self, encoder: Encoder, best: Trial, least: Outcome | None) -> tuple[Trial, Outcome]:
        """The best trial so far, or the same with other inputs if these gain, and its outcome."""
        with_others = best._replace(encoder=encoder)
        least, other = self.run(best) if least is None else least, self.run(with_others)
        return (with_others, other) if _gains(other.cost, least.cost) else (best, least)

    def weakened(self, best: Trial, least: Outcome | None, decays: list[TableSettings]) -> tuple[Trial, Outcome | None]:
        """The best trial so far, or the same with weaker decays as long as these are better, and its outcome.

        Of many rows only those are tried of which most inputs are 0, and the first must gain as other inputs must.
        """
        if self.are_short and not self.is_sparse(best.encoder):
            return best, least
        for k, weaker in enumerate(decays[1:]):
            weakened = best._replace(settings=weaker)
            least, other = self.run(best, 1) if least is None else least, self.run(weakened, 1)
            gains = _gains(other.cost, least.cost) if self.are_short and k == 0 else other.cost < least.cost
            if not gains:
                break
            best, least = weakened, other
        return best, least

    def slower(self, best: Trial, least: Outcome | None, wanted: TableSettings) -> tuple[Trial, Outcome | None]:
        """The best trial so far, or the same at a tenth of its rate if that costs less, and its outcome.

        It is tried where the cost is least while the rate still rises: what there is to learn beside the linear model
        that training begins with is found in a few small steps.
        """
        settings, rule = best.settings, best.settings.rule
        decides = is_auto(wanted.optimizer) and is_auto(wanted.schedule) and wanted.learning_rate is None
        if self.are_short or not decides or not isinstance(rule, AdamW):
            return best, least
        least = self.run(best) if least is None else least
        if least.epoch > RISE * settings.epochs:
            return best, least
        slower = dataclasses.replace(rule, learning_rate=rule.learning_rate / SLOWER)
        other = best._replace(settings=dataclasses.replace(settings, optimizer=slower))
        outcome = self.run(other)
        return (other, outcome) if outcome.cost < least.cost else (best, least)

    def without_columns(self, whole: Trial, least: Outcome | None, named: Collection[str] = ()) -> Trial:
        """The best trial so far, or the same without the columns that it hardly uses if that gains as inputs must.

        It must gain twice: as any trial, and where the columns of each member are chosen by the folds of the others. A
        trial that does not is forgotten, because its members would join for a cost that is too good. Columns that a
        person has `named` stay.
        """
        if self.fold is None or self.are_short or not may_be_left_out(whole.encoder, len(self.rows.X)):
            return whole
        best, least = whole, self.run(whole) if least is None else least
        if not math.isfinite(least.cost):
            return best
        tried = next(tried for trial, tried in self.made if _are_same(trial, whole))
        rises, apart = rises_of(tried, whole.encoder, self.rows, _seed(whole), named), least.cost
        for t, other in _narrower(whole, rises):
            known, outcome = len(self.made), self.run(other)
            now = self.cost_apart(whole, rises, t) if _gains(outcome.cost, least.cost) else math.inf
            if not _gains(now, apart):
                del self.made[known:]
                break
            best, least, apart = other, outcome, now
        return best

    def cost_apart(self, whole: Trial, rises: Rises, t: float) -> float:
        """The cost of members of `whole` of which each is without the columns that the folds of the others choose."""
        assert self.fold is not None, "each member leaves out a fold"
        count, curves = _half(self.ensemble(self.one)).count, []
        for k in range(count):
            encoder = whole.encoder.without(rises.below(t, apart_from=k), REASON)
            if not encoder.slices or self.cancel():
                return math.inf
            curves.append(self.member_alone(whole._replace(encoder=encoder), k).costs)
        weight = self.rows.weight
        by_row = None if weight is None else weight.reshape(len(weight), -1).mean(axis=1)
        return math.inf if self.cancel() else _together(curves, np.bincount(self.fold, by_row)[:count])

    def member_alone(self, trial: Trial, k: int) -> Outcome:
        """One network of a trial on the rows apart from fold k, which has its costs."""
        places = _places(trial.encoder, self.first.encoder)
        rows = self.rows if places is None else only_inputs(places, self.rows, None)[0]
        own, left_out = (_part(rows, np.flatnonzero(part)) for part in (self.fold != k, self.fold == k))
        if self.is_sparse(trial.encoder):
            own, left_out = without_zeros(own), without_zeros(left_out)
        return _trained(Ensemble(self.member(trial.encoder)), own, left_out, trial.settings, self.cancel)[1]


def _narrower(whole: Trial, rises: Rises) -> Iterator[tuple[float, Trial]]:
    """The trials without the columns whose t is low, each without more of them, and that t; never without all."""
    left_out = 0
    for t in LOW_T:
        names = rises.below(t)
        if left_out < len(names) < len(rises.columns):
            left_out = len(names)
            yield t, whole._replace(encoder=whole.encoder.without(names, REASON))


def _seed(trial: Trial) -> int:
    """The seed of the training."""
    assert trial.settings.seed is not None, "set before the trials"
    return trial.settings.seed


def _places(encoder: Encoder, all_inputs: Encoder) -> Array | None:
    """The inputs of an encoder by their numbers among all; None if it has all of them."""
    return None if encoder.width == all_inputs.width else all_inputs.places_of(encoder)


def with_members(best: Trial, made: list[tuple[Trial, Tried]], encoder: Encoder, count: int, rows: RowArrays) -> Choice:
    """The best trial, and the members of others that join the `count` ones that are trained as it says.

    - made: all trials.
    - encoder, rows: all inputs, and the rows to train on with these.
    """
    chosen = [tried for trial, tried in made if _are_same(trial, best)]
    if not chosen or count == 1 or len(rows.X) > MANY:
        return Choice(best, (), best.encoder)
    others = [(trial, tried) for trial, tried in made if not _are_same(trial, best)]
    joined = joining(chosen[0], [tried for _, tried in others], count, rows)
    encoders = [best.encoder, *(trial.encoder for trial, tried in others if any(tried is own for own in joined))]
    widest = encoder.narrowest(encoders)
    own = _places(widest, encoder)
    joined = [tried._replace(places=_among(tried.places, own)) for tried in joined]
    return Choice(best, members_on(joined, widest.width), widest, _among(chosen[0].places, own))


def _among(places: Array | None, kept: Array | None) -> Array | None:
    """The places of some inputs among those that are kept, of all; None if they are all of these."""
    if places is None or kept is None:
        return places
    return None if len(places) == len(kept) else np.searchsorted(kept, places)


def _are_same(one: Trial, other: Trial) -> bool:
    """Whether two trials have the same inputs and settings, which are not compared value by value: some are tables."""
    return one.encoder is other.encoder and one.settings is other.settings


def only_inputs(places: Array, rows: RowArrays, held_out: RowArrays | None) -> tuple[RowArrays, RowArrays | None]:
    """The rows with some of their inputs."""
    held_out = None if held_out is None else held_out._replace(X=held_out.X[:, places])
    return rows._replace(X=rows.X[:, places]), held_out


def _gains(cost: float, plain: float) -> bool:
    """Whether a cost is enough below another, as that of plain inputs; a logarithm of densities may be below 0.

    >>> _gains(0.97, 1.0), _gains(0.99, 1.0), _gains(-0.99, -1.0), _gains(-1.03, -1.0), _gains(1.0, math.inf)
    (True, False, False, True, True)
    """
    return cost < (GAIN * plain if plain > 0 else plain / GAIN)


def _short(
    ensemble: Ensemble, rows: RowArrays, held_out: RowArrays | None
) -> tuple[Ensemble, RowArrays, RowArrays | None]:
    """One network, its rows, and those that it is validated with: of several members the first fold."""
    if ensemble.fold is not None:
        rows, held_out = (_part(rows, np.flatnonzero(part)) for part in (ensemble.fold, ensemble.fold == 0))
    return Ensemble(ensemble.one), rows, held_out


def _part(rows: RowArrays, part: Array) -> RowArrays:
    """Some of the rows, by their numbers."""
    return RowArrays(rows.X[part], rows.T[part], None if rows.weight is None else rows.weight[part])


def _half(ensemble: Ensemble) -> Ensemble:
    """Half of the members, two at least, which leave out the folds that they always do."""
    return dataclasses.replace(ensemble, count=max(-(-ensemble.count // 2), min(ensemble.count, 2)))


def _together(curves: list[tuple[float, ...]], weight: Array) -> float:
    """The least cost of members together, as that of a half is, from the costs of each by epoch in its fold.

    A member that has stopped keeps its last cost.

    - curves: for each member the costs by epoch.
    - weight: the weight of each fold.

    >>> _together([(3.0, 1.0), (2.0, 2.0, 5.0)], np.array([1, 3]))
    3.5
    """
    if not all(curves):
        return math.inf
    longest = max(map(len, curves))
    costs = np.stack([np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves])
    return len(curves) * float((weight @ costs / weight.sum()).min())


def _decays(settings: TableSettings, wanted: TableSettings, rows: int) -> list[TableSettings]:
    """The settings with decays from strong to weak; as they are where the user, a plane or one network decides."""
    rule = settings.rule
    decides = is_auto(wanted.optimizer) and settings.members > 1
    if not decides or not isinstance(rule, AdamW) or rule.weight_decay < DECAY:
        return [settings]
    if rows > MANY:
        rules = [rule, *(dataclasses.replace(rule, learning_rate=MANY_RATE, weight_decay=d) for d in MANY_DECAYS)]
    else:
        rules = [dataclasses.replace(rule, weight_decay=decay) for decay in (DECAYS if rows <= FEW else DECAYS[1:])]
    return [dataclasses.replace(settings, optimizer=own) for own in rules]


def _trained(
    ensemble: Ensemble,
    rows: RowArrays,
    held_out: RowArrays | None,
    settings: TableSettings,
    cancel: Callable[[], bool],
) -> tuple[Network, Outcome]:
    """The network of a training, and its outcome; the cost is infinite where none was finite."""
    assert settings.seed is not None, "that of the training"
    network = ensemble.network(settings.first_weights, settings.seed, settings.dtype)
    examples, validation = ensemble.checked(network, rows, held_out)
    if start_for(settings.start, AUTO, ensemble.one) == "linear":
        linear_start(ensemble, network, examples, None, cancel, settings.engine)
    events = start(network, examples, settings.training, validation=validation, search_leaks=False, cancel=cancel)
    costs = [math.inf if event.validation is None else event.validation for event in events if type(event) is EpochEnd]
    costs = [cost if math.isfinite(cost) else math.inf for cost in costs]
    epoch = min(range(len(costs)), key=costs.__getitem__, default=0)
    return network, Outcome(costs[epoch], epoch, tuple(costs)) if costs else Outcome()
