"""Calls that PyTorch would take and minigrad does not: the error says what is taken, and what the argument is here."""

import inspect
import json
import pickle
import re
from types import FunctionType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Op, Tensor, init, nn, optim
from minigrad import functional as F  # noqa: N812
from minigrad.data import DataLoader
from minigrad.optim import schedule
from minigrad.pytorch_names import DATA, module_table, rows
from minigrad.pytorch_names.keywords import REMARKS, RENAMED, explain_calls, keyword_hint

NAMESPACES = {"minigrad": mg, "functional": F, "optim": optim, "init": init, "nn": nn, "schedule": schedule}
VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
OTHER_CONSTRUCTORS = (Tensor, Op, mg.Graph, nn.Handle, optim.MinimizeResult)  # which are nothing like PyTorch's


def public(*kinds):
    """The public functions, ops or classes by name."""
    found = {
        f"{space}.{name}": getattr(module, name) for space, module in NAMESPACES.items() for name in module.__all__
    }
    methods = inspect.getmembers(Tensor, inspect.isfunction)
    found |= {f"Tensor.{name}": method for name, method in methods if not name.startswith("_") and parameters(method)}
    found["data.DataLoader"] = DataLoader
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, kinds)
        and value not in OTHER_CONSTRUCTORS
        and not (isinstance(value, type) and issubclass(value, Exception))
        and (isinstance(value, Op) or not any(p.kind is p.VAR_KEYWORD for p in parameters(value)))
    }


def parameters(value):
    return [p for p in inspect.signature(value).parameters.values() if p.name != "self"]


def error_of(value, /, *args, **given):
    try:
        value(*args, **given)
    except TypeError as error:
        return str(error)
    return "no TypeError"


def test_every_unknown_keyword_is_told_with_those_that_exist():
    errors = {}
    for name, value in public(FunctionType, type).items():
        known = [
            f"{p.name}=" if p.kind is p.KEYWORD_ONLY else p.name for p in parameters(value) if p.kind not in VARIADIC
        ]
        expected = f"{value.__name__} takes {', '.join(known) or 'nothing'}; got unheard_of="
        if not (text := error_of(value, unheard_of=1)).startswith(expected):
            errors[name] = text
    assert errors == {}


@pytest.mark.parametrize("keyword", ["device", "out", "inplace"])
def test_what_does_not_exist_here_is_told_by_everything(keyword):
    errors = {}
    for name, value in public(FunctionType, type, Op).items():
        if keyword in [p.name for p in parameters(value)]:
            continue
        inputs = [None] * len(value.inputs) if isinstance(value, Op) else []
        if REMARKS[keyword] not in (text := error_of(value, *inputs, **{keyword: None})):
            errors[name] = text
    assert errors == {}


def test_arguments_too_many_or_given_twice_are_told():
    errors = {}
    for name, value in public(FunctionType).items():
        names = [p.name for p in parameters(value) if p.kind is p.POSITIONAL_OR_KEYWORD]
        if any(p.kind in VARIADIC for p in parameters(value)):
            continue
        args = [None] * (len(names) + name.startswith("Tensor."))
        if f"got {len(names) + 1} by position" not in (text := error_of(value, *args, None)):
            errors[name] = text
        if names and f"got {names[-1]} twice" not in (text := error_of(value, *args, **{names[-1]: None})):
            errors[name] = text
    assert errors == {}


