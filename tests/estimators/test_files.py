"""Estimators through files: all that pickle keeps comes back, training goes on in the same bits, and nothing is run."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import sklearn

import chainrule as cr
from chainrule.errors import ModelFileError, SettingError
from chainrule.files.container import read, write

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
NUMBERS = {"number": X[:, 0], "numbers": X[:, :2]}
LABELS = {
    "binary": np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)],
    "multiclass": np.array(["a", "b", "c"], object)[RNG.integers(0, 3, 60)],
    "whole": RNG.integers(3, 6, 60).astype("int16"),
    "multilabel": RNG.integers(0, 2, (60, 3)),
    "multioutput": np.stack([RNG.integers(0, 2, 60), RNG.integers(5, 8, 60)], axis=1),
}


def estimator(y, **settings):
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    return kind(**{"hidden_layer_sizes": (5, 4), "max_iter": 3, "batch_size": 20, "random_state": 1} | settings)


def through(found, tmp_path):
    cr.save(found, tmp_path / "e.safetensors")
    return cr.load(tmp_path / "e.safetensors")


def attributes(found):
    """Everything that it has, arrays as bytes."""

    def plain(value):
        if isinstance(value, np.ndarray):
            return value.dtype.kind, value.tolist()
        if isinstance(value, cr.Network):
            return (
                repr(value),
                value.theta.tobytes(),
                [None if m is None else m.tolist() for m in value.architecture.masks],
            )
        if isinstance(value, list | tuple):
            return [plain(part) for part in value]
        return {k: plain(v) for k, v in vars(value).items()} if hasattr(value, "__dict__") else repr(value)

    return {name: plain(value) for name, value in vars(found).items()}


@pytest.mark.parametrize("target", [*NUMBERS, *LABELS])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_everything_comes_back_and_training_goes_on_in_the_same_bits(target, early_stopping, tmp_path):
    y = (NUMBERS | LABELS)[target]
    found = estimator(y, early_stopping=early_stopping).fit(X, y)
    again = through(found, tmp_path)
    assert type(again) is type(found)
    assert attributes(again) == attributes(pickle.loads(pickle.dumps(found)))
    assert repr(again.get_params()) == repr(found.get_params())
    for _ in range(2):
        np.testing.assert_array_equal(again.predict(X), found.predict(X))
        assert again.network_.theta.tobytes() == found.network_.theta.tobytes()
        assert again._state.run.theta.tobytes() == found._state.run.theta.tobytes()
        again.partial_fit(X, y)
        found.partial_fit(X, y)


GOLDEN = Path(__file__).parents[1] / "files" / "golden" / "estimator-1.safetensors"
ROWS = [[0.0, 1.0, -1.0], [1.0, 0.5, 0.25]]


def golden_estimator():
    """What the golden file was written from."""
    y = LABELS["multiclass"]
    found = estimator(
        y, early_stopping=True, solver=cr.SGD(0.5, momentum=0.5), class_weight={"a": 2.0}, clip=cr.Clip(norm=1)
    )
    return found.fit(X.astype("float32"), y)


def test_the_golden_file_still_loads_answers_and_goes_on():
    """Written by `cr.save(golden_estimator(), GOLDEN)` when estimators first had files."""
    found = cr.load(GOLDEN)
    assert isinstance(found, cr.MLPClassifier)
    assert found.solver == cr.SGD(0.5, momentum=0.5)
    assert (found.n_iter_, found.t_, found.seed_, found.stopped_) == (3, 162, 1, False)
    expected = [[0.29367340, 0.32863629, 0.37769029], [0.34353259, 0.28555208, 0.37091526]]
    np.testing.assert_allclose(found.predict_proba(ROWS), expected, rtol=1e-5)
    assert found.predict(ROWS).tolist() == ["c", "c"]
    assert len(found.partial_fit(X.astype("float32"), LABELS["multiclass"]).loss_curve_) == 4


def test_the_same_estimator_gives_the_same_bytes(tmp_path):
    found = estimator(X[:, 0]).fit(X, X[:, 0])
    cr.save(found, tmp_path / "a")
    cr.save(cr.load(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_parameters_of_every_kind_come_back(tmp_path):
    given = {
        "hidden_layer_sizes": [5, 4],
        "activation": ["tanh", {"name": "elu", "alpha": 0.5}],
        "solver": cr.SGD(0.1, momentum=0.5),
        "learning_rate": cr.Cosine(),
        "clip": cr.Clip(norm=1.0),
        "cost": {"name": "huber", "delta": 2.0},
        "dropout": [0.1, 0.0],
        "n_iter_no_change": np.inf,
        "masks": [np.ones((3, 5)), None, None],
        "coefs_init": [np.full((3, 5), 0.1), np.full((5, 4), 0.1), np.full((4, 1), 0.1)],
        "intercepts_init": [np.zeros(5), np.zeros(4), np.zeros(1)],
        "alpha": np.float32(0.5),
        "dtype": "float32",
    }
    found = estimator(X[:, 0], **given).fit(X, X[:, 0])
    again = through(found, tmp_path)
    assert again.get_params().keys() == found.get_params().keys()
    for name, value in found.get_params().items():
        assert repr(again.get_params()[name]) == repr(0.5 if name == "alpha" else value), name
    assert again.network_.architecture.describe() == found.network_.architecture.describe()


@pytest.mark.parametrize("kind", [np.float32, np.dtype("float32")])
def test_types_come_back_as_their_names(kind, tmp_path):
    assert through(cr.MLPRegressor(dtype=kind), tmp_path).dtype == "float32"


def test_what_is_not_fitted_or_has_not_seen_data_comes_back_too(tmp_path):
    again = through(cr.MLPRegressor(alpha=0.5), tmp_path)
    assert again.alpha == 0.5
    assert not hasattr(again, "network_")
    found = cr.MLPClassifier((4,), random_state=2).initialize(3, classes=["a", "b"])
    again = through(found, tmp_path)
    assert again.predict(X).tolist() == found.predict(X).tolist()
    again.partial_fit(X, np.where(X[:, 0] > 0, "a", "b"))


def test_what_was_requested_of_metadata_routing_comes_back(tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        found = (
            cr.MLPClassifier().set_fit_request(sample_weight=True, X_val="held").set_score_request(sample_weight=False)
        )
        again = through(found, tmp_path)
        assert repr(again.get_metadata_routing()) == repr(found.get_metadata_routing())
        assert repr(again.get_metadata_routing()) != repr(cr.MLPClassifier().get_metadata_routing())


def test_callbacks_of_scikit_learn_are_refused(tmp_path):
    callback = pytest.importorskip("sklearn.callback", reason="this scikit-learn has no callbacks")
    found = cr.MLPRegressor().set_callbacks(callback.ProgressBar())
    with pytest.raises(SettingError, match=r"^callbacks were set, .* take them off by set_callbacks\(\[\]\)$"):
        cr.save(found, tmp_path / "e.safetensors")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"callback": print}, "callback.* is 'print'"),
        ({"scoring": lambda e, X, y: 1.0, "early_stopping": True}, "scoring.* is '<lambda>'"),
        ({"activation": np.tanh}, "tanh.* is your own function"),
        ({"random_state": np.random.RandomState(0)}, "random_state is 'RandomState'"),
    ],
)
def test_functions_of_your_own_are_refused_in_one_line(settings, words, tmp_path):
    found = estimator(X[:, 0], **settings).fit(X, X[:, 0])
    with pytest.raises(SettingError, match=rf"^[^\n]*{words}[^\n]*$"):
        cr.save(found, tmp_path / "e.safetensors")
    assert not (tmp_path / "e.safetensors").exists()


def test_a_class_of_your_own_is_refused(tmp_path):
    class Mine(cr.MLPRegressor):
        pass

    with pytest.raises(SettingError, match="Mine is a class of your own"):
        cr.save(Mine(), tmp_path / "e.safetensors")


def changed(tmp_path, change):
    """A file of a fitted estimator whose document `change` has written into."""
    found = estimator(LABELS["binary"], early_stopping=True).fit(X, LABELS["binary"])
    cr.save(found, tmp_path / "e.safetensors")
    content = read(tmp_path / "e.safetensors")
    document, tensors = json.loads(json.dumps(content.document)), dict(content.tensors)
    change(document, tensors)
    write(tmp_path / "e.safetensors", document, tensors)
    return tmp_path / "e.safetensors"


def attribute(name, value):
    def change(document, tensors):
        document["fitted"]["attributes"] = [[k, value if k == name else v] for k, v in document["fitted"]["attributes"]]

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda d, t: d.update({"class": "os.system"}),
        lambda d, t: d.update({"class": ["MLPClassifier"]}),
        lambda d, t: d.pop("class"),
        lambda d, t: d["parameters"].append(["evil", 1]),
        lambda d, t: d["parameters"].append(["solver", {"is": "pickle", "of": "gASV"}]),
        lambda d, t: d.update({"parameters": 3}),
        lambda d, t: d["parameters"].append([{"is": "tuple", "of": [1]}, 1]),
        lambda d, t: d.update({"fitted": 3}),
        lambda d, t: d.update({"requests": {"fit": {"sample_weight": "not a name"}}}),
        lambda d, t: d.update({"requests": {"fit": {"X; import os": True}, "partial_fit": {}, "score": 3}}),
        lambda d, t: d["fitted"]["attributes"].append(["__class__", 3]),
        lambda d, t: d["fitted"]["attributes"].append(["fit", 3]),
        lambda d, t: d["fitted"]["attributes"].pop(),
        attribute("seed_", -1),
        attribute("n_iter_", 2.5),
        attribute("t_", True),
        attribute("stopped_", 1),
        attribute("n_features_in_", 4),
        lambda d, t: d["fitted"]["targets"].update({"is": "other"}),
        lambda d, t: d["fitted"]["targets"]["of"].update({"columns": 3}),
        lambda d, t: d["fitted"]["state"].update({"epoch": 99}),
        lambda d, t: d["fitted"]["state"].pop("history"),
        lambda d, t: t.update({"state.theta": t["state.theta"][1:]}),
        lambda d, t: t.update({"layers.2.W": t["layers.2.W"][1:]}),
        lambda d, t: t.pop("state.slots"),
    ],
)  # fmt: skip
def test_damaged_parts_are_refused_in_one_line(change, tmp_path):
    path = changed(tmp_path, change)
    with pytest.raises(ModelFileError, match=r"^[^\n]+$"):
        cr.load(path)


def test_an_unchanged_copy_loads(tmp_path):
    assert cr.load(changed(tmp_path, lambda d, t: None)).predict(X).shape == (60,)
