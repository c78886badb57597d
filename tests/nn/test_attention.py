"""Attention and Transformers: masks, the future, blocks, memory; PyTorch's numbers."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, nn
from minigrad import functional as F  # noqa: N812
from minigrad.kernels import attention as kernels
from minigrad.kernels.jit import numpy_only


def drawn(rng, *shapes):
    return [Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]


def gradients(out, xs, g=None):
    for x in xs:
        x.grad = None
    (out * (1.0 if g is None else g)).sum().backward()
    return [x.grad.numpy() for x in xs]


def test_results_are_convex_combinations_of_values(rng):
    q, k = drawn(rng, (2, 5, 3), (2, 4, 3))
    ones = F.scaled_dot_product_attention(q, k, np.ones((2, 4, 1)))
    np.testing.assert_allclose(ones.numpy(), 1.0, rtol=1e-12)
    v = rng.normal(size=(2, 4, 6))
    out = F.scaled_dot_product_attention(q, k, v, rng.normal(size=(5, 4))).numpy()
    assert (out <= v.max(axis=1, keepdims=True)).all()
    assert (out >= v.min(axis=1, keepdims=True)).all()


def test_a_query_that_sees_nothing_gets_and_gives_zero(rng):
    q, k, v = drawn(rng, (2, 3, 4), (2, 5, 4), (2, 5, 2))
    for nothing in (np.zeros((3, 5), bool), np.full((3, 5), -np.inf)):
        mask = nothing.copy()
        mask[0, 1] = 1.0
        out = F.scaled_dot_product_attention(q, k, v, mask)
        assert not out.numpy()[:, 1:].any()
        np.testing.assert_allclose(out.numpy()[:, 0], v.numpy()[:, 1], rtol=1e-12)
        to_q, to_k, to_v = gradients(out, [q, k, v])
        assert not to_q.any()
        assert not to_k.any()
        assert to_v[:, 1].all()
        assert not to_v[:, [0, 2, 3, 4]].any()


def test_nothing_of_the_future_comes_back_nor_goes_forward(rng):
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True, rng=rng).astype(np.float64)
    (x,) = drawn(rng, (2, 6, 4))
    out = layer(x, is_causal=True)
    later = x.numpy().copy()
    later[:, 4:] += 1.0
    np.testing.assert_array_equal(layer(later, is_causal=True).numpy()[:, :4], out.numpy()[:, :4])
    (grad,) = gradients(out[:, :4], [x], rng.normal(size=(2, 4, 4)))
    assert not grad[:, 4:].any()
    assert grad[:, :4].all()
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    np.testing.assert_allclose(layer(x, mask).numpy(), out.numpy(), rtol=1e-10)


def test_padding_changes_nothing_and_samples_do_not_see_each_other(rng):
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True, rng=rng).astype(np.float64)
    short, long = rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    padded = np.full((2, 5, 4), 9.0)
    padded[0, :3], padded[1] = short, long
    x = Tensor(padded, requires_grad=True)
    hidden = np.array([[False] * 3 + [True] * 2, [False] * 5])
    out = layer(x, src_key_padding_mask=hidden)
    np.testing.assert_allclose(out.numpy()[0, :3], layer(short).numpy(), rtol=1e-10)
    np.testing.assert_allclose(out.numpy()[1], layer(long).numpy(), rtol=1e-10)
    (grad,) = gradients(out[0, :3], [x], rng.normal(size=(3, 4)))
    assert not grad[0, 3:].any()
    assert not grad[1].any()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["none", "booleans", "numbers"])
def test_blocks_of_any_size_give_the_same(rng, monkeypatch, causal, kind):
    xs = drawn(rng, (2, 1, 7, 3), (3, 9, 3), (9, 2))
    mask = {"none": None, "booleans": rng.random((3, 7, 9)) < 0.6, "numbers": rng.normal(size=(2, 1, 7, 9))}[kind]
    if kind == "numbers":
        xs.append(mask := Tensor(mask, requires_grad=True))
    g = rng.normal(size=(2, 3, 7, 2))
    found = []
    for block, rows in ((1, 64), (20, 64), (100, 64), (1 << 17, 64), (1 << 17, 3)):
        monkeypatch.setattr(kernels, "BLOCK", block)
        monkeypatch.setattr(kernels, "CAUSAL_ROWS", rows)
        out = mg.ops.attention(*xs[:3], mask, causal=causal)
        found.append([out.numpy(), *gradients(out, xs, g)])
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


def test_memory_does_not_grow_with_the_square_of_the_length(monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 1 << 14)
    length = 2048
    q, k, v = (Tensor(np.ones((1, length, 8), np.float32), requires_grad=True) for _ in range(3))
    with numpy_only():
        tracemalloc.start()
        F.scaled_dot_product_attention(q, k, v, is_causal=True).sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < length * length * 4 / 8  # an eighth of one table of weights


def test_groups_of_queries_share_a_head_of_keys(rng):
    xs = drawn(rng, (2, 6, 4, 3), (2, 2, 5, 3), (2, 2, 5, 3))
    q, k, v = xs
    mask = rng.random((2, 6, 4, 5)) < 0.7
    g = rng.normal(size=q.shape)
    shared = F.scaled_dot_product_attention(q, k, v, mask, enable_gqa=True)
    found = [shared.numpy(), *gradients(shared, xs, g)]
    repeated = F.scaled_dot_product_attention(q, *(mg.repeat(x, 3, axis=1) for x in (k, v)), mask)
    for one, other in zip(found, [repeated.numpy(), *gradients(repeated, xs, g)], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)
    with pytest.raises(mg.ShapeError, match=r"heads of query .* are a multiple of those of key and value"):
        F.scaled_dot_product_attention(q, k[:, :1], v, enable_gqa=True)


def test_products_of_rotated_vectors_depend_on_their_distance_only(rng):
    q, k = rng.normal(size=(1, 8)), rng.normal(size=(1, 8))
    products = [(F.rotary(q, [t]) @ F.rotary(k, [t + 3]).T).item() for t in (0, 5, 40)]
    np.testing.assert_allclose(products, products[0], rtol=1e-10)
    np.testing.assert_allclose(mg.vector_norm(F.rotary(Tensor(q), [7])).item(), np.linalg.norm(q))
    whole = F.sinusoidal_positions(50, 6, dtype=np.float64)
    distances = np.linalg.norm(whole[:-5] - whole[5:], axis=1)
    np.testing.assert_allclose(distances, distances[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.scaled_dot_product_attention(x, x, x, np.ones((3, 3), int)), "attn_mask has booleans"),
        (lambda x: F.scaled_dot_product_attention(x, x, x, np.ones((2, 3), bool)), r"attn_mask of shape \(2, 3\)"),
        (lambda x: F.scaled_dot_product_attention(x, x[:, :2], x), r"E is 4 in q but 2 in k"),
        (lambda x: nn.MultiheadAttention(4, 3), "embed_dim 4 is no multiple of num_heads 3"),
        (lambda x: nn.MultiheadAttention(6, 2)(x, x, x), r"expected query \(T, N, size\).*of size 6; got"),
        (lambda x: nn.MultiheadAttention(4, 2)(x, x, x, np.zeros(2, bool)), r"key_padding_mask has shape \(2,\)"),
        (lambda x: nn.TransformerEncoderLayer(4, 2, activation="tanh"), 'activation is "relu", "gelu" or a function'),
        (lambda x: F.rotary(x[:, :3]), r"expected x \(..., T, E\) with an even E"),
        (lambda x: F.rms_norm(x, 3), r"expected x \(..., 3\), got shape \(3, 4\)"),
    ],
)  # fmt: skip
def test_errors_say_what_fits(call, message):
    with pytest.raises(mg.errors.MinigradError, match=message):
        call(Tensor(np.ones((3, 4))))


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize(
    "settings",
    [{}, {"is_causal": True}, {"attn_mask": "bool"}, {"attn_mask": "float", "scale": 0.3}, {"enable_gqa": True}],
)
def test_attention_equals_pytorchs_with_gradients(torch, rng, settings):
    heads = 2 if settings.get("enable_gqa") else 4
    arrays = [rng.normal(size=s) for s in ((2, 4, 6, 3), (2, heads, 7, 3), (2, heads, 7, 5))]
    masks = {"bool": rng.random((6, 7)) < 0.8, "float": rng.normal(size=(2, 1, 6, 7)), None: None}
    mask = masks[settings.get("attn_mask")]
    settings = {name: value for name, value in settings.items() if name != "attn_mask"}
    ours = [Tensor(x, requires_grad=True) for x in arrays]
    theirs = [torch.tensor(x, requires_grad=True) for x in arrays]
    found = F.scaled_dot_product_attention(*ours, mask, **settings)
    other = None if mask is None else torch.tensor(mask)
    expected = torch.nn.functional.scaled_dot_product_attention(*theirs, other, **settings)
    np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-9)
    g = rng.normal(size=found.shape)
    (expected * torch.tensor(g)).sum().backward()
    for mine, x in zip(gradients(found, ours, g), theirs, strict=True):
        np.testing.assert_allclose(mine, x.grad.numpy(), rtol=1e-7, atol=1e-10)


@pytest.mark.peer
@pytest.mark.parametrize("options", [{}, {"need_weights": False}, {"average_attn_weights": False, "pairs": "float"},
                                     {"padding": True, "pairs": "bool"}, {"pairs": "heads"}])  # fmt: skip
def test_layers_with_masks_equal_pytorchs(torch, rng, options):
    options = dict(options)
    pairs = {"float": rng.normal(size=(5, 5)), "bool": np.triu(np.ones((5, 5), bool), 1), None: None,
             "heads": np.tril(rng.random((4, 5, 5)) < 0.3, -1)}[options.pop("pairs", None)]  # fmt: skip
    padding = np.array([[False] * 5, [False] * 3 + [True] * 2]) if options.pop("padding", False) else None
    ours, theirs = nn.MultiheadAttention(4, 2, rng=rng).astype(np.float64), torch.nn.MultiheadAttention(4, 2).double()
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    x = rng.normal(size=(5, 2, 4))
    torched = [None if m is None else torch.tensor(m) for m in (padding, pairs)]
    mine, other = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    found = ours(mine, mine, mine, padding, attn_mask=pairs, **options)
    expected = theirs(other, other, other, torched[0], attn_mask=torched[1], **options)
    assert (found[1] is None) == (expected[1] is None)
    for a, b in zip(found, expected, strict=True):
        if a is not None:
            np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-8, atol=1e-12)
    (found[0] ** 2).sum().backward()
    (expected[0] ** 2).sum().backward()
    np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-7, atol=1e-10)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(ours.get_parameter(name).grad.numpy(), p.grad.numpy(), rtol=1e-7, atol=1e-9)
