"""What fingers type that know PyTorch and NumPy: it works, or the error names the way."""

import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, MutationError, Tensor, UsageError, nn
from minigrad import functional as F  # noqa: N812
from tests.helper import variable

X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("by_position", "by_name"),
    [
        (lambda x: mg.max(x, 1), lambda x: mg.max(x, axis=1)),
        (lambda x: mg.sum(x, 0, True), lambda x: mg.sum(x, axis=0, keepdims=True)),
        (lambda x: mg.softmax(x, 0), lambda x: mg.softmax(x, axis=0)),
        (lambda x: mg.reshape(x, (3, 2)), lambda x: mg.reshape(x, shape=(3, 2))),
        (lambda x: mg.permute_dims(x, (1, 0)), lambda x: mg.permute_dims(x, axes=(1, 0))),
        (lambda x: mg.argmax(x, 1), lambda x: mg.argmax(x, axis=1)),
    ],
)
def test_settings_may_stand_behind_the_inputs(by_position, by_name):
    np.testing.assert_array_equal(by_position(Tensor(X)).numpy(), by_name(Tensor(X)).numpy())


def test_settings_too_many_or_twice_are_told():
    with pytest.raises(TypeError, match="max takes x and then axis, keepdims; got 4 by position"):
        mg.max(X, 1, True, 3)
    with pytest.raises(TypeError, match="got 2 by position and axis by name"):
        mg.max(X, 1, axis=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.sum(dim=1), "PyTorch's dim= is axis= here"),
        (lambda x: x.mean(1, keepdim=True), "PyTorch's keepdim= is keepdims= here"),
        (lambda x: x.std(unbiased=True), "PyTorch's unbiased= is correction= here"),
        (lambda x: mg.softmax(x, dim=1), "PyTorch's dim= is axis= here"),
        (lambda x: mg.sum(x, dim=1, keepdim=True), "keepdim= is keepdims= here"),
        (lambda x: F.relu(x, inplace=True), "leave inplace= out"),
        (lambda x: mg.add(x, x, alpha=2), r"add takes x, y; got alpha="),
        (lambda x: mg.zeros(2, 3), r"write zeros\(\(2, 3\)\)"),
        (lambda x: mg.ones(2, 3), r"write ones\(\(2, 3\)\)"),
    ],
)
def test_keywords_and_shapes_of_others_are_told(call, message):
    with pytest.raises(TypeError, match=message):
        call(Tensor(X))


def test_random_shapes_may_be_one_tuple():
    assert mg.randn((2, 3)).shape == mg.randn(2, 3).shape == mg.rand([2, 3]).shape == (2, 3)


def test_second_number_is_no_request_for_gradients():
    with pytest.raises(UsageError, match="3 stands where requires_grad does"):
        Tensor(2, 3)


def test_comparison_leaves_foreign_objects_to_themselves():
    x = Tensor(X)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert x == pytest.approx(X)
    assert Tensor(0.1) == pytest.approx(0.1)
    assert (x == X).all()


def test_numpy_functions_without_an_op_take_constants(tmp_path):
    x = variable(X)
    (x * x).sum().backward()
    assert np.allclose(x.grad, 2 * X)
    assert np.array_equal(Tensor(X), X)
    np.save(tmp_path / "x.npy", x.grad)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), 2 * X)
    with pytest.raises(GraphError, match=r"numpy\.allclose .* t\.numpy\(\)"):
        np.allclose(x, X)


def test_truth_of_all_and_any():
    x = Tensor(X)
    assert not x.all()
    assert x.any()
    np.testing.assert_array_equal(x.all(axis=1).numpy(), [False, True])
    assert x.any(axis=0, keepdims=True).shape == (1, 3)


def test_tensors_and_modules_are_pickled():
    x = variable(X)
    (x * x).sum().backward()
    copy = pickle.loads(pickle.dumps(x))
    assert copy.requires_grad
    np.testing.assert_array_equal(copy.numpy(), X)
    np.testing.assert_array_equal(copy.grad.numpy(), 2 * X)
    assert not pickle.loads(pickle.dumps(Tensor(X))).requires_grad
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU())
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())
    assert [name for name, _ in again.named_parameters()] == [name for name, _ in model.named_parameters()]
    with pytest.raises(MutationError, match="cannot pickle"):
        pickle.dumps(x * 2)


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("mg.nn.init.kaiming_uniform_", AttributeError, r"W\.data = minigrad\.init\.he_uniform\(W\.shape\)"),
        ("mg.nn.init.zeros_", AttributeError, r"b\.data = minigrad\.init\.zeros"),
        ("mg.nn.utils.clip_grad_value_", AttributeError, r"optim\.clip_grad_value"),
        ("mg.nn.utils.something", AttributeError, "module .minigrad.nn.utils. has no attribute .something."),
        ("import minigrad.nn.functional as F", ModuleNotFoundError, "import minigrad.functional as F"),
        ("import minigrad.optim.lr_scheduler", ModuleNotFoundError, "from minigrad.optim import schedule"),
        ("from minigrad.utils.data import DataLoader", ModuleNotFoundError, "from minigrad.data import DataLoader"),
        ("from minigrad import cat", ImportError, "minigrad.concat"),
        ("from minigrad.nn import nothing_at_all", ImportError, "cannot import name"),
    ],
)
def test_modules_and_names_of_pytorch_are_told_one_by_one(statement, error, message):
    with pytest.raises(error, match=message):
        exec(statement, {"mg": mg})


def test_every_initializer_that_a_hint_names_exists():
    from minigrad.pytorch_names import module_table

    for line in module_table.INIT.strip().splitlines():
        name = line.split("minigrad.init.")[1].split("(")[0]
        assert hasattr(mg.init, name), name
    for statement in module_table.IMPORTS.values():
        exec(statement, {})


def test_files_and_states_of_others_get_the_recipe(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"PK")
    with pytest.raises(mg.StateError, match=r"s\.save_file\(torch\.load"):
        mg.io.load(tmp_path / "w.pt")
    model = nn.Linear(2, 3)
    mg.io.save(tmp_path / "w.safetensors", model.state_dict())
    with pytest.raises(mg.StateError, match=r"io\.load\(path\)\[0\]"):
        model.load_state_dict(mg.io.load(tmp_path / "w.safetensors"))
    model.load_state_dict(mg.io.load(tmp_path / "w.safetensors")[0])
