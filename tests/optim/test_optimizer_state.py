"""What all optimizers share: groups, frozen parameters, and state that goes out and comes back."""

import copy

import numpy as np
import pytest

from minigrad import StateError, Tensor, nn, optim
from minigrad.optim import SGD, Adam
from tests.helper import variable
from tests.optim.problem import CASES, LR

EVERY = {kind: getattr(optim, kind) for kind in [*CASES, "Lion", "LARS", "LAMB"]}
FULL = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.9, "centered": True}, "Adam": {"amsgrad": True}}
every_kind = pytest.mark.parametrize("kind", EVERY)


def make(kind, params, **settings):
    return EVERY[kind](params, **{"lr": LR.get(kind, 0.05), **FULL.get(kind, {}), **settings})


def step(optimizer, steps=1):
    for _ in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.requires_grad:
                    p.grad = Tensor(2 * p.numpy() + 1)
        optimizer.step()


# ---- groups --------------------------------------------------------------------------------------------------


def test_added_group_takes_the_optimizers_settings_but_its_own():
    p, q = variable([1.0]), variable([1.0])
    optimizer = SGD([p], lr=0.1)
    optimizer.add_param_group({"params": q, "lr": 0.5})
    assert optimizer.param_groups[1] == {**optimizer.param_groups[0], "params": [q], "lr": 0.5}
    p.grad = q.grad = Tensor(np.ones(1))
    optimizer.step()
    assert (p.item(), q.item()) == (0.9, 0.5)


def test_refused_group_leaves_no_trace():
    p, q = variable([1.0]), variable([1.0])
    optimizer = SGD([p], lr=0.1)
    for group in ({"params": [q, p]}, {"params": [q, q]}, {"params": [q], "lr": -1}):
        with pytest.raises(ValueError, match=r"given twice|at least 0"):
            optimizer.add_param_group(group)
    assert list(optimizer.state) == [p]
    assert len(optimizer.param_groups) == 1


def test_callers_group_is_not_written_to():
    group = {"params": [variable(1.0)]}
    SGD([group], lr=0.3).param_groups[0]["lr"] = 0.1
    assert group.keys() == {"params"}


def test_named_parameters_keep_their_names():
    model = nn.Linear(2, 3)
    optimizer = Adam(model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == list(model.parameters())
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def test_shared_parameter_is_updated_once():
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    optimizer = SGD(model.parameters(), lr=1.0)
    before = layer.bias.numpy().copy()
    layer.bias.grad = Tensor(np.ones(2, np.float32))
    optimizer.step()
    np.testing.assert_allclose(layer.bias.numpy(), before - 1, rtol=1e-6)


@every_kind
def test_frozen_parameters_are_skipped_until_they_are_free(kind):
    p, frozen = variable([1.0, 2.0]), Tensor(np.array([3.0]))
    optimizer = make(kind, [p, frozen])
    step(optimizer, 2)
    optimizer.zero_grad()
    assert frozen.item() == 3
    assert optimizer.state_dict()["state"][1]["step"] == 0
    frozen.requires_grad = True
    step(optimizer)
    assert frozen.item() != 3


@every_kind
def test_maximize_climbs(kind):
    up, down = variable([1.0]), variable([1.0])
    for p, maximize in ((up, True), (down, False)):
        p.grad = Tensor(np.ones(1))
        make(kind, [p], maximize=maximize, weight_decay=0.0).step()
    assert down.item() < 1 < up.item()
    assert up.item() - 1 == pytest.approx(1 - down.item())


def test_step_returns_what_its_closure_returned():
    p = variable([1.0])
    optimizer = SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1
    assert p.item() == pytest.approx(0.8)
    assert optimizer.step() is None


# ---- state ---------------------------------------------------------------------------------------------------


@every_kind
def test_training_resumes_from_its_state_bit_for_bit(kind):
    p, q = variable([[1.0, -2.0]]), variable(0.5)
    optimizer = make(kind, [{"params": [p]}, {"params": [q], "lr": 0.01}])
    step(optimizer, 5)
    state, r, s = optimizer.state_dict(), variable(p.numpy()), variable(q.numpy())
    kept = copy.deepcopy(state)
    resumed = make(kind, [{"params": [r]}, {"params": [s]}], lr=0.3)
    resumed.load_state_dict(state)
    step(optimizer, 5)
    step(resumed, 5)
    np.testing.assert_array_equal(p.numpy(), r.numpy())
    np.testing.assert_array_equal(q.numpy(), s.numpy())
    assert resumed.param_groups[1]["lr"] == 0.01
    assert repr(state) == repr(kept)  # copied out, and copied in


@every_kind
def test_state_of_another_kind_is_refused(kind):
    others = [other for other in EVERY if other != kind]
    for other in others:
        optimizer = make(other, [variable([1.0])])
        step(optimizer)
        with pytest.raises(StateError, match=f"it is the state of {other}, not of {kind}"):
            make(kind, [variable([1.0])]).load_state_dict(optimizer.state_dict())


def test_everything_that_does_not_fit_is_listed_and_nothing_changes():
    optimizer = Adam([{"params": [variable([1.0, 2.0]), variable(1.0)]}, {"params": [variable([[1.0]])]}])
    step(optimizer, 3)
    state = optimizer.state_dict()
    state["state"][0]["exp_avg"] = np.zeros(3)
    state["state"][1]["exp_avg_sq"] = np.array("words")
    state["state"][7] = {"step": 1}
    del state["state"][2]["exp_avg"]
    state["param_groups"][0] |= {"lr": -1.0, "rho": 0.9}
    before = repr(optimizer.state_dict())
    with pytest.raises(StateError) as error:
        optimizer.load_state_dict(state)
    assert str(error.value).splitlines() == [
        "Adam: this state does not fit",
        "  its group 0 has settings that are unknown here: rho",
        "  its group 0: Adam: lr must be at least 0 and finite, got -1.0",
        "  it has a parameter 7 of no group",
        "  exp_avg of parameter 0 has shape (3,), not (2,)",
        "  exp_avg_sq of parameter 1 is not made of numbers",
        "  exp_avg of parameter 2 is missing",
    ]
    assert repr(optimizer.state_dict()) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([[1.0], [1.0]], "it has 1 parameter groups, not 2"),
        ([[1.0, 2.0]], "its group 0 has 1 parameters, not 2"),
    ],
)
def test_other_groups_are_refused(params, message):
    optimizer = Adam([{"params": [variable(x) for x in group]} for group in params])
    with pytest.raises(StateError, match=message):
        optimizer.load_state_dict(Adam([variable(1.0)]).state_dict())


