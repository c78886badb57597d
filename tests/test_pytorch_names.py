"""PyTorch's names: each hint's code runs and computes what PyTorch computes, and nothing else is touched by them."""

import ast
import contextlib
import copy
import inspect
import io
import math
import pickle
import pydoc
import re
import sys

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, optim
from minigrad import functional as F  # noqa: N812
from minigrad.pytorch_names import (
    FUNCTIONS,
    IN_FUNCTIONAL,
    MODULE,
    NAMESPACES,
    TENSOR,
    HintedName,
    module_table,
    rows,
    tensor_table,
)

TABLES = {
    "Tensor": tensor_table.ROWS + FUNCTIONS,
    "Module": module_table.MODULE,
    "torch": module_table.TORCH,
    "nn": module_table.NN,
    "functional": module_table.FUNCTIONAL,
    "optim": module_table.OPTIM,
}
ROWS = [(table, *row) for table, text in TABLES.items() for row in rows(text).values()]
WITH_CODE = [pytest.param(*row[:3], id=f"{row[0]}: {row[1]}") for row in ROWS if row[2] != "-"]
REMARKS = [pytest.param(row[-1], id=f"{row[0]}: {row[1]}") for row in ROWS if len(row) > 3]

OWNERS = {"Tensor": Tensor, "Module": nn.Module, "torch": minigrad, "nn": nn, "functional": F, "optim": optim}
HINTS = {
    "Tensor": TENSOR,
    "Module": MODULE,
    "nn": NAMESPACES["minigrad.nn"],
    "functional": NAMESPACES["minigrad.functional"],
    "optim": NAMESPACES["minigrad.optim"],
    "torch": {name: NAMESPACES["minigrad"][name] for name in rows(module_table.TORCH + IN_FUNCTIONAL)},
}


def numbers():
    """What the letters in the tables stand for: arrays, and plain numbers."""
    rng = np.random.default_rng(5)

    def draw(*shape):
        return rng.uniform(0.1, 0.9, shape).astype(np.float32)

    root = draw(3, 3)
    return {
        "x": draw(2, 3), "y": draw(2, 3), "z": draw(4, 2, 3), "v": draw(3), "w": draw(3), "p": draw(2, 3),
        "A": draw(2, 3), "B": draw(3, 4), "C": draw(2, 4), "M": draw(2, 2, 3), "N": draw(2, 3, 4),
        "S": root @ root.T + np.eye(3, dtype=np.float32), "Q": draw(2, 4, 3), "K": draw(2, 4, 3), "V": draw(2, 4, 3),
        "image": draw(2, 3, 4, 4), "weight": draw(3), "W": draw(4, 3),
        "mask": np.array([[True, False, True], [False, False, True]]),
        "i": np.array([[5, 2, 9], [4, 1, 7]]), "j": np.array([[3, 2, 1], [0, 1, 2]]),
        "index": np.array([[0, 2, 2], [1, 0, 0]]), "positions": np.array([1, 0]),
        "dim": 1, "n": 2, "k": 1, "size": 1, "shift": 1, "value": 0.3, "min": 0.3, "max": 0.6, "times": (2, 1),
        "shape": (3, 2), "axes": (1, 0), "data": [[1.0, 2.0], [3.0, 4.0]], "rows": np.array([[0], [1]]),
        "array": np.array([1.5, 2.5]),
    }  # fmt: skip


def ours():
    """The namespace that our code in the tables runs in."""
    letters = {name: Tensor(value) if name not in KEPT and isinstance(value, np.ndarray) else value
               for name, value in numbers().items()}  # fmt: skip
    model = nn.Sequential(nn.Linear(3, 2))
    (model[0].weight * 1.0).sum().backward()
    return letters | {
        "xs": [letters["x"], letters["y"]], "dtype": "float64", "model": model, "layer": nn.ReLU(),
        "f": lambda *_: None, "minigrad": minigrad, "np": np, "nn": nn, "F": F, "optim": optim,
    }  # fmt: skip


