"""What a wide table costs: memory for what its columns hold, not for what they might have held."""

import subprocess
import sys

import pytest

COLUMNS = 8_000
PROFILED = """
import resource, sys
from chainrule.tables.chunks import chunks_of
from chainrule.tables.profile import ColumnProfile, profile_columns
from chainrule.tables.sources import as_source
as_source({"a": ["1"]}).table()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = as_source(sys.argv[1])
profiles = [ColumnProfile(name) for name in source.names]
profile_columns(lambda: chunks_of(source, source.names), profiles)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the unit of ru_maxrss is that of Linux")
def test_a_column_of_a_wide_file_takes_a_few_kilobytes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(",".join(f"c{k}" for k in range(COLUMNS)) + "\n" + 2 * ("0.5," * (COLUMNS - 1) + "1\n"))
    done = subprocess.run([sys.executable, "-c", PROFILED, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) / COLUMNS < 12  # KiB
