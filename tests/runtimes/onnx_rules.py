"""What every exported model must be beyond giving the right answers: accepted by onnx.checker with
full_check and by strict shape inference, and as the exporter promises in its versions, names, order and
metadata. usage: onnx_rules.py MODEL.onnx ...   prints one line per model, exits 1 on a fault."""

import json
import re
import sys

import onnx
from onnx import TensorProto, checker, helper, numpy_helper, shape_inference

KEYS = {"genotype", "space", "dataset", "mean", "std", "channel_order", "value_range", "params",
        "madds", "validation_accuracy", "seed"}
NODE = re.compile(r"^/(stem\d+|cell\d+|head|normalise)(/[a-z0-9_]+)*$")
WEIGHT = re.compile(r"^(stem\d+|cell\d+|head|normalise|shift)(\.[a-z0-9_]+)*$")


def sides(value):
    dims = value.type.tensor_type.shape.dim
    assert value.type.tensor_type.elem_type == TensorProto.FLOAT, value.name
    assert dims[0].dim_param == "batch", f"{value.name}: batch is {dims[0]}"
    assert all(d.HasField("dim_value") and d.dim_value > 0 for d in dims[1:]), value.name
    return [d.dim_value for d in dims[1:]]


def check_interface(graph):
    assert [v.name for v in graph.input] == ["input"], "inputs"
    assert [v.name for v in graph.output] == ["logits"], "outputs"
    assert len(sides(graph.input[0])) == 3 and len(sides(graph.output[0])) == 1, "ranks"


def check_names(graph):
    nodes = [n.name for n in graph.node]
    weights = [t.name for t in graph.initializer]
    values = ["input"] + [o for n in graph.node for o in n.output]
    assert len(set(nodes)) == len(nodes), "two nodes of one name"
    assert len(set(weights + values)) == len(weights) + len(values), "two values of one name"
    for n in graph.node:
        assert NODE.match(n.name), f"node {n.name}"
        assert list(n.output) == [n.name + "_out"] or n is graph.node[-1], f"output of {n.name}"
    for w in weights:
        assert WEIGHT.match(w), f"weight {w}"
    used = {i for n in graph.node for i in n.input}
    assert used == set(weights + values) - {"logits"}, \
        f"unread or unknown: {used ^ (set(weights + values) - {'logits'})}"


def check_order(graph):
    known = {"input"} | {t.name for t in graph.initializer}
    for n in graph.node:
        assert set(n.input) <= known, f"{n.name} reads what is not made yet"
        known |= set(n.output)


def check_nodes(graph):
    allowed = {"Conv", "BatchNormalization", "Relu", "MaxPool", "AveragePool", "Slice", "Add",
               "Concat", "GlobalAveragePool", "Flatten", "Gemm"}
    relus = [n.input[0] for n in graph.node if n.op_type == "Relu"]
    assert len(set(relus)) == len(relus), "one tensor has two Relus"
    for n in graph.node:
        assert n.op_type in allowed, n.op_type
        a = {x.name: helper.get_attribute_value(x) for x in n.attribute}
        if n.op_type == "Conv":
            assert set(a) == {"kernel_shape", "strides", "pads", "dilations", "group"}, n.name
        if "pads" in a:
            assert min(a["pads"]) >= 0, f"negative pads: {n.name}"
        if n.op_type == "AveragePool":
            assert a["count_include_pad"] == 0, n.name
        if n.op_type == "Gemm":
            assert a["transB"] == 1 and len(n.input) == 3, n.name
        if n.op_type == "Add":
            assert len(n.input) == 2, n.name


def check_metadata(model):
    meta = {p.key: p.value for p in model.metadata_props}
    assert len(meta) == len(model.metadata_props), "a key twice"
    assert KEYS <= set(meta), f"missing: {KEYS - set(meta)}"
    json.loads(meta["genotype"])
    channels = sides(model.graph.input[0])[0]
    assert len(json.loads(meta["mean"])) == len(json.loads(meta["std"])) == channels
    assert count_params(model.graph) == int(meta["params"]), "params"


def count_params(graph):
    """Of convolutions and the linear layer; a constant's convolution of zeros is not a layer."""
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    params = 0
    for n in graph.node:
        if n.op_type in ("Conv", "Gemm") and weights[n.input[1]].any():
            params += weights[n.input[1]].size
        if n.op_type == "Gemm":
            params += weights[n.input[2]].size
    return params


def check(path):
    checker.check_model(path, full_check=True)
    model = onnx.load(path)
    inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    assert len(inferred.graph.value_info) >= len(model.graph.node) - 1, "shapes that stay unknown"
    assert model.ir_version == 7, "IR version"
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 13)], "opset"
    assert model.producer_name == "snas" and model.producer_version and model.doc_string
    for test in (check_names, check_order, check_nodes, check_interface):
        test(model.graph)
    check_metadata(model)
    for t in model.graph.initializer:
        assert t.HasField("raw_data") or t.external_data, t.name


def main():
    faults = 0
    for path in sys.argv[1:]:
        try:
            check(path)
        except Exception as e:  # every fault of every model is worth a line
            print(f"{path}: {type(e).__name__}: {e}")
            faults += 1
    print(f"{len(sys.argv) - 1 - faults} passed, {faults} failed")
    sys.exit(1 if faults or len(sys.argv) < 2 else 0)


main()
