#!/usr/bin/python3
"""bench-train: a training step of one architecture (forward, backward, clipped SGD), ours beside
PyTorch's, interleaved round by round. PyTorch runs at its best here (channels_last, tcmalloc
preloaded); its first steps are not counted. Both networks must have as many parameters.

  bench-train --bench-child build/release/bin/bench-child [--rounds 3] [--json]
"""
import argparse
import ast
import collections
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import bench_common as common

Genotype = collections.namedtuple("Genotype", "normal normal_concat reduce reduce_concat")


def parse():
    p = argparse.ArgumentParser(prog="bench-train", description=__doc__.split("\n")[0])
    p.add_argument("--bench-child", default="build/release/bin/bench-child")
    p.add_argument("--genotype", default="configs/genotypes/DARTS_V2.txt")
    p.add_argument("--channels", type=int, default=36)
    p.add_argument("--layers", type=int, default=20)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--side", type=int, default=32)
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", type=int, default=1, help="steps a round")
    p.add_argument("--json", action="store_true")
    p.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return p.parse_args()


def read_genotype(path):
    """The papers' tuple text."""
    with open(path) as f:
        lines = [line for line in f if not line.lstrip().startswith("#")]
    call = ast.parse("".join(lines)).body[0].value
    return Genotype(**{k.arg: ast.literal_eval(k.value) for k in call.keywords})


def make_network(o):
    sys.path.insert(0, os.path.join(HERE, "..", "runtimes"))
    import torch
    from torch import nn
    from torch_supernet import OPS, make_block

    class Cell(nn.Module):
        def __init__(self, inputs, c, choices, concat, reduction):
            super().__init__()
            self.pre = nn.ModuleList(
                make_block("relu fr bn" if halve else "relu pw bn", cin, c, True)
                for cin, halve in inputs)
            self.froms = [slot for _, slot in choices]
            self.concat = concat
            self.ops = nn.ModuleList()
            for name, slot in choices:
                steps = OPS[name][1 if reduction and slot < 2 else 0]
                if "pool" in name:
                    steps = steps.replace(" bn", "")  # as published
                self.ops.append(make_block(steps, c, c, True))

        def forward(self, a, b):
            states = [self.pre[0](a), self.pre[1](b)]
            for i in range(0, len(self.ops), 2):
                states.append(self.ops[i](states[self.froms[i]]) +
                              self.ops[i + 1](states[self.froms[i + 1]]))
            return torch.cat([states[i] for i in self.concat], 1)

    class Network(nn.Module):
        def __init__(self, genotype):
            super().__init__()
            self.stem = make_block("conv3x3 bn", 3, 3 * o.channels, True)
            before, halved, c = [3 * o.channels] * 2, False, o.channels
            self.cells = nn.ModuleList()
            for i in range(o.layers):
                reduction = i in (o.layers // 3, 2 * o.layers // 3)
                c *= 2 if reduction else 1
                choices, concat = ((genotype.reduce, genotype.reduce_concat) if reduction else
                                   (genotype.normal, genotype.normal_concat))
                self.cells.append(Cell(((before[0], halved), (before[1], False)), c, choices,
                                       concat, reduction))
                before, halved = [before[1], len(concat) * c], reduction
            self.head = make_block("gap linear", before[1], 10, True)

        def forward(self, x):
            a = b = self.stem(x)
            for cell in self.cells:
                a, b = b, cell(a, b)
            return self.head(b)

    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    return torch, Network(read_genotype(o.genotype))


def worker(o):
    """The PyTorch side: for every line on stdin o.steps steps, answers with a JSON list."""
    torch, net = make_network(o)
    net = net.to(memory_format=torch.channels_last)
    x = torch.randn(o.batch, 3, o.side, o.side).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (o.batch,))
    optimiser = torch.optim.SGD(net.parameters(), 0.025, 0.9, weight_decay=3e-4)

    def step():
        begin = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(net(x), y).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimiser.step()
        return time.perf_counter() - begin

    first = step()
    step()
    print(json.dumps({"torch": torch.__version__, "first_s": first,
                      "parameters": sum(p.numel() for p in net.parameters())}), flush=True)
    for _ in sys.stdin:
        print(json.dumps([step() for _ in range(o.steps)]), flush=True)


def shape_arguments(o):
    return [word for name in ("genotype", "channels", "layers", "batch", "side", "threads", "steps")
            for word in ("--" + name, str(getattr(o, name)))]


def main():
    o = parse()
    if o.worker:
        return worker(o)
    tcmalloc, ours, theirs = common.tcmalloc(), [], []
    peer = common.Peer(__file__, ["--worker"] + shape_arguments(o), tcmalloc)
    for _ in range(o.rounds):
        out = subprocess.run([o.bench_child, "--mode", "train", "--json"] + shape_arguments(o),
                             check=True, text=True, stdout=subprocess.PIPE).stdout
        about = json.loads(out)
        ours.append(about["median_s"])
        theirs += peer.times()
    peer.close()
    if about["parameters"] != peer.about["parameters"]:
        sys.exit("bench-train: %d parameters here, %d there" % (about["parameters"],
                                                                 peer.about["parameters"]))
    result = {"isa": about["isa"], "torch": peer.about["torch"], "tcmalloc": bool(tcmalloc),
              "parameters": about["parameters"], "batch": o.batch, "threads": o.threads,
              "snas_s": statistics.median(ours), "torch_s": statistics.median(theirs),
              "torch_first_step_s": peer.about["first_s"]}
    result["ratio"] = result["torch_s"] / result["snas_s"]
    if o.json:
        print(json.dumps(result, indent=1))
        return None
    print("C=%d, %d cells, %d px, batch %d, %d threads, %d parameters; %s, PyTorch %s%s" % (
        o.channels, o.layers, o.side, o.batch, o.threads, result["parameters"], result["isa"],
        result["torch"], "" if tcmalloc else ", no tcmalloc"))
    print("  snas     median %8.1f ms  %s" % (result["snas_s"] * 1e3, timing(ours)))
    print("  PyTorch  median %8.1f ms  %s  %.2f x our time (first step %.1f s)" % (
        result["torch_s"] * 1e3, timing(theirs), result["ratio"], peer.about["first_s"]))
    return None


def timing(times):
    return "(%.1f to %.1f)" % (min(times) * 1e3, max(times) * 1e3)


if __name__ == "__main__":
    sys.exit(main())
