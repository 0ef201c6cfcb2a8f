#!/usr/bin/python3
"""bench-project: how long a whole search would take. A projection, not a measurement.

From the grid of bench_anneal.py (seconds a step at each temperature and spread of alpha) and a run
directory, whose metrics say how far alpha had spread at each part of its way, and whose timing
says what else a search does:

  seconds = sum over epochs of  steps x step(T, spread)  +  evaluation  +  checkpoint
  T           linear, as the search has it; spread: the run's at the same share of its epochs; where
              the run ends early, its last one
  step        (time at the threshold / time at threshold 0) of a point of the grid x the median
              time at threshold 0; between the points linear in T and in the spread, never beyond
  loader      step x (1 + the run's stall_seconds / seconds)
  evaluation  the run's evaluation_seconds, in images trained meanwhile, times seconds an image,
              for --evaluation-images of them instead of the run's
  checkpoint  the run's checkpoint_seconds, once an epoch

  tests/bench/bench_project.py --grid grid.json --run RUN      the paper's search: 7.5 million
                                                               images in 150 epochs
  tests/bench/bench_project.py --grid grid.json --check RUN    the run's own epochs, projected the
                                                               same way, beside what they took:
                                                               exit status 0 within 10%, else 1
--check asks for a grid of the run's own channels, layers and batch."""
import argparse
import bisect
import csv
import json
import os
import statistics
import sys


def parse():
    p = argparse.ArgumentParser(prog="bench-project", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--grid", required=True, help="file of bench_anneal.py --out")
    which = p.add_mutually_exclusive_group(required=True)
    which.add_argument("--run")
    which.add_argument("--check", metavar="RUN")
    p.add_argument("--images", type=float, default=7.5e6)
    p.add_argument("--epochs", type=int, default=150)
    p.add_argument("--evaluation-images", type=float, default=2000, help="an epoch")
    p.add_argument("--within", type=float, default=0.1)
    p.add_argument("--json", action="store_true")
    return p.parse_args()


def read_config(path):
    """section.key -> text of a resolved configuration: two levels, one value a line."""
    found, section = {}, ""
    with open(path) as f:
        for line in f:
            key, _, value = line.strip().partition(":")
            if not line.startswith(" "):
                section = key
                found[key] = value.strip()
            else:
                found[section + "." + key] = value.strip()
    return found


def read_rows(path):
    with open(path) as f:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(f)]


def read_run(path):
    try:
        config = read_config(os.path.join(path, "config.yaml"))
        metrics = read_rows(os.path.join(path, "metrics.csv"))
        timing = read_rows(os.path.join(path, "timing.csv"))
        rows = [dict(m, **t) for m, t in zip(metrics, timing)]
        for column in ("alpha_spread", "live_ops", "stall_seconds", "evaluation_seconds",
                       "checkpoint_seconds"):
            if any(column not in r for r in rows):
                sys.exit("bench-project: %s: no column %s: an older version's run" % (path, column))
    except (OSError, ValueError) as e:
        sys.exit("bench-project: %s: %s" % (path, e))
    if not rows:
        sys.exit("bench-project: %s: no epoch is finished" % path)
    # The epoch in which a sitting ends and the next begins has only the second one's images.
    whole = max(r["images"] for r in rows)
    for i, r in enumerate(rows):
        r["whole"] = r["images"] == whole
        before = rows[i - 1]["alpha_spread"] if i else float(config["alpha.init_sd"])
        r["spread"] = (before + r["alpha_spread"]) / 2
    if not any(r["whole"] for r in rows):
        sys.exit("bench-project: %s: no epoch ran in one sitting" % path)
    return config, rows


def read_grid(path):
    with open(path) as f:
        grid = json.load(f)
    spreads = sorted({p["spread"] for p in grid["points"]})
    # A step at threshold 0 is the same work at every point, measured beside the other: what a busy
    # machine did to a point is divided out.
    full = statistics.median(p["full_s"] for p in grid["points"])
    lines = [sorted((p["temperature"], p["live_s"] / p["full_s"] * full) for p in grid["points"]
                    if p["spread"] == s) for s in spreads]
    if len({len(line) for line in lines}) != 1 or len(lines[0]) < grid["n_points"]:
        sys.exit("bench-project: %s is not finished: go on with bench_anneal.py" % path)
    return grid, spreads, lines


