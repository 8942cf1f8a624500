"""Criterion's results as tables in Markdown: bytes or rows a second of each bench, from the medians.

usage: micro.py CRITERION_DIR GROUP...
"""

import json
import pathlib
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    for group in sys.argv[2:]:
        print(f"\n| {group} | a second |\n| --- | ---: |")
        for file in sorted((root / group).rglob("new/benchmark.json")):
            bench = json.loads(file.read_text())
            estimates = json.loads((file.parent / "estimates.json").read_text())
            seconds = estimates["median"]["point_estimate"] / 1e9
            ((unit, amount),) = bench["throughput"].items()
            speed = f"{amount / seconds / 1e6:,.0f} MB" if unit == "Bytes" else f"{amount / seconds:,.0f} rows"
            print(f"| {bench['function_id'] or bench['value_str']} | {speed} |")


main()
