"""`chainrule check`: certify the gradient of a model with rows of a table."""

from typing import Annotated

from cyclopts import Parameter

from chainrule.cli.answers import answering
from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output
from chainrule.cli.options import AsJson, RowsWithTargets, StoredModel, TrueTargets
from chainrule.cli.values import count, sizes
from chainrule.files import load, save

__all__ = ["check"]


def check(
    model: StoredModel,
    data: RowsWithTargets,
    /,
    *,
    target: TrueTargets = None,
    rows: Annotated[int, Parameter(help="How many rows are taken: the first ones that have targets.")] = 50,
    most: Annotated[int, Parameter(help="How many parameters are compared: a random choice if there are more.")] = 2000,
    layers: Annotated[
        tuple[int, ...] | None,
        Parameter(
            help="Layers to check, separated by commas; 2 is the first with weights. Default: all.",
            converter=sizes,
            negative="",
            show_default=False,
            n_tokens=1,
        ),
    ] = None,
    alpha: Annotated[
        float | None,
        Parameter(help="Factor of the penalty on squared weights. Default: the estimator's, else 0.", negative=""),
    ] = None,
    l1: Annotated[
        float | None,
        Parameter(help="Factor of the penalty on absolute weights. Default: the estimator's, else 0.", negative=""),
    ] = None,
    seed: Annotated[
        int | None, Parameter(help="Seed of the choice; 'none' draws one.", converter=count(none=None), negative="")
    ] = 0,
    engine: Annotated[str, Parameter(help="Engine to check; 'auto' takes the one that trains.")] = "auto",
    store: Annotated[
        bool, Parameter(help="Store the certificate in the model's file, where `inspect` shows it.", negative="")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Certify the gradient of a model: compare it with derivatives of the cost, parameter by parameter."""
    if store:
        check_output(model, data, option="the model")
    penalties = {name: value for name, value in (("alpha", alpha), ("l1", l1)) if value is not None}
    choice = {"layers": layers, "most": most, "seed": seed, "engine": engine, **penalties}
    certificate = answering(model).certificate(data, target, rows, choice)
    if store and certificate.ok:
        save(load(model), model, certificate=certificate)
    if as_json:
        write_json({"ok": certificate.ok, "summary": certificate.summary(), **certificate.document()})
    else:
        for line in str(certificate).splitlines():
            say(line)
        if store:
            say(f"stored in {model}" if certificate.ok else "not stored, because it is not certified")
    return 0 if certificate.ok else 1
