"""The probe of a training: numbers of the layers, their errors and the data, on some of the training rows.

It runs before the first update and with the final weights, and changes nothing. `chainrule.training.diagnosis` judges
the numbers.
"""

from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import Ledger, sweep
from chainrule.equations import forward
from chainrule.example_gradients import noise_scale
from chainrule.examples import Examples
from chainrule.training.copies import copies_of_targets
from chainrule.training.diagnosis.thresholds import UNEVEN
from chainrule.training.probe_answers import mean_cost, mean_targets, rare_rows, share_missed
from chainrule.training.problem import Problem

__all__ = ["Probe", "most_rows", "probe_data", "probe_layers", "sample"]

ROWS = 256  # rows that the probe reads, at most: a layer of 100 neurons then stays in the processor's cache
BYTES = 2**24  # bytes of the widest layer, at most
PRODUCTS = 2**25  # products of a forward pass, at most
LEAST = 64  # rows that it reads even so
TARGETS = 2**20  # numbers of targets that it reads, at most
LINES = 64  # weights of each neuron that are compared first

Numbers = dict[str, list[float]]


class Probe:
    """The probe of one training, on the training rows `rows` (k,); no numbers where the setting `probe` is False."""

    def __init__(self, problem: Problem, search_leaks: bool = True) -> None:
        self._problem, self._search_leaks = problem, search_leaks
        self.rows = sample(problem.probed_rows, most_rows(problem.net.architecture, problem.examples.X.dtype))

    def start(self) -> Numbers:
        """The numbers before the first update, "start ...": those of the layers, the data and the settings."""
        s = self._problem.settings
        if not s.probe:
            return {}
        data = probe_data(self._problem.net.architecture, *self._read(), self._search_leaks)
        numbers = {**data, "rate": [float(s.optimizer.learning_rate)], **self._means()}
        numbers |= {"dropout": list(s.dropout)} if any(s.dropout) else {}
        numbers |= {} if s.optimizer.full_batch else {"batch": [float(s.batch_size)]}
        numbers |= self._devices()
        return {**self._layers("start", self._problem.net.theta), **_labelled("start", numbers)}

    def end(self, theta: Array) -> Numbers:
        """The numbers of the layers with theta, "end ..."."""
        if not self._problem.settings.probe:
            return {}
        return {**self._layers("end", theta), **_labelled("end", self._classes(theta))}

    def _devices(self) -> Numbers:
        """If several devices share an update: how many, the bytes that they exchange, updates, operations of each."""
        s, theta = self._problem.settings, self._problem.net.theta
        devices = max(s.devices or 1, 1 if s.hosts is None else s.hosts.hosts)
        if devices == 1:
            return {}
        operations = 6.0 * s.batch_size * theta.size
        return {"devices": [float(devices), float(theta.nbytes), float(self._problem.batches), operations]}

    def _layers(self, when: str, theta: Array) -> Numbers:
        numbers = probe_layers(self._problem.net.architecture, theta, *self._read())
        numbers["cost"][0] += self._problem.penalty(theta)
        return _labelled(when, numbers)

    def _means(self) -> Numbers:
        """What the mean of the targets costs on training and on validation rows, if there are any."""
        validation = self._problem.validation
        if validation is None:
            return {}
        rows, held = self._targets()[1:], self._targets(validation)[1:]
        means = mean_targets(*rows)
        with np.errstate(all="ignore"):
            return {"mean cost": [mean_cost(self._problem.net.architecture, means, *each) for each in (rows, held)]}

    def _targets(self, validation: Examples | None = None) -> tuple[Array, Array, Array | None]:
        """Rows of weight above 0, at most so many, with their targets (k, n_L) and weights; to train on if None."""
        architecture, examples = self._problem.net.architecture, validation or self._problem.examples
        rows = sample(
            self._problem.probed_rows if validation is None else validation.rows,
            max(LEAST, TARGETS // architecture.sizes[-1]),
        )
        weight = None if examples.weight is None else examples.weight[rows]
        return rows, architecture.one_hot(examples.T[rows], np.float64), weight

    def _classes(self, theta: Array) -> Numbers:
        """Four numbers for each output that names a class, where one class is most frequent by far: the first column,
        the share of this class, how many rows of other classes were read, and the share of them that is missed.
        """
        architecture, X = self._problem.net.architecture, self._problem.examples.X
        rows, T, weight = self._targets()
        numbers: list[float] = []
        for columns, share, places in rare_rows(architecture, T, weight):
            read = sample(places, len(self.rows))
            if share > UNEVEN and len(read):
                with np.errstate(all="ignore"):
                    inputs = np.ascontiguousarray(X[rows[read]], dtype=theta.dtype)
                    A = forward(inputs, architecture.layers(theta)).A[-1]
                missed = share_missed(T[read, columns], A[:, columns])
                numbers += [float(columns.start), share, float(len(read)), missed]
        return {"classes": numbers} if numbers else {}

    def _read(self) -> tuple[Array, Array]:
        """X and T of the rows."""
        X, T, *_ = self._problem.examples
        return X[self.rows], T[self.rows]


def _labelled(when: str, numbers: Numbers) -> Numbers:
    return {f"{when} {name}": values for name, values in numbers.items()}


def most_rows(architecture: Architecture, dtype: np.dtype[Any]) -> int:
    """The most rows that the probe reads, so that it stays cheap.

    >>> most_rows(cr.Architecture.of([3, 1]), np.dtype("float32"))
    256
    """
    fitting = BYTES // (max(architecture.sizes) * dtype.itemsize)
    return int(np.clip(min(fitting, PRODUCTS // architecture.parameter_count), LEAST, ROWS))


def sample(rows: Array, most: int) -> Array:
    """At most `most` of the rows (k,), evenly spread over them.

    >>> sample(np.arange(1000), 256)[:4]
    array([ 0,  3,  7, 11])
    """
    count = min(most, len(rows))
    return rows[np.arange(count) * len(rows) // count]


# -------------------------------------------------------------------------------------------------- the layers


def probe_layers(architecture: Architecture, theta: Array, X: Array, T: Array) -> Numbers:
    """The numbers of the layers, by name, on rows X (m, n_1) with T (m, n_L) or class numbers.

    - rows: m.
    - units: n_l of the hidden layers l = 2..L-1.
    - saturated: for each hidden layer with a bounded activation, the share of all a_ij where it is flat, else 0.
    - stuck: for each such layer, the share of neurons that are flat on one and the same side in every row, else 0.
    - dead: the same share for activations without bounds.
    - same: for each hidden layer, the share of neurons that have the weights and the bias of another.
    - delta: the root mean square of delta^l, l = 2..L.
    - spread: for each output, the standard deviation over the rows, divided by that of its target.
    - cost: the mean of C_x.
    - noise scale: tr(Sigma) / |G|² of the gradients of the rows (see `chainrule.example_gradients`).

    Flat is where |sigma'| is below 1% of its greatest value on -1..1.
    """
    with np.errstate(all="ignore"):
        ledger, hidden = sweep(architecture, theta, X, T), list(zip(*architecture.views(theta), strict=True))[:-1]
        return {
            **_hidden(ledger),
            "same": [_same(W, b) for W, b in hidden],
            "delta": [_rms(delta) for delta in ledger.delta],
            "spread": _spread(ledger.A[-1], ledger.T),
            "rows": [float(len(X))],
            "cost": [float(ledger.cost.mean(dtype=np.float64))],
            "noise scale": [noise_scale(ledger.norms, ledger.gradient)],
        }


def _hidden(ledger: Ledger) -> Numbers:
    """The numbers of the hidden layers."""
    shares: Numbers = {"saturated": [], "stuck": [], "dead": []}
    for k, activation in enumerate(ledger.architecture.hidden):
        flat, Z = ledger.flat(k), ledger.Z[k]
        one_side = (Z > 0).all(axis=0) | (Z <= 0).all(axis=0)
        fixed = float((flat.all(axis=0) & one_side).mean())
        bounded = np.isfinite(activation.range.low) and np.isfinite(activation.range.high)
        shares["saturated"].append(float(flat.mean()) if bounded else 0.0)
        shares["stuck"].append(fixed if bounded else 0.0)
        shares["dead"].append(0.0 if bounded else fixed)
    return {"units": [float(n) for n in ledger.architecture.sizes[1:-1]], **shares}


def _same(W: Array, b: Array) -> float:
    """The share of neurons with the same weights and bias as one before them; W (n_{l-1}, n_l), b (n_l,)."""
    if (np.diff(np.sort(W[0])) > 0).all():
        return 0.0  # each neuron has a first weight of its own
    few = sample(np.arange(len(W)), LINES)
    for rows in (few, np.arange(len(W))):
        copies = len(b) - len(np.unique(np.vstack([W[rows], b]), axis=1).T)
        if len(rows) == len(W) or not copies:
            break
    return copies / len(b)


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _spread(A: Array, T: Array) -> list[float]:
    """std A / std T of each output; NaN where the target is constant."""
    of_targets = T.std(axis=0, dtype=np.float64)
    return np.where(of_targets > 0, A.std(axis=0, dtype=np.float64) / of_targets, np.nan).tolist()


# -------------------------------------------------------------------------------------------------- the data


def probe_data(architecture: Architecture, X: Array, T: Array, leaks: bool = True) -> Numbers:
    """The numbers of the data, by name, on some rows X (m, n_1) with T (m, n_L) or class numbers.

    - inputs: the column (from 0) with the greatest root mean square, its value, and the median of those that vary.
    - targets: the same for the targets of identity outputs; empty if there are none.
    - leaks: the columns that are copies of a target (see `copies`): column, output and number of rows, three numbers
      each. Left out unless `leaks`: a table's columns are judged by `chainrule.model.leaks`.
    """
    X, T = X.astype(np.float64), architecture.one_hot(T, np.float64)
    free = [np.arange(b.start, b.stop) for b in architecture.blocks if b.activation.name == "identity"]
    with np.errstate(all="ignore"):
        numbers = {"inputs": _scale(X), "targets": _scale(T[:, np.concatenate(free)]) if free else []}
        if leaks:
            copies = copies_of_targets(X, T, [block.columns for block in architecture.blocks])
            numbers["leaks"] = [float(number) for column, output in copies for number in (column, output, len(X))]
    return numbers


def _scale(values: Array) -> list[float]:
    rms = np.sqrt(np.mean(np.square(values), axis=0))
    column = int(np.argmax(rms))
    varying = rms[np.ptp(values, axis=0) > 0]
    return [float(column), float(rms[column]), float(np.median(varying)) if len(varying) else 0.0]
