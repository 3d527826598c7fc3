"""Messages between hosts: what host 0 decides, to all; what each host has, to all. One host alone needs none.

The messages lie in the key-value store of JAX's coordination service, which runs on host 0. Every host calls `share`
and `gather` in the same order, so that a number is the name of a message:

    share    host 0 writes m/7; the others wait for it
    gather   host h writes m/8/h; all wait for m/8/0, ..., m/8/N-1

Host 0 deletes old messages, and a long one as soon as each of the others has noted that it has read it: read/m/8/h.

A wait ends early if a host has left its last line (`fail`), or if the service says that host 0 is gone.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from chainrule.errors import ChainruleError, HostsError
from chainrule.text import shortened

__all__ = ["ALONE", "ENDED", "Link", "Store"]

LINGER = 1.5  # seconds
_PAUSE = 0.1  # seconds after which the hosts that are at their end are counted again
_STEP = 500  # milliseconds of a wait, after which it is checked whether a host has failed
_KEPT = 64  # messages; older ones have been read by all
_LONG = 2**16  # bytes of a message that is deleted as soon as all have read it
_PART = 2**20  # bytes of one message; longer ones are cut
ENDED = "another host has ended or cannot be reached: start all of them again, --resume goes on from a checkpoint"
_WORDS = (
    "Gloo",
    "NCCL",
    "RCCL",
    "oordination",
    "UNAVAILABLE",
    "Socket",
    "DEADLINE_EXCEEDED",
)  # of JAX, where one is gone


class Store(Protocol):
    """What a link needs of the coordination service; JAX's client has it."""

    def key_value_set_bytes(self, key: str, value: bytes) -> None:
        """Write a value once."""

    def blocking_key_value_get_bytes(self, key: str, timeout_in_ms: int) -> bytes:
        """Wait for a value."""

    def key_value_try_get_bytes(self, key: str) -> bytes:
        """A value that is there."""

    def key_value_dir_get_bytes(self, key: str) -> list[tuple[str, bytes]]:
        """All values below a key."""

    def key_value_delete(self, key: str) -> None:
        """Delete a value, and all below it."""


