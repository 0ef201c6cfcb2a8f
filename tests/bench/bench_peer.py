#!/usr/bin/python3
"""bench-peer: a training step of the supernet, ours beside PyTorch's (tests/runtimes), interleaved
round by round, so that a busy machine disturbs both alike. PyTorch runs twice: as a user writes it,
and at its best here (channels_last, tcmalloc preloaded). Its first steps are not counted.

  bench-peer --bench-step build/release/bin/bench-step [--rounds 5] [--json]
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def parse():
    p = argparse.ArgumentParser(prog="bench-peer", description=__doc__.split("\n")[0])
    p.add_argument("--bench-step", default="build/release/bin/bench-step")
    p.add_argument("--channels", type=int, default=8)
    p.add_argument("--layers", type=int, default=3)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--side", type=int, default=28)
    p.add_argument("--input-channels", type=int, default=1)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--mode", choices=("full", "onehot"), default="full")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=3, help="steps a round")
    p.add_argument("--json", action="store_true")
    p.add_argument("--worker", choices=("plain", "best"), help=argparse.SUPPRESS)
    return p.parse_args()


def worker(o):
    """The PyTorch side: for every line on stdin times o.steps steps, answers with a JSON list."""
    sys.path.insert(0, os.path.join(HERE, "..", "runtimes"))
    import torch
    import torch_supernet

    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    net = torch_supernet.Supernet(o.channels, o.layers, o.input_channels)
    x = torch.randn(o.batch, o.input_channels, o.side, o.side)
    y = torch.randint(0, 10, (o.batch,))
    if o.worker == "best":
        net = net.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(net.parameters(), 0.025, 0.9, weight_decay=3e-4)
    ops = len(net.ops)

    def step():
        z = torch.full((net.edges, ops), 1.0 / ops)
        if o.mode == "onehot":
            z = torch.nn.functional.one_hot(torch.randint(1, ops, (net.edges,)), ops).float()
        z.requires_grad_()
        begin = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(net(x, z, o.mode == "onehot"), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimiser.step()
        return time.perf_counter() - begin

    for _ in range(3):
        step()
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for _ in sys.stdin:
        print(json.dumps([step() for _ in range(o.steps)]), flush=True)


def shape_arguments(o):
    return ["--channels", str(o.channels), "--layers", str(o.layers), "--batch", str(o.batch),
            "--side", str(o.side), "--input-channels", str(o.input_channels),
            "--threads", str(o.threads), "--steps", str(o.steps), "--mode", o.mode]


class Peer:
    def __init__(self, o, kind, preload):
        env = dict(os.environ)
        if preload:
            env["LD_PRELOAD"] = preload
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", kind] + shape_arguments(o), env=env, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.torch = self.read()["torch"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("bench-peer: the PyTorch process ended early")
        return json.loads(line)

    def times(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def our_times(o):
    """Median step times of a run of bench-step; its own warm-up is not in them."""
    out = subprocess.run([o.bench_step] + shape_arguments(o) + ["--json"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return json.loads(out)


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[0], 2)}


def main():
    o = parse()
    if o.worker:
        return worker(o)
    tcmalloc = sorted(glob.glob("/usr/lib/*/libtcmalloc.so.4") +
                      glob.glob("/usr/lib/*/libtcmalloc_minimal.so.4"))
    peers = {"PyTorch, plain": Peer(o, "plain", None),
             "PyTorch, best": Peer(o, "best", tcmalloc[0] if tcmalloc else None)}
    found = {"snas": []}
    found.update({name: [] for name in peers})
    for _ in range(o.rounds):
        ours = our_times(o)
        found["snas"].append(ours["median_s"])
        for name, peer in peers.items():
            found[name] += peer.times()
    for peer in peers.values():
        peer.close()
    result = {"machine": machine(), "isa": ours["isa"],
              "torch": next(iter(peers.values())).torch, "tcmalloc": bool(tcmalloc),
              "shape": {k: getattr(o, k) for k in ("channels", "layers", "batch", "side",
                                                   "input_channels", "threads", "mode")},
              "rounds": o.rounds, "rows": {}}
    base = statistics.median(found["snas"])
    for name, times in found.items():
        median = statistics.median(times)
        result["rows"][name] = {"median_s": median, "min_s": min(times),
                                "images_per_s": o.batch / median, "ratio": median / base}
    if o.json:
        print(json.dumps(result, indent=1))
        return None
    m = result["machine"]
    print("%s, %d cores, load %.1f; %s, PyTorch %s%s" % (
        m["processor"], m["cores"], m["load"], result["isa"], result["torch"],
        "" if tcmalloc else ", no tcmalloc"))
    print("C=%d, %d cells, %d px x %d, batch %d, %d threads, %s; %d rounds" % (
        o.channels, o.layers, o.side, o.input_channels, o.batch, o.threads, o.mode, o.rounds))
    for name, row in result["rows"].items():
        print("  %-16s median %8.1f ms  best %8.1f ms  %7.1f images/s  %5.2f x our time" % (
            name, row["median_s"] * 1e3, row["min_s"] * 1e3, row["images_per_s"], row["ratio"]))
    return None


if __name__ == "__main__":
    sys.exit(main())
