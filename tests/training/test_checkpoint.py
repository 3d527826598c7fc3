"""Checkpoints: a training that is cut has the bits of one that never stopped; what is refused, and in which words."""

import dataclasses
import math

import numpy as np
import pytest
from tests.training.checkpoints import HELD, LBFGS, SETTINGS, T, X, begun, changed, mean_error, net, resumed

import chainrule as cr
from chainrule.errors import ModelFileError, SettingError
from chainrule.model import TableSettings, TableTraining
from chainrule.optimizers import Clip
from chainrule.training import Finished, Progress
from chainrule.training.checkpoint import _moved
from chainrule.training.state_file import Stored, read_state, write_state

# ---- the same bits


@pytest.mark.parametrize("events", [1, 2, 5, 6, 7, 9, 13, 17])
def test_a_run_cut_anywhere_and_gone_on_with_from_the_file_has_the_bits_of_one_that_never_stopped(
    file, events, every_batch
):
    whole = net()
    expected = cr.fit(whole, X, T, **SETTINGS, metrics={"error": mean_error})
    begun(file, events, metrics={"error": mean_error})
    pieces, found = resumed(file, metrics={"error": mean_error})
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    assert dataclasses.replace(found, seconds=0) == dataclasses.replace(expected, seconds=0)


def test_a_run_that_dies_after_every_batch_gets_there(file, every_batch):
    whole = net()
    cr.fit(whole, X, T, **SETTINGS)
    for _ in range(40):
        pieces = net()
        training = cr.train(pieces, X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, every=0, resume=True))
        if any(isinstance(event, Finished) for _, event in zip(range(2), training, strict=False)):
            break
    assert pieces.theta.tobytes() == whole.theta.tobytes()


def test_a_finished_run_ends_at_once_with_the_same_weights_and_goes_on_when_more_epochs_are_asked_for(file):
    whole = net()
    cr.fit(whole, X, T, **{**SETTINGS, "epochs": 7})
    short, _ = resumed(file)
    before = file.read_bytes()
    again, history = resumed(file)
    assert history.epochs == 3
    assert again.theta.tobytes() == short.theta.tobytes()
    assert file.read_bytes() == before
    longer, history = resumed(file, epochs=7)
    assert history.epochs == 7
    assert longer.theta.tobytes() == whole.theta.tobytes()


def test_saving_changes_no_bit(file, every_batch):
    plain, kept = net(), net()
    cr.fit(plain, X, T, **SETTINGS)
    cr.fit(kept, X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, every=0))
    assert kept.theta.tobytes() == plain.theta.tobytes()


def test_an_older_state_never_takes_the_place_of_a_newer_one(file, every_batch):
    training = cr.train(net(), X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, every=1000))
    for _ in range(4):
        next(training)
    old = training.state
    for _ in range(4):
        next(training)
    training.keeper.save(training.state)
    newer = file.read_bytes()
    training.keeper.save(old)
    assert file.read_bytes() == newer


# ---- what is told, what is refused


def test_it_says_where_it_begins(file, every_batch):
    fresh = next(cr.train(net(), X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, resume=True)))
    assert fresh.notes[-1] == f"there is no checkpoint {file} yet: starting from the beginning"
    begun(file)
    again = next(cr.train(net(), X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, resume=True)))
    assert again.notes[-1] == f"going on from {file}: 0 epochs and 5 updates are done"


def test_going_on_elsewhere_works_and_says_that_bits_may_differ(file, every_batch):
    begun(file)
    state, fingerprint = read_state(file)
    elsewhere = dataclasses.replace(fingerprint, maker={**fingerprint.maker, "instructions": "abacus"})
    write_state(file, Stored(state, elsewhere))
    started, *_ = cr.train(net(), X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, resume=True))
    assert "was abacus" in started.notes[-1]
    assert "bits may differ" in started.notes[-1]


def test_another_processor_with_fma_changes_no_bit_and_is_not_said():
    v4 = {"engine": "native", "instructions": "v4", "numpy": "2"}
    assert _moved(v4, v4 | {"instructions": "v3"}) == []
    assert _moved(v4, v4 | {"instructions": "v2"})[0].startswith("instructions is v4, was v2: ")
    assert _moved(v4, v4 | {"instructions": "v3", "numpy": "1"})[0].startswith("numpy is 2, was 1: ")
    reference = {"engine": "reference", "instructions": "v4"}
    assert _moved(reference, reference | {"instructions": "v3"})


