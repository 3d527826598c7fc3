"""Who may watch an estimator's training and end it, without changing a bit of it."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)

HAS_CALLBACKS = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) >= (1, 9)
callbacks = pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn has callbacks from 1.9 on")


def mlp(**settings):
    return cr.MLPClassifier(**{"hidden_layer_sizes": 4, "max_iter": 6, "random_state": 0, "batch_size": 20, **settings})


class Seen:
    """Remembers what the hooks are called with; ends training after epoch `last`."""

    def __init__(self, last=None):
        self.last, self.calls, self.scores, self.told = last, [], [], []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name, context.max_subtasks))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, fitted_estimator=None):
        self.calls.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.calls.append(("end", context.task_name, context.task_id))
        self.told.append(metadata)
        self.scores.append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id == self.last


def test_a_callback_sees_the_events_of_training():
    events, costs = [], []
    found = mlp(callback=[events.append, lambda event: costs.append(getattr(event, "cost", None)) and False]).fit(X, Y)
    kinds = [type(event).__name__ for event in events]
    assert kinds[0] == "Started"
    assert kinds[-1] == "Finished"
    assert [event.cost for event in events if isinstance(event, cr.EpochEnd)] == found.loss_curve_
    assert len(costs) == len(events)
    assert found.network_.theta.tolist() == mlp().fit(X, Y).network_.theta.tolist()


def test_a_callback_ends_training_and_it_goes_on_from_there():
    def after_two(event):
        return isinstance(event, cr.EpochEnd) and event.epoch == 1

    ended = mlp(callback=after_two, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        ended.fit(X, Y)
    assert (ended.n_iter_, ended.history_.stopped, ended.stopped_) == (2, "cancelled", False)
    ended.set_params(callback=None, max_iter=4).fit(X, Y)
    assert ended.network_.theta.tolist() == mlp().fit(X, Y).network_.theta.tolist()


def test_a_callback_may_end_training_in_the_middle_of_an_epoch(monkeypatch):
    monkeypatch.setattr("chainrule.training.updates.CALL_SECONDS", 0.0)
    batches = []
    ended = mlp(
        callback=lambda event: (isinstance(event, cr.Progress) and batches.append(event.batch)) or len(batches) == 4
    )
    ended.fit(X, Y)
    assert len(ended.loss_curve_) == 1
    assert ended._state.costs.shape == (1,)
    ended.set_params(callback=None)
    for _ in range(5):
        ended.partial_fit(X, Y)
    assert ended.network_.theta.tolist() == mlp().fit(X, Y).network_.theta.tolist()


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ValueError, match=r"^callback is 3, but must be a callable that takes an event[^\n]*$"):
        mlp(callback=[3]).fit(X, Y)


def test_ctrl_c_keeps_the_weights_of_the_moment():
    def interrupt(event):
        if isinstance(event, cr.EpochEnd) and event.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="training was interrupted: the weights are those of this moment"):
        found = mlp(callback=interrupt).fit(X, Y)
    assert found.n_iter_ == 3
    assert found.network_.theta.tolist() == mlp(max_iter=3).fit(X, Y).network_.theta.tolist()


def test_verbose_prints_a_line_an_epoch_as_scikit_learn_does(capsys):
    found = mlp(verbose=True, early_stopping=True, max_iter=50, tol=1e9, n_iter_no_change=1).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {found.loss_curve_[0]:.8f}"
    assert lines[1] == f"Validation score: {found.validation_scores_[0]:f}"
    assert lines[-1] == "The validation score did not improve by more than tol=1e+09 for 1 epoch in a row. Stopping."
    mlp().fit(X, Y)
    assert capsys.readouterr().out == ""


def test_progress_is_shown_on_stderr_and_changes_no_bit(capsys):
    found = mlp(progress=True).fit(X, Y)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 6/6" in err
    assert found.network_.theta.tolist() == mlp().fit(X, Y).network_.theta.tolist()


@callbacks
def test_scikit_learns_callbacks_see_every_epoch_as_a_task():
    seen = Seen()
    weight = np.ones(len(Y))
    found = mlp().set_callbacks(seen).fit(X, Y, sample_weight=weight)
    epochs = [(kind, "epoch", e) for e in range(6) for kind in ("begin", "end")]
    assert seen.calls == [("setup", "fit", 6), ("begin", "fit", 0), *epochs, ("end", "fit", 0), ("teardown", "fit")]
    assert seen.scores[-1] == found.score(X, Y)
    assert seen.scores[:3] == [mlp(max_iter=e).fit(X, Y).score(X, Y) for e in (1, 2, 3)]
    assert all(told["sample_weight"] is weight for told in seen.told)
    assert found.network_.theta.tolist() == mlp().fit(X, Y).network_.theta.tolist()


@callbacks
def test_a_callback_of_scikit_learn_ends_training():
    found = mlp().set_callbacks(Seen(last=2)).fit(X, Y)
    assert (found.n_iter_, found.history_.stopped) == (3, "cancelled")


@callbacks
def test_scikit_learns_own_monitor_and_its_propagation_through_a_pipeline():
    from sklearn.callback import ScoringMonitor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    monitor = ScoringMonitor(scoring="accuracy")
    found = mlp().set_callbacks(monitor).fit(X, Y)
    scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert scores == [mlp(max_iter=e).fit(X, Y).score(X, Y) for e in range(1, 7)]
    assert found.score(X, Y) == scores[-1]
    inner = Seen()
    make_pipeline(StandardScaler(), mlp().set_callbacks(inner)).fit(X, Y)
    assert [call for call in inner.calls if call[:2] == ("end", "epoch")] == [("end", "epoch", e) for e in range(6)]


@callbacks
def test_callbacks_end_where_training_ends_by_itself_and_are_put_away_after_an_error():
    seen = Seen()
    mlp(tol=1e9, n_iter_no_change=1, max_iter=50).set_callbacks(seen).fit(X, Y)
    assert [call for call in seen.calls if call[0] == "begin"][-1] == ("begin", "epoch", 2)
    assert seen.calls[-2:] == [("end", "fit", 0), ("teardown", "fit")]

    def fail(event):
        raise RuntimeError("mine")

    failing = Seen()
    with pytest.raises(RuntimeError, match="mine"):
        mlp(callback=fail).set_callbacks(failing).fit(X, Y)
    assert failing.calls[-1] == ("teardown", "fit")


@pytest.mark.parametrize(
    "settings",
    [{}, {"tol": 1e9, "n_iter_no_change": 1}, {"early_stopping": True}, {"solver": "lbfgs"}, {"preset": "tabular"}],
    ids=str,
)
def test_a_fit_can_be_diagnosed_however_it_ended(settings):
    found = mlp(**settings).fit(X, Y)
    assert {"start cost", "end cost"} <= set(found.history_.probes)
    if "solver" not in settings:
        assert "end cost" not in found.partial_fit(X, Y).history_.probes  # of weights that are no longer there


def test_the_doctor_sees_what_fit_left():
    found = mlp(
        hidden_layer_sizes=20,
        intercepts_init=[np.full(20, -50.0), np.zeros(1)],
        coefs_init=[np.full((3, 20), 0.1), np.full((20, 1), 0.1)],
    ).fit(X, Y)
    assert "dead units" in [finding.name for finding in found.history_.diagnose()]
