#!/usr/bin/python3
"""bench-project on a grid and runs made by hand, whose hours are known."""
import json
import os
import subprocess
import sys
import tempfile

PROJECT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench_project.py")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def project(*words):
    return subprocess.run([sys.executable, PROJECT] + list(words), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def expect(ok, what):
    if not ok:
        sys.exit("test_project: " + what)


def grid(points):
    return json.dumps({"channels": 16, "layers": 8, "batch": 50, "side": 32, "threads": 2,
                       "live_threshold": 0.001, "n_points": 2, "points": points})


def main():
    with tempfile.TemporaryDirectory() as d:
        run, file = os.path.join(d, "run"), os.path.join(d, "grid.json")
        os.mkdir(run)
        points = [{"spread": s, "index": i, "temperature": t, "live_s": v, "full_s": 1.0}
                  for s, i, t, v in ((0, 0, 1.0, 1.0), (0, 1, 0.0, 0.5),
                                     (2, 0, 1.0, 0.6), (2, 1, 0.0, 0.1))]
        write(file, grid(points))
        write(os.path.join(run, "config.yaml"),
              'name: "x"\nnetwork:\n  channels: 16\n  layers: 8\nsearch:\n  epochs: 2\n  batch: 50\n'
              "alpha:\n  init_sd: 1\ntemperature:\n  start: 1\n  end: 0\nsample:\n"
              "  live_threshold: 0.001\nevaluation:\n  epoch_images: 1000\n")
        # Spread 1 throughout: 0.8 s at T = 1, 0.3 at 0. Two epochs at T = 0.5 and 0: 0.55, 0.3.
        write(os.path.join(run, "metrics.csv"),
              "epoch,temperature,alpha_spread,live_ops\n1,0.5,1,0.5\n2,0,1,0.2\n")
        write(os.path.join(run, "timing.csv"),
              "epoch,images,seconds,stall_seconds,evaluation_seconds,checkpoint_seconds\n"
              "1,500,5.5,0,0,0\n2,500,3,0,0,0\n")
        made = project("--grid", file, "--run", run, "--images", "1000", "--epochs", "2", "--json")
        expect(made.returncode == 0, made.stderr)
        hours = json.loads(made.stdout)["hours"]
        expect(abs(hours * 3600 - 8.5) < 1e-9, "8.5 s expected, got %g" % (hours * 3600))
        made = project("--grid", file, "--check", run, "--json")
        expect(made.returncode == 0 and abs(json.loads(made.stdout)["off"]) < 1e-9, made.stdout)
        # A tenth more for stall, evaluation and checkpoint is found again; twice as slow is not.
        write(os.path.join(run, "timing.csv"),
              "epoch,images,seconds,stall_seconds,evaluation_seconds,checkpoint_seconds\n"
              "1,500,11,0,0,0\n2,500,6,0,0,0\n")
        expect(project("--grid", file, "--check", run).returncode == 1, "a wrong projection passed")
        write(os.path.join(run, "timing.csv"),
              "epoch,images,seconds,stall_seconds,evaluation_seconds,checkpoint_seconds\n"
              "1,500,11,5.5,1.1,0\n2,500,6,3,0.6,0.25\n")
        made = json.loads(project("--grid", file, "--run", run, "--images", "1000", "--epochs", "2",
                                  "--json").stdout)
        parts = {k: v * 3600 for k, v in made["parts_hours"].items()}
        expect(abs(parts["loader"] - 4.25) < 1e-9, "loader %g" % parts["loader"])
        expect(abs(parts["evaluation"] - 2.55) < 1e-9, "evaluation %g" % parts["evaluation"])
        expect(abs(parts["checkpoints"] - 0.5) < 1e-9, "checkpoints %g" % parts["checkpoints"])
        # A point that a busy machine made twice as slow, both of its times: nothing changes.
        slow = [dict(p, live_s=p["live_s"] * 2, full_s=2.0) if i == 1 else p
                for i, p in enumerate(points)]
        write(file, grid(slow))
        again = json.loads(project("--grid", file, "--run", run, "--images", "1000", "--epochs",
                                   "2", "--json").stdout)
        expect(abs(again["hours"] - made["hours"]) < 1e-12, "a slow point counted")
        write(file, grid(points[:3]))
        broken = project("--grid", file, "--run", run)
        expect(broken.returncode == 1 and "not finished" in broken.stderr, broken.stderr)


if __name__ == "__main__":
    main()
