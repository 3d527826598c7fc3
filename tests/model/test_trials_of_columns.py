"""Trials without columns: which costs decide, whose rows choose, and what becomes of a column that is left out."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.model import TableSettings, TableTraining, trials
from chainrule.model.choose_columns import REASON, Rises
from chainrule.model.trials import Outcome, _together

DRAW = np.random.default_rng(0)
COLUMNS = {name: np.array(list("uvw"))[DRAW.integers(0, 3, 320)] for name in "abcd"}  # three inputs each
ROWS = COLUMNS | {"y": DRAW.normal(size=320)}
LOW, HIGH = 1.5, 3.0  # t of columns that are left out at last, and never


@pytest.fixture
def columns(monkeypatch):
    """Costs by the number of inputs, of halves and of members apart; what was trained; and t of each column by fold."""
    halves, apart, made, values = {}, {}, [], dict.fromkeys("abcd", [HIGH] * 4)

    def trained(ensemble, rows, held_out, settings, cancel):
        made.append((ensemble.count, rows.X.shape))
        assert (held_out is None) == (ensemble.count == 4)
        known = halves if ensemble.count == 4 else apart
        cost = known.get(rows.X.shape[1], ensemble.count * 1.0)
        return ensemble.network(settings.first_weights, 0, settings.dtype), Outcome(cost, 200, (9.0, cost))

    class Known(Rises):
        def below(self, t, apart_from=None):
            folds = [k for k in range(4) if k != apart_from]
            return [name for name, of_folds in values.items() if np.mean([of_folds[k] for k in folds]) <= t]

    monkeypatch.setattr(trials, "_trained", trained)
    monkeypatch.setattr(trials, "rises_of", lambda *given: Known(list("abcd"), np.empty(0), np.empty(0)))
    monkeypatch.setattr(trials, "joining", lambda best, others, *rest: list(others))
    return halves, apart, made, values


def trained(made, **settings) -> tuple[list[str], list[tuple[int, int]]]:
    """The columns that are inputs in the end, and the members and inputs of each trial."""
    made.clear()
    training = TableTraining(ROWS, "y", TableSettings(seed=0, **settings))
    own = training.ensemble.places
    return [training.model.encoder.feature_names[k][0] for k in (own if own is not None else range(12))][::3], [
        (count, shape[1]) for count, shape in made
    ]


def test_a_column_is_left_out_where_both_costs_gain(columns) -> None:
    halves, apart, made, values = columns
    values["b"] = [0.5] * 4
    halves[9], apart[9] = 3.9, 0.97
    assert trained(made) == (["a", "c", "d"], [(4, 12), (4, 12), (4, 9), *[(1, 9)] * 4])
    assert {shape[0] for count, shape in made if count == 1} == {280}, "each without its fold"


def test_columns_of_few_rows_stay(columns) -> None:
    halves, apart, made, values = columns
    values["b"] = [0.5] * 4
    halves[9], apart[9] = 3.0, 0.5
    for rows, widths in ((300, {12}), (301, {12, 9})):
        made.clear()
        TableTraining({name: column[:rows] for name, column in ROWS.items()}, "y", TableSettings(seed=0))
        assert {shape[1] for _, shape in made} == widths


@pytest.mark.parametrize(("half", "alone", "apart_trials"), [(3.95, 0.9, 0), (3.9, 0.99, 4)])
def test_every_column_stays_where_one_of_the_costs_does_not_gain(columns, half, alone, apart_trials) -> None:
    halves, apart, made, values = columns
    values["b"] = [0.5] * 4
    halves[9], apart[9] = half, alone
    assert trained(made) == (list("abcd"), [(4, 12), (4, 12), (4, 9), *[(1, 9)] * apart_trials])
    further = TableTraining(ROWS, "y", TableSettings(seed=0)).ensemble.further
    assert len(further) == 4, "of decay 0.3; members of such a trial never join"


def test_more_columns_are_left_out_where_that_gains_once_more(columns) -> None:
    halves, apart, made, values = columns
    values |= {"b": [0.5] * 4, "d": [LOW] * 4}
    halves |= {9: 3.9, 6: 3.8}
    apart |= {9: 0.97, 6: 0.94}
    assert trained(made)[0] == ["a", "c"]
    apart[6] = 0.96
    assert trained(made)[0] == ["a", "c", "d"]
    halves[6], apart[6] = 3.83, 0.9
    assert trained(made)[0] == ["a", "c", "d"]


def test_more_columns_are_tried_where_no_t_is_lowest(columns) -> None:
    halves, apart, made, values = columns
    values["d"] = [LOW] * 4
    halves[9], apart[9] = 3.9, 0.9
    assert trained(made)[0] == ["a", "b", "c"]


def test_members_apart_are_without_the_columns_that_the_other_folds_choose(columns) -> None:
    """Fold 0 alone keeps `b` of the first trial; what all folds chose there counts for none of the second."""
    halves, apart, made, values = columns
    values |= {"b": [3.4, 0.2, 0.2, 0.2], "d": [LOW] * 4}
    halves |= {9: 3.9, 6: 3.8}
    apart |= {9: 0.9, 12: 0.9, 6: 0.8}
    got, tried = trained(made)
    assert got == ["a", "c"]
    assert tried[3:] == [(1, 9), (1, 12), (1, 12), (1, 12), (4, 6), (1, 6), (1, 6), (1, 6), (1, 6)]


def test_columns_that_are_all_low_and_those_of_the_user_stay(columns) -> None:
    halves, apart, made, values = columns
    halves[9], apart[9] = 3.0, 0.5
    values |= dict.fromkeys("abcd", [0.5] * 4)
    assert trained(made) == (list("abcd"), [(4, 12), (4, 12)])
    values |= {"a": [HIGH] * 4, "c": [HIGH] * 4, "d": [HIGH] * 4}
    assert trained(made, keep=["a", "b", "c", "d"]) == (list("abcd"), [(4, 12), (4, 12)])
    assert trained(made)[0] == ["a", "c", "d"]


def test_members_together_have_the_cost_of_one_epoch() -> None:
    assert _together([(4.0, 1.0, 5.0), (4.0, 6.0, 2.0)], np.array([2, 2])) == 2 * 3.5
    assert _together([(4.0,), ()], np.array([2, 2])) == np.inf


@pytest.mark.full
def test_columns_of_noise_are_left_out_and_need_not_come_again() -> None:
    """Products of three numbers among nine that say nothing; one seed, tables and estimators."""
    draw = np.random.default_rng(1)
    X = draw.normal(size=(1000, 12))
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2])
    rows = {f"x{k}": column for k, column in enumerate(X.T)} | {"y": y}
    few = {name: column[:400] for name, column in rows.items()}
    model = cr.train_table(few, "y", seed=0)
    assert model.encoder.columns == ["x0", "x1", "x2"]
    assert model.encoder.describe()[5] == ("x5", "dropped", REASON)
    error = model.predict({name: rows[name][400:] for name in ("x0", "x1", "x2")}) - y[400:]
    assert np.square(error).mean() < 0.3 * y[400:].var()
    mlp = cr.MLPRegressor(preset="tabular", random_state=0).fit(X[:400], y[:400])
    assert mlp._plan.encoder.columns == ["x0", "x1", "x2"]
    assert mlp.score(X[400:], y[400:]) > 0.7


def test_columns_whose_kind_a_person_names_stay(columns) -> None:
    """The fixture says that `b` may be left out; so the name of it must reach what says so."""
    seen = []
    given = trials.rises_of
    trials.rises_of = lambda *every: seen.append(every[-1]) or given(*every)  # the fixture undoes this
    trained(columns[2], kinds={"b": "category"})
    assert [list(named) for named in seen] == [["b"]]


def test_costs_apart_are_weighed_as_those_of_all_rows(columns, monkeypatch) -> None:
    halves, apart, _, values = columns
    values["b"], halves[9], apart[9] = [0.5] * 4, 3.9, 0.97
    weights = []
    monkeypatch.setattr(trials, "_together", lambda curves, weight: weights.append(weight) or 0.0)
    drawn = DRAW.integers(1, 9, 320) / 2
    training = TableTraining(ROWS | {"weight": drawn}, "y", TableSettings(seed=0, weight="weight"))
    of_rows, fold = training.rows.weight, training.ensemble.fold
    assert len(np.unique(of_rows)) > 1
    assert (weights[0] == [of_rows[fold == k].sum() for k in range(4)]).all()
    assert _together([(3.0,), (1.0,)], np.array([1.0, 3.0])) == 2 * 1.5
