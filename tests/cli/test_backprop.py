"""`chainrule backprop`: the numbers of a row, for every kind of file, in every way to write them."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.files import load

RNG = np.random.Generator(np.random.PCG64(5))
SIZE, COLOUR = RNG.normal(size=40).round(3), np.array(["red", "blue"] * 20)
ANSWER = np.where(SIZE > 0, "yes", "no")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table, and a model, an estimator and a network of it."""
    where = tmp_path_factory.mktemp("backprop")
    table = {"size": SIZE, "colour": COLOUR, "answer": ANSWER}
    lines = [",".join(map(str, row)) for row in zip(*table.values(), strict=True)]
    lines[2] = lines[2].rpartition(",")[0] + ","  # row 3 has no answer
    (where / "t.csv").write_text("\n".join([",".join(table), *lines]))
    numbers = np.stack([SIZE, COLOUR == "red", ANSWER == "yes"], axis=1).astype(float)
    np.savetxt(where / "n.csv", numbers, delimiter=",", header="size,red,answer", comments="")
    cr.train_table(where / "t.csv", target="answer", hidden=(3,), validation=0.0, epochs=3).save(
        where / "m.safetensors"
    )
    words = cr.MLPClassifier(hidden_layer_sizes=(3,), solver="lbfgs", random_state=0).fit(numbers[:, :2], ANSWER)
    cr.save(words, where / "e.safetensors")
    cr.save(cr.Network([2, 3, 2], "softmax", "softmax", "cross_entropy", seed=0), where / "net.safetensors")
    return where


@pytest.fixture
def printed(folder, capsys, monkeypatch):
    """What a command writes to stdout, or after a failure to stderr."""
    monkeypatch.chdir(folder)

    def call(*command, code=0):
        capsys.readouterr()
        assert run(["backprop", *command]) == code
        out, err = capsys.readouterr()
        assert err.count("\n") == (code != 0)
        return err if code else out

    return call


def test_a_model_shows_every_layer_and_leaves_out_rows_without_an_answer(printed):
    text = printed("m.safetensors", "t.csv").splitlines()
    assert text[0].startswith("ledger of 39 examples, ")
    assert [line.split(":")[0] for line in text[1:]] == ["  layer 2 of 3", "  layer 3 of 3"]


def test_a_neuron_of_a_model_has_the_names_of_the_table_and_the_numbers_of_the_network(printed):
    text = printed("m.safetensors", "t.csv", "--row", "7", "--layer", "2", "--neuron", "3")
    model = load("m.safetensors")
    ledger = model.backprop("t.csv").example(6)
    assert text.rstrip("\n") == str(ledger.neuron(2, 3))
    assert f"(a_1¹ is size; the cell is '{SIZE[6]}')" in text
    assert "(a_2¹ is colour=" in text
    output = printed("m.safetensors", "t.csv", "--row", "7", "--layer", "3", "--neuron", "2").splitlines()
    assert output[0] == "neuron 2 of layer 3: answer=yes"
    assert output[3].startswith("  δ_2³  BP1  a_2³ − t_2 = ")


def test_a_small_layer_of_one_row_shows_its_matrices(printed):
    text = printed("m.safetensors", "t.csv", "--row", "1", "--layer", "3", "--notation", "BP")
    assert "layer 3 of 3: 3 → 2 softmax, 1 example" in text
    assert "  Δ³  BP1  A³ − Y = " in text


def test_an_estimator_and_a_network_need_the_target(printed):
    of_words = printed("e.safetensors", "n.csv", "--target", "answer", "--row", "2", code=1)
    assert "no row of 'answer' has a class that the file knows" in of_words
    table = "size,red,answer\n0.5,1,no\n-1,0,yes\n"
    Path("w.csv").write_text(table)
    text = printed("e.safetensors", "w.csv", "--target", "answer", "--row", "2", "--layer", "3", "--neuron", "1")
    assert text.startswith("neuron 1 of layer 3: y=yes\n")
    assert "− 1.0000 =" in text
    text = printed("net.safetensors", "n.csv", "--target", "answer", "--row", "2", "--layer", "2", "--neuron", "1")
    assert "(a_2¹ is red)" in text
    assert "∂a_i²/∂z_1²" in text
    text = printed("net.safetensors", "n.csv", "--target", "answer", "--row", "2", "--layer", "3", "--neuron", "1")
    assert text.startswith("neuron 1 of layer 3: output 1\n")


def test_the_numbers_as_plain_data_are_exact(printed):
    document = json.loads(printed("m.safetensors", "t.csv", "--row", "5", "--layer", "3", "--neuron", "1", "--json"))
    ledger = load("m.safetensors").backprop("t.csv").example(4)
    values = {each["equation"]: each["value"] for each in document["equations"][:3]}
    assert values == {
        "forward": ledger.Z[1][0, 0],
        "activation": ledger.A[2][0, 0],
        "BP1": ledger.delta[1][0, 0],
    }
    layers = json.loads(printed("m.safetensors", "t.csv", "--json"))
    assert [layer["layer"] for layer in layers["layers"]] == [2, 3]
    assert len(layers["cost"]) == layers["examples"] == 39
    layer = json.loads(printed("m.safetensors", "t.csv", "--layer", "2", "--json"))
    assert layer == layers["layers"][0]


def test_latex_and_a_page_without_scripts(printed):
    latex = printed("m.safetensors", "t.csv", "--row", "5", "--layer", "3", "--neuron", "1", "--latex")
    assert latex.startswith("\\begin{aligned}\nz_{1}^{3} &= ")
    page = printed("m.safetensors", "t.csv", "--row", "5", "--html")
    assert "<script" not in page
    tree = ET.fromstring(page.partition("\n")[2].replace('<meta charset="utf-8">', "").partition("<body>")[2].join(
        ["<body>", ""]).replace("</html>", ""))  # fmt: skip
    assert len(tree.findall(".//{http://www.w3.org/1998/Math/MathML}math")) == 10


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--row", "41"], 2, "row is 41, but 't.csv' has rows 1 to 40"),
        (["--row", "0"], 2, "row is 0, but 't.csv' has rows 1 to 40"),
        (["--row", "3"], 1, "no row has a value for every target, so there is no cost to differentiate"),
        (["--neuron", "1"], 2, "--neuron needs --layer: a neuron is counted in its layer"),
        (["--layer", "2", "--neuron", "1"], 2, "equations have the numbers of one row, but 39 came: add --row N"),
        (["--row", "1", "--layer", "4"], 2, "layer is 4, but must be from 2 to 3 (layer 1 is the input)"),
        (["--row", "1", "--layer", "2", "--neuron", "9"], 2, "the neuron of layer 2 is 9, but must be a whole number"),
        (["--row", "1", "--latex", "--json"], 2, "--latex, --html and --json each choose how to write"),
        (["--row", "1", "--layer", "2", "--notation", "X"], 2, "notation is 'X', but must be 'GD' or 'BP'"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(printed, options, code, message):
    assert message in printed("m.safetensors", "t.csv", *options, code=code)


def test_a_network_without_a_target_is_refused(printed):
    assert "the network does not know which column is the target" in printed("net.safetensors", "n.csv", code=2)


def test_an_error_in_a_cell_names_its_row_of_the_file(printed):
    Path("bad.csv").write_text("size,colour,answer\n1,red,yes\nfar,blue,no\n")
    assert "in 'bad.csv': column 'size' holds numbers, but 'far' came in row 2" in printed(
        "m.safetensors", "bad.csv", "--row", "2", code=1
    )
