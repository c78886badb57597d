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
# # Take your model to ONNX and back
#
# ONNX is a file format that many runtimes read: on servers, telephones, in browsers. `minigrad.io.to_onnx` writes what a model
# computes in evaluation mode, with its weights, and `minigrad.io.from_onnx` makes a module of a file. Both need
# `pip install "minigrad[onnx]"`. Here the file is run by `onnxruntime`, too.
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
from minigrad import nn, optim
from minigrad.functional import cross_entropy
from minigrad.io import from_onnx, onnx_operator, onnx_ops, to_onnx

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
# ## And back
#
# `from_onnx` makes a module of a file. Its weights are parameters under the same names, it begins in evaluation mode, and gives the same
# numbers. It can be drawn, summarized, asked `why`, and proved like any other module.

# %%
read = from_onnx(FOLDER / "lenet5.onnx")
assert read.state_dict().keys() == model.state_dict().keys()
assert np.abs(read(images).numpy() - scores).max() < 1e-5
print(read.inputs, read.metadata)
read

# %%
mg.cost.summary(read, (1, 1, 32, 32))

# %% [markdown]
# It trains: here all but the last layer is frozen, as for [transfer learning](09_transfer_learning.py).

# %%
read.freeze()
read.get_submodule("classifier.5").unfreeze()
optimizer = optim.Adam([p for p in read.parameters() if p.requires_grad], lr=0.02)
target = np.arange(7) % 10
losses = []
for _ in range(30):
    loss = cross_entropy(read.train()(images), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"loss {losses[0]:.2f}, after 30 steps {losses[-1]:.2f}")
assert losses[-1] < losses[0]

# %% [markdown]
# ## A file of another program
#
# Files from elsewhere have other names and operators, and compute sizes as they go. This one takes two thirds of a batch's columns by
# a size that it computes from the shape. Its picture is made of what ran: the size is a plain integer, and no part of the graph.

# %%
helper = onnx.helper
nodes = [
    helper.make_node("Shape", ["x"], ["sizes"], start=1),
    helper.make_node("Mul", ["sizes", "two"], ["twice"]),
    helper.make_node("Div", ["twice", "three"], ["end"]),
    helper.make_node("Slice", ["x", "start", "end", "axis"], ["left"]),
    helper.make_node("Gemm", ["left", "layer/kernel:0"], ["scores"], name="layer/MatMul"),
    helper.make_node("Softmax", ["scores"], ["y"], name="Softmax"),
]
numbers = {"two": [2], "three": [3], "start": [0], "axis": [1]}
weights = {name: np.array(values) for name, values in numbers.items()} | {
    "layer/kernel:0": np.eye(4, 3, dtype=np.float32)
}
graph = helper.make_graph(
    nodes,
    "elsewhere",
    [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 6])],
    [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 3])],
    [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
)
foreign = from_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]))
assert [name for name, _ in foreign.named_parameters()] == ["layer.kernel_0"]
x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
mg.viz.graph(foreign, x)

# %%
assert mg.testing.check_grads(foreign.astype("float64"), x.astype(np.float64))

# %% [markdown]
# An operator that is not there is named, with the way to add it: [the list](onnx.md) tells those that are.

# %%
graph.node[-1].op_type = "Sparsemax"
try:
    from_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]))
except mg.UsageError as error:
    message = str(error)
assert "Sparsemax" in message
print(message)


# %%
@onnx_operator("Sparsemax")
def sparsemax(node, x):
    """The point of the simplex that is nearest to each row."""
    ordered = mg.sort(x, axis=-1, descending=True)
    counts = np.arange(1, x.shape[-1] + 1)
    sums = mg.cumulative_sum(ordered, axis=-1)
    support = (1 + counts * ordered > sums).numpy().sum(-1, keepdims=True)
    threshold = (mg.take_along_axis(sums, support - 1, axis=-1) - 1) / support
    return mg.relu(x - threshold.astype(x.dtype))


foreign = from_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]))
print(foreign(x).numpy().round(2))
assert np.allclose(foreign(x).numpy().sum(-1), 1)

# %% [markdown]
# ## What you should have seen
#
# A network as a file that another program runs with the same scores, for any batch size, and as a module again, which trains; models
# that are refused with the line or node at fault, in place of a file that is silently wrong; and an operator of one's own.
