"""`chainrule studio`: what it prints, what it refuses, how it ends."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'chainrule[studio]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chainrule[studio]'")


def test_it_prints_its_address_serves_the_page_and_ends_by_a_signal(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{k},{k % 2}\n" for k in range(30)))
    command = [sys.executable, "-m", "chainrule", "studio", "t.csv", "--target", "b", "--no-browser", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        address, _, token = ready["url"].partition("#")
        assert ready["host"] == "127.0.0.1"
        assert len(token) >= 43
        with urllib.request.urlopen(address) as page:
            assert b"chainrule studio" in page.read()
        body = json.dumps({"do": "setup"}).encode()
        headers = {"x-studio-token": token, "content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{address}do", body, headers)) as answer:
            assert json.loads(answer.read())["dataset"]["title"] == "t.csv"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["t.csv"], "name the column to learn by --target"),
        (["t.csv", "--target", "z"], "'z'"),
        (["no.csv", "--target", "z"], "no file"),
        (["--target", "z"], "name the table too"),
        (["--port", "99999"], "65535"),
    ],
)
def test_what_does_not_fit_is_said_before_it_serves(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from chainrule.cli import run

    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{k},{k % 2}\n" for k in range(30)))
    monkeypatch.chdir(tmp_path)
    assert run(["studio", "--no-browser", *arguments]) != 0
    line = capsys.readouterr().err
    assert words in line
    assert line.count("\n") == 1
