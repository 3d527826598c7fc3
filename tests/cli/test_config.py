"""`chainrule.toml`: which file counts, what it may say, and errors that name it."""

from pathlib import Path

import pytest

from chainrule.cli import run
from chainrule.files import load

TABLE = "a,b,answer\n" + "".join(f"{k % 7},{k / 10},{'yes' if k % 3 else 'no'}\n" for k in range(60))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table, two levels below one that nothing is in."""
    here = tmp_path / "above" / "here"
    here.mkdir(parents=True)
    (here / "t.csv").write_text(TABLE)
    monkeypatch.chdir(here)
    return here


def trained(*arguments: str) -> dict[str, object]:
    """The summary of a model after `train` with these arguments."""
    assert run(["train", "t.csv", *arguments]) == 0
    return load("model.safetensors").summary


def test_the_file_gives_what_the_command_line_leaves_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "chainrule.toml").write_text(
        '[train]\ntarget = "answer"\nhidden = [5, 4]\nepochs = 3\nlearning-rate = 0.02\nbatch_size = 7\n'
    )
    summary = trained("--epochs", "2")
    assert (summary["epochs"], summary["batch_size"]) == (2, 7)
    assert summary["optimizer"]["learning_rate"] == 0.02
    assert load("model.safetensors").network.sizes == (2, 5, 4, 2)
    assert capsys.readouterr().out.splitlines()[0] == f"options from {here / 'chainrule.toml'}"


def test_the_nearest_file_counts_alone(here: Path) -> None:
    (here.parents[1] / "chainrule.toml").write_text("[train]\nepochs = 3\nbatch-size = 9\n")
    assert trained("--target", "answer")["batch_size"] == 9
    (here.parent / "chainrule.toml").write_text("[train]\nepochs = 2\n")
    summary = trained("--target", "answer")
    assert (summary["epochs"], summary["batch_size"]) == (2, 32)


def test_a_named_file_takes_its_place_and_none_reads_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "chainrule.toml").write_text("[train]\nbogus = 1\n")
    (here / "mine.toml").write_text("[train]\nepochs = 2\n[demo]\nepochs = 5\n")
    assert trained("--target", "answer", "--config", "mine.toml")["epochs"] == 2
    assert trained("--target", "answer", "--config", "none", "--epochs", "1")["epochs"] == 1
    assert run(["train", "t.csv", "--target", "answer", "--config", "no.toml"]) == 1
    assert capsys.readouterr().err == "chainrule: no.toml: No such file or directory\n"


def test_a_file_that_says_nothing_is_not_mentioned(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "chainrule.toml").write_text("[train]\nepochs = 7\n")
    trained("--target", "answer", "--epochs", "1")
    assert "options from" not in capsys.readouterr().out


def test_flags_empty_lists_and_lists_of_columns(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "chainrule.toml").write_text(
        '[train]\njson = true\nhidden = []\ndrop = ["a"]\ntarget = "answer"\nepochs = 1\n'
    )
    assert trained()["epochs"] == 1
    assert capsys.readouterr().out.startswith('{"event": "epoch"')
    assert load("model.safetensors").network.sizes == (1, 2)


def test_a_table_gives_weights_to_classes_of_any_name(here: Path) -> None:
    answers = ['"yes, often"', "a=1", "a=1"]
    rows = "".join(f"{k},{answers[k % 3]}\n" for k in range(60))
    (here / "t.csv").write_text(f"x,answer\n{rows}")
    (here / "chainrule.toml").write_text('[train]\nepochs = 1\n[train.class-weight]\n"yes, often" = 2\n"a=1" = 0.5\n')
    written = '{"yes, often": 2, "a=1": 0.5}'
    summary = trained("--target", "answer")
    assert summary["class_weight"] == {"yes, often": 2, "a=1": 0.5}
    (here / "chainrule.toml").unlink()
    for text in (written, "yes, often=2,a=1=0.5"):
        assert trained("--target", "answer", "--epochs", "1", "--class-weight", text) == summary


def test_names_of_columns_with_commas_are_found_in_lists(here: Path) -> None:
    (here / "t.csv").write_text(
        '"x, y",z,w,"to, day"\n' + "".join(f"{k},{k % 5},{k % 7},{k % 3}.5\n" for k in range(60))
    )
    (here / "chainrule.toml").write_text('[train]\nepochs = 1\ntarget = "to, day"\ndrop = ["x, y", "w"]\n')
    trained()
    model = load("model.safetensors")
    assert (model.encoder.columns, model.targets.names) == (["z"], ["to, day"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[train]\nepoch = 3", "there is no option 'epoch': did you mean 'epochs'?"),
        ("[train]\nconfig = 'x'", "there is no option 'config'"),
        ("[train]\ndata = 't.csv'", "there is no option 'data'"),
        ("[trian]\nepochs = 3", "there is no table [trian]"),
        ("epochs = 3", "there is no table [epochs]"),
        ("train = 3", "there is no table [train]"),
        ("[train\n", "line 1"),
        ("[train]\nepochs = true", "epochs is True, but must be"),
        ("[train]\nepochs = [3]", "epochs is [3], but must be"),
        ("[train]\nepochs = 2020-01-01", "epochs is datetime.date(2020, 1, 1), but must be"),
        ("[train]\nlearning-rate = {value = 3}", "learning-rate is {'value': 3}, but must be"),
        ("[train]\njson = 'yes'", "json is 'yes', but must be true or false"),
        ("[train]\nepochs = 2.5", "epochs in"),
        ("[train]\nlearning-rate = 'fast'", "learning-rate in"),
        ("[train]\nactivation = 'rel'", "did you mean"),
        ("[train]\nhidden = [3, 'x']", "hidden"),
        ("[train]\nvalidation = 1.5", "validation is 1.5"),
        ("a = " + "[" * 30_000, "a value in it is nested too deeply"),
        ("a = " + "{a=" * 20_000, "a value in it is nested too deeply"),
        ("[train]\nepochs = " + "1" * 5000, "a value in it is a number with too many digits"),
        ("[train]\nepochs = 0x" + "f" * 10_000, "epochs is of type int, too large to be shown"),
        ("[train]\nhidden = [0x" + "f" * 10_000 + "]", "hidden is of type list, too large to be shown"),
        ("[train]\nepochs = " + "[" * 100 + "]" * 100, "epochs is [[["),
        ("a" + ".a" * 30_000 + " = 1", "a line has more than 200 points"),
        ("[train]\n" + "k" * 60_000 + " = 1", "there is no option 'kkk"),
        ("[" + "t" * 60_000 + "]", "there is no table [ttt"),
        ("#" * 70_000, "more than 64 KiB"),
        ("[train.epochs]\nyes = 1", "epochs is {'yes': 1}, but must be text or a number"),
        ("[train.class-weight]\nyes = 'many'", "class_weight of 'yes' is 'many'"),
        ("[train.class-weight]\nmaybe = 1", "class_weight names 'maybe'"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(
    text: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "chainrule.toml").write_text(text)
    assert run(["train", "t.csv", "--target", "answer"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("chainrule: ")
    assert error.count("\n") == 1
    assert error.count(str(here / "chainrule.toml")) == 1
    assert said.lower() in error.lower()
    assert len(error) < 1000
    assert not (here / "model.safetensors").exists()


def test_bytes_that_are_no_text_are_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "chainrule.toml").write_bytes(b"[train]\nepochs = '\xff'\n")
    assert run(["train", "t.csv", "--target", "answer"]) == 2
    assert "chainrule.toml: it is not a TOML file in UTF-8" in capsys.readouterr().err


def test_other_commands_read_no_file(here: Path) -> None:
    (here / "chainrule.toml").write_text("[train]\nbogus = 1\n")
    assert run(["doctor"]) == 0
