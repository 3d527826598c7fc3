"""Makes and writes figures without pyplot: no global state and no window, whatever backend the caller uses."""

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
COLOURS = ("#1f6fb4", "#d9572b", "#2f8f5b", "#8a55b5", "#a8781f", "#56616b")  # distinct for every colour vision
ACCENT = "#d9572b"
_INK, _GRID = "#333b43", "#dfe3e7"

_DATES = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}  # the same figure gives the same bytes


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raise the error that `write_figure` would raise, before hours of work.

    >>> check_picture("curve.jpeg")
    Traceback (most recent call last):
    chainrule.errors.SettingError: 'curve.jpeg' is not a name for a plot: it must end in .png, .svg or .pdf
    """
    _suffix(path)
    _figure_class()
    check_target(path)


def write_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure completely or not at all, in the format of its suffix: .png, .svg or .pdf.

    Raises SettingError for another suffix, OSError where nothing can be written.
    """
    import matplotlib as mpl

    suffix = _suffix(path)
    with mpl.rc_context({"svg.hashsalt": "chainrule"}), atomic_write(path) as stream:
        figure.savefig(stream, format=suffix[1:], dpi=160, metadata=_DATES[suffix])


def new_figure(panels: Sequence[float], width: float = 7.0, height: float = 4.4) -> tuple[Any, list[Any]]:
    """A figure (in inches) and its axes side by side, with relative widths `panels`."""
    figure = _figure_class()(figsize=(width, height), layout="constrained", facecolor="white")
    grid = figure.add_gridspec(1, len(panels), width_ratios=panels)
    return figure, [axes_of(figure.add_subplot(grid[k])) for k in range(len(panels))]


def axes_of(axes: Any) -> Any:
    """The axes in our style: two light spines, a light grid behind the data."""
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
    """Make the y axis logarithmic where that helps; within a few decades its values are plain numbers."""
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
    """Whether all values are positive and span more than a factor of 20.

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
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise SettingError(f"{os.fspath(path)!r} is not a name for a plot: it must end in .png, .svg or .pdf")
    return suffix
