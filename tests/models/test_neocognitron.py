"""The Neocognitron's cells, its learning without gradients, and its tolerance of shifts."""

import numpy as np
import pytest
from minigrad_models.mlp import MLP
from minigrad_models.neocognitron import ENTRIES, Neocognitron, TopLayer
from minigrad_models.neocognitron_cells import CLayer, Contrast, SLayer

import minigrad as mg
from minigrad.data import ArrayDataset, DataLoader, digits
from minigrad.functional import cross_entropy
from minigrad.training import accuracy, fit, predict
from minigrad.typing import Array
from tests.models.gradient import assert_gradients

RNG = np.random.default_rng


def positive(*shape: int) -> Array:
    return RNG(0).uniform(size=shape).astype(np.float32)


def moved(images: Array, down: int, right: int) -> Array:
    """Images of paper (-0.1) with the ink shifted; what leaves the image is lost."""
    height, width = images.shape[2:]
    out = np.full_like(images, -0.1)
    out[:, :, max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = images[
        :, :, max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return out


@pytest.fixture(scope="module")
def centered() -> tuple[ArrayDataset, ArrayDataset]:
    """Digits of 20 x 20 pixels in the middle of 32 x 32: room to move 6 pixels."""
    train, test = digits(size=32, margin=6)
    images, labels = train.arrays
    return ArrayDataset(images[:400], labels[:400]), test


@pytest.fixture(scope="module")
def prepared(centered: tuple[ArrayDataset, ArrayDataset]) -> Neocognitron:
    model = Neocognitron(planes=(60, 80, 120), rng=RNG(0))
    model.prepare(centered[0])
    return model


# ---- the cells -------------------------------------------------------------------------------------------------------


def test_stages_have_the_shapes_of_the_table() -> None:
    model = Neocognitron()
    x, shapes = mg.Tensor(positive(1, 1, 32, 32)), {}
    for name in ("ug", "us1", "uc1", "us2", "uc2", "us3", "uc3", "top"):
        x = getattr(model, name)(x)
        shapes[name] = x.shape[1:]
    assert shapes == {
        "ug": (2, 32, 32), "us1": (16, 32, 32), "uc1": (16, 16, 16), "us2": (160, 16, 16), "uc2": (160, 8, 8),
        "us3": (250, 8, 8), "uc3": (250, 8, 8), "top": (10,),
    }  # fmt: skip


def test_scale_and_bias_are_all_that_gradients_train() -> None:
    parameters = {name: p.shape for name, p in Neocognitron().named_parameters()}
    assert parameters == {"scale": (), "bias": (10,)}
    assert ENTRIES[0].parameters == 11


def test_contrast_cells_are_silent_on_even_ground_and_swap_when_ink_and_paper_do() -> None:
    layer = Contrast()
    even = layer(np.full((1, 1, 20, 20), 0.7, np.float32)).numpy()[:, :, 3:-3, 3:-3]
    np.testing.assert_allclose(even, 0, atol=1e-6)
    x = positive(1, 1, 20, 20)
    on, off = layer(x).numpy()[0, :, 3:-3, 3:-3]
    np.testing.assert_allclose(layer(1 - x).numpy()[0, ::-1, 3:-3, 3:-3], [on, off], atol=1e-6)
    assert ((on == 0) | (off == 0)).all()


def test_an_s_cell_answers_by_similarity_above_the_threshold() -> None:
    layer = SLayer(2, 3, 3, sigma=1.0, theta=0.4)
    references = positive(2, 2, 3, 3)
    for plane in range(2):
        layer.teach(plane, references[plane])
    u = RNG(1).uniform(size=(2, 3, 3)).astype(np.float32)
    hill = layer.hill.numpy()[0]
    v = np.sqrt((hill * u * u).sum())
    similarity = [(hill * x * u).sum() / np.sqrt((hill * x * x).sum()) / v for x in references]
    expected = [v * max(0.0, (cosine - 0.4) / 0.6) for cosine in similarity]
    found = layer(u[None]).numpy()[0, :, 1, 1]
    np.testing.assert_allclose(found, [*expected, 0], rtol=1e-4)


def test_an_s_cell_answers_to_its_own_reference_with_the_v_cell_whatever_the_contrast() -> None:
    layer = SLayer(4, 1, 3, sigma=1.0, theta=0.9, padding=0)
    x = positive(4, 3, 3)
    layer.teach(0, x)
    for contrast in (0.1, 1.0, 7.0):
        s, v = layer.cells(contrast * x[None], 0.9, 0)
        np.testing.assert_allclose(s.item(), v.item(), rtol=1e-4)


def test_c_cells_are_the_root_of_the_blurred_s_cells() -> None:
    s = np.zeros((1, 1, 16, 16), np.float32)
    s[0, 0, 8, 8] = 1
    c = CLayer(sigma=1.5)(s).numpy()[0, 0]
    near = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.5**2))
    expected = np.zeros((8, 8))
    expected[3:6, 3:6] = np.sqrt(np.outer(near[::2], near[::2])) / near.sum()
    np.testing.assert_allclose(c, expected, atol=2e-3)


