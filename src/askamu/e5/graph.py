"""The network as an ONNX graph: a BERT encoder, and the mean of its last layer over each text's tokens.

In: `ids` (batch, tokens) int64 and `mask` (batch, tokens) int32, 1 for a token and 0 for padding.
Out: `mean` (batch, hidden) float32, not of length 1.

Source: Devlin et al. 2018 (BERT); Wang et al. 2024 (multilingual E5: mean pooling). Word embeddings stay in the four
bits they are stored in and are unpacked as they are looked up. The other matrices are float32, or int8 with a
scale for each output; then what they are multiplied by is cut to 8 bits with a scale for each token. ONNX
Runtime's own dynamic quantization has one scale for the whole batch: it errs eight times as much (cosine
0.9965 against 0.9993), and a text's vector would depend on its neighbours in the batch (docs/decisions.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from askamu.e5 import Precision
from askamu.e5.weights import BLOCK, Floats, Weights

OPSET = 18
CONTRIB = "com.microsoft"  # operators of ONNX Runtime: attention, GELU, int8 product with float output
IR_VERSION = 10
MIDDLE = 128  # of uint8: it stands for 0
NO_SCALE = 1e-12  # of a row of zeros


def build(weights: Weights, precision: Precision) -> onnx.ModelProto:
    """The graph of the encoder with its weights."""
    return _Graph(weights, precision).model()


class _Graph:
    def __init__(self, weights: Weights, precision: Precision) -> None:
        self.weights, self.precision = weights, precision
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.quantized: set[str] = set()  # activations that were cut to 8 bits

    def model(self) -> onnx.ModelProto:
        state = self.embeddings()
        for layer in range(self.weights.layers):
            state = self.layer(layer, state)
        self.pool(state)
        inputs = [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "tokens"]),
            helper.make_tensor_value_info("mask", TensorProto.INT32, ["batch", "tokens"]),
        ]
        outputs = [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", self.weights.hidden])]
        graph = helper.make_graph(self.nodes, "e5", inputs, outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)

    # -- pieces

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant("i" + "_".join(map(str, values)), np.array(values, np.int64))

    def normalised(self, state: str, name: str, output: str) -> str:
        gain, offset = self.vector(f"{name}.w"), self.vector(f"{name}.b")
        return self.node("LayerNormalization", [state, gain, offset], output, axis=-1, epsilon=self.weights.epsilon)

    def vector(self, name: str) -> str:
        return self.constant(name, self.weights.vector(name))

    # -- the network

    def embeddings(self) -> str:
        w = self.weights
        scales, nibbles = w.blocks("emb.word")
        self.constant("word.nibbles", nibbles.reshape(w.vocabulary, -1))
        self.constant("word.scales", scales.reshape(w.vocabulary, -1, 1))
        self.node("Gather", ["word.nibbles", "ids"], "nibbles", axis=0)
        self.node("Gather", ["word.scales", "ids"], "scales", axis=0)
        self.node("Reshape", ["nibbles", self.ints(0, 0, w.hidden // BLOCK, BLOCK // 2)], "blocks")
        self.node("BitwiseAnd", ["blocks", self.constant("low", np.array(15, np.uint8))], "first")
        self.node("BitShift", ["blocks", self.constant("four", np.array(4, np.uint8))], "second", direction="RIGHT")
        self.node("Concat", ["first", "second"], "unsigned", axis=-1)
        self.node("Cast", ["unsigned"], "shifted", to=TensorProto.FLOAT)
        self.node("Sub", ["shifted", self.constant("eight", np.array(8, np.float32))], "signed")
        self.node("Cast", ["scales"], "factors", to=TensorProto.FLOAT)
        self.node("Mul", ["signed", "factors"], "weighed")
        self.node("Reshape", ["weighed", self.ints(0, 0, w.hidden)], "words")
        places: Floats = w.vector("emb.pos").reshape(w.positions, -1) + w.vector("emb.type")[: w.hidden]
        self.constant("places", places.astype(np.float32))
        self.node("Shape", ["ids"], "shape")
        self.node("Slice", ["shape", self.ints(1), self.ints(2)], "tokens")
        self.node("Slice", ["places", self.ints(0), "tokens", self.ints(0)], "placed")
        self.node("Add", ["words", "placed"], "embedded")
        return self.normalised("embedded", "emb.ln", "state")

    def layer(self, number: int, state: str) -> str:
        w, at = self.weights, f"l{number}."
        for part in "qkv":
            self.linear(state, f"{at}{part}", w.hidden, at + part)
        heads = [f"{at}q", f"{at}k", f"{at}v", "", "mask"]
        self.node("MultiHeadAttention", heads, f"{at}seen", CONTRIB, num_heads=w.heads)
        self.linear(f"{at}seen", f"{at}ao", w.hidden, f"{at}told")
        self.node("Add", [state, f"{at}told"], f"{at}sum1")
        middle = self.normalised(f"{at}sum1", f"{at}aln", f"{at}middle")
        self.linear(middle, f"{at}fi", w.feed_forward, f"{at}wide")
        self.node("Gelu", [f"{at}wide"], f"{at}bent", CONTRIB)
        self.linear(f"{at}bent", f"{at}fo", w.hidden, f"{at}narrow")
        self.node("Add", [middle, f"{at}narrow"], f"{at}sum2")
        return self.normalised(f"{at}sum2", f"{at}oln", f"{at}state")

    def pool(self, state: str) -> None:
        self.node("Cast", ["mask"], "present", to=TensorProto.FLOAT)
        self.node("Unsqueeze", ["present", self.ints(-1)], "weights")
        self.node("Mul", [state, "weights"], "kept")
        self.node("ReduceSum", ["kept", self.ints(1)], "total", keepdims=0)
        self.node("ReduceSum", ["weights", self.ints(1)], "count", keepdims=0)
        self.node("Div", ["total", "count"], "mean")

    def linear(self, state: str, name: str, rows: int, output: str) -> None:
        """output = state x matrix + bias."""
        matrix, bias = self.weights.matrix(f"{name}.w", rows), self.vector(f"{name}.b")
        if self.precision is Precision.FP32:
            self.node("MatMul", [state, self.constant(f"{name}.w", matrix.T)], f"{output}.product")
            self.node("Add", [f"{output}.product", bias], output)
            return
        self.quantize(state, matrix.shape[1])
        scales = np.maximum(np.abs(matrix).max(axis=1) / 127, NO_SCALE)
        cut = np.clip(np.rint(matrix / scales[:, None]), -127, 127).astype(np.int8)
        product = [
            f"{state}.cut", self.constant(f"{name}.w", cut.T), self.constant("unit", np.array(1, np.float32)),
            self.constant(f"{name}.s", scales.astype(np.float32)), self.constant("middle", np.array(MIDDLE, np.uint8)),
        ]  # fmt: skip
        self.node("MatMulIntegerToFloat", product, f"{output}.product", CONTRIB)
        self.node("Mul", [f"{output}.product", f"{state}.column"], f"{output}.scaled")
        self.node("Add", [f"{output}.scaled", bias], f"{output}.rows")
        self.node("Concat", [f"{state}.outer", self.ints(rows)], f"{output}.shape", axis=0)
        self.node("Reshape", [f"{output}.rows", f"{output}.shape"], output)

    def quantize(self, state: str, width: int) -> None:
        """Cut an activation to 8 bits, each token with its own scale; once, however many matrices it meets."""
        if state in self.quantized:
            return
        self.quantized.add(state)
        self.node("Reshape", [state, self.ints(-1, width)], f"{state}.flat")
        self.node("Abs", [f"{state}.flat"], f"{state}.abs")
        self.node("ReduceMax", [f"{state}.abs", self.ints(-1)], f"{state}.largest", keepdims=0)
        self.node("Mul", [f"{state}.largest", self.constant("step", np.array(1 / 127, np.float32))], f"{state}.step")
        self.node("Max", [f"{state}.step", self.constant("least", np.array(NO_SCALE, np.float32))], f"{state}.scale")
        self.node("Shape", [f"{state}.scale"], f"{state}.count")
        self.node("Expand", [self.constant("middle", np.array(MIDDLE, np.uint8)), f"{state}.count"], f"{state}.zero")
        self.node("QuantizeLinear", [f"{state}.flat", f"{state}.scale", f"{state}.zero"], f"{state}.cut", axis=0)
        self.node("Unsqueeze", [f"{state}.scale", self.ints(-1)], f"{state}.column")
        self.node("Shape", [state], f"{state}.shape")
        self.node("Slice", [f"{state}.shape", self.ints(0), self.ints(2)], f"{state}.outer")
