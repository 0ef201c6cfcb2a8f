#!/usr/bin/python3
"""bench-anneal: what leaving out the ops that a sample has switched off is worth over an anneal.

At each of --points temperatures, linear from 1 to 0.03, --steps steps at the default live
threshold alternate with steps at threshold 0; every step draws a new alpha ~ N(0, spread) and a
concrete sample of it, the same for both. The mean rate of an anneal is all images / all seconds.

  tests/bench/bench_anneal.py [--spreads 0.01,2,4] [--points 11] [--out grid.json]

--out keeps the grid for bench_project.py, point by point: the same command again goes on where
the file ends. --seconds stops after so long (an unfinished grid says so)."""
import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_common as common

TARGETS = {0.01: 1.3, 2: 1.7, 4: 2.2}


def parse():
    p = argparse.ArgumentParser(prog="bench-anneal", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    common.shape_options(p)
    p.add_argument("--spreads", default="0.01,2,4")
    p.add_argument("--points", type=int, default=11)
    p.add_argument("--start", type=float, default=1)
    p.add_argument("--end", type=float, default=0.03)
    p.add_argument("--live-threshold", type=float, default=1e-3)
    p.add_argument("--steps", type=int, default=12, help="at the threshold, a point")
    p.add_argument("--full-steps", type=int, default=2, help="at threshold 0, a point")
    p.add_argument("--rounds", type=int, default=2, help="alternations a point")
    p.add_argument("--out", help="JSON file of the grid")
    p.add_argument("--seconds", type=float, default=1e9, help="start no point after so long")
    p.add_argument("--json", action="store_true")
    return p.parse_args()


def load(o, head):
    """The points that the file has, when it is of the same shape."""
    if not o.out or not os.path.exists(o.out):
        return []
    with open(o.out) as f:
        grid = json.load(f)
    if any(grid.get(k) != head[k] for k in head):
        sys.exit("%s: another shape or threshold: choose another file" % o.out)
    return grid["points"]


def save(o, grid):
    if not o.out:
        return
    with open(o.out + ".new", "w") as f:
        json.dump(grid, f, indent=1)
    os.replace(o.out + ".new", o.out)


def measure(o, ours, spread, temperature):
    """Seconds a step with and without threshold, alternating."""
    sums = {"live": [0.0, 0], "full": [0.0, 0]}
    flops = 0.0
    steps = -(-o.steps // o.rounds)
    full_steps = -(-o.full_steps // o.rounds)
    for r in range(o.rounds):
        both = dict(alpha_spread=spread, temperature=temperature, warm_up=0, first=r * steps)
        a = ours.run(live_threshold=o.live_threshold, steps=steps, **both)
        b = ours.run(live_threshold=0, steps=full_steps, **both)
        sums["live"] = [sums["live"][0] + a["total_s"], sums["live"][1] + steps]
        sums["full"] = [sums["full"][0] + b["total_s"], sums["full"][1] + full_steps]
        flops += a["live_flops"] / o.rounds
    return {"spread": spread, "temperature": temperature, "live_flops": flops,
            "live_s": sums["live"][0] / sums["live"][1],
            "full_s": sums["full"][0] / sums["full"][1]}


def summary(o, points):
    rows = []
    for spread in sorted({p["spread"] for p in points}):
        mine = [p for p in points if p["spread"] == spread]
        live = sum(p["live_s"] for p in mine) / len(mine)
        full = sum(p["full_s"] for p in mine) / len(mine)
        rows.append({"spread": spread, "points": len(mine), "live_images_per_s": o.batch / live,
                     "full_images_per_s": o.batch / full, "ratio": full / live,
                     "target": TARGETS.get(spread)})
    return rows


def main():
    o = parse()
    begin = time.monotonic()
    head = dict(common.shape_of(o), live_threshold=o.live_threshold, start=o.start, end=o.end,
                n_points=o.points)
    points = load(o, head)
    done = {(p["spread"], p["index"]) for p in points}
    wanted = [(s, i) for i in range(o.points) for s in map(float, o.spreads.split(","))]
    if not o.json:
        common.say_shape(o)
    ours = None
    for spread, i in wanted:
        if (spread, i) in done or time.monotonic() - begin > o.seconds:
            continue
        if ours is None:
            ours = common.Ours(o.bench_step, **common.shape_of(o))
            ours.run(steps=1, warm_up=1)
        t = o.start + (o.end - o.start) * i / max(1, o.points - 1)
        point = measure(o, ours, spread, t)
        point["index"] = i
        points.append(point)
        save(o, dict(head, machine=common.machine(), points=points))
        if not o.json:
            print("  T %.3f  spread %-5g %7.1f ms (%4.1f%% of the arithmetic)  all live %7.1f ms  "
                  "%5.2f x" % (t, spread, point["live_s"] * 1e3, 100 * point["live_flops"],
                               point["full_s"] * 1e3, point["full_s"] / point["live_s"]),
                  flush=True)
    if ours:
        ours.close()
    rows = summary(o, points)
    missing = sum(w not in {(p["spread"], p["index"]) for p in points} for w in wanted)
    if o.json:
        print(json.dumps(dict(head, missing=missing, rows=rows, points=points), indent=1))
        return
    for r in rows:
        print("spread %-5g mean of the anneal %7.1f images/s at threshold %g, %6.1f at 0: %.2f x%s" % (
            r["spread"], r["live_images_per_s"], o.live_threshold, r["full_images_per_s"],
            r["ratio"], " (wanted: %.1f)" % r["target"] if r["target"] else ""))
    if missing:
        print("%d of %d points are missing: the same command goes on" % (missing, len(wanted)))


if __name__ == "__main__":
    main()
