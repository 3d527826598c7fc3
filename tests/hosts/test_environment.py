"""What launchers say in the environment."""

import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.hosts.environment import Place, place_of

HAND = {"JAX_COORDINATOR_ADDRESS": "node0:7000", "JAX_NUM_PROCESSES": "4", "JAX_PROCESS_ID": "3"}
OPEN_MPI = {
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_RANK": "2",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911",
}
SLURM = {
    "SLURM_JOB_ID": "12345",
    "SLURM_NTASKS": "8",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_NODELIST": "node[007-010,012],other3",
    "SLURM_STEP_TASKS_PER_NODE": "2(x4)",
}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "neither mpirun, srun nor JAX_NUM_PROCESSES says which host this is"),
        ({"SLURM_JOB_ID": "1", "SLURM_PROCID": "0"}, "srun did not start this process: put srun before it"),
    ],
)
def test_without_a_launcher_nobody_trains_alone(variables, words):
    with pytest.raises(SettingError, match=words):
        place_of(variables)


def test_a_launcher_of_one_process_is_one_host():
    alone = {name: "1" if name.endswith("SIZE") else "0" for name in OPEN_MPI if "uri" not in name}
    assert place_of(alone) == Place()


def test_kubernetes_and_whoever_starts_by_hand_name_all_three():
    assert place_of(HAND) == Place("node0:7000", 3, 4, None)


def test_open_mpi_names_the_launcher_and_the_port_is_that_of_jax():
    assert place_of(OPEN_MPI) == Place("10.96.0.1:62624", 2, 4, (0,))


def test_a_newer_open_mpi_on_one_machine_needs_no_address():
    variables = {name: value for name, value in OPEN_MPI.items() if "uri" not in name}
    one = variables | {"OMPI_COMM_WORLD_LOCAL_SIZE": "4", "PMIX_NAMESPACE": "prterun-node-1@1"}
    places = [place_of(one | {"OMPI_COMM_WORLD_RANK": str(rank)}) for rank in range(2)]
    assert places[0].coordinator == places[1].coordinator
    assert places[0].coordinator.startswith("127.0.0.1:")
    with pytest.raises(SettingError, match="mpirun does not say where host 0 is: add -x JAX_COORDINATOR_ADDRESS"):
        place_of(variables)
    assert place_of(variables | {"JAX_COORDINATOR_ADDRESS": "a:1"}).coordinator == "a:1"


def test_slurm_names_the_first_machine_of_the_step():
    assert place_of(SLURM) == Place("node007:61497", 5, 8, (1,))
    for nodes, first in {"a1,b2": "a1", "a1": "a1", "n[3,5]": "n3", "gpu-b[01-02]": "gpu-b01"}.items():
        assert place_of(SLURM | {"SLURM_STEP_NODELIST": nodes}).coordinator == f"{first}:61497"


@pytest.mark.parametrize(
    ("nodes", "job"), [("node[001-0015],host2", "7"), ("node[001,007-015]", "99999"), ("one", "0")]
)
def test_the_address_is_the_one_that_jax_chooses(monkeypatch, nodes, job):
    pytest.importorskip("jax", reason="compares with JAX")
    from jax._src.clusters.ompi_cluster import OmpiCluster
    from jax._src.clusters.slurm_cluster import SlurmCluster

    slurm = SLURM | {"SLURM_STEP_NODELIST": nodes, "SLURM_JOB_ID": job}
    mpi = OPEN_MPI | {"OMPI_MCA_orte_hnp_uri": f"{4096 * int(job)}.0;tcp6://[fe80::b9b,2620:10d::3]:43370"}
    for name, value in (slurm | mpi).items():
        monkeypatch.setenv(name, value)
    assert place_of(slurm).coordinator == SlurmCluster.get_coordinator_address(None, None)
    machine, _, port = OmpiCluster.get_coordinator_address(None, None).rpartition(":")
    assert place_of(mpi).coordinator == f"[{machine}]:{port}"


@pytest.mark.parametrize(
    ("visible", "local", "here", "devices"),
    [
        ("0,1,2,3", "0", "1", (0, 1, 2, 3)),  # one process for all GPUs of the machine
        ("0,1,2,3", "1", "4", (1,)),  # a GPU for each
        ("0,1,2,3", "1", "2", (2, 3)),  # two for each
        ("2", "1", "4", (0,)),  # the launcher has dealt them out
        ("", "1", "2", (1,)),
        ("", "0", "1", None),
    ],
)
def test_each_process_takes_its_share_of_the_gpus_that_it_sees(visible, local, here, devices):
    variables = OPEN_MPI | {"OMPI_COMM_WORLD_LOCAL_RANK": local, "OMPI_COMM_WORLD_LOCAL_SIZE": here}
    assert place_of(variables | {"CUDA_VISIBLE_DEVICES": visible}).local_devices == devices


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"JAX_NUM_PROCESSES": "2"}, "JAX_PROCESS_ID is not set, but must be a whole number"),
        ({"JAX_NUM_PROCESSES": "two", "JAX_PROCESS_ID": "0"}, "JAX_NUM_PROCESSES is 'two'"),
        ({"JAX_NUM_PROCESSES": "2", "JAX_PROCESS_ID": "0"}, "JAX_COORDINATOR_ADDRESS is not set: set it to host0:port"),
        ({"JAX_COORDINATOR_ADDRESS": "a:1"}, "JAX_NUM_PROCESSES is not set, but must be a whole number"),
        (SLURM | {"SLURM_NTASKS": ""}, "SLURM_NTASKS is ''"),
        (SLURM | {"SLURM_LOCALID": "x"}, "SLURM_LOCALID is 'x'"),
        (OPEN_MPI | {"OMPI_COMM_WORLD_LOCAL_RANK": "x"}, "OMPI_COMM_WORLD_LOCAL_RANK is 'x'"),
    ],
)
def test_incomplete_variables_are_named(variables, words):
    with pytest.raises(SettingError, match=words.replace("(", "\\(")):
        place_of(variables)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"coordinator": "node0"}, "coordinator is 'node0', but must be a machine and a port"),
        ({"coordinator": "node0:0"}, "coordinator is 'node0:0'"),
        ({"coordinator": "node0:99999"}, "coordinator is 'node0:99999'"),
        ({"coordinator": "a:1", "host": 2, "hosts": 2}, "host is 2, but 2 hosts are numbered 0 to 1"),
        ({"hosts": 2}, "hosts is 2: give the address of host 0 too"),
        ({"shards": 0}, "shards is 0"),
        ({"wait": 0}, "wait is 0"),
        ({"local_devices": "0"}, "local_devices is '0'"),
    ],
)
def test_hosts_that_make_no_sense_are_refused(arguments, words):
    with pytest.raises(SettingError) as caught:
        cr.Hosts(**arguments)
    assert words in str(caught.value)


def test_auto_reads_the_environment_and_takes_the_shards(monkeypatch):
    for name, value in HAND.items():
        monkeypatch.setenv(name, value)
    assert cr.Hosts.auto(shards=8) == cr.Hosts("node0:7000", host=3, hosts=4, shards=8)
    from chainrule.settings import TrainingSettings

    assert TrainingSettings(hosts="auto").hosts.host == 3
    assert TrainingSettings(hosts=cr.Hosts(shards=8)).shards == 8
    with pytest.raises(SettingError, match="shards is 4, but hosts has 8 shards: leave one of them out"):
        TrainingSettings(hosts=cr.Hosts(shards=8), shards=4)
    with pytest.raises(SettingError, match="hosts is 5, but must be a Hosts, 'auto'"):
        TrainingSettings(hosts=5)
