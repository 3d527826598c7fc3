"""Parquet from a local server of the S3 protocol, where moto is installed."""

import numpy as np
import pytest

from chainrule.errors import DataError
from chainrule.tables.sources import as_source

pa = pytest.importorskip("pyarrow")
server = pytest.importorskip("moto.server", reason="a server of the S3 protocol needs moto: pip install 'moto[server]'")

from pyarrow import fs, parquet  # noqa: E402


@pytest.mark.full
def test_a_folder_in_a_bucket_is_a_table(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    own = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    own.start()
    try:
        host, port = own.get_host_and_port()
        query = f"?scheme=http&endpoint_override={host}:{port}&region=us-east-1&allow_bucket_creation=true"
        system, _ = fs.FileSystem.from_uri(f"s3://bucket/parts{query}")
        system.create_dir("bucket")
        for k in range(3):
            table = pa.table({"x": np.arange(k * 10, k * 10 + 10), "y": np.arange(10.0)})
            with system.open_output_stream(f"bucket/parts/part-{k}.parquet") as stream:
                parquet.write_table(table, stream, row_group_size=5)
        source = as_source(f"s3://bucket/parts{query}")
        assert source.table().column("x").to_pylist() == list(range(30))
        assert [start for start, _ in source.some_blocks(["x"], np.arange(30) == 27)] == [25]
        with pytest.raises(DataError, match="there is no file"):
            as_source(f"s3://bucket/none{query}")
    finally:
        own.stop()
