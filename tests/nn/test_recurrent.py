"""Recurrent layers: PyTorch's outputs, states and gradients; what holds for sequences in whatever framework."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad.nn.utils.rnn import (
    PackedSequence,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
)

KINDS = ["RNN", "LSTM", "GRU"]


def made(kind, *args, **settings):
    return getattr(nn, kind)(*args, rng=np.random.default_rng(3), **settings).astype(np.float64)


def parts(result):
    """Output and states in a row."""
    out, state = result
    return [out, *(state if isinstance(state, tuple) else (state,))]


# ---- what sequences do -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences_give_what_each_gives_alone_with_all_gradients(kind, rng):
    layer = made(kind, 3, 4, 2, bidirectional=True)
    lengths = [2, 5, 1, 5]
    xs = [Tensor(rng.normal(size=(n, 3)), requires_grad=True) for n in lengths]

    def loss(results):
        return sum((part * part).sum() for result in results for part in parts(result))

    alone = [layer(x) for x in xs]
    loss(alone).backward()
    expected = [p.grad.numpy().copy() for p in [*xs, *layer.parameters()]]
    for p in [*xs, *layer.parameters()]:
        p.grad = None
    out, state = layer(pack_sequence(xs, enforce_sorted=False))
    states = state if isinstance(state, tuple) else (state,)
    outs = unpack_sequence(out)
    for n, result in enumerate(alone):
        for found, value in zip([outs[n], *[s[:, n] for s in states]], parts(result), strict=True):
            np.testing.assert_allclose(found.numpy(), value.numpy(), rtol=1e-12, atol=1e-14)
    loss([(outs[n], tuple([s[:, n] for s in states])) for n in range(len(xs))]).backward()
    for p, grad in zip([*xs, *layer.parameters()], expected, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reverse_direction_is_the_other_one_of_the_reversed_sequence(kind, rng):
    both, one = made(kind, 3, 4, bidirectional=True), made(kind, 3, 4)
    for name, p in one.named_parameters():
        p.data = both.get_parameter(f"{name}_reverse").numpy()
    x = Tensor(rng.normal(size=(6, 2, 3)))
    out, *states = parts(both(x))
    flipped, *ended = parts(one(x[::-1]))
    np.testing.assert_array_equal(out.numpy()[..., 4:], flipped.numpy()[::-1])
    for found, expected in zip(states, ended, strict=True):
        np.testing.assert_array_equal(found.numpy()[1:], expected.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_with_the_state_handed_on_are_the_whole_and_detaching_it_cuts_the_gradient(kind, rng):
    layer = made(kind, 2, 3, batch_first=True)
    x = Tensor(rng.normal(size=(2, 6, 2)), requires_grad=True)
    whole, *states = parts(layer(x))
    first, state = layer(x[:, :4])
    second, *ended = parts(layer(x[:, 4:], state))
    np.testing.assert_allclose(mg.concat([first, second], axis=1).numpy(), whole.numpy(), rtol=1e-12)
    for found, expected in zip(ended, states, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)
    second.sum().backward()
    assert (x.grad.numpy()[:, :4] != 0).all()
    x.grad = None
    cut = tuple([s.detach() for s in state]) if isinstance(state, tuple) else state.detach()
    layer(x[:, 4:], cut)[0].sum().backward()
    assert not x.grad.numpy()[:, :4].any()
    assert x.grad.numpy()[:, 4:].all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_one_step_of_the_layer_and_one_sequence_is_a_batch_of_one(kind, rng):
    layer, cell = made(kind, 3, 4), getattr(nn, f"{kind}Cell")(3, 4).astype(np.float64)
    for name, p in cell.named_parameters():
        p.data = layer.get_parameter(f"{name}_l0").numpy()
    x = rng.normal(size=(5, 3))
    out, *states = parts(layer(x))
    state = None
    for row in x:
        state = cell(row, state)
        h = state[0] if kind == "LSTM" else state
    np.testing.assert_allclose(out.numpy()[-1], h.numpy(), rtol=1e-12)
    batch = parts(layer(x[:, None]))
    for one, several in zip([out, *states], batch, strict=True):
        np.testing.assert_array_equal(one.numpy(), several.numpy()[:, 0])
    pairs = zip(*[r if kind == "LSTM" else (r,) for r in (cell(x[:2]), cell(x[0]))], strict=True)
    for several, one in pairs:
        np.testing.assert_allclose(several.numpy()[0], one.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_do_not_see_each_other_and_nan_in_one_stays_there(kind, rng):
    layer = made(kind, 3, 4)
    x = rng.normal(size=(5, 2, 3))
    broken = x.copy()
    broken[:, 1] = np.nan
    grads = []
    for values in (x, broken):
        variable = Tensor(values, requires_grad=True)
        layer.zero_grad()
        (layer(variable)[0][:, 0] ** 2).sum().backward()
        grads.append([variable.grad.numpy()[:, 0], *[p.grad.numpy().copy() for p in layer.parameters()]])
        assert not np.nan_to_num(variable.grad.numpy()[:, 1], nan=1.0).any()
    for found, expected in zip(*grads, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_per_sample_gradients_by_vmap_are_those_of_single_samples(kind, rng):
    layer = made(kind, 2, 3)
    names, values = zip(*layer.named_parameters(), strict=True)

    def loss(values, x):
        out, _ = mg.functional_call(layer, dict(zip(names, values, strict=True)), (x,))
        return (out * out).sum()

    xs = rng.normal(size=(3, 4, 2))
    found = mg.vmap(mg.grad(loss), in_axes=(None, 0))(values, Tensor(xs))
    for n, x in enumerate(xs):
        for each, expected in zip(found, mg.grad(loss)(values, Tensor(x)), strict=True):
            np.testing.assert_allclose(each.numpy()[n], expected.numpy(), rtol=1e-9, atol=1e-12)


def test_dropout_is_between_layers_and_in_training_only(rng):
    x = rng.normal(size=(4, 2, 3))
    layer = made("LSTM", 3, 4, 2, dropout=1.0)
    np.testing.assert_array_equal(layer(x)[0].numpy()[0, 0], layer(0 * x + 5)[0].numpy()[0, 1])
    assert (layer.eval()(x)[0].numpy() != layer(0 * x + 5)[0].numpy()).all()
    with pytest.warns(UserWarning, match="dropout is between layers, and num_layers is 1"):
        nn.GRU(2, 3, dropout=0.5)


def test_padding_and_packing_are_inverses(rng):
    xs = [Tensor(rng.normal(size=(n, 2))) for n in (3, 1, 4)]
    padded = pad_sequence(xs, padding_value=7.0)
    packed = pack_padded_sequence(padded, [3, 1, 4], enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 2, 2, 1]
    for found, expected in zip(unpack_sequence(packed), xs, strict=True):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
    again, lengths = pad_packed_sequence(packed, padding_value=7.0, total_length=5)
    assert lengths.tolist() == [3, 1, 4]
    np.testing.assert_array_equal(again.numpy()[:4], padded.numpy())
    assert (again.numpy()[4:] == 7).all()
    left = pad_sequence(xs, batch_first=True, padding_side="left").numpy()
    np.testing.assert_array_equal(left[1], [[0, 0], [0, 0], [0, 0], xs[1].numpy()[0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.LSTM(3, 4)(np.zeros((5, 2, 2))), r"LSTM: expected x \(T, N, D\).*= 3; got shape \(5, 2, 2\)"),
        (lambda: nn.GRU(3, 4)(np.zeros((5, 2, 3)), np.zeros((1, 3, 4))), r"the initial h has shape \(1, 3, 4\)"),
        (lambda: nn.LSTM(3, 4)(np.zeros((5, 3)), np.zeros((1, 4))), r"the state is a pair \(h, c\), not ndarray"),
        (lambda: nn.RNN(3, 4, nonlinearity="sin"), 'nonlinearity is "tanh" or "relu", not \'sin\''),
        (lambda: nn.LSTM(3, 4, proj_size=4), "proj_size 4 must be less than hidden_size 4"),
        (lambda: nn.GRUCell(3, 4)(np.zeros((2, 3)), np.zeros((2, 3))), r"GRUCell: a state has shape \(2, 3\)"),
        (lambda: pack_padded_sequence(np.zeros((3, 2)), [1, 2]), "longest sequence must come first: .*enforce_sorted"),
        (lambda: pack_padded_sequence(np.zeros((3, 2)), [4, 0]), "lengths are from 1 to T = 3"),
        (lambda: pad_sequence([]), "the sequences must be alike"),
    ],
)  # fmt: skip
def test_errors_say_what_fits(call, message):
    with pytest.raises(mg.errors.MinigradError, match=message):
        call()


# ---- PyTorch ---------------------------------------------------------------------------------------------------------

OPTIONS = [
    {}, {"num_layers": 2, "bidirectional": True}, {"bias": False, "batch_first": True},
    {"proj_size": 2, "bidirectional": True, "num_layers": 2}, {"nonlinearity": "relu", "num_layers": 2},
]  # fmt: skip


@pytest.mark.peer
@pytest.mark.parametrize(("kind", "options", "given"), [
    (kind, options, given)
    for kind, options, given in itertools.product(KINDS, OPTIONS, ["zeros", "state", "one", "packed"])
    if ("proj_size" not in options or kind == "LSTM") and ("nonlinearity" not in options or kind == "RNN")
])  # fmt: skip
def test_outputs_states_and_all_gradients_equal_pytorchs(torch, rng, kind, options, given):
    ours, theirs = made(kind, 3, 4, **options), getattr(torch.nn, kind)(3, 4, **options).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    count = options.get("num_layers", 1) * (1 + options.get("bidirectional", False))
    size = 2 if options.get("batch_first") else 5
    values = rng.normal(size=(5, 3) if given == "one" else (size, 7 - size, 3))
    widths = [options.get("proj_size", 4), 4][: 1 + (kind == "LSTM")]
    first = [rng.normal(size=(count, width) if given == "one" else (count, 2, width)) for width in widths]
    batch_first = options.get("batch_first", False)

    def run(layer, variable, packing, lengths):
        x = variable(values)
        states = [variable(h) for h in first] if given != "zeros" else []
        hx = (tuple(states) if kind == "LSTM" else states[0]) if states else None
        fed = packing.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False) if given == "packed" else x
        out, *ended = parts(layer(fed, hx))
        if given == "packed":
            out, _ = packing.pad_packed_sequence(out, batch_first)
        outs = [out, *ended]
        sum(((k + 1) * y**2).sum() for k, y in enumerate(outs)).backward()
        return outs, [v.grad for v in [x, *states, *layer.parameters()]]

    our_outs, our_grads = run(ours, lambda v: Tensor(v, requires_grad=True), nn.utils.rnn, [3, 5])
    theirs_outs, their_grads = run(
        theirs, lambda v: torch.tensor(v, requires_grad=True), torch.nn.utils.rnn, torch.tensor([3, 5])
    )
    for found, expected in zip(our_outs, theirs_outs, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    for found, expected in zip(our_grads, their_grads, strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-8, atol=1e-11)


@pytest.mark.peer
@pytest.mark.parametrize("kind", KINDS)
def test_cells_equal_pytorchs(torch, rng, kind):
    ours, theirs = getattr(nn, f"{kind}Cell")(3, 4).astype(np.float64), getattr(torch.nn, f"{kind}Cell")(3, 4).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    x, h = rng.normal(size=(2, 3)), [rng.normal(size=(2, 4)) for _ in range(1 + (kind == "LSTM"))]
    found = ours(x, tuple(h) if kind == "LSTM" else h[0])
    expected = theirs(torch.tensor(x), tuple(map(torch.tensor, h)) if kind == "LSTM" else torch.tensor(h[0]))
    pairs = zip(found, expected, strict=True) if kind == "LSTM" else [(found, expected)]
    for mine, other in pairs:
        np.testing.assert_allclose(mine.numpy(), other.detach().numpy(), rtol=1e-10)


@pytest.mark.peer
def test_a_program_of_pytorchs_runs_with_changed_imports(torch):
    """Packing by hand, with an embedding of what is packed."""
    lengths, numbers = [4, 2], np.array([[1, 2, 3, 4], [5, 6, 0, 0]])
    results = []
    for framework, packing, packed_class in (
        (nn, nn.utils.rnn, PackedSequence), (torch.nn, torch.nn.utils.rnn, torch.nn.utils.rnn.PackedSequence)
    ):  # fmt: skip
        embedding, lstm = framework.Embedding(7, 3), framework.LSTM(3, 4, batch_first=True)
        for p in [*embedding.parameters(), *lstm.parameters()]:
            p.data = p.data * 0 + 0.1 if framework is torch.nn else np.full(p.shape, 0.1, np.float32)
        x = numbers if framework is nn else torch.tensor(numbers)
        packed = packing.pack_padded_sequence(x, lengths, batch_first=True)
        packed = packed_class(
            embedding(packed.data), packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices
        )
        lstm.flatten_parameters()
        out, (h, _) = lstm(packed)
        out, ends = packing.pad_packed_sequence(out, batch_first=True)
        results.append([out.detach().numpy(), h.detach().numpy(), ends.numpy()])
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
