"""`chainrule backprop`: show the numbers of backpropagation for a row of a table, put into the equations."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from chainrule.backprop import Ledger
from chainrule.cli.answers import answering
from chainrule.cli.console import say, write_json
from chainrule.cli.options import AsJson, RowsWithTargets, StoredModel, TrueTargets
from chainrule.errors import SettingError
from chainrule.explanation import Equations

__all__ = ["backprop"]

SMALL = 6  # neurons of layers whose matrices are printed as text


def backprop(
    model: StoredModel,
    data: RowsWithTargets,
    /,
    *,
    row: Annotated[int | None, Parameter(help="The row, from 1. Default: all rows.", negative="")] = None,
    layer: Annotated[
        int | None, Parameter(help="The layer, from 2; 1 is the input. Default: all layers.", negative="")
    ] = None,
    neuron: Annotated[
        int | None, Parameter(help="The neuron of the layer, from 1: its equations one by one.", negative="")
    ] = None,
    target: TrueTargets = None,
    notation: Annotated[
        str, Parameter(help="GD or BP: the document whose letters and orientation are used.", negative="")
    ] = "GD",
    latex: Annotated[bool, Parameter(help="Write LaTeX.", negative="", show_default=False)] = False,
    html: Annotated[
        bool, Parameter(help="Write a web page with MathML, without scripts.", negative="", show_default=False)
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Show the numbers of backpropagation for a row of a table, put into the equations."""
    if latex + html + as_json > 1:
        raise SettingError("--latex, --html and --json each choose how to write: give one of them")
    if neuron is not None and layer is None:
        raise SettingError("--neuron needs --layer: a neuron is counted in its layer")
    ledger = answering(model).ledger(data, row, target)
    if (neuron is not None or latex or html) and ledger.examples != 1:
        raise SettingError(f"equations have the numbers of one row, but {ledger.examples:,} came: add --row N")
    if latex or html:
        parts = _equations(ledger, layer, neuron, notation)
        _say_lines("\n\n".join(part.latex() for part in parts) if latex else _page(parts))
    elif as_json:
        write_json(_document(ledger, layer, neuron, notation))
    else:
        _show(ledger, layer, neuron, notation)
    return 0


def _equations(ledger: Ledger, layer: int | None, neuron: int | None, notation: str) -> list[Equations]:
    """The equations of a neuron, or the matrix form of one layer or of all."""
    if layer is not None and neuron is not None:
        return [ledger.neuron(layer, neuron, notation)]
    layers = range(2, len(ledger.architecture.sizes) + 1) if layer is None else [layer]
    return [ledger.layer(number).equations(notation) for number in layers]


def _page(parts: Sequence[Equations]) -> str:
    """A page that a browser shows as it is."""
    head = '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Backpropagation</title></head>'
    return "\n".join([head, "<body>", *(part._repr_html_() for part in parts), "</body></html>"])


def _document(ledger: Ledger, layer: int | None, neuron: int | None, notation: str) -> dict[str, object]:
    if layer is not None and neuron is not None:
        return ledger.neuron(layer, neuron, notation).document()
    return ledger.document() if layer is None else ledger.layer(layer).document()


def _show(ledger: Ledger, layer: int | None, neuron: int | None, notation: str) -> None:
    if layer is None:
        _say_lines(str(ledger))
        return
    if neuron is not None:
        _say_lines(str(ledger.neuron(layer, neuron, notation)))
        return
    shown = ledger.layer(layer)
    _say_lines(str(shown))
    if ledger.examples == 1 and max(shown.W.shape) <= SMALL:
        for equation in shown.equations(notation):
            say(f"  {equation}")


def _say_lines(text: str) -> None:
    for line in text.split("\n"):
        say(line)
