"""What becomes of columns whose numbers are not written plainly: all cells decide, then each is read."""

import json

import numpy as np
import pyarrow as pa
import pytest
from tests.tables.cutting import Cut, random_cuts
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.errors import DataError, ModelFileError
from chainrule.model import TableSettings, TableTraining
from chainrule.tables.inputs import Encoder
from chainrule.tables.targets import Classes, Quantity, Targets

VALUES = np.random.default_rng(1).uniform(1e4, 9e4, 200).round(2)
WAYS = {
    "1,234.5": lambda v: f"{v:,.2f}",
    "1.234,5": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")),
    "1 234.5": lambda v: f"{v:,.2f}".replace(",", " "),
    "1'234.5": lambda v: f"{v:,.2f}".replace(",", "'"),
    "1234,5": lambda v: f"{v:.2f}".replace(".", ","),
    "$1,234.5": lambda v: f"${v:,.2f}",
    "1234.5 EUR": lambda v: f"{v:.2f} EUR",
    "1234.5%": lambda v: f"{v:.2f}%",
    "1234.5 kg": lambda v: f"{v:.2f}\N{NO-BREAK SPACE}kg",
    "1234.5": lambda v: f"{v:.2f}\N{ZERO WIDTH SPACE}",
}


def fitted(cells, cuts=(), name="a"):
    encoder = Encoder.fit(Cut({name: cells, "b": [k % 7 for k in range(len(cells))]}, cuts))
    return encoder.transforms[0], encoder


def noted(table, target="y", **settings):
    return TableTraining(table, target, TableSettings(hidden=(4,), epochs=1, **settings)).notes


@pytest.mark.parametrize("form", WAYS)
def test_numbers_in_every_form_are_the_bits_of_plain_numbers(form):
    cells = [WAYS[form](value) for value in VALUES]
    plain, wanted = fitted(VALUES)
    for seed in (None, 0, 1):
        own, encoder = fitted(cells, () if seed is None else random_cuts(len(cells), seed))
        assert own.form == form
        assert (own.kind, own.mean, own.scale) == (plain.kind, plain.mean, plain.scale)
        X = encoder.encode(read_table({"a": cells, "b": [1] * 200}))
        assert X.tobytes() == wanted.encode(read_table({"a": VALUES, "b": [1] * 200})).tobytes()


@pytest.mark.parametrize("form", WAYS)
def test_targets_in_every_form_are_numbers(form):
    cells = [WAYS[form](value) for value in VALUES]
    (plain,) = Targets.fit({"y": VALUES}, "y").columns
    for cuts in ([], [7, 80]):
        assert Targets.fit(Cut({"y": cells}, cuts), "y").columns == (Quantity("y", plain.mean, plain.scale, form),)


def test_a_form_is_kept_in_the_file_and_another_one_is_refused_with_its_row():
    _, encoder = fitted([f"${v:,.2f}" for v in VALUES])
    document = json.loads(json.dumps(encoder.document()))
    assert document["columns"][0]["form"] == "$1,234.5"
    assert "form" not in document["columns"][1]
    read = Encoder.from_document(document, encoder.tensors())
    assert read == encoder
    one = read.encode(read_table({"a": ["$1,000", "-", ""], "b": [1, 1, 1]}))
    assert one.shape == (3, 2)
    for cell in ("1.000,50", "€5", "5 kg", "x"):
        with pytest.raises(
            DataError, match=r"holds numbers written as \$1,234.5, but '.*' came in row 2: write a number"
        ):
            read.encode(read_table({"a": ["$1", cell], "b": [1, 1]}))
    lie = {"columns": [document["columns"][0] | {"form": "1234"}, document["columns"][1]]}
    with pytest.raises(ModelFileError, match="a form of numbers"):
        Encoder.from_document(lie, encoder.tensors())


def test_numbers_of_another_source_need_no_form():
    own, encoder = fitted([f"${v:,.2f}" for v in VALUES])
    assert own.form == "$1,234.5"
    X = encoder.encode(read_table({"a": [f"${v:,.2f}" for v in VALUES], "b": [1] * 200}))
    assert X.tobytes() == encoder.encode(read_table({"a": VALUES, "b": [1] * 200})).tobytes()


