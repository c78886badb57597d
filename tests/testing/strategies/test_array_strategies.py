"""Strategies of arrays: everything drawn is what it says, and every condition is drawn."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import domain
from minigrad.shapes import ShapeSpec
from minigrad.testing import strategies

DOMAINS = [domain.REAL, domain.POSITIVE, domain.NONZERO, domain.UNIT, domain.ABOVE_ONE, domain.Domain(0.2, 0.3)]
SEARCH = settings(max_examples=2000, database=None, derandomize=True, phases=[Phase.generate])
SHRINK = settings(max_examples=2000, database=None, derandomize=True)


@pytest.mark.parametrize("where", DOMAINS, ids=str)
@given(data=st.data())
def test_numbers_lie_in_their_domain(where, data):
    x = data.draw(strategies.arrays(domain=where, kinks=(0.0, 1.0), dtype=np.float64))
    assert all(v in where for v in x.ravel().tolist())
    assert x.size <= 8


@pytest.mark.parametrize("where", DOMAINS, ids=str)
@given(data=st.data())
def test_large_arrays_are_drawn_as_one_number_and_lie_in_their_domain(where, data):
    x = data.draw(strategies.arrays((40, 50), domain=where, dtype=np.float64, layout="C"))
    assert all(v in where for v in x.ravel().tolist())
    assert len(np.unique(x)) > 1000


def test_tails_are_drawn_and_ordinary_numbers_remain_the_majority():
    far = []

    @settings(SEARCH, max_examples=300)
    @given(strategies.arrays((3,)), strategies.arrays((3,), tails=False))
    def drawn(x, y):
        size = np.abs(x)
        far.append(np.count_nonzero((size > 3) | ((size > 0) & (size < 2e-6))))
        assert np.all(np.abs(y) <= 3)

    drawn()
    assert 10 < np.count_nonzero(far) < 150
    assert far.count(1) > np.count_nonzero(far) / 2


@pytest.mark.parametrize("where", DOMAINS, ids=str)
def test_tails_come_close_to_the_ends_of_a_domain(where):
    for end in (where.low, where.high):
        if np.isfinite(end):
            find(strategies.arrays((2,), domain=where, dtype=np.float64, layout="C"),
                 lambda x, end=end: np.any(np.abs(x - end) < 1e-5), settings=SEARCH)  # fmt: skip


def test_a_failure_in_the_tails_shrinks_to_one_number():
    x = find(strategies.arrays(layout="C"), lambda x: np.any(x > 30), settings=SHRINK)
    assert x.size == 1
    x = find(strategies.arrays((3,), layout="C"), lambda x: np.any(x > 30), settings=SHRINK)
    assert np.count_nonzero(x == 0.5) == 2


@given(data=st.data())
def test_matrices_lie_in_their_domain(data):
    x = data.draw(strategies.arrays((2, 2), domain=domain.POSITIVE_DEFINITE))
    assert np.all(np.linalg.eigvalsh(x) > 0)


@given(shapes=strategies.broadcastable_shapes(3))
def test_shapes_broadcast(shapes):
    np.broadcast_shapes(*shapes)


@given(data=st.data())
def test_shapes_fit_their_specification(data):
    spec = ShapeSpec("N C H W, O C/groups P Q, O? -> N O I J")
    shapes = data.draw(strategies.fitting_shapes(spec, {"groups": 2}))
    assert spec.mismatch(["x", "w", "b"], shapes, {"groups": 2}) is None


@given(data=st.data())
def test_windows_fit_their_image(data):
    image = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    window = data.draw(strategies.windows(image))
    mg.REGISTRY["max_pool"](np.zeros((1, 1, *image)), **window)


@given(data=st.data(), ndim=st.integers(1, 3))
def test_axes_are_axes(data, ndim):
    axis = data.draw(strategies.axes(ndim))
    np.sum(np.zeros((1,) * ndim), axis=axis)


CONDITIONS = {
    "0-d": lambda x: x.ndim == 0,
    "empty": lambda x: x.size == 0,
    "single precision": lambda x: x.dtype == np.float32,
    "Fortran order": lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
    "reversed": lambda x: any(s < 0 for s in x.strides),
    "broadcast": lambda x: x.size > 1 and 0 in x.strides,
    "tie": lambda x: x.size == 2 and x.ravel()[0] == x.ravel()[1],
    "near-tie": lambda x: x.size == 2 and 0 < abs(float(x.ravel()[0] - x.ravel()[1])) < 1e-5,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_is_drawn(condition):
    find(strategies.arrays(kinks="ties"), CONDITIONS[condition], settings=SEARCH)


def test_examples_shrink_to_simple_numbers():
    x = find(strategies.arrays(dtype=np.float64), lambda x: x.ndim == 1 and np.any(x < 0), settings=SHRINK)
    assert x.tolist() == [-0.5]


def test_tensors_are_variables():
    assert find(strategies.tensors((2,)), lambda x: True, settings=SEARCH).requires_grad
