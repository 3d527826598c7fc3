"""How fast chainrule is beside its peers: `python -m benchmarks`, from the project's folder.

Everyone makes the same updates from the same data, batches and first weights, and is compared with a float64 oracle
before being timed. One process each, pinned to the same cores, taking turns; Linux only.
"""
