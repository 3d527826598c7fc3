"""A thread that owns a session: it answers commands one after another, trains between them, and draws for listeners.

Everything of a session happens in this thread, so nothing of it needs a lock. A view is drawn only while someone
listens, and at most a fifth of the time goes into drawing.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from chainrule.studio.session import Session

__all__ = ["Worker"]

VIEWS = 20  # a second, at most
SHARE = 4  # times as long is trained as is drawn
IDLE = 0.5  # seconds between two glances at whether anyone listens


class Worker:
    """The thread of a session.

    - session: it is used by the thread alone once `start` is called.
    - view: the last one, as JSON.
    - closed: whether it has ended.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.view = b"{}"
        self._commands: queue.SimpleQueue[tuple[Any, Future[Any]] | None] = queue.SimpleQueue()
        self._listeners: list[Callable[[], None]] = []
        self._stale, self._next_view, self.closed = True, 0.0, False
        self._thread = threading.Thread(target=self._run, name="chainrule-studio", daemon=True)

    def start(self) -> Worker:
        """Start the thread."""
        self._thread.start()
        return self

    def ask(self, command: Any) -> Future[Any]:
        """The answer to a command, as a future: plain data, or the error that the session raised."""
        future: Future[Any] = Future()
        if self.closed:
            future.set_exception(RuntimeError("the studio has ended"))
        else:
            self._commands.put((command, future))
        return future

    def close(self) -> None:
        """End the thread, after the command that it is at."""
        self.closed = True
        self._commands.put(None)
        if self._thread.ident is not None:
            self._thread.join(5.0)
        for notify in list(self._listeners):
            notify()

    # ------------------------------------------------------------------------------- listeners

    def listen(self, notify: Callable[[], None]) -> None:
        """Call `notify`, in the thread, whenever `view` is another one; the first time soon."""
        self._listeners.append(notify)
        self._stale, self._next_view = True, 0.0
        self._commands.put((None, Future()))

    def leave(self, notify: Callable[[], None]) -> None:
        """Call it no more."""
        if notify in self._listeners:
            self._listeners.remove(notify)

    # ------------------------------------------------------------------------------- the thread

    def _run(self) -> None:
        while not self.closed:
            self._answer(self._patience())
            if self.session.running:
                before = None if self.session.work.trainer is None else self.session.work.trainer.updates
                self._advance()
                after = None if self.session.work.trainer is None else self.session.work.trainer.updates
                self._stale = self._stale or before != after or not self.session.running
            self._draw()
        self.session.close()

    def _patience(self) -> float:
        """How long to wait for a command."""
        now = time.monotonic()
        waits = [IDLE]
        if self.session.running:
            waits.append(self.session.due - now)
        if self._stale and self._listeners:
            waits.append(self._next_view - now)
        return max(0.0, min(waits))

    def _answer(self, seconds: float) -> None:
        """Answer the commands that have come, after waiting so long for the first one."""
        try:
            entry = self._commands.get(timeout=seconds) if seconds > 0 else self._commands.get_nowait()
            while entry is not None:
                self._answer_one(*entry)
                entry = self._commands.get_nowait()
        except queue.Empty:
            return

    def _answer_one(self, command: Any, future: Future[Any]) -> None:
        if command is None or not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self.session.do(command))
        except Exception as error:
            future.set_exception(error)
        self._stale = True

    def _advance(self) -> None:
        """Train on; an error stops the training and is shown as an event."""
        try:
            self.session.advance()
        except Exception as error:
            self.session.fail(" ".join(str(error).split())[:400] or type(error).__name__)

    def _draw(self) -> None:
        """Draw the view, where it is stale, someone listens and it is time."""
        began = time.monotonic()
        if not (self._stale and self._listeners) or began < self._next_view:
            return
        self._stale = False
        view = json.dumps(self.session.view(), allow_nan=False, separators=(",", ":")).encode("ascii")
        spent = time.monotonic() - began
        self._next_view = time.monotonic() + max(1 / VIEWS, SHARE * spent if self.session.running else 0.0)
        self.view = view
        for notify in list(self._listeners):
            notify()
