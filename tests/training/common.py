"""Small trainings: data, networks, and the same training as a plain loop."""

import dataclasses

import numpy as np

from chainrule.network import Network
from chainrule.optimizers import Adam, Clip
from chainrule.random import Purpose, permutation
from chainrule.training import train

RNG = np.random.default_rng(0)
N = 23  # batches of 5 leave a short last one of 3
X = RNG.normal(size=(N, 4))
T = RNG.uniform(size=(N, 2))
S = RNG.uniform(0.5, 2, N)
HELD = (RNG.normal(size=(9, 4)), RNG.uniform(size=(9, 2)))

PENALTIES = {"alpha": 0.1, "l1": 0.01}
EVERYTHING = {"optimizer": Adam(0.02), "sample_weight": S, "dropout": 0.3, "clip": Clip(1.0, 0.5, 2.0)} | PENALTIES


def net(sizes=(4, 6, 2), activation="tanh", **parts):
    return Network(sizes, activation, **{"dtype": "float64"} | parts)


def events(network, *data, **settings):
    return list(train(network, *(data or (X, T)), **{"batch_size": 5, "epochs": 3} | settings))


def trained(*data, network=None, **settings):
    """The weights and the history of a run, ready to be compared; times left out."""
    network = net() if network is None else network
    history = events(network, *data, **settings)[-1].history
    return network.theta.tobytes(), dataclasses.replace(history, seconds=0)


def by_hand(network, batches, rule):
    """theta before and after each update: `Network.gradient` of a batch, then the rule."""
    network, slots, found = network.copy(), (np.zeros_like(network.theta),) * rule.slots, [network.theta.copy()]
    for step, rows in enumerate(batches, start=1):
        g = network.gradient(X[rows], T[rows])
        network.theta[...], slots = rule.update(network.theta, g, slots, rule.learning_rate, step)
        found.append(network.theta.copy())
    return found


def batches_of(seed, epochs, m=5):
    orders = [permutation(seed, Purpose.ORDER, epoch, N) for epoch in range(epochs)]
    return [order[at : at + m] for order in orders for at in range(0, N, m)]


def metric_of(values):
    """A metric that gives these values, one an epoch."""
    left = iter(values)
    return lambda A, T: next(left)


def mae(A, T):
    return abs(A - T).mean()
