"""The XLA engine: one compiled program for each run, by JAX, on a CPU, on GPUs, and on the devices of many processes.

This file imports no JAX: it says whether JAX is installed, and whether "auto" takes this engine. The rest does.

    `xla_engine` the engine: predictions, costs and gradients, and what starts a run
    `run`       a run: buffers of order and rates, rows on the device or streamed to it
    `program`   the program of a run: a loop over updates with a traced count, compiled once
    `shards`    a batch as S shards on D devices: the same bits for every D
    `mover`     moves W and b of each layer by a rule
    `rules`     the rules of optimizers, with their scalars computed before
    `dropout`   the words of dropout
    `placement` which shards are on which devices, and which of them are of this process
    `passes`    forward and backward passes over blocks of rows, outside of a run
    `structure` an architecture as a key of compiled programs, with the user's functions as JAX calls them
    `machine`   devices, precision, the flags of the compiler and its cache
"""

import functools
import importlib
import importlib.util
import os
import pkgutil
import re
import sys

from chainrule.activations import Custom as OwnActivation
from chainrule.architecture import Architecture
from chainrule.costs import Custom as OwnCost
from chainrule.engines.base import Engine, lacks_devices
from chainrule.errors import EngineError
from chainrule.jax_extra import why_no_jax
from chainrule.own_functions import JaxFunction
from chainrule.settings import TrainingSettings
from chainrule.text import shortened

__all__ = ["engine", "is_suited"]

NEED = "the xla engine needs"


@functools.cache
def engine() -> Engine:
    """The one engine. Raises EngineError where JAX is missing or too old, and where it does not start."""
    reason = why_no_jax(NEED)
    if reason:
        raise EngineError(reason)
    try:
        made: Engine = importlib.import_module("chainrule.engines.xla.xla_engine").XlaEngine()
    except ImportError as error:
        raise EngineError(
            f"{NEED} JAX, which cannot be imported ({shortened(str(error))}): install it again"
        ) from error
    importlib.import_module("chainrule.engines.xla.machine").require_devices()
    return made


def is_suited(architecture: Architecture, settings: TrainingSettings | None = None) -> bool:
    """Whether "auto" takes this engine: for a GPU, for functions written with JAX, for devices, shards and tf32.

    On a CPU the native core is faster. JAX is imported only where a plugin for GPUs is installed.
    """
    own = any(isinstance(getattr(entry, "function", None), JaxFunction) for entry in _own_entries(architecture))
    several = settings is not None and (lacks_devices(settings) is not None or settings.precision == "tf32")
    return own or several or has_gpu()


def _own_entries(architecture: Architecture) -> list[OwnActivation | OwnCost]:
    entries = [
        *architecture.hidden,
        *(part for block in architecture.blocks for part in (block.activation, block.cost)),
    ]
    return [entry for entry in entries if isinstance(entry, OwnActivation | OwnCost)]


@functools.cache
def has_gpu() -> bool:
    """Whether JAX is installed and has a GPU; where no plugin for GPUs is installed, JAX is not imported."""
    if not _gpu_plugins() or os.environ.get("JAX_PLATFORMS", "").lower() == "cpu" or why_no_jax(NEED):
        return False
    machine = importlib.import_module("chainrule.engines.xla.machine")
    return bool(machine.has_gpu())


def _gpu_plugins() -> list[str]:
    """The plugins of JAX for GPUs, by name. They are modules of one namespace."""
    if "jax_plugins" not in sys.modules and importlib.util.find_spec("jax_plugins") is None:
        return []
    plugins = importlib.import_module("jax_plugins")
    return [name for _, name, _ in pkgutil.iter_modules(plugins.__path__) if re.search("cuda|rocm", name)]