KEPT = {"array", "rows"}
"""What is a NumPy array in the tables."""


def result(code, names):
    """The value of an expression, or for a statement the x (or w) that it leaves behind."""
    exec_names = dict(names)
    if isinstance(ast.parse(code).body[0], ast.Expr):
        return eval(code, exec_names)
    exec(code, exec_names)
    return exec_names[code[0]]


def shown(error):
    """The last line that Python prints of an error: with what it adds about names that may have been meant."""
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        sys.__excepthook__(type(error), error, None)
    return stream.getvalue().strip().splitlines()[-1]


# ---- what the hints say is right -----------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "theirs", "code"), WITH_CODE)
def test_our_code_runs(table, theirs, code):
    with np.errstate(all="ignore"):
        result(code, ours())


@pytest.mark.parametrize("remark", REMARKS)
def test_names_in_remarks_exist(remark):
    known = ours() | {"x": Tensor([1.0], requires_grad=True) * 2}
    for path in re.findall(r"\b(?:minigrad|nn|optim|np|x|model)(?:\.\w+)+", remark):
        if path == "x.to" or path == "model.to":  # "leave x.to(device) out"
            continue
        value = known[path.split(".")[0]]
        for name in path.split(".")[1:]:
            value = getattr(value, name)


def test_functions_that_are_said_to_be_in_functional_are_there():
    for name in module_table.IN_FUNCTIONAL.split():
        assert callable(getattr(F, name))


@pytest.mark.parametrize("table", HINTS)
def test_no_hint_is_for_a_name_that_exists(table):
    owner = OWNERS[table]
    assert [name for name in HINTS[table] if hasattr(owner, name)] == []
    if isinstance(owner, type):
        found = [vars(kind)[name] for kind in owner.__mro__ for name in HINTS[table] if name in vars(kind)]
        assert {type(attribute) for attribute in found} == {HintedName}
        assert len(found) == len(HINTS[table])


@pytest.mark.parametrize("table", HINTS)
def test_hint_is_what_the_error_says(table):
    owner = {"Tensor": Tensor([1.0]), "Module": nn.ReLU()}.get(table, OWNERS[table])
    for name, hint in HINTS[table].items():
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert str(caught.value) == hint
        assert caught.value.name == name


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x.view(3, 2)", "a Tensor has no view: PyTorch's x.view(shape) is x.reshape(shape) here"),
        ("x.relu_()", "a Tensor has no relu_: nothing is computed in place here: x = ... is a new Tensor, and "
                      "p.data = ... gives a parameter other values"),
        ("x.quantile(0.5)", "a Tensor has no quantile: PyTorch's quantile is not in minigrad"),
        ("model.cuda()", "a Module has no cuda: PyTorch's model.cuda() is model here; there is only the CPU here"),
        ("minigrad.cat(xs)", "minigrad has no cat: PyTorch's torch.cat(xs, dim) is minigrad.concat(xs, dim) here"),
        ("minigrad.mm(A, B)", "minigrad has no mm: PyTorch's A.mm(B) is A @ B here"),
        ("nn.functional.relu", "minigrad.nn has no functional: PyTorch's nn.functional is minigrad.functional here"),
        ("F.pdist", "minigrad.functional has no pdist: PyTorch's pdist is not in minigrad"),
        ("F.relu_(x)", "minigrad.functional has no relu_: nothing is computed in place here: x = ... is a new Tensor, "
                       "and p.data = ... gives a parameter other values"),
        ("optim.lr_scheduler", "minigrad.optim has no lr_scheduler: use optim.schedule: "
                               "with optim.scheduled(optimizer, optim.schedule.Cosine(), step, total): ..."),
    ],
)  # fmt: skip
def test_messages(code, message):
    with pytest.raises(AttributeError) as caught:
        eval(code, ours())
    assert str(caught.value) == message
    assert shown(caught.value) == f"AttributeError: {message}"  # no "Did you mean" that would mislead


