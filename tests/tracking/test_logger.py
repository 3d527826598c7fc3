"""What a logger makes of the events, by one that records what it is to write."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.tracking import Logger
from chainrule.tracking.parameters import parameters_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))
T = X[:, :1] ** 2
TABLE = {"a": X[:, 0], "b": X[:, 1], "y": X[:, 0] * 2 + 1}
CALLS = []  # of all loggers, copies included


class Recorder(Logger):
    def __init__(self, **how):
        super().__init__(**how)
        self._run = None

    def _begin(self, parameters):
        self._run = object()
        CALLS.append(("begin", dict(parameters)))

    def _write(self, epoch, values):
        CALLS.append(("write", epoch, dict(values)))

    def _note(self, notes):
        CALLS.append(("note", dict(notes)))

    def _keep(self, path):
        CALLS.append(("keep", path.name, path.read_bytes()))

    def _end(self, status):
        self._run = None
        CALLS.append(("end", status))


@pytest.fixture
def calls():
    CALLS.clear()
    return CALLS


def words(calls):
    return [call[0] for call in calls]


def fit(net=None, **settings):
    net = cr.Network([3, 5, 1], "tanh", "identity", seed=1) if net is None else net
    return net, cr.fit(net, X, T, **{"epochs": 3, "batch_size": 8} | settings)


def test_a_training_of_a_network(calls):
    _, history = fit(callback=Recorder(parameters={"data": "squares"}), validation=(X, T), metrics={"mae": mae})
    assert words(calls) == ["begin", "write", "write", "write", "note", "end"]
    for epoch, (_, number, values) in enumerate(calls[1:4]):
        assert number == epoch + 1
        assert values.pop("seconds") > 0
        assert values == {
            "cost": history.cost[epoch], "learning_rate": history.rate[epoch],
            "validation/cost": history.validation[epoch], "validation/mae": history.metrics["mae"][epoch],
        }  # fmt: skip
    assert calls[4:] == [
        ("note", {"best_epoch": history.best_epoch + 1, "stopped": "all epochs done"}),
        ("end", "finished"),
    ]
    assert calls[0][1]["data"] == "squares"


def mae(A, T):
    return float(abs(A - T).mean())


def test_the_bits_of_a_training_are_the_same_with_a_logger(calls):
    assert fit()[0].theta.tobytes() == fit(callback=Recorder())[0].theta.tobytes()


def test_parameters_are_the_settings_that_run():
    settings = {
        "optimizer": cr.SGD(0.1, momentum=0.5),
        "clip": cr.Clip(norm=1.0),
        "schedule": cr.Cosine(),
        "dropout": 0.25,
    }
    net = cr.Network([3, 5, 1], "tanh", "identity")
    parameters = parameters_of(next(cr.train(net, X, T, rates={"2": 0.5}, epochs=7, seed=3, **settings)))
    expected = {
        "optimizer": "sgd", "optimizer.learning_rate": 0.1, "optimizer.momentum": 0.5, "optimizer.nesterov": False,
        "schedule": "cosine", "clip.norm": 1.0, "dropout": "(0.25,)", "rates.2": 0.5, "epochs": 7, "seed": 3,
        "rows": 40, "batch_size": 32, "chainrule": cr.__version__,
        "network": "3 inputs → 5 tanh → 1 identity (quadratic)",
    }  # fmt: skip
    assert {name: parameters[name] for name in expected} == expected
    assert parameters["engine"] in ("native", "reference")
    assert "patience" not in parameters
    assert all(isinstance(value, bool | int | float | str) for value in parameters.values())


def test_parameters_of_functions_of_your_own_are_texts():
    def rule(theta, gradient, slots, step, rate):
        return theta - rate * gradient, slots

    settings = {"optimizer": cr.custom_optimizer(rule), "schedule": lambda update, per_epoch, total: 1 / (1 + update)}
    parameters = parameters_of(next(cr.train(cr.Network([3, 1]), X, T * 0, **settings)))
    assert all(isinstance(value, bool | int | float | str) for value in parameters.values())
    assert "optimizer" in parameters


def test_a_descent_and_a_table(calls):
    cr.minimize(lambda v: float(v[0] ** 2), [1.0], max_steps=20, callback=Recorder())
    assert (words(calls)[0], words(calls)[-1]) == ("begin", "end")
    calls.clear()
    with Recorder() as log:
        model = cr.train_table(TABLE, target="y", epochs=3, callback=log, members=1, patience=None)
        log.save(model, "table.safetensors")
    assert words(calls) == ["begin", "write", "write", "write", "note", "keep", "end"]
    assert calls[5][1] == "table.safetensors"


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True, "n_iter_no_change": 1, "tol": 100.0}], ids=str)
def test_an_estimator(calls, settings):
    mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), callback=Recorder(), max_iter=6, random_state=0, **settings).fit(
        X, T[:, 0]
    )
    assert words(calls) == ["begin", *["write"] * mlp.n_iter_, "note", "end"]
    assert [call[2]["cost"] for call in calls if call[0] == "write"] == mlp.loss_curve_
    assert calls[-2][1]["stopped"] == ("patience" if settings else "all epochs done")


def test_clones_of_an_estimator_have_a_run_each(calls):
    mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), callback=Recorder(), max_iter=2, random_state=0)
    GridSearchCV(mlp, {"alpha": [0.0, 0.1]}, cv=2, refit=False).fit(X, T[:, 0])
    assert words(calls) == ["begin", "write", "write", "note", "end"] * 4
    calls.clear()
    with Recorder() as log:
        mlp.set_params(callback=log).fit(X, T[:, 0])
        clone(mlp).fit(X, T[:, 0])
        copy.deepcopy(pickle.loads(pickle.dumps(log)))
        assert words(calls) == ["begin", "write", "write", "note", "begin", "write", "write", "note", "end"]
    assert words(calls)[-1] == "end"


def test_several_trainings_in_one_block_are_one_run(calls):
    mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), random_state=0)
    with Recorder() as log:
        mlp.callback = log
        for _ in range(3):
            mlp.partial_fit(X, T[:, 0])
    assert [call[1] for call in calls if call[0] == "write"] == [1, 2, 3]
    assert words(calls)[0] == "begin"
    assert words(calls).count("begin") == words(calls).count("end") == 1


def test_the_model_is_kept_as_a_file_that_loads(calls, tmp_path):
    with Recorder() as log:
        net, _ = fit(callback=log)
        log.save(net)
        mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), callback=[log], max_iter=2, random_state=0).fit(X, T[:, 0])
        log.save(mlp, "mlp.safetensors")
        assert mlp.callback == [log], "it is left as it was"
    kept = {name: content for word, name, content in (call for call in calls if call[0] == "keep")}
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    assert cr.load(tmp_path / "model.safetensors").theta.tobytes() == net.theta.tobytes()
    again = cr.load(tmp_path / "mlp.safetensors")
    assert (again.callback, again.network_.theta.tobytes()) == (None, mlp.network_.theta.tobytes())


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "failed"), (KeyboardInterrupt, "killed"), (None, "finished")]
)
def test_the_run_says_how_the_block_ended(calls, error, status):
    def training():
        with Recorder() as log:
            fit(callback=log)
            if error is not None:
                raise error

    if error is None:
        training()
    else:
        with pytest.raises(error):
            training()
    assert calls[-1] == ("end", status)


def test_a_training_that_stops_says_why(calls):
    _, history = fit(callback=Recorder(), epochs=50, patience=1, min_delta=100.0, validation=(X, T))
    notes = {"best_epoch": history.best_epoch + 1, "stopped": "patience"}
    assert calls[-2:] == [("note", notes), ("end", "finished")]


def test_a_callback_of_fit_ends_training_by_returning_true():
    _, history = fit(epochs=50, callback=lambda event: isinstance(event, cr.EpochEnd) and event.epoch == 1)
    assert (history.epochs, history.stopped) == (2, "cancelled")
    with pytest.raises(SettingError, match=r"^callback is 3, but must be [^\n]*$"):
        fit(callback=3)


def test_what_cannot_be_saved_is_refused_in_one_line(calls):
    log = Recorder()
    net, _ = fit(callback=log)
    with pytest.raises(SettingError, match=r"^no run is open to save the model in: [^\n]*$"):
        log.save(net)
    with log:
        fit(callback=log)
        for name in ("a/b.safetensors", "", "..", 3):
            with pytest.raises(
                SettingError, match=r"^name is [^\n]*, but must be the name of a file, without folders$"
            ):
                log.save(net, name)
        with pytest.raises(SettingError, match=r"^a list cannot be saved: [^\n]*$"):
            log.save([])
    with pytest.raises(SettingError, match=r"^parameters is 3, but must be values by name, or None$"):
        Recorder(parameters=3)
