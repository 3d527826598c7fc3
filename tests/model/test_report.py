"""The report of a model: its numbers are those of the library, its markup is whole, and no name can become a script."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import DataError, SettingError
from chainrule.model.baselines import outputs_of_baseline
from chainrule.model.report import Subject, known, rows, study
from chainrule.model.report.scores import calibration_error, tenths
from chainrule.model.report.study import study_of
from chainrule.model.scores import scores_of
from chainrule.model.splits import by_class
from chainrule.tables.sources import as_source
from chainrule.text import number

EVIL = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "]]>\"'`\u202e\x07",
    "</style>",
    "x" * 3000,
)
VOID = ("meta", "br", "img", "hr", "col", "input", "link")


def table(n=120):
    draw = np.random.default_rng(0)
    x, z = draw.normal(size=(2, n))
    y = 2 * x + np.array([1.0, -1.0, 0.0])[np.arange(n) % 3]
    noisy = y + 0.3 * draw.normal(size=n)
    return {
        "x": np.where(np.arange(n) % 17 == 3, np.nan, x).tolist(),
        "z": z.tolist(),
        "word": [["a", "b", None][k % 3] for k in range(n)],
        "day": [str(np.datetime64("2020-01-01") + int(d)) for d in draw.integers(0, 700, n)],
        "y": y.tolist(),
        "kind": np.where(noisy > 0, "high", "low").tolist(),
        "level": np.where(noisy < -1, "one", np.where(noisy < 1, "two", "three")).tolist(),
        "people": np.exp(3 * x + 8).tolist(),
    }


TARGETS = ["kind", "y", "level", "people"]


@pytest.fixture(scope="module")
def model():
    return cr.train_table(table(), TARGETS, epochs=20, hidden=(8,), dtype="float64", seed=1, test_every=4)


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "r.html"
    model.report(path, table(), notes="It is for tests.\n\nNot for <people>.")
    return path.read_text("utf-8")


@pytest.fixture
def linear_only(monkeypatch):
    """A report without boosting, which takes most of its time."""
    monkeypatch.setattr(study, "BASELINES", {"linear": study.BASELINES["linear"]})


class Page(HTMLParser):
    """What a page has: its elements, balanced or not, tables as lists of texts, numbers by the head of their row."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.ids, self.tables, self.texts = [], [], [], {}, []
        self._rows, self._cell = None, None
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        self.ids += [value for key, value in attributes if key == "id"]
        if name not in VOID:
            self.open.append(name)
        if name == "table":
            self._rows = []
        elif name == "tr":
            self._rows.append([])
        elif name in ("td", "th", "caption"):
            self._cell = ""
        elif name == "data":
            self.exact = float(dict(attributes)["value"])
            assert self._cell is not None

    def handle_endtag(self, name):
        assert name not in VOID
        assert self.open.pop() == name
        if name == "caption":
            self._caption, self._cell = self._cell, None
        elif name in ("td", "th"):
            self._rows[-1].append(self._cell)
            self._cell = None
        elif name == "table":
            self.tables.setdefault(self._caption, self._rows)

    def handle_data(self, text):
        if self.open and self.open[-1] != "style":
            self.texts.append(text)
            if self._cell is not None:
                self._cell += text

    @property
    def text(self):
        return " ".join(self.texts)


