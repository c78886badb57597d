"""What all optimizers share: how they treat arrays, what they skip, and what they refuse."""

import inspect

import numpy as np
import pytest

from minigrad import Tensor, UsageError, no_grad, optim
from minigrad.optim import SGD, Adam, Optimizer
from tests.helper import variable
from tests.optim.problem import CASES

CURVATURE = np.array([[1.0, 4.0, 0.5], [2.0, 0.1, 3.0]])
START = np.array([[1.0, -2.0, 3.0], [0.5, 5.0, -1.0]])

EVERY = {kind: {} for kind in [*CASES, "Lion"]} | {
    "SGD momentum": {"momentum": 0.9},
    "Adam amsgrad": {"amsgrad": True},
    "RMSprop centered": {"centered": True, "momentum": 0.9},
}


@pytest.fixture(params=EVERY)
def make(request):
    kind = getattr(optim, request.param.split()[0])
    return lambda params, **settings: kind(params, lr=0.1, **EVERY[request.param], **settings)


def test_update_goes_through_any_layout_and_size(make):
    start = np.linspace(-1, 1, 40_000).reshape(200, 200)
    plain, fortran = variable(start), variable(start)
    fortran.data = np.asfortranarray(start)
    held = fortran.data
    slices = [variable(row) for row in start]
    optimizers = [make([plain]), make([fortran]), make(slices)]
    for _ in range(3):
        for p in (plain, fortran, *slices):
            p.grad = Tensor(p.numpy() * 2)
        for optimizer in optimizers:
            optimizer.step()
    np.testing.assert_allclose(plain.numpy(), fortran.numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(plain.numpy(), np.stack([p.numpy() for p in slices]), rtol=1e-12, atol=1e-14)
    assert not np.array_equal(plain.numpy(), start)
    np.testing.assert_array_equal(held, start)


def test_gradient_of_any_layout_serves_and_is_not_written_to(make):
    p, q = variable(START), variable(START)
    gradient = np.asfortranarray(CURVATURE)
    p.grad, q.grad = Tensor(CURVATURE), Tensor(gradient.T).T  # the second has the strides of a transpose
    for optimizer in (make([p], weight_decay=0.1), make([q], weight_decay=0.1)):
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)
    np.testing.assert_array_equal(q.grad.numpy(), CURVATURE)


def test_step_in_half_precision_is_that_of_single_precision_rounded(make):
    start = np.array([1.0, -0.5, 2.0, 0.25, 0.0], np.float16)
    half, single = variable(start, np.float16), variable(start, np.float32)
    optimizers = [make([half], weight_decay=0.01), make([single], weight_decay=0.01)]
    for gradient in ([0, 6e-8, 1e-4, 1.0, 6e4], [0, 0, -1e-4, 0.5, 0]):  # squares vanish, and overflow
        for p, optimizer in zip((half, single), optimizers, strict=True):
            p.grad = Tensor(np.array(gradient, np.float16).astype(p.dtype))
            optimizer.step()
        np.testing.assert_array_equal(half.numpy(), single.numpy().astype(np.float16))
        for name, value in optimizers[0].state[half].items():
            np.testing.assert_array_equal(value, optimizers[1].state[single][name])
        single.data = half.numpy()
    optimizers[0].load_state_dict(optimizers[0].state_dict())
    assert all(np.asarray(value).dtype != np.float16 for value in optimizers[0].state[half].values())


WITH_BETAS = [kind for kind in EVERY if "betas" in inspect.signature(getattr(optim, kind.split()[0])).parameters]