def test_points_between_thousands_are_read_where_they_are_certain(tmp_path):
    numbers = [850 + 7 * k for k in range(60)]
    cells = [f"{n:,}".replace(",", ".") for n in numbers]
    assert {len(cell) for cell in cells} == {3, 5}
    assert any(cell.endswith("0") and "." in cell for cell in cells)
    for cuts in ([], [5, 20, 40]):
        own, _ = fitted(cells, cuts)
        assert own.form == "1.234,5"
        assert own.mean == np.mean(numbers)
    (target,) = Targets.fit({"y": cells}, "y").columns
    assert (target.form, target.mean) == ("1.234,5", np.mean(numbers))
    path = tmp_path / "a.csv"
    path.write_text("visitors;y\n" + "".join(f"{c};{k}\n" for k, c in enumerate(cells)))
    assert any(note.startswith("numbers written as 1.234,5: 'visitors', where '1.0") for note in noted(path))


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([f"{k + 101}.{k + 501}" for k in range(60)], "read as 101.501: write 101501 if that is meant"),
        ([f"{k + 101},{k + 501}" for k in range(60)], "read as 101501: write 101.501 if that is meant"),
        ([f"${k + 101},{k + 501}" for k in range(60)], "read as 101501: write 101.501 if that is meant"),
        ([f"{k + 101}.{k + 501} kg" for k in range(60)], "read as 101.501: write 101501 if that is meant"),
    ],
)
def test_marks_that_may_mean_either_are_pointed_out(cells, line):
    notes = noted({"a": cells, "y": [0.5 * k for k in range(60)]})
    assert [note for note in notes if line in note] == [f"column a has numbers such as {cells[0]!r}, {line}"]
    surely = {"b": [f"{k}.25" for k in range(60)]}
    plain = cells[0] == "101.501"  # decimal points elsewhere say what these are
    assert any(line in note for note in noted({"a": cells, "y": [0.5 * k for k in range(60)]} | surely)) != plain


@pytest.mark.parametrize(
    "cells",
    [
        ["0.125", "0.250", "925"] * 20,
        ["1.5", "1.250", "925"] * 20,
        ["1056", "1.050", "925"] * 20,
        ["1.250", "2.375", "x"] * 20,
        [1.25, 925, 2.375] * 20,
        [str(k) for k in range(60)],
    ],
)
def test_decimal_points_beyond_doubt_are_not_pointed_out(cells):
    assert not any("if that is meant" in note for note in noted({"a": cells, "y": [0.5 * k for k in range(60)]}))


def test_brackets_and_minus_signs_behind_are_negative_among_other_numbers():
    own, _ = fitted(["(5.00)", "7.00", "1,000.00-", "3"] * 10)
    plain, _ = fitted([-5, 7, -1000, 3] * 10)
    assert (own.form, own.origin, own.unit, own.mean) == ("1,234.5", plain.origin, plain.unit, plain.mean)
    assert fitted(["(5)", "(7)", "(3)"] * 10)[0].kind == "categories"  # numbers of items, not negative ones
    assert fitted(["5-", "7", "3+"] * 10)[0].kind == "categories"  # grades


@pytest.mark.parametrize(
    "cells",
    [
        ["1A", "2B", "3C", "4D", "5E"] * 10,
        ["A1", "A2", "A3"] * 10,
        ["0x10", "0x20"] * 10,
        ["10.0.0.1", "192.168.0.1"] * 10,
        ["12-34", "56-78"] * 10,
        ["1/2", "3/4"] * 10,
        pa.array(["$1", "$2"] * 10).dictionary_encode(),
    ],
)
def test_codes_stay_words(cells):
    assert fitted(cells)[0].kind in ("categories", "frequent")