@pytest.mark.parametrize("kind", ["checkpoint", "network", "text"])
def test_without_resume_a_file_in_the_way_is_kept(file, kind, every_batch):
    if kind == "checkpoint":
        begun(file)
    elif kind == "network":
        cr.save(net(), file)
    else:
        file.write_text("my diary")
    before = file.read_bytes()
    with pytest.raises(SettingError, match=r"run.safetensors exists already: resume from it, or remove it first"):
        cr.train(net(), X, T, **SETTINGS, checkpoint=file)
    assert file.read_bytes() == before


def test_what_is_no_checkpoint_is_neither_resumed_nor_overwritten(file):
    cr.save(net(), file)
    before = file.read_bytes()
    with pytest.raises(ModelFileError, match="holds a 'network', not a checkpoint"):
        resumed(file)
    assert file.read_bytes() == before


def test_a_checkpoint_is_no_model_and_says_how_to_use_it(file, every_batch):
    begun(file)
    with pytest.raises(ModelFileError, match=r"the checkpoint of a training, not a model: resume it with .*--resume"):
        cr.load(file)


OTHER_SETTINGS = {
    "learning_rate of adam is 0.06, there 0.05": {"optimizer": cr.Adam(0.06)},
    "optimizer is 'sgd', there 'adam'": {"optimizer": cr.SGD(0.05)},
    "batch_size is 6, there 5": {"batch_size": 6},
    "dropout is [0.5], there [0.25]": {"dropout": 0.5},
    "alpha is 0.001, there 0.0": {"alpha": 0.001},
    "l1 is 1.0, there 0.0": {"l1": 1},
    "clip is [1.0, 'inf', 'inf'], there None": {"clip": Clip(norm=1.0)},
    "shuffle is False, there True": {"shuffle": False},
    "seed is 4, there 0": {"seed": 4},
    "metrics is ['error'], there []": {"metrics": {"error": mean_error}},
    "activation is ['relu'], there ['tanh']": {"network": net(activation="relu")},
    "sizes is [4, 4, 2], there [4, 3, 2]": {"network": net(sizes=[4, 4, 2])},
    "dtype is 'float32', there 'float64'": {"network": net(dtype="float32")},
    "cost is ['huber(delta=1.0)'], there ['quadratic']": {"network": net(cost="huber")},
    "schedule is 'cosine', there 'constant'": {"schedule": "cosine"},
    "patience is 9, there None": {"patience": 9},
    "min_delta is 0.5, there 0.0": {"min_delta": 0.5},
    "masks is": {"network": net(masks=[np.tri(4, 3), None])},
}


@pytest.mark.parametrize(("said", "changed"), OTHER_SETTINGS.items(), ids=OTHER_SETTINGS)
def test_other_settings_are_refused_by_name(file, said, changed, every_batch):
    begun(file)
    before = file.read_bytes()
    with pytest.raises(SettingError) as caught:
        resumed(file, **changed)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == before
    resumed(file)


OTHER_DATA = {
    "the inputs differ": {"data": (changed(X), T)},
    "the targets differ": {"data": (X, changed(T, by=-1e-9))},
    "the inputs, targets, weights differ": {"data": (X[:-1], T[:-1])},
    "the weights differ": {"sample_weight": np.linspace(1, 2, 23)},
    "the validation inputs differ": {"validation": (changed(HELD[0]), HELD[1])},
    "the validation weights differ": {"validation": (*HELD, np.linspace(1, 2, 6))},
    "the validation inputs, validation targets, validation weights differ": {"validation": None},
}


@pytest.mark.parametrize(("said", "given"), OTHER_DATA.items(), ids=OTHER_DATA)
def test_other_data_are_refused_by_name(file, said, given, every_batch):
    begun(file)
    with pytest.raises(SettingError) as caught:
        resumed(file, **given)
    assert f"belongs to a training on other data ({said}" in str(caught.value)
    resumed(file)


