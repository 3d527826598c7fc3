"""How good the defaults are: accuracy or R² on rows not seen, beside other libraries' defaults.

`python -m benchmarks.tables` runs what is not in its file of results yet and writes the table. A contender whose
library is missing is left out, so that several environments can add to one file.
"""
