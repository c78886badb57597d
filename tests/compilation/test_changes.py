"""A compiled function gives no stale result: whatever it depends on is changed, and the eager function is asked."""

import functools
import random
import types
import weakref
from collections import UserDict

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from tests.compilation.helper import warnings_of

pytestmark = [
    pytest.mark.filterwarnings("error:compile"),
    pytest.mark.filterwarnings("ignore:.*divide by zero:RuntimeWarning"),
]
SCALE = 2.0


class Settings:
    scale = 2.0


class Holder:
    scale = 2.0

    def __init__(self):
        self.own = 2.0

    def scaled(self, x):
        return x * SCALE * self.scale

    @property
    def both(self):
        return self.scale * self.own

    @staticmethod
    def static(x):
        return x * SCALE

    def __call__(self, x):
        return x * SCALE


class Slotted:
    __slots__ = ("scale",)

    def __init__(self):
        self.scale = 2.0


class Net(nn.Module):
    scale = 2.0

    def helper(self, x):
        return x * SCALE

    def forward(self, x):
        return self.helper(x) * self.scale


def set_scale(value):
    global SCALE
    SCALE = value


@pytest.fixture(autouse=True)
def restored():
    yield
    set_scale(2.0)
    Settings.scale = Holder.scale = Net.scale = Kind.scale = 2.0


def of_object(thing, function):
    return lambda x: function(thing, x)


def write(values):
    values[0] = 7


def renamed(space):
    space["b"] = space.pop("a")


def array_case(values):
    return lambda x: x * values, lambda: write(values)


def bytes_case():
    values = bytearray(b"\2")
    return lambda x: x * values[0], lambda: write(values)


def function_case(change):
    def f(x, s=2.0, *, t=3.0):
        return x * s * t

    return f, lambda: change(f)


def with_attribute():
    def f(x):
        return x * f.scale

    f.scale = 2.0
    return f, lambda: setattr(f, "scale", 5.0)


def object_case(thing, function, name="scale", owner=None):
    return of_object(thing, function), lambda: setattr(owner or thing, name, 5.0)


def dict_case():
    modes = {"a": 1}
    return lambda x: x if "a" in modes else -x, lambda: renamed(modes)


def attribute_names_case():
    thing = Holder()
    thing.a = 1
    return lambda x: x if hasattr(thing, "a") else -x, lambda: renamed(vars(thing))


def cached_case():
    @functools.lru_cache
    def scale():
        return SCALE

    return lambda x: x * scale(), lambda: (set_scale(5.0), scale.cache_clear())


def user_dict_case():
    settings = UserDict(scale=2.0)
    return lambda x: x * settings["scale"], lambda: settings.update(scale=5.0)


def module_case():
    outer, inner = types.ModuleType("outer"), types.ModuleType("outer.inner")
    outer.inner, inner.scale = inner, 2.0
    return lambda x: x * outer.inner.scale, lambda: setattr(inner, "scale", 5.0)


def nested_case():
    inner = mg.compile(lambda x: x * SCALE)
    return lambda x: inner(x) + 1, lambda: set_scale(5.0)


def sign_case():
    set_scale(0.0)
    return lambda x: 1 / (x * SCALE), lambda: set_scale(-0.0)


def replaced(name, value):
    return function_case(lambda f: setattr(f, name, value))


class Kind(type):
    scale = 2.0


class Kinded(metaclass=Kind):
    pass


class Found:
    """Raises what it likes for attributes that are not there."""

    def __init__(self):
        self.values = {"scale": 2.0}

    def __getattr__(self, name):
        return self.values[name]


def in_dict(look):
    """What leads to a dict's value: by `look`, from the dict to a function that finds it."""
    values = {"scale": 2.0}
    found = look(values)
    return lambda x: x * found(), lambda: values.update(scale=5.0)


def scale_in(dicts):
    return dicts[0]["scale"]


def proxied_case():
    values = {"scale": 2.0}
    proxy = types.MappingProxyType(values)
    return lambda x: x * proxy["scale"], lambda: values.update(scale=5.0)


