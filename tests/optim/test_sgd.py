"""SGD: by closed forms, by a loop in NumPy, and against PyTorch; and what all optimizers share."""

import copy

import numpy as np
import pytest

from minigrad import StateError, Tensor, UsageError, no_grad
from minigrad.optim import SGD, Adam, Optimizer
from tests.helper import variable

SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.05, "dampening": 0.1},
    {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True},
]
CURVATURE = np.array([[1.0, 4.0, 0.5], [2.0, 0.1, 3.0]])
START = np.array([[1.0, -2.0, 3.0], [0.5, 5.0, -1.0]])


def descend(p, optimizer, steps, curvature=CURVATURE):
    """Minimize 1/2 sum curvature * p^2."""
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * (p * p * curvature).sum()).backward()
        optimizer.step()
    return p.numpy()


def by_loop(p, steps, *, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    """The formulas of the docstring, one after the other."""
    v = None
    for _ in range(steps):
        g = CURVATURE * p + weight_decay * p
        v = g if v is None else momentum * v + (1 - dampening) * g
        p = p - lr * ((g + momentum * v) if nesterov else v if momentum else g)
    return p


def test_plain_descent_has_a_closed_form():
    p = variable(START)
    np.testing.assert_allclose(descend(p, SGD([p], lr=0.1), 20), START * (1 - 0.1 * CURVATURE) ** 20, rtol=1e-12)


def test_momentum_on_a_constant_slope_has_a_closed_form():
    # With g = 1 always, v_t = (1 - m^t)/(1 - m), and p falls by lr times the sum of these.
    p, m, lr = variable(0.0), 0.9, 0.1
    optimizer = SGD([p], lr=lr, momentum=m)
    for _ in range(10):
        p.grad = Tensor(np.array(1.0))
        optimizer.step()
    assert p.item() == pytest.approx(-lr * sum([(1 - m**t) / (1 - m) for t in range(1, 11)]))


def test_weight_decay_alone_shrinks_geometrically():
    p = variable([4.0])
    optimizer = SGD([p], lr=0.1, weight_decay=0.5)
    for _ in range(5):
        p.grad = Tensor(np.zeros(1))
        optimizer.step()
    assert p.item() == pytest.approx(4 * 0.95**5)


def test_stored_numbers_of_three_nesterov_steps():
    # By hand for f = p^2/2, lr 0.1, momentum 0.5: v is 1, 1.35, 1.3725, and p falls by 0.1 (p + v/2) each time.
    p, seen = variable([1.0]), []
    optimizer = SGD([p], lr=0.1, momentum=0.5, nesterov=True)
    for _ in range(3):
        seen.append(float(descend(p, optimizer, 1, np.ones(1))[0]))
    np.testing.assert_allclose(seen, [0.85, 0.6975, 0.559125], rtol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_steps_equal_the_formulas(settings):
    p = variable(START)
    np.testing.assert_allclose(
        descend(p, SGD([p], lr=0.05, **settings), 30), by_loop(START, 30, lr=0.05, **settings), rtol=1e-12
    )


@pytest.mark.peer
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_hundred_steps_equal_pytorchs(torch, settings):
    p, q = variable(START), torch.tensor(START, requires_grad=True)
    optimizer = torch.optim.SGD([q], lr=0.05, **settings)
    for _ in range(100):
        optimizer.zero_grad()
        (0.5 * (q * q * torch.tensor(CURVATURE)).sum()).backward()
        optimizer.step()
    found = descend(p, SGD([p], lr=0.05, **settings), 100)
    np.testing.assert_allclose(found, q.detach().numpy(), rtol=1e-10, atol=1e-13)


def test_groups_have_settings_of_their_own():
    p, q = variable(START), variable(START)
    optimizer = SGD([{"params": [p], "momentum": 0.9}, {"params": [q], "lr": 0.01, "weight_decay": 0.2}], lr=0.05)
    for _ in range(15):
        optimizer.zero_grad()
        (0.5 * ((p * p + q * q) * CURVATURE).sum()).backward()
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), by_loop(START, 15, lr=0.05, momentum=0.9), rtol=1e-12)
    np.testing.assert_allclose(q.numpy(), by_loop(START, 15, lr=0.01, weight_decay=0.2), rtol=1e-12)


def test_settings_may_change_between_steps():
    p = variable([1.0])
    optimizer = SGD([p], lr=0.5)
    descend(p, optimizer, 1, np.ones(1))
    optimizer.param_groups[0]["lr"] = 0.1
    assert descend(p, optimizer, 1, np.ones(1)).item() == pytest.approx(0.45)


