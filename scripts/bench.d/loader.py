"""Loads a CSV file with the Python driver and a pool of processes, as one writes it by hand: the parent reads records and hands out
lists of them, each child has a session of its own and keeps requests in flight.

usage: loader.py HOST KEYSPACE.TABLE FILE [NULL]. The header names the columns; an empty field or NULL stays unset.
"""

import csv
import datetime
import itertools
import multiprocessing
import os
import sys
import threading
import uuid
from concurrent.futures import ProcessPoolExecutor

from cassandra.cluster import Cluster
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import UNSET_VALUE

LIST_RECORDS = 1000
IN_FLIGHT = 100
# The parent reads no further ahead.
LISTS_AHEAD = 4

CONVERSIONS = {
    "text": str,
    "tinyint": int,
    "smallint": int,
    "int": int,
    "bigint": int,
    "double": float,
    "uuid": uuid.UUID,
    "date": str,
    "timestamp": datetime.datetime.fromisoformat,
}


def open_session(host, table, names, null):
    global session, insert, conversions, null_text
    cluster = Cluster([host])
    session = cluster.connect()
    keyspace, table_name = table.split(".")
    columns = cluster.metadata.keyspaces[keyspace].tables[table_name].columns
    conversions = [CONVERSIONS[columns[name].cql_type] for name in names]
    marks = ", ".join("?" * len(names))
    insert = session.prepare(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})")
    null_text = null


def load(records):
    rows = [
        [UNSET_VALUE if text == "" or text == null_text else convert(text) for convert, text in zip(conversions, record)]
        for record in records
    ]
    execute_concurrent_with_args(session, insert, rows, concurrency=IN_FLIGHT)
    return len(rows)


def main():
    host, table, path = sys.argv[1:4]
    null = sys.argv[4] if len(sys.argv) > 4 else ""
    processes = os.cpu_count()
    with open(path, newline="", encoding="utf-8") as file:
        records = csv.reader(file)
        names = next(records)
        room = threading.Semaphore(processes * LISTS_AHEAD)
        futures = []
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, context, open_session, (host, table, names, null)) as pool:
            while batch := list(itertools.islice(records, LIST_RECORDS)):
                room.acquire()
                futures.append(pool.submit(load, batch))
                futures[-1].add_done_callback(lambda _: room.release())
    print(f"{sum(future.result() for future in futures)} rows")


if __name__ == "__main__":
    main()