def referred_case():
    thing = Holder()
    found = weakref.ref(thing)
    return lambda x: x * found().own, lambda: setattr(thing, "own", 5.0)


def looked_up_case():
    found = Found()
    return lambda x: x * found.scale, lambda: found.values.update(scale=5.0)


CASES = {
    "an attribute of a metaclass": lambda: object_case(Kinded, lambda k, x: x * k.scale, owner=Kind),
    "what __getattr__ finds": looked_up_case,
    "what a weak reference leads to": referred_case,
    "a dict behind a method": lambda: in_dict(lambda d: functools.partial(d.get, "scale")),
    "a dict behind a view": lambda: in_dict(lambda d: functools.partial(sum, d.values())),
    "a dict behind a proxy": proxied_case,
    "an object in an array": lambda: in_dict(lambda d: functools.partial(scale_in, np.array([d]))),
    "the sign of 0": sign_case,
    "a class attribute": lambda: object_case(Settings, lambda s, x: x * s.scale),
    "a class attribute, by an object": lambda: object_case(Holder(), Holder.scaled, owner=Holder),
    "a class attribute, by a property": lambda: object_case(Holder(), lambda s, x: x * s.both, owner=Holder),
    "a slot": lambda: object_case(Slotted(), lambda s, x: x * s.scale),
    "a namespace": lambda: object_case(types.SimpleNamespace(scale=2.0), lambda s, x: x * s.scale),
    "a class attribute of a module": lambda: object_case(Net(), lambda net, x: net(x), owner=Net),
    "a global of a module's method": lambda: (of_object(Net(), lambda net, x: net(x)), lambda: set_scale(5.0)),
    "a global of a static method": lambda: (of_object(Holder, lambda s, x: s.static(x)), lambda: set_scale(5.0)),
    "a global of a call": lambda: (Holder(), lambda: set_scale(5.0)),
    "a global behind a cache": cached_case,
    "keys of a dict": dict_case,
    "names of attributes": attribute_names_case,
    "items of a UserDict": user_dict_case,
    "a module inside of a module": module_case,
    "what a compiled function inside depends on": nested_case,
    "defaults": lambda: replaced("__defaults__", (5.0,)),
    "keyword defaults": lambda: replaced("__kwdefaults__", {"t": 5.0}),
    "code": lambda: replaced("__code__", (lambda x, s=1.0, *, t=1.0: x - s - t).__code__),
    "an attribute of a function": with_attribute,
    "an array's values": lambda: array_case(np.array([1.0, 2.0, 3.0])),
    "equal values of an array": lambda: array_case(np.array([2.0, 2.0, 2.0])),
    "bytes": bytes_case,
}


@pytest.mark.parametrize("name", CASES)
def test_a_change_is_noticed(name):
    f, change = CASES[name]()
    compiled = mg.compile(f)
    x = mg.Tensor([1.0, 2.0, 3.0])
    for k in range(4):
        assert compiled(x + k).tolist() == f(x + k).tolist()
    assert compiled.program is not None
    before = f(x).tolist()
    change()
    assert f(x).tolist() != before
    for _ in range(4):
        assert compiled(x).tolist() == f(x).tolist()


def test_arguments_that_differ_by_a_sign_of_zero_have_programs_of_their_own():
    f = mg.compile(lambda x, s: 1 / (x * s))
    found = [f(mg.Tensor([1.0]), s).item() for s in [0.0] * 4 + [-0.0] * 4]
    assert found == [np.inf] * 4 + [-np.inf] * 4


def test_a_tensor_given_twice_is_not_mistaken_for_two():
    f = mg.compile(lambda x, y: x * y)
    x, y = mg.Tensor([2.0]), mg.Tensor([3.0])
    assert [f(x, x).item() for _ in range(4)] + [f(x, y).item() for _ in range(4)] == [4.0] * 4 + [6.0] * 4
    assert [f(x, x.detach()).item() for _ in range(4)] + [f(x, y).item() for _ in range(4)] == [4.0] * 4 + [6.0] * 4