# ---- what all optimizers share -------------------------------------------------------------------------------

EVERY = [
    lambda ps, **s: SGD(ps, lr=0.1, momentum=0.9, **s),
    lambda ps, **s: SGD(ps, lr=0.1, **s),
    lambda ps, **s: Adam(ps, lr=0.1, **s),
]
every_optimizer = pytest.mark.parametrize("make", EVERY, ids=["momentum", "sgd", "adam"])


@every_optimizer
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


@every_optimizer
def test_gradient_of_any_layout_serves_and_is_not_written_to(make):
    p, q = variable(START), variable(START)
    gradient = np.asfortranarray(CURVATURE)
    p.grad, q.grad = Tensor(CURVATURE), Tensor(gradient.T).T  # the second has the strides of a transpose
    for optimizer in (make([p], weight_decay=0.1), make([q], weight_decay=0.1)):
        optimizer.step()
    np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-12)
    np.testing.assert_array_equal(q.grad.numpy(), CURVATURE)


@every_optimizer
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


@every_optimizer
def test_result_that_became_a_variable_is_updated(make):
    p = (Tensor(1.0) * 2).detach()
    p.requires_grad = True
    p.grad = Tensor(1.0)
    make([p]).step()
    assert p.item() < 2


@every_optimizer
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


@every_optimizer
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


@every_optimizer
def test_training_resumes_from_its_state(make):
    p = variable(START)
    optimizer = make([p])
    descend(p, optimizer, 5)
    q = variable(p.numpy())
    resumed = make([q])
    state = copy.deepcopy(optimizer.state_dict())
    resumed.load_state_dict(state)
    first = descend(p, optimizer, 5).copy()
    np.testing.assert_array_equal(descend(q, resumed, 5), first)
    again = variable(q.numpy())
    make([again]).load_state_dict(state)  # the state was copied in and out: training did not change it
    for name, value in state["state"][0].items():
        np.testing.assert_array_equal(value, copy.deepcopy(state)["state"][0][name])


@every_optimizer
def test_state_that_does_not_fit_is_refused(make):
    p = variable(START)
    optimizer = make([p])
    descend(p, optimizer, 2)
    with pytest.raises(StateError, match="groups"):
        make([variable(START), variable(START)]).load_state_dict(optimizer.state_dict())
    if optimizer.state_dict()["state"][0].keys() > {"step"}:
        with pytest.raises(StateError, match=r"shape \(2, 3\), not \(3,\)"):
            make([variable(np.ones(3))]).load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: SGD([]), "no parameters"),
        (lambda p: SGD([p * 2]), "parameter 0 is no variable"),
        (lambda p: SGD([("name", p)]), "parameter 0 is no variable"),
        (lambda p: SGD([Tensor([1.0])]), "parameter 0 is no variable"),
        (lambda p: SGD([p, p]), r"parameter 1, of shape \(\), is given twice"),
        (lambda p: SGD([{"params": [p]}, {"params": [p]}]), "given twice"),
        (lambda p: SGD([p], lr=-1), "lr must be at least 0, got -1"),
        (lambda p: SGD([p], lr=float("nan")), "lr"),
        (lambda p: SGD([p], momentum=-0.1), "momentum"),
        (lambda p: SGD([p], nesterov=True), "Nesterov"),
        (lambda p: SGD([{"params": [p], "momentum": 0}], momentum=0.9, nesterov=True), "Nesterov"),
        (lambda p: Adam([p], betas=(0.9, 1.0)), r"betas\[1\] must lie in \[0, 1\), got 1.0"),
        (lambda p: Adam([p], eps=-1.0), "eps"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make(variable(1.0))


def test_group_can_be_added_later():
    p, q = variable([1.0]), variable([1.0])
    optimizer = SGD([p], lr=0.1)
    optimizer.add_param_group(
        {"params": [q], "lr": 0.5, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False}
    )
    p.grad = q.grad = Tensor(np.ones(1))
    optimizer.step()
    assert (p.item(), q.item()) == (0.9, 0.5)


def test_generator_of_parameters_serves_once():
    p = variable([1.0])
    assert SGD(x for x in [p]).param_groups[0]["params"] == [p]


def test_repr_says_the_settings():
    assert (
        repr(SGD([variable(1.0)], lr=0.1))
        == "SGD(lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False)"
    )


def test_optimizer_alone_cannot_step():
    p = variable(1.0)
    with no_grad():
        p.grad = Tensor(np.array(1.0))
    with pytest.raises(NotImplementedError):
        Optimizer([p], lr=0.1).step()
