"""Figures made and written without pyplot: no global state, no window, whatever backend the caller uses."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.files.atomic import atomic_write, check_target

__all__ = [
    "ACCENT",
    "COLOURS",
    "SUFFIXES",
    "axes_of",
    "check_picture",
    "log_scale",
    "log_scale_helps",
    "new_figure",
    "write_figure",
]

SUFFIXES = (".png", ".svg", ".pdf")
COLOURS = ("#1f6fb4", "#d9572b", "#2f8f5b", "#8a55b5", "#a8781f", "#56616b")  # told apart with any colour vision
ACCENT = "#d9572b"
_INK, _GRID = "#333b43", "#dfe3e7"

_DATES = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}  # the same figure, the same bytes


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raise at once what `write_figure` would raise after hours of work.

    >>> check_picture("curve.jpeg")
    Traceback (most recent call last):
    chainrule.errors.SettingError: 'curve.jpeg' is no picture that can be written: its name must end in ...
    """
    _suffix(path)
    _figure_class()
    check_target(path)


def write_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure whole or not at all, in the format that its name ends in: .png, .svg or .pdf.

    Raises SettingError for another ending, OSError where nothing can be written.
    """
    import matplotlib as mpl

    suffix = _suffix(path)
    with mpl.rc_context({"svg.hashsalt": "chainrule"}), atomic_write(path) as stream:
        figure.savefig(stream, format=suffix[1:], dpi=160, metadata=_DATES[suffix])


def new_figure(panels: Sequence[float], width: float = 7.0, height: float = 4.4) -> tuple[Any, list[Any]]:
    """A figure (inches) and its axes side by side, as wide as `panels` says relative to each other."""
    figure = _figure_class()(figsize=(width, height), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(1, len(panels), width_ratios=panels)
    return figure, [axes_of(figure.add_subplot(grid[k])) for k in range(len(panels))]


def axes_of(axes: Any) -> Any:
    """The axes in our dress: two quiet spines, a light grid behind the data."""
    axes.set_axisbelow(True)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.tick_params(colors=_INK, labelsize=9, length=3)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color("#9aa3ab")
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(_INK)
    return axes


def log_scale(axes: Any, *series: Sequence[float]) -> None:
    """Make the y axis logarithmic where that helps; over a few decades its values are written out."""
    if not log_scale_helps(*series):
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    values = [value for part in series for value in part if abs(value) < float("inf")]
    axes.yaxis.set_minor_formatter(NullFormatter())
    if max(values) < 1e3 * min(values):
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))


def log_scale_helps(*series: Sequence[float]) -> bool:
    """Whether values that are all above 0 span more than a factor of 20.

    >>> log_scale_helps([1.0, 0.01]), log_scale_helps([1.0, 0.5]), log_scale_helps([1.0, -0.01])
    (True, False, False)
    """
    values = [value for part in series for value in part if abs(value) < float("inf")]
    return bool(values) and min(values) > 0 and max(values) > 20 * min(values)


def _figure_class() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SettingError("plots need matplotlib, which is not installed: pip install 'chainrule[plot]'") from None
    return Figure


def _suffix(path: str | os.PathLike[str]) -> str:
    found = Path(path).suffix.lower()
    if found not in SUFFIXES:
        name = os.fspath(path)
        raise SettingError(f"{name!r} is no picture that can be written: its name must end in .png, .svg or .pdf")
    return found
