"""The threshold of a target of two classes: the least probability of a class at which it is the answer.

    0.3                 the second class is the answer from probability 0.3 on
    f1                  the greatest F1 of the second class, out of fold
    balanced_accuracy   the greatest mean of the two recalls
    precision=0.9       the greatest recall with a precision of at least 0.9
    recall=0.9          the greatest precision with a recall of at least 0.9
    rate=0.05           the second class is the answer for at most this share of the rows, as many as that allows
    cost=5:1            the lowest cost, where a row of the class that is missed costs 5, a false alarm 1
    CLASS=...           the same for the class of this name

Only answers out of fold choose it: on rows that were trained on, probabilities are too sure.

Sources: Elkan, The foundations of cost-sensitive learning, IJCAI 2001; Lipton, Elkan & Naryanaswamy, Optimal
thresholding of classifiers to maximize F1 measure, ECML 2014.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.registry import is_number
from chainrule.tables.names import listed
from chainrule.tables.targets import Classes, Targets
from chainrule.text import shown

__all__ = ["RULES", "Choice", "Rule", "choose", "code_of", "decided", "two_classes"]

RULES = "a probability above 0, f1, balanced_accuracy, precision=0.9, recall=0.9, rate=0.05, cost=5:1, or CLASS=any"

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RULE = re.compile(
    rf"(?P<name>f1|balanced_accuracy)|(?P<of>precision|recall|rate)=(?P<least>{_NUMBER})"
    rf"|cost=(?P<missed>{_NUMBER}):(?P<alarm>{_NUMBER})|(?P<number>{_NUMBER})"
)


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a threshold is chosen.

    - name: `number`, or the name of a rule.
    - numbers: those of the rule.
    - word: the class that it is for; None for the second.
    """

    name: str
    numbers: tuple[float, ...] = ()
    word: str | None = None

    @classmethod
    def of(cls, text: Any) -> "Rule":
        """A rule as it is written, or a number.

        >>> Rule.of("cost=5:1"), Rule.of("yes=f1")
        (Rule(name='cost', numbers=(5.0, 1.0), word=None), Rule(name='f1', numbers=(), word='yes'))

        Raises SettingError for anything else.
        """
        text = repr(float(text)) if is_number(text) else text
        if isinstance(text, str):
            cuts = [None, *(match.start() for match in re.finditer("=", text))]
            for cut in cuts:  # a class may have the name of a rule: what is a rule as a whole is one
                match = _RULE.fullmatch(text if cut is None else text[cut + 1 :])
                if match and cut != 0 and _in_bounds(rule := _rule(match)):
                    return dataclasses.replace(rule, word=None if cut is None else text[:cut])
        raise SettingError(f"threshold is {shown(text)}, but must be {RULES}")


@dataclasses.dataclass(frozen=True)
class Choice:
    """A threshold that a rule has chosen.

    - least: the threshold, a number of float32 above 0.
    - precision, recall, rate: those of the class, at this threshold, out of fold; NaN where undefined.
    - reached: whether the rule could be kept.
    """

    least: float
    precision: float
    recall: float
    rate: float
    reached: bool = True


def not_one_pair(pairs: Sequence[str], names: Sequence[str]) -> str:
    """What is wrong with a threshold where the targets with these names are not one of two classes but these."""
    none = f"{listed(names)} is not one" if len(names) == 1 else f"none of {listed(names)} is one"
    here = f"here are {len(pairs)}, {listed(pairs)}" if pairs else none
    return f"threshold is for one target with two classes, but {here}: leave it out"


def two_classes(targets: Targets) -> Classes:
    """The only target of two classes. Raises SettingError where there is none, or not one alone."""
    pairs = [
        column
        for column in targets.columns
        if isinstance(column, Classes) and column.kind == "classes" and column.width == 2
    ]
    if len(pairs) != 1:
        raise SettingError(not_one_pair([column.name for column in pairs], targets.names))
    return pairs[0]


def code_of(column: Classes, rule: Rule) -> int:
    """The number of the class that a rule is for. Raises SettingError for one that the target does not have."""
    if rule.word not in (None, *column.texts):
        raise SettingError(f"threshold is for class {shown(rule.word)}, but the classes are {listed(column.texts)}")
    return 1 if rule.word is None else column.texts.index(rule.word)


def decided(targets: Targets, name: str, code: int, least: float) -> Targets:
    """The targets, of which one answers by a threshold for its class of this number."""
    columns = [
        dataclasses.replace(c, threshold=least, of_first=code == 0) if c.name == name and isinstance(c, Classes) else c
        for c in targets.columns
    ]
    return Targets(tuple(columns))


