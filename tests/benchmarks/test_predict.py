"""The benchmark of predictions: its table is the one that was given, again and again."""

from pathlib import Path

from benchmarks.predict import processor_seconds, repeated


def test_a_table_is_repeated_to_so_many_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    assert repeated(tmp_path / "t.csv", tmp_path, 5).read_text() == "a,b\n1,2\n3,4\n1,2\n3,4\n1,2\n"


def test_the_time_of_the_processor_is_counted() -> None:
    assert processor_seconds(lambda: sum(range(300_000))) > 0
