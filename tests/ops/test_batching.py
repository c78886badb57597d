"""Batching rules of the ops: which have none, and those of indices and convolutions in all their forms."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, vmap
from minigrad.autograd import batching
from minigrad.errors import MutationError
from tests.op_cases.every_op import CASES, OWN, Call

RNG = np.random.default_rng(0)
B = 3


def test_only_these_ops_are_called_once_a_sample(monkeypatch):
    told = set()
    monkeypatch.setattr(batching, "_tell", lambda op: told.add(op.name))
    for name in OWN:
        for k in range(len(CASES[name])):
            call = Call(name, k)
            arrays = [np.stack([x] * B) if isinstance(x, np.ndarray) else x for x in call.arrays]
            axes = tuple([0 if isinstance(x, np.ndarray) else None for x in call.arrays])
            if any(axis == 0 for axis in axes):
                vmap(lambda *xs, call=call: call.op(*xs, **call.settings), axes)(*arrays)
    assert told == {"searchsorted", "rnn", "lstm", "gru"}  # recurrent ones where each sample has weights of its own


# ---- indices -----------------------------------------------------------------------------------------------------

ROWS, PLANES = np.array([1, 0, 1]), np.array([[0], [1]])
INDICES = {
    "number": 1,
    "slice": (slice(None), slice(0, 2)),
    "new axis": (None, Ellipsis, 0),
    "array": ROWS,
    "array behind a slice": (slice(None), ROWS),
    "arrays side by side": (slice(None), ROWS, ROWS),
    "arrays apart": (ROWS, slice(None), ROWS),
    "arrays that broadcast, apart": (PLANES, slice(None), ROWS),
    "number and array apart": (0, slice(None), ROWS),
    "array, new axis, array": (ROWS, None, ROWS),
    "array behind dots": (Ellipsis, ROWS),
    "arrays around dots": (ROWS, Ellipsis, ROWS),
    "mask": np.array([True, False]),
    "mask of two dimensions": RNG.normal(size=(2, 3)) > 0,
    "mask beside an array": (slice(None), np.array([True, False, True]), np.array([0, 1])),
    "array without dimensions": (slice(None), np.array(1)),
    "tuple of nothing": (),
}
SHAPE = (2, 3, 4)


def is_integers(part):
    return isinstance(part, np.ndarray) and part.dtype.kind == "i"


def per_sample(index):
    """The same index with arrays of integers that differ between samples, and how to choose those of one."""
    parts = index if isinstance(index, tuple) else (index,)
    batches = [np.stack([(part + k) % 2 for k in range(B)]) for part in parts if is_integers(part)]

    def filled(arrays):
        remaining = iter(arrays)
        return tuple([next(remaining) if is_integers(part) else part for part in parts])

    return filled, batches


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
@pytest.mark.parametrize("x_batched", [True, False])
@pytest.mark.parametrize("index_batched", [True, False])
def test_index_of_samples(index, x_batched, index_batched):
    filled, batches = per_sample(index)
    if not (x_batched or index_batched) or (index_batched and not batches):
        pytest.skip("nothing differs between samples")
    x = RNG.normal(size=(B, *SHAPE))
    arrays = batches if index_batched else [batch[0] for batch in batches]
    axes = (0 if x_batched else None, 0 if index_batched else None)
    given = Tensor(x if x_batched else x[0])

    def of_sample(k):
        return x[k if x_batched else 0], filled([a[k] for a in arrays] if index_batched else arrays)

    def taken(x, arrays):
        return x[filled(arrays)] * 2.0

    def gradient(x, arrays):
        return mg.grad(lambda x: (x[filled(arrays)] ** 2).sum())(x)

    def written(x, arrays):
        out = x * 1.0
        out[filled(arrays)] = x.sum()
        return out

    for f, expected in ((taken, lambda one, place: 2 * one[place]), (gradient, squared), (written, put)):
        if f is written and not x_batched:
            with pytest.raises(MutationError, match="that all samples share"):
                vmap(f, axes)(given, arrays)
            continue
        found = vmap(f, axes)(given, arrays)
        for k in range(B):
            np.testing.assert_allclose(found[k].numpy(), expected(*of_sample(k)), err_msg=f.__name__)


def squared(x, place):
    """The gradient of the sum of x[place]^2."""
    out = np.zeros_like(x)
    np.add.at(out, place, 2 * x[place])
    return out


def put(x, place):
    out = x.copy()
    out[place] = x.sum()
    return out


def test_row_of_a_table_for_each_sample():
    table, numbers = RNG.normal(size=(5, 3)), np.array([4, 0, 4])
    np.testing.assert_array_equal(vmap(lambda n: Tensor(table)[n])(numbers).numpy(), table[numbers])
    found = vmap(lambda n: mg.grad(lambda t: t[n].sum())(Tensor(table)))(numbers)
    np.testing.assert_array_equal(found.numpy().sum((1, 2)), [3, 3, 3])
    values = vmap(lambda x, i: mg.take(x, i, axis=1), (None, 0))(table, np.array([[0, 2], [1, 1]]))
    np.testing.assert_array_equal(values.numpy(), np.stack([table[:, [0, 2]], table[:, [1, 1]]]))


# ---- convolutions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0), (0, 0, None)])
def test_convolution_of_samples_and_its_derivatives(groups, axes):
    x, w, b = RNG.normal(size=(2, 4, 5, 5)), RNG.normal(size=(6, 4 // groups, 3, 2)), RNG.normal(size=6)
    given = [
        np.stack([y * (1 + k) for k in range(B)]) if axis == 0 else y for y, axis in zip((x, w, b), axes, strict=True)
    ]

    def f(x, w, b):
        return mg.conv(x, w, b, stride=(2, 1), padding=1, groups=groups)

    def loss(x, w, b):
        return (f(x, w, b) ** 2).sum()

    def second(x, w, b):
        return mg.grad(lambda w: (mg.grad(loss)(x, w, b) ** 2).sum())(w)

    for function in (f, mg.grad(loss, 0), mg.grad(loss, 1), mg.grad(loss, 2), second):
        found = vmap(function, axes)(*given)
        for k in range(B):
            one = [Tensor(y[k] if axis == 0 else y) for y, axis in zip(given, axes, strict=True)]
            np.testing.assert_allclose(found[k].numpy(), function(*one).numpy(), rtol=1e-9, atol=1e-9)