# ---- nothing else changes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "typo", "message", "meant"),
    [
        (Tensor([1.0]), "reshap", "'Tensor' object has no attribute 'reshap'", "reshape"),
        (nn.Linear(2, 3), "weigth", "'Linear' object has no attribute 'weigth'", "weight"),
        (minigrad, "matmull", "module 'minigrad' has no attribute 'matmull'", "matmul"),
        (nn, "Linea", "module 'minigrad.nn' has no attribute 'Linea'", "Linear"),
        (F, "leaky_rel", "module 'minigrad.functional' has no attribute 'leaky_rel'", "leaky_relu"),
        (optim, "Adagrd", "module 'minigrad.optim' has no attribute 'Adagrd'", "Adagrad"),
    ],
)
def test_typo_gets_the_error_of_python(owner, typo, message, meant):
    with pytest.raises(AttributeError) as caught:
        getattr(owner, typo)
    assert str(caught.value) == message
    assert (caught.value.name, caught.value.obj) == (typo, owner)
    assert shown(caught.value) == f"AttributeError: {message}. Did you mean: '{meant}'?"


@pytest.mark.parametrize("owner", [Tensor([1.0]), nn.ReLU(), minigrad, nn, F, optim])
def test_questions_are_answered(owner):
    for name in ("cuda", "AdaptiveLogSoftmaxWithLoss", "pdist", "add_", "lr_scheduler", "no_such_name"):
        assert not hasattr(owner, name)
        assert getattr(owner, name, 3) == 3
    for name in ("__array_interface__", "__array_struct__", "_repr_html_", "__torch_function__", "__wrapped__"):
        assert not hasattr(owner, name)


def test_no_class_pays_for_lookups():
    """A `__getattr__` would make each lookup of what exists slower, and hide errors inside of properties."""
    assert not hasattr(Tensor, "__getattr__")
    assert not hasattr(nn.Module, "__getattr__")
    assert not hasattr(Tensor([1.0]), "__dict__")


def test_error_in_a_property_stays_what_it_is():
    class Net(nn.Module):
        @property
        def device(self):
            return self.wiegth

    with pytest.raises(AttributeError, match="no attribute 'wiegth'"):
        Net().device  # noqa: B018


@pytest.mark.parametrize("owner", [Tensor([[1.0]]), nn.ReLU()])
def test_dir_shows_what_exists(owner):
    names = dir(owner)
    assert {"__init__", "requires_grad_" if isinstance(owner, nn.Module) else "reshape"} <= set(names)
    assert [name for name in names if not name.startswith("_") and not hasattr(owner, name)] == []


def test_module_may_have_parts_and_methods_of_these_names():
    class Net(nn.Module):
        def __init__(self):
            self.to = nn.Linear(2, 3)
            self.cpu = 4

        def half(self):
            return 0.5

    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["to.weight", "to.bias"]
    assert (net.cpu, net.half()) == (4, 0.5)
    del net.to
    with pytest.raises(AttributeError, match=r"model\.astype"):
        net.to  # noqa: B018
    assert [name for name, _ in nn.Sequential({"double": nn.ReLU()}).named_children()] == ["double"]


def test_copies_and_arrays_are_as_before():
    x, layer = Tensor([1.0, 2.0]), nn.Linear(2, 3)
    assert copy.copy(x).tolist() == copy.deepcopy(x).tolist() == np.asarray(x).tolist() == [1, 2]
    assert copy.deepcopy(layer).weight.tolist() == layer.weight.tolist()
    assert pickle.loads(pickle.dumps(nn.ReLU())).training
    assert pickle.loads(pickle.dumps(x)).tolist() == [1, 2]
    bare = Tensor.__new__(Tensor)
    with pytest.raises(AttributeError, match="_data"):
        bare.shape  # noqa: B018


