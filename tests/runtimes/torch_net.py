"""Compares the engine with PyTorch, given the program that runs one step of the engine:

    torch_net.py NET_DUMP

- in double every value, gradient and statistic of a supernet agrees to rounding;
- in float the edges of every op agree to 1e-5, a cell of all to 1e-4;
- in float a whole supernet by the reference is no farther from the double one than PyTorch's float
  is, and one by the vectorised units not much farther.
"""
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile

import torch
from torch.nn import functional as F

from torch_supernet import DARTS, Supernet, engine_tensors, load_engine, to_engine

TYPES = {"F32": torch.float32, "F64": torch.float64}
# Rounding of the vectorised units beside PyTorch's, at most: they sum an output's products in one
# chain (measured 1.0 to 1.4).
VECTORISED = 1.5
EVERY_OP = [op for op in DARTS if op != "none"] + ["sep_conv_7x7", "conv_7x1_1x7", "nor_conv_3x3",
                                                    "conv_1x1"]


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    size, = struct.unpack("<Q", data[:8])
    header, found = json.loads(data[8:8 + size]), {}
    header.pop("__metadata__", None)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        buffer = bytearray(data[8 + size + begin:8 + size + end])
        found[name] = torch.frombuffer(buffer, dtype=TYPES[entry["dtype"]])
    return found


def run_engine(program, spec, f64):
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "step.safetensors")
        arguments = ["%s=%s" % (k, v) for k, v in spec.items()]
        subprocess.run([program, out, "f64=%d" % f64] + arguments, check=True)
        return read_safetensors(out)


