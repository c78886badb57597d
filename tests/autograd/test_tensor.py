"""What a Tensor is: its values and dtype, how it is shown, and how it leaves the graph."""

import copy
import math
import pickle
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import DTypeError, GraphError, MutationError, ShapeError, Tensor, no_grad
from minigrad.autograd import number_warning
from minigrad.autograd.tensor import as_array
from tests.helper import variable

KEPT_DTYPES = [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.bool_]


# ---- construction --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", KEPT_DTYPES)
def test_array_keeps_its_dtype(dtype):
    assert Tensor(np.ones((2, 3), dtype)).dtype == dtype
    assert Tensor(dtype(1)).dtype == dtype


@pytest.mark.parametrize("data", [2.5, [1, 2.0], [[1.0], [2.0]], [], [np.float64(1.0)], np.nan])
def test_real_numbers_of_python_become_the_default_dtype(data):
    assert Tensor(data).dtype == np.float32
    mg.set_default_dtype(np.float64)
    assert mg.default_dtype() == np.float64
    assert Tensor(data).dtype == np.float64


@pytest.mark.parametrize("data", [1, [1, 2], (3, 4), range(3), [[-1]]])
def test_integers_of_python_stay_integers(data):
    assert Tensor(data).dtype == mg.tensor(data).dtype == mg.asarray(data).dtype == np.int64
    with pytest.raises(mg.DTypeError, match=r"write 2\.0 in place of 2"):
        Tensor(data, requires_grad=True)


def test_integers_given_to_an_op_count_as_real_numbers():
    x = Tensor([1.0, 2.0])
    for out in (x * 2, x * [2, 2], mg.exp([1, 2]), mg.multiply([1, 2], x), mg.concat([x, [1, 2]])):
        assert out.dtype == np.float32


@pytest.mark.parametrize("dtype", [int, bool, np.int32, complex])
def test_default_dtype_must_be_floating(dtype):
    with pytest.raises(DTypeError, match="floating"):
        mg.set_default_dtype(dtype)


@pytest.mark.parametrize("data", [True, [True, False], [[False]]])
def test_booleans_stay_booleans(data):
    assert Tensor(data).dtype == bool


def test_tensor_function_takes_a_dtype():
    assert mg.tensor([0, 2], dtype=int).dtype == np.int64
    assert mg.tensor([1, 2], dtype="float64", requires_grad=True).requires_grad


@pytest.mark.parametrize("data", [["a"], "text", object(), [None], {"a": 1}, np.array(["x"])])
def test_what_is_no_number_is_refused(data):
    with pytest.raises(DTypeError, match="holds numbers or booleans"):
        Tensor(data)


@pytest.mark.parametrize("wrap", [lambda t: [t], lambda t: [[t], [t]], lambda t: (t, 1.0), lambda t: [[1.0, t]]])
def test_list_of_tensors_is_refused_with_a_way_out(wrap):
    with pytest.raises(DTypeError, match="stack"):
        Tensor(wrap(variable(1.0)))


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.uint8])
def test_only_floating_tensors_can_require_gradients(dtype):
    with pytest.raises(DTypeError, match="astype"):
        Tensor(np.ones(2, dtype), requires_grad=True)


def test_tensor_cannot_be_subclassed():
    with pytest.raises(TypeError, match="subclass"):
        type("Mine", (Tensor,), {})


def test_shape_facts_are_those_of_the_array():
    t = Tensor(np.zeros((2, 3, 4)))
    assert (t.shape, t.ndim, t.size, len(t)) == ((2, 3, 4), 3, 24, 2)


# ---- leaving -------------------------------------------------------------------------------------------------


def test_number_conversions():
    t = Tensor(2.5)
    assert (t.item(), float(t), int(t), bool(t), f"{t:.2f}") == (2.5, 2.5, 2, True, "2.50")
    assert [10, 20, 30][Tensor(np.array(1))] == 20
    assert Tensor([[1.0, 2.0]]).tolist() == [[1.0, 2.0]]
    assert not Tensor([0.0])


@pytest.mark.parametrize("convert", [Tensor.item, float, int, bool])
def test_several_elements_are_no_number(convert):
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        convert(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("t", [Tensor(1.0), Tensor(True)])
def test_only_integer_tensors_are_an_index(t):
    with pytest.raises(DTypeError, match="integer"):
        [1, 2][t]


def test_len_of_a_number_is_a_type_error():
    with pytest.raises(TypeError, match="len"):
        len(Tensor(1.0))


def test_iteration_gives_recorded_rows():
    t = variable([[1.0, 2.0], [3.0, 4.0]])
    first, second = t
    (first * second).sum().backward()
    assert t.grad.tolist() == [[3, 4], [1, 2]]


def test_detach_gives_the_values_without_history():
    x = variable(3.0)
    y = (x * 2).detach()
    assert (y.item(), y.requires_grad) == (6, False)
    (x * y).backward()
    assert x.grad.item() == 6


def test_recorded_tensor_does_not_silently_become_an_array():
    x = variable([1.0])
    with pytest.raises(GraphError, match="numpy"):
        np.asarray(x)
    with pytest.raises(GraphError, match="numpy"):
        np.ones(1)[:] = x
    np.testing.assert_array_equal(np.asarray(x.detach(), np.float32), np.float32([1]))


@pytest.mark.parametrize(
    ("t", "text"),
    [
        (Tensor([1.0, 2.0]), "Tensor([1., 2.], shape=(2,), dtype=float32)"),
        (Tensor(3.0), "Tensor(3., shape=(), dtype=float32)"),
        (variable([1.0]), "Tensor([1.], shape=(1,), dtype=float64, requires_grad=True)"),
        (variable([1.0]) * 2, "Tensor([2.], shape=(1,), dtype=float64, made by multiply)"),
        (Tensor([True]), "Tensor([ True], shape=(1,), dtype=bool)"),
    ],
)
def test_repr_says_values_shape_dtype_and_origin(t, text):
    assert repr(t) == str(t) == f"{t}" == text


def test_repr_of_a_large_tensor_is_short():
    assert len(repr(Tensor(np.zeros((1000, 1000))))) < 500


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: copy.deepcopy([t, t])[0]])
def test_deepcopy_of_a_variable_is_a_variable_of_its_own(copied):
    x = variable([1.0, 2.0])
    (x * x).sum().backward()
    y = copied(x)
    with no_grad():
        y += 1
    assert (x.tolist(), y.tolist(), y.requires_grad, y.grad.tolist()) == ([1, 2], [2, 3], True, [2, 4])


