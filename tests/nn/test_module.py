"""Modules: what is registered, under which path, and what goes in and out of a state dict."""

import collections
import copy

import numpy as np
import pytest

import minigrad
from minigrad import DTypeError, MinigradError, StateError, Tensor, UsageError, nn, no_grad, optim
from minigrad import functional as F  # noqa: N812


class Block(nn.Module):
    def __init__(self, width):
        self.inner = nn.Linear(width, width)
        self.scale = nn.Parameter(np.ones(width, np.float32))
        self.register_buffer("mean", Tensor(np.zeros(width, np.float32)))
        self.note = "no part"

    def forward(self, x):
        return self.inner(x) * self.scale - self.mean


class Net(nn.Module):
    def __init__(self):
        self.first = Block(3)
        self.rest = nn.Sequential(Block(3), nn.ReLU())

    def forward(self, x):
        return self.rest(self.first(x))


PATHS = [
    "first.scale", "first.inner.weight", "first.inner.bias", "rest.0.scale", "rest.0.inner.weight", "rest.0.inner.bias",
]  # fmt: skip


# ---- registering ---------------------------------------------------------------------------------------------


def test_parameters_have_the_paths_of_their_attributes():
    net = Net()
    named = dict(net.named_parameters())
    assert sorted(named) == sorted(PATHS)
    assert named["rest.0.inner.bias"] is net.rest[0].inner.bias
    assert [p for _, p in net.named_parameters()] == list(net.parameters())
    assert all(p.requires_grad for p in net.parameters())


def test_buffers_are_no_parameters():
    net = Net()
    assert [name for name, _ in net.named_buffers()] == ["first.mean", "rest.0.mean"]
    net.first.mean = Tensor(np.ones(3, np.float32))
    assert dict(net.named_buffers())["first.mean"].tolist() == [1, 1, 1]


def test_modules_come_with_paths_parents_first():
    assert [name for name, _ in Net().named_modules()] == [
        "",
        "first",
        "first.inner",
        "rest",
        "rest.0",
        "rest.0.inner",
        "rest.1",
    ]


def test_subclass_need_not_call_init():
    class Bare(nn.Module):
        def __init__(self):
            self.w = nn.Parameter([1.0])

    assert [name for name, _ in Bare().named_parameters()] == ["w"]
    assert Bare().training


def test_shared_parts_come_once_but_are_in_the_state_under_each_path():
    net = nn.Module()
    net.a, net.b = nn.Linear(2, 2), nn.Linear(2, 2)
    net.b.weight = net.a.weight
    net.c = net.a
    assert [name for name, _ in net.named_parameters()] == ["a.weight", "a.bias", "b.bias"]
    assert set(net.state_dict()) >= {"a.weight", "b.weight"}


def test_attribute_that_is_replaced_changes_its_kind():
    net = Net()
    net.first = None
    assert "first.scale" not in dict(net.named_parameters())
    net.rest = 3
    assert list(net.parameters()) == []
    net.first = nn.Linear(1, 1)
    del net.first
    assert list(net.modules()) == [net]


def test_parameter_cannot_be_an_integer_array():
    assert nn.Parameter([1, 2]).dtype == np.float32
    with pytest.raises(DTypeError):
        nn.Parameter(np.array([1, 2]))


def test_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r"Module does not define forward\(\)"):
        nn.Module()(1)


# ---- modes and gradients -------------------------------------------------------------------------------------


def test_training_mode_reaches_every_module_below():
    net = Net()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert all(module.training for module in net.train().modules())