def run_torch(spec, start, dtype):
    """The same step by PyTorch; a dict with the engine's names and layouts, flat."""
    layers, batch = spec["layers"], spec["batch"]
    reduce_at = (layers // spec["reduce_den"],) if spec["reduce_den"] else ()
    net = Supernet(spec["channels"], layers, 3, spec["classes"], spec["nodes"],
                   spec["ops"].split(","), reduce_at, bool(spec["affine"])).to(dtype)
    engine = {}
    for name, tensor in engine_tensors(net).items():
        flat = start["param/" + name].to(dtype)
        shape = to_engine(tensor).shape
        engine[name] = flat.reshape(shape)
    load_engine(net, engine)
    images = start["images"].to(dtype).reshape(batch, spec["h"], spec["w"], 3)
    images = images.permute(0, 3, 1, 2).contiguous()
    images.requires_grad_(True)
    z = start["z"].to(dtype).reshape(net.edges, -1).clone().requires_grad_(True)
    labels = start["labels"].long()
    net.train()
    net.recorded = {}
    logits = net(images, z)
    loss = F.cross_entropy(logits, labels, label_smoothing=spec["smoothing"])
    loss.backward()
    out = {"loss": loss.detach().reshape(1), "value/logits": logits, "dz": z.grad,
           "dimages": images.grad.permute(0, 2, 3, 1)}
    for name, value in net.recorded.items():
        out["value/" + name] = value.permute(0, 2, 3, 1)
    for name, tensor in engine_tensors(net).items():
        if name.endswith((".mean", ".var")):
            out["after/" + name] = tensor
        else:
            out["grad/" + name] = to_engine(tensor.grad)
    net.eval()
    net.recorded = None
    with torch.no_grad():
        out["eval_logits"] = net(images, z)
    return {name: value.detach().reshape(-1).clone() for name, value in out.items()}


def distance(a, b, names):
    """|a - b| / |b| over all the named tensors together."""
    difference = sum(float(((a[n].double() - b[n].double()) ** 2).sum()) for n in names)
    norm = sum(float((b[n].double() ** 2).sum()) for n in names)
    return (difference / norm) ** 0.5


def compare(title, a, b, tolerance):
    """Every tensor of b against a's, each relative to its own norm (gradients: at least a
    thousandth of all gradients', because a weight in front of a batch norm may have none; running
    means: at least 0.1, their momentum, of the standard deviations, because that of a pool over
    normalised values cancels)."""
    grads = [n for n in b if n.startswith("grad/")]
    floor = 1e-3 * sum(float((b[n].double() ** 2).sum()) for n in grads) ** 0.5
    worst, where = 0.0, ""
    for name, value in b.items():
        error = float((a[name].double() - value.double()).norm())
        norm = float(value.double().norm())
        if name.startswith("grad/"):
            norm = max(norm, floor)
        if name.endswith(".mean"):
            norm = max(norm, 0.1 * float(b[name[:-4] + "var"].double().sum()) ** 0.5)
        relative = error / norm if norm else error
        if not relative <= worst:
            worst, where = relative, name
    passed = worst <= tolerance
    print("%s %-44s worst %.2e (%s), allowed %.0e" %
          ("ok  " if passed else "FAIL", title, worst, where, tolerance))
    return passed


def spec_of(**changes):
    spec = dict(layers=1, channels=4, nodes=1, h=9, w=7, batch=4, classes=5, reduce_den=0,
                affine=0, smoothing=0, seed=1, fast=0, ops=",".join(DARTS))
    spec.update(changes)
    return spec


def check_double(program):
    """A supernet with both cell kinds, odd sides, all ops: in double all agrees to rounding."""
    passed = True
    for changes in (dict(layers=3, nodes=2, reduce_den=3),
                    dict(layers=4, nodes=4, reduce_den=2, affine=1, smoothing=0.1, h=12, w=12),
                    dict(layers=3, nodes=2, reduce_den=2, channels=5, affine=1,
                         ops="none," + ",".join(EVERY_OP))):
        spec = spec_of(**changes)
        engine = run_engine(program, spec, 1)
        passed &= compare("double, %(layers)d cells, C=%(channels)d, %(h)dx%(w)d" % spec, engine,
                          run_torch(spec, engine, torch.float64), 1e-9)
    return passed


def check_float(program):
    """Each op alone on the edges of a normal and a reduction cell in float to 1e-5, of PyTorch's
    double and of its float; a cell of all to 1e-4."""
    passed = True
    for op in EVERY_OP:
        for reduction in (0, 1):
            spec = spec_of(ops=op, reduce_den=reduction and 2, seed=3, fast=1)
            engine = run_engine(program, spec, 0)
            for dtype in (torch.float64, torch.float32):
                passed &= compare("float, %s%s, %s" % (op, ", stride 2" if reduction else "",
                                                       str(dtype)[6:]), engine,
                                  run_torch(spec, engine, dtype), 1e-5)
    for reduction in (0, 1):
        spec = spec_of(nodes=4, channels=16, h=12, w=12, reduce_den=reduction and 2, seed=4,
                       fast=1)
        engine = run_engine(program, spec, 0)
        passed &= compare("float, a cell of DARTS%s" % (", stride 2" if reduction else ""), engine,
                          run_torch(spec, engine, torch.float32), 1e-4)
    return passed


def check_distance(program):
    """The engine's float is no farther from double than PyTorch's float is, in the median over
    some seeds: a seed in which a ReLU turns is far off in whichever of the two it happens."""
    sets = {"logits": "value/logits", "d theta": "grad/", "dz": "dz", "dimages": "dimages"}
    found = {}
    for seed in range(1, 6):
        spec = spec_of(layers=3, nodes=3, channels=8, h=20, w=20, reduce_den=2, batch=8, seed=seed)
        truth = run_engine(program, spec, 1)
        engines = {"reference": run_engine(program, spec, 0),
                   "engine": run_engine(program, dict(spec, fast=1), 0)}
        engines["PyTorch"] = run_torch(spec, engines["engine"], torch.float32)
        for who, step in engines.items():
            for title, prefix in sets.items():
                names = [n for n in engines["PyTorch"] if n.startswith(prefix)]
                found.setdefault((title, who), []).append(distance(step, truth, names))
    passed = True
    for title in sets:
        median = {who: statistics.median(found[title, who]) for who in engines}
        good = (median["reference"] <= median["PyTorch"] and
                median["engine"] <= VECTORISED * median["PyTorch"])
        passed &= good
        print("%s float from double, supernet, %-20s %s" %
              ("ok  " if good else "FAIL", title,
               ", ".join("%s %.2e" % entry for entry in median.items())))
    return passed


def main():
    torch.set_num_threads(1)
    program = sys.argv[1]
    passed = check_double(program)
    passed &= check_float(program)
    passed &= check_distance(program)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