@pytest.mark.parametrize("kind", WITH_BETAS)
def test_settings_that_are_lists_are_shared_with_nobody(kind):
    kind = getattr(optim, kind.split()[0])
    betas, p, q = [0.5, 0.9], variable([1.0]), variable([1.0])
    optimizer = kind([{"params": [p], "betas": betas}, {"params": [q]}], betas=betas)
    first = optimizer.state_dict()
    betas[0] = 0.1
    assert [group["betas"] for group in optimizer.param_groups] == [(0.5, 0.9)] * 2
    optimizer.param_groups[0]["betas"] = changed = [0.2, 0.9]
    second = optimizer.state_dict()
    changed[0] = 0.3
    assert [tuple(state["param_groups"][0]["betas"]) for state in (first, second)] == [(0.5, 0.9), (0.2, 0.9)]
    loaded = {**second, "param_groups": [{**group, "betas": [0.6, 0.7]} for group in second["param_groups"]]}
    optimizer.load_state_dict(loaded)
    loaded["param_groups"][0]["betas"][0] = 0.1
    assert tuple(optimizer.param_groups[0]["betas"]) == (0.6, 0.7)


def test_names_in_a_state_dict_are_a_copy():
    optimizer = SGD([("weight", variable([1.0]))])
    optimizer.state_dict()["param_groups"][0]["param_names"].append("another")
    assert optimizer.param_groups[0]["param_names"] == ["weight"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (3, 1)])
def test_numbers_empties_and_dtypes_are_updated(make, shape, dtype):
    p = variable(np.ones(shape), dtype)
    optimizer = make([p])
    for _ in range(2):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    assert (p.shape, p.dtype) == (shape, dtype)
    assert (p.numpy() < 1).all()


def test_result_that_became_a_variable_is_updated(make):
    p = (Tensor(1.0) * 2).detach()
    p.requires_grad = True
    p.grad = Tensor(1.0)
    make([p]).step()
    assert p.item() < 2


def test_step_leaves_live_graphs_and_handed_out_views_alone(make):
    p = variable(START)
    loss, view, other = (p * p).sum(), p.data, p.detach()
    p.grad = Tensor(np.ones_like(START))
    make([p]).step()
    for old in (view, other.numpy()):
        np.testing.assert_array_equal(old, START)
    p.grad = None
    loss.backward()
    np.testing.assert_array_equal(p.grad.numpy(), 2 * START)


def test_parameter_without_gradient_is_left_out(make):
    p, q = variable([1.0]), variable([1.0])
    optimizer = make([p, q])
    p.grad = Tensor(np.ones(1))
    optimizer.step()
    q.requires_grad = False
    optimizer.step()
    optimizer.zero_grad()
    assert p.item() != 1
    assert (q.item(), p.grad) == (1, None)


