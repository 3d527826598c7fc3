"""Fully connected neural networks trained by backpropagation and gradient descent.

>>> net = cr.Network([2, 8, 1], activation="tanh", cost="binary_cross_entropy", seed=1)
>>> X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
>>> history = cr.fit(net, X, T, optimizer=cr.Adam(0.05), batch_size=4, epochs=200)
>>> net.predict(X).round().ravel()
array([0., 1., 1., 0.], dtype=float32)
"""

from importlib import import_module


def _homes() -> dict[str, str]:
    """The public names and their modules, from the lines `from chainrule.module import name as name` of the stub."""
    with open(f"{__file__}i", encoding="utf-8") as stub:  # noqa: PTH123 (importing pathlib is slower than all of this)
        words = [line.split() for line in stub if line.startswith("from ")]
    return {name: module for _, module, _, name, *_ in words}


_HOMES = _homes()
__all__ = [*sorted(_HOMES)]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    """A public name, imported at its first use, so that the command line starts quickly."""
    if name not in _HOMES:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return list(__all__)
