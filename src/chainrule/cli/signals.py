"""Ctrl-C and SIGTERM: a command ends at once, or where it asked for it, at the next update; in any case within 5 s.

Python's handlers run between two instructions of the main thread, which may be deep in a library for long. So a
thread hears of signals too (through the wake-up socket) and ends the process when the main thread does not get there.
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
from typing import Any, Self

__all__ = ["Ended", "Interrupt"]

SOON = 1.0  # seconds that a command has to unwind when it is to end at once
LATE = 3.0  # seconds that it has to reach the next update and save
RESCUE = 1.0  # seconds that its rescue has after that

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ended(KeyboardInterrupt):
    """A signal that ends the command at once; `code` is the exit code, 130 or 143."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


class Interrupt:
    """Within its block a signal raises `Ended`; after `hold` the first one is only noted, for the command to see.

    `code` is then the exit code (130 or 143), else 0. A second signal ends at once.
    """

    def __init__(self) -> None:
        self.code = 0
        self._rescue: Callable[[], str] | None = None
        self._held, self._heard, self._leaving = False, 0, 0
        self._deadline: float | None = None
        self._before: dict[int, Any] = {}

    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.code != 0

    def hold(self, rescue: Callable[[], str]) -> None:
        """From here on the first signal is only noted; should its time run out, `rescue` saves and says so in a line.

        It is called from another thread.
        """
        self._rescue, self._held = rescue, True

    def __enter__(self) -> Self:
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        self._old_mouth = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        self._watcher = threading.Thread(target=self._watch, name="chainrule-signals", daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._old_mouth)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._mouth.close()
        self._watcher.join(RESCUE)
        self._ear.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        """In the main thread: the first signal is held if that was asked for, any other ends at once."""
        again, self.code = self.code, 128 + number
        if again or not self._held:
            raise Ended(self.code)

    def _watch(self) -> None:
        """In a thread of its own: hear of signals at once, and end the process when its time is over."""
        while True:
            left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
            if not select.select([self._ear], [], [], left)[0]:
                self._force()
            heard = self._ear.recv(64)
            if not heard:
                return
            for number in set(heard).intersection(SIGNALS):
                self._hear(128 + number)

    def _hear(self, code: int) -> None:
        self._heard, self._leaving = self._heard + 1, code
        self._deadline = time.monotonic() + (LATE if self._held and self._heard == 1 else SOON)

    def _force(self) -> None:
        """Save what can be saved in `RESCUE` seconds, leave nothing half written, and go."""
        said = ["stopped"]
        if self._held and self._heard == 1 and self._rescue is not None:
            helper = threading.Thread(target=self._try_rescue, args=(said,), daemon=True)
            helper.start()
            helper.join(RESCUE)
        files = sys.modules.get("chainrule.files.atomic")  # not imported: then nothing is half written
        if files is not None:
            files.discard_unfinished()
        shown = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the cursor, which a progress bar hides
        with contextlib.suppress(OSError):
            os.write(2, f"{shown}chainrule: {said[-1]}\n".encode())
        os._exit(self._leaving)

    def _try_rescue(self, said: list[str]) -> None:
        assert self._rescue is not None
        try:
            said.append(self._rescue())
        except Exception as error:
            said.append(f"stopped, and what was not saved before is lost: {' '.join(str(error).split())}")
