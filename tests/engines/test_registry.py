"""The registry of engines: a new one is an entry, and everything that chooses, lists or checks engines takes it."""

import json
import os
import subprocess
import sys

import pytest

import chainrule as cr
from chainrule.architecture import Architecture
from chainrule.cli import run
from chainrule.engines import ENGINES, available, choose, passed_over, why_absent
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import EngineError, UnknownNameError

PAIR = Architecture.of([2, 1])


class Toy(ReferenceEngine):
    """An engine that has everything but exp."""

    name = "toy"

    def lacks(self, architecture, settings=None):
        return "activation 'exp'" if any(str(sigma) == "exp" for sigma in architecture.activations) else None


def absent():
    raise EngineError("the toy is not unpacked")


def put_first(engine):
    """The registry with `toy` in front; what it was before."""
    before = dict(ENGINES)
    ENGINES.clear()
    ENGINES.update({"toy": engine, **before})
    return before


@pytest.fixture
def registered(request):
    """The names that were there before the toy, which auto asks first."""
    before = put_first(getattr(request, "param", Toy))
    yield list(before)
    ENGINES.clear()
    ENGINES.update(before)
    assert "toy" not in ENGINES


def test_the_last_engine_lacks_nothing_and_is_there():
    assert available()[-1] == list(ENGINES)[-1] == "reference"
    assert choose("reference", PAIR).lacks(PAIR) is None


def test_auto_takes_a_new_engine_where_it_lacks_nothing(registered):
    assert list(ENGINES) == ["toy", *registered]
    assert (available()[0], why_absent("toy")) == ("toy", None)
    assert (choose("auto", PAIR).name, choose("toy", PAIR).name, passed_over(PAIR)) == ("toy", "toy", [])
    net = cr.Network([2, 1], output="identity", initializer=([[[1], [2]]], [[3]]))
    assert net.predict([[1, 1]], engine="toy").tolist() == [[6.0]]
    assert next(iter(cr.train(net, [[1, 1]], [[2]]))).engine == "toy"


def test_what_a_new_engine_lacks_another_one_computes_and_says_so_once(registered):
    other = Architecture.of([2, 1], output="exp", cost="poisson")
    next_name = next(name for name in registered if why_absent(name) is None)
    assert choose("auto", other).name == next_name
    lines = passed_over(other)
    assert lines[0] == f"engine toy has no activation 'exp', so the {next_name} engine computes"
    notes = next(iter(cr.train(cr.Network([2, 1], output="exp", cost="poisson"), [[1, 1]], [[2]]))).notes
    assert list(notes) == lines
    with pytest.raises(EngineError, match=r"^engine toy has no activation 'exp': choose engine='auto', [^\n]*$"):
        choose("toy", other)


@pytest.mark.parametrize("registered", [absent], indirect=True)
def test_an_engine_that_is_not_there_says_why_when_it_is_asked(registered):
    assert why_absent("toy") == "the toy is not unpacked"
    assert available()[0] == next(name for name in registered if why_absent(name) is None)
    assert choose("auto", PAIR).name == available()[0]
    assert passed_over(PAIR)[0] == f"the toy is not unpacked, so the {available()[0]} engine computes"
    with pytest.raises(EngineError, match=r"^the toy is not unpacked: choose engine='auto', [^\n]*$"):
        choose("toy", PAIR)


@pytest.mark.parametrize("registered", [Toy, absent], indirect=True)
def test_a_name_that_no_engine_has_is_refused_with_those_that_are_registered(registered):
    with pytest.raises(UnknownNameError, match=rf"^there is no engine 'quick': choose from auto, toy, {registered[0]}"):
        choose("quick", PAIR)


def test_importing_the_registry_asks_no_engine_whether_it_is_there():
    code = "import chainrule.engines, chainrule.network, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "chainrule.engines" in loaded
    assert {f"chainrule.engines.{name}" for name in ("native", "core", "reference")}.isdisjoint(loaded)


@pytest.mark.parametrize(
    ("registered", "words"),
    [(Toy, "works: its gradient is within"), (absent, "the toy is not unpacked; to install it: ")],
    indirect=["registered"],
)
def test_the_doctor_checks_a_new_engine(registered, words, capsys):
    assert run(["doctor", "--json"]) == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert [name for name in checks if name.startswith("engine ")] == [f"engine {name}" for name in ENGINES]
    assert checks["engine toy"]["found"].startswith(words)


def test_the_command_line_offers_a_new_engine_and_trains_with_it(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{k},{2 * k}\n" for k in range(40)))
    code = """
import sys
from chainrule.engines import ENGINES
from chainrule.engines.reference import ReferenceEngine
ENGINES["toy"] = type("Toy", (ReferenceEngine,), {"name": "toy"})
from chainrule.cli import main
main(sys.argv[1:])
"""

    def call(*arguments):
        command = [sys.executable, "-c", code, *arguments]
        env = {**os.environ, "COLUMNS": "200"}  # the list of engines fits into a line
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    assert f"auto, {', '.join(ENGINES)}, toy" in call("train", "--help")[1].replace("|", ",")
    code_, words = call("train", "t.csv", "--target", "y", "--engine", "toy", "--epochs", "2", "--out", "m.safetensors")
    assert (code_, "by the toy engine" in words) == (0, True), words
