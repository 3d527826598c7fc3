"""`--as`: what columns are, on the command line; inspect of tables; drift; JSON lines on standard input."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclopts import Token

from chainrule.cli import run
from chainrule.cli.values import column_kinds, matching_kinds

from .processes import call, here

ROWS = [
    {"zip": 8000 + k % 4, "note": f"the {'new' if k % 2 else 'old'} roof", "tags": "a;b" if k % 3 else "b"}
    | {"size": "SML"[k % 3]}
    for k in range(60)
]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, and a model of the sizes in it."""
    folder = tmp_path_factory.mktemp("kinds")
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    options = ("--target", "size", "--as", "zip=category,note=text", "--as", "size=ordered:S<M<L")
    out, _ = here("train", "t.jsonl", *options, "--hidden", "4", "--epochs", "2", cwd=folder)
    assert "target size: 3 classes in an order" in out
    assert "used as text: 'note'" in out
    return folder


def printed(capfd: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert run(list(words)) == code
    return capfd.readouterr()


@pytest.mark.parametrize(
    ("texts", "kinds"),
    [
        (["zip=category,price=number"], {"zip": "category", "price": "number"}),
        ([" a b = date , c=text"], {"a b": "date", "c": "text"}),
        (["size=ordered:S<M<L,x=labels:,,y=labels:|"], {"size": "ordered:S<M<L", "x": "labels:,", "y": "labels:|"}),
        (["a,b=date", "c=labels"], {"a,b": "date", "c": "labels"}),
        (['{"a=1": "ordered:<5<5,6"}'], {"a=1": "ordered:<5<5,6"}),
        (["a=b=date"], {"a=b": "date"}),
        ([""], {}),
    ],
)
def test_kinds_as_they_are_written(texts: list[str], kinds: dict[str, str]) -> None:
    assert column_kinds(None, [Token(value=text) for text in texts]) == kinds


@pytest.mark.parametrize("text", ["zip", "zip=cat", "zip=category,more", "{1", "[1]", "=date"])
def test_other_texts_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$"):
        column_kinds(None, [Token(value=text)])


def test_names_match_the_columns_of_the_table() -> None:
    assert matching_kinds({"a": "date", "b ": "text"}, [" a", "b "]) == {" a": "date", "b ": "text"}


def test_inspect_shows_what_a_table_becomes(where: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = str(where / "t.jsonl")
    out, _ = printed(capfd, "inspect", table, "--as", "zip=category,size=ordered:S<M<L", "--target", "size")
    lines = out.splitlines()
    assert any(line.split()[:2] == ["zip", "categories"] for line in lines)
    assert any(line.split() == ["size", "ordered", "S", "<", "M", "<", "L"] for line in lines)
    out, _ = printed(capfd, "inspect", table, "--json")
    kinds = {column["name"]: column["becomes"] for column in json.loads(out)["columns"]}
    assert kinds == {"zip": "scaled", "note": "categories", "tags": "categories", "size": "categories"}
    _, err = printed(capfd, "inspect", str(where / "model.safetensors"), "--target", "size", code=2)
    assert "leave out --target and --as" in err


def test_inspect_shows_the_kinds_of_a_model(where: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(capfd, "inspect", str(where / "model.safetensors"))
    assert "text with 2 words" in out
    assert "S < M < L" in out


def test_drift_is_one_line_and_data(where: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model, other, out = str(where / "model.safetensors"), tmp_path / "other.jsonl", str(tmp_path / "p.csv")
    other.write_text("".join(json.dumps(row | {"zip": 1}) + "\n" for row in ROWS))
    line = "drift since training: zip has unknown words in 100% of the rows ('1'; 0% in training)"
    assert printed(capfd, "predict", model, str(where / "t.jsonl"))[1] == ""
    assert line in printed(capfd, "predict", model, str(other))[1]
    scores, _ = printed(capfd, "evaluate", model, str(other))
    assert scores.splitlines()[-1] == line
    document: Any = json.loads(printed(capfd, "evaluate", model, str(other), "--json")[0])
    assert document["drift"]["columns"][0]["what"] == "unknown"
    document = json.loads(printed(capfd, "predict", model, str(other), "--out", out, "--json")[0])
    assert document["drift"]["rows"] == 60


def test_json_lines_from_standard_input(where: Path) -> None:
    with (where / "t.jsonl").open() as stream:
        by_pipe, _ = call("predict", "model.safetensors", "-", cwd=where, stdin=stream)
    by_file, _ = here("predict", "model.safetensors", "t.jsonl", cwd=where)
    assert by_pipe == by_file


def test_a_file_of_options_has_a_table_of_kinds(where: Path, tmp_path: Path) -> None:
    options = 'target = "size"\nepochs = 1\nhidden = [2]'
    (tmp_path / "chainrule.toml").write_text(f'[train]\n{options}\n[train.as]\nzip = "category"\n')
    out, _ = here("train", str(where / "t.jsonl"), cwd=tmp_path)
    assert "used as words: 'zip'" in out
