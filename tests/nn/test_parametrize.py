"""Parametrizations: weight and spectral normalization have PyTorch's numbers and names, and survive all that modules
do."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError, io, linalg, nn, optim
from minigrad.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm
from minigrad.nn.utils.parametrize import is_parametrized, register_parametrization, remove_parametrizations
from minigrad.testing import check_grads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))


class Symmetric(nn.Module):
    def forward(self, x):
        return (x + x.mT) / 2


class Exp(nn.Module):
    def forward(self, x):
        return mg.exp(x)

    def right_inverse(self, y):
        return mg.log(y)


def linear(in_features=4, out_features=3):
    return nn.Linear(in_features, out_features, rng=np.random.default_rng(1)).astype("float64")


# ---- the mechanism ---------------------------------------------------------------------------------------------------


def test_parameter_is_computed_whenever_it_is_read():
    layer = linear(3)
    original = layer.weight
    assert register_parametrization(layer, "weight", Symmetric()) is layer
    assert layer.parametrizations.weight.original is original
    np.testing.assert_array_equal(layer.weight.numpy(), (original.numpy() + original.numpy().T) / 2)
    original.data = np.eye(3)
    np.testing.assert_array_equal(layer.weight.numpy(), np.eye(3))
    assert isinstance(layer, nn.Linear)
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    assert "ParametrizedLinear(in_features=3, out_features=3, bias=True" in repr(layer)
    layer(X[:, :3]).sum().backward()
    assert original.grad is not None


def test_right_inverse_keeps_values_and_takes_assigned_ones():
    layer = linear()
    layer.weight.data = np.abs(layer.weight.numpy())
    before = layer.weight.numpy()
    register_parametrization(layer, "weight", Exp())
    np.testing.assert_allclose(layer.weight.numpy(), before, rtol=1e-12)
    layer.weight = np.full((3, 4), 2.0)
    np.testing.assert_allclose(layer.parametrizations.weight.original.numpy(), np.log(2.0))


def test_parametrizations_are_applied_one_after_the_other():
    layer = linear(3)
    original = layer.weight.numpy()
    register_parametrization(register_parametrization(layer, "weight", Symmetric()), "weight", Exp())
    np.testing.assert_allclose(layer.weight.numpy(), np.exp((original + original.T) / 2))
    assert len(layer.parametrizations.weight) == 2


def test_buffers_and_several_names_may_be_computed():
    layer = nn.BatchNorm1d(3)
    register_parametrization(layer, "running_var", Exp())
    register_parametrization(layer, "weight", Exp())
    assert "parametrizations.running_var.original" in dict(layer.named_buffers())
    assert is_parametrized(layer, "weight")
    remove_parametrizations(layer, "weight")
    assert not is_parametrized(layer, "weight")
    assert is_parametrized(layer)
    remove_parametrizations(layer, "running_var")
    assert type(layer) is nn.BatchNorm1d
    assert set(layer.state_dict()) == set(nn.BatchNorm1d(3).state_dict())


@pytest.mark.parametrize("norm", [weight_norm, spectral_norm])
@pytest.mark.parametrize("make", [linear, lambda: nn.Conv2d(4, 3, 2).astype("float64")], ids=["Linear", "Conv2d"])
def test_removal_leaves_an_ordinary_layer_with_the_present_weight(norm, make):
    layer = norm(make()).eval()
    weight = layer.weight.numpy()
    remove_parametrizations(layer, "weight")
    assert type(layer) in (nn.Linear, nn.Conv2d)
    assert set(layer.state_dict()) == {"weight", "bias"}
    np.testing.assert_array_equal(layer.weight.numpy(), weight)
    assert layer.weight.requires_grad


def test_removal_may_give_the_original_back():
    layer = linear(3)
    original, before = layer.weight, layer.weight.numpy()
    register_parametrization(layer, "weight", Symmetric())
    remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight is original
    np.testing.assert_array_equal(layer.weight.numpy(), before)
    with pytest.raises(UsageError, match="computed of 2 Tensors: leave_parametrized must be True"):
        remove_parametrizations(weight_norm(layer), "weight", leave_parametrized=False)


@pytest.mark.parametrize("norm", [weight_norm, spectral_norm])
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))], ids=["deepcopy", "pickle"]
)
def test_copies_compute_the_same_and_are_independent(norm, duplicate):
    layer = norm(linear())
    other = duplicate(layer)
    assert type(other) is type(layer)
    np.testing.assert_array_equal(layer(X).numpy(), other(X).numpy())
    assert not {id(t) for t in layer.parameters()} & {id(t) for t in other.parameters()}
    frozen = layer.eval().weight.numpy()
    for p in other.parameters():
        p.data = p.numpy() + 1
    np.testing.assert_array_equal(layer.weight.numpy(), frozen)


def test_modules_with_parametrizations_work_in_functional_calls_and_as_containers():
    layer = weight_norm(linear())
    params = {name: value.detach() for name, value in layer.named_parameters()}
    found = mg.grad(lambda p: (mg.functional_call(layer, p, X) ** 2).sum())(params)
    by_module = mg.grad(lambda m: (m(X) ** 2).sum())(layer)
    for name, value in by_module.named_parameters():
        np.testing.assert_allclose(value.numpy(), found[name].numpy())


def test_misuse_is_told():
    layer = linear()
    with pytest.raises(UsageError, match="Linear has no parameter or buffer 'wait': it has weight, bias"):
        register_parametrization(layer, "wait", Symmetric())
    with pytest.raises(UsageError, match="a parametrization is a Module"):
        register_parametrization(layer, "weight", mg.exp)
    with pytest.raises(UsageError, match=r"gives shape \(4, 3\).* where the module has \(3, 4\).*unsafe=True"):
        register_parametrization(layer, "weight", nn.Lambda(lambda w: w.mT))
    with pytest.raises(UsageError, match="has no parametrizations; those that do: none"):
        remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert set(layer.state_dict()) == {"weight", "bias"}


# ---- weight and spectral normalization -------------------------------------------------------------------------------


@given(st.sampled_from([(3, 4), (2, 3, 2), (1, 5)]), st.integers(0, 2**32 - 1))
def test_properties_of_normalized_weights(shape, seed):
    rng = np.random.default_rng(seed)
    layer = nn.Linear(1, 1)
    layer.weight = nn.Parameter(rng.normal(size=shape))
    spectral_norm(layer, rng=rng)
    for _ in range(300):
        weight = layer.weight
    assert linalg.svdvals(weight.reshape((shape[0], -1)))[0].item() == pytest.approx(1, abs=1e-3)
    plain = nn.Linear(1, 1)
    plain.weight = nn.Parameter(rng.normal(size=shape))
    value = plain.weight.numpy()
    weight_norm(plain, dim=rng.integers(len(shape)).item())
    np.testing.assert_allclose(plain.weight.numpy(), value, rtol=1e-12)
    plain.parametrizations.weight.original1.data = plain.parametrizations.weight.original1.numpy() * 7
    np.testing.assert_allclose(plain.weight.numpy(), value, rtol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [
        weight_norm(linear()), weight_norm(linear(), dim=1), weight_norm(linear(), dim=None),
        weight_norm(linear(), "bias"), spectral_norm(linear()).eval(), spectral_norm(linear(), "bias").eval(),
    ],
    ids=["weight", "weight dim 1", "weight whole", "weight of bias", "spectral", "spectral of bias"],
)  # fmt: skip
def test_gradients_are_right(layer):
    names = [name for name, _ in layer.named_parameters()]

    def output(x, *values):
        return mg.functional_call(layer, dict(zip(names, values, strict=True)), x)

    report = check_grads(output, X, *[p.detach() for p in layer.parameters()])
    assert report, report


def test_power_iterations_move_in_training_only():
    layer = spectral_norm(linear())
    u = layer.parametrizations.weight[0]._u
    before = u.numpy().copy()
    layer.eval()(X)
    np.testing.assert_array_equal(u.numpy(), before)
    layer.train()(X)
    assert (u.numpy() != before).any()


@pytest.mark.parametrize("norm", [weight_norm, spectral_norm])
def test_training_goes_on_bit_for_bit_from_a_saved_state(norm, tmp_path):
    def steps(layer, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            (layer(X) ** 2).mean().backward()
            optimizer.step()

    layer = norm(linear())
    optimizer = optim.Adam(layer.parameters())
    steps(layer, optimizer, 3)
    io.save(tmp_path / "layer.safetensors", layer.state_dict())
    state = copy.deepcopy(optimizer.state_dict())
    steps(layer, optimizer, 3)
    other = norm(linear())
    other.load_state_dict(io.load(tmp_path / "layer.safetensors")[0])
    again = optim.Adam(other.parameters())
    again.load_state_dict(state)
    steps(other, again, 3)
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)


def test_compiled_step_iterates_as_the_eager_one():
    def trained(compiled):
        layer = spectral_norm(linear(), rng=np.random.default_rng(3))
        optimizer = optim.SGD(layer.parameters(), lr=0.1)

        def step(x):
            optimizer.zero_grad()
            loss = (layer(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        run = mg.compile(step) if compiled else step
        losses = [run(Tensor(X)).item() for _ in range(6)]
        return losses, layer.state_dict()

    (losses, state), (others, other_state) = trained(False), trained(True)
    assert losses == others
    for name, value in state.items():
        np.testing.assert_array_equal(value, other_state[name])


def test_settings_that_do_not_fit_are_told():
    with pytest.raises(UsageError, match="n_power_iterations is an integer of at least 1, not 0"):
        spectral_norm(linear(), n_power_iterations=0)
    with pytest.raises(ShapeError, match="has no dimension 2"):
        spectral_norm(linear(), dim=2)
    with pytest.raises(UsageError, match="Tanh has no parameter 'weight'"):
        spectral_norm(nn.Tanh())


# ---- orthogonal ------------------------------------------------------------------------------------------------------

MAPS = ("matrix_exp", "cayley", "householder")


def orthonormal(w):
    w = w if w.shape[-2] >= w.shape[-1] else w.mT
    return (w.mT @ w).numpy()


@pytest.mark.parametrize("trivialized", [True, False])
@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("sizes", [(4, 3), (3, 3), (3, 4)], ids=str)
def test_weights_are_orthogonal_and_stay_so_in_training(kind, sizes, trivialized):
    layer = orthogonal(linear(*sizes), "weight", kind, use_trivialization=trivialized)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    first = layer.weight.numpy()
    for _ in range(3):
        optimizer.zero_grad()
        ((layer(X[:, : sizes[0]]) - 1) ** 2).mean().backward()
        optimizer.step()
    assert np.abs(layer.weight.numpy() - first).max() > 1e-3
    np.testing.assert_allclose(orthonormal(layer.weight), np.eye(3), atol=1e-10)


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("sizes", [(4, 3), (3, 3), (3, 4)], ids=str)
def test_orthogonal_values_are_kept_and_can_be_assigned(kind, sizes):
    q = np.linalg.qr(RNG.normal(size=(4, 4)))[0][: sizes[1], : sizes[0]]
    q = np.linalg.qr(q if sizes[1] >= sizes[0] else q.T)[0]
    q = q if sizes[1] >= sizes[0] else q.T
    layer = linear(*sizes)
    layer.weight = nn.Parameter(q)
    orthogonal(layer, "weight", kind)
    np.testing.assert_allclose(layer.weight.numpy(), q, atol=1e-12)
    layer.weight = -q
    np.testing.assert_allclose(layer.weight.numpy(), -q, atol=1e-12)
    if kind == "householder":
        without = linear(*sizes)
        without.weight = nn.Parameter(q)
        orthogonal(without, "weight", kind, use_trivialization=False)
        np.testing.assert_allclose(without.weight.numpy(), q, atol=1e-12)


@pytest.mark.parametrize("kind", MAPS)
@pytest.mark.parametrize("sizes", [(4, 3), (3, 3)], ids=str)
def test_gradients_of_orthogonal_weights_are_right(kind, sizes):
    layer = orthogonal(linear(*sizes), "weight", kind)
    x = layer.parametrizations.weight.original.numpy() + np.tril(0.3 * RNG.normal(size=sizes[::-1]), -1)

    def weight(x):
        return mg.functional_call(layer.parametrizations.weight, {"original": x})

    report = check_grads(weight, x)
    assert report, report


def test_misuse_of_orthogonal_is_told():
    with pytest.raises(UsageError, match="orthogonal_map is"):
        orthogonal(linear(), "weight", "qr")
    with pytest.raises(ShapeError, match="is no matrix"):
        orthogonal(linear(), "bias")
    layer = orthogonal(linear(3), "weight", "cayley", use_trivialization=False)
    with pytest.raises(UsageError, match="cannot be assigned without use_trivialization=True"):
        layer.weight = np.eye(3)
    with pytest.raises(ShapeError, match=r"expected a matrix of shape \(3, 3\)"):
        orthogonal(linear(3)).weight = np.eye(2)


PAIRS = {
    "weight Linear": lambda nn, p: p.weight_norm(nn.Linear(4, 3)),
    "weight Conv2d": lambda nn, p: p.weight_norm(nn.Conv2d(4, 3, 1)),
    "weight of dim 1": lambda nn, p: p.weight_norm(nn.Linear(4, 3), dim=1),
    "weight of the whole": lambda nn, p: p.weight_norm(nn.Linear(4, 3), dim=None),
    "spectral Linear": lambda nn, p: p.spectral_norm(nn.Linear(4, 3)),
    "spectral, twice": lambda nn, p: p.spectral_norm(nn.Linear(4, 3), n_power_iterations=2),
    "spectral Conv2d": lambda nn, p: p.spectral_norm(nn.Conv2d(4, 3, 1)),
    "spectral ConvTranspose2d": lambda nn, p: p.spectral_norm(nn.ConvTranspose2d(4, 3, 1)),
    **{f"orthogonal {kind}": lambda nn, p, k=kind: p.orthogonal(nn.Linear(4, 3), "weight", k) for kind in MAPS},
    "orthogonal square": lambda nn, p: p.orthogonal(nn.Linear(4, 4)),
    "orthogonal default": lambda nn, p: p.orthogonal(nn.Linear(4, 3)),
    "orthogonal without base": lambda nn, p: p.orthogonal(
        nn.Linear(4, 4), "weight", "cayley", use_trivialization=False
    ),
    "spectral of a vector": lambda nn, p: p.spectral_norm(nn.Linear(4, 3), "bias"),
}


@pytest.mark.peer
@pytest.mark.parametrize("name", PAIRS)
def test_outputs_gradients_and_state_equal_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours = PAIRS[name](nn, nn.utils.parametrizations).astype("float64")
    theirs = PAIRS[name](torch.nn, torch.nn.utils.parametrizations).double()
    assert set(ours.state_dict()) == set(theirs.state_dict())
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x = X.reshape(5, 4, 1, 1) if "Conv" in name else X
    for training in (True, True, False):
        ours.train(training).zero_grad()
        theirs.train(training).zero_grad()
        y, expected = ours(x), theirs(torch.tensor(x))
        np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-10)
        (y**2).sum().backward()
        (expected**2).sum().backward()
        grads = {key: p.grad.numpy() for key, p in theirs.named_parameters()}
        for key, p in ours.named_parameters():
            np.testing.assert_allclose(p.grad.numpy(), grads[key], rtol=1e-9, atol=1e-12)
        for key, value in theirs.state_dict().items():
            np.testing.assert_allclose(ours.state_dict()[key], value.numpy(), rtol=1e-10)