@given(names=st.lists(st.sampled_from([*RENAMED, *REMARKS, "other_name"]), unique=True), known=st.data())
def test_hints_name_only_what_exists(names, known):
    every = sorted({new for news in RENAMED.values() for new in news})
    known = known.draw(st.lists(st.sampled_from(every), unique=True))
    hint = keyword_hint(names, known)
    assert set(re.findall(r"is (\w+)= here", hint)) <= set(known)
    assert set(re.findall(r"PyTorch's (\w+)= is", hint)) <= set(names)


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda x: F.dropout(x, inplace=True), "leave inplace= out"),
        (lambda x: F.relu(x, inplace=True), "leave inplace= out"),
        (lambda x: F.relu(x, True), "relu takes x; got 2 by position"),
        (lambda x: F.cross_entropy(input=x, target=[0, 1]), "PyTorch's input= is x= here"),
        (lambda x: F.cross_entropy(x, [0, 1], size_average=True), "say it by reduction="),
        (lambda x: nn.Conv2d(1, 1, 3, device="cpu"), "there is only the CPU here"),
        (lambda x: nn.Linear(2, 2, dtype="float32"), r"model.astype\(dtype\)"),
        (lambda x: optim.SGD([x], lr=0.1, foreach=True), "there is one implementation here"),
        (lambda x: optim.Adam([x], learning_rate=0.1), "PyTorch's learning_rate= is lr= here"),
        (lambda x: schedule.Step(30, verbose=True), "leave verbose= out"),
        (lambda x: DataLoader(dataset=X), "PyTorch's dataset= is data= here"),
        (lambda x: DataLoader(X, num_workers=2), "PyTorch's num_workers= is workers= here"),
        (lambda x: DataLoader(X, pin_memory=True), "there is only the CPU here"),
        (lambda x: DataLoader(X, worker_init_fn=print), "they end with the epoch"),
        (lambda x: mg.full(2, 3, 1.0), r"write full\(\(2, 3\), 1.0\)"),
        (lambda x: mg.ones(2, 3, dtype="float32"), r"a shape is one argument: write ones\(\(2, 3\)\)"),
        (lambda x: mg.zeros(2, 3, 4, 5), r"a shape is one argument: write zeros\(\(2, 3, 4, 5\)\)"),
        (lambda x: mg.zeros(size=(2, 3)), "PyTorch's size= is shape= here"),
        (lambda x: mg.randn(2, generator=None), "PyTorch's generator= is rng= here"),
        (lambda x: mg.concat([x, x], dim=0), "PyTorch's dim= is axis= here"),
        (lambda x: x.expand_dims(dim=0), "PyTorch's dim= is axis= here"),
        (lambda x: x.backward(gradient=x), "PyTorch's gradient= is g= here"),
        (lambda x: mg.matmul(input=x, other=x), "PyTorch's input= is x= here; PyTorch's other= is y= here"),
    ],
)  # fmt: skip
def test_pytorchs_keywords_are_told(call, hint):
    with pytest.raises(TypeError, match=hint):
        call(Tensor(X, requires_grad=True))


def test_errors_of_the_function_itself_are_its_own():
    def broken(x, y=1):
        raise TypeError("of its own")

    with pytest.raises(TypeError, match="of its own"):
        explain_calls(broken)(1, y=2)
    with pytest.raises(TypeError, match="broken takes x, y; got z="):
        explain_calls(broken)(1, z=2)


def test_a_users_module_with_any_keywords_gets_them():
    class Configured(nn.Module):
        def __init__(self, device=None, **others):
            self.given = {"device": device, **others}

    class Plain(nn.Module):
        def __init__(self, width):
            self.width = width

    assert Configured(device="cpu", width=3).given == {"device": "cpu", "width": 3}
    with pytest.raises(TypeError, match="Plain takes width; got device=; there is only the CPU here"):
        Plain(3, device="cpu")


def test_public_functions_can_be_pickled():
    functions = [value for name, value in public(FunctionType).items() if not name.startswith("Tensor.")]
    assert all(pickle.loads(pickle.dumps(function)) is function for function in functions)


NOT_HERE = {
    "d", "tol", "symmetric", "split_size_or_sections", "_stacklevel", "max_norm", "norm_type", "scale_grad_by_freq",
    "_weight", "_freeze", "min_value", "max_value", "defaults", "in_order", "name",
}  # fmt: skip
"""Keywords of PyTorch's, private and deprecated ones among them, that mean nothing here: the error lists what does."""


@pytest.mark.peer
def test_every_keyword_of_pytorchs_is_taken_or_has_a_hint():
    torch = pytest.importorskip("torch")
    theirs = {"minigrad": torch, "functional": torch.nn.functional, "nn": torch.nn, "optim": torch.optim}
    theirs["data"] = torch.utils.data
    unknown = {}
    for name, value in public(FunctionType, type, Op).items():
        space, _, short = name.partition(".")
        try:
            keywords = inspect.signature(getattr(theirs.get(space), short)).parameters
        except (AttributeError, TypeError, ValueError):  # there is none, or it has no signature
            continue
        ours = [p.name for p in parameters(value)]
        left = {p.name for p in keywords.values() if p.name not in ours and p.kind not in VARIADIC} - NOT_HERE
        if left := {keyword for keyword in left if not keyword_hint([keyword], ours)}:
            unknown[name] = left
    assert unknown == {}


