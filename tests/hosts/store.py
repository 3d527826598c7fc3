"""The store of messages of JAX's coordination service, in memory, and hosts that are threads."""

import threading
import time

from chainrule.hosts import Link


class MemoryStore:
    """What `Link` calls, for the threads of one process; `gone` is that host 0 is."""

    def __init__(self):
        self.values, self._changed, self.gone = {}, threading.Condition(), False

    def _check(self):
        if self.gone:
            raise RuntimeError("UNAVAILABLE: Socket closed")

    def key_value_set_bytes(self, key, value):
        self._check()
        with self._changed:
            if key in self.values:
                raise RuntimeError("ALREADY_EXISTS")
            self.values[key] = value
            self._changed.notify_all()

    def blocking_key_value_get_bytes(self, key, timeout_in_ms):
        self._check()
        until = time.monotonic() + timeout_in_ms / 1000
        with self._changed:
            while key not in self.values:
                if not self._changed.wait(until - time.monotonic()):
                    raise RuntimeError("DEADLINE_EXCEEDED: GetKeyValue() timed out")
            return self.values[key]

    def key_value_try_get_bytes(self, key):
        self._check()
        with self._changed:
            if key not in self.values:
                raise RuntimeError("NOT_FOUND")
            return self.values[key]

    def key_value_dir_get_bytes(self, key):
        self._check()
        with self._changed:
            return [(name, value) for name, value in self.values.items() if name.startswith(f"{key}/")]

    def key_value_delete(self, key):
        with self._changed:
            for name in [name for name in self.values if name == key or name.startswith(f"{key}/")]:
                del self.values[name]


def on_hosts(count, function, store=None):
    """What a function of a link returns on each of some hosts, which are threads. Raises the first error of one."""
    store, results, errors = store or MemoryStore(), [None] * count, []

    def run(host):
        try:
            results[host] = function(Link(host, count, store, devices=count))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(host,)) for host in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