def test_an_argument_that_is_a_tensor_of_the_closure_is_not_mistaken_for_another():
    w = mg.Tensor([2.0])
    f = mg.compile(lambda x: w * x)
    assert [f(w).item() for _ in range(4)] + [f(w * 2).item() for _ in range(4)] == [4.0] * 4 + [8.0] * 4
    assert [f(w).item() for _ in range(4)] == [4.0] * 4


def appended(items):
    items.append(items[0] * 2)
    return items[-1] * 1


@pytest.mark.parametrize("kind", [mg.Tensor, np.array])
def test_containers_of_the_arguments_are_changed_as_by_the_eager_function(kind):
    f = mg.compile(appended)

    def calls():
        for _ in range(5):
            items = [kind([1.0])]
            assert f(items).item() == 2
            assert len(items) == 2

    assert "changes a container" in warnings_of(calls)[0]


def test_objects_are_changed_at_each_call():
    done, thing = {}, Holder()

    def f(x):
        done["it"] = True
        thing.own = x * 2
        return x * 3

    compiled = mg.compile(f)

    def calls():
        for k in range(20):
            done["it"], thing.own = False, None
            assert compiled(mg.Tensor([float(k)])).item() == 3 * k
            assert done["it"]
            assert thing.own.item() == 2 * k

    assert any("it changes" in text for text in warnings_of(calls))


@pytest.mark.parametrize("draw", [random.random, np.random.random, np.random.default_rng(0).random])
def test_branches_by_random_numbers_are_said(draw):
    f = mg.compile(lambda x: x * 2 if draw() < 1.0 else x)
    (text,) = warnings_of(lambda: f(mg.Tensor([1.0, 2.0])))
    assert "random numbers are drawn" in text


def seeded(x):
    mg.seed(0)
    return x * mg.rand(3)


def test_a_generator_is_seeded_at_each_call():
    f = mg.compile(seeded)
    found = []
    warnings_of(lambda: found.extend([f(mg.Tensor([1.0, 2.0, 3.0])).tolist() for _ in range(5)]))
    assert all(values == found[0] for values in found)


@pytest.mark.parametrize("look", [repr, str, mg.nonzero, mg.unique_values], ids=["repr", "str", "nonzero", "unique"])
def test_what_leaves_a_tensor_is_said(look):
    f = mg.compile(lambda x: (look(x), x * 2)[1])
    (text,) = warnings_of(lambda: f(mg.Tensor([1.0, 1.0])))
    assert "leave it as" in text


def test_an_iterator_is_said():
    numbers = iter([1.0] * 4 + [2.0] * 4)
    f = mg.compile(lambda x: x * next(numbers))
    found = []
    (text,) = warnings_of(lambda: found.extend([f(mg.Tensor([1.0])).item() for _ in range(8)]))
    assert found == [1.0] * 4 + [2.0] * 4
    assert "iterator" in text


def test_large_arrays_that_would_be_compared_are_said():
    table = np.zeros((1 << 21) + 1)
    f = mg.compile(lambda x: x * float(table[0]))
    (text,) = warnings_of(lambda: f(mg.Tensor([1.0])))
    assert "make them Tensors" in text


def weights(between):
    """The weights and their average after some steps, in which `between` is called with the optimizer and average."""
    mg.seed(0)
    layer = nn.Linear(2, 1)
    optimizer, average = optim.SGD(layer.parameters(), 0.1), optim.average.WeightAverage(layer.parameters())

    def step(x):
        optimizer.zero_grad()
        (layer(x) ** 2).sum().backward()
        between(optimizer, average)

    return step, lambda: [
        *[p.tolist() for p in layer.parameters()],
        *[m.tolist() for m in average.state_dict()["means"]],
    ]


def average_first(optimizer, average):
    average.update()
    optimizer.step()


def average_last(optimizer, average):
    optimizer.step()
    average.update()


def clipped(optimizer, average):
    optim.clip_grad_norm(optimizer.param_groups[0]["params"], 5.0)
    optimizer.step()


