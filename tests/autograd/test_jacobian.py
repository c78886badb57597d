"""`jacobian`: all rows or columns at once, in parts where they are many, and one by one where a rule needs it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import jacobian as module

X = np.random.default_rng(0).normal(size=4)


def wide(x):
    return mg.stack([x.sin(), x * x.sum()])  # 8 results: columns


def narrow(x):
    return mg.stack([x.sin().sum(), (x * x[0]).sum()])  # 2 results: rows


@pytest.mark.parametrize("f", [wide, narrow])
@pytest.mark.parametrize("elements", [1, 9, 1 << 20])
def test_parts_give_what_the_whole_gives(f, elements, monkeypatch):
    whole = mg.jacobian(f)(X).numpy()
    one_by_one = np.stack([mg.jvp(f, (X,), (e,))[1].numpy() for e in np.eye(4)], -1)
    np.testing.assert_allclose(whole, one_by_one, rtol=1e-12)
    monkeypatch.setattr(module, "AT_ONCE", elements)
    np.testing.assert_array_equal(mg.jacobian(f)(X).numpy(), whole)


def test_rule_that_needs_plain_numbers_is_run_once_a_row():
    @mg.op
    def halved(x):
        return x / 2

    counted = []

    @halved.vjp("x")
    def _(g):
        counted.append(float(np.asarray(g).sum()))  # which only one cotangent has
        return g / 2

    try:
        np.testing.assert_array_equal(mg.jacobian(halved)(X).numpy(), np.eye(4) / 2)
        assert counted == [1.0] * 4
    finally:
        del mg.REGISTRY["halved"]
