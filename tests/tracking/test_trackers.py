"""MLflow and Weights & Biases themselves, in their local modes, where they are installed; and without them."""

import importlib.util
import json
import logging
import os
import struct
import sys
import time

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError

needs_mlflow = pytest.mark.skipif(not importlib.util.find_spec("mlflow"), reason="mlflow is not installed")
needs_wandb = pytest.mark.skipif(not importlib.util.find_spec("wandb"), reason="wandb is not installed")

X = np.random.default_rng(0).normal(size=(40, 3))
T = X[:, :1] ** 2


def fit(callback, **settings):
    net = cr.Network([3, 5, 1], "tanh", "identity", seed=1)
    return net, cr.fit(net, X, T, epochs=3, validation=(X, T), metrics={"mae (€)": mae}, callback=callback, **settings)


def mae(A, T):
    return float(abs(A - T).mean())


@pytest.mark.parametrize(("name", "make"), [("mlflow", cr.MLflowLogger), ("wandb", cr.WandbLogger)])
def test_without_the_package_one_line_says_so(monkeypatch, name, make):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SettingError, match=rf"^this needs [^\n]*: pip install 'chainrule\[{name}\]'$"):
        make()


# ------------------------------------------------------------------------------- MLflow


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """MLflow with a database in tmp_path, where its client works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    import mlflow

    return mlflow


@needs_mlflow
@pytest.mark.filterwarnings("ignore")  # its own, of its dependencies
def test_mlflow_has_parameters_metrics_and_the_model(mlflow, tmp_path):
    with cr.MLflowLogger("squares", "first", parameters={"data": "made"}) as log:
        net, history = fit(log, optimizer=cr.Adam(0.01))
        log.save(net)
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("squares").experiment_id])
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    expected = {"data": "made", "optimizer": "adam", "optimizer.learning_rate": "0.01", "epochs": "3", "rows": "40"}
    assert {name: run.data.params[name] for name in expected} == expected
    curves = {
        "cost": history.cost,
        "validation/cost": history.validation,
        "validation/mae ___": history.metrics["mae (€)"],
    }
    for name, curve in curves.items():
        written = client.get_metric_history(run.info.run_id, name)
        assert [(m.step, m.value) for m in written] == [(k + 1, value) for k, value in enumerate(curve)]
    tags = {"best_epoch": str(history.best_epoch + 1), "stopped": "all epochs done"}
    assert {name: run.data.tags[name] for name in tags} == tags
    path = client.download_artifacts(run.info.run_id, "model.safetensors", str(tmp_path))
    assert cr.load(path).theta.tobytes() == net.theta.tobytes()
    assert mlflow.active_run() is None


@needs_mlflow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_takes_a_run_that_is_active_and_leaves_it_open(mlflow):
    mlflow.set_experiment("mine")
    with mlflow.start_run() as active:
        fit(cr.MLflowLogger())
        assert mlflow.active_run().info.run_id == active.info.run_id
        mlflow.log_metric("more", 1.0)
    run = mlflow.get_run(active.info.run_id)
    assert {"cost", "more"} <= set(run.data.metrics)
    fit(cr.MLflowLogger())
    runs = mlflow.search_runs(experiment_names=["mine"])
    assert len(runs) == 2, "the experiment that is set"
    assert set(runs["status"]) == {"FINISHED"}


@needs_mlflow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_knows_that_a_training_failed(mlflow):
    def failing():
        with cr.MLflowLogger(uri="sqlite:///other.db") as log:
            fit([log][0])
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        failing()
    (run,) = mlflow.MlflowClient("sqlite:///other.db").search_runs(["0"])
    assert run.info.status == "FAILED"


# ------------------------------------------------------------------------------- Weights & Biases


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Arguments of wandb.init for a run in tmp_path that asks no network."""
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    return {"mode": "offline", "dir": str(tmp_path)}


def records(folder):
    """The records of the only run in a folder; wandb may write the last ones after `finish`."""
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    end = time.monotonic() + 30
    while True:
        found = list(parsed(path.read_bytes()))
        if any(record.HasField("exit") for record in found) or time.monotonic() > end:
            return found
        time.sleep(0.1)


