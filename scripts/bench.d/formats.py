"""How fast others read the files that `cargo bench --bench json --bench parquet` has read: DuckDB and pyarrow, one thread each, the same
typed columns.

usage: formats.py NDJSON PARQUET CRITERION_DIR. Prints tables in Markdown; CPU seconds, medians of ten (criterion) or the best of five.
"""

import json
import os
import sys
import time

import duckdb
import pyarrow
import pyarrow.json
import pyarrow.parquet

TEXTS = ["carrier", "tailnum", "origin", "dest"]
NUMBERS = [
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "flight",
    "air_time", "distance", "hour", "minute",
]


def duckdb_rows(source, path):
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute(f"CREATE TEMP TABLE flights AS SELECT * FROM {source}", [path])
    return connection.execute("SELECT count(*) FROM flights").fetchone()[0]


def ndjson_with_duckdb(path):
    columns = {name: "VARCHAR" for name in TEXTS} | {name: "INTEGER" for name in NUMBERS} | {"time_hour": "TIMESTAMP"}
    types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
    return duckdb_rows(f"read_json(?, format = 'newline_delimited', columns = {{{types}}})", path)


def ndjson_with_pyarrow(path):
    fields = [(name, pyarrow.string()) for name in TEXTS] + [(name, pyarrow.int32()) for name in NUMBERS]
    schema = pyarrow.schema(fields + [("time_hour", pyarrow.timestamp("ms", "UTC"))])
    table = pyarrow.json.read_json(
        path,
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=1 << 20),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema),
    )
    return table.num_rows


def parquet_with_duckdb(path):
    return duckdb_rows("read_parquet(?)", path)


def parquet_with_pyarrow(path):
    return pyarrow.parquet.read_table(path, use_threads=False, pre_buffer=False).num_rows


def parquet_with_pyarrow_to_values(path):
    """As far as a loader in Python has to go: a value for each cell."""
    return sum(len(batch.to_pylist()) for batch in pyarrow.parquet.ParquetFile(path).iter_batches(use_threads=False))


def best_cpu_seconds(read, path, records, times=5):
    found = []
    for _ in range(times):
        begin = time.process_time()
        assert read(path) == records
        found.append(time.process_time() - begin)
    return min(found)


def print_table(size, rows):
    whole = rows[1][1]
    print("| reader | MB/s a core | time to read and encode / its time |\n| --- | ---: | ---: |")
    for name, seconds in rows:
        print(f"| {name} | {size / seconds / 1e6:.0f} | {whole / seconds:.2f} |")


def main():
    ndjson, parquet, criterion = sys.argv[1:]

    def estimate(group, name):
        folder = os.path.join(criterion, group, name, "new")
        with open(os.path.join(folder, "estimates.json")) as file:
            seconds = json.load(file)["median"]["point_estimate"] / 1e9
        with open(os.path.join(folder, "benchmark.json")) as file:
            return seconds, json.load(file)["throughput"]["Bytes"]

    def ours(group, name, words):
        return words, estimate(group, name)[0]

    size = os.path.getsize(ndjson)
    with open(ndjson, "rb") as file:
        records = sum(1 for _ in file)
    print(f"\n{records:,} flights, {size / 1e6:.0f} MB of NDJSON:\n")
    print_table(size, [
        ours("json", "read_lines", "ringload: read"),
        ours("json", "read_and_encode", "ringload: read and encode"),
        (f"DuckDB {duckdb.__version__} into a table", best_cpu_seconds(ndjson_with_duckdb, ndjson, records)),
        (f"pyarrow {pyarrow.__version__} into a table", best_cpu_seconds(ndjson_with_pyarrow, ndjson, records)),
        ours("json", "serde_json_trees", "serde_json into trees"),
    ])

    records = pyarrow.parquet.ParquetFile(parquet).metadata.num_rows
    size = estimate("parquet", "read_and_encode")[1]
    print(f"\n{records:,} flights, {os.path.getsize(parquet) / 1e6:.0f} MB of Parquet (snappy); MB are those of the same records as CSV, {size / 1e6:.0f}:\n")
    print_table(size, [
        ours("parquet", "read", "ringload: read"),
        ours("parquet", "read_and_encode", "ringload: read and encode"),
        ours("parquet", "csv_read_and_encode", "ringload: read and encode the CSV"),
        (f"DuckDB {duckdb.__version__} into a table", best_cpu_seconds(parquet_with_duckdb, parquet, records)),
        (f"pyarrow {pyarrow.__version__} into a table", best_cpu_seconds(parquet_with_pyarrow, parquet, records)),
        (f"pyarrow {pyarrow.__version__} to Python's values", best_cpu_seconds(parquet_with_pyarrow_to_values, parquet, records, 1)),
    ])


main()
