"""`chainrule doctor`: what is installed, what works, and the command that repairs what does not."""

import importlib.metadata
import os
import platform
import re
import sys
from typing import Any, NamedTuple

from chainrule._version import __version__
from chainrule.cli.options import AsJson
from chainrule.jax_extra import INSTALL

__all__ = ["doctor"]


_INSTALL = f"{sys.executable} -m pip install --force-reinstall chainrule"


class Check(NamedTuple):
    """The result of one check: `ok`, what was `found`, and the command (`cure`) that repairs it."""

    name: str
    ok: bool
    found: str
    cure: str = ""


def doctor(
    *,
    as_json: AsJson = False,
) -> int:
    """Check the installation: versions, engines, what is missing and the command that installs it.

    Exits with status 1 if anything that chainrule needs is missing or wrong.
    """
    checks = [_python(), *_dependencies()]
    if all(check.ok for check in checks):
        checks += [_numpy_library(), *_engines()]
    healthy = all(check.ok for check in checks)
    (_as_json if as_json else _as_text)(checks, healthy)
    return 0 if healthy else 1


def _python() -> Check:
    text = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Check("python", sys.version_info >= (3, 11), text, "install Python 3.11 or newer")


def _dependencies() -> list[Check]:
    """Every package that chainrule needs: its version, compared with the required one."""
    requirements = [line for line in importlib.metadata.requires("chainrule") or [] if "extra ==" not in line]
    return [_dependency(requirement) for requirement in requirements]


def _dependency(requirement: str) -> Check:
    name, least = re.match(r"([\w.-]+)(?:.*>=\s*([\w.]+))?", requirement).groups()  # type: ignore[union-attr]
    cure = f'{sys.executable} -m pip install "{name}>={least}"' if least else f"{sys.executable} -m pip install {name}"
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, False, "not installed", cure)
    enough = least is None or _numbers(version) >= _numbers(least)
    return Check(name, enough, version if enough else f"{version}, but {least} or newer is needed", cure)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def _numpy_library() -> Check:
    """The library that multiplies matrices for NumPy, and its number of threads."""
    import numpy as np

    blas: Any = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    threads = os.environ.get("OMP_NUM_THREADS") or os.environ.get("OPENBLAS_NUM_THREADS") or "as many as cores"
    return Check("matrix products", True, f"{blas.get('name')} {blas.get('version')}, threads: {threads}")


def _engines() -> list[Check]:
    """Every engine of the registry: why it is absent, or how exact its gradient is."""
    from chainrule.engines import ENGINES, why_absent

    reasons = {name: why_absent(name) for name in ENGINES}
    return [_absent(name, reason) if reason else _engine(name) for name, reason in reasons.items()]


def _absent(name: str, reason: str) -> Check:
    """An engine that is not installed. The check passes, because another engine computes."""
    extras = importlib.metadata.metadata("chainrule").get_all("Provides-Extra") or []
    cure = f'{sys.executable} -m pip install "chainrule[{name}]"' if name in extras else _INSTALL
    return Check(f"engine {name}", True, f"{reason.removesuffix(f' ({INSTALL})')}; to install it: {cure}")


def _hardware(name: str) -> str:
    """The instruction sets and the threads that an engine uses, if it has threads."""
    from chainrule.engines import ENGINES

    engine = ENGINES[name]()
    threads = getattr(engine, "threads", None)
    half = getattr(engine, "half", None)
    instructions = f"{engine.instructions} and {half}" if half else engine.instructions
    return f"instructions {instructions}, threads: {threads}; " if threads else ""


def _engine(name: str) -> Check:
    """An engine: its gradient, compared with the equations computed index by index, and certified in both types."""
    import numpy as np

    from chainrule import components
    from chainrule.network import Network

    net = Network([3, 4, 2], activation="identity", output="identity", dtype="float64", seed=1)
    x, y = [0.5, -1.0, 2.0], [1.0, 0.0]
    identity, one = (lambda z: z), (lambda z: 1.0)
    W, b = [w.tolist() for w in net.W], [v.tolist() for v in net.b]
    example = components.backpropagate(W, b, x, y, [identity] * 2, [one] * 2)
    parts = [np.ravel(part) for layer in zip(example.dC_dw, example.dC_db, strict=True) for part in layer]
    expected = np.concatenate(parts)
    worst = float(np.abs(net.gradient([x], [y], engine=name) - expected).max() / np.abs(expected).max())
    certificates = [_certificate(name, dtype) for dtype in ("float64", "float32")]
    same = f"within {worst:.0e} of that of" if worst else "that of"
    text = f"works: {_hardware(name)}its gradient is {same} the equations index by index"
    wrong = [certificate.summary() for certificate in certificates if not certificate.ok]
    text = "; ".join([text, *wrong] if wrong else [f"{text}, and certified in float64 and float32"])
    return Check(f"engine {name}", worst < 1e-12 and not wrong, text, _INSTALL)


def _certificate(name: str, dtype: str) -> Any:
    """The gradient certificate of an engine for a small network with masks, weights and two blocks of outputs."""
    import numpy as np

    from chainrule.network import Network

    output, cost = [("softmax", 3), ("sigmoid", 1)], ["cross_entropy", "binary_cross_entropy"]
    masks = [np.arange(18).reshape(3, 6) % 4 > 0, None, None]
    net = Network([3, 6, 5, 4], ["tanh", "relu"], output, cost, masks=masks, dtype=dtype, seed=1)
    X = np.sin(np.arange(60.0)).reshape(20, 3)
    T = np.column_stack([np.eye(3)[np.arange(20) % 3], np.arange(20) % 2])
    return net.check_gradient(X, T, 1.0 + np.arange(20) % 3, engine=name)


def _as_json(checks: list[Check], healthy: bool) -> None:
    from chainrule.cli.console import write_json

    write_json({"chainrule": __version__, "healthy": healthy, "checks": [check._asdict() for check in checks]})


def _as_text(checks: list[Check], healthy: bool) -> None:
    print(f"chainrule {__version__}")
    for check in checks:
        print(f"{'ok ' if check.ok else 'NO '} {check.name}: {check.found}")
        if not check.ok:
            print(f"    to repair it: {check.cure}")
    print(
        "everything that chainrule needs is installed"
        if healthy
        else "something is missing: see the lines that begin with NO"
    )
