"""Whether the threads can be started that the libraries need: without them they abort the process."""

import os
import threading

__all__ = ["threads_can_start"]


def threads_can_start() -> bool:
    """Whether as many threads can be started as NumPy, Arrow and the core start on this machine, and some more."""
    end, started = threading.Event(), []
    try:
        for _ in range(2 * (os.cpu_count() or 1) + 10):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:  # "can't start new thread"
        return False
    finally:
        end.set()
        for thread in started:
            thread.join()
    return True
