"""What a gradient certificate says, as records, as a table for people, and as plain data for a file."""

import dataclasses
import hashlib
import html
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.arrays import Array
from chainrule.errors import ModelFileError, SettingError, TrainingError
from chainrule.files.container import Container, read
from chainrule.text import counted, printable, shortened

__all__ = ["BLIND", "Certificate", "Check", "Place", "digest_of"]

BLIND = 0.1  # above a tenth of the largest derivative, a bound could not tell a wrong gradient from a right one
KEY = "certificate"  # of a file's document
_HEADS = ("", "checked", "worst error", "allowed", "where", "")


@dataclasses.dataclass(frozen=True)
class Place:
    """A parameter: the weight from neuron i of layer l-1 to neuron j of layer l, or the bias of neuron j.

    All are counted from 1; i is 0 for a bias, and -1 for the function of neuron j, which has no parameter.
    """

    layer: int
    i: int
    j: int

    def __str__(self) -> str:
        name = f"neuron {self.j}" if self.i < 0 else f"w[{self.i}, {self.j}]" if self.i else f"b[{self.j}]"
        return f"{name} of layer {self.layer}"


@dataclasses.dataclass(frozen=True)
class Check:
    """One comparison of a gradient with derivatives: of the parameters of a layer, or of one function alone.

    - subject: what was checked, such as "layer 2" or "softmax in layer 3".
    - checked, of: how many parameters were compared, without those where too much is allowed, and how many there are.
    - largest: the largest |dC/dw| among them, by the derivatives.
    - error: the worst error as a share of `largest` (as it is where `largest` is 0).
    - allowed: what rounding and the method can be wrong by at that place, as the same share.
    - where: the place of the worst error, seen against what is allowed there.
    - source: the gradient with the worst error, "gradient" or "update" (one update of a training).
    """

    subject: str
    layer: int
    checked: int
    of: int
    largest: float
    error: float
    allowed: float
    where: Place
    source: str = "gradient"

    @property
    def ok(self) -> bool:
        """Whether the error is allowed, and what is allowed is small enough to tell a wrong gradient."""
        return self.exact or (self.error <= self.allowed <= BLIND)

    @property
    def exact(self) -> bool:
        """Whether gradient and derivatives are 0 both, exactly: nothing was there to be wrong."""
        return self.error == 0 == self.largest

    @property
    def blind(self) -> bool:
        """Whether the error is allowed, but so much is that a wrong gradient would pass too."""
        return not self.ok and self.error <= self.allowed

    @property
    def verdict(self) -> str:
        """One word or two: "ok", "WRONG", or "cannot tell"."""
        return "ok" if self.ok else "cannot tell" if self.blind else "WRONG"

    @property
    def ratio(self) -> float:
        """The error divided by what is allowed; infinite where it is not a number."""
        if self.exact or self.error == 0:
            return 0.0
        return self.error / self.allowed if self.allowed > 0 and math.isfinite(self.error) else math.inf


