#!/usr/bin/python3
"""bench-size: how the cost of a full step grows with the network's size.

Seconds per (image x FLOP) of many shapes, relative to those of C=16, 8 cells, 32 px, batch 64,
which is measured again beside each of them.

  tests/bench/bench_size.py [--channels 8,16,...] [--layers 3,8,20] [--sides 28,32]
                            [--batches 16,64,128] [--sweep each|all] [--out FILE] [--seconds S]

--sweep each changes one of the four from the base shape at a time, all tries every combination.
--out keeps what was measured: the same command goes on where the file ends."""
import argparse
import itertools
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_common as common

def numbers(text):
    return [int(v) for v in text.split(",")]


def shapes(o, base):
    lists = {"channels": numbers(o.channels), "layers": numbers(o.layers),
             "side": numbers(o.sides), "batch": numbers(o.batches)}
    if o.sweep == "all":
        return [dict(zip(lists, v)) for v in itertools.product(*lists.values())]
    found = []
    for name, values in lists.items():
        found += [dict(base, **{name: v}) for v in values]
    return [s for i, s in enumerate(found) if s not in found[:i] and s != base]


def key(shape):
    return "C%(channels)d L%(layers)d %(side)d px batch %(batch)d" % shape


def cost(answer):
    """Seconds a step per GFLOP of the step: the batch is in both."""
    return answer["min_s"] / answer["plan_gflop"]


def main():
    p = argparse.ArgumentParser(prog="bench-size", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bench-step", default="build/release/bin/bench-step")
    p.add_argument("--channels", default="8,16,24,32,64")
    p.add_argument("--layers", default="3,8,14,20")
    p.add_argument("--sides", default="28,32")
    p.add_argument("--batches", default="16,32,64,128")
    p.add_argument("--sweep", choices=("each", "all"), default="each")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--steps", type=int, default=2, help="of each of the two, a round")
    p.add_argument("--rounds", type=int, default=2)
    p.add_argument("--out")
    p.add_argument("--seconds", type=float, default=1e9, help="start no shape after so long")
    p.add_argument("--json", action="store_true")
    p.add_argument("--base", default="16,8,32,64", help="channels, layers, side, batch")
    o = p.parse_args()
    first = dict(zip(("channels", "layers", "side", "batch"), numbers(o.base)))
    begin, rows = time.monotonic(), {}
    if o.out and os.path.exists(o.out):
        with open(o.out) as f:
            rows = json.load(f)["rows"]
    if not o.json:
        m = common.machine()
        print("%s, %d cores, load %.1f; %d threads" % (m["processor"], m["cores"], m["load"],
                                                       o.threads), flush=True)
    base, missing = None, 0
    for shape in shapes(o, first):
        name = key(shape)
        if name not in rows:
            if time.monotonic() - begin > o.seconds:
                missing += 1
                continue
            if base is None:
                base = common.Ours(o.bench_step, input_channels=3, threads=o.threads, **first)
                base.run(steps=1, warm_up=1)
            other = common.Ours(o.bench_step, input_channels=3, threads=o.threads, **shape)
            costs, seconds = [[], []], []
            for r in range(o.rounds):
                a = base.run(steps=o.steps, warm_up=0)
                b = other.run(steps=o.steps, warm_up=0 if r else 1)
                costs[0].append(cost(a))
                costs[1].append(cost(b))
                seconds.append(b["min_s"])
            other.close()
            rows[name] = {"shape": shape, "ratio": min(costs[1]) / min(costs[0]),
                          "step_s": min(seconds), "gflops": b["plan_gflop"] / min(seconds)}
            if o.out:
                with open(o.out, "w") as f:
                    json.dump({"base": first, "machine": common.machine(), "rows": rows}, f, indent=1)
        if not o.json:
            r = rows[name]
            print("  %-28s step %8.1f ms  %6.1f GFLOP/s  %5.2f x the base's cost" % (
                name, r["step_s"] * 1e3, r["gflops"], r["ratio"]), flush=True)
    if base:
        base.close()
    if o.json:
        print(json.dumps({"base": first, "machine": common.machine(), "rows": rows,
                          "missing": missing}, indent=1))
    elif missing:
        print("%d shapes are missing: the same command goes on" % missing)


if __name__ == "__main__":
    main()