@pytest.mark.parametrize("state", [None, [], {}, {"state": {}}, {"state": [], "param_groups": []}])
def test_what_is_no_state_is_refused(state):
    with pytest.raises(StateError, match="this state does not fit"):
        Adam([variable(1.0)]).load_state_dict(state)


def test_damaged_entries_are_refused_by_name():
    optimizer = Adam([variable([1.0, 2.0])])
    step(optimizer)
    for damage, message in (
        ({"step": "three"}, "step of parameter 0 is not made of numbers"),
        ({"step": np.zeros(2)}, r"step of parameter 0 has shape \(2,\), not \(\)"),
    ):
        state = optimizer.state_dict()
        state["state"][0] |= damage
        with pytest.raises(StateError, match=message):
            optimizer.load_state_dict(state)
    state = {**optimizer.state_dict(), "state": {0: 3}}
    with pytest.raises(StateError, match="the state of parameter 0 is no dict"):
        optimizer.load_state_dict(state)
    both = Adam([variable(1.0), variable(2.0)])
    with pytest.raises(StateError, match="two parameters the same number"):
        both.load_state_dict({"state": {}, "param_groups": [{"params": [0, 0]}]})
    for groups in ([{}], [None], [{"params": 3}]):
        with pytest.raises(StateError, match="group 0"):
            optimizer.load_state_dict({"state": {}, "param_groups": groups})


def test_settings_that_an_older_state_lacks_stay_as_they_are():
    optimizer = SGD([variable(1.0)], lr=0.1, momentum=0.9)
    state = SGD([variable(1.0)], lr=0.5).state_dict()
    del state["param_groups"][0]["momentum"], state["optimizer"]
    optimizer.load_state_dict(state)
    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (0.5, 0.9)


def test_what_is_none_in_a_state_counts_as_not_there():
    optimizer = SGD([variable([1.0])], lr=0.1)
    optimizer.load_state_dict({"state": {0: {"momentum_buffer": None}}, "param_groups": [{"params": [0]}]})
    assert optimizer.state_dict()["state"] == {0: {"step": 0}}


def test_state_is_kept_in_the_parameters_dtype():
    optimizer = Adam([variable([1.0])])
    step(optimizer)
    state = optimizer.state_dict()
    single = Adam([variable([1.0], np.float32)])
    single.load_state_dict(state)
    assert next(iter(single.state.values()))["exp_avg"].dtype == np.float32
