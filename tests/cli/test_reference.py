"""The page of the command line, and the completion of shells."""

import os
import subprocess
from pathlib import Path

import pytest

from chainrule.cli import COMMANDS, run
from chainrule.cli.reference import page

from .processes import CLEAN, PROGRAM

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_what_help_says_now() -> None:
    said = "docs/cli.md is old: python -m chainrule.cli.reference > docs/cli.md writes it again"
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == page(), said


def completions(line: str, folder: Path, script: str) -> list[str]:
    """What bash offers after `line`, whose last word is being typed."""
    (folder / "complete.bash").write_text(script)
    asked = (
        'source complete.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chainrule; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    words = line.split(" ")
    program = folder / "chainrule"  # as an installation has it on the path
    program.write_text(f"#!{PROGRAM[0]}\n{PROGRAM[2]}\n")
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", asked, "bash", *words],
        cwd=folder,
        env={**CLEAN, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_bash_completes_commands_options_choices_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/bin/bash").exists():
        pytest.skip("there is no bash here")
    assert run(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    (tmp_path / "houses.csv").touch()
    assert set(completions("chainrule ", tmp_path, script)) == set(COMMANDS)
    assert completions("chainrule ev", tmp_path, script) == ["evaluate"]
    assert completions("chainrule train hou", tmp_path, script) == ["houses.csv"]
    assert completions("chainrule train --tar", tmp_path, script) == ["--target"]
    assert completions("chainrule train houses.csv --task reg", tmp_path, script) == ["regression"]
    assert completions("chainrule train houses.csv --activation rel", tmp_path, script) == ["relu", "relu6"]
    assert completions("chainrule train houses.csv --optimizer ada", tmp_path, script) == ["adam", "adamw", "adagrad"]
    assert completions("chainrule train --config hou", tmp_path, script) == ["houses.csv"]


def test_other_shells_have_their_scripts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["completion", "zsh"]) == 0
    assert capsys.readouterr().out.startswith("#compdef chainrule\n")
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert run(["completion"]) == 0
    assert "complete -c chainrule" in capsys.readouterr().out
    monkeypatch.setenv("SHELL", "/bin/dash")
    assert run(["completion"]) == 2
    assert capsys.readouterr().err == "chainrule: the shell is 'dash': name one of bash, zsh, fish\n"