def require_safe(page):
    names = {name for name, _ in page.elements}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "foreignobject"}
    assert len(page.ids) == len(set(page.ids))
    for name, attributes in page.elements:
        for key, value in attributes.items():
            assert not key.startswith("on"), (name, key)
            assert key not in ("style", "src", "srcset", "xlink:href", "action"), (name, key)
            assert key != "href" or re.fullmatch(r"#[a-z]+", value), value
            assert "url(" not in (value or "")
    assert {attributes["href"][1:] for name, attributes in page.elements if name == "a"} <= set(page.ids)
    policies = [a["content"] for n, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none'; style-src 'sha256-")


def test_the_page_is_whole_runs_nothing_and_loads_nothing(written):
    page = Page(written)
    require_safe(page)
    names = [name for name, _ in page.elements]
    assert names.count("h1") == names.count("main") == names.count("style") == 1
    style = written.split("<style>")[1].split("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    pictures = [k for k, (name, a) in enumerate(page.elements) if name == "svg" and a.get("role") == "img"]
    assert pictures
    assert all(page.elements[k + 1][0] == "title" for k in pictures)
    assert all(a.get("scope") for name, a in page.elements if name == "th")
    for name in ("use", "scores", "calibration", "errors", "importance", "dependence", "data", "training", "settings"):
        assert name in page.ids
    assert "It is for tests." in page.texts
    assert "Not for <people>." in page.texts


def test_the_scores_are_those_of_evaluate_and_of_other_models_out_of_fold(model, written):
    judged = as_source(table()).table()
    tables = Page(written).tables
    ours = model.evaluate(table())
    classes = model.targets.strata(model.targets.encode(judged, "float64"))
    for k, name in enumerate(("linear", "boosting"), 2):
        A = np.zeros((120, model.targets.width))
        for known_rows, unseen in by_class(0, 5, 120, classes):
            train, test = judged.take(known_rows), judged.take(unseen)
            with threadpool_limits(1):
                A[unseen] = outputs_of_baseline(name, model.encoder, model.targets, train, test, 0)
        theirs = scores_of(model.targets, A, model.targets.truth.encode(judged, "float64"))["targets"]
        for target in TARGETS:
            rows_ = {
                row[0].split(",")[0]: row
                for row in tables[f"Scores of {target} on the same 120 rows; the best is bold"]
            }
            for metric, value in ours["targets"][target].items():
                own = rows_[metric.replace("_", " ")]
                assert own[1] == number(value)
                assert own[k] == number(theirs[target][metric])
    confusion = ours["mistakes"]["level"]["confusion"]
    matrix = tables["level: a row for each true class, a column for each answer"]
    assert [[int(n) for n in row[1:-1]] for row in matrix[1:-1]] == confusion
    worst = tables["The rows with the greatest errors of y"]
    assert [row[:3] for row in worst[1:6]] == [
        [str(w["row"] + 1), number(w["true"]), number(w["answer"])] for w in ours["mistakes"]["y"]["worst"]
    ]


def test_importance_and_dependence_are_those_of_the_model(model, written):
    tables = Page(written).tables
    importance = model.importance(table())
    for target, metric in {"kind": "log_loss", "people": "rmse"}.items():
        for row, name in zip(tables[f"Importance for {target}"][1:], importance.ranked(target), strict=True):
            mean, spread = importance.mean(name, target, metric), importance.spread(name, target, metric)
            assert row == [name, number(mean), f"± {number(spread)}"]
    for column in ("x", "word"):
        dependence = model.dependence(table(), column, points=12)
        rows_ = tables[f"y by {column}"][1:]
        assert [row[0] for row in rows_] == list(dependence.values)
        j = dependence.outputs.index("y")
        assert [row[1] for row in rows_] == [number(value) for value in dependence.mean[:, j]]


def test_rows_for_the_test_are_judged_as_the_training_did(model, tmp_path, monkeypatch):
    own = study_of(Subject.of_model(model), as_source(table()), None, 4, 0)
    assert own.judged.numbers.tolist() == list(range(0, 120, 4))
    for target, scores in model.summary["test"]["targets"].items():
        assert own.scores["this model"][target] == pytest.approx(scores)
    rest = np.setdiff1d(np.arange(120), own.judged.numbers)
    whole = as_source(table()).table()
    A = outputs_of_baseline(
        "linear", model.encoder, model.targets, whole.take(rest), whole.take(np.arange(0, 120, 4)), 0
    )
    assert (own.outputs["linear"] == A).all()
    train = {name: [cells[i] for i in rest] for name, cells in table().items()}
    test = {name: cells[::4] for name, cells in table().items()}
    other = study_of(Subject.of_model(model), as_source(test), train, None, 0)
    assert (other.outputs["boosting"] == own.outputs["boosting"]).all()
    monkeypatch.setattr(study, "BASELINES", {})
    model.report(tmp_path / "a.html", table())
    assert "--test-every 4 judges it by the rows that it has not seen" in (tmp_path / "a.html").read_text()
    model.report(tmp_path / "b.html", table(), test_every=4)
    assert "--test-every" not in (tmp_path / "b.html").read_text()


def test_other_models_do_not_see_the_rows_that_they_answer():
    model = cr.train_table(table(), "y", epochs=3, hidden=(4,), seed=1, validation=0.2)
    before = study_of(Subject.of_model(model), as_source(table()), None, None, 0)
    _, fold = next(by_class(0, 5, 120, None))
    changed = table()
    for i in fold:
        changed["y"][i] = 1e3 + i
    after = study_of(Subject.of_model(model), as_source(changed), None, None, 0)
    for name in ("linear", "boosting"):
        assert (before.outputs[name][fold] == after.outputs[name][fold]).all()
        others = np.setdiff1d(np.arange(120), fold)
        assert (before.outputs[name][others] != after.outputs[name][others]).any()


@pytest.mark.usefixtures("linear_only")
def test_names_and_cells_stay_text(tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=60)
    columns = {EVIL[0]: x.tolist(), EVIL[1]: [EVIL[k % 4] for k in range(60)], EVIL[2]: draw.normal(size=60).tolist()}
    columns |= {EVIL[4]: draw.normal(size=60).tolist(), EVIL[3]: np.where(x > 0, EVIL[1], EVIL[2]).tolist()}
    model = cr.train_table(columns, EVIL[3], epochs=3, hidden=(4,), seed=0, validation=0.2)
    model.summary["findings"] = {EVIL[0]: EVIL[1]}
    model.summary["warnings"], model.summary[EVIL[0]] = [EVIL[1]], EVIL[0]
    model.report(tmp_path / "e.html", columns, title=EVIL[1], notes="\n\n".join(EVIL))
    page = Page((tmp_path / "e.html").read_bytes().decode("utf-8"))
    require_safe(page)
    assert EVIL[1] in page.texts
    assert "\u202e" not in page.text
    assert "\x07" not in page.text
    model.report(tmp_path / "e.html")
    require_safe(Page((tmp_path / "e.html").read_text("utf-8")))


def test_the_same_input_gives_the_same_bytes_from_a_file_too(model, written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save("m.safetensors")
    cr.load("m.safetensors").report("b.html", table(), notes="It is for tests.\n\nNot for <people>.")
    assert (tmp_path / "b.html").read_text("utf-8") == written
    digest = (tmp_path / "m.safetensors").read_bytes()[-32:].hex()
    assert digest in written


@pytest.mark.usefixtures("linear_only")
def test_a_large_table_is_sampled_and_says_so(model, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "most_rows", lambda _: 50)
    model.report(tmp_path / "s.html", table())
    page = Page((tmp_path / "s.html").read_text())
    assert dict(page.tables["Rows"])["of these taken, spread evenly"] == "50"
    some = rows.taken(as_source(table()), ["x", "y"], 50)
    assert some.total == 120
    assert (np.diff(some.numbers) > 0).all()
    assert some.table.column("y").to_pylist() == [table()["y"][i] for i in some.numbers]
    odd = rows.taken(as_source(table()), ["y"], 10, lambda numbers: numbers % 2 == 1)
    assert (len(odd.numbers), odd.total, set(odd.numbers % 2)) == (10, 60, {1})


def test_the_rows_taken_do_not_depend_on_the_blocks(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = pa.table({"x": np.arange(5000)})
    for name, size in (("a", 5000), ("b", 37)):
        pq.write_table(whole, tmp_path / f"{name}.parquet", row_group_size=size)
    parts = [rows.taken(as_source(tmp_path / f"{name}.parquet"), ["x"], 100) for name in "ab"]
    assert parts[0].numbers.tolist() == parts[1].numbers.tolist() == parts[0].table.column("x").to_pylist()


def test_calibration_is_that_of_ten_equal_groups():
    p = np.array([0.1] * 50 + [0.8] * 50)
    hit = np.arange(100) % 2 == 0
    assert calibration_error(p, hit) == pytest.approx((0.4 + 0.3) / 2)
    groups = tenths(np.arange(100)[::-1])
    assert [len(group) for group in groups] == [10] * 10
    assert groups[0].tolist() == list(range(99, 89, -1))
    assert len(tenths(np.zeros(7))) == 1


@pytest.mark.usefixtures("linear_only")
def test_few_rows_one_row_and_unknown_classes(model, tmp_path):
    one = {name: cells[5:6] for name, cells in table().items()}
    model.report(tmp_path / "1.html", one)
    page = Page((tmp_path / "1.html").read_text())
    assert "There are fewer than 20 rows to learn from, so no other model stands beside it." in page.texts
    strange = table() | {"kind": ["new" if k % 10 == 0 else kind for k, kind in enumerate(table()["kind"])]}
    strange["y"] = [None if k % 10 == 1 else y for k, y in enumerate(strange["y"])]
    model.report(tmp_path / "2.html", strange)
    page = Page((tmp_path / "2.html").read_text())
    assert "12 rows have a class that training did not have." in page.texts
    assert dict(page.tables["Rows"])["left out, without a target"] == "12"
    require_safe(page)
    empty = table() | {"x": [None] * 120, "word": [None] * 120, "y": [1.0] * 120}
    model.report(tmp_path / "3.html", empty)
    require_safe(Page((tmp_path / "3.html").read_text()))


def test_a_model_without_curves_and_with_a_strange_summary_has_a_page(model, tmp_path):
    strange = {
        "rows": "many",
        "curves": {"epoch": [1], "cost": []},
        "epochs": None,
        "findings": [3],
        "test": {"rows": -1},
    }
    copy = type(model)(model.encoder, model.targets, model.network, strange)
    copy.report(tmp_path / "c.html")
    page = Page((tmp_path / "c.html").read_text())
    assert "It has no curves: its file is older than they are, or it was not trained here." in page.texts
    assert "No table was given, so this page has no scores but those of its training." in page.texts
    facts = known.known_facts({"curves": {"epoch": [1, 2], "cost": [1.0, None]}, "stopped": "patience", "seed": 3})
    assert str(facts) == "{'curves': {'cost': [1.0, nan], 'epoch': [1, 2]}, 'stopped': 'patience'}"


def test_curves_are_kept_in_the_file(model):
    curves = model.summary["curves"]
    assert curves["epoch"] == list(range(1, 21))
    assert curves["cost"] == [float(f"{value:.5g}") for value in model.history.cost]
    assert set(curves) >= {"validation_cost", "accuracy kind", "r2 y"}
    assert "curves" not in str(model.network.architecture)


def test_refusals(model, tmp_path, monkeypatch):
    with pytest.raises(SettingError, match=r"^train and test_every are about the rows that the model is judged by"):
        model.report(tmp_path / "r.html", train=table())
    with pytest.raises(SettingError, match=r"^test_every says which rows of the table are for training"):
        model.report(tmp_path / "r.html", table(), train=table(), test_every=4)
    with pytest.raises(SettingError, match="test_every is 1"):
        model.report(tmp_path / "r.html", table(), test_every=1)
    with pytest.raises(DataError, match="there is no target column 'kind'"):
        model.report(tmp_path / "r.html", {name: cells for name, cells in table().items() if name != "kind"})
    with pytest.raises(DataError, match="no row has a value for every target"):
        model.report(tmp_path / "r.html", table() | {"y": [None] * 120})
    with pytest.raises(DataError, match="no row of the mapping has a class of target 'kind' that training had"):
        model.report(tmp_path / "r.html", table() | {"kind": ["new"] * 120})
    monkeypatch.setattr("chainrule.model.report.study_of", None)  # nothing is computed before the path is checked
    with pytest.raises(OSError, match="its folder does not exist"):
        model.report(tmp_path / "no" / "r.html", table())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("linear_only")
def test_the_command(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model.save("m.safetensors")
    cells = zip(*table().values(), strict=True)
    lines = [",".join("" if cell is None or cell != cell else str(cell) for cell in row) for row in cells]
    (tmp_path / "t.csv").write_text("\n".join([",".join(table()), *lines]) + "\n")
    (tmp_path / "notes.txt").write_text("\ufeffFor nobody.")
    assert (
        run(["report", "m.safetensors", "t.csv", "--test-every", "4", "--notes", "notes.txt", "--title", "Ours"]) == 0
    )
    assert capsys.readouterr().out == "wrote m.html\n"
    page = Page((tmp_path / "m.html").read_text())
    assert {"Ours", "For nobody."} <= set(page.texts)
    assert run(["report", "m.safetensors", "--out", "card.html", "--json"]) == 0
    assert str((tmp_path / "card.html").stat().st_size) in capsys.readouterr().out
    cr.save(cr.Network([4, 1]), "n.safetensors")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe")
    for arguments, line in {
        ("n.safetensors",): "it has a Network, which does not know the columns",
        ("m.safetensors", "t.csv", "--out", "t.csv"): "--out is 't.csv', which is also an input",
        ("m.safetensors", "--notes", "b.txt"): "'b.txt' is not text in UTF-8",
        ("m.safetensors", "--out", "."): "it is a folder",
        ("m.safetensors", "no.csv"): "no.csv",
    }.items():
        assert run(["report", *arguments]) in (1, 2)
        err = capsys.readouterr().err
        assert line in err
        assert err.count("\n") == 1


def kinds_table(n=120):
    x = np.random.default_rng(0).normal(size=n)
    has = [("new", x > 0), ("old", x < 0.5), ("red", np.arange(n) % 3 == 0)]
    return {
        "x": x.tolist(),
        "words": [
            ";".join(word for word, those in zip("abc", (x > 0.2, x < 0.1, x < 9), strict=True) if those[k])
            for k in range(n)
        ],
        "town": [f"t{k % 7}" for k in range(n)],
        "tags": [";".join(word for word, those in has if those[k]) for k in range(n)],
        "size": np.array(["S", "M", "L"])[np.digitize(x, [-0.5, 0.5])].tolist(),
    }


KINDS = {"tags": "labels", "size": "ordered:S<M<L", "words": "labels"}


@pytest.mark.filterwarnings("ignore::chainrule.errors.ChainruleWarning")
def test_labels_and_ordered_classes(tmp_path):
    rows = kinds_table()
    model = cr.train_table(rows, ["tags", "size"], kinds=KINDS, epochs=10, hidden=(8,), seed=0)
    model.report(tmp_path / "r.html", rows)
    text = (tmp_path / "r.html").read_text("utf-8")
    page = Page(text)
    require_safe(page)
    assert not re.search(r'"[^"<>]*\b(nan|inf)\b[^"<>]*"', text.split("</style>")[1].replace("<desc>", '"'))
    scores = model.evaluate(rows)["targets"]
    for target, metric in (("tags", "label_f1"), ("size", "quadratic_kappa")):
        shown = {row[0]: row for row in page.tables[f"Scores of {target} on the same 120 rows; the best is bold"]}
        assert shown[metric.replace("_", " ")][1] == number(scores[target][metric])
    heads = page.tables["Scores of size on the same 120 rows; the best is bold"][0]
    linear = dict(zip(heads, page.tables["Scores of size on the same 120 rows; the best is bold"][1], strict=True))
    assert float(linear["linear"]) > 0.8  # it learned from the lowest class too
    labels = page.tables["3 of 3 labels, lowest recall first"]
    assert {row[0] for row in labels[1:]} == {"new", "old", "red"}
    assert page.tables["tags by words"][-1][0] == "none"
    assert page.tables["size by x"][0] == ["value", ">=M", ">=L"]
    assert "any of 3 labels: 'new', 'old', 'red'" in page.text
    assert "one of 3 classes in an order: 'S', 'M', 'L'" in page.text


@pytest.mark.filterwarnings("ignore::chainrule.errors.ChainruleWarning")
@pytest.mark.usefixtures("linear_only")
@pytest.mark.parametrize("column", [{"group": "town"}, {"time_column": "when"}])
def test_rows_for_the_test_are_those_of_the_training(tmp_path, column):
    rows = kinds_table() | {"when": list(range(120, 0, -1))}
    model = cr.train_table(rows, "size", epochs=2, hidden=(4,), test_every=3, drop=["tags", "words"], **column)
    judged = study_of(Subject.of_model(model), as_source(rows), None, 3, 0).judged
    assert len(judged.X) == model.summary["test"]["rows"]
    is_test = (
        [name in ("t0", "t3", "t6") for name in rows["town"]] if "group" in column else [k < 40 for k in range(120)]
    )
    assert judged.numbers.tolist() == np.flatnonzero(is_test).tolist()


@pytest.mark.filterwarnings("ignore::chainrule.errors.ChainruleWarning")
@pytest.mark.usefixtures("linear_only")
@pytest.mark.parametrize("choice", [{"quantiles": (0.1, 0.5, 0.9)}, {"cost": "gaussian"}])
@pytest.mark.parametrize("test_every", [None, 4])
def test_numbers_that_say_how_sure_they_are(tmp_path, choice, test_every):
    rows = {name: table()[name] for name in ("x", "z", "y")}
    model = cr.train_table(rows, "y", epochs=5, hidden=(4,), test_every=4, seed=0, **choice)
    model.report(tmp_path / "r.html", rows, test_every=test_every)
    page = Page((tmp_path / "r.html").read_text("utf-8"))
    require_safe(page)
    scores = page.tables[f"Scores of y on the same {120 if test_every is None else 30} rows; the best is bold"]
    assert scores[0] == ["score", "this model", "linear"]
    assert page.tables["y by x"][0] == ["value", "y"]