@dataclasses.dataclass(frozen=True)
class Certificate:
    """The result of a gradient check: the engine's gradient against derivatives of the cost, layer by layer.

    `Network.check_gradient` makes it. It prints as a table, in notebooks as HTML.

    - layers: a `Check` for each layer.
    - functions: a `Check` for each activation and cost in use, alone.
    - method: how the derivatives were computed: "complex step", "central differences", or these "in float32".
    - because: the function that does not carry complex numbers; "" with a complex step.
    - engine: the name of the engine.
    - dtype: the type of the network.
    - rows: the number of examples that were compared.
    - left_out: the number of those that were not: a slope jumps there (relu at 0), and rounding decides the side.
    - seed: the seed of the choice of parameters.
    - theta: the SHA-256 of the weights that were checked.
    - alpha, l1: the factors of the penalties whose gradient was checked too.

    >>> net = cr.Network([2, 3, 1], dtype="float64", seed=0)
    >>> certificate = net.check_gradient([[0.0, 1.0], [1.0, 0.5]], [[1], [0]])
    >>> certificate.ok, certificate.method, [check.checked for check in certificate.layers]
    (True, 'complex step', [9, 4])
    """

    layers: tuple[Check, ...]
    functions: tuple[Check, ...]
    method: str
    because: str
    engine: str
    dtype: str
    rows: int
    left_out: int
    seed: int
    theta: str
    alpha: float = 0.0
    l1: float = 0.0

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks of layers and functions."""
        return (*self.layers, *self.functions)

    @property
    def ok(self) -> bool:
        """Whether every layer is, and no function is wrong; one of which nothing can be told counts by its layer."""
        return all(check.ok for check in self._counted)

    @property
    def worst(self) -> Check:
        """The check that is farthest from being allowed, or nearest to its bound."""
        return max(self._counted, key=lambda check: (not check.ok, not check.blind, check.ratio))

    @property
    def _counted(self) -> list[Check]:
        return [*self.layers, *(check for check in self.functions if not check.blind)]

    def require(self) -> "Certificate":
        """The certificate itself, if it is ok.

        Raises TrainingError in one line where it is not.
        """
        if self.ok:
            return self
        raise TrainingError(self.summary())

    def summary(self) -> str:
        """The verdict in one line."""
        of = f"the gradient of engine {self.engine} in {self.dtype}"
        worst = self.worst
        if worst.ok:
            largest = max(check.allowed for check in self._counted)
            return f"{of} is certified: a fault of {largest:.0e} of a layer's largest derivative would have shown"
        if worst.blind:
            return (
                f"{of} cannot be certified in {worst.subject}: rounding alone can be {worst.allowed:.1g} of the "
                "largest derivative: give rows that the network fits less well, or a network in float64"
            )
        it = "one update of training" if worst.source == "update" else "it"
        return (
            f"{of} is wrong in {worst.subject}: {it} is off by {worst.error:.1g} of the largest derivative at "
            f"{worst.where}, where {worst.allowed:.1g} is allowed: do not train with it"
        )

    def __str__(self) -> str:
        rows = [_HEADS, *map(_cells, self.checks)]
        widths = [max(len(row[k]) for row in rows) for k in range(len(_HEADS))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([shortened(self.summary()), *lines, self._how()])

    def _how(self) -> str:
        why = f", because {printable(self.because)} does not carry complex numbers" if self.because else ""
        more = f" ({self.left_out:,} more at the jump of a slope)" if self.left_out else ""
        penalties = "".join(f", {name} {value:g}" for name, value in (("alpha", self.alpha), ("l1", self.l1)) if value)
        by = f"derivatives by {self.method}{why}"
        return f"{counted(self.rows, 'row')}{more}{penalties}, {by}, seed {self.seed}"

    def _repr_html_(self) -> str:
        """The table, for notebooks."""
        head, *body = (
            "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
            for tag, row in (("th", _HEADS), *(("td", _cells(check)) for check in self.checks))
        )
        table = f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in body)}</table>"
        return f"<p>{html.escape(self.summary())}</p>{table}<p>{html.escape(self._how())}</p>"

    # ------------------------------------------------------------------------------------------- files

    def document(self) -> dict[str, Any]:
        """The certificate as plain data; what is not finite is a word."""
        parts = dataclasses.asdict(self)
        return {name: list(map(_plain, value)) if isinstance(value, tuple) else value for name, value in parts.items()}

    @classmethod
    def from_document(cls, document: Any) -> "Certificate":
        """The certificate of such data. Raises ModelFileError for other data."""
        try:
            parts = {**document}
            for name in ("layers", "functions"):
                parts[name] = tuple(map(_check, parts[name]))
            certificate = cls(**parts)
            _typed(certificate)
        except (TypeError, ValueError, KeyError, AttributeError):
            raise ModelFileError(
                "its certificate is not one that this version reads: check the gradient anew"
            ) from None
        return certificate

    @classmethod
    def load(cls, path: str | os.PathLike[str], verify: bool = True) -> "Certificate | None":
        """The certificate in a model file that `cr.save` wrote with one; None in a file without.

        - path: the file.
        - verify: whether the digest of the file is checked, as in `cr.load`.

        >>> import tempfile
        >>> net = cr.Network([2, 1], seed=0, dtype="float64")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cr.save(net, f"{folder}/n.safetensors", certificate=net.check_gradient([[1, 2]], [[1]]))
        ...     cr.Certificate.load(f"{folder}/n.safetensors").ok
        True

        Raises ModelFileError for a file that cannot be read, and for a certificate of other weights than the file's.
        """
        return cls.stored_in(read(path, verify), path)

    @classmethod
    def stored_in(cls, container: Container, path: str | os.PathLike[str]) -> "Certificate | None":
        """The certificate in a file that was read; `path` is for messages. Raises ModelFileError as `load` does."""
        stored = container.document.get(KEY)
        if stored is None:
            return None
        try:
            certificate = cls.from_document(stored)
        except ModelFileError as error:
            raise ModelFileError(f"{os.fspath(path)!r}: {error}") from None
        if certificate.theta != digest_of(container.tensors):
            raise ModelFileError(f"{os.fspath(path)!r}: its certificate is of other weights: check the gradient anew")
        return certificate

    def stored_beside(self, tensors: Mapping[str, Array]) -> dict[str, Any]:
        """What a file with these tensors stores. Raises SettingError where they are other weights."""
        if self.theta != digest_of(tensors):
            raise SettingError("the certificate is of other weights than these: check the gradient after training")
        return self.document()


def digest_of(tensors: Mapping[str, Array]) -> str:
    """The SHA-256 of the weights and biases among the tensors of a file, in the order of theta."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        if name.startswith("layers.") and name.endswith((".W", ".b")):
            digest.update(tensor.astype(tensor.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _cells(check: Check) -> Sequence[str]:
    where = "" if check.exact else str(check.where) + (" (an update)" if check.source == "update" else "")
    return (
        printable(check.subject),
        f"{check.checked:,} of {check.of:,}",
        "0" if check.error == 0 else f"{check.error:.1e}",
        f"{check.allowed:.1e}",
        where,
        check.verdict,
    )


def _plain(check: Mapping[str, Any]) -> dict[str, Any]:
    """A check as data for JSON, which lacks infinity and NaN."""
    return {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in check.items()}


def _check(document: Mapping[str, Any]) -> Check:
    numbers = {name: float(document[name]) for name in ("largest", "error", "allowed")}
    return Check(**{**document, **numbers, "where": Place(**document["where"])})


def _typed(certificate: Certificate) -> None:
    """Raise TypeError for a field of another type than its own."""
    records: list[Any] = [certificate, *certificate.checks, *(check.where for check in certificate.checks)]
    kinds = {"str": str, "int": int, "float": float}
    for record in records:
        for field in dataclasses.fields(record):
            kind = kinds.get(getattr(field.type, "__name__", ""), object)
            value = getattr(record, field.name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise TypeError(field.name)
