"""The Vision Transformers have torchvision's names, shapes and numbers of parameters, and correct gradients."""

from typing import Any

import numpy as np
import pytest
from minigrad_models import entry, vit
from minigrad_models.vit import SIZES, Size, VisionTransformer

import minigrad as mg
from minigrad import init
from minigrad.data import digits
from minigrad.errors import ShapeError, UsageError
from minigrad.nn import Module
from tests.models.gradient import assert_gradients
from tests.models.learning import assert_learns

TINY = Size(layers=2, heads=2, width=4, hidden=6)


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def torchvisions_state(size: Size, tokens: int, patch: int, classes: int) -> dict[str, tuple[int, ...]]:
    """The names and shapes of torchvision's state dict, in its order."""
    width, hidden = size.width, size.hidden
    state: dict[str, tuple[int, ...]] = {
        "class_token": (1, 1, width), "conv_proj.weight": (width, 3, patch, patch), "conv_proj.bias": (width,),
        "encoder.pos_embedding": (1, tokens, width),
    }  # fmt: skip
    for i in range(size.layers):
        parts = {
            "ln_1.weight": (width,), "ln_1.bias": (width,),
            "self_attention.in_proj_weight": (3 * width, width), "self_attention.in_proj_bias": (3 * width,),
            "self_attention.out_proj.weight": (width, width), "self_attention.out_proj.bias": (width,),
            "ln_2.weight": (width,), "ln_2.bias": (width,),
            "mlp.0.weight": (hidden, width), "mlp.0.bias": (hidden,),
            "mlp.3.weight": (width, hidden), "mlp.3.bias": (width,),
        }  # fmt: skip
        state |= {f"encoder.layers.encoder_layer_{i}.{name}": shape for name, shape in parts.items()}
    state |= {"encoder.ln.weight": (width,), "encoder.ln.bias": (width,)}
    return state | {"heads.head.weight": (classes, width), "heads.head.bias": (classes,)}


def test_state_has_torchvisions_names_and_shapes() -> None:
    with init.skip():
        model = VisionTransformer(SIZES["b"], 224, 16)
    shapes = {path: value.shape for path, value in model.named_parameters()}
    expected = torchvisions_state(SIZES["b"], 14 * 14 + 1, 16, 1000)
    assert list(shapes.items()) == list(expected.items())
    assert list(model.state_dict()) == list(expected)


@pytest.mark.parametrize("given", vit.ENTRIES, ids=lambda e: e.name)
def test_networks_have_torchvisions_numbers_of_parameters(given: Any) -> None:
    assert entry(given.name) is given
    with init.skip():
        model = given.make()
    assert sum(p.size for p in model.parameters()) == given.parameters
    told = {"vit-b16": 86_567_656, "vit-b32": 88_224_232, "vit-l16": 304_326_632}
    assert given.small or given.parameters == told[given.name]


def test_initial_weights_are_torchvisions() -> None:
    model = VisionTransformer(Size(2, 4, 64, 128), 32, 8, rng=np.random.default_rng(0))
    assert not any(p.numpy().any() for p in [*model.heads.parameters(), model.class_token, model.conv_proj.bias])
    w = model.conv_proj.weight.numpy()
    assert abs(w.std() / np.sqrt(1 / 192) - 1) < 0.03
    assert abs(model.encoder.pos_embedding.numpy().std() / 0.02 - 1) < 0.1
    hidden = model.encoder.layers[0].mlp[0]
    assert abs(np.abs(hidden.weight.numpy()).max() / np.sqrt(6 / 192) - 1) < 0.01
    assert 0 < np.abs(hidden.bias.numpy()).max() < 1e-5


def test_tokens_are_patches_in_rows_behind_the_class_token() -> None:
    model = VisionTransformer(TINY, 8, 4, num_classes=3, rng=np.random.default_rng(0))
    seen = []
    model.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].numpy()))
    x = images(2, 3, 8, 8)
    model(x)
    (tokens,) = seen
    assert tokens.shape == (2, 5, 4)
    np.testing.assert_array_equal(tokens[:, 0], np.broadcast_to(model.class_token.numpy()[0], (2, 4)))
    w = model.conv_proj.weight.numpy().reshape(4, -1)
    np.testing.assert_allclose(tokens[:, 2], x[:, :, :4, 4:].reshape(2, -1) @ w.T, atol=1e-5)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="side 30 cannot be cut into patches of side 8"):
        VisionTransformer(TINY, 30, 8)
    with pytest.raises(ShapeError, match=r"expected images \(N, 3, 8, 8\), got shape \(2, 3, 8, 12\)"):
        VisionTransformer(TINY, 8, 4)(images(2, 3, 8, 12))


def test_gradients_of_all_parameters_are_correct() -> None:
    def make() -> Module:
        model = VisionTransformer(TINY, 4, 2, 3, 1, dropout=0.25, rng=np.random.default_rng(0))
        model.heads[0].weight.data = np.random.default_rng(1).normal(size=(3, 4))  # zeros would hide all others
        return model

    assert_gradients(make, images(3, 1, 4, 4))


def test_same_generator_same_weights() -> None:
    one, two = (VisionTransformer(TINY, 8, 4, rng=np.random.default_rng(5)).state_dict() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_small_network_learns_digits() -> None:
    mg.seed(0)
    chosen = entry("vit-small")
    model, (x, target) = chosen.make(), (array[:32] for array in digits()[0].arrays)
    assert x.shape[1:] == chosen.input_shape
    optimizer = mg.optim.Adam(model.parameters(), lr=0.003)
    assert_learns(model, x, target, optimizer)


@pytest.mark.peer
def test_outputs_and_gradients_equal_pytorchs(torch: Any) -> None:
    from tests.models.peer import assert_same
    from tests.models.torch_vit import PeerViT

    model = VisionTransformer(Size(2, 3, 12, 20), 16, 4, 10, rng=np.random.default_rng(0))
    model.heads[0].weight.data = np.random.default_rng(1).normal(size=(10, 12))
    peer = PeerViT(2, 3, 12, 20, 16, 4, 10)
    assert_same(model.astype(np.float64), peer.double(), images(4, 3, 16, 16).astype(np.float64), rtol=1e-9)
