"""Files: arrays in the safetensors format and NumPy's, nested states, ONNX models, atomic writes and locks.

>>> import numpy as np
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     save(f"{folder}/weights.safetensors", {"w": np.eye(2)})
...     arrays, texts = load(f"{folder}/weights.safetensors")
>>> arrays["w"].tolist()
[[1.0, 0.0], [0.0, 1.0]]
"""

from minigrad.io.atomic import write_atomically
from minigrad.io.file_lock import FileLock
from minigrad.io.nested import load_state, save_state
from minigrad.io.npz import load_npz
from minigrad.io.onnx.export import to_onnx
from minigrad.io.onnx.importer.load import from_onnx
from minigrad.io.onnx.importer.model import OnnxModel
from minigrad.io.onnx.importer.registry import onnx_operator, onnx_operators
from minigrad.io.onnx.table import onnx_ops
from minigrad.io.safetensors import load, save

__all__ = [
    "FileLock",
    "OnnxModel",
    "from_onnx",
    "load",
    "load_npz",
    "load_state",
    "onnx_operator",
    "onnx_operators",
    "onnx_ops",
    "save",
    "save_state",
    "to_onnx",
    "write_atomically",
]
