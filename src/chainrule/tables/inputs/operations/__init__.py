"""What a transform does with a cell, as operations that NumPy computes here and that exports write in other languages.

A transform has one reading, which says what a cell is, and inputs, which say what the network sees of it:

    Number(form)     a number, NaN where the cell is missing             Curve      steps of it, 0 where missing
    Time(form)       seconds since 1970, NaN where the cell is missing   Cycle      sine and cosine of a place in it
    Word(words)      the number of the word, -1 for any other            OneHot     1 under the word
    Items(words)     which of the words it has, and whether any other    ManyHot    1 under each of the words
    Presence()       nothing but whether it is missing                   TextWeights  a weight under each of them
                                                                         Steps      1 up to the word, in an order
                                                                         Other      whether it is any other word
                                                                         Missing    whether the cell is missing
                                                                         Powers     square and cube after some steps
                                                                         Bins       the share of each bin below it
                                                                         TimeBins   the same of a time
                                                                         Values     1 under the value that it is

A curve is a chain of steps: Affine, Asinh, Bend. All numbers are float64; the network's type comes last.
A new operation is one class here, an entry for single cells in `inputs.cells`, and one in each language of `export`.
"""

from chainrule.tables.inputs.operations.inputs import (
    CUBE,
    CYCLES,
    INPUTS,
    LENGTH,
    SQUARE,
    Bins,
    Curve,
    Cycle,
    Input,
    ManyHot,
    Missing,
    OneHot,
    Other,
    Powers,
    Steps,
    TextWeights,
    TimeBins,
    Values,
)
from chainrule.tables.inputs.operations.readings import READINGS, Cells, Items, Number, Presence, Reading, Time, Word
from chainrule.tables.inputs.operations.steps import STEPS, Affine, Asinh, Bend, Step, bent

__all__ = [
    "CUBE",
    "CYCLES",
    "INPUTS",
    "LENGTH",
    "READINGS",
    "SQUARE",
    "STEPS",
    "Affine",
    "Asinh",
    "Bend",
    "Bins",
    "Cells",
    "Curve",
    "Cycle",
    "Input",
    "Items",
    "ManyHot",
    "Missing",
    "Number",
    "OneHot",
    "Other",
    "Powers",
    "Presence",
    "Reading",
    "Step",
    "Steps",
    "TextWeights",
    "Time",
    "TimeBins",
    "Values",
    "Word",
    "bent",
]
