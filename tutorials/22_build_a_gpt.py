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
# # Build a GPT from nothing but this table of derivatives
#
# A GPT looks like a machine of its own kind. It is not: it is a composition of eleven functions whose derivatives everyone knows. Here it is
# built from these, in NumPy alone, without an autograd library:
#
# - the table: a function and its derivative a row, each proved,
# - thirty lines that apply the chain rule to whatever is composed of it,
# - softmax, layer norm, attention and GELU as compositions,
# - the GPT, whose loss and gradients equal those of `minigrad_models.gpt` to the last digits,
# - and a training, after which it writes.

# %%
import time

import numpy as np
from minigrad_models.gpt import GPT

import minigrad as mg
from minigrad.data import docstring_text
from minigrad.testing import check_grads
from minigrad.training import generate

# %% [markdown]
# ## The table
#
# Each row has a function of arrays and, for each argument, what a small change of it does to a loss: `g` is the derivative of the loss with
# respect to the result. What was broadcast is summed again, which is the only thing to remember beside calculus.


# %%
def unbroadcast(g, x):
    """Sum over the axes along which x was repeated."""
    shape = np.shape(x)
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(k for k, n in enumerate(shape) if n == 1), keepdims=True)


def scatter(g, ids, table):
    """Add each row of g to the row of a table that it was taken from."""
    out = np.zeros_like(table)
    np.add.at(out, ids, g)
    return out


#            function                                 derivative, for each argument
TABLE = {
    "add": (lambda x, y: x + y,                      lambda g, out, x, y: (unbroadcast(g, x), unbroadcast(g, y))),
    "multiply": (lambda x, y: x * y,                 lambda g, out, x, y: (unbroadcast(g * y, x), unbroadcast(g * x, y))),
    "matmul": (lambda x, y: x @ y,                   lambda g, out, x, y: (unbroadcast(g @ y.swapaxes(-1, -2), x),
                                                                           unbroadcast(x.swapaxes(-1, -2) @ g, y))),
    "exp": (lambda x: np.exp(x),                     lambda g, out, x: (g * out,)),
    "log": (lambda x: np.log(x),                     lambda g, out, x: (g / x,)),
    "tanh": (lambda x: np.tanh(x),                   lambda g, out, x: (g * (1 - out * out),)),
    "power": (lambda x, p: x**p,                     lambda g, out, x, p: (g * p * x ** (p - 1), None)),
    "sum": (lambda x: x.sum(-1, keepdims=True),      lambda g, out, x: (np.broadcast_to(g, x.shape),)),
    "take": (lambda x, ids: x[ids],                  lambda g, out, x, ids: (scatter(g, ids, x), None)),
    "transpose": (lambda x, axes: x.transpose(axes), lambda g, out, x, axes: (g.transpose(np.argsort(axes)), None)),
    "reshape": (lambda x, shape: x.reshape(shape),   lambda g, out, x, shape: (g.reshape(x.shape), None)),
}  # fmt: skip

# %% [markdown]
# (`transpose` and `reshape` only move numbers, so they hardly count.) Nothing here has to be believed. `check_grads` compares each row with
# numerical derivatives and tells how far these can be trusted:

# %%
rng = np.random.default_rng(0)
x, y = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5))
SETTINGS = {"power": (-0.5,), "take": (np.array([1, 0, 1, 1]),), "transpose": ((1, 2, 0),), "reshape": ((4, 6),)}
CALLS = {"add": (x, y[:, 0]), "multiply": (x, y[:, 0]), "matmul": (x, y), "log": (np.exp(x),), "power": (np.exp(x),)}

for name, (function, derivative) in TABLE.items():
    inputs, settings = CALLS.get(name, (x,)), SETTINGS.get(name, ())

    def forward(*inputs, function=function, settings=settings):
        return function(*inputs, *settings)

    def pull(g, *inputs, function=function, derivative=derivative, settings=settings):
        return derivative(g, function(*inputs, *settings), *inputs, *settings)[: len(inputs)]

    report = check_grads(forward, *inputs, vjp=pull if len(inputs) > 1 else lambda g, x, pull=pull: pull(g, x)[0])
    assert report, report
    print(f"{name:10}", report.verdict.name.lower())


# %% [markdown]
# ## The chain rule
#
# A `Variable` remembers which row made it, and of what. Going back from the loss, each adds to its arguments what the table says. In this
# order (the newest first) a variable has heard from all that used it before it speaks itself.


# %%
class Variable:
    count = 0

    def __init__(self, value, row=None, inputs=()):
        self.value, self.row, self.inputs, self.grad = value, row, inputs, 0.0
        Variable.count += 1
        self.number = Variable.count


def value(x):
    return x.value if isinstance(x, Variable) else x


def apply(name, *inputs):
    return Variable(TABLE[name][0](*map(value, inputs)), name, inputs)


