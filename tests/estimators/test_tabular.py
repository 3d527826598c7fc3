"""preset="tabular": any table, settings that suit it, parameters that override them, and everything else as ever."""

import json
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.errors import ChainruleError, DataError, ModelFileError, SettingError
from chainrule.examples import folds
from chainrule.files.container import read, write
from chainrule.model import TableSettings, TableTraining
from chainrule.model.preset import DECAY
from chainrule.optimizers import LBFGS, AdamW
from chainrule.training import EpochEnd

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
N = 60
FRAME = pd.DataFrame(
    {
        "size": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N)),
        "colour": RNG.choice(["red", "blue", "green"], N).astype(object),
        "when": pd.date_range("2020-01-01", periods=N, freq="11D"),
        "open": RNG.random(N) < 0.5,
    }
)
FRAME.loc[3, "colour"] = None
WORDS = np.where(FRAME["colour"] == "red", "warm", "cold")
NUMBERS = (1e6 * (2 + FRAME["open"] + (FRAME["colour"] == "red"))).to_numpy()
TARGETS = {
    "binary": WORDS,
    "multiclass": np.where(FRAME["open"], WORDS, "shut"),
    "multilabel": np.stack([FRAME["open"], FRAME["colour"] == "red"], axis=1).astype(int),
    "multioutput": np.stack([WORDS, np.where(FRAME["open"], "open", "shut")], axis=1),
    "number": NUMBERS,
    "numbers": np.stack([NUMBERS, 1.0 * FRAME["open"]], axis=1),
}
ALONE = {"hidden_layer_sizes": (3,)}  # one network, which no linear model begins: quickly trained


def estimator(target, **settings):
    kind = cr.MLPRegressor if TARGETS[target].dtype.kind == "f" else cr.MLPClassifier
    return kind(**{"preset": "tabular", "max_iter": 8, "random_state": 1} | settings)


def same(a, b):
    return (
        a.network_.theta.tobytes() == b.network_.theta.tobytes()
        and a._state.run.theta.tobytes() == b._state.run.theta.tobytes()
        and (a.n_iter_, a.t_, a.loss_curve_, a.validation_scores_)
        == (b.n_iter_, b.t_, b.loss_curve_, b.validation_scores_)
    )


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_any_table_and_any_target(target):
    y = TARGETS[target]
    found = estimator(target, max_iter=40, hidden_layer_sizes=(16,)).fit(FRAME, y)
    assert found.score(FRAME, y) > 0.9
    assert found.predict(FRAME).shape == y.shape
    assert found.feature_names_in_.tolist() == list(FRAME)
    assert (found.n_features_in_, len(found.input_names_)) == (4, found.network_.sizes[0])
    assert {"size", "size missing", "colour=red"} < set(found.input_names_)
    assert found.input_gradients(FRAME, y).shape == (N, len(found.input_names_))
    assert found.hidden_activations(FRAME, 2).shape == (N, found.network_.sizes[1])


def test_the_same_columns_in_another_form_are_the_same_table():
    expected = estimator("binary", **ALONE).fit(FRAME, WORDS)
    plain = {name: FRAME[name].where(FRAME[name].notna(), None).tolist() for name in FRAME}
    for form in (pa.Table.from_pandas(FRAME), plain):
        assert same(estimator("binary", **ALONE).fit(form, WORDS), expected)
    back = {name: plain[name] for name in reversed(plain)}
    np.testing.assert_array_equal(expected.predict_proba(back), expected.predict_proba(FRAME))
    polars = pytest.importorskip("polars", reason="polars is not installed")
    assert same(estimator("binary", **ALONE).fit(polars.from_pandas(FRAME), WORDS), expected)


def test_a_file_is_a_table(tmp_path):
    FRAME.drop(columns="when").to_csv(tmp_path / "t.csv", index=False)
    found = estimator("binary", **ALONE).fit(tmp_path / "t.csv", WORDS)
    assert found.predict(tmp_path / "t.csv").tolist() == found.predict(FRAME.drop(columns="when")).tolist()


