"""The roll call, between threads of one process."""

import contextlib
import socket
import threading
import time

import pytest
from tests.hosts.processes import free_port

import chainrule as cr
from chainrule.errors import HostsError
from chainrule.hosts.roll_call import call_roll


def called(port, hosts, facts=None, wait=20.0):
    """What comes of the roll call for each of some hosts: "" or the line of its error."""
    lines = {}

    def come(number, host):
        try:
            call_roll(host, (facts or {}).get(number, {"jax": "1"}))
            lines[number] = ""
        except HostsError as error:
            lines[number] = str(error)

    threads = [
        threading.Thread(target=come, args=(k, cr.Hosts(f"127.0.0.1:{port}", host=h, hosts=n, wait=wait)))
        for k, (h, n) in enumerate(hosts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [lines[k] for k in range(len(hosts))]


def test_all_hosts_come_whoever_is_first():
    assert called(free_port(), [(2, 3), (0, 3), (1, 3)]) == ["", "", ""]


def test_missing_hosts_are_named_by_host_0_and_nobody_waits_longer():
    began = time.monotonic()
    zero, two = called(free_port(), [(0, 4), (2, 4)], wait=0.5)
    assert "2 hosts (1, 3) of 4 did not come to 127.0.0.1:" in zero
    assert "within 0.5 seconds: start all of them" in zero
    assert two == zero
    assert time.monotonic() - began < 10


def test_a_fact_that_differs_is_named_on_all_hosts():
    lines = called(free_port(), [(0, 3), (1, 3), (2, 3)], {2: {"jax": "2"}, 1: {"jax": "1"}})
    assert lines == ["host 2 has jax 2, but host 0 has 1: use the same on all hosts"] * 3


def test_two_hosts_with_one_number_and_too_high_numbers_are_refused():
    lines = called(free_port(), [(0, 3), (1, 3), (1, 3)])
    assert lines[0] == "two hosts say that they are host 1: give each a number of its own"
    lines = called(free_port(), [(0, 2), (2, 3)])
    assert lines[0] == lines[1] == "host 2 has come, but host 0 expects 2 hosts: give all the same number of them"


def test_a_port_that_another_has_is_said():
    with socket.create_server(("", 0)) as other:
        (line,) = called(other.getsockname()[1], [(0, 2)])
    assert line.startswith("port ")
    assert line.endswith("of host 0 cannot be opened (Address already in use): choose another")


def test_nobody_at_the_address_is_said():
    (line,) = called(free_port(), [(1, 2)], wait=0.3)
    assert line.startswith("host 0 cannot be reached at 127.0.0.1:")
    assert line.endswith("within 0.3 seconds (Connection refused): check the address, and that host 0 runs")
    hosts = cr.Hosts("no.such.machine.invalid:7000", host=1, hosts=2, wait=0.2)
    with pytest.raises(HostsError, match=r"host 0 cannot be reached at no.such.machine.invalid:7000"):
        call_roll(hosts, {})


def test_another_program_at_the_address_is_said():
    def talk():
        with contextlib.suppress(OSError):
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=talk)
        thread.start()
        (line,) = called(server.getsockname()[1], [(1, 2)])
        thread.join()
    assert "has ended or is another program: see what host 0 says" in line


def test_who_is_not_a_host_is_ignored(monkeypatch):
    monkeypatch.setattr("chainrule.hosts.roll_call._ANSWER", 0.2)
    port = free_port()

    def knock():
        for text in (b"GET / HTTP/1.1\r\n\r\n", b'{"host": "x"}\n', b"[" * 5000 + b"\n", b""):
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
                    connection.sendall(text)
                    break
                time.sleep(0.02)

    thread = threading.Thread(target=knock)
    thread.start()
    lines = called(port, [(0, 2)], wait=3)
    thread.join()
    assert "1 host (1) of 2 did not come" in lines[0]
