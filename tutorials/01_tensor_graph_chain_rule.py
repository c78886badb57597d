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
# # A Tensor, a graph, the chain rule
#
# An autograd engine does one thing: while you compute, it writes down how every number came about, and then reads its notes
# backward to find out how the result changes with each input. After this page you know all of it.

# %%
from minigrad import Graph, Tensor, grad, jvp, op, tensor, vjp

# %% [markdown]
# ## A Tensor is an array
#
# Python numbers become float32, arrays keep their dtype, and NumPy's operators and methods work as you know them.

# %%
a = tensor([[1.0, 2.0], [3.0, 4.0]])
b = (a * 10).sum(axis=0)
assert b.tolist() == [40.0, 60.0]
b

# %% [markdown]
# ## ... that remembers
#
# With `requires_grad=True` a Tensor becomes a *variable*, and all that is computed from it is recorded. Take
#
# $$z = t^2, \qquad t = x + y.$$

# %%
x = Tensor(3.0, requires_grad=True)
y = Tensor(4.0, requires_grad=True)
t = x + y
z = t**2
z

# %% [markdown]
# `z` says that it was "made by pow". Behind it stands a small graph: a node an operation, an edge an input.

# %%
graph = Graph.of(z, names={"x": x, "y": y})
for node in graph:
    inputs = [graph.nodes[start].name for start, end, _ in graph.edges if end == node.id]
    print(f"{node.name:4} {'<- ' + ', '.join(inputs) if inputs else ''}")
assert [node.name for node in graph] == ["x", "y", "add", "pow"]

# %% [markdown]
# `minigrad.viz.graph` makes a picture of it:
#
# ```python
# from minigrad.viz import graph
# graph(z, names={"x": x, "y": y}).save("graph.svg")
# ```
#
# ![the graph of (x + y)^2](images/chain_rule.svg)
#
# ## The chain rule, read backward
#
# Each operation knows only its own derivative:
#
# $$\frac{\partial z}{\partial t} = 2t, \qquad \frac{\partial t}{\partial x} = 1, \qquad \frac{\partial t}{\partial y} = 1.$$
#
# The chain rule multiplies along the path, $\partial z/\partial x = 2t \cdot 1 = 2(x + y)$. `backward` walks the graph from the
# newest node to the oldest and does just that.

# %%
z.backward()
assert x.grad.item() == y.grad.item() == 2 * (3.0 + 4.0)
x.grad, y.grad

# %% [markdown]
# What travels backward is called the *cotangent* $g$: how the final number changes with the value at hand. At `z` it is 1. The
# rule of `pow` turns it into $g \cdot 2t = 14$, and the rule of `add` hands those 14 to both of its inputs.
#
# When a value is used twice, its cotangents add up, because both paths change the result:

# %%
x = Tensor(3.0, requires_grad=True)
(x * x + 5 * x).backward()
assert x.grad.item() == 2 * 3.0 + 5

# %% [markdown]
# ## Functions instead of Tensors
#
# `grad` makes the derivative of a function, as a function. It nests: derivatives are computed by the same ops, so they can be
# differentiated again.

# %%
cube = lambda x: x**3  # noqa: E731
slopes = [cube, grad(cube), grad(grad(cube)), grad(grad(grad(cube)))]
assert [f(2.0) if f is cube else f(2.0).item() for f in slopes] == [8.0, 12.0, 12.0, 6.0]

# %% [markdown]
# For functions between vectors the derivative is a matrix $J$. Reverse mode gives $J^\top g$ without ever forming it (`vjp`), and
# forward mode gives $J v$ (`jvp`). They are two views of one matrix, so $\langle g, Jv\rangle = \langle J^\top g, v\rangle$:
# the identity that a correct derivative must satisfy, and the heart of how minigrad tests its own.

# %%
f = lambda x: (x * x).reshape(2, 1) * tensor([1.0, 2.0, 3.0])  # noqa: E731
point, v, g = tensor([1.0, 2.0]), tensor([0.5, -1.0]), tensor([[1.0, 0.0, 2.0], [3.0, 1.0, 1.0]])
_, pull = vjp(f, point)
_, push = jvp(f, [point], [v])
left, right = (g * push).sum().item(), (pull(g)[0] * v).sum().item()
assert left == right
left, right

# %% [markdown]
# ## An op of your own
#
# The library's ops are written like this one: a forward function on arrays, and for each input a rule that says what to do with
# the cotangent. A rule asks for what it needs by name: `g`, an input, or `out`, the result.


# %%
@op
def sigmoid_of(x):
    """1 / (1 + exp(-x))."""
    from numpy import exp

    return 1 / (1 + exp(-x))


@sigmoid_of.vjp("x")
def _(g, out):
    return g * out * (1 - out)


# %% [markdown]
# That is all: it records, differentiates to any order, and is drawn like any other op. The sigmoid's slope is steepest at 0,
# where it is 1/4, and flat at both ends, which is why deep stacks of sigmoids learn slowly: each layer shrinks the gradient
# at least fourfold.

# %%
slope = grad(sigmoid_of)
assert slope(0.0).item() == 0.25
assert grad(slope)(0.0).item() == 0.0
[round(slope(x).item(), 4) for x in (-4.0, -2.0, 0.0, 2.0, 4.0)]

# %% [markdown]
# **What you should have seen:** a graph is a record of operations; `backward` is the chain rule walked from newest to oldest;
# a rule is one line of calculus. The next page trains a network with nothing more than this.
