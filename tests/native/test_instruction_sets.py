"""AVX2 and AVX-512 give the same bits, whatever is computed: a model trained on one x86 with FMA goes on on another."""

import ctypes
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from chainrule.engines import ENGINES, why_absent

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")

BITS = """
    import dataclasses, hashlib, sys
    import numpy as np
    from chainrule.engines import ENGINES
    from chainrule.network import Network
    from chainrule.optimizers import LBFGS, SGD, Adam, Clip
    from tests.engines.conformance import FACTORS, bits, covering, play, problem

    def show(name, *parts):
        print(name, hashlib.sha256(repr(bits(*parts)).encode()).hexdigest())

    for case in covering(FACTORS):
        p = problem(**case)
        run, theta = p.start("native")
        costs = play(run, p)
        pure = p.predict("native"), p.cost("native"), p.gradient("native"), p.norms("native")
        show(case, costs, run.state, theta, *pure)

    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        for width in (1, 7, 8, 9, 15, 16, 17, 33, 64, 100, 3000):
            for masks in (False, True):
                sizes = [5, width, 3, width]
                shapes = zip(sizes[:-1], sizes[1:])
                masks = [rng.integers(0, 2, shape) for shape in shapes] if masks else None
                net = Network(sizes, ["softmax", "tanh"], "softmax", "quadratic", masks=masks, dtype=dtype)
                X, T = rng.normal(size=(9, 5)), rng.dirichlet(np.ones(width), 9)
                parts = [net.predict(X, engine="native"), net.gradient(X, T, engine="native")]
                parts += [net.example_gradients(X, T, engine="native").norms()]
                parts += [net.example_gradients(X, T, engine="native").second_moment()]
                for rule, clip in ((SGD(0.1), Clip(norm=1e-3)), (Adam(), Clip(example=1e-3)), (LBFGS(), None)):
                    import chainrule as cr
                    trained = net.copy()
                    history = cr.fit(trained, X, T, optimizer=rule, clip=clip, batch_size=9, epochs=3, engine="native")
                    parts += [trained.theta, np.array(history.cost)]
                show((dtype, width, masks is not None), *parts)
"""


def runnable():
    """The instruction sets of this build that this machine runs."""
    names = ctypes.create_string_buffer(64)
    ENGINES["native"]()._library.function("runnable")(names, 64)
    return names.value.decode().split(", ")


def bits_on(isa):
    """What the program prints with an instruction set: a digest of the bits of each case."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "CHAINRULE_ISA": isa}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BITS)], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-1500:]
    return done.stdout.splitlines()


def test_every_instruction_set_with_fma_gives_the_same_bits():
    if not {"v3", "v4"} <= set(runnable()):
        pytest.skip("this build or this machine does not run both AVX2 and AVX-512")
    avx2, avx512 = bits_on("v3"), bits_on("v4")
    assert len(avx2) > 40
    assert [a for a, b in zip(avx2, avx512, strict=True) if a != b] == []
