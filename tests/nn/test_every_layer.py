"""What holds for every layer: gradients, PyTorch's values and state, copies, dtypes."""

import copy
import inspect

import numpy as np
import pytest

from minigrad import DTypeError, Tensor, nn
from minigrad.testing import check_grads
from minigrad.testing.calls.module_function import ModuleFunction
from tests.nn.layer_rows import ROWS

every_row = pytest.mark.parametrize("row", ROWS, ids=str)


def made(row):
    """The layer with parameters that are not all alike."""
    layer, rng = row.make(), np.random.default_rng(5)
    for p in layer.parameters():
        p.data = p.numpy() + 0.3 * rng.normal(size=p.shape)
    return layer


def outputs(result):
    """All Tensors of a result, which may be in tuples of tuples."""
    return [x for part in result for x in outputs(part)] if isinstance(result, tuple) else [result]


class Flat(nn.Module):
    """A layer with all its results in one tuple."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, *inputs):
        found = outputs(self.layer(*inputs))
        return tuple(found) if len(found) > 1 else found[0]


def test_every_layer_has_a_row():
    containers = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "Handle"}
    layers = {name for name in nn.__all__ if inspect.isclass(getattr(nn, name))} - containers
    assert {row.name for row in ROWS} == layers


@pytest.mark.parametrize("row", [row for row in ROWS if row.grad], ids=str)
def test_gradients_of_inputs_and_parameters_are_right(row, rng):
    call = ModuleFunction(lambda: Flat(made(row)).astype(np.float64))
    inputs = [Tensor(x) if x.dtype.kind == "f" else x for x in row.draw(rng)]
    report = check_grads(call, *inputs, *call.parameters.values(), order=1)
    assert report, report


NO_ARRAYS = [None, "image", {"x": np.ones(3)}, (Tensor([1.0]), Tensor([1.0, 2.0])), print, Tensor, nn.Tanh(),
             np.array([None]), np.array(["a"]), [[1.0], [2.0, 3.0]]]  # fmt: skip


@pytest.mark.family
@pytest.mark.parametrize("row", [row for row in ROWS if row.name not in ("Identity", "Lambda")], ids=str)
@pytest.mark.parametrize("k", range(len(NO_ARRAYS)))
def test_what_is_no_array_is_refused_by_name(row, k, rng):
    inputs = row.draw(rng)
    names = list(inspect.signature(row.make().forward).parameters)
    for place in range(len(inputs)):
        wrong = [NO_ARRAYS[k] if i == place else x for i, x in enumerate(inputs)]
        with pytest.raises(DTypeError, match=rf"{names[place]} must be a Tensor or an array"):
            row.make()(*wrong)
        with pytest.raises(DTypeError, match=rf"{names[place]} must be a Tensor or an array"):
            row.make()(**dict(zip(names, wrong, strict=False)))


def test_error_about_an_input_says_the_layer_and_a_way_out():
    layer = nn.Sequential(nn.Conv2d(3, 4, 3))
    layer.register_forward_pre_hook(lambda module, inputs: (None,))
    with pytest.raises(DTypeError, match=r"Conv2d.*: x must be .*, not None: does the function .* return its result\?"):
        layer(np.ones((1, 3, 4, 4), np.float32))
    with pytest.raises(DTypeError, match=r"not a tuple of 2: pass one of them, or join them with minigrad.stack"):
        nn.Linear(2, 2)((Tensor([1.0]), Tensor([2.0])))


@every_row
def test_float32_stays_float32(row, rng):
    inputs = row.draw(rng, np.float32)
    result = outputs(row.make()(*[Tensor(x) for x in inputs]))[0]
    assert result.dtype == np.float32


@every_row
def test_deep_copy_computes_the_same_and_is_independent(row, rng):
    layer = made(row)
    other = copy.deepcopy(layer)
    inputs = [Tensor(x) for x in row.draw(rng, np.float32)]
    for found, expected in zip(outputs(layer(*inputs)), outputs(other(*inputs)), strict=True):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
    shared = {id(t) for t in [*layer.parameters(), *layer.buffers()]}
    assert not shared & {id(t) for t in [*other.parameters(), *other.buffers()]}
    assert repr(layer) == repr(other)


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # one of the rows is about that
@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # which nobody asked for
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("row", [row for row in ROWS if row.peer], ids=str)
def test_layer_equals_pytorchs_with_its_state(torch, rng, row, training):
    def theirs_of(value):
        return torch.tensor(value, dtype=torch.float64) if isinstance(value, np.ndarray) else value

    arguments = [theirs_of(value) for value in row.args]
    settings = {name: theirs_of(value) for name, value in row.settings.items()}
    theirs = getattr(torch.nn, row.name)(*arguments, **settings).double().train(training)
    ours = made(row).astype(np.float64).train(training)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    for _ in range(2):  # running statistics move
        inputs = row.draw(rng)
        found = ours(*[Tensor(x) for x in inputs])
        expected = theirs(*[torch.tensor(x) for x in inputs])
        for mine, other in zip(outputs(found), outputs(expected), strict=True):
            np.testing.assert_allclose(mine.numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-9)
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], value.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.peer
@pytest.mark.parametrize("row", [row for row in ROWS if row.peer], ids=str)
def test_arguments_have_pytorchs_names_order_and_defaults(torch, row):
    left_out = {"device", "dtype", "size_average", "reduce", "min_value", "max_value", "process_group"}
    if row.name == "Embedding":
        left_out |= {"max_norm", "norm_type", "scale_grad_by_freq", "sparse", "_weight", "_freeze"}
    ours = list(inspect.signature(getattr(nn, row.name).__init__).parameters.values())[1:]
    theirs = list(inspect.signature(getattr(torch.nn, row.name).__init__).parameters.values())[1:]
    if row.name in ("RNN", "LSTM", "GRU"):  # theirs take what their base does, behind a mode
        theirs = list(inspect.signature(torch.nn.RNNBase.__init__).parameters.values())[2:]
        left_out |= {"proj_size"} if row.name != "LSTM" else set()
        ours = [p for p in ours if p.name != "nonlinearity"]
    theirs = [p for p in theirs if p.name not in left_out]
    ours = [p for p in ours if p.name not in ("rng", "temperature")]
    assert [p.name for p in ours] == [p.name for p in theirs]
    if row.name in ("Softmax", "Softmin", "LogSoftmax"):  # where PyTorch guesses, with a warning
        assert ours[0].default == -1
    else:
        names = [[str(getattr(p.default, "__name__", p.default)) for p in side] for side in (ours, theirs)]
        assert names[0] == names[1]


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "arguments", "settings"),
    [
        ("Linear", (64, 500), {}), ("Bilinear", (40, 10, 60), {}), ("Conv1d", (8, 300, 5), {}),
        ("Conv2d", (8, 300, 3), {"groups": 2}), ("ConvTranspose1d", (8, 300, 5), {}),
        ("ConvTranspose2d", (8, 300, 3), {"groups": 2}), ("Embedding", (200, 100), {"padding_idx": 3}),
        ("PReLU", (3,), {}), ("BatchNorm2d", (5,), {}), ("LayerNorm", (5,), {}), ("GroupNorm", (1, 5), {}),
        ("InstanceNorm2d", (5,), {"affine": True}),
        ("MultiheadAttention", (40, 2), {"kdim": 50}), ("LSTM", (40, 100), {"proj_size": 30}),
        ("GRUCell", (40, 100), {}),
    ],
)  # fmt: skip
def test_initial_values_are_distributed_as_pytorchs(torch, name, arguments, settings):
    torch.manual_seed(0)
    ours, theirs = getattr(nn, name)(*arguments, **settings), getattr(torch.nn, name)(*arguments, **settings)
    for path, expected in theirs.named_parameters():
        found, expected = ours.get_parameter(path).numpy(), expected.detach().numpy()
        spread = float(expected.std())
        # the largest of many uniform values is close to the bound; of normal ones it is not, so quantiles are compared
        for quantile in (0.02, 0.25, 0.5, 0.75, 0.98):
            noise = 6 * spread / np.sqrt(expected.size) * (1 if name != "Embedding" else 3)
            assert np.quantile(found, quantile) == pytest.approx(np.quantile(expected, quantile), abs=noise + 1e-12)
        assert (found == 0).sum() == (expected == 0).sum()