def test_zero_grad_forgets_all_gradients():
    net = Net()
    net(np.ones((2, 3), np.float32)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert not any(p.grad.numpy().any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(p.grad is None for p in net.parameters())


def test_frozen_parameters_stay_as_they_are():
    net = Net()
    for p in net.first.parameters():
        p.requires_grad = False
    before = net.state_dict()
    optimizer = optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.5)
    F.mse_loss(net(np.ones((2, 3), np.float32)), np.zeros((2, 3), np.float32)).backward()
    optimizer.step()
    after = net.state_dict()
    assert sorted(after) == sorted(before)
    for name in before:
        assert np.array_equal(before[name], after[name]) == (name.startswith("first") or name.endswith("mean")), name


def test_apply_visits_children_first():
    seen = []
    Net().apply(lambda module: seen.append(type(module).__name__))
    assert seen[-1] == "Net"
    assert seen.index("Linear") < seen.index("Block")


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_astype_converts_parameters_and_buffers(dtype):
    net = Net().astype(dtype)
    assert {t.dtype for t in [*net.parameters(), *dict(net.named_buffers()).values()]} == {np.dtype(dtype)}
    y = net(np.ones((1, 3), dtype))
    y.sum().backward()
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(dtype)}
    with pytest.raises(DTypeError):
        net.astype(int)


def test_deepcopy_is_independent():
    net = Net()
    other = copy.deepcopy(net)
    assert not {id(p) for p in net.parameters()} & {id(p) for p in other.parameters()}
    with no_grad():
        other.first.scale += 5
    assert net.first.scale.tolist() == [1, 1, 1]
    x = np.ones((1, 3), np.float32)
    other.load_state_dict(net.state_dict())
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())


# ---- state ---------------------------------------------------------------------------------------------------


def test_state_dict_is_a_snapshot():
    net = Net()
    state = net.state_dict()
    assert sorted(state) == sorted([*PATHS, "first.mean", "rest.0.mean"])
    values = {name: array.copy() for name, array in state.items()}
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    net(np.ones((2, 3), np.float32)).sum().backward()
    optimizer.step()
    with no_grad():
        net.first.scale[0] = 9
    for name, array in state.items():
        np.testing.assert_array_equal(array, values[name])


@pytest.mark.parametrize(
    "form",
    [np.asfortranarray, lambda a: np.repeat(a, 2, 0)[::2], Tensor, lambda a: a.astype(np.float64), np.ndarray.tolist],
)
def test_state_goes_round_in_any_layout_and_trains_on(form):
    net, other = Net(), Net()
    state = net.state_dict()
    try:
        other.load_state_dict({name: form(array) for name, array in state.items()})
    except StateError:
        assert form is np.ndarray.tolist
        return
    x = np.ones((2, 3), np.float32)
    for module in (net, other):
        optimizer = optim.SGD(module.parameters(), lr=0.1)
        module(x).sum().backward()
        optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy())
        assert p.dtype == q.dtype == np.float32


def test_state_that_does_not_fit_lists_every_problem_and_changes_nothing():
    net = Net()
    before = net.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    del state["first.scale"]
    state["extra"] = np.zeros(2)
    state["first.inner.weight"] = np.zeros((3, 4), np.float32)
    state["rest.0.scale"] = np.zeros(3, int)
    with pytest.raises(StateError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    for part in (
        "missing: first.scale (3,)",
        "unexpected: extra (2,)",
        "first.inner.weight is (3, 3) here and (3, 4)",
        "rest.0.scale is float32 here and int64",
    ):
        assert part in text
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_state_may_be_partial_when_not_strict():
    net = Net()
    net.load_state_dict({"first.scale": np.full(3, 7.0), "unknown": np.zeros(1)}, strict=False)
    assert net.first.scale.tolist() == [7, 7, 7]
    with pytest.raises(StateError):
        net.load_state_dict({"first.scale": np.zeros(4)}, strict=False)


def test_loading_keeps_the_parameters_identity():
    net = Net()
    p = net.first.scale
    node = p.node
    net.load_state_dict(net.state_dict())
    assert net.first.scale is p
    assert p.node is node


def test_repr_draws_the_tree():
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))) == (
        "Sequential(\n"
        "  (0): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        ")"
    )


def test_result_assigned_to_a_parameters_name_is_no_parameter():
    net = nn.Linear(2, 2)
    try:
        net.weight = net.weight * 2
    except MinigradError:
        return
    assert "weight" not in dict(net.named_parameters())