def between(xs, ys, x):
    """Linear between the points, constant beyond them."""
    if x <= xs[0]:
        return ys[0]
    if x >= xs[-1]:
        return ys[-1]
    i = bisect.bisect_right(xs, x)
    w = (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    return ys[i - 1] * (1 - w) + ys[i] * w


def step_seconds(spreads, lines, temperature, spread):
    at = [between([t for t, _ in line], [s for _, s in line], temperature) for line in lines]
    return between(spreads, at, spread)


def overheads(rows):
    """Loader's share of a step; an epoch's evaluation in images trained; a checkpoint in s."""
    rows = [r for r in rows if r["whole"]]
    stall = sum(r["stall_seconds"] for r in rows) / sum(r["seconds"] for r in rows)
    evaluation = sum(r["evaluation_seconds"] * r["images"] / r["seconds"] for r in rows) / len(rows)
    saves = [r["checkpoint_seconds"] for r in rows if r["checkpoint_seconds"] > 0]
    return stall, evaluation, max(saves) if saves else 0.0


def temperature(config, epoch, epochs):
    start, end = float(config["temperature.start"]), float(config["temperature.end"])
    fall = int(float(config.get("temperature.epochs", 0))) or epochs
    return end if epoch >= fall else (1 - (epoch + 1) / fall) * (start - end) + end


def project(o, grid, spreads, lines, config, rows):
    run_epochs = int(float(config["search.epochs"]))
    stall, evaluation, save = overheads(rows)
    evaluated = float(config["evaluation.epoch_images"]) or float(config["data.held_out"])
    evaluation *= o.evaluation_images / evaluated
    shares = [(r["epoch"] - 0.5) / run_epochs for r in rows]
    parts = {"steps": 0.0, "loader": 0.0, "evaluation": 0.0, "checkpoints": 0.0}
    images = o.images / o.epochs
    full = max(s for line in lines for _, s in line)
    for e in range(o.epochs):
        t = temperature(dict(config, **{"temperature.epochs": "0"}), e, o.epochs)
        spread = between(shares, [r["spread"] for r in rows], (e + 0.5) / o.epochs)
        step = step_seconds(spreads, lines, t, spread)
        parts["steps"] += images / grid["batch"] * step
        parts["loader"] += images / grid["batch"] * step * stall
        parts["evaluation"] += evaluation / grid["batch"] * step * (1 + stall)
        parts["checkpoints"] += save
    total = sum(parts.values())
    result = {"projection": True, "hours": total / 3600,
              "parts_hours": {k: v / 3600 for k, v in parts.items()},
              "images_per_s": o.images / total, "without_threshold_hours":
              o.images / grid["batch"] * full / 3600, "run_epochs": [len(rows), run_epochs],
              "last_spread": rows[-1]["alpha_spread"], "stall_share": stall,
              "evaluation_images": evaluation, "checkpoint_s": save}
    if o.json:
        print(json.dumps(result, indent=1))
        return 0
    print("Projection (nobody has run it): %.3g images in %d epochs, C=%d, %d cells, %d px, %d threads"
          % (o.images, o.epochs, grid["channels"], grid["layers"], grid["side"], grid["threads"]))
    print("  spread of alpha as in %s (%s, %d of %d epochs): up to %.2f" % (
        o.run, config["name"].strip('"'), len(rows), run_epochs, rows[-1]["alpha_spread"]))
    print("  loader stall %.2f%% of a step, evaluation = %.0f images trained an epoch, checkpoint "
          "%.2f s an epoch: from that run" % (100 * stall, evaluation, save))
    for name, seconds in parts.items():
        print("  %-12s %7.2f h" % (name, seconds / 3600))
    print("  projected    %7.2f h  (%.0f images/s; at the grid's slowest step throughout: %.1f h)" % (
        total / 3600, o.images / total, result["without_threshold_hours"]))
    return 0


def check(o, grid, spreads, lines, config, rows):
    for mine, theirs in (("network.channels", "channels"), ("network.layers", "layers"),
                         ("search.batch", "batch"), ("sample.live_threshold", "live_threshold")):
        if float(config[mine]) != grid[theirs]:
            sys.exit("bench-project: the run has %s %s, the grid %g: measure a grid of the run's "
                     "shape" % (mine, config[mine], grid[theirs]))
    stall, evaluation, save = overheads(rows)
    expected = taken = 0.0
    lines_out = []
    for r in rows:
        step = step_seconds(spreads, lines, r["temperature"], r["spread"])
        e = (r["images"] + evaluation) / grid["batch"] * step * (1 + stall) + save
        t = r["seconds"] + r["evaluation_seconds"] + r["checkpoint_seconds"]
        expected, taken = expected + e, taken + t
        lines_out.append({"epoch": int(r["epoch"]), "temperature": r["temperature"],
                          "spread": r["spread"], "live_ops": r["live_ops"], "projected_s": e,
                          "taken_s": t})
    off = expected / taken - 1
    if o.json:
        print(json.dumps({"projected_s": expected, "taken_s": taken, "off": off,
                          "epochs": lines_out}, indent=1))
    else:
        for r in lines_out:
            print("  epoch %3d  T %.3f  spread %.3f  live ops %5.1f%%  projected %8.1f s  taken "
                  "%8.1f s  %+6.1f%%" % (r["epoch"], r["temperature"], r["spread"],
                                         100 * r["live_ops"], r["projected_s"], r["taken_s"],
                                         100 * (r["projected_s"] / r["taken_s"] - 1)))
        print("%s: projected %.0f s, taken %.0f s: %+.1f%% (wanted: within %.0f%%)" % (
            o.check, expected, taken, 100 * off, 100 * o.within))
    return 0 if abs(off) <= o.within else 1


def main():
    o = parse()
    grid, spreads, lines = read_grid(o.grid)
    config, rows = read_run(o.check or o.run)
    return (check if o.check else project)(o, grid, spreads, lines, config, rows)


if __name__ == "__main__":
    sys.exit(main())