@pytest.mark.parametrize("between", [average_first, average_last, clipped])
def test_averages_and_clipping_are_those_of_the_eager_step(between):
    found = []
    for wrap in (lambda step: step, mg.compile):
        step, state = weights(between)
        step = wrap(step)
        warnings_of(lambda: [step(mg.Tensor([[1.0, s]])) for s in [1.0, 0.5, 0.2, 0.1, 30.0, 1.0]])  # noqa: B023
        found.append(state())
    assert found[0] == found[1]


def test_infinite_slopes_are_silenced_in_a_step_with_settings_of_an_optimizer():
    found = []
    for wrap in (lambda step: step, mg.compile):
        w = mg.Tensor([1.0, 4.0], requires_grad=True)
        optimizer = optim.SGD([w], 0.1, momentum=0.9)

        @wrap
        def step(x):
            optimizer.zero_grad()  # noqa: B023
            (mg.sqrt(w * x) * x).sum().backward()  # noqa: B023
            optimizer.step()  # noqa: B023

        for k in range(5):
            step(mg.Tensor([float(k > 3), 1.0]) if k < 4 else mg.Tensor([0.0, np.inf]))
        found.append(w.tolist())
    np.testing.assert_array_equal(*found)


def test_a_compiled_function_runs_inside_of_vmap():
    f = mg.compile(lambda x: x * 2)
    x = mg.Tensor([[1.0], [2.0]])
    assert mg.vmap(f)(x).tolist() == [[2.0], [4.0]]


@pytest.mark.parametrize("value", [7.0, mg.Tensor(7.0)])
def test_what_is_written_into_a_tensor_leaves_other_elements_as_they_are(value):
    total = mg.Tensor([1.0, 2.0, 3.0])

    @mg.compile
    def f(x):
        with mg.no_grad():
            total[0] = value
            total[1:2] = x[:1]
        return x * total

    for k in range(4):
        f(mg.Tensor([1.0, 2.0, 3.0]) + k)
    assert f.program is not None
    total.data = [0.0, 0.0, 5.0]
    assert f(mg.Tensor([1.0, 2.0, 3.0])).tolist() == [7.0, 2.0, 15.0]
    assert total.tolist() == [7.0, 1.0, 5.0]


POSITIONS = {
    "arange": lambda: mg.arange(4.0),
    "linspace": lambda: mg.linspace(0, 1, 4),
    "eye": lambda: mg.eye(4)[1],
    "rotary": lambda: mg.functional.rotary(mg.ones((2, 4)))[1],
    "sinusoidal": lambda: mg.Tensor(mg.functional.sinusoidal_positions(2, 4)[1]),
    "NumPy": lambda: mg.Tensor(np.arange(4.0)),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_what_is_made_of_sizes_is_known_not_to_come_from_the_data(name):
    compiled = mg.compile(lambda x: (x * POSITIONS[name]()).sum())
    x = mg.Tensor([1.0, 2.0, 3.0, 4.0])
    expected = (x * POSITIONS[name]()).sum().item()
    assert [compiled(x).item() for _ in range(4)] == [expected] * 4
    assert compiled.program is not None
    assert compiled(mg.Tensor([2.0, 4.0, 6.0, 8.0])).item() == pytest.approx(2 * expected)


def test_what_may_come_from_the_data_is_replayed_for_these_only():
    compiled = mg.compile(lambda x: (x * (x._data + 1)).sum())  # behind minigrad's back
    x, y = mg.Tensor([1.0, 2.0]), mg.Tensor([2.0, 3.0])
    assert [compiled(x).item() for _ in range(4)] == [8.0] * 4
    assert compiled.program is not None
    with pytest.warns(UserWarning, match="two calls alike did not do the same"):
        assert compiled(y).item() == 18.0
    assert [compiled(y).item(), compiled(x).item()] == [18.0, 8.0]


def test_what_does_not_come_from_the_data_is_replayed_for_all_once_these_have_changed():
    compiled = mg.compile(lambda x: (x * np.arange(2.0)).sum())
    assert [compiled(mg.Tensor([1.0, float(k)])).item() for k in (2, 2, 2, 3, 4, 5)] == [2, 2, 2, 3, 4, 5]
    assert compiled.program is not None
    before = compiled.program
    assert compiled(mg.Tensor([1.0, 6.0])).item() == 6
    assert compiled.program is before