@pytest.mark.parametrize("cells", [["10%", "20%"] * 20, ["1 star", "2 stars"] * 20, ["5 kg", "7 kg", "9 kg"] * 20])
def test_few_different_words_of_a_target_stay_classes_with_their_text(cells):
    (target,) = Targets.fit({"y": cells}, "y").columns
    assert isinstance(target, Classes)
    assert set(target.words) == set(cells)
    if cells[0] != "1 star":
        assert isinstance(Targets.fit({"y": cells}, "y", "regression").columns[0], Quantity)


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ([f"{k / 3:.3f}" for k in range(200)], "numbers"),
        ([f"{k / 3:.3f} kg" for k in range(200)], "numbers written as 1234.5 kg"),
        ([f"${1000 + k:,}" for k in range(200)], "numbers written as $1,234.5"),
        ([f"2021-{1 + k // 20:02d}-{1 + k % 20:02d}" for k in range(200)], "times (year-month-day)"),
        ([f"{1 + k % 20:02d}.{1 + k // 20:02d}.21 12:30" for k in range(200)], "times (day.month.year)"),
    ],
)
@pytest.mark.parametrize("odd", ["abc", "2021-02-30", "3 lb"])
@pytest.mark.parametrize("row", [0, 77])
def test_one_odd_cell_is_refused_with_its_row(cells, what, odd, row):
    cells = [*cells[:row], odd, *cells[row + 1 :]]
    for cuts in ([], [1, 50, 78]):
        with pytest.raises(DataError) as caught:
            fitted(cells, cuts)
        begin = f"column 'a' holds {what}, but {odd!r} came in row {row + 1}: "
        advice = "fix it, leave the cell empty, drop the column, or name it category in `kinds` (`--as`)"
        assert str(caught.value) == begin + advice


@pytest.mark.parametrize("cells", [[f"{k / 7:.3f}" for k in range(180)], [f"{k / 7:.1f}%" for k in range(180)]])
def test_a_word_for_missing_that_is_not_known_is_refused_however_often_it_comes(cells):
    cells = ["suppressed" if k % 3 == 1 else cell for k, cell in enumerate(cells)]
    with pytest.raises(DataError, match="but 'suppressed' came in row 2: fix it, leave the cell empty"):
        fitted(cells)
    few = ["suppressed" if k % 3 == 1 else str(k % 5) for k in range(180)]
    assert fitted(few)[0].kind == "categories"  # nothing is lost
    codes = [f"{k}" if k % 3 else f"A{k}" for k in range(180)]
    assert fitted(codes)[0].kind == "dropped"


NAMES = [
    (["4WD", "2WD"], "AWD", 60),
    (["9th", "10th", "11th"], "K", 200),
    (["5 stars", "4 stars", "1.5 stars"], "Not rated", 200),
    (["4 cylinders", "6 cylinders"], "other", 200),
    (["1990s", "1980s", "1970s"], "earlier", 200),
]


@pytest.mark.parametrize(("words", "rare", "rows"), NAMES)
def test_a_rare_word_among_few_words_with_a_number_is_a_category_in_inputs_and_targets(words, rare, rows):
    cells = [words[k % len(words)] for k in range(rows)]
    cells[9] = rare
    for cuts in ([], [5, 40]):
        own, _ = fitted(cells, cuts)
        assert (own.kind, set(own.words)) == ("frequent", set(words))
        (target,) = Targets.fit(Cut({"y": cells}, cuts), "y").columns
        assert set(target.words) == {*words, rare}


@pytest.mark.parametrize(("words", "rare", "rows"), NAMES)
def test_a_word_that_training_never_had_among_few_words_with_a_number_is_predicted(words, rare, rows, tmp_path):
    path, new = tmp_path / "a.csv", tmp_path / "new.csv"
    path.write_text("a,b,y\n" + "".join(f"{words[k % len(words)]},{k % 7},{k / 4}\n" for k in range(rows)))
    new.write_text(f"a,b\n{rare},1\n{words[0]},1\n")
    model = cr.train_table(path, "y", epochs=1, hidden=(4,))
    assert model.encoder.transforms[0].kind == "categories"
    assert np.isfinite(model.predict(new)).all()


def test_words_with_a_unit_are_numbers_where_they_are_many_or_hardly_repeat():
    for different, rows in ((21, 210), (15, 15), (20, 39)):
        cells = [f"{k % different + 1} kg" for k in range(rows)]
        assert fitted(cells)[0].form == "1234.5 kg"
        assert isinstance(Targets.fit({"y": cells}, "y").columns[0], Quantity)
    assert fitted([f"{k % 20 + 1} kg" for k in range(40)])[0].kind == "categories"
    for way in ("${}", "{} EUR", "{}%", "1,{}00"):  # these are numbers, however few
        assert fitted([way.format(k % 3 + 1) for k in range(60)])[0].kind == "scaled"


