"""The studio in a notebook: its messages, without a browser."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from tests.studio.browser import lacks

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.studio import widget as module

X, T = np.linspace(-1, 1, 40).reshape(20, 2), np.arange(20.0)[:, None] % 2


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def studio() -> Callable[..., Any]:
    if not find_spec("anywidget"):
        lacks("no anywidget: pip install 'chainrule[notebook]'")
    return module.studio


def test_messages_are_answered_and_views_come(studio: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    net = cr.Network([2, 3, 1], "tanh", seed=3)
    widget = studio(net, X, T)
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(type(widget), "send", lambda self, content, buffers=None: sent.append(content))
    assert (widget.network.theta == net.theta).all()
    handle = widget._msg_callbacks.callbacks[0]
    handle(widget, {"listen": True}, [])
    handle(widget, {"number": 1, "command": {"do": "update"}}, [])
    handle(widget, {"number": 2, "command": {"do": "nothing"}}, [])
    until(lambda: {message.get("number") for message in sent} >= {1, 2})
    until(lambda: any("view" in message for message in sent))
    answers = {message["number"]: message for message in sent if "number" in message}
    assert answers[1]["answer"]["place"]["update"] == 1
    assert "there is no command" in answers[2]["error"]
    assert not (widget.network.theta == net.theta).all()


def test_the_module_of_the_widget_is_one_file(studio: Callable[..., Any]) -> None:
    widget = studio()
    assert widget._esm.count("\nexport ") == 1
    assert "\nimport " not in widget._esm
    assert ".studio-box" in widget._css
    assert widget.network is None


def test_wrong_arguments_and_a_missing_package_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError, match="give both"):
        module.studio(None, X)
    with pytest.raises(SettingError, match="a Network"):
        module.studio(X, X, T)  # type: ignore[arg-type]
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    with pytest.raises(SettingError, match=r"pip install 'chainrule\[notebook\]'"):
        module.studio()