def test_arrays_of_objects_of_numbers_and_sparse_matrices():
    mixed = FRAME[["size", "colour"]].to_numpy(dtype=object)
    found = estimator("binary", **ALONE).fit(mixed, WORDS)
    assert {"x0", "x1=red"} < set(found.input_names_)
    numbers = np.stack([FRAME["open"], RNG.normal(size=N) * (RNG.random(N) < 0.5)], axis=1).astype(float)
    dense, thin = (estimator("number", **ALONE).fit(form, NUMBERS) for form in (numbers, sparse.csr_matrix(numbers)))
    assert same(dense, thin)
    words = np.array([["a", 1], ["b", "two"], [None, 3.5]] * 20, dtype=object)
    assert "x1=two" in estimator("binary", **ALONE).fit(words, WORDS).input_names_


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, bool, object])
def test_a_masked_cell_is_a_missing_cell(dtype):
    values = np.stack([np.arange(N) % 2, np.arange(N) // 7], axis=1).astype(dtype)
    mask = np.zeros((N, 2), dtype=bool)
    mask[[3, 20], [0, 1]] = True
    gaps = values.astype(object) if dtype in (bool, object) else values.astype(np.result_type(dtype, np.float32))
    gaps[mask] = None if gaps.dtype == object else np.nan
    masked = np.ma.masked_array(values, mask)
    a, b = (estimator("number", **ALONE).fit(form, NUMBERS) for form in (masked, gaps))
    assert same(a, b)
    assert a.predict(masked).tobytes() == b.predict(gaps).tobytes()
    with pytest.raises(DataError, match="X has a masked value in row 3"):
        cr.MLPRegressor(max_iter=1).fit(np.ma.masked_array(values.astype(float), mask), NUMBERS)


def test_unseen_words_and_missing_cells_have_an_answer():
    found = estimator("number", **ALONE).fit(FRAME, NUMBERS)
    strange = FRAME.head(3).assign(colour="violet", size=np.nan)
    assert np.isfinite(found.predict(strange)).all()


def test_numbers_over_many_decades_are_learnt_as_logarithms():
    x = np.linspace(0, 1, 200)
    y = 10 ** (10 * x)
    found = estimator("number", max_iter=60, hidden_layer_sizes=(12,)).fit({"x": x}, y)
    assert np.abs(np.log10(found.predict({"x": x}) / y)).max() < 0.5
    assert estimator("number", cost="absolute", **ALONE).fit({"x": x}, y)._targets.outputs != found._targets.outputs


# --- settings --------------------------------------------------------------------------------------------------------


def test_what_is_at_its_default_follows_from_the_preset_and_anything_else_holds():
    usual = cr.MLPClassifier(preset="tabular", random_state=0)
    small = usual.fit(FRAME, WORDS).settings_
    assert isinstance(small["solver"], AdamW)
    assert small["members"] > 1
    assert small["start"] == "linear"
    asked = {"hidden_layer_sizes": (7,), "activation": "tanh", "solver": cr.SGD(0.1), "batch_size": 10, "max_iter": 3,
             "alpha": 0.5, "dropout": 0.1, "n_iter_no_change": 5, "learning_rate": cr.Cosine()}  # fmt: skip
    found = clone(usual).set_params(**asked).fit(FRAME, WORDS)
    assert {name: found.settings_[name] for name in asked if name != "activation"} == {
        name: value for name, value in asked.items() if name != "activation"
    }
    assert found.network_.architecture.describe().startswith(f"{len(found.input_names_)} inputs → 7 tanh → 1 sigmoid")
    assert (found.settings_["members"], found.n_iter_) == (1, 3)
    assert found.get_params()["hidden_layer_sizes"] == (7,)
    assert clone(usual).set_params(learning_rate_init=0.5, beta_1=0.5, max_iter=2).fit(FRAME, WORDS).settings_[
        "solver"
    ] == AdamW(0.5, beta1=0.5, weight_decay=DECAY), "max_iter is the user's, so that no trial is made"
    own = clone(usual).set_params(solver=cr.SGD(0.1), learning_rate_init=0.5, max_iter=1)  # an object has its own rate
    assert own.fit(FRAME, WORDS).settings_["solver"] == cr.SGD(0.1)


@pytest.mark.parametrize(
    ("settings", "members"),
    [({}, True), ({"validation_fraction": 0.3}, False), ({"scoring": "accuracy"}, False), ({"solver": "lbfgs"}, False)],
    ids=str,
)
def test_several_networks_where_each_may_leave_out_a_part(settings, members):
    found = estimator("binary", **settings).fit(FRAME, WORDS)
    assert (found.settings_["members"] > 1) == members
    assert found.coefs_[0].shape[0] == len(found.input_names_)
    if "scoring" in settings:
        assert found.history_.monitor == "score"
    if "solver" in settings:
        assert isinstance(found._rule, LBFGS)


def test_the_lowest_loss_chooses_without_the_preset_too():
    X = RNG.normal(size=(N, 2))
    mlp = cr.MLPClassifier(early_stopping=True, scoring="loss", learning_rate_init=0.05, max_iter=60, random_state=0)
    history = mlp.fit(X, X[:, 0] > RNG.normal(size=N)).history_
    assert history.best_epoch == np.argmin(history.validation) < history.epochs - 1
    assert mlp.best_loss_ is None
    assert len(mlp.validation_scores_) == mlp.n_iter_


def test_an_own_validation_set_chooses():
    held = FRAME.tail(20), WORDS[-20:]
    found = estimator("binary").fit(FRAME.head(40), WORDS[:40], X_val=held[0], y_val=held[1])
    assert (found.settings_["members"], found.history_.monitor) == (1, "cost")
    best = found.history_.best_epoch
    assert found.history_.validation[best] == min(found.history_.validation)
    cost = found.network_.cost(found._inputs(held[0]), found._targets.encode(held[1]))
    assert cost == pytest.approx(found.history_.validation[best], rel=1e-6)


def test_an_own_validation_set_chooses_for_the_fewest_rows_too():
    found = estimator("number").fit(FRAME.head(5), NUMBERS[:5], X_val=FRAME.tail(9), y_val=NUMBERS[-9:])
    assert found.settings_["early_stopping"]
    assert not estimator("number").fit(FRAME.head(5), NUMBERS[:5]).settings_["early_stopping"]


def test_the_merged_network_is_the_mean_of_the_members():
    found = estimator("multiclass").fit(FRAME, TARGETS["multiclass"])
    X, K = found._inputs(FRAME), found.settings_["members"]
    wide = found._trained.predict(X).reshape(N, K, -1)
    mean = np.exp(np.log(wide).mean(axis=1))
    np.testing.assert_allclose(found.predict_proba(FRAME), mean / mean.sum(axis=1, keepdims=True), rtol=1e-4)
    assert found._trained.sizes[1] == K * found.settings_["hidden_layer_sizes"][0]


def test_each_row_is_validated_by_the_member_that_has_not_seen_it():
    y = RNG.choice(["no", "yes"], N)  # nothing can be learnt, so that members and rows differ
    found = estimator("binary").fit(FRAME, y)
    K, best = found.settings_["members"], found.history_.best_epoch
    fold = folds(found.seed_, K, N, y)
    p = found._trained.predict(found._inputs(FRAME))[np.arange(N), fold]
    losses = -np.log(np.where(y == "yes", p, 1 - p))
    assert losses.mean() == pytest.approx(found.history_.validation[best], rel=1e-5)
    assert best == np.argmin(found.history_.validation)
    right = (p > 0.5) == (y == "yes")
    assert right.mean() == pytest.approx(found.validation_scores_[best])
    weight = 1.0 + np.arange(N) % 5
    found = estimator("binary").fit(FRAME, y, weight)
    p = found._trained.predict(found._inputs(FRAME))[np.arange(N), fold]
    right = (p > 0.5) == (y == "yes")
    assert np.average(right, weights=weight) == pytest.approx(found.validation_scores_[found.history_.best_epoch])


def test_inputs_have_the_names_of_what_they_come_from():
    found = estimator("binary", **ALONE).fit(FRAME, WORDS)
    shut, open_ = (found._inputs(FRAME.assign(open=value)) for value in (False, True))
    assert found.input_names_[(shut != open_).any(axis=0)].tolist() == ["open"]


# --- calls -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [ALONE, {"class_weight": "balanced"}], ids=str)
def test_partial_fit_is_the_next_epoch_of_fit_and_warm_starts_go_on(settings):
    y = TARGETS["multiclass"]
    whole = estimator("multiclass", max_iter=4, **settings).fit(FRAME, y)
    steps = estimator("multiclass", max_iter=4, **settings)
    for _ in range(4):
        steps.partial_fit(FRAME, y, classes=np.unique(y))
    assert same(whole, steps)
    steps.partial_fit(FRAME, y)
    assert len(steps.loss_curve_) == 5
    assert not same(whole, steps)


def test_it_ends_where_the_loss_no_longer_falls_and_then_trains_nothing():
    y = RNG.choice(["no", "yes"], N)
    settings = {"n_iter_no_change": 3, "max_iter": 100, "learning_rate_init": 0.05, "learning_rate": cr.Constant()}
    found = estimator("binary", **settings).fit(FRAME, y)
    losses = np.array(found.history_.validation)
    assert (found.stopped_, found.history_.stopped) == (True, "patience")
    assert losses.argmin() < len(losses) - 3
    steps = estimator("binary", **settings)
    for _ in range(found.n_iter_ + 2):
        steps.partial_fit(FRAME, y, classes=["no", "yes"])
    assert same(steps, found)


@pytest.mark.parametrize(
    ("target", "settings"),
    [*((target, ALONE) for target in TARGETS), ("multioutput", {})],
    ids=lambda value: value if isinstance(value, str) else "alone" if value else "members",
)
def test_pickles_and_files_go_on_in_the_same_bits(target, settings, tmp_path):
    y = TARGETS[target]
    found = estimator(target, max_iter=3, **settings).fit(FRAME, y)
    cr.save(found, tmp_path / "e.safetensors")
    for again in (pickle.loads(pickle.dumps(found)), cr.load(tmp_path / "e.safetensors")):
        assert repr(again) == repr(found)
        assert repr(again.settings_) == repr(found.settings_)
        np.testing.assert_array_equal(again.predict(FRAME), found.predict(FRAME))
        assert same(again, found)
        other = pickle.loads(pickle.dumps(found))
        assert same(again.partial_fit(FRAME, y), other.partial_fit(FRAME, y))
    cr.save(cr.load(tmp_path / "e.safetensors"), tmp_path / "f.safetensors")
    assert (tmp_path / "f.safetensors").read_bytes() == (tmp_path / "e.safetensors").read_bytes()


def test_a_warm_start_goes_on_in_the_same_bits():
    settings = {"learning_rate": cr.Constant(), **ALONE}  # a schedule that looks ahead would see another end
    whole = estimator("binary", max_iter=4, **settings).fit(FRAME, WORDS)
    pieces = estimator("binary", max_iter=2, warm_start=True, **settings).fit(FRAME, WORDS).fit(FRAME, WORDS)
    assert pieces.network_.theta.tobytes() == whole.network_.theta.tobytes()
    assert pieces.loss_curve_ == whole.loss_curve_


@pytest.mark.parametrize(
    "change",
    [
        lambda d, t: d["tabular"].update({"members": 3}),
        lambda d, t: d["tabular"].update({"members": 0}),
        lambda d, t: d["tabular"].update({"members": None}),
        lambda d, t: d["tabular"].update({"encoder": []}),
        lambda d, t: d["tabular"]["encoder"].popitem(),
        lambda d, t: d["tabular"].pop("inner"),
        lambda d, t: d["tabular"]["inner"].update({"class": "MLPRegressor"}),
        lambda d, t: d["tabular"]["inner"].update({"fitted": None}),
        lambda d, t: d["tabular"]["inner"]["fitted"]["targets"].update({"count": 2}),
        lambda d, t: d["tabular"]["inner"]["fitted"]["attributes"].pop(),
        lambda d, t: d["tabular"].update({"settings": 3}),
        lambda d, t: t.pop("inner.state.theta"),
        lambda d, t: t.pop("encoder.mean"),
    ],
)
def test_damaged_files_are_refused_in_one_line(change, tmp_path, a_file):
    content = read(a_file)
    document, tensors = json.loads(json.dumps(content.document)), dict(content.tensors)
    change(document["fitted"], tensors)
    write(tmp_path / "e.safetensors", document, tensors)
    with pytest.raises(ModelFileError, match=r"^[^\n]+$"):
        cr.load(tmp_path / "e.safetensors")


@pytest.fixture(scope="module")
def a_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "e.safetensors"
    cr.save(estimator("binary", max_iter=1).fit(FRAME, WORDS), path)
    assert cr.load(path).predict(FRAME).shape == (N,)
    return path


def test_rows_of_weight_0_are_as_if_they_were_not_there():
    kept = np.arange(N) % 3 > 0
    strange = FRAME.assign(colour=np.where(kept, FRAME["colour"], "only here"))
    weighted = estimator("binary", max_iter=2).fit(strange, WORDS, sample_weight=kept * 2.0)
    left_out = estimator("binary", max_iter=2).fit(FRAME[kept], WORDS[kept], sample_weight=np.full(kept.sum(), 2.0))
    assert weighted.network_.theta.tobytes() == left_out.network_.theta.tobytes()


@pytest.mark.parametrize("settings", [ALONE, {}], ids=["alone", "members"])
def test_weights_of_classes_are_weights_of_their_rows(settings):
    by_class = estimator("binary", max_iter=2, class_weight={"warm": 4.0}, **settings).fit(FRAME, WORDS)
    by_row = estimator("binary", max_iter=2, **settings).fit(FRAME, WORDS, np.where(WORDS == "warm", 4.0, 1.0))
    assert same(by_class, by_row)


@pytest.mark.parametrize("settings", [{**ALONE, "validation_fraction": 0.0}, {}], ids=["alone", "members"])
def test_the_total_weight_of_the_rows_is_what_there_is_without_one(settings):
    found, other, more = (estimator("binary", alpha=5.0, **settings) for _ in range(3))
    call = {"X": FRAME, "y": WORDS, "classes": np.unique(WORDS)}
    assert same(found.partial_fit(**call, total_weight=N), other.partial_fit(**call))
    assert not same(found, more.partial_fit(**call, total_weight=10 * N))


def test_weights_of_classes_move_the_answers():
    plain, heavy = (estimator("binary", class_weight=w, **ALONE).fit(FRAME, WORDS) for w in (None, {"warm": 50.0}))
    assert heavy.predict_proba(FRAME)[:, 1].mean() > plain.predict_proba(FRAME)[:, 1].mean()


@pytest.mark.parametrize("settings", [ALONE, {}], ids=["alone", "members"])
def test_a_class_of_weight_0_shapes_neither_encoder_nor_preset_nor_weights(settings):
    y, other = TARGETS["multiclass"], FRAME.copy()
    other.loc[y == "shut", ["size", "colour"]] = [1e9, "violet"]
    found, changed = (estimator("multiclass", class_weight={"shut": 0}, **settings).fit(X, y) for X in (FRAME, other))
    assert same(found, changed)
    assert found.predict_proba(FRAME).shape[1] == 3


def test_those_who_watch_are_told_of_one_network(capsys):
    seen = []
    found = estimator("binary", callback=seen.append, verbose=True).fit(FRAME, WORDS)
    costs = [event.cost for event in seen if isinstance(event, EpochEnd)]
    assert costs == found.loss_curve_
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {found.loss_curve_[0]:.8f}"


def test_other_tools_work():
    grid = GridSearchCV(estimator("binary", max_iter=3), {"hidden_layer_sizes": [(2,), (3,)]}, cv=2)
    assert set(grid.fit(FRAME, WORDS).best_params_) == {"hidden_layer_sizes"}
    assert cross_val_score(estimator("number", max_iter=3, **ALONE), FRAME, NUMBERS, cv=2).shape == (2,)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (
            SettingError,
            lambda: (
                estimator("number", warm_start=True, max_iter=1)
                .fit(FRAME, NUMBERS)
                .fit(FRAME, NUMBERS, X_val=FRAME, y_val=NUMBERS)
            ),
        ),
        (SettingError, lambda: cr.MLPClassifier(preset="table").fit(FRAME, WORDS)),
        (SettingError, lambda: cr.MLPClassifier(preset="tabular").initialize(3, classes=["a", "b"])),
        (DataError, lambda: estimator("binary").fit({"x": [1.0] * N}, WORDS)),
        (DataError, lambda: estimator("binary").fit({"x": [1.0]}, ["a"])),
        (ValueError, lambda: estimator("binary").fit(FRAME, WORDS[:5])),
        (ValueError, lambda: estimator("binary").fit(FRAME, None)),
        (ValueError, lambda: estimator("binary", **ALONE).fit(FRAME, WORDS).predict(FRAME.drop(columns="size"))),
        (ChainruleError, lambda: estimator("binary", **ALONE).fit(dict(FRAME), WORDS).predict({"size": [1.0]})),
        (DataError, lambda: cr.MLPClassifier().fit(FRAME[["colour"]].fillna("x"), WORDS)),
        (DataError, lambda: cr.MLPClassifier(max_iter=1).fit([[1.0], [2.0]], ["a", "b"]).predict([["x"]])),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(error, call):
    with pytest.raises(error, match=r"^[^\n]+") as caught:
        call()
    if issubclass(error, ChainruleError):
        assert "\n" not in str(caught.value)


def test_words_without_the_preset_lead_to_it():
    with pytest.raises(DataError, match="give preset='tabular', which takes any table"):
        cr.MLPClassifier().fit(FRAME[["colour"]].fillna("x"), WORDS)


# --- scikit-learn's own checks ---------------------------------------------------------------------------------------

WEIGHTS = "in mini-batches, and with rows held out, weight 2 is the row twice in expectation only"


def expected_failures(estimator):
    return {f"check_sample_weight_equivalence_on_{kind}_data": WEIGHTS for kind in ("dense", "sparse")}


def checks(**settings):
    """scikit-learn's checks for both estimators."""
    kinds = cr.MLPClassifier, cr.MLPRegressor
    made = [kind(**{"preset": "tabular", "max_iter": 2, "random_state": 0} | settings) for kind in kinds]
    found = parametrize_with_checks(made, expected_failed_checks=expected_failures)
    return pytest.mark.parametrize(found.args[0], list(found.args[1]), **found.kwargs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@checks(hidden_layer_sizes=(12,), max_iter=10, learning_rate_init=0.02)
def test_every_check_passes(estimator, check):
    check(estimator)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@checks()
def test_every_check_passes_with_members(estimator, check):
    check(estimator)


# --- one pipeline with train_table ---------------------------------------------------------------------------------


def leaking(n=300):
    """A table whose column `after` is filled in only where y is "yes"."""
    x = RNG.normal(size=(n, 3))
    y = np.where(x[:, 0] + RNG.normal(size=n) > 0, "yes", "no")
    return pd.DataFrame(x, columns=list("abc")).assign(after=np.where(y == "yes", RNG.normal(size=n), np.nan)), y


@pytest.mark.parametrize("columns", [1, 2, "labels"])
def test_columns_that_may_give_y_away_are_named_as_train_table_names_them(columns, tmp_path):
    X, y = leaking()
    table = TableTraining({**X, "y": y}, "y", TableSettings(epochs=3))
    both = {1: y, 2: np.stack([y, np.where(X["a"] > 0, "up", "down")], axis=1), "labels": np.c_[y == "yes", X["b"] > 0]}
    mlp = estimator("binary", max_iter=3).fit(X, both[columns])
    assert any(line.startswith("after alone predicts y") for line in mlp.suspects_)
    assert mlp.suspects_ == list(map(str, table.suspects)) or columns != 1
    assert "start leaks" not in mlp.history_.probes
    cr.save(mlp, tmp_path / "mlp.safetensors")
    assert cr.load(tmp_path / "mlp.safetensors").suspects_ == mlp.suspects_
    assert estimator("binary", max_iter=3).fit(X.drop(columns="after"), y).suspects_ == []


def test_numbers_that_the_outputs_cannot_reach_are_refused_as_train_table_refuses_them():
    for fit in (
        lambda: cr.train_table({**FRAME, "y0": NUMBERS}, "y0", output="tanh", epochs=2, task="regression"),
        lambda: estimator("number", output_activation="tanh").fit(FRAME, NUMBERS),
    ):
        with pytest.raises(DataError, match=r"^target 'y0' goes from 2e\+06 to 4e\+06, but output 'tanh' gives"):
            fit()