def test_c_cells_change_less_than_s_cells_when_the_pattern_moves() -> None:
    s = np.zeros((1, 1, 16, 16), np.float32)
    s[0, 0, 8, 4:12] = 1

    def similarity(layer: object) -> float:
        one, two = (np.asarray(layer(np.roll(s, shift, axis=2))).ravel() for shift in (0, 1))  # type: ignore[operator]
        return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))

    assert similarity(lambda s: s) == 0
    assert similarity(lambda s: CLayer(sigma=1.5)(s).numpy()) > 0.8


# ---- learning --------------------------------------------------------------------------------------------------------


def test_add_if_silent_leaves_no_active_place_unanswered_and_makes_no_two_planes_alike() -> None:
    layer = SLayer(3, 400, 3, sigma=1.0, theta=0.6, learning_theta=0.8)
    images = RNG(0).exponential(size=(5, 3, 6, 6)).astype(np.float32)
    layer.add_if_silent(images)
    assert 0 < layer.count < 400
    s, v = layer.cells(images, 0.8, 1)
    active = v.numpy()[:, 0] > 0.3 * v.numpy().max()
    assert (s.numpy().max(axis=1) > 0)[active].all()
    weights = layer.weight.numpy()[: layer.count] / np.sqrt(layer.hill.numpy())
    similarity = np.einsum("acpq,bcpq->ab", weights, weights)
    np.testing.assert_allclose(similarity.diagonal(), 1, rtol=1e-4)
    assert (similarity - np.eye(layer.count)).max() <= 0.8 + 1e-5


def test_what_is_known_or_too_faint_adds_no_plane() -> None:
    layer = SLayer(3, 400, 3, sigma=1.0, theta=0.6, learning_theta=0.8)
    images = RNG(0).exponential(size=(5, 3, 6, 6)).astype(np.float32)
    layer.add_if_silent(images)
    count = layer.count
    layer.add_if_silent(images)
    faint = 0.01 * RNG(1).exponential(size=(5, 3, 6, 6)).astype(np.float32)
    layer.add_if_silent(np.concatenate([images, faint]))
    assert layer.count == count


def test_a_higher_threshold_makes_more_planes_up_to_the_room_there_is() -> None:
    images = RNG(0).exponential(size=(5, 3, 6, 6)).astype(np.float32)
    counts = []
    for theta in (0.5, 0.7, 0.9, 0.99):
        layer = SLayer(3, 100, 3, sigma=1.0, theta=0.5, learning_theta=theta)
        layer.add_if_silent(images)
        counts.append(layer.count)
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[2]
    assert counts[3] == 100


def test_the_top_names_all_that_it_was_taught() -> None:
    images, labels = RNG(0).exponential(size=(40, 6, 8, 8)).astype(np.float32), RNG(1).integers(0, 4, 40)
    layer = TopLayer(6, 50, 4, sigma=10, theta=0.3, padding=2, dilation=2, classes=4, margin=0.02)
    layer.learn(images, labels)
    np.testing.assert_array_equal(layer(images).numpy().argmax(axis=1), labels)
    kept = layer.labels.numpy()
    assert set(kept[: layer.count]) == set(labels)
    assert (kept[layer.count :] == -1).all()


