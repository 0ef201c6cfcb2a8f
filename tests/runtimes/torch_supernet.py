"""A DARTS/SNAS supernet as one writes it in PyTorch: the yardstick of the engine's numbers
(torch_net.py) and of its speed (tests/bench). Parameters bear the engine's names and come in its
order; layouts differ (NCHW here), `from_engine` and `to_engine` carry values across.

Ops are the space's: sequences of steps ("relu dw3 pw bn"), one for stride 1 and one for stride 2.
"""
import re

import torch
from torch import nn
from torch.nn import functional as F


def _separable(k):
    return ("relu dw%d pw bn relu dw%d pw bn" % (k, k),
            "relu dw%ds2 pw bn relu dw%d pw bn" % (k, k))


def _dilated(k):
    return ("relu dw%dd2 pw bn" % k, "relu dw%dd2s2 pw bn" % k)


OPS = {
    "none": None,
    "max_pool_3x3": ("max3 bn", "max3s2 bn"),
    "avg_pool_3x3": ("avg3 bn", "avg3s2 bn"),
    "skip_connect": ("", "relu fr bn"),
    "sep_conv_3x3": _separable(3),
    "sep_conv_5x5": _separable(5),
    "sep_conv_7x7": _separable(7),
    "dil_conv_3x3": _dilated(3),
    "dil_conv_5x5": _dilated(5),
    "conv_7x1_1x7": ("relu conv1x7 conv7x1 bn", "relu conv1x7 conv7x1s2 bn"),
    "conv_1x1": ("relu pw bn", "relu pws2 bn"),
    "nor_conv_3x3": ("relu conv3x3 bn", "relu conv3x3s2 bn"),
}
DARTS = ("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
         "dil_conv_3x3", "dil_conv_5x5")


# Kind, height, width, dilation, stride.
STEP = re.compile(r"(relu|dw|pw|conv|bn|max|avg|fr|gap|linear)(\d+)?(?:x(\d+))?(?:d(\d))?(?:s(\d))?")


