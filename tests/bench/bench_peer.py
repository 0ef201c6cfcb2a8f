#!/usr/bin/python3
"""bench-peer: a training step of the supernet, ours beside PyTorch's (tests/runtimes), interleaved
round by round, so that a busy machine disturbs both alike. PyTorch runs twice: as a user writes it,
and at its best here (channels_last, tcmalloc preloaded). Its first steps are not counted.

  tests/bench/bench_peer.py [--shape fashion-mnist|cifar10] [--peers best] [--rounds 5] [--json]

fashion-mnist: C=8, 3 cells, 28 px x 1; cifar10: C=16, 8 cells, 32 px x 3 (all three at once need
24 GB there; --peers best 11 GB). Other options override the shape."""
import argparse
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import bench_common as common

SHAPES = {"fashion-mnist": {"channels": 8, "layers": 3, "side": 28, "input_channels": 1},
          "cifar10": {"channels": 16, "layers": 8, "side": 32, "input_channels": 3}}


def parse():
    p = argparse.ArgumentParser(prog="bench-peer", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--shape", choices=sorted(SHAPES), default="fashion-mnist")
    common.shape_options(p, channels=None, layers=None, batch=64, side=None, input_channels=None)
    p.add_argument("--mode", choices=("full", "onehot"), default="full")
    p.add_argument("--peers", default="plain,best", help="plain, best or both")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=3, help="steps a round")
    p.add_argument("--torch-warm-up", type=int, default=3, help="steps of PyTorch's not counted")
    p.add_argument("--json", action="store_true")
    p.add_argument("--worker", choices=("plain", "best"), help=argparse.SUPPRESS)
    o = p.parse_args()
    for name, value in SHAPES[o.shape].items():
        if getattr(o, name) is None:
            setattr(o, name, value)
    unknown = set(o.peers.split(",")) - {"plain", "best"}
    if unknown:
        p.error("--peers: no peer '%s'" % unknown.pop())
    return o


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

    for _ in range(o.torch_warm_up):
        step()
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for _ in sys.stdin:
        print(json.dumps([step() for _ in range(o.steps)]), flush=True)


def shape_arguments(o):
    return ["--channels", str(o.channels), "--layers", str(o.layers), "--batch", str(o.batch),
            "--side", str(o.side), "--input-channels", str(o.input_channels),
            "--threads", str(o.threads), "--steps", str(o.steps), "--mode", o.mode,
            "--torch-warm-up", str(o.torch_warm_up)]


def main():
    o = parse()
    if o.worker:
        return worker(o)
    preload = {"plain": None, "best": common.tcmalloc()}
    ours = common.Ours(o.bench_step, **common.shape_of(o))
    peers = {"PyTorch, " + kind: common.Peer(__file__, ["--worker", kind] + shape_arguments(o),
                                             preload[kind]) for kind in o.peers.split(",")}
    found = {"snas": []}
    found.update({name: [] for name in peers})
    for r in range(o.rounds):
        answer = ours.run(mode=o.mode, steps=o.steps, warm_up=1 if r else 3)
        found["snas"].append(answer["median_s"])
        for name, peer in peers.items():
            found[name] += peer.times()
    ours.close()
    for peer in peers.values():
        peer.close()
    result = {"machine": common.machine(), "isa": answer["isa"],
              "torch": next(iter(peers.values())).about["torch"], "tcmalloc": bool(preload["best"]),
              "shape": dict(common.shape_of(o), mode=o.mode),
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
        "" if result["tcmalloc"] else ", no tcmalloc"))
    print("C=%d, %d cells, %d px x %d, batch %d, %d threads, %s; %d rounds" % (
        o.channels, o.layers, o.side, o.input_channels, o.batch, o.threads, o.mode, o.rounds))
    for name, row in result["rows"].items():
        print("  %-16s median %8.1f ms  best %8.1f ms  %7.1f images/s  %5.2f x our time" % (
            name, row["median_s"] * 1e3, row["min_s"] * 1e3, row["images_per_s"], row["ratio"]))
    return None


if __name__ == "__main__":
    sys.exit(main())
