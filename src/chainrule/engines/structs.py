"""What the core is given, as the structs of its C ABI: architectures, settings and examples."""

import ctypes
import functools
import math
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines import abi
from chainrule.examples import Compressed
from chainrule.registry import Entry
from chainrule.settings import TrainingSettings

__all__ = ["architecture", "examples", "inputs", "run_settings"]


def inputs(X: Any) -> abi.MatrixStruct:
    """The struct of an array or of `Compressed` rows, which the caller keeps alive."""
    return abi.sparse_matrix(*X) if isinstance(X, Compressed) else abi.matrix(X)


def examples(X: Array, T: Array, weight: Array | None) -> abi.ExamplesStruct:
    """The struct of the examples, which the caller keeps alive."""
    struct = abi.ExamplesStruct(X=inputs(X), T=abi.matrix(T))
    if weight is not None:
        struct.weight, struct.by_term = abi.matrix(weight), int(weight.ndim == 2)
    return struct


@functools.lru_cache(maxsize=64)
def architecture(a: Architecture, dtype: np.dtype[Any]) -> abi.ArchitectureStruct:
    """The struct of an architecture. It keeps alive the arrays that it points to."""
    masks = [None if mask is None else np.ascontiguousarray(mask, dtype=np.uint8) for mask in a.masks]
    blocks = [abi.BlockStruct(_entry(b.activation), _entry(b.cost), b.start, b.stop) for b in a.blocks]
    struct = abi.ArchitectureStruct(
        dtype=abi.KINDS[dtype.name],
        layers=len(a.sizes) - 1,
        sizes=(ctypes.c_int64 * len(a.sizes))(*a.sizes),
        hidden=(abi.EntryStruct * len(a.hidden))(*map(_entry, a.hidden)),
        masks=(abi.MaskStruct * len(masks))(*map(_mask, masks)),
        blocks=len(blocks),
        block=(abi.BlockStruct * len(blocks))(*blocks),
    )
    struct.masks_alive = masks
    return struct


def _mask(mask: Array | None) -> abi.MaskStruct:
    return abi.MaskStruct() if mask is None else abi.MaskStruct(mask.ctypes.data, mask.size)


def _entry(entry: Entry) -> abi.EntryStruct:
    return abi.EntryStruct(entry.name.encode(), next(iter(_parameters(entry)), 0.0))


def _parameters(entry: Entry) -> list[float]:
    """The parameters of an entry in the order of its fields; the learning rate comes last."""
    values = entry.document()
    rate = values.pop("learning_rate", None)
    return [float(v) for name, v in values.items() if name != "name"] + ([] if rate is None else [rate])


def run_settings(s: TrainingSettings, divisor: float, layers: int) -> abi.SettingsStruct:
    """The struct of the settings of a run for a network of so many layers; `divisor` is S."""
    hidden = layers - 2
    clip, dropout, rates = s.clip, s.dropouts(hidden), s.layer_rates(layers)
    return abi.SettingsStruct(
        rule=s.optimizer.name.encode(),
        parameter=(ctypes.c_double * 6)(*_parameters(s.optimizer)),
        batch=s.batch_size,
        divisor=divisor,
        alpha=s.alpha,
        l1=s.l1,
        dropout=(ctypes.c_double * hidden)(*dropout) if any(dropout) else None,
        clip_norm=math.inf if clip is None else clip.norm,
        clip_value=math.inf if clip is None else clip.value,
        clip_example=math.inf if clip is None else clip.example,
        seed=s.seed or 0,
        threads=s.threads or 0,
        rates=None if rates is None else (ctypes.c_double * len(rates))(*rates),
        precision=abi.PRECISIONS[s.precision],
    )
