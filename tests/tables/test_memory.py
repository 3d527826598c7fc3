"""The available memory: of the machine, of control groups of both kinds, of the process."""

import subprocess
import sys

import pytest

from chainrule.tables.memory import available_memory

MIB = 2**20


@pytest.fixture
def system(tmp_path):
    """A folder with a /proc, where 8 GiB are available."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
    return tmp_path


def group(folder, limit, used, cached, words=("memory.max", "memory.current", "inactive_file")):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / words[0]).write_text(f"{limit}\n")
    (folder / words[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{words[2]} {cached}\n")


def test_the_memory_of_this_machine_is_known():
    assert 2**20 < available_memory() < 2**50


def test_without_a_system_that_tells_it_is_4_gib(tmp_path):
    assert available_memory(tmp_path) == 2**32


def test_a_machine_without_limits(system):
    assert available_memory(system) == 8192 * MIB
    (system / "proc/self/cgroup").write_text("0::/user.slice\n")
    group(system / "sys/fs/cgroup/user.slice", "max", 5 * MIB, MIB)
    assert available_memory(system) == 8192 * MIB


@pytest.mark.parametrize("name", ["a/b", "a", "."])
def test_the_limit_of_a_group_and_of_each_group_above_it_counts_and_cached_files_are_free(system, name):
    (system / "proc/self/cgroup").write_text("0::/a/b\n")
    group(system / "sys/fs/cgroup" / name, 500 * MIB, 300 * MIB, 100 * MIB)
    assert available_memory(system) == 300 * MIB


@pytest.mark.parametrize("name", ["box/1", "."])
def test_a_group_of_the_first_version(system, name):
    """In a container its own group is the mounted folder."""
    (system / "proc/self/cgroup").write_text("9:cpuset:/\n4:cpu,memory:/box/1\n0::/\n")
    words = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    group(system / "sys/fs/cgroup/memory" / name, 500 * MIB, 300 * MIB, 0, words)
    assert available_memory(system) == 200 * MIB


def test_a_full_group_leaves_nothing(system):
    (system / "proc/self/cgroup").write_text("0::/a\n")
    group(system / "sys/fs/cgroup/a", 500 * MIB, 600 * MIB, 0)
    assert available_memory(system) == 0


def test_the_limit_of_the_process_counts():
    pytest.importorskip("resource")
    code = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))\n"
    code += "from chainrule.tables.memory import available_memory; print(available_memory())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2**31
