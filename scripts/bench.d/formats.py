"""How fast others read the NDJSON file that `cargo bench --bench json` has read: DuckDB and pyarrow, one thread each, the same typed columns.

usage: formats.py FILE CRITERION_DIR. Prints a table in Markdown; CPU seconds, medians of ten (criterion) or the best of five.
"""

import json
import os
import sys
import time

import duckdb
import pyarrow
import pyarrow.json

TEXTS = ["carrier", "tailnum", "origin", "dest"]
NUMBERS = [
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "flight",
    "air_time", "distance", "hour", "minute",
]


def with_duckdb(path):
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    columns = {name: "VARCHAR" for name in TEXTS} | {name: "INTEGER" for name in NUMBERS} | {"time_hour": "TIMESTAMP"}
    connection.execute(
        "CREATE TEMP TABLE flights AS SELECT * FROM read_json(?, format = 'newline_delimited', columns = "
        + "{" + ", ".join(f"{name}: '{kind}'" for name, kind in columns.items()) + "})",
        [path],
    )
    return connection.execute("SELECT count(*) FROM flights").fetchone()[0]


def with_pyarrow(path):
    fields = [(name, pyarrow.string()) for name in TEXTS] + [(name, pyarrow.int32()) for name in NUMBERS]
    schema = pyarrow.schema(fields + [("time_hour", pyarrow.timestamp("ms", "UTC"))])
    table = pyarrow.json.read_json(
        path,
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=1 << 20),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema),
    )
    return table.num_rows


def best_cpu_seconds(read, path, records):
    times = []
    for _ in range(5):
        begin = time.process_time()
        assert read(path) == records
        times.append(time.process_time() - begin)
    return min(times)


def main():
    path, criterion = sys.argv[1:]
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        records = sum(1 for _ in file)

    def ringload(name):
        with open(os.path.join(criterion, "json", name, "new", "estimates.json")) as file:
            return json.load(file)["median"]["point_estimate"] / 1e9

    rows = [(f"ringload: {name.replace('_', ' ')}", ringload(name)) for name in ("read_lines", "read_and_encode")]
    rows.append((f"DuckDB {duckdb.__version__}, one thread", best_cpu_seconds(with_duckdb, path, records)))
    rows.append((f"pyarrow {pyarrow.__version__}, one thread", best_cpu_seconds(with_pyarrow, path, records)))
    rows.append(("serde_json into trees", ringload("serde_json_trees")))
    whole = rows[1][1]
    print(f"\n{records:,} flights, {size / 1e6:.0f} MB of NDJSON.\n")
    print("| reader | MB/s a core | time to read and encode / its time |\n| --- | ---: | ---: |")
    for name, seconds in rows:
        print(f"| {name} | {size / seconds / 1e6:.0f} | {whole / seconds:.2f} |")


main()
