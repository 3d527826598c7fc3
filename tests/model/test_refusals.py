"""What a table is refused for, in the words that a person needs: the file, the row, the column, what to do."""

import pytest

from chainrule.errors import DataError, RowError
from chainrule.model import train_table

ROWS = {"x": [float(k) for k in range(20)], "y": [3.0 * k for k in range(20)], "g": [0] * 20}


def written(path, rows, first=""):
    names, columns = list(rows), list(rows.values())
    lines = [",".join(names), *(",".join(map(str, cells)) for cells in zip(*columns, strict=True))]
    path.write_text(first + "\n".join(lines))
    return path


def test_rows_that_all_have_weight_0_are_told_so():
    with pytest.raises(DataError, match="every row of the mapping has weight 0 in 'g'"):
        train_table(ROWS, "y", weight="g")


def test_a_cell_is_named_by_file_row_and_column(tmp_path):
    table = written(tmp_path / "t.csv", ROWS | {"x": [*range(7), "9" * 400, *range(12)]})
    with pytest.raises(DataError, match=r"in '.*t\.csv': row 8 of column 'x' is 99999") as caught:
        train_table(table, "y")
    assert "\n" not in str(caught.value)
    with pytest.raises(RowError, match=r"^row 8 of column 'x' is inf"):
        train_table(ROWS | {"x": [*range(7), float("inf"), *range(12)]}, "y")


def test_answers_name_the_file_of_a_cell_too(tmp_path):
    model = train_table({"x": ROWS["x"], "y": ROWS["y"]}, "y", epochs=1)
    table = written(tmp_path / "new.csv", ROWS | {"x": [*range(7), "about 3", *range(12)]})
    for ask in (model.predict, model.evaluate):
        with pytest.raises(DataError, match=r"in '.*new\.csv': column 'x' holds numbers, but 'about 3' came in row 8"):
            ask(table)


@pytest.mark.parametrize(("lacking", "what"), [("y", "target"), ("x", "input")])
def test_a_table_to_validate_with_is_named_where_it_lacks_a_column(tmp_path, lacking, what):
    held = written(tmp_path / "held.csv", {name: cells for name, cells in ROWS.items() if name != lacking})
    with pytest.raises(DataError, match=rf"no {what} \(in '.*held\.csv', to validate with\) column '{lacking}'"):
        train_table(ROWS, "y", validation=held, drop=["g"])