def parsed(data):
    """The records in a file of LevelDB's log format, in blocks of 32 KiB, after 7 bytes."""
    from wandb.proto import wandb_internal_pb2

    at, parts = 7, b""
    while at + 7 <= len(data):
        length, kind = struct.unpack_from("<HB", data, at + 4)
        if not kind:  # the rest of a block
            at += 32768 - at % 32768
            continue
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


@needs_wandb
@pytest.mark.filterwarnings("ignore")
def test_wandb_has_configuration_metrics_and_the_model(offline, tmp_path):
    with cr.WandbLogger("squares", "first", parameters={"data": "made"}, **offline) as log:
        net, history = fit(log, optimizer=cr.Adam(0.01))
        log.save(net)
    config, rows, summary = {}, [], {}
    for record in records(tmp_path):
        for item in [*record.run.config.update, *record.config.update]:
            config[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
        if record.HasField("history"):
            rows.append({i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in record.history.item})
        for item in record.summary.update:
            summary[item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
    expected = {"data": "made", "optimizer": "adam", "optimizer.learning_rate": 0.01, "epochs": 3, "rows": 40}
    assert {name: config.get(name) for name in expected} == expected
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["cost"] for row in rows] == history.cost
    assert [row["validation/cost"] for row in rows] == history.validation
    assert summary["best_epoch"] == history.best_epoch + 1
    assert summary["stopped"] == "all epochs done"
    assert any(record.HasField("artifact") for record in records(tmp_path))


@needs_wandb
@pytest.mark.filterwarnings("ignore")
def test_wandb_takes_a_run_that_is_active_and_leaves_it_open(offline):
    import wandb

    with wandb.init(**offline) as run:
        fit(cr.WandbLogger())
        assert wandb.run is run
        assert run.summary["epoch"] == 3


# ------------------------------------------------------------------------------- stand-ins


class Standing:
    """Records every call, and gives itself for whatever it is asked for."""

    def __init__(self, calls, name="", **values):
        self.__dict__.update(calls=calls, _name=name, **values)

    def __getattr__(self, name):
        return Standing(self.calls, f"{self._name}.{name}")

    def __call__(self, *args, **kwargs):
        self.calls.append((self._name, args, kwargs))
        return Standing(self.calls, f"{self._name}()")


def test_the_calls_of_wandb(monkeypatch):
    """A stand-in, so that a change of ours shows without the package; what wandb does with them is tested above."""
    calls = []
    monkeypatch.setitem(sys.modules, "wandb", Standing(calls, "wandb", run=None))
    with cr.WandbLogger("squares", mode="offline") as log:
        net, history = fit(log)
        log.save(net)
    names = [name for name, *_ in calls]
    assert names[0] == "wandb.init"
    assert calls[0][2] == {"project": "squares", "name": None, "mode": "offline"}
    assert names.count("wandb.init().log") == 3
    assert [args[0]["cost"] for name, args, _ in calls if name == "wandb.init().log"] == history.cost
    assert names[-3:] == ["wandb.Artifact().add_file", "wandb.init().log_artifact", "wandb.init().finish"]
    assert calls[-1][2] == {"exit_code": 0}


def test_the_calls_of_mlflow(monkeypatch):
    calls = []
    monkeypatch.setitem(sys.modules, "mlflow", Standing(calls, "mlflow"))
    with cr.MLflowLogger("squares", uri="http://127.0.0.1:5000") as log:
        net, history = fit(log)
        log.save(net)
    names = [name for name, *_ in calls if name.startswith("mlflow.MlflowClient().")]
    batches = names.count("mlflow.MlflowClient().log_batch")
    assert batches == 4, "the parameters, and the metrics of three epochs"
    assert [
        args[1] for name, args, _ in calls if name == "mlflow.entities.Metric" and args[0] == "cost"
    ] == history.cost
    assert names[-2:] == ["mlflow.MlflowClient().log_artifact", "mlflow.MlflowClient().set_terminated"]
    assert calls[-1][1][1] == "FINISHED"
    assert os.path.basename(next(a[1] for n, a, _ in calls if n.endswith(".log_artifact"))) == "model.safetensors"  # noqa: PTH119
