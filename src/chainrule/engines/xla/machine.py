"""What computes: devices, the precision of products, the flags of the compiler, and its cache on disk."""

import contextlib
import functools
import hashlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np

from chainrule.errors import EngineError
from chainrule.text import shortened, shown

__all__ = ["CACHE", "compiler_options", "computing", "describe", "has_gpu", "is_gpu", "require_devices", "use_cache"]

PRECISIONS = {None: "float32", "tf32": "TF32_TF32_F32", "bf16": "BF16_BF16_F32"}  # JAX's "bfloat16" is TF32 on a GPU
CACHE = "CHAINRULE_COMPILED"  # the variable that names another folder for compiled programs; empty for none
NOT_BITS = ("xla_force_host_platform_device_count", "xla_dump")  # flags that change no bit


def require_devices() -> None:
    """Raise EngineError, in one line, where JAX has no device, such as where it is to use a GPU that is not there."""
    try:
        jax.devices()
    except Exception as error:  # JAX raises many kinds
        text = next(iter(str(error).splitlines()), "")  # JAX has none for a platform without a plugin
        why = f" ({shortened(text, 100)})" if text else ""
        platforms = os.environ.get("JAX_PLATFORMS")
        cure = "see what `import jax; jax.devices()` says"
        if platforms:
            cure = f"JAX_PLATFORMS is {shown(platforms)}: set it to what this machine has, such as cpu"
        raise EngineError(f"JAX finds no device{why}: {cure}") from error


def has_gpu() -> bool:
    """Whether JAX has a GPU."""
    with contextlib.suppress(EngineError):
        require_devices()
        return is_gpu(jax.devices()[0])
    return False


def is_gpu(device: Any) -> bool:
    """Whether a device is a GPU."""
    return device.platform in ("gpu", "cuda", "rocm")


@contextlib.contextmanager
def computing(precision: str | None = None) -> Iterator[None]:
    """JAX with 64 bits, and products in this precision; outside of the block only the cache is set.

    Raises EngineError, in one line, where XLA fails, such as for too little memory. On several hosts the error stays as
    it is: `hosts.Link` says whether another host has ended.
    """
    use_cache()
    try:
        with jax.enable_x64(True), jax.default_matmul_precision(PRECISIONS[precision]):
            yield
    except jax.errors.JaxRuntimeError as error:
        if jax.process_count() > 1:
            raise
        first = next(iter(str(error).splitlines()), "it gave no reason")
        raise EngineError(f"XLA failed: {shown(first)[1:-1]}") from error


def compiler_options(device: Any) -> tuple[tuple[str, Any], ...]:
    """The options under which a program is compiled: on a GPU, operations that give the same bits in every run."""
    return (("xla_gpu_deterministic_ops", True),) if is_gpu(device) else ()


@functools.cache
def use_cache() -> None:
    """Keep compiled programs in the user's cache, if it can be written, unless the user has set JAX's own cache.

    Each kind of processor has a folder of its own, because a home may be shared by machines.
    """
    folder = os.environ.get(CACHE, str(_cache_home() / "chainrule" / "xla" / _processor()))
    if folder and jax.config.jax_compilation_cache_dir is None and _can_be_written(folder):
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def _can_be_written(folder: str) -> bool:
    """Whether there is such a folder, made if it was not there, in which files can be written."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def _processor() -> str:
    """The machine and its vector instructions, as a short name."""
    words = [platform.machine(), *np.show_config(mode="dicts")["SIMD Extensions"]["found"]]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]


def _cache_home() -> Path:
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@functools.cache
def describe() -> str:
    """jaxlib's version, the kind of device, and the flags of the compiler: what bits may depend on.

    On a CPU also the number of threads, because wide layers are summed by them.
    """
    device = jax.devices()[0]
    flags = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if not any(name in flag for name in NOT_BITS)]
    threads = [] if is_gpu(device) else [platform.machine(), f"{_threads()} threads"]
    kind = "deterministic" if is_gpu(device) else ""
    return " ".join(filter(None, ["jaxlib", jaxlib.__version__, device.device_kind, kind, *threads, *flags]))


def _threads() -> int:
    """The number of threads of XLA on a CPU: NPROC where it is set, else the processors of this process."""
    given = os.environ.get("NPROC", "")
    return (
        int(given)
        if given.isdigit()
        else len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0))
    )
