"""Trials of inputs and decays: what they choose, on which rows, and when there are none."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse

import chainrule as cr
from chainrule.estimators import table_plan
from chainrule.model import TableSettings, TableTraining, preparation, training, trials
from chainrule.model.ensemble import Ensemble
from chainrule.model.trials import DECAYS, Outcome

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(120, 3))
ALL = 57  # inputs of three numbers: each with square, cube and sixteen bins
ROWS = dict(zip("abc", X.T, strict=True)) | {"y": (X**2).sum(axis=1)}
FEW = DRAW.normal(size=(200, 2))
CODES = {"a": np.arange(200) % 17, "b": FEW[:, 0], "c": FEW[:, 1], "y": FEW[:, 0] ** 2}  # of which `a` has values
DAYS = np.datetime64("2020-01-01") + 5 * np.arange(120)  # five inputs; with details 17, with bins 33
CODED, BY_VALUE = 1 + 17, 1 + 2 + 16 + 17  # inputs of `a`: the number, values; with square and cube, and bins


@pytest.fixture
def costs(monkeypatch):
    """Costs by the number of inputs and the decay, in place of trainings; the trials that were made."""
    made, table = [], {}

    def trained(ensemble, rows, held_out, settings, cancel):
        assert rows.X.shape[1] == ensemble.one.sizes[0]
        made.append((rows.X.shape[1], settings.rule.weight_decay, ensemble.count))
        outcome = Outcome(table.get(made[-1][:2], 1.0), epoch=settings.epochs - 1)
        return ensemble.network(settings.first_weights, 0, settings.dtype), outcome

    monkeypatch.setattr(trials, "_trained", trained)
    monkeypatch.setattr(trials, "joining", lambda *trials_and_rows: [])
    return table, made


@pytest.fixture(autouse=True)
def _every_column(monkeypatch):
    """All columns stay: `test_trials_of_columns` has the trials without some."""
    monkeypatch.setattr(trials._Trials, "without_columns", lambda self, best, least, named: best)


@pytest.fixture
def every_value(monkeypatch):
    """Values are tried whatever linear models say."""
    for module in (preparation, table_plan):
        monkeypatch.setattr(module, "worth_trials", lambda encoder, *rows: encoder)


def chosen(rows=ROWS, **settings):
    training = TableTraining(rows, "y", TableSettings(**settings))
    assert training.network.sizes[0] == training.rows.X.shape[1] == training.model.encoder.width
    return training.rows.X.shape[1], training.settings.rule.weight_decay


@pytest.mark.parametrize(
    ("known", "best", "tried"),
    [
        ({(3, 1.0): 1.0, (9, 1.0): 0.99}, (3, 1.0), [(9, 1.0), (3, 1.0), (3, 0.3)]),  # squares do not gain enough
        ({(3, 1.0): 1.0, (9, 1.0): 0.9}, (9, 1.0), [(9, 1.0), (3, 1.0), (ALL, 1.0), (9, 0.3)]),
        ({(9, 1.0): 0.9, (ALL, 1.0): 0.89}, (9, 1.0), [(9, 1.0), (3, 1.0), (ALL, 1.0), (9, 0.3)]),  # nor bins
        ({(9, 1.0): 0.9, (ALL, 1.0): 0.8}, (ALL, 1.0), [(9, 1.0), (3, 1.0), (ALL, 1.0), (ALL, 0.3)]),
        ({(3, 1.0): -1.0, (9, 1.0): -0.99, (3, 0.3): -0.9}, (3, 1.0), [(9, 1.0), (3, 1.0), (3, 0.3)]),  # likelihoods
        ({(3, 0.3): 0.9}, (3, 0.3), [(9, 1.0), (3, 1.0), (3, 0.3), (3, 0.1)]),
        ({(3, 0.3): 0.9, (3, 0.1): 0.8}, (3, 0.1), [(9, 1.0), (3, 1.0), (3, 0.3), (3, 0.1)]),
    ],
)
def test_the_inputs_and_then_the_decay_of_the_least_cost(costs, known, best, tried) -> None:
    table, made = costs
    table |= known
    assert chosen() == best
    assert [trial[:2] for trial in made] == tried
    assert {count for *_, count in made} == {4}, "half of the members"


@pytest.mark.parametrize(
    ("known", "best", "tried"),
    [
        ({}, 3, [9, 3, CODED + 2, 3]),  # they do not gain enough
        ({CODED + 2: 0.97}, CODED + 2, [9, 3, CODED + 2, CODED + 2]),
        ({9: 0.9, 57: 0.89, BY_VALUE + 6: 0.8}, BY_VALUE + 6, [9, 3, 57, BY_VALUE + 6, BY_VALUE + 6]),
        ({9: 0.9, 57: 0.8, BY_VALUE + 38: 0.79}, 57, [9, 3, 57, BY_VALUE + 38, 57]),
        ({9: 0.9, 57: 0.8, BY_VALUE + 38: 0.7}, BY_VALUE + 38, [9, 3, 57, BY_VALUE + 38, BY_VALUE + 38]),
    ],
)
def test_frequent_values_are_tried_beside_the_best_inputs_of_the_other_columns(
    costs, every_value, known, best, tried
) -> None:
    table, made = costs
    table |= {(width, 1.0): cost for width, cost in known.items()}
    assert chosen(CODES) == (best, 1.0)
    assert [width for width, *_ in made] == tried


@pytest.mark.parametrize(("cost", "best"), [(0.97, CODED + 4), (0.99, 5)])
def test_a_table_of_one_number_tries_its_values(costs, every_value, cost, best) -> None:
    table, made = costs
    table |= {(CODED + 4, 1.0): cost}
    words = {"a": CODES["a"], "word": ["u", "v"] * 100, "other": ["s", "s", "t", "t"] * 50, "y": CODES["y"]}
    assert chosen(words) == (best, 1.0)
    assert [width for width, *_ in made] == [5, CODED + 4, best]


@pytest.mark.parametrize(
    ("known", "best", "tried"),
    [
        ({}, 8, [14, 8, 20, 36, 8]),  # neither details nor bins gain
        ({20: 0.9}, 20, [14, 8, 20, 36, 20]),
        ({20: 0.9, 36: 0.8}, 36, [14, 8, 20, 36, 36]),
        ({36: 0.8}, 36, [14, 8, 20, 36, 36]),
        ({14: 0.9, ALL + 5: 0.89, 26: 0.8}, 26, [14, 8, ALL + 5, 26, 42, 26]),  # beside squares
    ],
)
def test_details_of_times_are_tried_beside_the_best_inputs_of_numbers(costs, every_value, known, best, tried) -> None:
    table, made = costs
    table |= {(width, 1.0): cost for width, cost in known.items()}
    assert chosen(ROWS | {"day": DAYS}) == (best, 1.0)
    assert [width for width, *_ in made] == tried


@pytest.mark.parametrize(("rows", "detailed"), [(240, 15), (5400, 29)])
def test_details_of_times_are_tried_only_where_linear_models_gain_by_them(costs, rows, detailed) -> None:
    """Waves, and powers or, of many rows, bins, beside two words."""
    draw, day = np.random.default_rng(0), np.resize(DAYS, rows)
    table = {"day": day, "word": np.resize(["u", "v"], rows), "y": draw.normal(size=rows)}
    TableTraining(table, "y", TableSettings())
    assert {width for width, *_ in costs[1]} <= {7}
    costs[1].clear()
    weekday = np.array([3.0, -1, 4, 1, -5, 9, 2])[pd.DatetimeIndex(day).day_of_week]
    TableTraining(table | {"y": table["y"] + weekday}, "y", TableSettings())
    assert {7, detailed + 4} <= {width for width, *_ in costs[1]}


def test_more_inputs_than_trials_are_made_of_are_left_out_but_values_are_not(costs, every_value, monkeypatch) -> None:
    table, made = costs
    table |= {(9, 1.0): 0.9}
    monkeypatch.setattr(trials, "MOST_INPUTS", ALL - 1)
    chosen(ROWS)
    assert [width for width, *_ in made] == [9, 3, 9]
    made.clear()
    monkeypatch.setattr(trials, "MOST_INPUTS", 9)
    chosen(CODES)
    assert [width for width, *_ in made] == [9, 3, 9 + 16 + 17, 9]


def test_what_the_user_decides_is_not_tried(costs) -> None:
    _, made = costs
    assert chosen(optimizer={"name": "adamw", "weight_decay": 0.2})[1] == 0.2
    assert {decay for _, decay, _ in made} == {0.2}
    made.clear()
    for settings in ({"epochs": 3}, {"hidden": 8}, {"time": 5.0}, {"optimizer": "lbfgs"}):
        TableTraining(ROWS, "y", TableSettings(**settings))
    assert not made


@pytest.mark.parametrize(
    ("epoch", "slow", "best", "tried"),
    [
        (80, 0.9, 0.001, [0.01, 0.001]),  # the rate rises in 80 of 800 epochs
        (81, 0.9, 0.01, [0.01]),
        (0, 1.0, 0.01, [0.01, 0.001]),  # no better
    ],
)
def test_a_tenth_of_the_rate_is_tried_where_the_cost_is_least_while_it_rises(
    monkeypatch, epoch, slow, best, tried
) -> None:
    made = []

    def trained(ensemble, rows, held_out, settings, cancel):
        rule = settings.rule
        made.append((rows.X.shape[1], rule.weight_decay, rule.learning_rate))
        cost = 0.9 if made[-1][:2] == (9, 1.0) else 1.0  # squares, the strongest decay
        return ensemble.network(settings.first_weights, 0, settings.dtype), Outcome(
            cost * (slow if rule.learning_rate < 0.01 else 1.0), epoch
        )

    monkeypatch.setattr(trials, "_trained", trained)
    monkeypatch.setattr(trials, "joining", lambda *trials_and_rows: [])
    settings = TableTraining(ROWS, "y", TableSettings()).settings
    assert (settings.epochs, settings.rule.learning_rate, settings.rule.weight_decay) == (800, best, 1.0)
    assert [rate for width, decay, rate in made if (width, decay) == (9, 1.0)] == tried
    made.clear()
    for own in ({"learning_rate": 0.02}, {"optimizer": "adamw"}, {"schedule": "cosine"}):
        TableTraining(ROWS, "y", TableSettings(**own))
    assert {rate for *_, rate in made} == {0.02, TableSettings(optimizer="adamw").rule.learning_rate, 0.01}


def test_many_rows_are_tried_with_weaker_decays(costs) -> None:
    many = DRAW.normal(size=(1600, 3))
    rows = dict(zip("abc", many.T, strict=True)) | {"y": many[:, 0] ** 2}
    TableTraining(rows, "y", TableSettings())
    assert [trial[:2] for trial in costs[1]] == [(9, 0.3), (3, 0.3), (3, 0.1)]


@pytest.mark.parametrize("form", [dict, pd.DataFrame])
def test_large_tables_are_tried_on_the_rows_held_out_if_there_are_some(form, costs) -> None:
    many = DRAW.normal(size=(5001, 3))
    rows = form(dict(zip("abc", many.T, strict=True)) | {"y": many[:, 0] ** 2})
    TableTraining(rows, "y", TableSettings(validation=form(ROWS)))
    assert len(costs[1]) == 2, "with bins and without"
    TableTraining(rows, "y", TableSettings(validation=0))
    assert len(costs[1]) == 2, "no more"


def test_large_tables_are_tried_by_one_network_of_the_first_fold(monkeypatch) -> None:
    """Bins, each number as one input, and an input for each value; the network that is trained has five members."""
    made, epochs = [], []

    def trained(ensemble, rows, held_out, settings, cancel):
        made.append((ensemble.count, rows.X.shape, held_out.X.shape, issparse(rows.X)))
        epochs.append(settings.epochs)
        return ensemble.network(settings.first_weights, 0, settings.dtype), Outcome(1 / rows.X.shape[1])

    monkeypatch.setattr(trials, "_trained", trained)
    n = 6000
    columns = {"a": np.arange(n) % 300, "b": np.arange(n) % 350, "c": DRAW.normal(size=n)}
    training = TableTraining(columns | {"y": columns["c"]}, "y", TableSettings(seed=0))
    width = training.model.encoder.width
    assert [shape[1] for _, shape, *_ in made] == [51, 3, width, width, width]
    assert [(count, shape[0], own[0]) for count, shape, own, _ in made] == [(1, 4800, 1200)] * 5
    assert [sparse for *_, sparse in made] == [False, False, True, True, True]
    assert epochs == [5, 5, 5, 40, 40], "the inputs are chosen by short trainings, the decay by whole ones"
    assert training.settings.epochs == 40
    assert training.network.sizes[1:] == (360, 360, 5)
    assert training.settings.start == "linear"
    assert not training.ensemble.further


STRONG, WEAK, WEAKEST = (0.003, 0.3), (0.01, 0.1), (0.01, 0.03)  # rates and decays


@pytest.mark.parametrize(
    ("known", "best", "tried"),
    [
        ({WEAK: 1.1}, STRONG, [STRONG, WEAK]),
        ({WEAK: 0.99}, STRONG, [STRONG, WEAK]),  # less than 2%
        ({WEAK: 0.97, WEAKEST: 0.97}, WEAK, [STRONG, WEAK, WEAKEST]),
        ({WEAK: 0.97, WEAKEST: 0.96}, WEAKEST, [STRONG, WEAK, WEAKEST]),
        ({WEAK: 1.1, WEAKEST: 0.9}, STRONG, [STRONG, WEAK]),  # no further after one that is worse
    ],
)
def test_many_words_decay_as_whole_trainings_of_one_network_say(monkeypatch, known, best, tried) -> None:
    made = []

    def trained(ensemble, rows, held_out, settings, cancel):
        made.append((settings.rule.learning_rate, settings.rule.weight_decay))
        assert (ensemble.count, settings.epochs, settings.patience) == (1, 40, None)
        return ensemble.network(settings.first_weights, 0, settings.dtype), Outcome(known.get(made[-1], 1.0))

    monkeypatch.setattr(trials, "_trained", trained)
    rule = TableTraining(_many_words(), "word", TableSettings()).settings.rule
    assert ((rule.learning_rate, rule.weight_decay), made) == (best, tried)


def test_many_words_decay_as_the_user_says(costs) -> None:
    table, made = costs
    table |= {(617, 0.1): 0.9, (617, 0.03): 0.8}
    rule = TableTraining(_many_words(), "word", TableSettings(learning_rate=0.002)).settings.rule
    assert (rule.learning_rate, rule.weight_decay) == (0.002, 0.03)
    made.clear()
    TableTraining(_many_words(), "word", TableSettings(optimizer="adamw"))
    TableTraining(_many_words(), "word", TableSettings(members=1))
    TableTraining(_many_words(), "word", TableSettings(epochs=3))
    assert not made


def test_many_rows_of_few_words_decay_as_the_preset_says(costs) -> None:
    assert TableTraining(_many_words(500), "word", TableSettings()).settings.rule.weight_decay == 0.3
    assert not costs[1]


def _many_words(words=610):
    """A table of 6,200 rows whose inputs are words, seven more than those of one column: no trial is about inputs."""
    n = range(6200)
    return {name: [f"{name}{k % count}" for k in n] for name, count in {"a": words, "b": 3, "c": 4, "word": 2}.items()}


def test_a_plane_is_not_tried(costs) -> None:
    TableTraining({"a": X[:, 0], "b": X[:, 1], "y": X[:, 0]}, "y", TableSettings())
    assert {decay for _, decay, _ in costs[1]} <= {0.03}


def test_wide_tables_whose_numbers_are_one_input_each_are_not_copied(monkeypatch) -> None:
    """Their rows may be a file that memory does not hold."""
    monkeypatch.setattr(trials, "MOST_INPUTS", 1)
    monkeypatch.setattr(preparation, "only_inputs", None)
    training = TableTraining({"a": ["u", "v"] * 60, "b": ["s", "s", "t"] * 40, "y": X[:, 0]}, "y", TableSettings())
    assert training.rows.X.shape[1] == training.model.encoder.width == 4


def test_half_of_the_members_leave_out_the_folds_that_they_always_do() -> None:
    whole = Ensemble.of(cr.Architecture.of([3, 4, 1], "gelu", "identity"), 5, 0, 60)
    half = trials._half(whole)
    assert (half.count, half.fold is whole.fold) == (3, True)
    assert trials._half(dataclasses.replace(whole, count=2)).count == 2
    _, held_out = half.shared(cr.examples.RowArrays(X[:60], X[:60, :1], None))
    assert (held_out.weight.sum(axis=0) == [(whole.fold == k).sum() for k in range(3)]).all()


@pytest.mark.full
def test_networks_choose_squares_that_they_need() -> None:
    """Eight squares from 200 rows; one seed, twice the same choice."""
    draw = np.random.default_rng(1)
    wide = draw.normal(size=(200, 8))
    rows = {f"x{k}": column for k, column in enumerate(wide.T)} | {"y": (wide**2).sum(axis=1)}
    first, again = (TableTraining(rows, "y", TableSettings(seed=0)) for _ in range(2))
    assert first.rows.X.shape[1] == 24
    assert first.settings == again.settings
    assert first.settings.rule.weight_decay in DECAYS


@pytest.mark.parametrize("codes", [True, False])
def test_values_are_tried_where_linear_models_gain_by_them(costs, codes) -> None:
    code, effect = np.arange(200) % 40, DRAW.normal(size=40) if codes else np.arange(40) ** 2 / 500
    rows = CODES | {"a": code, "y": effect[code] + FEW[:, 0] + DRAW.normal(size=200) / 3}
    TableTraining(rows, "y", TableSettings())
    mlp = cr.MLPRegressor(preset="tabular", random_state=0)
    mlp._begin(*_rows_of(mlp, rows["y"], np.stack([rows[name] for name in "abc"], axis=1)), False)
    assert [width for width, *_ in costs[1]] == 2 * ([9, 3, 1 + 40 + 2, 3] if codes else [9, 3, 3])


@pytest.mark.parametrize(
    ("n", "left", "tried"), [(300, 0.94, True), (300, 0.96, False), (301, 0.985, True), (301, 0.995, False)]
)
def test_few_rows_try_values_where_linear_models_gain_more_by_them_than_others(
    costs, monkeypatch, n, left, tried
) -> None:
    monkeypatch.setattr("chainrule.model.choose_values._without_means", lambda _, rest, part: rest * np.sqrt(left))
    draw = np.random.default_rng(5)
    TableTraining(
        {"a": np.arange(n) % 17, "b": draw.normal(size=n), "c": draw.normal(size=n), "y": draw.normal(size=n)},
        "y",
        TableSettings(),
    )
    assert (CODED + 2 in [width for width, *_ in costs[1]]) == tried


def test_people_who_come_a_few_times_are_known_again() -> None:
    """Six hundred people, four rows of each to train on; one seed."""
    draw = np.random.default_rng(1)
    person = np.tile(np.arange(600), 5)
    wide = draw.normal(size=(3000, 2))
    y = 3 * draw.normal(size=600)[person] + wide[:, 0] + draw.normal(size=3000)
    rows = {"person": 7000 + person, "b": wide[:, 0], "c": wide[:, 1], "y": y}
    model = cr.train_table({name: column[:2400] for name, column in rows.items()}, "y", seed=0)
    error = model.predict({name: column[2400:] for name, column in rows.items()}) - y[2400:]
    assert np.square(error).mean() < 0.2 * y[2400:].var()


def test_values_of_groups_are_chosen_by_rows_of_other_groups(costs) -> None:
    """A code of each group says which group it is; a place says something of any."""
    draw = np.random.default_rng(3)
    group, place = np.repeat(np.arange(100), 8), draw.integers(0, 40, 800)
    code = draw.permutation(1000)[:100][group]
    y = 2 * draw.normal(size=100)[group] + 2 * draw.normal(size=40)[place] + draw.normal(size=800)
    rows = {"group": [f"g{k}" for k in group], "code": code, "place": place, "x": draw.normal(size=800), "y": y}
    for settings, width in (({"drop": ["group"]}, 3 + 100 + 40), ({"group": "group"}, 3 + 40)):
        costs[1].clear()
        TableTraining(rows, "y", TableSettings(seed=0, **settings))
        assert max(width for width, *_ in costs[1]) == width
    mlp = cr.MLPRegressor(preset="tabular", random_state=0)
    X = np.stack([code, place, rows["x"]], axis=1)
    costs[1].clear()
    mlp._begin(*_rows_of(mlp, y, X, groups=group), False)
    assert max(width for width, *_ in costs[1]) == 3 + 40


def test_many_rare_words_leave_the_trials_of_numbers_as_they_are(costs) -> None:
    table, made = costs
    words = [f"w{k // 2}" for k in range(1400)]
    draw = np.random.default_rng(4)
    rows = {name: draw.normal(size=1400) for name in "abc"} | {"word": words, "y": draw.normal(size=1400)}
    table |= {(709, 1.0): 0.5}
    TableTraining(rows, "y", TableSettings(seed=0))
    assert [width for width, *_ in made][:3] == [709, 703, 757], "squares, numbers alone, and bins beside squares"


@pytest.mark.full
def test_networks_choose_values_that_they_need() -> None:
    """Forty levels in any order, twelve rows each; one seed."""
    draw = np.random.default_rng(1)
    effect, code = draw.normal(size=40), draw.integers(0, 40, 1500)
    wide = draw.normal(size=(1500, 2))
    rows = {"code": code, "b": wide[:, 0], "c": wide[:, 1], "y": effect[code] + wide[:, 0] / 2}
    few = {name: column[:500] for name, column in rows.items()}
    model = cr.train_table(few, "y", seed=0)
    error = model.predict({name: column[500:] for name, column in rows.items()}) - rows["y"][500:]
    assert np.square(error).mean() < 0.05 * rows["y"][500:].var()


def test_estimators_try_values_as_tables_do(costs, every_value) -> None:
    table, made = costs
    table |= {(CODED + 2, 1.0): 0.5}
    mlp = cr.MLPRegressor(preset="tabular", random_state=0)
    mlp._begin(*_rows_of(mlp, CODES["y"], np.stack([CODES[name] for name in "abc"], axis=1)), False)
    assert [width for width, *_ in made] == [9, 3, CODED + 2, CODED + 2]
    assert mlp._plan.encoder.width == CODED + 2


def test_estimators_choose_as_tables_do(costs) -> None:
    table, made = costs
    table |= {(9, 1.0): 0.5, (9, 0.3): 0.4}
    mlp = cr.MLPRegressor(preset="tabular", random_state=0)
    mlp._begin(*_rows_of(mlp, ROWS["y"]), False)
    assert [trial[:2] for trial in made] == [(9, 1.0), (3, 1.0), (ALL, 1.0), (9, 0.3), (9, 0.1)]
    assert mlp.settings_["solver"].weight_decay == 0.3


def test_trials_of_estimators_weigh_rows_by_class(monkeypatch) -> None:
    weights = []

    def trained(ensemble, rows, held_out, settings, cancel):
        weights.append(rows.weight)
        return ensemble.network(settings.first_weights, 0, settings.dtype), Outcome(1.0)

    monkeypatch.setattr(trials, "_trained", trained)
    mlp = cr.MLPClassifier(preset="tabular", class_weight={"u": 3.0}, random_state=0)
    mlp._begin(*_rows_of(mlp, np.repeat(["u", "v"], 60)), False)
    assert weights
    assert all((weight == np.repeat([3.0, 1.0], 60)).all() for weight in weights)


@pytest.mark.parametrize(("most", "tried"), [(350, []), (40, [(3 + 48 + 70, 0.3, 1)])])
def test_estimators_of_many_rows_have_members_and_try_bins_and_few_values(costs, most, tried) -> None:
    n = 5200
    columns = np.stack([np.arange(n) % (most - 10), np.arange(n) % most, DRAW.normal(size=n)], axis=1)
    mlp = cr.MLPRegressor(preset="tabular", random_state=0)
    mlp._begin(*_rows_of(mlp, columns[:, 2], columns), False)
    assert costs[1] == [(51, 0.3, 1), (3, 0.3, 1), *tried]
    assert mlp.settings_["members"] == 5


def _rows_of(mlp, y, X=X, groups=None):
    from chainrule.estimators.rows import checked_rows

    rows = checked_rows(mlp, X, y, None, True, groups)
    return rows, mlp._targets_of(rows.y, None)


def test_wide_tables_of_words_train_without_their_zeros_to_the_same_bits(monkeypatch) -> None:
    draw = np.random.default_rng(2)
    words = np.array([f"w{k}" for k in draw.integers(0, 620, 8000)])
    value = dict(zip(np.unique(words), draw.normal(size=620), strict=False))
    rows = {"word": words, "n": draw.normal(size=8000), "y": [value[word] for word in words]}
    sparse = cr.train_table(rows, "y", epochs=2, seed=0)
    assert sparse.network.sizes[0] > 600
    assert sparse.summary["start"] == "linear"
    monkeypatch.setattr(training, "without_zeros", lambda rows: rows)
    dense = cr.train_table(rows, "y", epochs=2, seed=0)
    assert (sparse.network.theta == dense.network.theta).all()


def test_few_rows_of_many_words_train_likewise_and_begin_as_linear_models(
    monkeypatch,
) -> None:
    draw = np.random.default_rng(2)
    code = draw.permutation(np.arange(1300) // 2)
    rows = {"word": [f"w{k}" for k in code], "n": draw.normal(size=1300), "y": draw.normal(size=650)[code]}
    sparse = [cr.train_table(rows, "y", members=2, seed=0, **more) for more in ({"epochs": 2}, {"patience": 1})]
    assert sparse[0].network.sizes[0] == 651
    assert sparse[0].summary["start"] == "linear"
    for module in (training, trials):
        monkeypatch.setattr(module, "without_zeros", lambda rows: rows)
    dense = [cr.train_table(rows, "y", members=2, seed=0, **more) for more in ({"epochs": 2}, {"patience": 1})]
    for one, other in zip(sparse, dense, strict=True):
        assert (one.network.theta == other.network.theta).all()


def test_trials_are_announced_and_end_where_the_training_is_cancelled(monkeypatch) -> None:
    monkeypatch.setattr(trials, "_trained", lambda *given: pytest.fail("a trial was trained"))
    said = []
    watch = trials.Watch(begin=lambda: said.append("begin"), cancel=lambda: True)
    training = TableTraining(ROWS, "y", TableSettings(seed=0), watch=watch)
    assert said == ["begin"]
    assert training.network.sizes[0] == training.rows.X.shape[1]
    TableTraining(ROWS, "y", TableSettings(seed=0, epochs=3), watch=watch)
    assert said == ["begin"]