def test_what_changes_no_bit_may_change(file, every_batch):
    whole = net()
    cr.fit(whole, X, T, **SETTINGS)
    begun(file)
    order = np.asfortranarray(X)
    moved = file.rename(file.with_name("elsewhere.safetensors"))
    pieces, _ = resumed(moved, data=(order, np.vstack([T, T])[:23]), threads=1)
    assert pieces.theta.tobytes() == whole.theta.tobytes()


def test_rows_of_weight_0_are_no_part_of_the_data(file, every_batch):
    weight = np.r_[0.0, np.ones(22)]
    begun(file, sample_weight=weight)
    pieces, _ = resumed(file, data=(changed(X, 0, math.nan), T), sample_weight=weight)
    assert np.isfinite(pieces.theta).all()


def test_an_end_that_lies_behind_is_refused(file, every_batch):
    begun(file, events=9)
    with pytest.raises(SettingError, match="is in epoch 2, but epochs is 1: give more"):
        resumed(file, epochs=1)


def test_settings_of_your_own_must_be_the_same(file, every_batch):
    cr.fit(net(), X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, also={"scaled": "by range"}))
    with pytest.raises(SettingError, match="scaled is 'by deviation', there 'by range'"):
        cr.fit(net(), X, T, **SETTINGS, checkpoint=cr.Checkpoint(file, resume=True, also={"scaled": "by deviation"}))


def test_functions_of_your_own_can_be_trained_with_a_checkpoint(file, every_batch):
    def bent(z):
        return z + 0.5 * np.sin(z)

    whole = net(activation=bent)
    cr.fit(whole, X, T, **SETTINGS)
    begun(file, network=net(activation=bent))
    pieces, _ = resumed(file, net(activation=bent))
    assert pieces.theta.tobytes() == whole.theta.tobytes()


@pytest.mark.parametrize(
    "wrong", [{"checkpoint": 7}, {"checkpoint": True}, {"every": -1}, {"every": math.nan}, {"every": "10s"}], ids=repr
)
def test_what_is_no_checkpoint_setting_is_refused_in_one_line(wrong, file):
    with pytest.raises(SettingError, match=r"^[^\n]*, but must be [^\n]*$"):
        cr.train(net(), X, T, checkpoint=wrong.get("checkpoint") or cr.Checkpoint(file, **wrong))


def test_a_state_and_a_checkpoint_contradict_each_other(file):
    with pytest.raises(SettingError, match="state"):
        cr.train(net(), X, T, state=cr.train(net(), X, T).state, checkpoint=file)


def test_a_place_that_cannot_be_written_is_refused_before_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder does not exist"):
        cr.train(net(), X, T, checkpoint=tmp_path / "no" / "run.safetensors")
    with pytest.raises(IsADirectoryError):
        cr.train(net(), X, T, checkpoint=tmp_path)


def test_epochs_may_change_unless_the_schedule_looks_ahead(file, every_batch):
    begun(file, schedule=cr.Cosine())
    with pytest.raises(SettingError, match="epochs is 5, there 3"):
        resumed(file, schedule=cr.Cosine(), epochs=5)


def test_a_parameter_of_the_schedule_must_be_the_same(file, every_batch):
    begun(file, schedule=cr.ExponentialDecay(0.9))
    with pytest.raises(SettingError, match=r"of exponential is 0\.8, there 0\.9"):
        resumed(file, schedule=cr.ExponentialDecay(0.8))


def test_the_monitor_must_be_the_same(file, every_batch):
    begun(file, metrics={"error": mean_error})
    with pytest.raises(SettingError, match="monitor is 'error', there 'cost'; mode is 'max', there 'min'"):
        resumed(file, metrics={"error": mean_error}, monitor="error")


def test_a_run_that_lost_patience_ends_at_once_again(file):
    settings = {"epochs": 500, "patience": 2, "optimizer": cr.SGD(0.5)}
    whole, history = resumed(file, **settings)
    assert history.stopped == "patience"
    again, found = resumed(file, **settings)
    assert again.theta.tobytes() == whole.theta.tobytes()
    assert dataclasses.replace(found, seconds=0) == dataclasses.replace(history, seconds=0)