def test_gradients_can_be_filled_with_zeros_which_momentum_goes_on_from():
    p, q, untouched = variable([1.0]), variable([1.0]), variable([1.0])
    optimizer = SGD([p, q, untouched], lr=1.0, momentum=0.5)
    p.grad = q.grad = Tensor(np.ones(1))
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    assert (p.grad.tolist(), p.grad.dtype, untouched.grad) == ([0], p.dtype, None)
    q.grad = None
    optimizer.step()
    assert (p.item(), q.item()) == (-0.5, 0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: SGD([]), "no parameters"),
        (lambda p: SGD([p * 2]), "parameter 0 is no variable but the result of mul"),
        (lambda p: SGD(["p"]), "parameter 0 is no Tensor but a str"),
        (lambda p: SGD([p.numpy()]), "parameter 0 is no Tensor but a"),
        (lambda p: SGD({"params": [p]}), "give the parameters in a list"),
        (lambda p: SGD([{"params": [p], "learning_rate": 0.1}]), "a group has learning_rate; known are lr, momentum"),
        (lambda p: SGD([{"lr": 0.1}]), 'a group is a dict with "params"'),
        (lambda p: SGD([{"params": {p}}]), "a set has no order"),
        (lambda p: SGD([("p", p), variable(2.0)]), "either all parameters of a group have names, or none"),
        (lambda p: SGD([{"params": [("p", p)]}, {"params": [variable(2.0)]}]), "either all groups have names"),
        (lambda p: SGD([p, p]), r"parameter 1, of shape \(\), is given twice"),
        (lambda p: SGD([{"params": [p]}, {"params": [p]}]), "given twice"),
        (lambda p: SGD([p], lr=-1), "lr must be at least 0 and finite, got -1"),
        (lambda p: SGD([p], lr=float("nan")), "lr must be at least 0 and finite, got nan"),
        (lambda p: SGD([p], lr=float("inf")), "lr must be at least 0 and finite, got inf"),
        (lambda p: SGD([p], lr="0.1"), "SGD: lr is a number, not a str: give a float"),
        (lambda p: SGD([p], lr=p), r"SGD: lr is a number, not a Tensor: give a float \(of a Tensor, .item\(\)\)"),
        (lambda p: Adam([p], weight_decay=None), "Adam: weight_decay is a number, not a NoneType"),
        (lambda p: Adam([p], betas=("a", 0.9)), r"betas\[0\] must lie in \[0, 1\), got 'a'"),
        (lambda p: SGD([Tensor(np.array([1, 2]))]), "SGD: parameter 0 holds int64: use .astype"),
        (lambda p: SGD(3), "SGD: parameters are Tensors in a list, not a int"),
        (lambda p: SGD([p], momentum=-0.1), "momentum"),
        (lambda p: SGD([p], nesterov=True), "Nesterov"),
        (lambda p: SGD([{"params": [p], "momentum": 0}], momentum=0.9, nesterov=True), "Nesterov"),
        (lambda p: Adam([p], betas=(0.9, 1.0)), r"betas\[1\] must lie in \[0, 1\), got 1.0"),
        (lambda p: Adam([p], betas=0.9), "betas are two numbers, got 0.9"),
        (lambda p: Adam([p], betas=(0.9,)), "betas are two numbers"),
        (lambda p: Adam([p], eps=-1.0), "eps"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make(variable(1.0))


def test_generator_of_parameters_serves_once():
    p = variable([1.0])
    assert SGD(x for x in [p]).param_groups[0]["params"] == [p]


def test_repr_says_the_settings():
    assert (
        repr(SGD([variable(1.0)], lr=0.1))
        == "SGD(lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False)"
    )


def test_optimizer_alone_cannot_step():
    p = variable(1.0)
    with no_grad():
        p.grad = Tensor(np.array(1.0))
    with pytest.raises(NotImplementedError):
        Optimizer([p], lr=0.1).step()


MANY = [
    pytest.param(SGD, {"lr": 0.1}, id="SGD"),
    pytest.param(SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}, id="momentum"),
    pytest.param(optim.Lion, {"lr": 0.1}, id="Lion"),
    pytest.param(Adam, {"amsgrad": True}, id="AMSGrad"),
    pytest.param(optim.AdamW, {}, id="AdamW"),
    pytest.param(optim.NAdam, {}, id="NAdam"),
    pytest.param(optim.RAdam, {}, id="RAdam"),
    pytest.param(optim.Adamax, {}, id="Adamax"),
]


@pytest.mark.parametrize(("kind", "settings"), MANY)
def test_parameters_that_are_updated_in_one_go_are_what_they_are_alone(kind, settings):
    """Of all dtypes, some without a gradient at times, one with a gradient that has gaps."""
    shapes = [((100, 90), "f"), ((3,), "f"), ((2, 5), "d"), ((4,), "e"), ((7,), "F"), ((0,), "f"), ((6, 4), "f")]
    rng = np.random.default_rng(0)
    together, alone = ([Tensor(np.ones(shape, dtype), requires_grad=True) for shape, dtype in shapes] for _ in range(2))
    one, other = kind(together, **settings), kind(alone, **settings)
    for k in range(4):
        for i, (p, q) in enumerate(zip(together, alone, strict=True)):
            g = rng.normal(size=(*p.shape, 2))[..., 0].astype(p.dtype)
            p.grad = q.grad = None if (i, k) in ((1, 0), (2, 2)) else Tensor(g)
        one.step()
        for q in alone:
            if q.grad is not None:
                other._step_parameters([q], [q.grad._data], other.param_groups[0])
    for p, q in zip(together, alone, strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
        assert one.state[p].keys() == other.state[q].keys()
        for name, value in one.state[p].items():
            np.testing.assert_array_equal(value, other.state[q][name])