def test_one_odd_cell_among_few_rows_of_different_numbers_is_refused():
    with pytest.raises(DataError, match="'soon' came in row 4: fix it"):
        fitted([*(f"{k} kg" for k in range(3)), "soon", *(f"{k} kg" for k in range(4, 15))])


def test_a_target_names_the_cell_that_is_none_of_its_numbers():
    cells = [*(f"${v:,.2f}" for v in VALUES[:9]), "soon", *(f"${v:,.2f}" for v in VALUES[10:])]
    with pytest.raises(DataError, match=r"'y' holds numbers written as \$1,234\.5, but 'soon' came in row 10: fix it"):
        Targets.fit({"y": cells}, "y")
    with pytest.raises(DataError, match="'soon' came in row 10: fix it"):
        Targets.fit({"y": cells}, "y", "regression")


def test_numbers_in_several_units_are_left_out_for_the_true_reason():
    own, _ = fitted([f"{k} {'kg' if k % 2 else 'lb'}" for k in range(60)])
    assert own.reason == "its cells look like numbers, but not in one form: '0 lb' and '1 kg', write them alike"


def test_numbers_in_several_units_that_repeat_are_words_and_python_is_warned():
    y = [0.5 * k for k in range(240)]
    line = "column a is read as words: '0 lb' and '1 kg' differ in form, write them alike to have numbers"
    for different, warned in ((60, True), (6, False)):  # few words lose nothing
        cells = [f"{k % different} {'kg' if k % 2 else 'lb'}" for k in range(240)]
        training = TableTraining({"a": cells, "y": y}, "y", TableSettings(hidden=(4,), epochs=1))
        assert training.notes.count(line) == 1
        assert training.warnings.count(line) == warned
    with pytest.raises(DataError, match=r"alike\): mend one of them, or give another$"):
        Encoder.fit({"a": [f"{k} {'kg' if k % 2 else 'lb'}" for k in range(60)]})


@pytest.mark.parametrize(
    "cells",
    [
        [f"{k % 9} days 0{k % 7}:30:00" for k in range(60)],
        [f"P{k % 9}DT{k % 7}H" for k in range(60)],
        [f"{k % 9} h {k % 7} min" for k in range(60)],
        [f"{20 + k % 9}:{10 + k % 7}:00" for k in range(60)],
    ],
)
def test_lengths_of_time_are_numbers_of_days(cells):
    own, _ = fitted(cells)
    assert own.kind == "scaled"
    assert 0 < own.mean < 9


def test_a_model_reads_what_it_was_trained_on_from_a_file_again(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f'"${v:,.2f}",{v / 100:.1f}%\n' for v in VALUES]
    path.write_text("income,share\n" + "".join(rows))
    model = cr.train_table(path, "share", epochs=30, hidden=(8,), test_every=5, seed=1)
    assert model.summary["test"]["targets"]["share"]["r2"] > 0.9
    model.save(tmp_path / "m.safetensors")
    read = cr.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read.predict(path), model.predict(path))
    assert read.evaluate(path) == model.evaluate(path)
    path.write_text("income,share\n" + "".join([*rows[:3], '"1.000,5",1%\n']))
    with pytest.raises(DataError, match="came in row 4"):
        read.predict(path)


def test_a_column_named_as_a_category_is_one():
    columns = {"line": [str(k) if k % 3 else "A" for k in range(90)], "zip": [10115, 80331, 20095] * 30}
    table = columns | {"y": [0.5 * k for k in range(90)]}
    with pytest.raises(DataError, match="'A' came in row 1"):
        noted(table)
    assert "used as words: 'zip'" in noted(table, kinds={"zip": "category"}, drop="line")
    assert not any("as numbers" in note for note in noted(table, kinds={"line": "category", "zip": "category"}))
    with pytest.raises(DataError, match="no column 'town'"):
        noted(table, kinds={"town": "category"})
