"""Values come from and go to pandas, joblib, and what speaks DLPack."""

import copy
import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

import minigrad as mg
from minigrad import DTypeError, GraphError, Tensor, nn

TABLE = pd.DataFrame({"x": [0.5, 1.5, 2.5], "n": [3, 1, 2], "name": ["a", "b", "c"]})


def test_column_is_a_vector_and_a_table_is_a_matrix():
    assert (Tensor(TABLE["x"]).tolist(), Tensor(TABLE["x"]).dtype) == ([0.5, 1.5, 2.5], np.float64)
    assert mg.asarray(TABLE["n"]).dtype == np.int64
    assert mg.asarray(TABLE[["x", "n"]]).tolist() == [[0.5, 3], [1.5, 1], [2.5, 2]]
    assert Tensor(TABLE["n"] > 1).tolist() == [True, False, True]
    assert mg.arange(5)[TABLE["n"]].tolist() == [3, 1, 2]


def test_missing_numbers_are_nan():
    assert np.isnan(Tensor(pd.Series([1, None], dtype="Int64")).numpy()).tolist() == [False, True]


def test_tensor_does_not_share_memory_with_the_table():
    table = TABLE.copy()
    x = Tensor(table["x"])
    table.loc[0, "x"] = 9
    assert x.tolist() == [0.5, 1.5, 2.5]


@pytest.mark.parametrize("wrong", [TABLE, TABLE["name"], TABLE["name"].astype("category")])
def test_texts_are_refused(wrong):
    with pytest.raises(DTypeError, match="holds numbers or booleans, not object"):
        Tensor(wrong)


def test_way_out_is_told_for_a_table_with_texts():
    with pytest.raises(DTypeError, match=r"x\.select_dtypes\('number'\)"):
        Tensor(TABLE)


def test_loss_on_columns_is_differentiated():
    w = Tensor(np.array([1.0, -1.0]), requires_grad=True)
    ((mg.asarray(TABLE[["x", "n"]]) @ w - TABLE["x"]) ** 2).sum().backward()
    table = TABLE[["x", "n"]].to_numpy()
    np.testing.assert_allclose(w.grad.numpy(), 2 * table.T @ (table @ [1, -1] - table[:, 0]))


@pytest.mark.parametrize(
    "call", [lambda w: TABLE["x"] * w, lambda w: TABLE[["x", "n", "n"]] @ w, lambda w: pd.Series(w)]
)
def test_history_is_not_lost_in_a_table(call):
    with pytest.raises(GraphError, match="lose its history"):
        call(mg.ones(3, requires_grad=True))


def test_values_go_into_a_table():
    assert TABLE.assign(y=mg.arange(3.0))["y"].tolist() == [0, 1, 2]
    assert pd.DataFrame(mg.ones((2, 2)), columns=["a", "b"])["b"].tolist() == [1, 1]


@pytest.mark.parametrize("through", ["pickle", "joblib", "deepcopy"])
def test_parameters_in_containers_survive(through):
    model = nn.Linear(2, 3)
    model(mg.ones((1, 2))).sum().backward()
    before = {"model": model, "constants": [mg.arange(3), mg.zeros((0, 2))]}
    if through == "pickle":
        after = pickle.loads(pickle.dumps(before))
    elif through == "deepcopy":
        after = copy.deepcopy(before)
    else:
        file = io.BytesIO()
        joblib.dump(before, file)
        file.seek(0)
        after = joblib.load(file)
    for ours, theirs in zip(model.parameters(), after["model"].parameters(), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        np.testing.assert_array_equal(ours.grad.numpy(), theirs.grad.numpy())
        assert theirs.requires_grad
        assert not np.shares_memory(ours.numpy(), theirs.numpy())
    assert [x.shape for x in after["constants"]] == [(3,), (0, 2)]


def test_equal_values_have_one_hash_for_caches():
    assert joblib.hash(Tensor([1.0, 2.0])) == joblib.hash(Tensor([1.0, 2.0])) != joblib.hash(Tensor([1.0, 3.0]))


def test_write_into_a_tensor_that_shares_memory_leaves_the_memory():
    array = np.ones(2)
    shared = mg.from_dlpack(array, copy=False)
    assert np.shares_memory(array, shared.numpy())
    shared[0] = 5
    assert (shared.tolist(), array.tolist()) == ([5, 1], [1, 1])


@pytest.mark.peer
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_memory_is_shared_with_other_frameworks(name):
    pytest.importorskip(name)
    if name == "torch":
        import torch

        theirs = torch.ones(3)
        shared = mg.from_dlpack(theirs, copy=False)
        theirs[0] = 5
        assert shared.tolist() == [5, 1, 1]
        x = mg.ones(3)
        torch.from_dlpack(x)[0] = 7
        assert x.tolist() == [1, 1, 1]
        assert torch.from_dlpack(x, copy=False).data_ptr() == x.numpy().ctypes.data
    else:
        import jax

        theirs = jax.numpy.ones(3, dtype="float32")
        shared = mg.from_dlpack(theirs, copy=False)
        assert shared.numpy().ctypes.data == theirs.unsafe_buffer_pointer()
        np.testing.assert_array_equal(np.asarray(jax.dlpack.from_dlpack(mg.arange(3.0, dtype="float32"))), [0, 1, 2])
