"""Several real processes that train one network: the same bits as one, a death, and going on after it."""

import numpy as np
import pytest

pytest.importorskip("jax", reason="several hosts need JAX")
pa = pytest.importorskip("pyarrow")

from pyarrow import parquet  # noqa: E402
from tests.hosts.processes import alone, together  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    """A folder with a table in uneven parts, the last of which sorts as a number."""
    rng = np.random.default_rng(0)
    n = 700
    x, words = rng.normal(size=(n, 3)), rng.choice(["red", "green", "blue"], n)
    y = 2 * x[:, 0] + np.sin(x[:, 1]) + (words == "red")
    (tmp_path / "parts").mkdir()
    for k, (a, b) in zip((1, 2, 10), ((0, 250), (250, 280), (280, n)), strict=True):
        columns = {**{f"x{j}": x[a:b, j] for j in range(3)}, "word": words[a:b], "y": y[a:b]}
        parquet.write_table(pa.table(columns), tmp_path / "parts" / f"part-{k}.parquet", row_group_size=100)
    return tmp_path


TASK = {"shards": 4, "fits": [("adam", "float32")], "table": True}


def test_two_hosts_and_four_devices_of_one_have_the_same_bits(folder):
    zero, one = together(2, TASK, folder)
    single = alone(TASK, folder, devices=4)
    assert [zero.code, one.code, single.code] == [0, 0, 0], (zero.err, one.err, single.err)
    assert zero.result == one.result == single.result


def test_a_host_dies_and_training_goes_on_with_the_same_bits(folder):
    task = {"shards": 2, "table": True, "epochs": 4, "checkpoint": "ck"}
    zero, one = together(2, task, folder, host1={"dies": 2})
    assert (zero.code, one.code) == (1, -9)
    lines = [line for line in zero.err.splitlines() if line.startswith("chainrule:")]
    assert lines == [
        "chainrule: another host has ended or cannot be reached: start all of them again, --resume goes on from a "
        "checkpoint"
    ]
    resumed = alone(task, folder)
    whole = alone({**task, "checkpoint": "other"}, folder)
    assert resumed.result == whole.result


@pytest.mark.full
@pytest.mark.parametrize("dies", [0, 1])
def test_whoever_dies_two_hosts_go_on_with_the_same_bits(folder, dies):
    task = {"shards": 4, "table": True, "epochs": 4, "checkpoint": "ck"}
    ended = together(2, task, folder, **{f"host{dies}": {"dies": 2}})
    assert ended[dies].code == -9
    assert ended[1 - dies].code != 0
    resumed = together(2, task, folder)
    whole = alone({**task, "checkpoint": "other"}, folder, devices=2)
    assert resumed[0].result == resumed[1].result == whole.result


@pytest.mark.full
def test_every_rule_and_type_has_the_same_bits_on_one_two_and_four_hosts(folder):
    rules = ("adam", "adamw", "rmsprop", "rprop", "nesterov")
    task = {"shards": 4, "fits": [(rule, dtype) for rule in rules for dtype in ("float32", "float64")]}
    results = [alone(task, folder, devices).result for devices in (1, 2, 4)]
    for hosts in (2, 4):
        results += [ended.result for ended in together(hosts, task, folder)]
    assert all(result == results[0] for result in results)


@pytest.mark.full
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"shift": 1}, "host 1 has other data than host 0 (the targets, validation targets differ)"),
        ({"shards": 2}, "host 1 has shards 2, but host 0 has 4: use the same on all hosts"),
    ],
)
def test_hosts_that_differ_are_refused_by_name(folder, changed, words):
    task = {"shards": 4, "fits": [("adam", "float32")]}
    for ended in together(2, task, folder, host1=changed):
        assert ended.code != 0
        assert words in ended.err or "Terminating process" in ended.err  # JAX, where host 0 has ended before


@pytest.mark.full
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"members": 3, "hidden": "auto"}, "members is 3, which one host computes alone"),
        ({"optimizer": "lbfgs", "batch_size": "auto"}, "several hosts do not train by lbfgs"),
        ({"tolerance": 1e-3}, "tolerance needs the gradient of all rows"),
    ],
)
def test_what_hosts_do_not_do_together_is_refused(folder, settings, words):
    ended = together(2, {"shards": 4, "table": True, "settings": settings}, folder)
    assert any(words in each.err for each in ended), ended
