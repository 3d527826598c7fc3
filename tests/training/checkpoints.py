"""A small training with a checkpoint: cut after some events, and resumed."""

import numpy as np

import chainrule as cr
from chainrule.training import Finished

_RNG = np.random.Generator(np.random.PCG64(7))
X, T = _RNG.normal(size=(23, 4)), _RNG.uniform(size=(23, 2))
HELD = (_RNG.normal(size=(6, 4)), _RNG.uniform(size=(6, 2)))
SETTINGS = {"optimizer": cr.Adam(0.05), "batch_size": 5, "epochs": 3, "dropout": 0.25, "validation": HELD}
LBFGS = {"optimizer": cr.LBFGS(memory=4), "batch_size": None, "dropout": 0.0}


def net(**changed):
    return cr.Network(**{"sizes": [4, 3, 2], "activation": "tanh", "seed": 3, "dtype": "float64", **changed})


def mean_error(A, T):
    return float(abs(A - T).mean())


def begun(file, events=6, network=None, **settings):
    """A checkpoint of a training that died after so many events, each of which was saved."""
    training = cr.train(
        network or net(), X, T, **{**SETTINGS, **settings}, checkpoint=cr.Checkpoint(file, every=0, resume=True)
    )
    for _, event in zip(range(events), training, strict=False):
        assert not isinstance(event, Finished)


def resumed(file, network=None, data=(X, T), **settings):
    network = network or net()
    checkpoint = cr.Checkpoint(file, every=1000, resume=True)
    history = cr.fit(network, *data, **{**SETTINGS, **settings}, checkpoint=checkpoint)
    return network, history


def changed(array, index=(3, 1), by=1e-3):
    found = array.copy()
    found[index] += by
    return found
