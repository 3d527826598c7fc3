"""Good arguments for every function of the C ABI, for tests that damage them."""

import ctypes
from ctypes import byref

import numpy as np
from scipy.sparse import csr_array

from chainrule.architecture import Architecture
from chainrule.engines import abi, native, structs
from chainrule.examples.sparse import SparseRows
from chainrule.optimizers import Adam
from chainrule.settings import TrainingSettings

OK, ARGUMENT, LACKS, MEMORY, BUSY, DROPPED = range(6)
MOST = 2**63 - 1
N, SIZES = 6, (3, 4, 5)


class World:
    """Good arguments for every function, whose fields a test damages one at a time."""

    def __init__(self, dtype="float32", sparse=False):
        self.library = native.engine()._library
        rng = np.random.default_rng(0)
        self.dtype = np.dtype(dtype)
        output = [("softmax", 2), ("identity", 3)]
        self.shape = Architecture.of(SIZES, "elu", output, ["cross_entropy", "huber"], [None, np.ones((4, 5))])
        self.run = TrainingSettings(optimizer=Adam(), batch_size=2, dropout=(0.5,), rates={"3": 0.5}, seed=1)
        self.theta = rng.normal(size=self.shape.parameter_count).astype(dtype)
        self.X, self.T = rng.normal(size=(N, 3)).astype(dtype), rng.uniform(size=(N, 5)).astype(dtype)
        self.inputs = (
            SparseRows(csr_array(np.where(self.X > 0, self.X, 0)), self.dtype).compressed() if sparse else self.X
        )
        self.order, self.rates, self.costs = np.arange(N, dtype=np.int64), np.full(3, 0.1), np.zeros(3)
        self.out = np.zeros((N, 5), dtype=dtype)
        self.number = ctypes.c_uint64()
        self.text = ctypes.create_string_buffer(200)

    def architecture(self):
        return structs.architecture.__wrapped__(self.shape, self.dtype)  # a new one, to be damaged

    def settings(self):
        return structs.run_settings(self.run, 6.0, len(SIZES))

    def step_call(self):
        addresses = {name: getattr(self, name).ctypes.data for name in ("order", "rates", "costs", "theta")}
        sizes = {"rows": N, "updates": 3, "theta_bytes": self.theta.nbytes, "seconds": 9.0}
        return abi.StepCall(examples=self.examples(), **addresses, **sizes)

    def examples(self):
        return structs.examples(self.inputs, self.T, np.ones((N, 5), self.dtype))

    def predict_call(self):
        return abi.PredictCall(
            X=structs.inputs(self.inputs), out=self.out.ctypes.data, out_bytes=self.out.nbytes, threads=1
        )

    def call(self, name, *arguments):
        """The code of a call; a line came with it if and only if it is an error."""
        self.text.value = b"nothing"
        code = self.library.function(name)(*arguments, self.text, len(self.text))
        line = self.text.value.decode()
        assert (line == "nothing") == (code == OK), (code, line)
        assert "\n" not in line
        return code

    def make(self, architecture=None, settings=None, rows=4):
        return self.call("make", byref(architecture or self.architecture()), settings, rows, byref(self.number))

    def made(self, trained=True):
        """The number of a good network."""
        assert self.make(settings=byref(self.settings()) if trained else None) == OK
        number = self.number.value
        assert trained or self.call("set_theta", number, self.theta.ctypes.data, self.theta.nbytes) == OK
        return number
