"""`chainrule train` on several hosts: who writes, how all end, and the errors of the options."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from chainrule.cli import run

pa = pytest.importorskip("pyarrow")

from pyarrow import parquet  # noqa: E402
from tests.hosts.processes import ends, environment, free_port  # noqa: E402


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0/2"], "--host needs the hosts: add --hosts auto, or --hosts HOST0:PORT"),
        (["--hosts-wait", "5s"], "--hosts-wait needs the hosts"),
        (["--hosts", "auto", "--host", "0/2"], "--hosts auto knows the number of this host: leave out --host"),
        (["--hosts", "node0:7000"], "so say which host this is: add --host I/N, such as 0/2"),
        (["--hosts", "node0:7000", "--host", "two"], "--host is 'two', but must be I/N"),
        (["--hosts", "node0:7000", "--host", "2/2"], "host is 2, but 2 hosts are numbered 0 to 1"),
        (["--hosts", "node0", "--host", "0/2"], "coordinator is 'node0', but must be a machine and a port"),
    ],
)
def test_options_that_do_not_fit_are_refused(capsys, arguments, words):
    assert run(["train", "table.csv", "--target", "y", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_auto_without_a_launcher_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k},{k * k}\n" for k in range(30)))
    for name in (
        "JAX_COORDINATOR_ADDRESS",
        "JAX_NUM_PROCESSES",
        "JAX_PROCESS_ID",
        "OMPI_COMM_WORLD_SIZE",
        "SLURM_JOB_ID",
    ):
        monkeypatch.delenv(name, raising=False)
    assert run(["train", "t.csv", "--target", "y", "--epochs", "1", "--hosts", "auto"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "neither mpirun, srun nor JAX_NUM_PROCESSES says which host this is" in line
    assert not (tmp_path / "model.safetensors").exists()


@pytest.fixture
def parts(tmp_path):
    pytest.importorskip("jax", reason="several hosts need JAX")
    x = np.random.default_rng(0).normal(size=(4000, 4))
    for k in range(4):
        some = x[k * 1000 : (k + 1) * 1000]
        columns = {**{f"x{j}": some[:, j] for j in range(4)}, "y": some[:, 0] * 2 + some[:, 1]}
        (tmp_path / "parts").mkdir(exist_ok=True)
        parquet.write_table(pa.table(columns), tmp_path / "parts" / f"{k}.parquet")
    return tmp_path


def commands(folder, *more, shards=4, launcher=None):
    """Two hosts that train by the command line; `launcher` gives the variables of each."""
    address = f"127.0.0.1:{free_port()}"
    processes = []
    for host in range(2):
        which = ["--hosts", address, "--host", f"{host}/2"] if launcher is None else ["--hosts", "auto"]
        command = [
            sys.executable,
            "-m",
            "chainrule",
            "train",
            "parts",
            "--target",
            "y",
            *which,
            "--shards",
            str(shards),
            *more,
        ]
        variables = environment(folder, **({} if launcher is None else launcher(host, address)))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes.append(subprocess.Popen(command, env=variables, cwd=folder, **pipes))
    return processes


def wait_for(path, processes):
    """Wait until a file is there, as long as the processes run."""
    while not path.exists():
        assert all(process.poll() is None for process in processes), ends(processes)
        time.sleep(0.1)


def slurm(host, address):
    return {
        "SLURM_JOB_ID": "77",
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": str(host),
        "SLURM_LOCALID": str(host),
        "SLURM_STEP_NODELIST": "localhost",
        "JAX_COORDINATOR_ADDRESS": address,
    }


def open_mpi(host, address):
    variables = {"SIZE": "2", "RANK": str(host), "LOCAL_SIZE": "2", "LOCAL_RANK": str(host)}
    return {f"OMPI_COMM_WORLD_{name}": text for name, text in variables.items()} | {"JAX_COORDINATOR_ADDRESS": address}


def kubernetes(host, address):
    return {"JAX_COORDINATOR_ADDRESS": address, "JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": str(host)}


@pytest.mark.full
@pytest.mark.parametrize("launcher", [slurm, open_mpi, kubernetes])
def test_under_a_launcher_only_host_0_writes(parts, launcher):
    zero, one = ends(commands(parts, "--epochs", "2", "--json", launcher=launcher))
    assert (zero.code, one.code, one.out, one.err) == (0, 0, "", "")
    events = [json.loads(line) for line in zero.out.splitlines()]
    assert events[-1]["model"] == "model.safetensors"
    assert (parts / "model.safetensors").exists()


@pytest.mark.full
@pytest.mark.parametrize("host", [0, 1])
@pytest.mark.parametrize(("number", "codes"), [(signal.SIGTERM, {143}), (signal.SIGKILL, {1, -9})])
def test_a_signal_to_any_host_ends_all(parts, host, number, codes):
    processes = commands(parts, "--epochs", "100000", "--checkpoint", "ck", "--checkpoint-every", "1s")
    wait_for(parts / "ck", processes)
    processes[host].send_signal(number)
    ended = ends(processes)
    assert {process.code for process in ended} == codes
    assert all(len(process.err.splitlines()) <= 1 for process in ended)
    line = "".join(process.err for process in ended)
    assert ("--resume continues from ck" if number == signal.SIGTERM else "another host has ended") in line
    again = ends(commands(parts, "--epochs", "1", "--checkpoint", "ck", "--resume", shards=8))
    assert [process.code for process in again] == [2, 1]
    assert again[1].err.startswith("chainrule: host 0 has ended: the checkpoint ck belongs to another training")
    assert "shards is 8, there 4: give the same settings" in again[0].err


@pytest.mark.full
def test_a_bad_cell_of_one_host_ends_both_in_one_line(parts):
    table = parquet.read_table(parts / "parts" / "3.parquet").to_pydict()
    table["y"][7] = float("inf")
    parquet.write_table(pa.table(table), parts / "parts" / "3.parquet")
    ended = ends(commands(parts, "--epochs", "2"))
    assert {process.code for process in ended} == {1}
    assert all(len(process.err.splitlines()) == 1 for process in ended)
    assert all("row 3008" in process.err for process in ended)
