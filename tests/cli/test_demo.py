"""`chainrule demo`: it runs, and so does what it says to try next."""

from pathlib import Path

from .processes import here


def test_the_demo_runs_and_so_does_what_it_says_to_try_next(tmp_path: Path) -> None:
    out, _ = here("demo", "--epochs", "12", cwd=tmp_path)
    accuracy = float(out.split("digit: accuracy ")[1].split(",")[0])
    assert accuracy > 0.93
    tries = [line.split() for line in out.splitlines() if line.startswith("  chainrule ") and "YOUR" not in line]
    assert [words[1] for words in tries] == ["inspect", "evaluate", "predict"]
    for words in tries:
        here(*words[1:], cwd=tmp_path)
    assert (tmp_path / "answers.csv").exists()
