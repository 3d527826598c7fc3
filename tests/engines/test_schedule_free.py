"""Schedule-free AdamW in every engine: x, y and z of the paper as a plain loop, and which weights everyone sees."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available
from chainrule.examples import epoch_order

engines = pytest.mark.parametrize("engine", available())
RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 2))
RULE = cr.ScheduleFree(0.03, beta1=0.8, beta2=0.95, weight_decay=0.2, warmup=4)


def network(theta=None):
    net = cr.Network([4, 19, 2], "tanh", "identity", dtype="float64", seed=5)
    if theta is not None:
        net.theta[...] = theta
    return net


def by_hand(epochs, alpha):
    """x and the costs of the batches, at y: float64 NumPy, with z in place of its distance from x."""
    x = network().theta.copy()
    z, v, total, t, costs = x.copy(), np.zeros_like(x), 0.0, 0, []
    for epoch in range(epochs):
        order = epoch_order(0, epoch, np.arange(30))
        for rows in np.split(order, range(8, 30, 8)):
            t += 1
            y, rise = 0.2 * z + 0.8 * x, min(1, t / 4)
            at = network(y)
            costs.append(at.cost(X[rows], T[rows]))
            g = at.gradient(X[rows], T[rows], engine="reference")
            penalty = network(alpha / 30 * y)
            for b in penalty.b:
                b[...] = 0
            g = g + penalty.theta
            v = 0.95 * v + 0.05 * g**2
            z = z - 0.03 * rise * (g / (np.sqrt(v / (1 - 0.95**t)) + 1e-8) + 0.2 * y)
            total += rise**2
            x = x + rise**2 / total * (z - x)
    return x, np.array(costs)


@engines
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_training_is_that_of_the_paper(engine, alpha):
    net = network()
    training = cr.train(net, X, T, optimizer=RULE, batch_size=8, epochs=3, alpha=alpha, engine=engine)
    costs = [event.cost for event in training.each_update() if isinstance(event, cr.Updated)]
    x, expected = by_hand(3, alpha)
    np.testing.assert_allclose(net.theta, x, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(costs, expected, rtol=1e-9)


@engines
def test_validation_and_the_best_weights_are_those_of_the_mean(engine):
    net, seen = network(), []
    for event in cr.train(net, X, T, optimizer=RULE, batch_size=8, epochs=4, engine=engine, validation=(X[:9], T[:9])):
        if isinstance(event, cr.EpochEnd):
            seen.append((event.validation, net.cost(X[:9], T[:9], engine=engine), net.theta.copy()))
    assert all(validation == cost for validation, cost, _ in seen)
    best = min(seen, key=lambda each: each[0])
    assert net.theta.tobytes() == best[2].tobytes()
