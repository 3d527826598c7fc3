"""Linear models in which most weights are 0."""

import numpy as np

import chainrule as cr
from chainrule.engines import choose
from chainrule.examples import as_examples
from chainrule.model import few_weights
from chainrule.model.few_weights import sparse_path


def path(X: np.ndarray, T: np.ndarray, output: str, cost: str) -> dict[float, cr.Network]:
    """The networks of a path by their l1."""
    width = T.shape[1] if T.ndim == 2 else int(T.max()) + 1
    net = cr.Network([X.shape[1], width], output=output, cost=cost, initializer="zeros", dtype="float64")
    net.theta[...] = 0
    examples = as_examples(net.architecture, X, T, None, net.dtype)
    return dict(sparse_path(net, examples, choose("auto", net.architecture), lambda: False))


def test_the_models_are_those_of_the_lasso(monkeypatch) -> None:
    from sklearn.linear_model import Lasso

    monkeypatch.setattr(few_weights, "STEPS", 500)
    monkeypatch.setattr(few_weights, "_ROUNDING", 1e-12)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 30))
    y = X[:, :3] @ [2.0, -1.0, 0.5] + rng.normal(size=80)
    models = path(X, y[:, None], "identity", "quadratic")
    assert len(models) == len(few_weights.SHARES)
    for l1, net in models.items():
        lasso = Lasso(alpha=l1, tol=1e-10, max_iter=100_000).fit(X, y)
        np.testing.assert_allclose(net.W[0][:, 0], lasso.coef_, atol=1e-5)
        assert (net.W[0][:, 0] == 0).tolist() == (lasso.coef_ == 0).tolist()


def test_classes_that_hang_on_three_of_five_hundred_columns_are_learned(monkeypatch) -> None:
    """The reason for all this: by L2 alone the 497 others drown the three."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(450, 500))
    table = {f"x{k}": x for k, x in enumerate(X.T)}
    y = np.where(X[:, :3].sum(axis=1) + 0.3 * rng.normal(size=450) > 0, "a", "b")
    rows = {name: x[:150] for name, x in table.items()} | {"y": y[:150]}
    new = {name: x[150:] for name, x in table.items()}

    def accuracy() -> float:
        return float((cr.train_table(rows, "y", epochs=1, members=3, hidden=(16,)).predict(new) == y[150:]).mean())

    sparse = accuracy()
    monkeypatch.setattr("chainrule.model.warm_start.may_gain", lambda rows, inputs: False)
    assert sparse > 0.88 > 0.80 > accuracy()
