"""Makes Ctrl-C and SIGTERM end a command within 5 s: at once, or at the next update if the command asks for that.

Python runs signal handlers between two instructions of the main thread, which may spend a long time inside a library.
So a second thread is notified too (through the wake-up socket). It ends the process if the main thread does not react.
Where no thread can be started, a signal has to wait for the main thread.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, ClassVar, Self

from chainrule.cli import streams

__all__ = ["Interrupt", "SignalExit"]

EXIT_TIME = 1.0  # seconds for a command to exit that must exit at once
UPDATE_TIME = 3.0  # seconds for a command to reach its next update and save
SAVE_TIME = 1.0  # seconds for the emergency save after that

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SignalExit(KeyboardInterrupt):
    """A signal that ends the command at once; `code` is the exit code, 130 or 143."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class Interrupt:
    """Within its block a signal raises `SignalExit`. After `defer`, the first signal only sets `code`.

    `code` is the exit code: 130 or 143 after a signal, else 0. A second signal ends the process. A block in another one
    tells it about its signal when it ends.
    """

    _innermost: ClassVar["Interrupt | None"] = None

    def __init__(self) -> None:
        self.code = 0
        self._save: Callable[[], str] | None = None
        self._deferring, self._signals, self._exit_code = False, 0, 0
        self._deadline: float | None = None
        self._handlers_before: dict[int, Any] = {}

    def signalled(self) -> bool:
        """Whether a signal has arrived."""
        return self.code != 0

    def defer(self, save: Callable[[], str]) -> None:
        """From now on, let the command stop at its next update after the first signal.

        If the command does not stop in time, another thread calls `save`, which returns the line to print.
        """
        self._save, self._deferring = save, True

    def __enter__(self) -> Self:
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._handlers_before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        self._wakeup_before = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._outer, Interrupt._innermost = Interrupt._innermost, self
        self._watcher = threading.Thread(target=self._watch, name="chainrule-signals", daemon=True)
        with contextlib.suppress(RuntimeError):  # "can't start new thread"
            self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        Interrupt._innermost = self._outer
        if self._outer is not None:
            self._outer.code = self._outer.code or self.code
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)
        self._sender.close()
        if self._watcher.ident is not None:
            self._watcher.join(SAVE_TIME)
        self._receiver.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        """In the main thread: a first signal is recorded if it is deferred, and raises if not; a second one exits."""
        previous, self.code = self.code, 128 + number
        if previous:
            with contextlib.suppress(Exception):  # such as that of a stream that was just being flushed
                sys.stdout.flush()
            _exit_at_once("stopped", self.code)
        if not self._deferring:
            raise SignalExit(self.code)

    def _watch(self) -> None:
        """In the second thread: receive signals at once, and end the process when its deadline has passed."""
        while True:
            left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            if not select.select([self._receiver], [], [], left)[0]:
                self._force_exit()
            numbers = self._receiver.recv(64)
            if not numbers:
                return
            for number in set(numbers).intersection(SIGNALS):
                self._set_deadline(128 + number)

    def _set_deadline(self, code: int) -> None:
        self._signals, self._exit_code = self._signals + 1, code
        self._deadline = time.monotonic() + (UPDATE_TIME if self._deferring and self._signals == 1 else EXIT_TIME)

    def _force_exit(self) -> None:
        """Save within `SAVE_TIME` seconds, delete unfinished files, and end the process."""
        lines = ["stopped"]
        if self._deferring and self._signals == 1 and self._save is not None:
            saver = threading.Thread(target=self._try_save, args=(lines,), daemon=True)
            saver.start()
            saver.join(SAVE_TIME)
        _exit_at_once(lines[-1], self._exit_code)

    def _try_save(self, lines: list[str]) -> None:
        assert self._save is not None
        try:
            lines.append(self._save())
        except Exception as error:
            lines.append(f"stopped, and everything since the last save is lost: {' '.join(str(error).split())}")


def _exit_at_once(line: str, code: int) -> None:
    """Delete unfinished files, write the line unless an error was written before, and end the process."""
    files = sys.modules.get("chainrule.files.atomic")  # if it was never imported, no file is unfinished
    if files is not None:
        files.discard_unfinished()
    cursor = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # shows the cursor, which a progress bar hides
    text = cursor if streams.has_said() else f"{cursor}chainrule: {line}\n"
    with contextlib.suppress(OSError, ValueError):
        os.write(streams.error_descriptor(), text.encode())
    os._exit(code)
