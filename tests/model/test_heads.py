"""Which outputs and costs targets take, and that answers come back in the targets' own units whatever these are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import PoissonRegressor

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.costs import COSTS
from chainrule.errors import ChainruleError, DataError, ModelFileError, SettingError
from chainrule.files import load, save
from chainrule.model.heads import choose, suits

EXACT = {"optimizer": "lbfgs", "epochs": 500, "dtype": "float64", "hidden": (), "validation": 0}


def counts(n: int = 400) -> dict[str, Any]:
    """Rows whose `seen` is a count with mean exp(1 + x - y / 2)."""
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, n))
    return {"x": x, "y": y, "seen": rng.poisson(np.exp(1 + x - y / 2)).astype(float) + 0.5 * (x > 2)}


@pytest.mark.parametrize(
    ("kind", "output", "cost", "expected"),
    [
        ("classes", None, None, ("softmax", "cross_entropy")),
        ("classes", "sigmoid", None, ("sigmoid", "binary_cross_entropy")),
        ("classes", None, "binary_cross_entropy", ("sigmoid", "binary_cross_entropy")),
        ("classes", None, "quadratic", ("softmax", "quadratic")),
        ("classes", "sigmoid", "quadratic", ("sigmoid", "quadratic")),
        ("numbers", None, None, ("identity", "quadratic")),
        ("numbers", None, "huber", ("identity", "huber")),
        ("numbers", None, "poisson", ("exp", "poisson")),
        ("numbers", "exp", None, ("exp", "poisson")),
        ("numbers", "softplus", "poisson", ("softplus", "poisson")),
        ("numbers", "softplus", None, ("softplus", "quadratic")),
        ("numbers", "sigmoid", None, ("sigmoid", "binary_cross_entropy")),
    ],
)
def test_what_is_left_out_follows_from_the_rest(kind: str, output: Any, cost: Any, expected: tuple[str, str]) -> None:
    found = choose(kind, output, cost)
    assert (found.output.name, found.cost.name) == expected


@pytest.mark.parametrize(
    ("kind", "output", "cost", "said"),
    [
        ("classes", "identity", None, "softmax or sigmoid"),
        ("classes", "tanh", "quadratic", "softmax or sigmoid"),
        ("classes", None, "poisson", "is for numbers"),
        ("classes", None, "quantile", "is for numbers"),
        ("classes", "sigmoid", "cross_entropy", "sum to 1"),
        ("numbers", "softmax", None, "does not suit numbers"),
        ("numbers", "elu", None, "does not suit numbers"),
        ("numbers", None, "cross_entropy", "is for classes"),
        ("numbers", "identity", "poisson", "needs outputs in"),
        ("numbers", "relu", "poisson", "needs outputs in"),
    ],
)
def test_what_makes_no_sense_is_refused(kind: str, output: Any, cost: Any, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        choose(kind, output, cost)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_every_pair_makes_a_network_or_is_refused_in_one_line(kind: str) -> None:
    table = counts(40)
    table["seen"] = np.arange(40.0) / 39 if kind == "numbers" else ["a", "b"] * 20
    made = 0
    for output in ACTIVATIONS.names():
        for cost in COSTS.names():
            try:
                model = cr.train_table(table, "seen", output=output, cost=cost, epochs=1, hidden=(3,))
            except ChainruleError as error:
                assert "\n" not in str(error)  # noqa: PT017
            else:
                made += 1
                assert np.isfinite(model.outputs(table)).all()
    classes = 5 + 4  # softmax with all but poisson and quantile; sigmoid with these but cross_entropy
    # Twelve activations, whose range does not end just below 0, with four costs; costs with logarithms where it allows;
    # the identity with the gaussian cost.
    numbers = 12 * 4 + 1 + 3 + 1
    assert made == {"classes": classes, "numbers": numbers}[kind]


def test_poisson_regression_is_that_of_scikit_learn() -> None:
    """Counts are divided by their mean and never shifted, which changes the cost by a factor alone."""
    table = counts()
    model = cr.train_table(table, "seen", task="regression", cost="poisson", **EXACT)
    X = np.stack([table["x"], table["y"]], axis=1)
    peer = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(X, table["seen"])
    np.testing.assert_allclose(model.predict(table), peer.predict(X), rtol=1e-4)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
def test_the_unit_of_a_target_changes_no_answer(unit: float) -> None:
    table, found = counts(), []
    for factor in (1.0, unit):
        scaled = {**table, "seen": table["seen"] * factor}
        model = cr.train_table(scaled, "seen", cost="poisson", task="regression", epochs=3, dtype="float64")
        found.append(model.predict(table) / factor)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_a_quantile_has_its_share_of_rows_below(q: float) -> None:
    table = counts(2000)
    table["seen"] = table["x"] + np.random.default_rng(1).exponential(size=2000)
    settings = {"epochs": 60, "learning_rate": 0.01, "members": 1}
    model = cr.train_table(table, "seen", cost={"name": "quantile", "q": q}, **settings)
    assert np.mean(table["seen"] <= model.predict(table)) == pytest.approx(q, abs=0.05)


@pytest.mark.parametrize(("output", "low", "high"), [("sigmoid", 0.0, 1.0), ("tanh", -1.0, 1.0), ("softplus", 0, 9)])
def test_bounded_outputs_take_numbers_as_they_are(output: str, low: float, high: float) -> None:
    x = np.linspace(-2, 2, 200)
    table = {"x": x, "y": low + (high - low) / (1 + np.exp(-2 * x))}
    model = cr.train_table(table, "y", output=output, epochs=200, learning_rate=0.01, members=1)
    found = model.predict(table)
    assert abs(found - table["y"]).max() < 0.1 * (high - low)
    assert found.min() >= low
    assert (model.targets.columns[0].mean, model.targets.columns[0].scale == 1) == (0, output != "softplus")


@pytest.mark.parametrize(
    ("output", "values"), [("sigmoid", [0.0, 2.0]), ("tanh", [-3.0, 1.0]), ("exp", [-1.0, 5.0]), ("exp", [-9.0, 1.0])]
)
def test_numbers_that_the_outputs_cannot_reach_are_refused(output: str, values: list[float]) -> None:
    with pytest.raises(DataError, match=f"target 'y'.*output '{output}'.*choose output 'identity'"):
        cr.train_table({"x": range(40), "y": np.linspace(*values, 40)}, "y", output=output, cost="quadratic")


def test_independent_outputs_of_classes_become_probabilities() -> None:
    table = {"x": list(range(60)), "y": ["a", "b", "c"] * 20}
    model = cr.train_table(table, "y", output="sigmoid", epochs=3, start="random")
    outputs = model.network.predict(model.encoder.encode(cr_table(table)))
    assert abs(outputs.sum(axis=1) - 1).max() > 0.01
    chances = np.stack(list(model.probabilities(table).values()), axis=1)
    np.testing.assert_allclose(chances, outputs / outputs.sum(axis=1, keepdims=True), rtol=1e-6)
    assert np.isfinite(model.evaluate(table)["targets"]["y"]["log_loss"])


def cr_table(table: Any) -> Any:
    from tests.tables.reading import read_table

    return read_table(table)


def test_outputs_that_say_nothing_make_classes_alike() -> None:
    table = {"x": list(range(60)), "y": ["a", "b", "c"] * 20}
    model = cr.train_table(table, "y", output="sigmoid", epochs=1)
    model.network.theta[...] = 0
    model.network.b[-1][...] = -1000
    assert set(model.outputs(table).ravel().tolist()) == {np.float32(1 / 3)}


def test_models_of_every_kind_of_output_come_back_from_their_files(tmp_path: Path) -> None:
    table = {**counts(60), "word": ["a", "b"] * 30, "part": np.linspace(0, 1, 60)}
    cases = [("seen", "poisson", "exp"), ("word", "quadratic", "sigmoid"), ("part", "quadratic", "sigmoid")]
    for k, (target, cost, output) in enumerate(cases):
        model = cr.train_table(table, target, cost=cost, output=output, task="auto", epochs=2)
        model.save(tmp_path / f"{k}.safetensors")
        back = load(tmp_path / f"{k}.safetensors")
        assert back.predict(table).tolist() == model.predict(table).tolist()


def test_a_file_whose_outputs_do_not_suit_its_targets_is_refused(tmp_path: Path) -> None:
    model = cr.train_table({"x": range(40), "y": ["a", "b"] * 20}, "y", epochs=1)
    model.network = cr.Network([1, 100, 2], "relu", output="identity")
    save(model, tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="output 'identity' does not suit the classes of 'y'"):
        load(tmp_path / "m.safetensors")


def test_targets_of_both_kinds_share_no_output() -> None:
    with pytest.raises(SettingError, match="leave both out"):
        cr.train_table({"x": range(40), "y": ["a", "b"] * 20, "z": range(40)}, ["y", "z"], cost="quadratic")


def test_functions_of_your_own_count_by_their_range() -> None:
    def square(Z: Any) -> Any:
        return Z * Z

    assert suits("numbers", ACTIVATIONS.get(square))
    assert not suits("classes", ACTIVATIONS.get(square))
    assert not suits("numbers", cr.custom_activation(np.square, values=(-1.0, np.inf)))  # as elu, which ends at -1
    assert suits("numbers", cr.custom_activation(np.square, values=(0.0, np.inf)))
    model = cr.train_table(counts(60), "seen", cost=lambda A, T: (A - T) ** 4, task="regression", epochs=1)
    assert np.isfinite(model.predict(counts(60))).all()
