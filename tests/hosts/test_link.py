"""Messages between hosts, over a store in memory."""

import json
import threading
import time

import numpy as np
import pytest
from tests.hosts.store import MemoryStore, on_hosts

from chainrule.errors import DataError, HostsError
from chainrule.hosts import ALONE, Hosts, Link, link_of, require_same


def test_what_host_0_decides_is_the_same_on_every_host():
    decided = on_hosts(
        3, lambda link: [link.share(lambda: {"host": link.host, "cost": float("inf")}), link.share(lambda: 0.1)]
    )
    assert decided == [[{"host": 0, "cost": float("inf")}, 0.1]] * 3


def test_long_messages_and_those_of_all_hosts_come_in_order():
    def talk(link):
        shared = link.share_bytes(lambda: b"x" * 2_500_000)
        return len(shared), list(link.gather_bytes(bytes([link.host]) * 1_100_000)) == [
            bytes([k]) * 1_100_000 for k in range(link.hosts)
        ]

    assert on_hosts(2, talk) == [(2_500_000, True)] * 2
    assert on_hosts(2, lambda link: (link.share_bytes(lambda: b""), link.gather(link.host))) == [(b"", [0, 1])] * 2


def test_old_messages_are_deleted():
    store = MemoryStore()

    def talk(link):
        for k in range(300):
            link.share(lambda k=k: k)
            if k % 20 == 0:
                link.wait_for_all()

    on_hosts(2, talk, store)
    assert len(store.values) < 300


def test_a_long_message_is_deleted_as_soon_as_all_hosts_have_read_it():
    store = MemoryStore()

    def stored():
        return sum(map(len, store.values.values()))

    def talk(link):
        sizes = []
        for k in range(3):
            link.share_bytes(lambda k=k: bytes([k]) * 2_500_000)
            sizes.append(sum(map(len, link.gather_bytes(bytes([link.host]) * 1_100_000))))
            link.wait_for_all()
            link.wait_for_all()  # all have noted what they have read, before host 0 looks
            if link.first:
                assert stored() < 2_000
        return sizes

    assert on_hosts(3, talk, store) == [[3_300_000] * 3] * 3


def test_a_long_message_stays_until_the_last_host_has_read_it():
    store = MemoryStore()
    zero, one, two = (Link(host, 3, store) for host in range(3))
    zero.share_bytes(lambda: b"x" * 100_000)
    assert one.share_bytes(bytes) == b"x" * 100_000
    zero.share(lambda: 1)
    assert two.share_bytes(bytes) == b"x" * 100_000
    zero.share(lambda: 2)
    assert sum(map(len, store.values.values())) < 100
    assert [one.share(int), one.share(int), two.share(int), two.share(int)] == [1, 2, 1, 2]


def test_the_line_of_a_host_that_fails_reaches_the_others():
    def talk(link):
        if link.host == 1:
            link.fail("row 7 of column 'x' is bad")
            return ""
        with pytest.raises(HostsError) as caught:
            link.gather(1)
        return str(caught.value)

    assert on_hosts(3, talk)[::2] == ["host 1 has ended: row 7 of column 'x' is bad"] * 2


def test_a_store_that_is_gone_is_said_in_one_line():
    store = MemoryStore()
    store.gone = True
    with pytest.raises(HostsError, match="another host has ended or cannot be reached: start all of them again"):
        Link(1, 2, store).share(lambda: 0)


def test_a_host_may_ask_to_stop():
    zero, one = (Link(host, 2, store) for store in [MemoryStore()] for host in (0, 1))
    assert not zero.is_asked_to_stop
    assert not ALONE.is_asked_to_stop
    one.ask_to_stop()
    one.ask_to_stop()
    assert zero.is_asked_to_stop


def test_errors_of_jax_that_say_that_a_host_is_gone_become_ours():
    link = Link(0, 2, MemoryStore())
    with pytest.raises(HostsError, match="another host has ended"), link.explained():
        raise ValueError("UNKNOWN: Gloo all-reduce failed: Connection closed by peer [127.0.0.1]:14739")
    with pytest.raises(ValueError, match="other"), link.explained():
        raise ValueError("other")
    with pytest.raises(DataError), link.explained():
        raise DataError("Gloo")
    with pytest.raises(ValueError, match="Gloo"), ALONE.explained():
        raise ValueError("Gloo")


def test_a_host_waits_at_its_end_for_those_that_still_write():
    store, ends = MemoryStore(), []

    def late(link):
        link.at_work = False
        time.sleep(0.3 * (1 - link.host))
        ends.append(link.host)
        link.wait_for_the_end(60)
        return list(ends)

    assert on_hosts(2, late) == [[1, 0]] * 2
    waiting = Link(0, 2, store)
    waiting.wait_for_the_end(60)  # in the middle of a training it does not wait
    waiting.at_work = False
    waiting.wait_for_the_end(0.0)
    assert list(store.values) == ["end/0"]
    Link(1, 2, store).fail("no file")
    waiting.wait_for_the_end(60)


def test_values_that_differ_are_named():
    def compare(link):
        try:
            require_same(link, {"numpy": "2", "threads": str(link.host)})
        except HostsError as error:
            return str(error)

    assert on_hosts(2, compare) == ["host 1 has threads 1, but host 0 has 0: use the same on all hosts"] * 2


def test_floats_arrive_with_all_bits():
    values = np.random.default_rng(0).normal(size=50).tolist()
    assert on_hosts(2, lambda link: link.share(lambda: values))[1] == values
    assert json.loads(json.dumps(values)) == values
    assert threading.active_count() < 50


@pytest.mark.parametrize("version", [None, "0.7.2"])
def test_hosts_need_jax(monkeypatch, version):
    if version is None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    else:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
        monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    with pytest.raises(HostsError, match=r"^several hosts need JAX[^\n]*is (not )?installed \(python -m pip [^\n]*\)$"):
        link_of(Hosts("127.0.0.1:1", host=1, hosts=2, wait=0.1))
