# ---
# jupyter:
#   jupytext:
#     text_representation:
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Take your model to ONNX
#
# ONNX is a file format that many runtimes read: on servers, telephones, in browsers. `minigrad.io.to_onnx` writes what a model
# computes in evaluation mode, with its weights, and needs `pip install "minigrad[onnx]"`. Here the file is run by `onnxruntime`.
#
# On the command line the same is `minigrad export runs/lenet5 -o lenet5.onnx --dynamic-batch`.

# %%
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from minigrad_models import MODELS

import minigrad as mg
from minigrad import nn
from minigrad.io import onnx_ops, to_onnx

mg.seed(0)
FOLDER = Path(tempfile.mkdtemp())

# %% [markdown]
# ## A network
#
# `to_onnx` takes the model and an example of each input. With `dynamic_batch=True` the file takes any number of samples; the first
# dimension is called N. The weights keep their names.

# %%
model = MODELS["lenet5"].make()
images = np.random.default_rng(0).random((7, 1, 32, 32), np.float32)
exported = to_onnx(model, images[:1], path=FOLDER / "lenet5.onnx", dynamic_batch=True, metadata={"classes": "0 to 9"})
for node in exported.graph.node:
    print(f"{node.name:32} {node.op_type:12} {', '.join(node.input)}")
assert {weight.name for weight in exported.graph.initializer} == set(model.state_dict())

# %% [markdown]
# ## Run it elsewhere

# %%
session = onnxruntime.InferenceSession(FOLDER / "lenet5.onnx")
(scores,) = session.run(None, {"input": images})
difference = np.abs(scores - model.eval()(images).numpy()).max()
print(f"largest difference in {scores.shape} scores: {difference:.1e}")
assert difference < 1e-5

# %% [markdown]
# ## What the file holds
#
# The model ran twice, and ops are written as operators of the standard: a linear layer as Gemm, batch normalization, which is
# several ops here, as one BatchNormalization. What does not depend on the input was computed once. Dropout does nothing in
# evaluation, and leaves no trace.

# %%
net = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(8, 2)
)  # fmt: skip
operators = Counter(node.op_type for node in to_onnx(net, images).graph.node)
assert list(operators) == ["Conv", "BatchNormalization", "Gelu", "GlobalAveragePool", "Flatten", "Gemm"]
assert net.training  # as before
onnx.checker.check_model(onnx.load(FOLDER / "lenet5.onnx"), full_check=True)
operators

# %% [markdown]
# ## What does not go
#
# Not every op has a form in ONNX. The error names the op, the layer and the line.


# %%
def refusal(model, x):
    """The error of an export."""
    try:
        to_onnx(model, x)
    except mg.UsageError as error:
        return str(error)
    return "none"


print(len(onnx_ops()), "ops have one:", ", ".join(onnx_ops()))


# %%
class Spectrum(nn.Module):
    def forward(self, x):
        return mg.abs(mg.fft.rfft(x))


message = refusal(Spectrum(), np.ones(8, np.float32))
assert "has no form in ONNX" in message
print(message)

# %% [markdown]
# A number that left the graph would stay in the file as it was in the example, and the file would be wrong for all other inputs.
# So the second run has other inputs, and what differs without being made by an op is refused.


# %%
class ByNumPy(nn.Module):
    def forward(self, x):
        return x / float(x.numpy().max())  # `x / x.max()` is right


message = refusal(ByNumPy(), np.arange(1, 9, dtype=np.float32))
assert "another one in a second run" in message
print(message)

# %% [markdown]
# ## What you should have seen
#
# A network as a file that another program runs with the same scores, for any batch size; a normalization as one operator; and two
# models that are refused with the line at fault, in place of a file that is silently wrong.
