"""Where the client's CPU time goes, by groups of functions, from `perf report` on standard input.

    perf record -F 499 -o load.perf ringload load ...
    perf report -i load.perf --no-children -g none -F overhead,symbol --stdio | python3 scripts/bench.d/profile.py
"""

import re
import sys

# The first that matches counts; kernel symbols come with [k].
GROUPS = [
    ("kernel: network, scheduling, memory", r"^\[k\]"),
    ("allocator, memmove", r"mi_|_mi|mem(move|cpy|set)|alloc::|raw_vec|malloc|free"),
    ("ringload: read, scan, parse, encode", r"ringload::(format|codec|worker|plan)|csv_core|memchr|fast_float|zmij|jiff"),
    ("ringload: gather, lanes, settle", r"ringload::"),
    ("driver: timers, timeouts", r"tokio.*time|Timeout|TimerEntry|clock_gettime"),
    ("driver: requests, frames, routing", r"scylla|hashbrown|hash_one|tracing|Partitioner"),
    ("async runtime", r"tokio|futures|mio|parking_lot|core::future"),
    ("other", r""),
]


def main():
    shares = dict.fromkeys((name for name, _ in GROUPS), 0.0)
    for line in sys.stdin:
        found = re.match(r"\s*([\d.]+)%\s+(\[.\] .*)", line)
        if found:
            share, symbol = float(found[1]), found[2].strip()
            shares[next(name for name, pattern in GROUPS if re.search(pattern, symbol))] += share
    print("| functions | share of client CPU |\n| --- | ---: |")
    for name, share in shares.items():
        print(f"| {name} | {share:.0f}% |")


main()
