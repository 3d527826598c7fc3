"""The state of a training in a file: every bit comes back, older files are read, damaged ones are refused."""

import dataclasses
import math

import numpy as np
import pytest
from tests.training.checkpoints import LBFGS, SETTINGS, T, X, begun, mean_error, net, resumed

import chainrule as cr
from chainrule.errors import ModelFileError
from chainrule.files.container import read, write
from chainrule.training import TrainingState
from chainrule.training.fingerprint import Fingerprint
from chainrule.training.state_file import Stored, read_state, write_state


def test_what_is_stored_comes_back_bit_for_bit_whatever_the_numbers_are(file, every_batch):
    training = cr.train(net(), X, T, **SETTINGS, metrics={"error": mean_error})
    for _ in range(13):
        next(training)
    state = training.state
    odd = dataclasses.replace(
        state.history, cost=[math.nan, math.inf], validation=[-0.0, -math.inf], metrics={"error": [5e-324, 1.0]}
    )
    state = dataclasses.replace(state, history=odd, costs=np.array([math.nan, 1.5]))
    settings, data, maker = {"seed": 2**64 - 1, "alpha": 0.1, "x": None}, {"inputs": "ab"}, {"engine": "reference"}
    write_state(file, Stored(state, Fingerprint(settings, data, maker)))
    found = read_state(file)
    assert found.fingerprint == Fingerprint(settings, data, maker)
    assert repr(found.state.history) == repr(odd)
    assert found.state.run.step == state.run.step > 0
    for a, b in zip(_arrays(found.state), _arrays(state), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        assert a.flags.writeable
    first = file.read_bytes()
    write_state(file, found)
    assert file.read_bytes() == first


def test_the_names_in_the_file_stay_though_the_field_has_another(file, every_batch):
    begun(file)
    container = read(file)
    assert "start cost" in container.document["history"]["looks"]
    assert "probes" not in container.document["history"]
    assert "history.looks.0" in container.tensors
    assert list(read_state(file).state.history.probes) == container.document["history"]["looks"]


def _arrays(state: TrainingState):
    return [state.run.theta, state.run.slots, state.kept, state.costs]


def test_a_file_from_before_lbfgs_kept_its_pairs_goes_on_from_the_weights(file):
    resumed(file, **LBFGS, epochs=3)
    container = read(file)
    older = {name: value for name, value in container.document.items() if name != "evaluations"}
    write(file, older, {**container.tensors, "slots": container.tensors["slots"][:0]})
    assert read_state(file).state.run.evaluations == 0
    _, history = resumed(file, **LBFGS, epochs=6)
    assert history.epochs == 6
    assert history.cost[3] < history.cost[2]


def test_every_damaged_checkpoint_is_refused_in_one_line_and_left_as_it_is(file, every_batch):
    begun(file, events=9)
    whole, rng = file.read_bytes(), np.random.default_rng(20260103)
    for k in range(300):
        raw = bytearray(whole)
        if k % 2:
            del raw[rng.integers(len(raw)) :]
        else:
            raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
        file.write_bytes(raw)
        with pytest.raises(ModelFileError) as caught:
            resumed(file)
        assert "\n" not in str(caught.value)
        assert file.read_bytes() == raw
    file.write_bytes(whole)
    resumed(file)


LIES = {
    "epoch": (lambda d, t: (d | {"epoch": 5}, t), "history has 1 epochs, not 5"),
    "epoch negative": (lambda d, t: (d | {"epoch": -1}, t), "not a count"),
    "step a float": (lambda d, t: (d | {"step": 1.0}, t), "not a count"),
    "no step": (lambda d, t: ({k: v for k, v in d.items() if k != "step"}, t), "KeyError"),
    "settings a list": (lambda d, t: (d | {"settings": []}, t), "not a mapping"),
    "history a list": (lambda d, t: (d | {"history": []}, t), "TypeError"),
    "stopped a number": (lambda d, t: (d | {"history": d["history"] | {"stopped": 1}}, t), "stopped of the history"),
    "theta of 2 dimensions": (lambda d, t: (d, t | {"theta": t["theta"][None]}), "theta is float64 of shape"),
    "theta of integers": (lambda d, t: (d, t | {"theta": t["theta"].astype(np.int64)}), "theta is int64"),
    "kept shorter": (lambda d, t: (d, t | {"kept": t["kept"][1:]}), "different shapes"),
    "slots in float32": (lambda d, t: (d, t | {"slots": t["slots"].astype(np.float32)}), "or types"),
    "best epoch later": (lambda d, t: (d | {"history": d["history"] | {"best_epoch": 7}}, t), "best_epoch of the"),
    "another monitor": (lambda d, t: (d | {"history": d["history"] | {"monitor": "x"}}, t), "monitor of the history"),
    "stopped otherwise": (lambda d, t: (d | {"history": d["history"] | {"stopped": "x"}}, t), "stopped of the history"),
    "mode of its own": (lambda d, t: (d | {"history": d["history"] | {"mode": "best"}}, t), "mode of the history"),
    "metrics a number": (lambda d, t: (d, t | {"history.metrics": np.array([1.5])}), "metrics of the history"),
    "metrics not named": (lambda d, t: (d | {"history": d["history"] | {"metrics": [3]}}, t), "not names"),
    "a curve in 2 dimensions": (lambda d, t: (d, t | {"history.cost": np.zeros((1, 1))}), "not floats of rank 1"),
    "no costs": (lambda d, t: (d, {k: v for k, v in t.items() if k != "costs"}), "costs"),
    "no validation": (lambda d, t: (d, t | {"history.validation": np.zeros(0)}), "costs on the validation set"),
    "validation longer": (lambda d, t: (d, t | {"history.validation": np.zeros(9)}), "different lengths"),
}


@pytest.mark.parametrize(("lie", "said"), LIES.values(), ids=LIES)
def test_parts_that_do_not_fit_together_are_refused_under_a_digest_that_agrees(file, lie, said, every_batch):
    begun(file, events=9)
    found = read(file)
    write(file, *lie(found.document, found.tensors))
    with pytest.raises(ModelFileError, match=f"its parts do not fit together .*{said}"):
        resumed(file)


def test_a_damaged_checkpoint_is_told_with_what_can_be_done(tmp_path):
    path = tmp_path / "run"
    cr.fit(cr.Network([2, 1]), [[0.0, 1.0]], [[1.0]], epochs=1, checkpoint=path)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelFileError, match="no training can be resumed from it, remove it or name another") as caught:
        read_state(path)
    assert "verify" not in str(caught.value)
