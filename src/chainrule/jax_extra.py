"""Whether JAX is installed, and new enough for what is called of it; nothing of JAX is imported to know."""

import importlib.metadata
import importlib.util
import re

__all__ = ["why_no_jax"]

LEAST = (0, 8)  # the version of JAX that has what is called
INSTALL = 'python -m pip install "chainrule[xla]"'


def why_no_jax(need: str) -> str | None:
    """Why JAX cannot be used, with the line that installs it; None where it can. `need` begins it: "hosts need"."""
    if importlib.util.find_spec("jax") is None or importlib.util.find_spec("jaxlib") is None:
        return f"{need} JAX, which is not installed ({INSTALL})"
    version = importlib.metadata.version("jax")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < LEAST:
        return f"{need} JAX {'.'.join(map(str, LEAST))} or newer, but {version} is installed ({INSTALL})"
    return None