@pytest.mark.parametrize("owner", [Tensor, nn.Module])
def test_help_can_be_shown(owner):
    text = pydoc.plain(pydoc.render_doc(owner))
    assert "to" in text
    assert inspect.getmembers(owner)


# ---- against PyTorch -----------------------------------------------------------------------------------------

DRAWN = {"bernoulli", "multinomial", "init", "empty", "empty_like", "new_empty"}
"""Only dtype and shape can be equal."""

INCOMPARABLE = {
    "cuda", "pin_memory",  # need a GPU
    "Generator", "manual_seed", "set_num_threads", "get_default_dtype", "is_grad_enabled",  # concern the whole process
    "set_grad_enabled", "inference_mode", "functional", "utils", "register_module", "register_backward_hook",
}  # fmt: skip
"""What gives no numbers."""


def plain(value):
    """Something computed as arrays and plain objects."""
    if isinstance(value, Tensor):
        return value.numpy()
    if isinstance(value, nn.Module):
        return [p.numpy() for p in value.parameters()]
    if type(value).__module__.startswith("torch") and hasattr(value, "parameters"):
        return [p.detach().numpy() for p in value.parameters()]
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return value.detach().numpy() if hasattr(value, "detach") else value


def assert_same(mine, its, rtol=1e-5):
    if isinstance(its, list):
        assert len(mine) == len(its)
        for a, b in zip(mine, its, strict=True):
            assert_same(a, b)
    elif isinstance(its, np.ndarray):
        assert np.shape(mine) == its.shape
        np.testing.assert_allclose(mine, its, rtol=rtol, atol=1e-6)
        assert np.asarray(mine).dtype == its.dtype
    else:
        assert mine == its or (math.isnan(its) and math.isnan(mine))


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("table", "theirs", "code"), WITH_CODE)
def test_our_code_computes_what_pytorchs_does(torch, table, theirs, code):
    name = theirs.split(".")[1].split("(")[0]
    if name in INCOMPARABLE:
        pytest.skip("gives no numbers to compare")
    here = ours()
    letters = {key: torch.tensor(value) if key not in KEPT and isinstance(value, np.ndarray) else value
               for key, value in numbers().items()}  # fmt: skip
    model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    model.load_state_dict({key: torch.tensor(np.array(value)) for key, value in here["model"].state_dict().items()})
    (model[0].weight * 1.0).sum().backward()
    there = letters | {
        "xs": [letters["x"], letters["y"]], "dtype": torch.float64, "model": model, "torch": torch, "nn": torch.nn,
        "F": torch.nn.functional,
    }  # fmt: skip
    with np.errstate(all="ignore"):
        mine = result(code, here)
    its = result(theirs, there)
    if "Upsampling" in name:
        mine, its = mine(here["image"]), its(there["image"])
    if isinstance(its, torch.dtype):
        assert f"torch.{np.dtype(mine)}" == str(its)
    elif isinstance(its, torch.Size):
        assert mine == tuple(its)
    elif name in DRAWN:
        assert (mine.shape, f"torch.{mine.dtype}") == (tuple(its.shape), str(its.dtype))
    else:
        if isinstance(its, torch.Tensor) and isinstance(mine, Tensor):
            assert mine.requires_grad == its.requires_grad
        assert_same(plain(mine), plain(its))


@pytest.mark.peer
def test_names_are_pytorchs(torch):
    theirs = {
        "Tensor": torch.Tensor, "Module": torch.nn.Module, "nn": torch.nn, "functional": torch.nn.functional,
        "optim": torch.optim, "torch": torch,
    }  # fmt: skip
    wrong = [
        f"{table}: {name}"
        for table, hints in HINTS.items()
        for name in hints
        if not hasattr(theirs[table], name) and name not in tensor_table.IN_PLACE.split()
    ]
    assert wrong == []
    everywhere = (torch.Tensor, torch, torch.nn.functional)
    assert [name for name in tensor_table.IN_PLACE.split() if not any(hasattr(o, name) for o in everywhere)] == []