# ---- freezing, and access by path ----------------------------------------------------------------------------


def test_freezing_reaches_every_parameter_below_and_is_undone():
    net = Net()
    assert net.first.freeze() is net.first
    assert [name for name, p in net.named_parameters() if not p.requires_grad] == [
        p for p in PATHS_IN_ORDER if "first" in p
    ]
    net(np.ones((2, 3), np.float32)).sum().backward()
    assert net.first.scale.grad is None
    assert net.rest[0].scale.grad is not None
    net.unfreeze()
    assert all(p.requires_grad for p in net.parameters())
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())
    assert sorted(net.state_dict()) == sorted(Net().state_dict())


PATHS_IN_ORDER = [name for name, _ in Net().named_parameters()]


def test_parts_are_found_by_their_paths():
    net = Net()
    assert net.get_submodule("rest.0.inner") is net.rest[0].inner
    assert net.get_submodule("") is net
    assert net.get_parameter("rest.0.inner.bias") is net.rest[0].inner.bias
    assert net.get_buffer("first.mean") is net.first.mean


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("get_submodule", "rest.2", "Net has no module 'rest.2': Sequential has 0, 1"),
        ("get_submodule", "first.inner.x", "Linear has no submodules"),
        ("get_parameter", "first.mean", "Net has no parameter 'first.mean': its owner has scale"),
        ("get_buffer", "first.scale", "its owner has mean"),
        ("get_buffer", "rest.1.x", "its owner has no buffers"),
    ],
)
def test_paths_that_lead_nowhere_say_what_is_there(method, path, message):
    with pytest.raises(UsageError, match=message):
        getattr(Net(), method)(path)


def test_prefix_comes_in_front_of_every_path():
    net = Net()
    assert [name for name, _ in net.named_parameters("net")] == [f"net.{name}" for name, _ in net.named_parameters()]
    assert [name for name, _ in net.first.named_parameters("first", recurse=False)] == ["first.scale"]
    assert [name for name, _ in net.named_buffers(prefix="net")] == ["net.first.mean", "net.rest.0.mean"]


def test_own_parts_can_be_asked_for_alone():
    block = Block(3)
    assert [name for name, _ in block.named_parameters(recurse=False)] == ["scale"]
    assert list(block.parameters(recurse=False)) == [block.scale]
    assert list(block.buffers(recurse=False)) == [block.mean]
    assert list(block.children()) == [block.inner]


# ---- buffers and registering by name -------------------------------------------------------------------------


def test_transient_buffers_are_not_in_the_state():
    net = nn.Module()
    net.register_buffer("table", Tensor([1.0]), persistent=False)
    net.register_buffer("absent", None)
    assert [name for name, _ in net.named_buffers()] == ["table"]
    assert net.state_dict() == {}
    net.load_state_dict({})
    net.table = Tensor([2.0])
    assert net.state_dict() == {}
    assert net.astype(np.float64).table.dtype == np.float64


def test_buffers_stay_tensors():
    net = Block(3)
    with pytest.raises(UsageError, match=r"Block\.mean is a buffer, and can only be replaced by a Tensor or None"):
        net.mean = np.zeros(3)
    with pytest.raises(UsageError, match="the buffer 'x' must be a Tensor or None, not a float"):
        net.register_buffer("x", 1.0)
    net.mean = None
    assert "mean" not in net.state_dict()


def test_parts_can_be_registered_under_names_that_are_computed():
    net = nn.Module()
    net.register_parameter("w", nn.Parameter([1.0]))
    net.register_parameter("later", None)
    net.add_module("inner", nn.Linear(1, 1))
    assert [name for name, _ in net.named_parameters()] == ["w", "inner.weight", "inner.bias"]
    with pytest.raises(UsageError, match="'w' must be a variable to be a parameter"):
        net.register_parameter("w", Tensor([1.0]))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ([nn.Tanh()], "nn.ModuleList or nn.Sequential"),
        ({"a": nn.Tanh()}, "nn.ModuleDict"),
        ((nn.Parameter(1.0),), "nn."),
    ],
)
def test_parts_in_plain_containers_are_not_lost_silently(value, remedy):
    net = nn.Module()
    with pytest.raises(UsageError, match=f"would not be found, nor trained: use {remedy}"):
        net.parts = value


