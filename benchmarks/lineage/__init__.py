"""The experiments of docs/lineage over many seeds: `python -m benchmarks.lineage` measures, and writes the pages."""
