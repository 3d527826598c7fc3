"""Real launchers start hosts: Open MPI's mpirun where it is installed, Slurm's srun where a cluster runs."""

import contextlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tests.hosts.processes import PATIENCE, environment

pytest.importorskip("jax", reason="several hosts need JAX")

MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]
SRUN = ["srun", "--overcommit"]
TRAIN = [sys.executable, "-m", "chainrule", "train", "parts", "--target", "y", "--epochs", "1", "--hidden", "4"]


def require(launcher):
    """Skip where a launcher is missing, with the reason."""
    if launcher is MPIRUN and shutil.which("mpirun") is None:
        if os.environ.get("CHAINRULE_REQUIRE_MPIRUN") == "1":
            pytest.fail("CHAINRULE_REQUIRE_MPIRUN=1, and there is no mpirun")
        pytest.skip("mpirun is not installed")
    if launcher is SRUN:
        if shutil.which("srun") is None:
            pytest.skip("srun is not installed")
        with contextlib.suppress(subprocess.TimeoutExpired):
            command = ["sinfo", "-h", "-t", "idle"]
            idle = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
            if idle.returncode == 0 and idle.stdout.strip():
                return
        pytest.skip("no machine of a Slurm cluster is idle")


@pytest.fixture
def folder(tmp_path):
    """A folder with two parts of CSV."""
    x, y = np.random.default_rng(0).normal(size=(2, 400))
    (tmp_path / "parts").mkdir()
    for k, rows in enumerate([slice(0, 150), slice(150, 400)]):
        text = "".join(f"{a},{b},{a + 2 * b}\n" for a, b in zip(x[rows], y[rows], strict=True))
        (tmp_path / "parts" / f"{k}.csv").write_text("a,b,y\n" + text)
    return tmp_path


def trained(folder, *command):
    """What is printed and the model's bytes, after a command that ends well."""
    clean = {
        name: text for name, text in environment(folder).items() if not name.startswith(("OMPI_", "SLURM_", "JAX_P"))
    }
    done = subprocess.run(command, check=False, cwd=folder, env=clean, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("launcher", "hosts"),
    [
        pytest.param(MPIRUN, 2, id="mpirun"),
        pytest.param(SRUN, 2, id="srun"),
        pytest.param(MPIRUN, 4, id="mpirun-4", marks=pytest.mark.full),
    ],
)
def test_a_launcher_starts_hosts_without_a_word(folder, launcher, hosts):
    require(launcher)
    shards = ["--shards", str(max(hosts, 2))]
    alone = trained(folder, *TRAIN, *shards, "--engine", "xla")
    together = trained(folder, *launcher, "-n", str(hosts), *TRAIN, *shards, "--hosts", "auto")
    assert together[1] == alone[1]
    assert together[0].count("model saved in") == 1
