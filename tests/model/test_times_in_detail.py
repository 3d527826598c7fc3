"""A model whose dates have more inputs: it answers alike everywhere, and what explains it agrees with that."""

import dataclasses
import datetime

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import main
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import BinnedTimes, DetailedTimes

BY_WEEKDAY = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0])
FIRST = datetime.datetime(2021, 3, 1, 8, 30)
COUNT = 300


def table(count=COUNT):
    moments = [FIRST + datetime.timedelta(hours=31 * k) for k in range(count)]
    y = BY_WEEKDAY[[moment.weekday() for moment in moments]] + np.random.default_rng(0).normal(0, 0.3, count)
    words = [f"{moment:%Y-%m-%d %H:%M}" if k % 20 else None for k, moment in enumerate(moments)]
    return {"when": words, "word": ["a", "b"] * (count // 2), "y": y.tolist()}


@pytest.fixture(scope="module", params=["detailed times", "binned times"])
def model(request):
    """A network that is trained, and one that is not, with bins beside the same inputs."""
    trained = cr.train_table(table(), "y", hidden=(8,), epochs=60, seed=1, dtype="float64")
    detailed, words = trained.encoder.transforms
    assert isinstance(detailed, DetailedTimes)
    if request.param == "detailed times":
        return trained
    fields = {field.name: getattr(detailed, field.name) for field in dataclasses.fields(detailed)}
    encoder = Encoder((BinnedTimes(**fields, edges=(1.62e9, 1.63e9, 1.6355e9)), words))
    net = cr.Network([encoder.width, 6, 1], "tanh", "identity", "quadratic", seed=3, dtype="float64")
    return cr.Model(encoder, trained.targets, net, {})


def test_each_weekday_is_learned_from_few_rows():
    """The mean answer for each weekday is its value, which no wave of one turn is near."""
    rows = table()
    answers = cr.train_table(rows, "y", seed=0).predict(rows)
    day = [datetime.datetime.fromisoformat(word).weekday() if word else -1 for word in rows["when"]]
    means = [answers[np.array(day) == k].mean() for k in range(7)]
    np.testing.assert_allclose(means, BY_WEEKDAY, atol=0.4)


def test_single_rows_files_and_blocks_have_the_bits_of_the_table(model, tmp_path):
    rows, answers = table(), model.predict(table())
    predict = model.predictor()
    one_by_one = [predict({"when": when, "word": word}) for when, word in zip(rows["when"], rows["word"], strict=True)]
    assert one_by_one == answers.tolist()
    moments = [None if word is None else datetime.datetime.fromisoformat(word) for word in rows["when"]]
    assert (model.predict(rows | {"when": moments}) == answers).all()
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert again.encoder == model.encoder
    assert (again.predict(rows) == answers).all()


def test_dependence_and_what_if_are_predictions_of_changed_tables(model):
    rows = table()
    dependence = model.dependence(rows, "when", points=6)
    assert dependence.values[-1] == "missing"
    for k, when in enumerate([*dependence.values[:-1], None]):
        changed = model.predict(rows | {"when": [when] * COUNT})
        assert dependence.curves[:, k, 0] == pytest.approx(changed)
    row = {name: [cells[7]] for name, cells in rows.items()}
    days = [f"2021-06-{k:02d}" for k in range(1, 8)]
    changes = model.what_if(row, {"when": days})
    assert changes.answers[:, 0] == pytest.approx([model.predict(row | {"when": [day]})[0] for day in days])
    moved = changes.contributions["when"][:, 0]
    assert moved == pytest.approx(changes.answers[:, 0] - changes.answer[0], abs=changes.gap + 1e-9)


def test_contributions_add_up_and_drift_is_seen(model):
    rows = table()
    contributions = model.contributions({name: [cells[7]] for name, cells in rows.items()}, background=rows)
    assert set(contributions.columns) == {"when", "word"}
    total = sum(values[0] for values in contributions.columns.values())
    assert total == pytest.approx(contributions.answer[0] - contributions.base[0], abs=contributions.gap + 1e-12)
    if model.seen is not None:
        assert not model.drift(rows)
        assert "when has values out of range" in str(model.drift(rows | {"when": ["2031-01-01"] * COUNT}))


def test_inspect_and_the_report_say_what_becomes_of_a_date(model, tmp_path, capsys):
    kind = model.encoder.transforms[0].kind
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(SystemExit, match="0"):
        main(["inspect", str(tmp_path / "m.safetensors")])
    said = capsys.readouterr().out
    assert f"{kind}  " in said
    assert "days (square and cube" in said
    assert "weekday (3 waves)" in said
    model.report(tmp_path / "report.html", table())
    assert f">{kind}</td>" in (tmp_path / "report.html").read_text("utf-8")
