"""Schedules: what every one keeps, found by itself; formulas as exact numbers; torch's and scikit-learn's numbers."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from chainrule.errors import SettingError
from chainrule.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Cyclic,
    ExponentialDecay,
    InverseScaling,
    OneCycle,
    Plateau,
    Schedule,
    StepDecay,
    WarmRestarts,
)

from . import torch_numbers

VARIANTS = [
    *(make() for make in SCHEDULES.classes()),
    StepDecay(0.3, every=0.7),
    ExponentialDecay(0.01),
    InverseScaling(1.0),
    Cosine(warmup=2.5, final=0.1),
    Cosine(warmup=1000),
    OneCycle(rise=0.0, final=0.5),
    OneCycle(rise=0.95, start=1.0),
    Cyclic(period=2.5, lowest=0.0, shrink=0.5),
    WarmRestarts(first=0.7, growth=1.5, final=0.1),
    WarmRestarts(first=3),
    Plateau(0.5, patience=1, lowest=0.2),
]

every_schedule = pytest.mark.parametrize("schedule", VARIANTS, ids=str)

PER_EPOCH, TOTAL = 7, 84
WATCHED = [5.0, 4.0, 4.5, 4.0, math.nan, math.inf, 3.0, 3.0, 3.0, 2.9, 2.9, 2.9]


def factors(schedule, first=0, count=TOTAL, per_epoch=PER_EPOCH, total=TOTAL, watched=WATCHED):
    return schedule.factors(first, count, per_epoch, total, watched)


@every_schedule
def test_factors_are_finite_numbers_from_0_to_1_of_the_shape_asked_for(schedule):
    for first, count, per_epoch, total in [
        (0, TOTAL, 7, TOTAL),
        (3, 1, 1, 9),
        (0, 0, 1, 1),
        (0, 1, 1, 1),
        (0, 2, 5, 2),
    ]:
        found = schedule.factors(first, count, per_epoch, total, WATCHED[: first // per_epoch])
        assert (found.dtype, found.shape) == (np.float64, (count,))
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()


@every_schedule
def test_any_cut_gives_the_same_bits(schedule):
    whole, rng = factors(schedule), np.random.default_rng(0)
    one_by_one = [factors(schedule, k, 1)[0] for k in range(TOTAL)]
    assert whole.tolist() == one_by_one
    for _ in range(20):
        cuts = [0, *sorted(rng.integers(0, TOTAL + 1, rng.integers(1, 9)).tolist()), TOTAL]
        parts = [factors(schedule, a, b - a) for a, b in itertools.pairwise(cuts)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


class Read(list):
    """Counts the values that are read from it."""

    read = 0

    def __getitem__(self, at):
        found = super().__getitem__(at)
        self.read += len(found) if isinstance(at, slice) else 1
        return found

    def __iter__(self):
        self.read += len(self)
        return super().__iter__()


@every_schedule
def test_following_gives_the_same_bits_and_reads_each_value_once(schedule):
    follow, watched, found = schedule.follow(), Read(), []
    for value in [*WATCHED, 3.0]:
        found.append(follow(len(watched) * PER_EPOCH, PER_EPOCH, PER_EPOCH, TOTAL, watched).tobytes())
        watched.append(value)
    expected = [factors(schedule, e * PER_EPOCH, PER_EPOCH, watched=WATCHED[:e]).tobytes() for e in range(13)]
    assert found == expected
    assert watched.read <= len(watched)
    assert schedule.follow()(0, 1, 1, 9, []).tolist() == schedule.factors(0, 1, 1, 9, []).tolist()  # begins anew


@every_schedule
def test_what_is_watched_later_changes_no_factor(schedule):
    for epoch in range(TOTAL // PER_EPOCH):
        at_the_time = factors(schedule, epoch * PER_EPOCH, PER_EPOCH, watched=WATCHED[:epoch])
        assert at_the_time.tolist() == factors(schedule)[epoch * PER_EPOCH :][:PER_EPOCH].tolist()


@every_schedule
def test_only_one_that_looks_ahead_asks_how_long_training_is(schedule):
    longer = factors(schedule, total=2 * TOTAL).tolist() != factors(schedule).tolist()
    assert not longer or schedule.looks_ahead


@every_schedule
def test_after_the_last_update_a_schedule_that_looks_ahead_stays_at_its_end(schedule):
    if schedule.looks_ahead and schedule != Cosine(warmup=1000):
        assert factors(schedule, TOTAL, 5).tolist() == [pytest.approx(schedule.final, abs=1e-15)] * 5


@every_schedule
def test_a_schedule_is_found_again_from_its_name_and_from_its_document(schedule):
    assert SCHEDULES.get(schedule.document()) == schedule
    assert SCHEDULES.get(schedule) is schedule
    assert SCHEDULES.get(schedule.name) == type(schedule)()


def test_which_schedules_look_ahead():
    assert [make.name for make in SCHEDULES.classes() if make.looks_ahead] == ["cosine", "one_cycle"]


def test_constant_and_steps_are_exact():
    assert factors(Constant()).tolist() == [1.0] * TOTAL
    assert factors(StepDecay(0.5, every=3)).tolist() == [0.5 ** (k // 21) for k in range(TOTAL)]


@pytest.mark.parametrize("per_epoch", [1, 3, 10, 30, 97, 1000])
@pytest.mark.parametrize("every", [Fraction(1, 10), Fraction(3, 10), Fraction(7, 10), Fraction(1, 3), Fraction(5, 2)])
def test_a_step_of_a_fraction_of_an_epoch_falls_at_the_update_that_exact_arithmetic_names(every, per_epoch):
    found = factors(StepDecay(0.5, float(every)), count=200, per_epoch=per_epoch)
    expected = [0.5 ** (Fraction(k, per_epoch) // every) for k in range(200)]
    assert found.tolist() == expected


def test_exponential_decay_is_exact_at_the_begin_of_each_epoch():
    assert factors(ExponentialDecay(0.5))[::PER_EPOCH].tolist() == [0.5**e for e in range(12)]
    assert (np.diff(factors(ExponentialDecay(0.5))) < 0).all()


def test_warm_up_is_a_straight_line_and_the_cosine_falls_to_its_end():
    found = factors(Cosine(warmup=2, final=0.1))
    np.testing.assert_allclose(found[:14], np.arange(1, 15) / 15, rtol=1e-15)
    assert found[14] == 1.0
    np.testing.assert_allclose(found[14 + 35], 0.55, rtol=1e-12)  # half way between 14 and 84
    assert (np.diff(found[14:]) < 0).all()
    assert 0.1 < found[-1] < 0.101
    np.testing.assert_allclose(factors(Cosine(warmup=0.5))[:4], np.arange(1, 5) / 4.5, rtol=1e-15)


def test_a_warm_up_longer_than_training_only_rises():
    assert (np.diff(factors(Cosine(warmup=1000))) > 0).all()


def test_one_cycle_begins_peaks_and_ends_where_it_says():
    found = factors(OneCycle(rise=0.25, start=0.2, final=0.01))
    assert (found[0], found[20], found[-1]) == (pytest.approx(0.2), 1.0, pytest.approx(0.01))
    assert (np.diff(found[:21]) > 0).all()
    assert (np.diff(found[20:]) < 0).all()
    assert factors(OneCycle(), count=1, total=1).tolist() == [1.0]


@pytest.mark.parametrize(
    ("watched", "expected"),
    [
        ([], [1]),
        ([3, 2, 1], [1, 1, 1, 1]),
        ([1, 1, 1], [1, 1, 1, 0.5]),  # the first is the best, the next two are not below it
        ([1, 2, 0.5, 2, 2, 2, 2], [1, 1, 1, 1, 1, 0.5, 0.5, 0.25]),
        ([1, 0.95, 0.92, 0.8], [1, 1, 1, 0.5, 0.5]),  # not below by more than 0.1
        ([math.nan, math.nan, 1], [1, 1, 0.5, 0.5]),
        ([1] * 20, [1, 1, 1, 0.5, 0.5] + [0.25] * 16),  # never below `lowest`
    ],
    ids=str,
)
def test_plateau_falls_when_patience_is_at_its_end(watched, expected):
    plateau = Plateau(0.5, patience=2, min_delta=0.1, lowest=0.25)
    assert plateau.factors(0, len(expected), 1, 100, watched).tolist() == expected


OF_TORCH = {
    "step": StepDecay(0.5, every=1),
    "exponential": ExponentialDecay(0.9),
    "cosine": Cosine(final=0.1),
    "cyclic": Cyclic(period=1, lowest=0.2, shrink=0.5),
    "warm_restarts": WarmRestarts(first=1, final=0.1),
    "warm_restarts_longer": WarmRestarts(first=0.5, growth=2),
    "one_cycle": OneCycle(),
    "one_cycle_late": OneCycle(rise=0.55, start=0.1, final=0.01),
}


@pytest.mark.parametrize("name", OF_TORCH)
def test_a_schedule_is_that_of_torch_update_by_update(name):
    found = OF_TORCH[name].factors(0, torch_numbers.UPDATES, 10, torch_numbers.UPDATES, [])
    np.testing.assert_allclose(found, torch_numbers.stored()["schedules"][name], rtol=1e-9)


def test_plateau_is_that_of_torch_whose_patience_is_one_less():
    plateau = Plateau(0.5, patience=torch_numbers.PLATEAU["patience"] + 1, min_delta=0.1, lowest=0.2)
    watched = torch_numbers.WATCHED
    assert plateau.factors(0, len(watched), 1, 100, watched).tolist() == torch_numbers.stored()["plateau"]


@pytest.mark.parametrize("per_epoch", [1, 3, 10, 97])
@pytest.mark.parametrize("first", [Fraction(1, 10), Fraction(7, 10), Fraction(1, 3), Fraction(5, 2)])
@pytest.mark.parametrize("growth", [1, 2, 3])
def test_a_restart_is_at_the_update_that_exact_arithmetic_names(first, growth, per_epoch):
    found = WarmRestarts(float(first), growth).factors(0, 200, per_epoch, 200, [])
    start, length, shares = Fraction(0), first, []
    for k in range(200):
        while Fraction(k, per_epoch) >= start + length:
            start, length = start + length, length * growth
        shares.append(float((Fraction(k, per_epoch) - start) / length))
    np.testing.assert_allclose(found, (1 + np.cos(np.pi * np.array(shares))) / 2, atol=1e-7)


def test_inverse_scaling_is_that_of_scikit_learn():
    theirs, found = SGDOptimizer([np.zeros(1)], 1.0, "invscaling", power_t=0.25), [1.0]
    for k in range(1, 40):
        theirs.iteration_ends(k)
        found.append(theirs.learning_rate)
    np.testing.assert_allclose(InverseScaling(0.25).factors(0, 40, 3, 40, []), found, rtol=1e-14)


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        *[(make, {"factor": f}) for make in (StepDecay, ExponentialDecay, Plateau) for f in (0.0, 1.1, -1, math.nan)],
        *[(StepDecay, {"every": v}) for v in (0.0, -1.0, math.inf)],
        *[(InverseScaling, {"power": v}) for v in (-0.1, math.nan)],
        *[(Cosine, {"warmup": v}) for v in (-0.1, math.inf)],
        *[(make, {"final": v}) for make in (Cosine, OneCycle) for v in (-0.1, 1.1)],
        *[(OneCycle, {"rise": v}) for v in (-0.1, 1.0)],
        *[(OneCycle, {"start": v}) for v in (-0.1, 1.1)],
        *[(Cyclic, {"period": v}) for v in (0.0, -1.0, math.inf)],
        *[(Cyclic, {"lowest": v}) for v in (-0.1, 1.1)],
        *[(Cyclic, {"shrink": v}) for v in (0.0, 1.1)],
        *[(WarmRestarts, {"first": v}) for v in (0.0, -1.0)],
        *[(WarmRestarts, {"growth": v}) for v in (0.9, math.inf)],
        *[(WarmRestarts, {"final": v}) for v in (-0.1, 1.1)],
        *[(Plateau, {"patience": v}) for v in (0, 1.5, True)],
        *[(Plateau, {"min_delta": v}) for v in (-0.1, math.inf)],
        *[(Plateau, {"lowest": v}) for v in (-0.1, 1.1)],
    ],
)
def test_a_parameter_out_of_range_is_refused_in_one_line(make, setting):
    ((name, value),) = setting.items()
    shown = value if isinstance(value, bool) or name == "patience" else float(value) if value == value else value
    with pytest.raises(SettingError, match=rf"^{name} of {make.name} is {shown}, but must be [^\n]*$"):
        make(**setting)


def test_a_schedule_without_factors_says_so():
    with pytest.raises(TypeError, match="Schedule does not define factors"):
        Schedule().factors(0, 1, 1, 1, [])
