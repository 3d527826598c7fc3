"""Saves and loads model files. The kind of an object is kept, and nothing that a file names is ever run."""

import importlib
import os
import reprlib
from typing import Any, NamedTuple

from chainrule.arrays import Array
from chainrule.errors import ChainruleError, ModelFileError, SettingError
from chainrule.files.container import SCHEMA, Container, read, to_bytes, write
from chainrule.registry import require

__all__ = ["CHECKPOINT", "MISFITS", "digest_of", "from_container", "load", "misfit", "save"]

CHECKPOINT = "checkpoint"  # the kind of the file of a training that is not over
MISFITS = (ChainruleError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
LONGEST_REASON = 400  # characters


class Kind(NamedTuple):
    """The module and name of a class that can be saved, and the module that encodes it if not the class itself."""

    module: str
    name: str
    codec: str = ""


# These modules are layered above this one, so they are imported by name. A file can only choose one of these kinds.
# The estimators come last, because importing them is slow.
KINDS = {
    "model": Kind("chainrule.model", "Model"),
    "network": Kind("chainrule.network", "Network", codec="chainrule.network_file"),
    "estimator": Kind("chainrule.estimators", "MLP", codec="chainrule.estimators.files"),
}


def save(obj: Any, path: str | os.PathLike[str], *, certificate: Any = None) -> None:
    """Write a Network, a Model or an estimator as one .safetensors file, completely or not at all.

    - obj: the object.
    - path: the file, which is replaced if it exists.
    - certificate: the `Certificate` of a gradient check of these weights, to store with them, or None.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cr.save(cr.Network([4, 3, 2]), f"{folder}/net.safetensors")
    ...     cr.load(f"{folder}/net.safetensors")
    Network(4 inputs → 3 sigmoid → 2 sigmoid (quadratic); 23 parameters, float32)

    Raises SettingError for any other object, for an object with a custom function, and for a certificate that is none
    or of other weights; OSError where the path cannot be written.
    """
    kind, document, tensors = stored_form(obj)
    whole = certificate is None or hasattr(certificate, "stored_beside")
    require(whole, "certificate", certificate, "a Certificate of check_gradient, or None")
    certified = {} if certificate is None else {"certificate": certificate.stored_beside(tensors)}
    write(path, {"schema": SCHEMA, "kind": kind, **document, **certified}, tensors)


def load(path: str | os.PathLike[str], verify: bool = True) -> Any:
    """Read a file that `save` wrote: the same kind of object, with the same bits.

    verify=False skips the digest at the end of the file, and so accepts a file that another tool has rewritten.

    >>> import tempfile
    >>> net = cr.Network([4, 3, 2], seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cr.save(net, f"{folder}/net.safetensors")
    ...     bool((cr.load(f"{folder}/net.safetensors").theta == net.theta).all())
    True

    Raises ModelFileError, in one line, for every file that is incomplete or damaged.
    """
    return from_container(read(path, verify), path)


def from_container(container: Container, path: str | os.PathLike[str]) -> Any:
    """The object in a file that was read; `path` is for messages. Raises ModelFileError as `load` does."""
    kind = container.document.get("kind")
    if kind == CHECKPOINT:
        raise ModelFileError(
            f"{os.fspath(path)!r}: it is the checkpoint of a training, not a model: resume it with `chainrule train`, "
            f"--checkpoint and --resume, or with cr.train and checkpoint=cr.Checkpoint(path, resume=True)"
        )
    if not isinstance(kind, str) or kind not in KINDS:
        raise ModelFileError(
            f"{os.fspath(path)!r}: it contains a {reprlib.repr(kind)}, but this version reads {', '.join(KINDS)}: "
            "install the newer chainrule that wrote it"
        )
    try:
        return _codec(kind).from_document(container.document, container.tensors)
    except MISFITS as error:
        raise misfit(path, error) from None


def misfit(path: str | os.PathLike[str], error: Exception) -> ModelFileError:
    """The error, in one line, for a file whose parts do not fit together, from the error that they led to."""
    reason = str(error) if isinstance(error, ChainruleError) else f"{type(error).__name__}: {error}"
    line = " ".join(reason.split())
    line = line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]} ..."
    return ModelFileError(f"{os.fspath(path)!r}: its parts do not fit together ({line})")


def stored_form(obj: Any) -> tuple[str, dict[str, Any], dict[str, Array]]:
    """The kind of an object, its document and its tensors, as a file contains them.

    Raises SettingError for an object whose kind is not in `KINDS`, or with a part that is not data.
    """
    kind = next((kind for kind in KINDS if isinstance(obj, _class(kind))), None)
    if kind is None:
        raise SettingError(
            f"a {type(obj).__name__} cannot be saved: give a Network, a Model, an MLPClassifier or an MLPRegressor"
        )
    return kind, *_codec(kind).document(obj)


def digest_of(obj: Any) -> str:
    """The SHA-256 at the end of the file that `save` writes for an object, in hexadecimal digits.

    Raises SettingError as `save` does.
    """
    kind, document, tensors = stored_form(obj)
    return to_bytes({"schema": SCHEMA, "kind": kind, **document}, tensors)[-32:].hex()


def _class(kind: str) -> Any:
    return getattr(importlib.import_module(KINDS[kind].module), KINDS[kind].name)


def _codec(kind: str) -> Any:
    """The class or module with `document(obj)` and `from_document(document, tensors)`."""
    return importlib.import_module(KINDS[kind].codec) if KINDS[kind].codec else _class(kind)
