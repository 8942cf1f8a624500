"""Criterion's results as a table in Markdown: bytes or elements a second of each bench, from the medians.

usage: micro.py CRITERION_DIR GROUP...
"""

import json
import pathlib
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    for group in sys.argv[2:]:
        unit = None
        for file in sorted((root / group).rglob("new/benchmark.json")):
            bench = json.loads(file.read_text())
            estimates = json.loads((file.parent / "estimates.json").read_text())
            [(kind, amount)] = bench["throughput"].items()
            if unit is None:
                unit = {"Bytes": "MB/s", "Elements": "million/s"}[kind]
                print(f"\n| {group} | {unit} a core |\n| --- | ---: |")
            speed = amount / estimates["median"]["point_estimate"] * 1e3
            name = " ".join(part for part in (bench["function_id"], bench["value_str"]) if part)
            print(f"| {name} | {speed:,.{0 if unit == 'MB/s' else 1}f} |")


main()
