"""The autoencoder makes its input again; the DCGAN's two players follow their own gradients, in one backward pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from minigrad_models.generator import DCGAN, ENTRIES, MIDDLE, REACH, Autoencoder, Discriminator, Generator
from minigrad_models.registry import Entry

import minigrad as mg
from minigrad import functional as F  # noqa: N812
from minigrad import init, nn, rng
from minigrad.data import DataLoader, digits
from minigrad.data.datasets.digits import BACKGROUND, FOREGROUND
from minigrad.io.nested import unpack
from minigrad.training import Callback, Run, TrainingState, evaluate, fit, load_checkpoint
from minigrad.typing import Array
from tests.models.gradient import assert_gradients
from tests.models.peer import share_weights


def pixels(count: int) -> Array:
    return digits()[0].arrays[0][:count]


def small(seed: int = 0) -> DCGAN:
    return DCGAN(noise=6, width=4, rng=np.random.default_rng(seed))


def gradients(model: nn.Module) -> dict[str, Array]:
    return {name: p.grad.numpy().copy() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_parameters_are_as_many_as_the_entry_says(entry: Entry) -> None:
    with init.skip():
        model = entry.make()
    assert sum(p.size for p in model.parameters()) == entry.parameters


def test_stages_of_the_autoencoder_mirror_each_other() -> None:
    model, x = Autoencoder(rng=np.random.default_rng(0)), mg.Tensor(pixels(2))
    down, up = [x.shape], []
    for layer in model.encoder:
        x = layer(x)
        down += [x.shape] if isinstance(layer, nn.Conv2d) else []
    assert x.shape == (2, 16)
    for layer in model.decoder:
        x = layer(x)
        up += [x.shape] if isinstance(layer, (nn.Unflatten, nn.ConvTranspose2d)) else []
    assert down == [(2, 1, 32, 32), (2, 16, 16, 16), (2, 32, 8, 8), (2, 64, 4, 4)] == up[::-1]


def test_stages_of_the_dcgan_mirror_each_other() -> None:
    model = DCGAN(width=16, rng=np.random.default_rng(0))
    x, up = model.draw_noise(2, np.random.default_rng(0)), []
    for layer in model.generator:
        x = layer(x)
        up += [x.shape] if isinstance(layer, (nn.Unflatten, nn.ConvTranspose2d)) else []
    down = [x.shape]
    for layer in model.discriminator:
        x = layer(x)
        down += [x.shape] if isinstance(layer, nn.Conv2d) else []
    assert down == [(2, 1, 32, 32), (2, 16, 16, 16), (2, 32, 8, 8), (2, 64, 4, 4)] == up[::-1]
    assert x.shape == (2,)


def test_noise_is_uniform_from_minus_1_to_1() -> None:
    noise = small().draw_noise(2000, np.random.default_rng(0)).numpy()
    assert noise.shape == (2000, 6)
    assert -1 <= noise.min() < -0.99
    assert 0.99 < noise.max() <= 1
    np.testing.assert_allclose(noise.var(), 1 / 3, rtol=0.02)


def test_samples_have_the_pixels_of_digits_and_come_from_the_given_generator() -> None:
    model = small()
    mode = model.generator.training
    images = model.sample(5, np.random.default_rng(1))
    assert images.shape == (5, 1, 32, 32)
    assert images.dtype == np.float32
    assert images.min() >= BACKGROUND - 1e-6
    assert images.max() <= FOREGROUND + 1e-6
    assert model.generator.training is mode
    np.testing.assert_array_equal(images, model.sample(5, np.random.default_rng(1)))
    assert (images != model.sample(5, np.random.default_rng(2))).any()


def players(model: DCGAN, x: Array) -> dict[str, Array]:
    """The gradients by the book: two losses, each differentiated by its own player's parameters alone."""
    twin = small()
    twin.load_state_dict(model.state_dict())
    source = np.random.default_rng()
    source.bit_generator.state = model.source.bit_generator.state
    made = twin.generator(twin.draw_noise(len(x), source))
    real, fake = twin.discriminator((x - MIDDLE) / REACH), twin.discriminator(made)
    ones, zeros = np.ones(len(x), np.float32), np.zeros(len(x), np.float32)
    score = F.binary_cross_entropy_with_logits
    found = {}
    for name, loss in (("generator", score(fake, ones)), ("discriminator", score(real, ones) + score(fake, zeros))):
        twin.zero_grad()
        loss.backward(retain_graph=True)
        found |= {path: g for path, g in gradients(twin).items() if path.startswith(name)}
    return found


def test_one_backward_pass_gives_each_player_its_own_gradient() -> None:
    model, x = small(), pixels(6)
    expected = players(model, x)
    model.loss(model(x), None).backward()
    found = gradients(model)
    assert found.keys() == expected.keys() == dict(model.named_parameters()).keys()
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_gradients_of_two_batches_add_up() -> None:
    model, x = small().eval(), pixels(6)
    parts = []
    for rows in (slice(0, 3), slice(3, 6)):
        model.zero_grad()
        model.loss(model(x[rows]), None).backward()
        parts.append(gradients(model))
    model.zero_grad()
    for rows in (slice(0, 3), slice(3, 6)):
        model.loss(model(x[rows]), None).backward()
    for name, total in gradients(model).items():
        np.testing.assert_allclose(total, parts[0][name] + parts[1][name], rtol=1e-5, atol=1e-7)


