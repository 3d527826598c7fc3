"""The transforms of input columns: one frozen class for each kind.

    scaled       a number, standardised; 0 where missing; a second input flags missing cells if training had any
    log          a number over several orders of magnitude, on a logarithmic scale; likewise
    curved       as scaled, with the square and the cube beside it; `curved log` likewise
    binned       as scaled, with quantile bins beside it; `binned log` likewise
    coded        as scaled, with an input for each frequent value beside it; `coded log` likewise
    valued       as binned, with an input for each frequent value; `valued log` likewise
    categories   one input per word (1 where the cell is that word); a further one flags missing cells likewise
    frequent     the same for the most frequent words, and one more input for any other word
    labels       one input per label, where a cell has several; likewise
    text         one input for each frequent word of a text
    ordered      one input per step of an order
    times        days as a number, and sine and cosine of the place in the year, the week and the day
    detailed times    with the square and the cube of the days, and more waves in the year, the week and the day
    binned times      with bins of the days, and maybe with these details
    presence     a flag for missing cells alone, if the values themselves say nothing
    dropped      nothing, for a stated reason
    numbers      a number, standardised, as in files of version 0.1

A new kind is one class here: its name goes into the model file, and older versions refuse it by that name.
"""

from chainrule.tables.inputs.transforms.base import Dropped, Presence, Transform
from chainrule.tables.inputs.transforms.numbers import (
    Binned,
    BinnedLog,
    Coded,
    CodedLog,
    Curved,
    CurvedBinned,
    CurvedBinnedLog,
    CurvedLog,
    CurvedValued,
    CurvedValuedLog,
    Log,
    NumberColumn,
    Numbers,
    Scaled,
    Valued,
    ValuedLog,
    WithValues,
)
from chainrule.tables.inputs.transforms.times import (
    DETAILS,
    PARTS,
    POWERS,
    WAVES,
    BinnedTimes,
    DetailedTimes,
    Times,
)
from chainrule.tables.inputs.transforms.words import (
    FEW_WORDS,
    LEAST_SHARE,
    MOST_TEXT_WORDS,
    MOST_WORDS,
    Categories,
    Frequent,
    LabelSet,
    Ordered,
    TextWords,
    WeightedText,
    WordColumn,
)

__all__ = [
    "DETAILS",
    "FEW_WORDS",
    "KINDS",
    "LEAST_SHARE",
    "MOST_TEXT_WORDS",
    "MOST_WORDS",
    "PARTS",
    "POWERS",
    "WAVES",
    "Binned",
    "BinnedLog",
    "BinnedTimes",
    "Categories",
    "Coded",
    "CodedLog",
    "Curved",
    "CurvedBinned",
    "CurvedBinnedLog",
    "CurvedLog",
    "CurvedValued",
    "CurvedValuedLog",
    "DetailedTimes",
    "Dropped",
    "Frequent",
    "LabelSet",
    "Log",
    "NumberColumn",
    "Numbers",
    "Ordered",
    "Presence",
    "Scaled",
    "TextWords",
    "Times",
    "Transform",
    "Valued",
    "ValuedLog",
    "WeightedText",
    "WithValues",
    "WordColumn",
]

KINDS: dict[str, type[Transform]] = {
    c.kind: c
    for c in (
        *(Scaled, Log, Curved, CurvedLog, Binned, BinnedLog, CurvedBinned, CurvedBinnedLog, Valued, ValuedLog),
        *(Coded, CodedLog, CurvedValued, CurvedValuedLog),
        *(
            Categories,
            Frequent,
            LabelSet,
            TextWords,
            WeightedText,
            Ordered,
            Times,
            DetailedTimes,
            BinnedTimes,
            Presence,
            Dropped,
            Numbers,
        ),
    )
}
