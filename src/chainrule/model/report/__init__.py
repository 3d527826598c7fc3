"""A report of a model: one HTML file with its data, training, scores, errors, columns and settings, and its card.

    subject         what it is about: a model, or an estimator
    rows            some rows of the table, with the answers; a large table is sampled
    study           the figures: scores beside other models, importance, dependence
    sections        `model_card`, `data`, `training`, `scores` with calibration, `errors`, `columns`
    page            the HTML around them, by `style`; `chainrule.plots.markup` escapes all that a table or a file says

The file runs no script and loads nothing. It depends on the model, the table and the versions alone: no time is in it.

Source: Mitchell et al., Model cards for model reporting, FAccT 2019.
"""

from __future__ import annotations

import os
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import Whole
from chainrule.files.atomic import atomic_write, check_target
from chainrule.model.report.columns import dependence_section, importance_section
from chainrule.model.report.data import data_section
from chainrule.model.report.errors import errors_section
from chainrule.model.report.known import known_facts
from chainrule.model.report.model_card import settings_section, target_in_words, use_section
from chainrule.model.report.page import figures, page
from chainrule.model.report.scores import calibration_section, headline, scores_section
from chainrule.model.report.study import OURS, Study, study_of
from chainrule.model.report.subject import Subject
from chainrule.model.report.training import training_section
from chainrule.plots.markup import Markup, joined, tag
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.tables.sources import as_source
from chainrule.text import counted, short

__all__ = ["OURS", "Study", "Subject", "report_page", "study_of", "write_report"]


def report_page(model: Subject, study: Study | None, title: str | None, notes: str) -> str:
    """The page.

    - model: what it is about.
    - study: the figures for a table, or None.
    - title: of the page; None names the targets.
    - notes: what the author says of the model, with empty lines between paragraphs.
    """
    names = [short(name) for name in model.targets.names]
    first = f"A model of {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    judged = None if study is None else study.judged
    sections = [use_section(model, notes, judged)]
    if study is not None:
        sections += [scores_section(model, study), calibration_section(model, study), errors_section(model, study)]
        sections += [importance_section(model, study), dependence_section(model, study)]
    sections += [data_section(model, judged), training_section(model), settings_section(model)]
    return page(title or first, _lead(model, study), sections, _end())


def write_report(
    model: Subject,
    path: str | os.PathLike[str],
    table: Any = None,
    *,
    train: Any = None,
    test_every: int | None = None,
    title: str | None = None,
    notes: str = "",
    seed: int | None = 0,
) -> None:
    """Write the report into a file, completely or not at all; for the arguments see `Model.report`.

    Raises DataError as `Model.evaluate` does, SettingError for choices that do not fit each other, OSError where the
    file cannot be written.
    """
    check_target(path)
    require(title is None or isinstance(title, str), "title", title, "a text, or None")
    require(isinstance(notes, str), "notes", notes, "a text")
    if table is None and (train is not None or test_every is not None):
        raise SettingError("train and test_every are about the rows that the model is judged by: give a table too")
    if train is not None and test_every is not None:
        raise SettingError("test_every says which rows of the table are for training: leave out train")
    every = None if test_every is None else Whole(2).clean("test_every", test_every)
    study = None if table is None else study_of(model, as_source(table), train, every, as_seed(seed))
    with atomic_write(path) as stream:
        stream.write(report_page(model, study, title, notes).encode())


def _lead(model: Subject, study: Study | None) -> Markup:
    """The model in a sentence or two, and its most important scores."""
    columns = counted(len(model.encoder.columns), "column")
    size = f"a network of {model.network.theta.size:,} weights"
    if len(model.targets.columns) == 1:
        target = model.targets.columns[0]
        what = joined("It predicts ", tag("strong", short(target.name)), f", {target_in_words(target)}, ")
    else:
        what = joined(f"It predicts {len(model.targets.columns)} targets ")
    lead = tag("p", what, f"from {columns}, by {size}.", class_="lead")
    return joined(lead, None if study is None else figures(_most_important(model, study)))


def _most_important(model: Subject, study: Study) -> list[tuple[str, str, str]]:
    """The scores at the top, and how many rows they are of."""
    rows = known_facts(model.summary).get("rows")
    trained = [] if rows is None else [("rows trained on", f"{rows:,}", "")]
    return [*headline(study), ("rows judged", f"{len(study.judged.X):,}", f"of {study.judged.taken.origin}"), *trained]


def _end() -> Markup:
    return tag("p", "Written by chainrule report. This page runs no script and loads nothing from elsewhere.")