def test_before_it_is_prepared_all_upper_cells_are_silent() -> None:
    model = Neocognitron()
    assert [layer.count for layer in (model.us1, model.us2, model.us3, model.top)] == [16, 0, 0, 0]
    np.testing.assert_array_equal(model(positive(2, 1, 32, 32)).numpy(), 0)


def test_empty_images_teach_nothing_and_break_nothing() -> None:
    model = Neocognitron(planes=(3, 3, 3), rng=RNG(0))
    empty = np.full((4, 1, 32, 32), -0.1, np.float32)
    model.prepare(ArrayDataset(empty, np.arange(4)))
    np.testing.assert_array_equal(model(empty).numpy(), 0)
    assert model.top.count == 0


def test_state_has_one_shape_before_and_after_and_holds_all_that_was_learned(prepared: Neocognitron) -> None:
    fresh = Neocognitron(planes=(60, 80, 120))
    state, empty = prepared.state_dict(), fresh.state_dict()
    assert {name: array.shape for name, array in state.items()} == {name: a.shape for name, a in empty.items()}
    fresh.load_state_dict(state)
    x = positive(3, 1, 32, 32)
    np.testing.assert_array_equal(fresh(x).numpy(), prepared(x).numpy())


def test_same_generator_same_planes_whatever_was_learned_before() -> None:
    images, labels = digits(size=32)[0].arrays
    one, two = (Neocognitron(planes=(20, 20, 20), rng=RNG(3)) for _ in range(2))
    two.prepare(ArrayDataset(images[50:70], labels[50:70]))
    two.rng = RNG(3)
    for model in (one, two):
        model.prepare(ArrayDataset(images[:20], labels[:20]))
    expected, found = one.state_dict(), two.state_dict()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_training_changes_nothing_but_scale_and_bias_and_lowers_the_loss(
    prepared: Neocognitron, centered: tuple[ArrayDataset, ArrayDataset]
) -> None:
    before = prepared.state_dict()
    images, labels = centered[0].arrays
    history = fit(
        prepared,
        DataLoader((images[:128], labels[:128]), batch_size=32),
        loss=cross_entropy,
        optimizer=mg.optim.Adam(prepared.parameters(), lr=0.05),
        epochs=2,
    )
    after = prepared.state_dict()
    prepared.load_state_dict(before)
    assert history["loss"][1] < history["loss"][0]
    assert {name for name in before if (before[name] != after[name]).any()} == {"scale", "bias"}


# ---- what it is for --------------------------------------------------------------------------------------------------


def test_it_reads_digits_and_tolerates_shifts_better_than_an_mlp(
    prepared: Neocognitron, centered: tuple[ArrayDataset, ArrayDataset]
) -> None:
    train, test = centered
    images, labels = (array[:120] for array in test.arrays)
    mg.seed(0)
    mlp = MLP((1024, 64, 10))
    optimizer = mg.optim.SGD(mlp.parameters(), lr=0.05, momentum=0.9)
    fit(mlp, DataLoader(train, 32, shuffle=True), loss=cross_entropy, optimizer=optimizer, epochs=10)
    reached = {
        shift: [accuracy(*predict(model, (moved(images, 0, shift), labels))) for model in (prepared, mlp)]
        for shift in (0, 2, 4, 6)
    }
    assert min(reached[0]) >= 0.9
    assert all(neocognitron > perceptron + 0.1 for shift, (neocognitron, perceptron) in reached.items() if shift)
    neocognitron, perceptron = reached[4]
    assert neocognitron >= 0.85
    assert perceptron <= 0.5


def test_gradients_are_correct() -> None:
    def make() -> Neocognitron:
        model = Neocognitron(num_classes=3, planes=(6, 8, 6), rng=RNG(0))
        model.prepare(ArrayDataset(positive(6, 1, 32, 32).astype(model.bias.dtype), np.arange(6) % 3))
        return model

    assert_gradients(make, positive(2, 1, 32, 32))
