"""Containers: what lists and dicts can do, and the paths of what is in them."""

import copy

import numpy as np
import pytest

from minigrad import ShapeError, UsageError, nn
from minigrad.graph import Graph


def three():
    return [nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)]


LISTS = pytest.mark.parametrize(
    "make", [lambda ms: nn.Sequential(*ms), nn.ModuleList], ids=["Sequential", "ModuleList"]
)


@LISTS
def test_list_containers_can_be_read_like_lists(make):
    modules = three()
    row = make(modules)
    assert list(row) == modules
    assert (len(row), row[0], row[-1]) == (3, modules[0], modules[2])
    assert modules[1] in row
    assert list(row[1:]) == modules[1:]
    assert type(row[1:]) is type(row)
    assert list(row[::-1]) == modules[::-1]
    for wrong in (3, -4):
        with pytest.raises(IndexError, match=f"of 3 modules has no item {wrong}"):
            row[wrong]


@LISTS
def test_list_containers_change_like_lists(make):
    expected = three()
    row = make(expected)
    new = [nn.ReLU() for _ in range(6)]

    def same():
        assert list(row) == expected
        assert [name for name, _ in row.named_children()] == [str(i) for i in range(len(expected))]

    for container in (row, expected):
        container.append(new[0])
    same()
    for container in (row, expected):
        container.extend(new[1:3])
    same()
    for container in (row, expected):
        container.insert(1, new[3])
    same()
    for container in (row, expected):
        container.insert(-1, new[4])
    same()
    for container in (row, expected):
        container[2] = new[5]
    same()
    for container in (row, expected):
        del container[0]
    same()
    for container in (row, expected):
        del container[1:3]
    same()
    assert row.pop(0) is expected.pop(0)
    same()
    row += [new[0]]
    expected += [new[0]]
    same()
    assert list(row + make(new[:1])) == [*expected, new[0]]


@LISTS
def test_list_containers_hold_modules_only(make):
    with pytest.raises(UsageError, match=r"item 1 is a function, not a Module: .*nn\.Tanh\(\) in place of tanh"):
        make([nn.Tanh(), lambda x: x])


def test_sequential_of_a_list_says_how_it_is_meant():
    with pytest.raises(UsageError, match=r"write Sequential\(a, b\) in place of Sequential\(\[a, b\]\)"):
        nn.Sequential([nn.Tanh()])


def test_sequential_calls_one_after_the_other():
    net = nn.Sequential(*three())
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(net(x).numpy(), net[2](net[1](net[0](x))).numpy())
    assert nn.Sequential()(x) is x
    assert [name for name, _ in net[1:].named_parameters()] == ["1.weight", "1.bias"]


def test_sequential_takes_names():
    net = nn.Sequential({"hidden": nn.Linear(2, 3), "act": nn.Tanh(), "out": nn.Linear(3, 1)})
    assert [name for name, _ in net.named_parameters()] == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert net[1] is net.act
    assert [name for name, _ in net[1:].named_children()] == ["act", "out"]
    for name in ("forward", "a.b", "", "training", "_kinds"):
        with pytest.raises(UsageError, match="cannot be the name of a module"):
            nn.Sequential({name: nn.Tanh()})


def test_module_dict_is_a_dict():
    a, b, c = three()
    table = nn.ModuleDict({"a": a})
    table["b"] = b
    table.update([("c", c), ("a", b)])
    assert table.keys() == list(table) == ["a", "b", "c"]
    assert table.values() == [b, b, c]
    assert table.items() == [("a", b), ("b", b), ("c", c)]
    assert ("a" in table, "d" in table, len(table)) == (True, False, 3)
    assert table.pop("c") is c
    del table["a"]
    assert list(table) == ["b"]
    with pytest.raises(KeyError, match="this ModuleDict has b"):
        table["a"]
    table.clear()
    assert len(table) == 0
    for name, module in (("keys", a), ("x", 3)):
        with pytest.raises(UsageError, match="ModuleDict"):
            table[name] = module


def test_module_lists_and_dicts_are_not_called():
    for holder in (nn.ModuleList(three()), nn.ModuleDict()):
        with pytest.raises(UsageError, match="only holds modules: call them one by one"):
            holder(1)


class Blocks(nn.Module):
    def __init__(self):
        self.early = nn.ModuleList([nn.Linear(3, 3)])
        self.early.append(nn.ModuleDict({"x": nn.Linear(3, 3)}))
        self.late = nn.ModuleList()
        self.late.append(nn.Linear(3, 3)).insert(0, nn.Linear(3, 3))

    def forward(self, x):
        return self.late[1](self.late[0](self.early[1]["x"](self.early[0](x))))


def test_paths_of_calls_are_those_of_parameters():
    net = Blocks()
    graph = Graph.of(net(np.ones((1, 3), np.float32)), model=net)
    called = {call.path for call in graph.calls if call.kind == "Linear"}
    assert called == {"early.0", "early.1.x", "late.0", "late.1"}
    assert {name.rpartition(".")[0] for name, _ in net.named_parameters()} == called
    with pytest.raises(ShapeError, match=r"early\.0 Linear"):
        net(np.ones((1, 2), np.float32))


def test_slices_leave_the_paths_as_they_are():
    net = Blocks()
    part = net.late[1:]
    assert [name for name, _ in part.named_parameters()] == ["0.weight", "0.bias"]
    with pytest.raises(ShapeError, match=r"late\.1 Linear"):
        part[0](np.ones((1, 2), np.float32))


def test_deep_copy_keeps_what_is_shared_inside():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    net.append(net[0])
    net(np.ones((1, 2), np.float32)).sum().backward()
    other = copy.deepcopy(net)
    assert other[0].weight is other[1].weight
    assert other[2] is other[0]
    assert other[0].weight is not net[0].weight
    assert len(list(other.parameters())) == 3
    other[0].weight.grad.writable()[...] = 7
    assert not (net[0].weight.grad.numpy() == 7).any()
    assert set(net.state_dict()) == {f"{i}.{name}" for i in range(3) for name in ("weight", "bias")}


def test_containers_can_begin_empty_as_in_pytorch():
    assert len(nn.ModuleList(None)) == len(nn.ModuleDict(None)) == 0