# ---- settings behind the inputs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_position", "by_name"),
    [
        (lambda x: mg.expand_dims(x, 1), lambda x: mg.expand_dims(x, axis=1)),
        (lambda x: mg.squeeze(x[:1], 0), lambda x: mg.squeeze(x[:1], axis=0)),
        (lambda x: mg.var(x, 1), lambda x: mg.var(x, axis=1)),
        (lambda x: mg.std(x, 0, 1.0), lambda x: mg.std(x, axis=0, correction=1.0)),
        (lambda x: mg.roll(x, 1, 1), lambda x: mg.roll(x, 1, axis=1)),
        (lambda x: mg.repeat(x, 2, 0), lambda x: mg.repeat(x, 2, axis=0)),
        (lambda x: mg.take(x, [0, 2], 1), lambda x: mg.take(x, [0, 2], axis=1)),
        (lambda x: mg.split(x, 3, 1)[1], lambda x: mg.split(x, 3, axis=1)[1]),
        (lambda x: mg.unstack(x, 1)[2], lambda x: mg.unstack(x, axis=1)[2]),
        (lambda x: mg.cumulative_sum(x, 1), lambda x: mg.cumulative_sum(x, axis=1)),
        (lambda x: mg.trace(x[:, :2], 1), lambda x: mg.trace(x[:, :2], offset=1)),
    ],
)
def test_functions_take_settings_by_position_as_ops_do(by_position, by_name):
    x = Tensor(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(by_position(x).numpy(), by_name(x).numpy())


@pytest.mark.parametrize(
    "call", [lambda x: mg.diff(x, 2), lambda x: mg.vector_norm(x, 2), lambda x: mg.matrix_norm(x, 2)]
)
def test_a_position_that_means_something_else_elsewhere_is_refused(call):
    with pytest.raises(TypeError, match="got 2 by position"):
        call(Tensor(X))


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "all", "any", "argmax", "argmin", "logsumexp"])
def test_an_axis_that_stands_where_keepdims_does_is_told(name):
    for call in (lambda x: getattr(x, name)(0, 1), lambda x: getattr(mg, name)(x, 0, 1)):
        with pytest.raises(mg.UsageError, match=r"keepdims is True or False, not 1: several axes are one tuple"):
            call(Tensor(X))
    assert getattr(Tensor(X), name)(0, np.True_).shape == (1, 3)


@pytest.mark.parametrize(("name", "right"), [("max", "maximum"), ("min", "minimum"), ("sum", None)])
def test_a_second_array_that_stands_where_the_axis_does_is_told(name, right):
    with pytest.raises(TypeError, match=rf"{name} takes x and then axis, a number; got an array") as error:
        getattr(mg, name)(Tensor(X), Tensor(X))
    assert right is None or f"element by element it is {right}(x, y)" in str(error.value)


def test_two_arrays_of_a_loader_are_one_argument():
    for call in (lambda: DataLoader(X, X[:, 0]), lambda: DataLoader(X, X, shuffle=True)):
        with pytest.raises(mg.DataError, match=r"give arrays as one, DataLoader\(\(x, y\)\)"):
            call()
    with pytest.raises(TypeError, match=r"DataLoader takes data, batch_size, .*; got batch_size twice"):
        DataLoader(X, X, batch_size=4)


def test_a_class_that_stands_for_a_layer_is_told():
    for make in (lambda: nn.Sequential(nn.Linear(3, 2), nn.ReLU), lambda: nn.ModuleList([nn.Linear(3, 2), nn.ReLU])):
        with pytest.raises(mg.UsageError, match=r"item 1 is the class ReLU: write ReLU\(\)"):
            make()


def test_what_pytorch_does_in_place_to_data_is_told():
    data = nn.Linear(3, 2).weight.data
    for name in ("fill_", "zero_", "normal_", "uniform_", "copy_", "add_", "clamp_"):
        with pytest.raises(
            AttributeError, match=f"x.data has no {name}: .* p.data = ... gives a parameter other values"
        ):
            getattr(data, name)
        assert name not in dir(data)
    for name in ("numpy", "cpu"):
        with pytest.raises(AttributeError, match="it is a NumPy array already"):
            getattr(data, name)
    assert not any(hasattr(np.ndarray, name) for name in DATA)


