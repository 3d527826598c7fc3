"""How sure a model is: coverage on new rows, what depends on nothing it should not, files, refusals."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.model import TableSettings, TableTraining
from chainrule.model.members import members_of
from chainrule.model.out_of_fold import rows_to_keep

N = 240
QUICK = {"epochs": 15, "seed": 0}
ONE = {**QUICK, "hidden": 8, "validation": 0.25}


def table(n=N, seed=0):
    """A number whose noise grows with x, the same over many decades, and classes of which two overlap."""
    draw = np.random.default_rng(seed)
    x, z, noise = draw.uniform(-2, 2, n), draw.normal(size=n), draw.normal(size=n)
    y = 3 * x + 10 + noise * (0.3 + np.abs(x))
    kind = np.where(x + 0.5 * noise > 1, "c", np.where(x + 0.8 * draw.normal(size=n) > 0, "b", "a"))
    return {"x": x, "z": z, "y": y, "far": 10.0 ** (2 * x) * np.exp(0.3 * noise), "kind": kind}


def inputs(rows):
    return {name: rows[name] for name in ("x", "z")}


def trained(target, **settings):
    rows = table()
    return cr.train_table({**inputs(rows), target: rows[target]}, target, **settings)


MODELS = {
    "members": ("y", QUICK),
    "one network": ("y", ONE),
    "logarithms": ("far", QUICK),
    "quantiles": ("y", {**QUICK, "quantiles": (0.1, 0.5, 0.9)}),
    "gaussian": ("y", {"members": 1, "validation": 0.25, "epochs": 60, "seed": 0, "cost": "gaussian"}),
    "classes": ("kind", QUICK),
    "classes of one network": ("kind", ONE),
    "sigmoids": ("kind", {**QUICK, "output": "sigmoid"}),
    "no hidden layer": ("y", {**QUICK, "members": 4, "hidden": ()}),
}


@pytest.fixture(scope="module")
def models():
    return {name: trained(target, **settings) for name, (target, settings) in MODELS.items()}


def said(model, rows, coverage):
    """What a model says beside its answers: intervals, or sets."""
    classes = bool(model.targets.classes)
    return model.predict_set(rows, coverage) if classes else model.predict_interval(rows, coverage)


@pytest.mark.parametrize("name", MODELS)
def test_coverage_on_new_rows_is_about_what_is_promised(models, name):
    model, (target, _) = models[name], MODELS[name]
    new = table(4000, seed=1)
    document = model.evaluate({**inputs(new), target: new[target]}, interval=None, sets=None)
    assert "coverage" not in document
    wanted = {"sets" if model.targets.classes else "interval": 0.9}
    each = model.evaluate({**inputs(new), target: new[target]}, **wanted)["coverage"][target]
    values = next(iter(each.values()))
    deviation = 0.3 / np.sqrt(len(model.out_of_fold.A))  # of the coverage over trainings
    assert values["coverage"] > 0.9 - 3.5 * deviation
    assert values["promised"] == 0.9
    own = said(model, inputs(new), 0.9)
    if target == "kind":
        codes = np.searchsorted(["a", "b", "c"], new["kind"])
        assert values["coverage"] == own[np.arange(4000), codes].mean()
        assert values["size"] == own.sum(axis=1).mean()
        assert own.any(axis=1).all()
    else:
        assert values["coverage"] == np.mean((own[:, 0] <= new[target]) & (new[target] <= own[:, 1]))
        assert values["coverage"] < 0.9 + 4 * deviation
        assert values["width"] == pytest.approx(np.mean(own[:, 1] - own[:, 0]))


@pytest.mark.parametrize("name", ["quantiles", "gaussian"])
def test_intervals_are_wide_where_the_noise_is_if_the_network_knows(models, name):
    low, high = models[name].predict_interval({"x": [0.0, 1.9], "z": [0.0, 0.0]}).T
    assert (high - low)[1] > 1.5 * (high - low)[0]


@pytest.mark.parametrize("name", MODELS)
def test_a_file_keeps_every_bit_and_blocks_change_none(models, name, tmp_path, monkeypatch):
    model, rows = models[name], inputs(table(50, seed=2))
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert np.array_equal(said(again, rows, 0.8), said(model, rows, 0.8))
    again.save(tmp_path / "n.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == (tmp_path / "n.safetensors").read_bytes()
    monkeypatch.setattr("chainrule.tables.chunks.AT_ONCE", 35)
    assert np.array_equal(said(model, rows, 0.8), said(again, rows, 0.8))


@pytest.mark.parametrize("name", ["members", "sigmoids", "no hidden layer"])
def test_members_are_apart_again_after_they_were_merged(name):
    target, settings = MODELS[name]
    rows = table()
    training = TableTraining({**inputs(rows), target: rows[target]}, target, TableSettings(**{**settings, "epochs": 2}))
    list(training.events())
    ensemble, X = training.ensemble, training.rows.X
    apart = members_of(ensemble, training.network).outputs(training.model.network, X)
    for k in range(ensemble.count):
        np.testing.assert_allclose(apart[:, k], ensemble.member(training.network, k).predict(X), rtol=1e-3, atol=1e-5)


def test_answers_out_of_fold_are_by_the_member_that_leaves_the_row_out(models):
    kept, rows = models["members"].out_of_fold, table()
    assert len(kept.A) == N
    assert sorted(set(kept.fold)) == list(range(8))
    column = models["members"].targets.columns[0]
    np.testing.assert_allclose(column.in_units(kept.t[:, 0]), rows["y"], rtol=1e-12)
    _, numbers = np.unique(kept.fold, return_counts=True)
    assert numbers.min() >= N // 8


def test_the_rows_of_the_test_and_the_order_of_others_do_not_count():
    """What is planted in the rows of the test changes no interval; it would if one were made from them."""
    rows, planted = table(), table()
    planted["y"] = np.where(np.arange(N) % 5 == 0, 1e6, rows["y"])
    new = inputs(table(20, seed=3))
    for settings in (QUICK, ONE):
        models = [cr.train_table({**inputs(r), "y": r["y"]}, "y", **settings, test_every=5) for r in (rows, planted)]
        assert np.array_equal(*(model.predict_interval(new) for model in models))


def test_a_network_that_knows_its_rows_by_heart_does_not_think_itself_sure():
    """Noise alone: on rows that were trained on the answers are almost right, on others they are not."""
    draw = np.random.default_rng(4)
    X, y = draw.normal(size=(60, 8)), draw.normal(size=60)
    rows = {**{f"x{k}": X[:, k] for k in range(8)}, "y": y}
    model = cr.train_table(rows, "y", members=5, hidden=64, epochs=150, learning_rate=0.02, start="random", seed=0)
    new = draw.normal(size=(1000, 8))
    low, high = model.predict_interval({f"x{k}": new[:, k] for k in range(8)}, 0.9).T
    truth = draw.normal(size=1000)
    assert np.mean((low <= truth) & (truth <= high)) > 0.85


def test_weights_of_rows_count():
    rows = table()
    weight = np.where(np.abs(rows["x"]) < 1, 99.0, 1.0)
    models = [
        cr.train_table({**inputs(rows), "y": rows["y"], "w": w}, "y", weight="w", **QUICK) for w in (np.ones(N), weight)
    ]
    widths = [np.diff(model.predict_interval({"x": [0.0], "z": [0.0]}))[0, 0] for model in models]
    assert widths[1] < 0.8 * widths[0]
    assert models[1].out_of_fold.weight.tolist() == weight.tolist()


def test_spread_is_the_deviation_of_the_members(models):
    rows = inputs(table(30, seed=5))
    model = models["members"]
    apart = np.concatenate([A for A, _ in model._by_block(rows, (), lambda X: model._of_members(X, None))])
    column = model.targets.columns[0]
    expected = np.stack([column.decode(apart[:, k]) for k in range(8)]).std(axis=0)
    np.testing.assert_allclose(model.spread(rows), expected, rtol=1e-6)
    assert models["classes"].spread(rows).shape == (30,)
    assert (models["classes"].spread(rows) <= 0.5).all()


def test_several_targets_have_each_their_own():
    rows = table()
    model = cr.train_table(
        {**inputs(rows), **{name: rows[name] for name in ("y", "kind", "far")}}, ["y", "kind", "far"]
    )
    new = inputs(table(5, seed=6))
    assert {name: part.shape for name, part in model.predict_interval(new).items()} == {"y": (5, 2), "far": (5, 2)}
    assert model.predict_set(new).shape == (5, 3)
    assert set(model.spread(new)) == {"y", "kind", "far"}


def test_quantiles_rise_and_are_about_right(models):
    new = table(4000, seed=7)
    quantiles = models["quantiles"].predict_quantiles(inputs(new))
    assert (np.diff(quantiles, axis=1) >= 0).all()
    shares = (new["y"][:, None] <= quantiles).mean(axis=0)
    np.testing.assert_allclose(shares, [0.1, 0.5, 0.9], atol=0.1)
    answers = models["quantiles"].predict(inputs(new))
    assert np.mean(answers == quantiles[:, 1]) > 0.99  # but where they cross
    assert [block.cost.q for block in models["quantiles"].network.architecture.blocks] == [0.1, 0.5, 0.9]


def test_deviations_are_about_right(models):
    deviation = models["gaussian"].predict_deviation({"x": [0.0, 1.9], "z": [0.0, 0.0]})
    assert 0.1 < deviation[0] < 1.2
    assert deviation[1] > deviation[0]


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_of_many_rows_some_are_kept_always_the_same():
    assert rows_to_keep(20_000, 3, 0).tolist() == list(range(20_000))
    kept = rows_to_keep(50_000, 3, 0)
    assert len(kept) == len(set(kept)) == 20_000
    assert (np.diff(kept) > 0).all()
    assert kept.tolist() == rows_to_keep(50_000, 3, 0).tolist() != rows_to_keep(50_000, 3, 1).tolist()
    assert len(rows_to_keep(50_000, 1000, 0)) == 2000


def test_a_file_without_answers_out_of_fold_loads_and_says_so(tmp_path):
    model = trained("y", epochs=2, hidden=4, validation=0.0)
    assert model.out_of_fold is None
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(SettingError, match="this model has no answers for rows that it was not trained on"):
        cr.load(tmp_path / "m.safetensors").predict_interval(inputs(table(3)))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda kept: {"A": kept.A[:-1]}, "answers out of fold do not fit its targets, kind"),
        (lambda kept: {"A": kept.A * np.nan}, "answers out of fold do not fit"),
        (lambda kept: {"t": kept.t + 3}, "answers out of fold do not fit"),
        (lambda kept: {"fold": kept.fold + 1}, "answers out of fold do not fit"),
        (lambda kept: {"weight": 0 * kept.t[:, 0]}, "answers out of fold do not fit"),
    ],
)
def test_answers_that_do_not_fit_are_refused_when_a_file_is_read(models, change, line, tmp_path):
    import copy
    import dataclasses

    model = copy.copy(models["classes"])
    model.out_of_fold = dataclasses.replace(model.out_of_fold, **change(model.out_of_fold))
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=line):
        cr.load(tmp_path / "m.safetensors")


# --- refusals --------------------------------------------------------------------------------------------------------

ROW = {"x": [0.0], "z": [0.0]}


@pytest.mark.parametrize(
    ("name", "call", "line"),
    [
        ("members", lambda m: m.predict_set(ROW), "a set is for targets of classes, but there is none"),
        ("classes", lambda m: m.predict_interval(ROW), "an interval is for targets of numbers, but there is none"),
        (
            "classes",
            lambda m: m.predict_set(ROW, 1.0),
            "coverage of sets is 1.0, but must be a number above 0 to below",
        ),
        ("members", lambda m: m.predict_interval(ROW, "0.9"), "coverage of interval is '0.9', but must be a number"),
        ("classes", lambda m: m.predict_set(ROW, method="top"), "method is 'top', but must be one of lac, aps, raps"),
        ("members", lambda m: m.predict_interval(ROW, 0.999), "coverage is 0.999, which needs 999 rows"),
        ("one network", lambda m: m.spread(ROW), "this model is of one network, so nothing spreads"),
        ("members", lambda m: m.predict_quantiles(ROW), "this model has no quantiles for 'y': train it with quantiles"),
        ("members", lambda m: m.predict_deviation(ROW), "this model has no deviation for 'y': train it with cost="),
    ],
)
def test_what_a_model_cannot_say_is_refused_in_one_line(models, name, call, line):
    with pytest.raises(SettingError, match=line):
        call(models[name])


def test_a_column_that_is_missing_is_named(models):
    with pytest.raises(DataError, match="there is no input column 'z'"):
        models["members"].predict_interval({"x": [1.0]})


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"quantiles": (0.9, 0.1)}, "quantiles is .*, but must be rising numbers between 0 and 1"),
        ({"quantiles": "0.1"}, "quantiles is '0.1', but must be rising numbers"),
        ({"quantiles": (0.1, 0.9), "cost": "huber"}, "cost is 'huber', but must be 'quantile', or left out"),
        ({"cost": "gaussian", "output": "exp"}, "cost 'gaussian' needs output 'identity', not 'exp'"),
        ({"calibrate": True}, "calibrate is for classes with output 'softmax', but no target has classes"),
        ({"calibrate": 1}, "calibrate is 1, but must be True or False"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, line):
    with pytest.raises(SettingError, match=line):
        trained("y", **QUICK, **settings)


def test_a_model_of_ordered_classes_says_that_it_has_no_sets() -> None:
    rows = {"x": [0.0, 1.0, 2.0] * 12, "size": ["S", "M", "L"] * 12}
    model = cr.train_table(rows, target="size", kinds={"size": "ordered:S<M<L"}, epochs=2, seed=0)
    with pytest.raises(SettingError, match=r"of classes in no order, but 'size' is neither: leave them out$"):
        model.predict_set(rows, 0.9)