def backward(loss):
    found, waiting = {}, [loss]
    while waiting:
        variable = waiting.pop()
        if variable.number not in found:
            found[variable.number] = variable
            waiting += [x for x in variable.inputs if isinstance(x, Variable)]
    loss.grad = np.ones_like(loss.value)
    for number in sorted(found, reverse=True):
        variable = found[number]
        if variable.row is not None:
            gradients = TABLE[variable.row][1](variable.grad, variable.value, *map(value, variable.inputs))
            for x, g in zip(variable.inputs, gradients, strict=True):
                if isinstance(x, Variable):
                    x.grad = x.grad + g


# %% [markdown]
# That is the whole library. Now the parts of a GPT, each a line or two.
#
# The largest score is subtracted before `exp`, so that nothing overflows. It may count as a constant, for it changes no result.


# %%
def add(x, y):
    return apply("add", x, y)


def times(x, y):
    return apply("multiply", x, y)


def linear(x, p, name):
    return add(apply("matmul", x, p[f"{name}.weight"]), p[f"{name}.bias"])


def softmax(scores):
    e = apply("exp", add(scores, -value(scores).max(axis=-1, keepdims=True)))
    return times(e, apply("power", apply("sum", e), -1.0))


def mean(x):
    return times(apply("sum", x), 1 / value(x).shape[-1])


def layer_norm(x, p, name):
    centered = add(x, times(mean(x), -1.0))
    scale = apply("power", add(mean(times(centered, centered)), 1e-5), -0.5)
    return add(times(times(centered, scale), p[f"{name}.weight"]), p[f"{name}.bias"])


def gelu(x):
    cubic = add(x, times(times(times(x, x), x), 0.044715))
    return times(times(x, 0.5), add(apply("tanh", times(cubic, (2 / np.pi) ** 0.5)), 1.0))


# %% [markdown]
# Attention: from each token a query, a key and a value. The products of a token's query with the keys of all others say how much it takes of
# their values. What comes later gets $-\infty$, hence a weight of 0: no token sees the one that it is to guess.


