"""What a ledger shows of itself: an equation of a weight, a bias or a neuron, a layer, all layers."""

import dataclasses
from html import escape
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.explanation import component
from chainrule.explanation.equation import Equation, Equations
from chainrule.explanation.matrix import matrix_form
from chainrule.explanation.notation import notation_of
from chainrule.explanation.quantities import Quantities
from chainrule.explanation.summary import layer_lines, layer_title, ledger_lines, summary_document
from chainrule.explanation.text import as_text
from chainrule.explanation.tree import Dots, Number, few
from chainrule.text import counted, printable, shortened

__all__ = ["Explained", "Layer"]


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """The quantities of one layer l >= 2, made by `Ledger.layer`; `print` shows a summary of them.

    - number: l.
    - W, b: weights (n_{l-1}, n_l) and biases (n_l,).
    - A_prev: A of the layer before, (m, n_{l-1}).
    - Z, A, delta: (m, n_l).
    - sigma_prime: sigma'(Z), (m, n_l), or None where the activation is not elementwise.
    - dW, db: the gradient, laid out like W and b.
    """

    number: int
    W: Array
    b: Array
    A_prev: Array
    Z: Array
    A: Array
    sigma_prime: Array | None
    delta: Array
    dW: Array
    db: Array
    _of: Quantities

    @property
    def jacobian(self) -> Array:
        """da_i/dz_j of each example, (m, n_l, n_l), also of an activation that is not elementwise."""
        sigma, k = self._of.architecture.activations[self.number - 2], self.number - 2
        rows = []
        for unit in np.eye(self.Z.shape[1], dtype=self.Z.dtype):
            rows.append(sigma.pullback(np.broadcast_to(unit, self.Z.shape), self.Z, self._of.sigma[k]))
        return np.stack(rows, axis=1)

    def equations(self, notation: str = "GD") -> Equations:
        """The equations of the layer as matrices, for a ledger of one example.

        notation: "GD" or "BP": whose letters and orientation.

        Raises SettingError for several examples, or another notation.
        """
        s = notation_of(notation)
        self._of.require_one("the matrix form")
        k = self.number - 2
        return Equations(layer_title(self._of, k), matrix_form(self._of, k, s))

    def document(self) -> dict[str, Any]:
        """The summary as plain data."""
        return summary_document(self._of, self.number - 2)

    def __str__(self) -> str:
        k = self.number - 2
        return "\n".join([layer_title(self._of, k), *(f"  {line}" for line in layer_lines(self._of, k))])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


class Explained(Quantities):
    """The methods of a ledger that name layers and neurons: both are counted from 1, examples from 0."""

    def layer(self, layer: int) -> Layer:
        """The quantities of layer l, from 2 to L. Raises SettingError for another number."""
        k = self.layer_index(layer)
        arrays = self.W[k], self.b[k], self.A[k], self.Z[k], self.A[k + 1], self.sigma_prime[k]
        return Layer(k + 2, *arrays, self.delta[k], self.dW[k], self.db[k], self)

    def neuron(self, layer: int, neuron: int, notation: str = "GD") -> Equations:
        """The equations of neuron j of layer l: its z and a, its error by BP1 or BP2, BP3, and BP4 of its weights.

        - layer: l, from 2.
        - neuron: j, from 1.
        - notation: "GD" or "BP": whose letters and orientation.

        Raises SettingError for numbers that there are not, and for a ledger of several examples.
        """
        s, k = notation_of(notation), self.layer_index(layer)
        j = self.neuron_index(k, neuron)
        self.require_one("a neuron")
        error = component.bp1(self, j, s) if k == len(self.Z) - 1 else component.bp2(self, k, j, s)
        parts = [component.forward(self, k, j, s), component.activation(self, k, j, s), error]
        parts.append(component.bp3(self, k, j, s))
        weights = few(self.architecture.sizes[k], Number)
        parts += [self._weight(k, int(i.value), j, notation) for i in weights if isinstance(i, Number)]
        left_out = self.architecture.sizes[k] - len(parts) + 4
        title = f"neuron {j + 1} of layer {k + 2}{self._output_name(k, j)}"
        more = f" ({counted(left_out, 'weight')} more)" if any(isinstance(each, Dots) for each in weights) else ""
        return Equations(title + more, parts)

    def weight(self, layer: int, i: int, j: int, notation: str = "GD") -> Equation:
        """BP4 for the weight from neuron i of layer l-1 to neuron j of layer l; the weighted mean of several examples.

        - layer: l, from 2.
        - i, j: neurons, from 1: i at the start, j at the end, in both notations.
        - notation: "GD", which writes w_ij, or "BP", which writes w_ji.

        Raises SettingError for numbers that there are not.
        """
        notation_of(notation)
        k = self.layer_index(layer)
        start = self.index_of(f"the neuron of layer {k + 1}", i, self.architecture.sizes[k])
        return self._weight(k, start, self.neuron_index(k, j), notation)

    def bias(self, layer: int, neuron: int, notation: str = "GD") -> Equation:
        """BP3 for the bias of neuron j of layer l; the weighted mean of several examples.

        - layer: l, from 2.
        - neuron: j, from 1.
        - notation: "GD" or "BP": whose letters.

        Raises SettingError for numbers that there are not.
        """
        s, k = notation_of(notation), self.layer_index(layer)
        return component.bp3(self, k, self.neuron_index(k, neuron), s)

    def document(self) -> dict[str, Any]:
        """The summary of every layer as plain data."""
        layers = [summary_document(self, k) for k in range(len(self.Z))]
        return {"examples": self.examples, "cost": np.asarray(self.cost, np.float64).tolist(), "layers": layers}

    def __str__(self) -> str:
        cost = as_text(Number(float(np.mean(self.cost, dtype=np.float64))))
        title = f"ledger of {counted(self.examples, 'example')}, {self.architecture.describe()}, mean C_x {cost}"
        return "\n".join([title, *(f"  {line}" for line in ledger_lines(self))])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _weight(self, k: int, i: int, j: int, notation: str) -> Equation:
        s = notation_of(notation)
        equation = component.bp4(self, k, i, j, s)
        if k or self.names is None or i >= len(self.names.inputs):
            return equation
        name, cells = self.names.inputs[i], self.names.cells
        cell = f"; the cell is {str(cells[i][0])!r}" if cells is not None and self.examples == 1 else ""
        note = f"{as_text(s.of('a', 1, i + 1))} is {name}{cell}"
        return dataclasses.replace(equation, note=shortened(printable("; ".join(filter(None, [note, equation.note])))))

    def _output_name(self, k: int, j: int) -> str:
        if k < len(self.Z) - 1 or self.names is None:
            return ""
        return f": {shortened(printable(self.names.outputs[j]))}"
