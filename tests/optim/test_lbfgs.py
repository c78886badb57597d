"""L-BFGS and its line search: the conditions that a step meets, minima that are known, and what is kept and refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import NonFiniteError, StateError, Tensor, UsageError
from minigrad.optim import LBFGS
from minigrad.optim.line_search import LinePoint, strong_wolfe
from tests.helper import variable

numbers = st.floats(-3, 3).map(lambda x: round(x, 3))


def rosenbrock(x):
    return ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()


def closure_of(optimizer, f, *xs):
    def closure():
        optimizer.zero_grad()
        loss = f(*xs)
        loss.backward()
        return loss

    return closure


@given(st.tuples(numbers, numbers, numbers, numbers), st.floats(-4, 4), st.floats(-3, 3))
def test_step_of_the_line_search_meets_the_strong_wolfe_conditions(coefficients, at, exponent):
    a, b, c, d = coefficients

    def value(t):  # bounded from below, with several minima
        return a * np.sin(b * t + at) + c * np.cos(t) + 0.1 * (t - d) ** 2

    def slope(t):
        return a * b * np.cos(b * t + at) - c * np.sin(t) + 0.2 * (t - d)

    sign = -np.sign(slope(0.0))
    if abs(slope(0.0)) < 1e-3:
        return

    def along(t):
        return LinePoint(t, value(sign * t), sign * slope(sign * t), np.zeros(1))

    start, tried = along(0.0), []
    end = strong_wolfe(lambda t: tried.append(t) or along(t), start, 10**exponent)
    assert end.step > 0
    assert end.value <= start.value + 1e-4 * end.step * start.slope + 1e-12
    assert abs(end.slope) <= 0.9 * abs(start.slope)
    assert end.step in tried
    assert len(tried) <= 25


def test_line_search_comes_back_from_where_the_function_has_no_value():
    with np.errstate(all="ignore"):
        along = lambda t: LinePoint(t, -np.log(1 - t) - 3 * t, 1 / (1 - t) - 3, np.zeros(1))  # noqa: E731
        end = strong_wolfe(along, along(0.0), 50.0)
    assert 0 < end.step < 1
    assert abs(end.slope) <= 0.9 * 2


def test_line_search_without_a_lower_point_stays():
    along = lambda t: LinePoint(t, abs(t), -1.0, np.zeros(1))  # noqa: E731  a slope that lies
    assert strong_wolfe(along, along(0.0), 1.0).step == 0


@pytest.mark.parametrize("size", [1, 2, 5, 12])
@pytest.mark.parametrize("seed", range(3))
def test_quadratic_function_is_solved_in_about_as_many_steps_as_it_has_numbers(size, seed):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(size, size)))
    a, b, x = (q * rng.uniform(1, 20, size)) @ q.T, rng.normal(size=size), variable(rng.normal(size=size))
    optimizer = LBFGS([x], max_iter=4 * size + 4, line_search_fn="strong_wolfe", tolerance_change=0.0)
    optimizer.step(closure_of(optimizer, lambda x: x @ a @ x / 2 - b @ x, x))
    np.testing.assert_allclose(x.numpy(), np.linalg.solve(a, b), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rosenbrocks_valley_in_several_parameters(dtype):
    x, y = variable([-1.2, 1.0], dtype), variable([[0.5]], dtype)
    optimizer = LBFGS([x, y], max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-12)

    def loss(x, y):
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2 + ((y - 3) ** 2).sum()

    optimizer.step(closure_of(optimizer, loss, x, y))
    np.testing.assert_allclose([*x.numpy(), y.item()], [1, 1, 3], atol=1e-6 if dtype == np.float64 else 5e-3)
    assert optimizer.memory.evaluations < 100


def test_complex_numbers_are_moved_as_two_real_ones():
    x = variable([1 + 1j, -2j], complex)
    optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    target = np.array([3 - 1j, 0.5 + 0j])

    def closure():
        optimizer.zero_grad()
        difference = x - target
        loss = (difference * difference.conj()).real.sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(x.numpy(), target, atol=1e-6)


def test_parameters_without_a_gradient_stay():
    x, unused, frozen = variable(np.ones(2)), variable(np.ones(3)), Tensor(np.ones(2))
    optimizer = LBFGS([x, unused, frozen])
    optimizer.step(closure_of(optimizer, lambda x: (x * x).sum(), x))
    np.testing.assert_array_equal(unused.numpy(), np.ones(3))
    np.testing.assert_array_equal(frozen.numpy(), np.ones(2))
    assert abs(x.numpy()).max() < 1e-6


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_state_goes_on_bit_for_bit(search):
    def made(values):
        x = variable(values)
        return x, LBFGS([x], lr=0.5 if search else 1e-3, max_iter=3, history_size=4, line_search_fn=search)

    x, optimizer = made(np.array([-1.2, 1.0, 0.7]))
    for _ in range(3):
        optimizer.step(closure_of(optimizer, rosenbrock, x))
    y, other = made(x.numpy())
    other.load_state_dict(optimizer.state_dict())
    for _ in range(3):
        optimizer.step(closure_of(optimizer, rosenbrock, x))
        other.step(closure_of(other, rosenbrock, y))
    np.testing.assert_array_equal(x.numpy(), y.numpy())
    assert optimizer.memory.evaluations == other.memory.evaluations


def test_state_of_other_parameters_is_refused_and_nothing_changed():
    x, y = variable(np.ones(3)), variable(np.ones((2, 2)))
    optimizer, other = LBFGS([x]), LBFGS([y])
    optimizer.step(closure_of(optimizer, rosenbrock, x))
    optimizer.step(closure_of(optimizer, lambda x: (x * x).sum(), x))
    with pytest.raises(StateError, match="the parameters hold 4 numbers"):
        other.load_state_dict(optimizer.state_dict())
    with pytest.raises(StateError, match='no "memory"'):
        other.load_state_dict({name: value for name, value in optimizer.state_dict().items() if name != "memory"})
    assert other.memory.iterations == 0


def test_loss_that_raises_leaves_the_parameters_where_the_step_began():
    x = variable(np.array([2.0]))
    optimizer = LBFGS([x], line_search_fn="strong_wolfe")
    calls = []

    def closure():
        calls.append(x.numpy().copy())
        if len(calls) == 2:
            raise RuntimeError("full disk")
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="full disk"):
        optimizer.step(closure)
    assert not np.array_equal(calls[1], [2.0])
    np.testing.assert_array_equal(x.numpy(), [2.0])


def test_what_cannot_work_is_told():
    x = variable(np.ones(2))
    with pytest.raises(UsageError, match="give it a closure"):
        LBFGS([x]).step()
    with pytest.raises(UsageError, match="one group"):
        LBFGS([{"params": [x]}, {"params": [variable(np.ones(1))]}])
    for settings, message in [
        ({"line_search_fn": "armijo"}, 'None or "strong_wolfe"'),
        ({"max_iter": 0}, "max_iter must be a whole number"),
        ({"tolerance_grad": -1.0}, "tolerance_grad must be at least 0"),
    ]:
        with pytest.raises(UsageError, match=message):
            LBFGS([x], **settings)
    optimizer = LBFGS([x])
    with pytest.raises(UsageError, match="must return the loss"):
        optimizer.step(lambda: None)
    with pytest.raises(NonFiniteError, match="no parameter has been changed"):
        optimizer.step(closure_of(optimizer, lambda x: (x * np.nan).sum(), x))
    np.testing.assert_array_equal(x.numpy(), np.ones(2))


@pytest.mark.peer
@pytest.mark.parametrize("settings", [{"lr": 1e-3}, {"lr": 0.5, "history_size": 2}, {"max_iter": 7, "max_eval": 3}])
def test_steps_without_a_line_search_are_those_of_pytorch(settings):
    torch = pytest.importorskip("torch")
    start = np.array([-1.2, 1.0, 0.7])

    def f(x):  # steps of length 1 stay finite
        return ((x - 0.5) ** 2 * 3).sum() + (x[1:] * x[:-1]).sum() * 0.3 + (x**4).sum() * 0.05

    x, theirs = variable(start), torch.tensor(start, requires_grad=True)
    optimizer, their = LBFGS([x], **settings), torch.optim.LBFGS([theirs], **settings)
    for _ in range(4):
        optimizer.step(closure_of(optimizer, f, x))
        their.step(closure_of(their, f, theirs))
        np.testing.assert_allclose(x.numpy(), theirs.detach().numpy(), rtol=1e-10)