# %%
def heads(x, count):
    """(N, T, E) -> (N, heads, T, E / heads)."""
    n, length, width = value(x).shape
    return apply("transpose", apply("reshape", x, (n, length, count, width // count)), (0, 2, 1, 3))


def attention(x, p, name, count):
    n, length, width = value(x).shape
    mask = np.triu(np.full((length, length), -np.inf, np.float32), 1)
    projected = apply("transpose", linear(x, p, f"{name}.c_attn"), (2, 0, 1))
    parts = [
        apply("transpose", apply("take", projected, np.arange(k * width, (k + 1) * width)), (1, 2, 0)) for k in range(3)
    ]
    q, k, v = (heads(part, count) for part in parts)
    scores = times(apply("matmul", q, apply("transpose", k, (0, 1, 3, 2))), (count / width) ** 0.5)
    seen = apply("matmul", softmax(add(scores, mask)), v)
    joined = apply("reshape", apply("transpose", seen, (0, 2, 1, 3)), (n, length, width))
    return linear(joined, p, f"{name}.c_proj")


def block(x, p, name, count):
    x = add(x, attention(layer_norm(x, p, f"{name}.ln_1"), p, f"{name}.attn", count))
    inside = gelu(linear(layer_norm(x, p, f"{name}.ln_2"), p, f"{name}.mlp.c_fc"))
    return add(x, linear(inside, p, f"{name}.mlp.c_proj"))


def gpt(ids, p, depth, count):
    """The scores of what follows each token. (N, T) -> (N, T, V)."""
    x = add(apply("take", p["wte.weight"], ids), apply("take", p["wpe.weight"], np.arange(ids.shape[1])))
    for k in range(depth):
        x = block(x, p, f"h.{k}", count)
    return apply("matmul", layer_norm(x, p, "ln_f"), apply("transpose", p["wte.weight"], (1, 0)))


def loss_of(scores, targets):
    """The mean of -log p of what did follow."""
    size = value(scores).shape[-1]
    chosen = times(softmax(scores), np.eye(size, dtype=np.float32)[targets])  # 0 but for the right token
    surprise = times(apply("log", apply("sum", chosen)), -1.0 / targets.size)
    return apply("sum", apply("reshape", surprise, (targets.size,)))


# %% [markdown]
# ## Is it one?
#
# The names of the weights are those of the published GPT-2, and so are those of `minigrad_models.gpt.GPT`. Both get the same weights and
# the same text: docstrings of minigrad, character by character.

# %%
text = docstring_text()[:150_000]
characters = sorted(set(text))
data = np.searchsorted(characters, list(text))
T, E, DEPTH, HEADS = 32, 64, 2, 4


def batch(rng, size):
    starts = rng.integers(0, len(data) - T - 1, size)
    return np.stack([data[s : s + T] for s in starts]), np.stack([data[s + 1 : s + T + 1] for s in starts])


mg.seed(0)
theirs = GPT(len(characters), T, E, DEPTH, HEADS, dropout=0.0, std=0.08)
p = {name: Variable(array.copy()) for name, array in theirs.state_dict().items()}
ids, targets = batch(np.random.default_rng(0), 4)

loss = loss_of(gpt(ids, p, DEPTH, HEADS), targets)
backward(loss)
expected = theirs.loss(theirs(ids), mg.Tensor(targets))
expected.backward()
print(f"{len(characters)} characters; the loss is {loss.value.item():.6f} here, {expected.item():.6f} there")
assert abs(loss.value.item() - expected.item()) < 1e-5
for name, parameter in theirs.named_parameters():
    difference = abs(p[name].grad - parameter.grad.numpy()).max() / abs(parameter.grad.numpy()).max()
    assert difference < 1e-4, (name, difference)
made = sum(1 for _ in p)
print(f"the gradients of all {made} weights agree; the graph has {loss.number - made} variables")

# %% [markdown]
# At the start the loss is about $\log V$: the model thinks all characters equally likely.
#
# ## Teach it
#
# Adam, in four lines: each weight moves by its mean gradient, in units of its usual size.


# %%
class Adam:
    def __init__(self, p, lr):
        self.p, self.lr, self.t = p, lr, 0
        self.m, self.v = ({name: np.zeros_like(x.value) for name, x in p.items()} for _ in range(2))

    def step(self, scale):
        self.t += 1
        for name, x in self.p.items():
            self.m[name] += 0.1 * (x.grad - self.m[name])
            self.v[name] += 0.05 * (x.grad**2 - self.v[name])
            m, v = self.m[name] / (1 - 0.9**self.t), self.v[name] / (1 - 0.95**self.t)
            x.value -= scale * self.lr * m / (np.sqrt(v) + 1e-8)
            x.grad = 0.0


STEPS = 500
optimizer, rng, losses = Adam(p, 0.004), np.random.default_rng(1), []
for variable in p.values():
    variable.grad = 0.0
start = time.process_time()
for step in range(STEPS):
    ids, targets = batch(rng, 16)
    loss = loss_of(gpt(ids, p, DEPTH, HEADS), targets)
    backward(loss)
    optimizer.step(min(1, (step + 1) / 20) * (1 - step / STEPS))
    losses.append(loss.value.item())
    if step % 100 == 0:
        print(f"step {step:3}  loss {losses[-1]:.3f}")
seconds = time.process_time() - start
print(f"the last 20: {np.mean(losses[-20:]):.3f}, after {seconds:.0f} s of processor time")
assert np.mean(losses[-20:]) < 2.1 < losses[0]

# %% [markdown]
# ## Let it write
#
# `generate` draws one character after the other from the scores of any model. It gets the weights that the table has taught.

# %%
theirs.load_state_dict({name: variable.value for name, variable in p.items()})
begin = np.searchsorted(characters, list("The "))
written = generate(theirs, begin, 240, temperature=0.7, rng=np.random.default_rng(0))
print("".join(characters[k] for k in written))

# %% [markdown]
# It has found out about words, their usual lengths and endings, about spaces and new lines. What these words should say takes more of everything:
# `minigrad train gpt-small` is five times as large. GPT-2 has 250 times as many weights as that, and the same eleven functions:
# `minigrad_models.create("gpt2").load_state_dict(...)` takes its published file.
#
# ## What a library adds
#
# The same steps in minigrad, whose ops join several rows of the table (softmax with its logarithm, layer norm, attention in blocks) and are held
# to these by tests:

# %%
mg.seed(0)
model = GPT(len(characters), T, E, DEPTH, HEADS, dropout=0.0, std=0.08)
adam = mg.optim.Adam(model.parameters(), lr=0.004, betas=(0.9, 0.95))
rng, start = np.random.default_rng(1), time.process_time()
for _ in range(30):
    ids, targets = batch(rng, 16)
    adam.zero_grad()
    model.loss(model(ids), mg.Tensor(targets)).backward()
    adam.step()
print(
    f"{(time.process_time() - start) / 30 * 1000:.0f} ms of processor time a step, and {seconds / STEPS * 1000:.0f} ms above"
)

# %% [markdown]
# ## What you should have seen
#
# - Eleven rows, each provable alone, give the derivative of everything that is composed of them.
# - Softmax, layer norm, GELU and attention have no derivatives of their own: the chain rule finds them.
# - A GPT of these rows agrees with minigrad's in its loss and in every gradient, and learns.
# - minigrad's own table is the same idea with more rows: [every derivative on one page](derivatives.md).
