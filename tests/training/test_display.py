"""A training while it is seen: what is said, where it is drawn, and that no bit depends on it."""

import io
import sys
import types

import numpy as np

import chainrule as cr
from chainrule.training import frontends
from chainrule.training.display import Display, showing

RNG = np.random.default_rng(3)
X, T = RNG.normal(size=(60, 3)), RNG.integers(0, 2, size=60)
HELD = (X[:20], T[:20])


def accuracy(A, T):
    return float(np.mean(A.argmax(axis=1) == T))


def training(**settings):
    net = cr.Network([3, 4, 2], output="softmax", cost="cross_entropy")
    return cr.train(net, X, T, **{"epochs": 3, "validation": HELD, "metrics": {"accuracy": accuracy}} | settings)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def on_terminal(monkeypatch):
    """A terminal in place of stderr; what is written onto it."""
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    return sys.stderr


def test_a_terminal_has_costs_metrics_of_both_sets_and_the_curve_and_is_left_clean(monkeypatch):
    terminal = on_terminal(monkeypatch)
    running = training()
    for event in showing(running):
        if isinstance(event, cr.EpochEnd):
            expected = event, running.scores()
    drawn = terminal.getvalue()
    assert f"validation {expected[0].validation:.4g}" in drawn
    assert f"accuracy {expected[0].metrics['accuracy']:.4g} (training " in drawn
    assert any(letter in drawn for letter in "▁█")
    assert drawn.endswith("\x1b[2K")


def test_metrics_of_training_rows_are_those_of_the_current_weights():
    running = training()
    for event in running:
        if isinstance(event, cr.EpochEnd):
            assert running.scores() == {"accuracy": accuracy(running.net.predict(X), T)}


def test_a_log_has_a_line_every_few_seconds_and_one_in_the_end(monkeypatch, capsys):
    for event in showing(training()):
        last = event
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1
    assert shown[0].startswith(f"epoch 3/3: cost {last.history.cost[-1]:.4g}, validation ")
    assert "left" not in shown[0]
    cr.MLPClassifier((4,), max_iter=50, tol=1.0, progress=True).fit(X, T)  # leaves its training before the end
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(", the training loss did not improve by more than tol=1 for 10 epochs in a row")
    monkeypatch.setattr(frontends, "LINE_EVERY", 0.0)
    assert cr.fit(cr.Network([3, 2]), X, T, epochs=3, progress=True).epochs == 3
    assert len(capsys.readouterr().err.splitlines()) > 3


def test_nothing_is_said_unless_asked(capsys):
    cr.fit(cr.Network([3, 2]), X, T, epochs=1)
    cr.train_table({"x": X[:, 0], "y": T}, "y", epochs=1)
    with Display(lines=False) as display:
        for event in training():
            display.show(event)
    assert capsys.readouterr() == ("", "")
    assert display.text.startswith("epoch 3/3: cost ")


def test_a_notebook_gets_the_curves(monkeypatch):
    drawn = []

    class Handle:
        def update(self, drawing):
            drawn.append(drawing)

    def display(drawing, display_id):
        drawn.append(drawing)
        return Handle()

    shell = types.SimpleNamespace(kernel=object())
    ipython = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display, HTML=str))
    monkeypatch.setattr(frontends, "DRAW_EVERY", 0.0)
    cr.train_table({"x": X[:, 0], "y": T}, "y", epochs=3, progress=True)
    assert len(drawn) >= 4
    assert "<svg" in drawn[-1]
    assert "epoch 3/3: cost" in drawn[-1]
    shell.kernel = None  # IPython in a terminal
    assert not frontends.in_notebook()


def test_seeing_changes_no_bit(monkeypatch):
    on_terminal(monkeypatch)
    thetas = []
    for silent in (True, False):
        running = training(metrics={"accuracy": accuracy})
        for _ in showing(running, silent=silent):
            running.scores()
        thetas.append(running.net.theta.tobytes())
    assert thetas[0] == thetas[1]


def test_the_time_left_is_what_is_left_of_the_time_asked_for() -> None:
    display = Display(silent=True, time=10.0)
    display.show(cr.Started(10, 1, 1000, "native", 0, ()))
    display.show(cr.Progress(0, 1, 1, 0.5, 0.1, 4.0))
    assert display.left(2, 6.0) == "0:00:04 left"