def test_an_error_inside_leaves_the_discriminator_trainable() -> None:
    model = small()
    model.discriminator.register_forward_pre_hook(lambda module, inputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model(pixels(2))
    assert all(p.requires_grad for p in model.parameters())


def test_loss_is_the_binary_cross_entropy_of_both_players() -> None:
    model = small()
    scores = [np.array(values, np.float32) for values in ([0.3, 2.0], [-1.0, 0.5], [0.1, -3.0])]
    real, made, fooled = (1 / (1 + np.exp(-score)) for score in scores)
    expected = -np.log(real).mean() - np.log(1 - made).mean() - np.log(fooled).mean()
    loss = model.loss(tuple(map(mg.Tensor, scores)), None)
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-5)


def test_evaluation_is_the_same_each_time_and_leaves_the_noise_of_the_training() -> None:
    model, x = small(), pixels(6)
    before = model.source.bit_generator.state
    one, two = (evaluate(model, (x, x), model.loss) for _ in range(2))
    assert one == two
    assert model.source.bit_generator.state == before


def test_same_generator_same_weights_and_noise() -> None:
    one, two = small(3), small(3)
    for name, array in one.state_dict().items():
        np.testing.assert_array_equal(array, two.state_dict()[name])
    assert one.source.bit_generator.state == two.source.bit_generator.state
    assert one.source.bit_generator.state != small(4).source.bit_generator.state


class StopAt(Callback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, training: TrainingState) -> None:
        if training.step == self.step:
            training.stop()


def train(run: Run, seed: int, *callbacks: Callback) -> None:
    rng.seed(seed)
    model, x = DCGAN(noise=6, width=4), pixels(24)
    optimizer = mg.optim.Adam(model.parameters(), lr=5e-4, betas=(0.5, 0.999))
    loader = DataLoader((x, x), batch_size=8, shuffle=True, seed=0)
    fit(model, loader, loss=model.loss, optimizer=optimizer, epochs=2, test=(x, x), callbacks=[run, *callbacks])


def test_stopped_and_resumed_equals_uninterrupted_bit_for_bit(tmp_path: Path) -> None:
    train(Run.create(tmp_path / "straight", {}), 0)
    train(Run.create(tmp_path / "stopped", {}), 0, StopAt(4))
    train(Run.open(tmp_path / "stopped"), 99)
    one, two = (load_checkpoint(tmp_path / name / "checkpoint.safetensors") for name in ("straight", "stopped"))
    assert "model.source" in unpack(one.metadata["random"], one.arrays)
    assert one.metadata["random"] == two.metadata["random"]
    assert one.arrays.keys() == two.arrays.keys()
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, two.arrays[name], err_msg=name)


def test_training_the_autoencoder_lowers_its_error() -> None:
    model, x = Autoencoder(code=8, width=4), pixels(32)
    optimizer = mg.optim.Adam(model.parameters(), lr=0.005)
    history = fit(model, DataLoader((x, x), 16), loss=model.loss, optimizer=optimizer, epochs=12)
    assert history["loss"][-1] < 0.6 * history["loss"][0]


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_wins_if_the_other_one_stands_still(player: str) -> None:
    model, x = small(), pixels(32)
    optimizer = mg.optim.Adam(getattr(model, player).parameters(), lr=0.002, betas=(0.5, 0.999))
    fit(model, DataLoader((x, x), 16), loss=model.loss, optimizer=optimizer, epochs=15)
    real, made, fooled = (score.numpy() for score in model(x))
    np.testing.assert_allclose(made, fooled, rtol=1e-5)
    if player == "generator":
        assert (fooled > real.mean()).mean() > 0.9
    else:
        assert (real > 0).mean() > 0.9
        assert (made < 0).mean() > 0.9


def unit(model: nn.Module) -> nn.Module:
    """With weights of a usual size: where they are 0.02, batch norm bends too much for numerical derivatives."""
    for parameter in model.parameters():
        parameter.data = np.random.default_rng(parameter.size).normal(size=parameter.shape)
    return model


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: Autoencoder(code=3, width=1, rng=np.random.default_rng(0)), (2, 1, 32, 32)),
        (lambda: unit(Generator(noise=3, width=1)), (4, 3)),
        (lambda: unit(Discriminator(width=1)), (3, 1, 32, 32)),
    ],
    ids=["autoencoder", "generator", "discriminator"],
)
def test_gradients_are_correct(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    assert_gradients(make, np.random.default_rng(1).normal(size=shape))


@pytest.mark.peer
@pytest.mark.parametrize("training", [True, False])
def test_images_and_gradients_of_the_generator_equal_pytorchs(torch: Any, training: bool) -> None:
    model, tnn = Generator(noise=6, width=4, rng=np.random.default_rng(0)).train(training), torch.nn
    peer = tnn.Sequential(
        tnn.Linear(6, 256), tnn.Unflatten(1, (16, 4, 4)), tnn.BatchNorm2d(16), tnn.ReLU(),
        tnn.ConvTranspose2d(16, 8, 4, 2, 1), tnn.BatchNorm2d(8), tnn.ReLU(),
        tnn.ConvTranspose2d(8, 4, 4, 2, 1), tnn.BatchNorm2d(4), tnn.ReLU(),
        tnn.ConvTranspose2d(4, 1, 4, 2, 1), tnn.Tanh(),
    ).train(training)  # fmt: skip
    share_weights(model, peer)
    noise, g = (np.random.default_rng(1).normal(size=s).astype(np.float32) for s in ((5, 6), (5, 1, 32, 32)))
    ours, theirs = model(noise), peer(torch.from_numpy(noise))
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)
    ours.backward(g)
    theirs.backward(torch.from_numpy(g))
    # A bias before a batch norm has no gradient, but what rounding leaves of larger ones.
    rounding = 0.01 * max(float(q.grad.abs().max()) for q in peer.parameters())
    for (name, p), q in zip(model.named_parameters(), peer.parameters(), strict=True):
        largest = max(float(q.grad.abs().max()), rounding)
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=0, atol=2e-4 * largest, err_msg=name)