def test_deepcopy_of_a_recorded_result_is_refused():
    with pytest.raises(MutationError, match="detach"):
        copy.deepcopy(variable(1.0) * 2)


def test_only_results_of_a_live_graph_are_not_pickled():
    assert pickle.loads(pickle.dumps(Tensor(1.0))).item() == 1
    with pytest.raises(MutationError, match="detach"):
        pickle.dumps(Tensor(1.0, requires_grad=True) * 2)


def test_tensors_are_keys_by_identity():
    x, y = Tensor([1.0]), Tensor([1.0])
    assert {x: "x", y: "y"}[x] == "x"


# ---- being a variable -----------------------------------------------------------------------------------------


def test_requires_grad_can_be_set_and_unset_on_variables():
    x = Tensor([1.0])
    x.requires_grad = True
    node = x.node
    x.requires_grad = True  # it stays the same variable
    assert x.node is node
    (x * 2).sum().backward()
    x.requires_grad = False
    assert (x.requires_grad, x.grad) == (False, None)


def test_requires_grad_of_a_result_cannot_be_unset():
    with pytest.raises(GraphError, match="detach"):
        (variable([1.0]) * 2).requires_grad = False


def test_gradient_can_be_set_on_variables_in_their_shape_only():
    x = variable([1.0, 2.0])
    x.grad = Tensor(np.ones(2))
    assert x.grad.tolist() == [1, 1]
    with pytest.raises(ShapeError):
        x.grad = Tensor(np.ones(3))
    with pytest.raises(GraphError):
        (x * 2).grad = Tensor(np.ones(2))
    assert Tensor([1.0]).grad is None


def test_gradient_of_a_result_is_none_with_a_word_on_why_and_on_the_way():
    x = variable([1.0, 2.0])
    y = x * 2
    with pytest.warns(UserWarning, match=r"grad of the result of multiply is None.*minigrad.grad\(loss, x\)") as told:
        assert y.grad is None
    assert told[0].filename == __file__
    np.testing.assert_array_equal(mg.grad((y * y).sum(), y).numpy(), [4, 8])  # the way that it names


def test_library_itself_does_not_ask_for_the_gradient_of_a_result():
    x = variable([1.0, 2.0])
    y = (x * 2).sum()
    repr(y), copy.copy(y), mg.why(x, y), mg.viz.graph(y)
    y.backward(create_graph=True)


LEAVING = {
    "float": lambda x: x * float(x),
    "math.sqrt": lambda x: x * math.sqrt(x),
    "item": lambda x: x * x.item(),
    "tolist": lambda x: x * (x * x).tolist(),
    "of a result": lambda x: x * float(mg.exp(x)),
}


@pytest.mark.parametrize("f", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize(
    "differentiate",
    [
        lambda f: mg.grad(f)(4.0),
        lambda f: mg.jvp(f, [4.0], [1.0]),
        lambda f: mg.vjp(f, 4.0),
        lambda f: mg.jacobian(f)(4.0),
        lambda f: mg.hessian(f)(4.0),
    ],
    ids=["grad", "jvp", "vjp", "jacobian", "hessian"],
)
def test_number_that_leaves_a_function_being_differentiated_is_told_with_the_line(f, differentiate):
    number_warning._shown.clear()
    with pytest.warns(UserWarning, match="makes a plain number of") as told:
        differentiate(f)
    assert {(w.filename, w.lineno) for w in told} == {(__file__, f.__code__.co_firstlineno)}


def test_it_is_told_once():
    number_warning._shown.clear()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(3):
            mg.grad(lambda x: x * float(x))(4.0)
    assert len(told) == 1


def test_numbers_that_lose_nothing_are_not_told():
    w = variable([1.0, 2.0])
    loss = (w * w).sum()
    loss.backward()
    assert loss.item() == float(loss) == 5.0  # outside of a derivative, to be printed
    outer = variable(3.0)

    def f(x):
        assert x > 0  # bool
        assert f"{x:.2f}" == "4.00"
        with mg.no_grad():
            (x * x).item()
        return x * int(x) * x.detach().item() * float(outer) * float(mg.Tensor(2.0))

    mg.grad(f)(4.0)


def test_as_array_gives_arrays_for_everything():
    assert as_array(variable([1.0])).tolist() == [1]
    assert as_array([1, 2], np.int8).dtype == np.int8
