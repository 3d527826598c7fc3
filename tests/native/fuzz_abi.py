"""`python -m tests.native.fuzz_abi SEED` calls the C ABI with fields spoilt at random, and leaves with 0 if it lives.

What only a caller can know is left as it is: how long the memory behind a pointer is.
"""

import collections
import ctypes
import random
import sys
from ctypes import byref

from .abi_world import World

NUMBERS = [0, 1, -1, 2, 3, 7, 31, 4096, 2**31, 2**32, 2**40, 2**61, 2**62, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -1.0, 1e-320, 1e308, float("inf"), float("nan"), 1.0]
POINTERS = ("data", "offsets", "places", "order", "rates", "costs", "theta", "out")
SEEN = {("make", 0), ("make", 1), ("steps", 0), ("steps", 1), ("predict", 1), ("cost", 1)}


def sparse(struct):
    return getattr(struct, "offsets", None) is not None


def spoil(struct):
    """One field of a struct, or of what lies in it or behind it."""
    name = random.choice([field for field, *_ in struct._fields_])
    value = getattr(struct, name)
    if isinstance(value, ctypes.Structure):
        spoil(value)
    elif isinstance(value, bytes):
        setattr(struct, name, random.randbytes(32))
    elif isinstance(value, float):
        setattr(struct, name, random.choice(FLOATS))
    elif isinstance(value, ctypes.Array):
        value[random.randrange(len(value))] = random.choice(FLOATS)
    elif isinstance(value, ctypes._Pointer):
        spoil_behind(struct, name, value)
    elif name in POINTERS:
        setattr(struct, name, None)
    elif name == "begin":
        setattr(struct, name, random.choice([None, (value or 0) + 2**40, 2**64 - 8]))
    elif name == "seed":
        setattr(struct, name, random.getrandbits(64))
    else:
        # No range of addresses is made longer: that there is less memory than it says is what only the caller knows.
        most = value if name in ("bytes", "entries") or (name == "rows" and sparse(struct)) else 2**63 - 1
        near = max(-(2**63), min(most, value + random.randint(-3, 3)))
        setattr(struct, name, min(most, random.choice([*NUMBERS, near])))


def spoil_behind(struct, name, pointer):
    if not pointer or random.random() < 0.2:
        if name not in ("dropout", "rates", "masks"):
            setattr(struct, name, None)
    elif name == "sizes":
        pointer[random.randrange(3)] = random.choice(NUMBERS)
    elif name == "block":
        spoil(pointer[random.randrange(2)])
    elif name == "hidden":
        spoil(pointer[0])
    elif name == "masks":
        spoil(pointer[random.randrange(2)])


def one_round(world, pure, codes):
    architecture, settings = world.architecture(), world.settings()
    call, examples, predicted = world.step_call(), world.examples(), world.predict_call()
    for struct in random.sample([architecture, settings, call, examples, predicted], 2):
        for _ in range(random.randint(1, 3)):
            spoil(struct)
    if 0 < architecture.layers <= 4096:
        architecture.layers = 2
    if 0 < architecture.blocks <= 4096:
        architecture.blocks = min(architecture.blocks, 2)
    made = world.make(architecture, byref(settings))
    codes["make", made] += 1
    if not made:
        if call.theta_bytes <= world.theta.nbytes and call.updates <= 3 and call.rows <= 6:
            codes["steps", world.call("steps", world.number.value, byref(call))] += 1
        world.call("drop", world.number.value)
    if predicted.out_bytes <= world.out.nbytes:
        codes["predict", world.call("predict", pure, byref(predicted))] += 1
    codes["cost", world.call("cost", pure, byref(examples), 0, byref(ctypes.c_double()))] += 1


def main(seed):
    random.seed(seed)
    codes = collections.Counter()
    for dtype in ("float32", "float64"):
        for sparse_inputs in (False, True):
            world = World(dtype, sparse_inputs)
            pure = world.made(trained=False)
            for _ in range(1000):
                one_round(world, pure, codes)
    print(dict(codes))
    assert set(codes) >= SEEN


if __name__ == "__main__":
    main(int(sys.argv[1]))
