"""A training that begins as the best linear model."""

import itertools
import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.errors import SettingError
from chainrule.examples import Examples, RowArrays, folds
from chainrule.model import TableSettings, TableTraining
from chainrule.model.ensemble import Ensemble
from chainrule.model.ridge import MOST, Ridge
from chainrule.model.warm_start import PENALTIES, WEAKER, linear_start, slope_of_pair, suits_linear_start

PAIRED = {"identity": 2.0, "relu": 1.0, "leaky_relu": 1.01, "gelu": 1.0, "silu": 1.0, "softplus": 1.0, "prelu": 1.25}


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_the_activations_that_carry_a_number_on_in_pairs_are_known(name: str) -> None:
    found = slope_of_pair(ACTIVATIONS.get(name))
    assert found == pytest.approx(PAIRED[name]) if name in PAIRED else found is None


def data(rows: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    return X, X @ rng.normal(size=(4, 2)) + rng.normal(size=(rows, 2))


@pytest.mark.parametrize("hidden", [("relu",), ("gelu", "leaky_relu"), ("silu", "identity", "softplus"), ()])
@pytest.mark.parametrize("count", [1, 3])
def test_the_network_begins_as_ridge_regression_on_the_rows_of_each_member(hidden, count) -> None:
    """Ridge in closed form: W = (XᵀX + alpha I)⁻¹ Xᵀ T for centred X and T. The other neurons' say is left out."""
    from sklearn.linear_model import Ridge as Other

    X, T = data()
    one = cr.Architecture.of([4, *[9] * len(hidden), 2], list(hidden), "identity", "quadratic")
    members = Ensemble(one, count, folds(0, count, len(X)))
    net = members.network("he_uniform", 0, "float64")
    rows, held = RowArrays(X, T, None), None
    if count == 1:
        rows, held = RowArrays(X[:150], T[:150], None), RowArrays(X[150:], T[150:], None)
    alpha, l1 = linear_start(members, net, *members.checked(net, rows, held))
    assert l1 == 0
    assert alpha in [share * len(rows.X) for share in PENALTIES]
    for k in range(count):
        last = net.W[-1][members.part(len(one.sizes) - 2, k), members.part(len(one.sizes) - 1, k)]
        if hidden:
            last[4:] = 0  # the neurons that are in no pair
    A = net.predict(X).reshape(len(X), count, 2)
    for k in range(count):
        seen = members.fold != k if count > 1 else np.arange(200) < 150
        ridge = Other(alpha=alpha).fit(X[seen], T[seen])
        np.testing.assert_allclose(A[:, k], ridge.predict(X), rtol=0, atol=1e-12)
    assert np.abs(A).max() > 1


@pytest.mark.parametrize("columns", [4, 40])
@pytest.mark.parametrize("weighted", [True, False])
def test_ridge_regression_in_closed_form_is_that_of_scikit_learn(columns, weighted) -> None:
    """More rows than columns, and fewer; each output with its own weights of the rows, some of them 0."""
    from sklearn.linear_model import Ridge as Other

    rng = np.random.default_rng(3)
    X, T = rng.normal(size=(50, columns)) + 1e4, rng.normal(size=(50, 3))
    weight = rng.random((50, 3)) * (rng.random((50, 3)) > 0.2) if weighted else None
    ridge = Ridge(X, T, weight)
    for a in (1e-6, 0.5, 100.0):
        W, b = ridge.solved(a)
        for k in range(3):
            other = Other(alpha=a, solver="svd").fit(X, T[:, k], None if weight is None else weight[:, k])
            np.testing.assert_allclose(W[:, k], other.coef_, rtol=1e-5, atol=1e-8)
            np.testing.assert_allclose(b[k], other.intercept_, rtol=1e-5, atol=1e-8)


def test_an_output_without_rows_is_0_one_of_a_row_is_its_target_and_what_is_absent_may_be_anything() -> None:
    rng = np.random.default_rng(5)
    X, T, weight = rng.normal(size=(50, 4)), rng.normal(size=(50, 3)), np.ones((50, 3))
    weight[:, 0], weight[:49, 1], weight[::3, 2] = 0, 0, 0
    W, b = Ridge(X, np.where(weight > 0, T, np.nan), weight).solved(0.5)
    np.testing.assert_allclose(W[:, :2], 0, atol=1e-12)
    np.testing.assert_allclose(b[:2], [0, T[49, 1]], atol=1e-12)
    seen = weight[:, 2] > 0
    alone = Ridge(X[seen], T[seen, 2:]).solved(0.5)
    np.testing.assert_allclose(W[:, 2], alone[0][:, 0], atol=1e-12)
    np.testing.assert_allclose(b[2], alone[1][0], atol=1e-12)


def test_columns_that_are_the_same_are_learned_also_where_the_penalty_is_lost_in_rounding() -> None:
    x = 1e6 * np.random.default_rng(6).normal(size=(200, 1))
    W, b = Ridge(np.hstack([x, x]), x).solved(1e-6)
    np.testing.assert_allclose(np.hstack([x, x]) @ W + b, x, atol=1.0)


@pytest.mark.parametrize("inputs", [MOST, MOST + 1])
def test_where_the_closed_form_takes_too_long_the_model_is_nearly_the_same(inputs, monkeypatch) -> None:
    monkeypatch.setattr("chainrule.model.warm_start.MOST", 4 if inputs == MOST else 3)
    X, T = data()
    one = cr.Architecture.of([4, 9, 2], "gelu", "identity", "quadratic")
    net = Ensemble(one).network("he_uniform", 0, "float64")
    alpha, _ = linear_start(Ensemble(one), net, *Ensemble(one).checked(net, RowArrays(X, T, None), None))
    net.W[-1][4:] = 0
    W, b = Ridge(X, T).solved(alpha)
    apart = np.abs(net.predict(X) - (X @ W + b)).max()
    assert (apart < 1e-12) if inputs == MOST else (1e-12 < apart < 0.02)


def test_columns_that_are_nearly_the_same_are_no_harder_than_others() -> None:
    """Spectra: the target is a small difference of neighbours, which gradient descent does not reach."""
    rng = np.random.default_rng(4)
    common, own = rng.normal(size=(200, 1)), rng.normal(size=(200, 30))
    X, y = common + 0.01 * own, own[:, :1] - own[:, 1:2]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    members = Ensemble(cr.Architecture.of([30, 9, 1], "gelu", "identity", "quadratic"))
    net = members.network("he_uniform", 0, "float32")
    linear_start(
        members, net, *members.checked(net, RowArrays(X[:150], y[:150], None), RowArrays(X[150:], y[150:], None))
    )
    net.W[-1][2:] = 0
    assert np.square(net.predict(X[150:]) - y[150:]).mean() < 0.01 * y.var()


def test_a_network_too_narrow_for_the_pairs_begins_at_random() -> None:
    gelu = ACTIVATIONS.get("gelu")
    assert suits_linear_start((8, 8), (gelu, gelu), 2)
    assert not suits_linear_start((8, 7), (gelu, gelu), 2)
    assert not suits_linear_start((8,), (ACTIVATIONS.get("tanh"),), 1)
    table = {"x": np.arange(30.0), "y": np.arange(30.0) % 7 / 3}
    started = {hidden: cr.train_table(table, "y", hidden=hidden, epochs=1).summary["start"] for hidden in (3, 4)}
    assert started == {3: "random", 4: "linear"}


def test_a_linear_start_that_was_asked_for_and_cannot_be_is_refused() -> None:
    table = {"x": np.arange(30.0), "y": np.arange(30.0) % 7 / 3}
    for settings in ({"hidden": 3}, {"hidden": 8, "activation": "tanh"}):
        with pytest.raises(SettingError, match="start is 'linear', but these hidden layers cannot carry"):
            cr.train_table(table, "y", start="linear", epochs=1, **settings)


def test_a_training_that_was_resumed_tells_of_the_start_that_it_had(tmp_path) -> None:
    table = {"x": np.arange(30.0), "y": np.arange(30.0) % 7 / 3}
    how = {"activation": "tanh", "schedule": None}
    kept = cr.Checkpoint(tmp_path / "c.safetensors", resume=True)
    cr.train_table(table, "y", epochs=1, checkpoint=kept, **how)
    resumed = cr.train_table(table, "y", epochs=2, checkpoint=kept, **how)
    assert resumed.summary["start"] == "random"
    assert resumed.summary == cr.train_table(table, "y", epochs=2, **how).summary
    cr.train_table(table, "y", epochs=1, schedule=None, checkpoint=cr.Checkpoint(tmp_path / "d.safetensors"))
    other = cr.Checkpoint(tmp_path / "d.safetensors", resume=True)
    with pytest.raises(SettingError, match="start is 'random', there 'linear'"):
        cr.train_table(table, "y", epochs=2, schedule=None, start="random", checkpoint=other)


def test_a_start_takes_half_of_the_time_at_most_and_counts(monkeypatch) -> None:
    """A clock that goes on by a second whenever it is read: without an end the start would read it 14 times and more.

    Classes, whose linear model takes many steps.
    """
    clock = itertools.count()
    monkeypatch.setattr("chainrule.model.training.time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    table = {"x": np.arange(30.0), "y": np.where(np.sin(np.arange(30.0)) > 0, "u", "v")}
    training = TableTraining(table, "y", TableSettings(time=10.0, epochs=1))
    for _ in training.events():
        pass
    spent = next(clock) - 1
    assert 5 < spent < 10
    assert training.running.settings.time == 10 - spent
    assert training.model.history.seconds > spent


def test_a_start_that_was_cancelled_leaves_the_weights_as_they_were() -> None:
    table = {"x": np.arange(30.0), "y": np.arange(30.0) % 7 / 3}
    training = TableTraining(table, "y", TableSettings(hidden=8))
    before = training.network.theta.copy()
    for _ in training.events(cancel=lambda: True):
        pass
    np.testing.assert_array_equal(training.network.theta, before)


def test_noise_around_a_plane_is_answered_as_well_as_by_ridge() -> None:
    """The reason for all this: from random weights the same network is clearly worse."""
    from sklearn.linear_model import RidgeCV

    rng = np.random.default_rng(10)
    X = rng.normal(size=(900, 10))
    y = X[:, :3].sum(axis=1) + 3 * rng.normal(size=900)
    table = {f"x{k}": X[:300, k] for k in range(10)} | {"y": y[:300]}
    new = {f"x{k}": X[300:, k] for k in range(10)}
    ridge = np.mean((RidgeCV(np.logspace(0, 3, 10)).fit(X[:300], y[:300]).predict(X[300:]) - y[300:]) ** 2)

    def error(**settings: object) -> float:
        found = cr.train_table(table, "y", epochs=100, members=4, hidden=(16, 16), **settings)
        return float(np.mean((found.predict(new) - y[300:]) ** 2))

    assert error() < 1.02 * ridge < error(start="random")


@pytest.mark.parametrize("settings", [{}, {"validation": 0.2}, {"members": 1, "validation": 0.0}], ids=str)
def test_the_unit_of_the_weights_changes_no_bit(settings) -> None:
    rng = np.random.default_rng(3)
    X, weight = rng.normal(size=(60, 3)), rng.choice([0.0, 0.5, 1.0, 2.0], size=60)
    table = {f"x{k}": X[:, k] for k in range(3)} | {"y": X.sum(axis=1) + rng.normal(size=60)}

    def theta(unit: float) -> bytes:
        weighted = table | {"w": weight * unit}
        return cr.train_table(weighted, "y", weight="w", epochs=2, hidden=(8,), **settings).network.theta.tobytes()

    assert [theta(unit) == theta(1.0) for unit in (1e-3, 2.0**-1060, 1e300)] == [True] * 3


def test_equal_weights_of_classes_are_no_weights() -> None:
    x = np.linspace(-1, 1, 60)
    table = {"x": x, "y": np.where(x + 0.3 * np.sin(40 * x) > 0, "a", "b")}
    plain = cr.train_table(table, "y", epochs=2, hidden=(8,)).outputs(table)
    for factor in (1e-6, 1e9):
        model = cr.train_table(table, "y", epochs=2, hidden=(8,), class_weight={"a": factor, "b": factor})
        np.testing.assert_allclose(model.outputs(table), plain, atol=1e-6)


@pytest.mark.parametrize("unit", [1e-6, 1e9])
def test_an_estimator_that_begins_as_a_linear_model_ignores_the_unit_of_weights(unit) -> None:
    X, T = data(60)
    weight = np.random.default_rng(0).choice([0.0, 1.0, 3.0], size=60)
    mlps = [cr.MLPRegressor(preset="tabular", max_iter=2, random_state=0) for _ in range(2)]
    fitted = [mlp.fit(X, T[:, 0], weight * factor) for mlp, factor in zip(mlps, (1.0, unit), strict=True)]
    assert fitted[0].settings_["start"] == "linear"
    np.testing.assert_allclose(fitted[1].predict(X), fitted[0].predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("gain", "chosen"), [(0.94, WEAKER[0]), (0.96, PENALTIES[-1])])
def test_a_weaker_penalty_in_closed_form_must_leave_a_twentieth_less(monkeypatch, gain, chosen) -> None:
    """Each penalty up to the usual ones is a little better, the first weaker one by the gain, the next is worse."""
    costs = iter([*np.linspace(2, 1, len(PENALTIES)), gain, 9.0])
    monkeypatch.setattr(Examples, "cost", lambda examples, cost: next(costs))
    X, T = data()
    members = Ensemble(cr.Architecture.of([4, 9, 2], "gelu", "identity", "quadratic"))
    net = members.network("he_uniform", 0, "float64")
    rows = RowArrays(X[:150], T[:150], None), RowArrays(X[150:], T[150:], None)
    alpha, _ = linear_start(members, net, *members.checked(net, *rows))
    assert alpha == pytest.approx(chosen * 150)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the name is of an x86 processor")
def test_the_model_that_training_begins_with_depends_on_no_library_of_products() -> None:
    """NumPy's products have other bits on other processors and threads: here on one of 2004, by their own setting."""
    program = """
import numpy as np
import chainrule as cr
rng = np.random.default_rng(0)
X = rng.normal(size=(400, 60))
table = {f"x{k}": column for k, column in enumerate(X.T)} | {"y": X.sum(axis=1) + rng.normal(size=400)}
model = cr.train_table(table, "y", seed=0, epochs=1, dtype="float64")
print((X.T @ X).tobytes().hex(), model.network.theta.tobytes().hex())
"""
    products, models = zip(
        *(
            subprocess.run(
                [sys.executable, "-c", program], env=os.environ | other, capture_output=True, text=True, check=True
            ).stdout.split()
            for other in ({}, {"OPENBLAS_CORETYPE": "Prescott"})
        ),
        strict=True,
    )
    if products[0] == products[1]:
        pytest.skip("NumPy's products are not OpenBLAS's here")
    assert models[0] == models[1]