class Link:
    """The messages of this process.

    - host, hosts: the number of this host, from 0, and the number of hosts.
    - store: the store of messages; None for one host.
    - devices: the number of devices of all hosts.

    `at_work` says whether a training goes on, for which the other hosts need this one.
    """

    def __init__(self, host: int = 0, hosts: int = 1, store: Store | None = None, devices: int = 1) -> None:
        self.host, self.hosts, self.devices, self._store = host, hosts, devices, store
        self._count = 0
        self._long: list[str] = []  # messages that wait for their readers, on host 0
        self._failed = self._asked = False
        self.at_work = True

    @property
    def alone(self) -> bool:
        """Whether there is one host."""
        return self._store is None

    @property
    def first(self) -> bool:
        """Whether this is host 0, which decides, writes and prints."""
        return self.host == 0

    def share(self, decide: Callable[[], Any]) -> Any:
        """What host 0 decides, on every host: numbers, texts, lists and mappings of these. Only host 0 calls `decide`.

        >>> ALONE.share(lambda: 5)
        5

        Raises HostsError where a host has ended.
        """
        if self.alone:
            return decide()
        return json.loads(self.share_bytes(lambda: json.dumps(decide()).encode()))

    def share_bytes(self, make: Callable[[], bytes]) -> bytes:
        """The same for bytes of any length."""
        if self.alone:
            return make()
        key = self._next_key()
        if not self.first:
            count = int(self._get(f"{key}/n"))
            received = b"".join(self._get(f"{key}/{k}") for k in range(count))
            self._has_read(key, len(received))
            return received
        message = make()
        parts = [message[start : start + _PART] for start in range(0, len(message), _PART)]
        for k, part in enumerate(parts):
            self._set(f"{key}/{k}", part)
        self._set(f"{key}/n", str(len(parts)).encode())
        self._has_read(key, len(message))
        return message

    def gather(self, value: Any) -> list[Any]:
        """What each host has, in their order, on every host; all wait for all.

        >>> ALONE.gather("here")
        ['here']

        Raises HostsError where a host has ended.
        """
        if self.alone:
            return [value]
        return [json.loads(message) for message in self.gather_bytes(json.dumps(value).encode())]

    def gather_bytes(self, message: bytes) -> Iterator[bytes]:
        """The same for bytes of any length."""
        if self.alone:
            yield message
            return
        key = self._next_key()
        parts = [message[start : start + _PART] for start in range(0, len(message), _PART)]
        for k, part in enumerate(parts):
            self._set(f"{key}/{self.host}.{k}", part)
        self._set(f"{key}/{self.host}", str(len(parts)).encode())
        size = 0
        for host in range(self.hosts):
            count = int(self._get(f"{key}/{host}"))
            received = b"".join(self._get(f"{key}/{host}.{k}") for k in range(count))
            size += len(received)
            yield received
        self._has_read(key, size)

    def wait_for_all(self) -> None:
        """Wait until every host is here."""
        self.gather(None)

    def ask_to_stop(self) -> None:
        """Ask host 0 to stop the training, as a host does that got a signal."""
        if not self._asked:
            self._asked = True
            self._set(f"stop/{self.host}", b"")

    @property
    def is_asked_to_stop(self) -> bool:
        """Whether another host asks to stop."""
        return not self.alone and bool(self._store.key_value_dir_get_bytes("stop"))  # type: ignore[union-attr]

    def fail(self, line: str) -> None:
        """Leave the line that says why this host ends, for the others."""
        if self.alone or self._failed:
            return
        self._failed = True
        with contextlib.suppress(HostsError):  # another host was faster, or host 0 is gone
            self._set("failed", f"{self.host} {shortened(line)}".encode())
        if self.first:
            time.sleep(LINGER)  # with host 0 ends what the others read it from

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Raise HostsError for an error of JAX that says in its words that another host is gone."""
        try:
            yield
        except Exception as error:  # JAX raises many kinds
            if self.alone or isinstance(error, ChainruleError) or not any(word in str(error) for word in _WORDS):
                raise
            raise self._gone() from None

    def _gone(self) -> HostsError:
        """The error of a host that cannot go on because of another."""
        return self._failure() or HostsError(ENDED)

    def wait_for_the_end(self, seconds: float) -> None:
        """Wait at the end of the process, at most so many seconds, until every host is at its end.

        JAX ends all hosts soon after the first one leaves, also one that still writes its results. A host that ends in
        the middle of a training does not wait.
        """
        if self.alone or self.at_work:
            return
        end = time.monotonic() + seconds
        with contextlib.suppress(Exception):  # another host is gone, which ends this one too
            self._set(f"end/{self.host}", b"")
            while len(self._store.key_value_dir_get_bytes("end")) < self.hosts and time.monotonic() < end:  # type: ignore[union-attr]
                if self._failure() is not None:
                    return
                time.sleep(_PAUSE)

    def leave(self) -> None:
        """Leave the others in good order, at the end: all hosts do."""
        if not self.alone:
            import jax

            with contextlib.suppress(Exception):  # whoever is late has what it needs
                jax.distributed.shutdown()

    def _has_read(self, key: str, size: int) -> None:
        """Note that this host has read a message of so many bytes."""
        if size > _LONG and self.first:
            self._long.append(key)
        elif size > _LONG:
            self._set(f"read/{key}/{self.host}", b"")

    def _delete_long(self) -> None:
        """Delete the long messages that all hosts have read."""
        for key in list(self._long):
            if len(self._store.key_value_dir_get_bytes(f"read/{key}")) == self.hosts - 1:  # type: ignore[union-attr]
                self._store.key_value_delete(key)  # type: ignore[union-attr]
                self._store.key_value_delete(f"read/{key}")  # type: ignore[union-attr]
                self._long.remove(key)

    def _next_key(self) -> str:
        self._count += 1
        if self.first:
            self._delete_long()
        if self.first and self._count > _KEPT:
            self._store.key_value_delete(f"m/{self._count - _KEPT}")  # type: ignore[union-attr]
        return f"m/{self._count}"

    def _set(self, key: str, value: bytes) -> None:
        try:
            self._store.key_value_set_bytes(key, value)  # type: ignore[union-attr]
        except Exception:  # of a class of JAX, which is not imported here
            raise self._gone() from None

    def _get(self, key: str) -> bytes:
        while True:
            try:
                return self._store.blocking_key_value_get_bytes(key, _STEP)  # type: ignore[union-attr]
            except Exception as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise self._gone() from None
            failure = self._failure()
            if failure is not None:
                raise failure

    def _try_get(self, key: str) -> bytes | None:
        try:
            return self._store.key_value_try_get_bytes(key)  # type: ignore[union-attr]
        except Exception:  # NOT_FOUND, or host 0 is gone, which the next message tells
            return None

    def _failure(self) -> HostsError | None:
        """The error of a host that has left its last line; None if none has."""
        line = self._try_get("failed")
        if line is None:
            return None
        host, _, text = line.decode().partition(" ")
        return HostsError(f"host {host} has ended: {text}")


ALONE = Link()
