"""The calls of ONNX Runtime's Python package that docs/examples/classify.py and the recipe of
snas-cost models make, answered by OpenCV and onnx: Debian has no package onnxruntime, and both have
to run in the tests."""
from types import SimpleNamespace

import cv2
import onnx


class SessionOptions:
    pass


class InferenceSession:
    def __init__(self, path, options=None, providers=None):
        self._model = onnx.load(path)
        self._net = cv2.dnn.readNetFromONNX(path)

    def get_modelmeta(self):
        props = {p.key: p.value for p in self._model.metadata_props}
        return SimpleNamespace(custom_metadata_map=props)

    def get_inputs(self):
        value = self._model.graph.input[0]
        dims = value.type.tensor_type.shape.dim
        shape = [d.dim_param or d.dim_value for d in dims]
        return [SimpleNamespace(name=value.name, shape=shape)]

    def run(self, outputs, feeds):
        assert outputs is None
        (name, x), = feeds.items()
        assert x.dtype == "float32" and name == self.get_inputs()[0].name
        self._net.setInput(x, name)
        return [self._net.forward()]
