"""Columns for libraries that do not read tables: dates as numbers, gaps and words as each of them needs."""

from typing import Any

import pandas as pd

from benchmarks.tables.sets import Split

__all__ = ["categories", "frames", "transformer", "without_gaps"]

DATE = r"\d{4}[-/]\d\d[-/]\d\d"


def frames(split: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The columns of both parts, without the target; a date becomes its day, and the parts of it that vary."""
    X, new = (part.drop(columns=split.target) for part in (split.train, split.test))
    for name in X.columns:
        if not pd.api.types.is_numeric_dtype(X[name]) and X[name].dropna().astype(str).str.match(DATE).all():
            made = [_date(part.pop(name), name) for part in (X, new)]
            vary = made[0].columns[made[0].nunique() > 1]
            X, new = (part.join(more[vary]) for part, more in zip((X, new), made, strict=True))
    flags = X.select_dtypes("bool").columns
    return X.astype(dict.fromkeys(flags, float)), new.astype(dict.fromkeys(flags, float))


def _date(column: pd.Series, name: str) -> pd.DataFrame:
    time = pd.to_datetime(column, format="mixed", utc=True)
    days = (time - pd.Timestamp("2000-01-01", tz="UTC")).dt.total_seconds() / 86_400
    parts = {
        part: getattr(time.dt, part).astype(float) for part in ("month", "day", "day_of_year", "day_of_week", "hour")
    }
    return pd.DataFrame({"days": days, **parts}).add_prefix(f"{name} ")


def transformer() -> Any:
    """Of frames to one matrix: numbers standardised, gaps filled in and flagged, words one input each."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", min_frequency=2, max_categories=100, sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (words, make_column_selector(dtype_exclude="number"))
    )


def categories(X: pd.DataFrame, new: pd.DataFrame) -> list[pd.DataFrame]:
    """Both with words as categories, those of X; a word that X does not have is missing."""
    X, new = X.copy(), new.copy()
    for name in X.select_dtypes(exclude="number").columns:
        known = X[name].dropna().astype(str).unique()
        for part in (X, new):
            words = part[name].astype(str)
            part[name] = pd.Categorical(words.where(words.isin(known)), categories=known)
    return [X, new]


def without_gaps(X: pd.DataFrame, new: pd.DataFrame) -> list[pd.DataFrame]:
    """Both with the median of X in place of missing numbers, and a word for missing words."""
    words = X.select_dtypes(exclude="number").columns
    filling = {name: "missing" if name in words else X[name].median() for name in X.columns}
    return [part.astype(dict.fromkeys(words, object)).fillna(filling) for part in (X, new)]
