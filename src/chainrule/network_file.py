"""Converts a network to plain data and named tensors for a file, and back."""

from typing import Any

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.network import Network
from chainrule.parameters import cast, stored_theta

__all__ = ["document", "from_document"]


def document(net: Network) -> tuple[dict[str, Any], dict[str, Array]]:
    """The network as plain data and named tensors; the tensors of theta come first, in its order.

    >>> data, tensors = document(cr.Network([4, 3, 2]))
    >>> data["architecture"]["sizes"], list(tensors)
    ([4, 3, 2], ['layers.2.W', 'layers.2.b', 'layers.3.W', 'layers.3.b'])

    Raises ArchitectureError for weights that are not finite, because such a file could not be loaded.
    """
    cast(net.theta, net.dtype)
    tensors = {}
    for l, (W, b) in enumerate(zip(net.W, net.b, strict=True), start=2):
        tensors[f"layers.{l}.W"], tensors[f"layers.{l}.b"] = W, b
    masks = {f"layers.{l}.mask": m for l, m in enumerate(net.architecture.masks, start=2) if m is not None}
    return {"architecture": net.architecture.document()}, {**tensors, **masks}


def from_document(document: Any, tensors: Any) -> Network:
    """The network of a document and its tensors. Raises ArchitectureError where the parts do not fit together."""
    stored = document.get("architecture")
    L = len(stored["sizes"]) if isinstance(stored, dict) and isinstance(stored.get("sizes"), list) else 0
    masks = [tensors.get(f"layers.{l}.mask") for l in range(2, L + 1)]
    architecture = Architecture.from_document(stored, masks)
    return Network.from_parts(architecture, stored_theta(architecture, tensors))
