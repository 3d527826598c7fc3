"""The studio in a notebook: `studio(net, X, T)` shows the same view as a widget of anywidget."""

from __future__ import annotations

import json
import os
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.registry import require
from chainrule.studio.assets import script, style
from chainrule.studio.session import Session
from chainrule.studio.worker import Worker

if TYPE_CHECKING:
    from anywidget import AnyWidget

__all__ = ["studio"]


def studio(
    net: Network | None = None, X: Any = None, T: Any = None, *, folder: str | os.PathLike[str] = "."
) -> AnyWidget:
    """The studio as a widget for notebooks: a copy of the network learns the rows, and every number can be read.

    - net: the network, whose layers and weights training starts from; None for the studio's own.
    - X: inputs, (n, n_1).
    - T: targets (n, n_L), or class numbers (n,); None, as X, to choose data on the page.
    - folder: the folder below which files are read and written.

    `studio(...)` as the last line of a cell shows it. `widget.network` is the network with the weights of now.

    Raises SettingError where anywidget, which is optional, is not installed; DataError where X and T do not fit.
    """
    require(net is None or isinstance(net, Network), "net", net, "a Network, or None")
    if (X is None) != (T is None) or (net is not None and X is None):
        raise SettingError("X and T are the rows to learn: give both, or neither and no network")
    session = Session(folder)
    if X is not None:
        session.open_arrays(X, T, net)
    return _widget(Worker(session))


def _widget(worker: Worker) -> AnyWidget:
    """The widget of a worker."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        line = "the studio in a notebook needs anywidget, which is not installed: pip install 'chainrule[notebook]'"
        raise SettingError(line) from None

    class Studio(anywidget.AnyWidget):
        """The view, whose commands and answers are messages."""

        _esm = traitlets.Unicode(f"{script('widget.js')}\nexport default {{ render: module_widget_js.default }};").tag(
            sync=True
        )
        _css = traitlets.Unicode(style()).tag(sync=True)

        @property
        def network(self) -> Network | None:
            """The network with the weights of now; None before data are chosen."""
            trainer = worker.session.work.trainer
            return None if trainer is None else trainer.net

        def close(self) -> None:
            """End the training, and the widget."""
            worker.close()
            super().close()

    widget = Studio()
    widget.on_msg(_Messages(widget, worker))
    worker.start()
    return widget


class _Messages:
    """Answers the messages of a widget."""

    def __init__(self, widget: Any, worker: Worker) -> None:
        self._widget, self._worker = widget, worker

    def __call__(self, widget: Any, content: Any, buffers: Any) -> None:
        """A message: a command with its number, or the wish to listen."""
        if not isinstance(content, dict):
            return
        if content.get("listen"):
            self._worker.leave(self._view)
            self._worker.listen(self._view)
            return
        number = content.get("number")
        self._worker.ask(content.get("command")).add_done_callback(lambda answer: self._answer(number, answer))

    def _view(self) -> None:
        if not self._worker.closed:
            self._widget.send({"view": json.loads(self._worker.view)})

    def _answer(self, number: Any, answer: Future[Any]) -> None:
        error = answer.exception()
        if error is None:
            self._widget.send({"number": number, "answer": answer.result()})
        else:
            self._widget.send({"number": number, "error": " ".join(str(error).split()) or type(error).__name__})
