"""Criterion's results as a table in Markdown: bytes a second of each bench, from the medians.

usage: micro.py CRITERION_DIR GROUP...
"""

import json
import pathlib
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    for group in sys.argv[2:]:
        print(f"\n| {group} | MB/s a core |\n| --- | ---: |")
        for file in sorted((root / group).rglob("new/benchmark.json")):
            bench = json.loads(file.read_text())
            estimates = json.loads((file.parent / "estimates.json").read_text())
            speed = bench["throughput"]["Bytes"] / estimates["median"]["point_estimate"] * 1e3
            name = " ".join(part for part in (bench["function_id"], bench["value_str"]) if part)
            print(f"| {name} | {speed:,.0f} |")


main()