# ---- schedules -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", rows(module_table.SCHEDULE))
def test_pytorchs_schedules_are_told_by_code_that_runs(name):
    theirs, ours, *_ = rows(module_table.SCHEDULE)[name]
    with pytest.raises(AttributeError, match=re.escape(f"PyTorch's {theirs} is {ours} here")):
        getattr(schedule, name)
    with pytest.raises(ImportError, match=re.escape(f"is {ours} here")):
        exec(f"from minigrad.optim.schedule import {name}")
    names = {"schedule": schedule, "loader": range(5), "f": float, "schedules": (schedule.Cosine(), schedule.Plateau())}
    assert isinstance(eval(ours, names), schedule.Schedule)


@pytest.mark.peer
@pytest.mark.parametrize("name", ["StepLR", "MultiStepLR", "ExponentialLR", "LinearLR", "ConstantLR"])
def test_pytorchs_schedules_have_the_same_factors_at_each_epoch(name):
    torch = pytest.importorskip("torch")
    theirs, ours, *_ = rows(module_table.SCHEDULE)[name]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    their = eval(theirs, {"lr_scheduler": torch.optim.lr_scheduler, "optimizer": optimizer})
    our = eval(ours, {"schedule": schedule, "loader": range(4)})
    for epoch in range(40):
        np.testing.assert_allclose(our(4 * epoch, 160), their.get_last_lr()[0], rtol=1e-12)
        optimizer.step()
        their.step()


@pytest.mark.peer
def test_every_schedule_of_pytorchs_is_told():
    torch = pytest.importorskip("torch")
    known = {*rows(module_table.SCHEDULE), *module_table.SCHEDULE_ABSENT.split()}
    assert set(torch.optim.lr_scheduler.__all__) <= known


# ---- methods there, attributes here --------------------------------------------------------------------------


def test_the_call_of_size_is_told_and_size_is_an_integer_in_all_else():
    x = Tensor(np.zeros((2, 3)))
    for call in (lambda: x.size(), lambda: x.size(0), lambda: x.size(-1)):
        with pytest.raises(TypeError, match=r"x.size\(\) is x.shape here, and x.size\(dim\) is x.shape\[dim\]"):
            call()
    assert isinstance(x.size, int)
    assert x.size == 6
    assert type(x.size + 0) is int
    assert repr(x.size) == str(x.size) == f"{x.size}" == json.dumps(x.size) == "6"
    assert np.zeros(x.size).shape == (6,)
    assert list(range(x.size)) == list(range(6))
    assert pickle.loads(pickle.dumps(x.size)) == 6


ATTRIBUTES = [name for name, value in inspect.getmembers(Tensor) if isinstance(value, property)]


@pytest.mark.peer
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_what_is_a_method_of_pytorchs_tensors_is_told_where_it_is_an_attribute(name):
    torch = pytest.importorskip("torch")
    dtype = torch.complex64 if name == "imag" else torch.float32  # which raises for real numbers
    theirs = getattr(torch.zeros(2, 3, dtype=dtype, requires_grad=True), name, None)
    if callable(theirs) and not isinstance(theirs, torch.Tensor):
        with pytest.raises(TypeError, match=f"PyTorch's x.{name}"):
            getattr(Tensor(np.zeros((2, 3)), requires_grad=True), name)()


METHODS = [name for name in dir(Tensor([1.0])) if not name.startswith("_") and callable(getattr(Tensor, name, None))]


@pytest.mark.peer
@pytest.mark.parametrize("name", METHODS)
def test_no_attribute_of_pytorchs_tensors_is_a_method_here(name):
    torch = pytest.importorskip("torch")
    assert callable(getattr(torch.zeros(2, 3), name, print))


# ---- values and places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max", "min", "sort"])
@given(rows=st.integers(1, 6), names=st.integers(2, 5))
def test_unpacking_into_values_and_places_is_told_unless_there_are_two_rows(name, rows, names):
    result = getattr(Tensor(np.arange(rows * 3.0).reshape(rows, 3)), name)(1)
    code = compile(f"{', '.join('abcde'[:names])} = result", "test", "exec")
    if rows == names:
        exec(code, {"result": result})
        return
    with pytest.raises(mg.ShapeError, match=f"gives {rows} Tensors, not {names}") as error:
        exec(code, {"result": result})
    assert (names == 2) == ("x.max(axis), x.argmax(axis)" in str(error.value))


def test_iteration_of_other_kinds_is_numpys():
    x = Tensor(np.arange(6.0).reshape(3, 2))
    _, *rest = x
    assert (len(rest), len(list(x)), [len(row) for row in x]) == (2, 3, [2, 2, 2])
    low, high = x.min(0)
    assert (low.item(), high.item()) == (0.0, 1.0)


X = np.arange(6.0).reshape(2, 3)
