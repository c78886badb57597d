"""`ParameterList` and `ParameterDict` read and change like lists and dicts, under PyTorch's names; parameters as one
vector."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import ShapeError, Tensor, UsageError, nn
from minigrad.testing import check_grads

A, B, C = np.arange(3.0), np.ones((2, 2)), np.zeros(())


class Net(nn.Module):
    def __init__(self):
        self.scales = nn.ParameterList([A, B])
        self.table = nn.ParameterDict({"x": A, "y": C})


def test_parameters_have_pytorchs_names():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["scales.0", "scales.1", "table.x", "table.y"]
    assert all(p.requires_grad for p in net.parameters())
    net.scales[1].sum().backward()
    assert net.scales[1].grad is not None


@pytest.mark.peer
def test_state_is_exchanged_with_pytorch():
    torch = pytest.importorskip("torch")

    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scales = torch.nn.ParameterList([torch.tensor(A), torch.tensor(B)])
            self.table = torch.nn.ParameterDict({"x": torch.tensor(A), "y": torch.tensor(C)})

    ours, theirs = Net(), Theirs()
    ours.load_state_dict({name: value + 1 for name, value in theirs.state_dict().items()})
    np.testing.assert_array_equal(ours.scales[0].numpy(), A + 1)
    theirs.load_state_dict({name: torch.tensor(value) for name, value in ours.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_list_reads_and_changes_like_a_list():
    p = nn.Parameter(A)
    row = nn.ParameterList([p, B])
    assert row[0] is p
    assert row[-1] is row[1]
    assert p in row
    assert nn.Parameter(A) not in row
    row.append(C).extend([A])
    row += [B]
    assert [x.shape for x in row] == [(3,), (2, 2), (), (3,), (2, 2)]
    row[2] = A
    assert row[2].shape == (3,)
    part = row[:2]
    assert isinstance(part, nn.ParameterList)
    assert part[0] is p
    for wrong in (5, -6):
        with pytest.raises(IndexError, match=f"ParameterList of 5 parameters has no item {wrong}"):
            row[wrong]
    assert repr(nn.ParameterList([A])) == "ParameterList(0: float64 (3,))"


def test_dict_reads_and_changes_like_a_dict():
    p = nn.Parameter(A)
    table = nn.ParameterDict({"a": p})
    table["b"] = B
    table.update([("c", C), ("a", p)])
    assert (list(table), list(reversed(table)), len(table)) == (["a", "b", "c"], ["c", "b", "a"], 3)
    assert table["a"] is p
    assert "d" not in table
    assert table.setdefault("d", A).shape == (3,)
    assert table.pop("d").shape == (3,)
    joined = table | {"e": A}
    assert list(joined) == ["a", "b", "c", "e"]
    assert joined["a"] is p
    table |= {"e": A}
    del table["e"]
    assert [name for name, _ in table.items()] == ["a", "b", "c"]
    with pytest.raises(KeyError, match="this ParameterDict has a, b, c"):
        table["x"]
    table.clear()
    assert len(table) == 0
    assert table == table  # modules are told apart by what they are, not by what they hold
    assert nn.ParameterDict({"a": p}) != nn.ParameterDict({"a": p})


def test_frozen_parameters_stay_in_slices_and_copies():
    row = nn.ParameterList([A, B]).freeze()
    assert [name for name, _ in row[1:].named_parameters()] == ["0"]
    table = nn.ParameterDict({"a": A}).freeze()
    assert table.copy()["a"] is table["a"]
    for module in (copy.deepcopy(row), pickle.loads(pickle.dumps(row))):
        assert [name for name, _ in module.named_parameters()] == ["0", "1"]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (nn.Tanh(), "modules go to a nn.Module"),
        (Tensor(A, requires_grad=True) * 2, "is the result of an operation"),
        (print, "is no parameter"),
        ("text", "is no parameter"),
        (np.arange(3), "is no parameter"),
    ],
    ids=["module", "result", "function", "text", "integers"],
)
def test_what_cannot_be_a_parameter_is_refused(item, words):
    with pytest.raises(UsageError, match=f"ParameterList: item 0.*{words}"):
        nn.ParameterList([item])
    with pytest.raises(UsageError, match=f"ParameterDict: item a.*{words}"):
        nn.ParameterDict({"a": item})


def test_other_misuse_is_told():
    with pytest.raises(UsageError, match=r"a Tensor is no list of parameters: write ParameterList\(\[p, q\]\)"):
        nn.ParameterList(Tensor(A))
    for name in ("forward", "a.b", "", "items"):
        with pytest.raises(UsageError, match="cannot be the name of a parameter"):
            nn.ParameterDict({name: A})
    for holder in (nn.ParameterList([A]), nn.ParameterDict({"a": A})):
        with pytest.raises(UsageError, match="only holds parameters: compute with its items"):
            holder(1)
    with pytest.raises(UsageError, match=r"nn\.ParameterList"):
        nn.Linear(2, 2).kept = [nn.Parameter(A)]


# ---- parameters as a vector ------------------------------------------------------------------------------------------

to_vector, to_parameters = nn.utils.parameters_to_vector, nn.utils.vector_to_parameters


@given(st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4))
def test_vector_and_parameters_are_inverses(shapes):
    rng = np.random.default_rng(0)
    parameters = [nn.Parameter(rng.normal(size=shape)) for shape in shapes]
    vector = to_vector(parameters)
    others = [nn.Parameter(np.zeros(shape)) for shape in shapes]
    to_parameters(vector, others)
    for mine, other in zip(parameters, others, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())
    np.testing.assert_array_equal(vector.numpy(), to_vector(others).numpy())


def test_vector_is_differentiable_and_later_training_leaves_it():
    assert check_grads(lambda a, b: to_vector([a, b]), A, B)
    p = nn.Parameter(A)
    vector = np.ones(3)
    to_parameters(vector, [p])
    vector[0] = 7
    assert p.tolist() == [1, 1, 1]


def test_vectors_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"these 2 parameters need a vector of 7 numbers, got shape \(6,\)"):
        to_parameters(np.ones(6), [nn.Parameter(A), nn.Parameter(B)])
    for function in (to_vector, lambda ps: to_parameters([], ps)):
        with pytest.raises(UsageError, match="no parameters were given"):
            function([])
        with pytest.raises(UsageError, match="parameters are Tensors"):
            function([A])
