"""The benchmarks' oracle against the reference engine, and every contender that is installed against the oracle."""

import dataclasses
import importlib
from typing import Any

import numpy as np
import pytest
from benchmarks.contenders import CONTENDERS, missing, own
from benchmarks.sweeps import MANY, points
from benchmarks.tasks import TOLERANCE
from benchmarks.workloads import WORKLOADS, Problem, problem

from benchmarks import oracle
from chainrule.engines import choose


def small(name: str, dtype: type = np.float64) -> Problem:
    """The workload with at most 20 neurons in a layer, 8 rows in a batch and 5 updates in a call."""
    w = WORKLOADS[name]
    sizes = tuple(min(n, 20 - k) for k, n in enumerate(w.sizes))
    given = problem(dataclasses.replace(w, sizes=sizes, batch=min(w.batch, 8), updates=5, data="synthetic"))
    return dataclasses.replace(given, X=given.X.astype(dtype), theta=given.theta.astype(dtype))


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_oracle_trains_as_the_reference_engine(name: str) -> None:
    given = small(name)
    training = own.Training(given, 1, engine="reference")
    training.steps(given.order[0])
    assert oracle.deviation(training.theta(), oracle.train(given, given.order[0]), given.theta) < 1e-10


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_oracle_predicts_and_measures_gradients_as_the_reference_engine(name: str) -> None:
    given = small(name)
    net, engine, rows = own.network(given), choose("reference", own.network(given).architecture), np.arange(6)
    assert np.allclose(oracle.predict(given, given.X[rows]), net.predict(given.X[rows]), rtol=1e-12)
    each = [
        np.linalg.norm(engine.gradient(net.architecture, net.theta, given.X[r], given.T[r], None, 1.0))
        for r in rows[:, None]
    ]
    assert np.allclose(oracle.norms(given, rows), each, rtol=1e-12)


pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # by torch itself, as it compiles
PEERS = [name for name, contender in CONTENDERS.items() if name != "chainrule" and "train" in contender.kinds]


def contender(name: str) -> Any:
    if lacking := missing(name):
        pytest.skip(f"not installed: {', '.join(lacking)}")
    return importlib.import_module(f"benchmarks.contenders.{CONTENDERS[name].module}")


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", WORKLOADS)
def test_a_peer_makes_the_same_updates_and_can_start_over(name: str, peer: str) -> None:
    given = small(name, np.float32)
    training, true = contender(peer).Training(given, 1), oracle.train(given, given.order[0])
    for _ in range(2):
        training.steps(given.order[0])
        assert oracle.deviation(training.theta(), true, given.theta) < TOLERANCE["train"]
        training.reset()


VARIED = ("features L2", "features clip", "sparsity 1")
ABLE = [(p, name) for name in VARIED for p in ("chainrule", *PEERS) if CONTENDERS[p].takes(points()[name], "train")]


@pytest.mark.parametrize(("peer", "name"), ABLE)
def test_features_and_sparse_rows_are_the_same_for_all(peer: str, name: str) -> None:
    w = points()[name]
    sizes = tuple(min(n, 20 - k) for k, n in enumerate(w.sizes))
    given = problem(dataclasses.replace(w, sizes=sizes, batch=8, updates=5, density=min(1, 30 * w.density)))
    training = contender(peer).Training(given, 1)
    training.steps(given.order[0])
    assert oracle.deviation(training.theta(), oracle.train(given, given.order[0]), given.theta) < 1e-4


@pytest.mark.parametrize("peer", [name for name, c in CONTENDERS.items() if "rows" in c.kinds])
def test_many_rows_are_answered_alike(peer: str) -> None:
    given = problem(MANY["100"])
    answers = contender(peer).outputs(given, 1)(given.X)
    assert oracle.deviation(answers.reshape(-1, 1), oracle.predict(given, given.X)) < TOLERANCE["rows"]


@pytest.mark.parametrize("peer", PEERS)
def test_the_eps_of_adam_is_where_the_paper_puts_it(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = small("W7", np.float32)
    given = dataclasses.replace(given, workload=dataclasses.replace(given.workload, rate=2e-3))
    for module in (oracle, contender(peer)):
        monkeypatch.setattr(module, "EPS", 1e-2)
    training = contender(peer).Training(given, 1)
    training.steps(given.order[0])
    assert oracle.deviation(training.theta(), oracle.train(given, given.order[0]), given.theta) < 1e-4


def test_another_learning_rate_a_lost_bias_and_an_update_too_few_are_noticed() -> None:
    given = small("W3", np.float32)
    true = oracle.train(given, given.order[0])
    faster = dataclasses.replace(given, workload=dataclasses.replace(given.workload, rate=1.05e-3))
    wrong = [oracle.train(faster, given.order[0]), oracle.train(given, given.order[0][8:]), given.theta, true.T[:-1]]
    lost = true.copy()
    for (_, b), (_, first) in zip(given.views(lost), given.views(given.theta), strict=True):
        b[...] = first
    for theta in [*wrong, lost, np.full_like(true, np.nan)]:
        assert not oracle.deviation(theta, true, given.theta) <= TOLERANCE["train"]


def test_the_useful_operations_are_those_of_the_three_products() -> None:
    assert WORKLOADS["W1"].flops == 6 * 10 * (784 * 30 + 30 * 10) - 2 * 10 * 784 * 30
    assert WORKLOADS["W1"].parameters == 784 * 30 + 30 + 30 * 10 + 10
