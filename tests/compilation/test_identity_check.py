"""The one function that looks at all parts, beside the guards that look at each."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.compilation.guards import Guards
from minigrad.compilation.identity_check import identity_check


class Things:
    """What a function may depend on."""

    def __init__(self):
        self.layer, self.scale, self.items, self.names = nn.Linear(2, 3), 1.5, [1, "a"], {"x": 1, "y": 2}
        self.array, self.pair = np.arange(3.0), (1, [2])


CHANGES = {
    "an attribute": lambda t: setattr(t, "scale", 2.5),
    "a new attribute": lambda t: setattr(t, "other", None),
    "one less": lambda t: delattr(t, "scale"),
    "an item": lambda t: t.items.append(3),
    "an item in a tuple": lambda t: t.pair[1].append(3),
    "a key": lambda t: (t.names.pop("y"), t.names.update(z=2)),
    "the order": lambda t: t.names.update(x=t.names.pop("x")),
    "values of an array": lambda t: t.array.__setitem__(0, 7),
    "a mode": lambda t: t.layer.eval(),
    "a parameter": lambda t: setattr(t.layer, "weight", mg.Tensor(np.ones((3, 2)), requires_grad=True)),
    "a parameter's dtype": lambda t: t.layer.astype(np.float64),
    "a parameter that is frozen": lambda t: setattr(t.layer.weight, "requires_grad", False),
}


def guarded():
    things = Things()

    def function():
        return things

    return things, Guards({"function": function})


@pytest.mark.parametrize("name", CHANGES)
def test_it_sees_what_the_guards_see(name):
    things, guards = guarded()
    assert guards.holds()
    guards.prepare()
    assert guards.holds()
    CHANGES[name](things)
    assert not guards.holds()
    assert guards.changed() is not None


def test_values_of_tensors_and_equal_scalars_are_no_change():
    things, guards = guarded()
    guards.prepare()
    with mg.no_grad():
        things.layer.weight[...] = 0.0
    assert guards._identical()
    things.scale = float("1.5")
    assert not guards._identical()
    assert guards.holds()


def test_much_is_left_to_the_guards(monkeypatch):
    _, guards = guarded()
    monkeypatch.setattr("minigrad.compilation.identity_check.MOST_PARTS", 3)
    assert identity_check(guards.guards, []) is None
