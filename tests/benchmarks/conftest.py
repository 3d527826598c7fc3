"""`benchmarks` lies beside `tests` and is not installed: it is found from the project's folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
