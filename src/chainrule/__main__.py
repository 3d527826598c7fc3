"""The command line, as `chainrule` and as `python -m chainrule`. A signal while it is loading ends it silently."""

import os
import signal
from types import FrameType

__all__ = ["main"]


def main() -> None:
    """Run the command line; until it handles signals itself, they end the process with 130 or 143."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _end)
    from chainrule.cli import main as run_command_line

    run_command_line()


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