def test_a_run_that_diverged_diverges_again_and_keeps_the_same_weights(file):
    settings = {"epochs": 50, "optimizer": cr.SGD(1e30), "validation": None}
    whole, history = resumed(file, net(output="identity"), **settings)
    again, found = resumed(file, net(output="identity"), **settings)
    assert (history.stopped, found.stopped) == ("diverged", "diverged")
    assert again.theta.tobytes() == whole.theta.tobytes()


def test_the_pairs_and_evaluations_of_lbfgs_go_through_the_file(file):
    resumed(file, **LBFGS, epochs=6)
    run = read_state(file).state.run
    assert (run.slots.shape, bool(run.slots.any(axis=1).all())) == ((8, run.theta.size), True)
    assert run.evaluations >= 7
    pieces, found = resumed(file, **LBFGS, epochs=12)
    whole, expected = resumed(file.with_name("whole"), **LBFGS, epochs=12)
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    assert dataclasses.replace(found, seconds=0) == dataclasses.replace(expected, seconds=0)
    stored = [read_state(path).state.run for path in (file, file.with_name("whole"))]
    assert stored[0].slots.tobytes() == stored[1].slots.tobytes()
    assert stored[0].evaluations == stored[1].evaluations


def test_a_run_that_converged_or_used_its_evaluations_up_ends_at_once_again(file):
    for k, rule in enumerate((cr.LBFGS(tolerance=1e-2), cr.LBFGS(reduction=1e-3), cr.LBFGS(evaluations=6))):
        settings, path = {**LBFGS, "optimizer": rule, "epochs": 200}, file.with_name(f"run {k}")
        whole, history = resumed(path, **settings)
        assert history.stopped == ("evaluations" if rule.evaluations else "converged")
        again, found = resumed(path, **settings)
        assert again.theta.tobytes() == whole.theta.tobytes()
        assert dataclasses.replace(found, seconds=0) == dataclasses.replace(history, seconds=0)


def test_the_state_of_a_shorter_run_of_costs_cannot_be_passed_off(file, every_batch):
    begun(file, events=3)
    stored = read_state(file)
    write_state(file, stored._replace(state=dataclasses.replace(stored.state, costs=np.zeros(99))))
    with pytest.raises(SettingError, match="the state comes from another network, seed or data"):
        resumed(file)


# ---- tables

TABLE = {"x": [k % 7 for k in range(60)], "word": ["ab"[k % 2] for k in range(60)], "y": [k % 3 for k in range(60)]}
HOW = {"target": "y", "epochs": 6, "batch_size": 8, "test_every": 5, "weight": None, "class_weight": "balanced"}


class Died(Exception):
    """Stands for whatever ends a process."""


def test_a_table_goes_on_from_its_checkpoint_to_the_same_file(file, tmp_path, every_batch):
    cr.train_table(TABLE, **HOW).save(tmp_path / "whole")
    seen = []

    def die(event):
        seen.append(event)
        if len(seen) in (5, 19):
            raise Died

    for _ in range(2):
        with pytest.raises(Died):
            cr.train_table(TABLE, **HOW, callback=die, checkpoint=cr.Checkpoint(file, every=0, resume=True))
    model = cr.train_table(TABLE, **HOW, checkpoint=cr.Checkpoint(file, resume=True))
    model.save(tmp_path / "pieces")
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    with pytest.raises(SettingError, match="class_weight is None, there 'balanced'"):
        cr.train_table(TABLE, **{**HOW, "class_weight": None}, checkpoint=cr.Checkpoint(file, resume=True))


@pytest.mark.parametrize("validation", [0.2, 0])
def test_the_best_model_of_a_state_is_the_one_that_a_stop_there_leaves(validation, tmp_path, every_batch):
    settings = TableSettings(epochs=9, batch_size=8, learning_rate=0.05, validation=validation)
    asked = []
    stopped = TableTraining(TABLE, "y", settings)
    for event in stopped.events(cancel=lambda: bool(asked)):
        if isinstance(event, Progress) and event.epoch == 3 and event.batch == 2:
            asked.append(True)
            found = stopped.best(stopped.running.state)
            before = found.network.theta.tobytes()
    stopped.model.save(tmp_path / "stopped")
    found.save(tmp_path / "found")
    assert found.network.theta.tobytes() == before
    assert (tmp_path / "found").read_bytes() == (tmp_path / "stopped").read_bytes()