class FactorizedReduce(nn.Module):
    """Two 1x1 stride-2 convolutions, the second on x shifted by one pixel; odd sides padded."""

    def __init__(self, cin, cout):
        super().__init__()
        self.weight1 = nn.Parameter(torch.empty(cout // 2, cin, 1, 1))
        self.weight2 = nn.Parameter(torch.empty(cout - cout // 2, cin, 1, 1))

    def forward(self, x):
        h, w = x.shape[2:]
        shifted = F.pad(x[:, :, 1:, 1:], (0, 1 if w % 2 else 0, 0, 1 if h % 2 else 0))
        return torch.cat([F.conv2d(x, self.weight1, stride=2),
                          F.conv2d(shifted, self.weight2, stride=2)], 1)


class Linear(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1))


def make_step(word, cin, cout, affine):
    """The module of one step and its output channels."""
    m = STEP.fullmatch(word)
    kind, kh, kw = m.group(1), int(m.group(2) or 1), int(m.group(3) or m.group(2) or 1)
    dilation, stride = int(m.group(4) or 1), int(m.group(5) or 1)
    padding = (dilation * (kh - 1) // 2, dilation * (kw - 1) // 2)
    if kind == "relu":
        return nn.ReLU(), cin
    if kind == "dw":
        return nn.Conv2d(cin, cin, (kh, kw), stride, padding, dilation, groups=cin,
                         bias=False), cin
    if kind in ("pw", "conv"):
        return nn.Conv2d(cin, cout, (kh, kw), stride, padding, bias=False), cout
    if kind == "bn":
        return nn.BatchNorm2d(cin, affine=affine), cin
    if kind == "max":
        return nn.MaxPool2d(kh, stride, padding), cin
    if kind == "avg":
        return nn.AvgPool2d(kh, stride, padding, count_include_pad=False), cin
    if kind == "fr":
        return FactorizedReduce(cin, cout), cout
    if kind == "gap":
        return nn.AdaptiveAvgPool2d(1), cin
    if kind == "linear":
        return Linear(cin, cout), cout
    raise ValueError("no step '%s'" % word)


def make_block(steps, cin, cout, affine):
    """A sequence of steps; modules named as the engine's layers: dw1, pw1, bn1, relu2, ..."""
    block, seen = nn.Sequential(), {}
    for word in steps.split():
        kind = STEP.fullmatch(word).group(1)
        seen[kind] = seen.get(kind, 0) + 1
        module, cin = make_step(word, cin, cout, affine)
        block.add_module("%s%d" % (kind, seen[kind]), module)
    return block


class Edge(nn.Module):
    """sum over k of z[k] * op_k(x); an op whose z is exactly 0 is left out when `sparse`."""

    def __init__(self, ops, c, stride, affine):
        super().__init__()
        self.names, self.stride = ops, stride
        for name in ops:
            if OPS[name] is not None:
                self.add_module(name, make_block(OPS[name][stride - 1], c, c, affine))

    def forward(self, x, z, sparse):
        total = None
        for k, name in enumerate(self.names):
            if name == "none" or (sparse and float(z[k]) == 0):
                continue
            term = z[k] * getattr(self, name)(x)
            total = term if total is None else total + term
        return total


class Cell(nn.Module):
    def __init__(self, inputs, c, reduction, nodes, ops, affine):
        """inputs: (channels, needs a factorized reduce) of the two inputs."""
        super().__init__()
        self.nodes = nodes
        for i, (cin, halve) in enumerate(inputs):
            self.add_module("pre%d" % i,
                            make_block("relu fr bn" if halve else "relu pw bn", cin, c, affine))
        for n in range(nodes):
            node = nn.Module()
            for slot in range(2 + n):
                node.add_module("edge%d" % slot,
                                Edge(ops, c, 2 if reduction and slot < 2 else 1, affine))
            self.add_module("node%d" % n, node)

    def forward(self, a, b, z, sparse, record):
        states = [self.pre0(a), self.pre1(b)]
        record(["pre0", "pre1"], states)
        for n in range(self.nodes):
            node, total = getattr(self, "node%d" % n), None
            for slot, x in enumerate(states):
                term = getattr(node, "edge%d" % slot)(x, next(z), sparse)
                if term is not None:
                    total = term if total is None else total + term
            if total is None:
                raise ValueError("a node without a live op")
            states.append(total)
            record(["node%d" % n], [total])
        return torch.cat(states[2:], 1)


class Supernet(nn.Module):
    """channels C, cells, (c, h, w) of an image, nodes a cell, op names; `reduce_at`: indexes of
    the reduction cells. forward(x, z): z has a row per edge, cell by cell."""

    def __init__(self, channels=16, layers=8, input_channels=3, classes=10, nodes=4, ops=DARTS,
                 reduce_at=None, affine=False, stem=3):
        super().__init__()
        if reduce_at is None:
            reduce_at = (layers // 3, 2 * layers // 3)
        self.ops, self.nodes, self.layers = ops, nodes, layers
        self.stem0 = make_block("conv3x3 bn", input_channels, stem * channels, True)
        before, halved, c = [stem * channels] * 2, False, channels
        for i in range(layers):
            reduction = i in reduce_at
            c *= 2 if reduction else 1
            inputs = ((before[0], halved), (before[1], False))
            self.add_module("cell%d" % i, Cell(inputs, c, reduction, nodes, ops, affine))
            before, halved = [before[1], nodes * c], reduction
        self.head = make_block("gap linear", before[1], classes, True)
        self.edges = layers * sum(2 + n for n in range(nodes))
        self.recorded = None  # a dict: forward leaves pre and node values there

    def forward(self, x, z, sparse=False):
        a = b = self.stem0(x)
        rows = iter(z)
        for i in range(self.layers):
            def record(names, values, cell=i):
                if self.recorded is not None:
                    for name, value in zip(names, values):
                        self.recorded["cell%d.%s" % (cell, name)] = value
            a, b = b, getattr(self, "cell%d" % i)(a, b, rows, sparse, record)
        return self.head(b)


_STATISTICS = {"running_mean": "mean", "running_var": "var"}


def engine_name(module, name):
    """The engine's name of a parameter or buffer, None for what it has not."""
    path, _, last = name.rpartition(".")
    if isinstance(module, nn.BatchNorm2d):
        last = dict(_STATISTICS, weight="gamma", bias="beta").get(last)
    return path + "." + last if last else None


def engine_tensors(net):
    """name -> tensor for all parameters and running statistics, in the engine's order."""
    found = {}
    for path, module in net.named_modules():
        for name, tensor in list(module.named_parameters(path, recurse=False)) + \
                list(module.named_buffers(path, recurse=False)):
            known = engine_name(module, name)
            if known:
                found[known] = tensor
    return found


def from_engine(value):
    """Engine layout to PyTorch's: [kh, kw, cin, cout], [kh, kw, c], [cin, cout] or [c]."""
    if value.dim() == 4:
        return value.permute(3, 2, 0, 1)
    if value.dim() == 3:
        return value.permute(2, 0, 1).unsqueeze(1)
    return value.t() if value.dim() == 2 else value


def to_engine(value):
    """PyTorch's layout to the engine's."""
    if value.dim() == 4 and value.shape[2:] == (1, 1):
        return value[:, :, 0, 0].t()
    if value.dim() == 4 and value.shape[1] == 1:
        return value[:, 0].permute(1, 2, 0)
    if value.dim() == 4:
        return value.permute(2, 3, 1, 0)
    return value.t() if value.dim() == 2 else value


def load_engine(net, values):
    """Copies name -> engine-layout tensor into the net; every name must be there."""
    with torch.no_grad():
        for name, tensor in engine_tensors(net).items():
            tensor.copy_(from_engine(values[name]).reshape(tensor.shape))
