"""Ctrl-C and SIGTERM while training: the first asks it to stop at the next update, the second ends at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["Interrupt"]


class Interrupt:
    """Within its block, remembers the first signal; `code` is then the exit code (130 or 143), else 0."""

    def __init__(self) -> None:
        self.code = 0
        self._before: dict[int, Any] = {}

    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.code != 0

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.code:
            raise KeyboardInterrupt
        self.code = 128 + number