def test_shared_modules_are_in_the_state_under_each_path():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    assert [name for name, _ in net.named_modules()] == ["", "a"]
    net.load_state_dict(net.state_dict())


def test_module_inside_of_itself_is_listed_once():
    net = nn.Linear(1, 1)
    net.again = net
    assert [name for name, _ in net.named_modules(once=False)] == [""]
    assert list(net.state_dict()) == ["weight", "bias"]


def test_partial_loading_says_what_was_left():
    left = Net().load_state_dict({"first.scale": np.zeros(3), "extra": np.zeros(1)}, strict=False)
    assert left.unexpected_keys == ["extra"]
    assert "first.mean" in left.missing_keys
    net = Net()
    assert net.load_state_dict(net.state_dict()) == ([], [])


def test_copies_have_gradients_of_their_own():
    net = Net()
    net(np.ones((2, 3), np.float32)).sum().backward()
    other = copy.deepcopy(net)
    other(np.ones((2, 3), np.float32)).sum().backward()
    with no_grad():
        np.testing.assert_allclose(other.first.scale.grad.numpy(), 2 * net.first.scale.grad.numpy())


def test_error_names_the_innermost_layer_once():
    class Picky(nn.Module):
        def forward(self, x):
            raise UsageError("not today")

    net = nn.Sequential(nn.Sequential(Picky()))
    with pytest.raises(UsageError, match=r"^0\.0 Picky: not today$"):
        net(1)


@pytest.mark.peer
def test_apply_visits_in_pytorchs_order(torch):
    def order(library):
        lib = library.nn
        net = lib.Sequential(lib.Sequential(lib.Tanh(), lib.ReLU()), lib.Sigmoid())
        seen = []
        net.apply(lambda module: seen.append(type(module).__name__))
        return seen

    assert order(minigrad) == order(torch)


# ---- what users new to it do ---------------------------------------------------------------------------------


@pytest.mark.parametrize("hold", [lambda x: {"a": [x]}, lambda x: [(x,)], lambda x: collections.OrderedDict(a=x)])
@pytest.mark.parametrize("part", [nn.ReLU, lambda: nn.Parameter([1.0])])
def test_parts_deep_in_plain_lists_and_dicts_are_refused_too(hold, part):
    net = nn.Module()
    with pytest.raises(UsageError, match="would not be found, nor trained: use nn"):
        net.parts = hold(part())
    net.parts = hold("no part")


class Unreadable:
    """What an array of another library may be."""

    def __array__(self, *args, **settings):
        raise RuntimeError("detach it first")


def test_states_that_numpy_cannot_read_are_listed():
    layer = nn.Linear(1, 1)
    state = {"weight": Unreadable(), "bias": Unreadable()}
    with pytest.raises(StateError, match=r"(?s)no arrays:\n  weight \(Unreadable\): detach it first\n  bias"):
        layer.load_state_dict(state)
    with pytest.raises(StateError, match=r"Linear: a state has arrays by path, .*, not a list"):
        layer.load_state_dict([1])


def test_module_without_a_return_is_named_by_the_sequence_it_is_in():
    class Forgetful(nn.Module):
        def forward(self, x):
            F.relu(x)

    with pytest.raises(UsageError, match="Sequential: 1 Forgetful gave None to the next module: is there a return"):
        nn.Sequential(nn.ReLU(), Forgetful(), nn.Linear(1, 1))(np.ones((1, 1), np.float32))
    assert nn.Sequential(nn.ReLU(), Forgetful())(np.ones(1, np.float32)) is None
