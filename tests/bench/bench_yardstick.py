#!/usr/bin/python3
"""bench-yardstick: our full step beside that of any other program, interleaved.

The other is a command that times steps of its own and prints a line with 'best X ms' and
'mean Y ms'; whether it does the same work is for the caller to know.

  tests/bench/bench_yardstick.py [--rounds 5] [--channels 16 ...] -- COMMAND [ARGUMENTS]"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_common as common


def theirs(command):
    try:
        run = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False)
    except OSError as e:
        sys.exit("%s: %s" % (command[0], e.strerror))
    best = re.search(r"best\s+([0-9.]+)\s*ms", run.stdout)
    mean = re.search(r"mean\s+([0-9.]+)\s*ms", run.stdout)
    if run.returncode or not best or not mean:
        sys.exit("%s: exit status %d, no 'best X ms ... mean Y ms':\n%s" % (
            command[0], run.returncode, run.stdout))
    return float(best.group(1)) * 1e-3, float(mean.group(1)) * 1e-3


def main():
    p = argparse.ArgumentParser(prog="bench-yardstick", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    common.shape_options(p)
    p.add_argument("--mode", default="full")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=5, help="of ours, a round")
    p.add_argument("--json", action="store_true")
    p.add_argument("command", nargs="+")
    o = p.parse_args()
    ours = common.Ours(o.bench_step, **common.shape_of(o))
    rows = {"snas": {"best": [], "mean": []}, "yardstick": {"best": [], "mean": []}}
    for r in range(o.rounds):
        best, mean = theirs(o.command)
        rows["yardstick"]["best"].append(best)
        rows["yardstick"]["mean"].append(mean)
        mine = ours.run(mode=o.mode, steps=o.steps, warm_up=1 if r else 2)
        rows["snas"]["best"].append(mine["min_s"])
        rows["snas"]["mean"].append(mine["mean_s"])
    ours.close()
    median = {k: {m: statistics.median(v) for m, v in row.items()} for k, row in rows.items()}
    ratio = {m: median["snas"][m] / median["yardstick"][m] for m in ("best", "mean")}
    if o.json:
        print(json.dumps({"machine": common.machine(), "shape": common.shape_of(o), "mode": o.mode,
                          "rounds": rows, "median_s": median, "ratio": ratio}, indent=1))
        return
    common.say_shape(o)
    for name, m in median.items():
        print("  %-10s median of %d rounds: best %8.1f ms  mean %8.1f ms" % (
            name, o.rounds, m["best"] * 1e3, m["mean"] * 1e3))
    print("  ours / yardstick: %.2f by best, %.2f by mean" % (ratio["best"], ratio["mean"]))


if __name__ == "__main__":
    main()
