"""`chainrule predict`: answers by name, as CSV or JSON."""

import csv
import json
from pathlib import Path

from .processes import call


def test_answers_never_take_the_place_of_others(tmp_path: Path) -> None:
    rows = [[k, "p" if k % 2 else "q", k * 1.5] for k in range(40)]
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["x", "a", "a=p"], *rows])
    train = ("train", "t.csv", "--target", "a,a=p", "--epochs", "1", "--out", "m.safetensors")
    call(*train, cwd=tmp_path)
    assert "'a=p'" in call("predict", "m.safetensors", "t.csv", cwd=tmp_path, code=2)[1]
    out, _ = call("predict", "m.safetensors", "t.csv", "--no-probabilities", cwd=tmp_path)
    assert out.splitlines()[0] == '"a","a=p"'


def test_predictions_as_json_are_one_object_a_row(folder: Path) -> None:
    out, _ = call("predict", "m.safetensors", "new.csv.gz", "--json", cwd=folder)
    assert [json.loads(line)["answer"] for line in out.splitlines()] == ["yes", "no"]
