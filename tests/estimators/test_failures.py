"""What a call that fails leaves: what was there before it or, where training diverged, the last good weights."""

import numpy as np
import pytest

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
KINDS = [{}, {"early_stopping": True}, {"preset": "tabular"}]


def mlp(**settings):
    return cr.MLPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **settings})


def learnt(estimator):
    """Everything that is not a parameter."""
    return {name: value for name, value in vars(estimator).items() if name not in estimator.get_params()}


def fail(event):
    if isinstance(event, cr.EpochEnd) and event.epoch % 5 == 2:
        raise RuntimeError("the disk is full")


@pytest.mark.parametrize("settings", KINDS)
def test_a_first_fit_that_fails_has_fitted_nothing(settings):
    found = mlp(callback=fail, **settings)
    with pytest.raises(RuntimeError, match="the disk is full"):
        found.fit(X, Y)
    assert learnt(found) == {}


@pytest.mark.parametrize("settings", KINDS)
def test_a_fit_that_fails_leaves_what_was_learnt_before(settings):
    found = mlp(**settings).fit(X, Y)
    before, answers = learnt(found), found.predict_proba(X)
    with pytest.raises(RuntimeError, match="the disk is full"):
        found.set_params(callback=fail).fit(X[:, :2], 1 - Y)
    assert learnt(found) == before
    assert found.predict_proba(X).tolist() == answers.tolist()


@pytest.mark.parametrize("settings", KINDS)
def test_training_goes_on_after_a_failure_as_if_there_had_been_none(settings):
    found, smooth = (mlp(warm_start=True, **settings).fit(X, Y) for _ in range(2))
    with pytest.raises(RuntimeError, match="the disk is full"):
        found.set_params(callback=fail).fit(X, Y)
    again = found.set_params(callback=None).fit(X, Y)
    assert again.network_.theta.tolist() == smooth.fit(X, Y).network_.theta.tolist()
    assert again.loss_curve_ == smooth.loss_curve_


@pytest.mark.parametrize("preset", [None, "tabular"])
def test_a_divergence_keeps_its_last_good_weights(preset):
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "validation_fraction": 0.0, "preset": preset}
    found = cr.MLPRegressor(solver=cr.SGD(1e3), max_iter=200, **settings)
    with pytest.raises(ValueError, match="diverged"):
        found.fit(X, X @ [1.0, 2.0, 3.0])
    assert found.history_.stopped == "diverged"
    assert found.n_iter_ == found.history_.epochs > 0
    assert np.isfinite(found.predict(X)).all()


@pytest.mark.parametrize("presets", [(None, "tabular"), ("tabular", None)])
def test_the_preset_cannot_change_on_the_way(presets):
    found = mlp(preset=presets[0], warm_start=True).fit(X, Y).set_params(preset=presets[1])
    for go_on in (found.fit, found.partial_fit):
        with pytest.raises(ValueError, match=r"^preset is .*, but must be what the network to go on from has[^\n]*$"):
            go_on(X, Y)
    assert found.set_params(warm_start=False).fit(X, Y).n_iter_ == 5