def choose(rule: Rule, p: Array, yes: Array, weight: Array | None = None) -> Choice:
    """The threshold that a rule chooses for probabilities p (n,) of a class, `yes` (n,) where it is the true one.

    Of equally good ones that which is nearest to 1/2.

    >>> p, yes = np.array([0.125, 0.25, 0.5, 0.75]), np.array([False, True, False, True])
    >>> choose(Rule.of("recall=1"), p, yes)
    Choice(least=0.1875, precision=0.6666666666666666, recall=1.0, rate=0.75, reached=True)
    """
    weight = np.ones(len(p)) if weight is None else weight
    if rule.name == "number":
        return _choice(_float32(rule.numbers[0]), p, yes, weight)
    cuts, hits, said = _cuts(p, yes, weight)
    scores, allowed = _scores(rule, hits, said, float(weight[yes].sum()), float(weight.sum()))
    reached = bool(allowed.any())
    if not reached:
        precision = np.divide(hits, said, out=np.zeros(len(cuts)), where=said > 0)
        scores, allowed = precision, np.ones(len(cuts), np.bool_)
    best = np.flatnonzero(allowed & (scores >= scores[allowed].max() - 1e-12))
    least = float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])
    return _choice(least, p, yes, weight, reached)


def _choice(least: float, p: Array, yes: Array, weight: Array, reached: bool = True) -> Choice:
    """What a threshold means for some rows."""
    over = p.astype(np.float32) >= np.float32(least)
    hits, said, total, rows = (float(weight[part].sum()) for part in (over & yes, over, yes, slice(None)))
    return Choice(least, hits / said if said else math.nan, hits / total if total else math.nan, said / rows, reached)


def _cuts(p: Array, yes: Array, weight: Array) -> tuple[Array, Array, Array]:
    """Thresholds, falling; the weight of the hits at each, and of the rows that get the class."""
    order = np.argsort(-p, kind="stable")
    p, yes, weight = p[order].astype(np.float32), yes[order], weight[order]
    last = np.append(p[1:] < p[:-1], True)  # of equal probabilities
    hits, said = np.cumsum(weight * yes)[last], np.cumsum(weight)[last]
    values = p[last]
    below = np.append(values[1:], np.float32(0))
    middle = ((values.astype(np.float64) + below) / 2).astype(np.float32)
    cuts = np.maximum(np.where(middle > below, middle, values), np.finfo(np.float32).tiny)
    none = np.float32((float(values[0]) + 1) / 2)
    if none > values[0]:
        cuts, hits, said = np.append(none, cuts), np.append(0.0, hits), np.append(0.0, said)
    return cuts, hits, said


def _scores(rule: Rule, hits: Array, said: Array, total: float, rows: float) -> tuple[Array, Array]:
    """How good each threshold is by a rule, and which ones it allows."""
    every, (a, *more) = np.ones(len(hits), np.bool_), (*rule.numbers, math.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = np.nan_to_num(hits / said), hits / total if total else np.zeros(len(hits))
        if rule.name == "f1":
            return 2 * hits / (said + total), every
        if rule.name == "balanced_accuracy":
            return recall + 1 - (said - hits) / max(rows - total, 1e-300), every
        if rule.name == "precision":
            return recall, precision >= a - 1e-12
        if rule.name == "recall":
            return precision, recall >= a - 1e-12
        if rule.name == "rate":
            return said, said <= a * rows * (1 + 1e-12)
        return -(a * (total - hits) + more[0] * (said - hits)) / rows, every


def _rule(match: re.Match[str]) -> Rule:
    """The rule that was written."""
    if match["name"]:
        return Rule(match["name"])
    if match["of"]:
        return Rule(match["of"], (float(match["least"]),))
    if match["missed"]:
        return Rule("cost", (float(match["missed"]), float(match["alarm"])))
    return Rule("number", (float(match["number"]),))


def _in_bounds(rule: Rule) -> bool:
    """Whether the numbers of a rule can be kept."""
    if rule.name == "cost":
        return all(math.isfinite(number) for number in rule.numbers) and max(rule.numbers) > 0
    if rule.name == "number":
        return _float32(rule.numbers[0]) > 0 and rule.numbers[0] <= 1
    return all(0 < number <= 1 for number in rule.numbers)


def _float32(number: float) -> float:
    return float(np.float32(number))
