"""The localizer answers with a class and a proper box, and is measured by their overlap."""

import numpy as np
import pytest
from minigrad_models.localizer import ENTRIES, Localizer, class_accuracy, iou, mean_iou

import minigrad as mg
from minigrad import init
from minigrad.data import ArrayDataset, DataLoader, scenes
from minigrad.testing import Verdict, check_grads
from minigrad.training import evaluate, fit
from minigrad.typing import Array
from tests.models.gradient import assert_gradients

ENTRY = ENTRIES[0]


def images(count: int = 2, size: int = 64) -> Array:
    return np.random.default_rng(0).normal(size=(count, 3, size, size)).astype(np.float32)


def boxes(count: int, seed: int) -> Array:
    corners = np.random.default_rng(seed).uniform(size=(count, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def test_parameters_are_as_many_as_the_entry_says() -> None:
    with init.skip():
        model = ENTRY.make()
    assert sum(p.size for p in model.parameters()) == ENTRY.parameters
    counts = [sum(p.size for p in part.parameters()) for part in (model.reader, model.finder)]
    assert counts == [73_984 + 1_290, 524_416 + 256 + 516]


def test_stages_halve_the_image() -> None:
    model = Localizer(rng=np.random.default_rng(0))
    assert model.features(images()).shape == (2, 64, 8, 8)
    assert model.reader(mg.Tensor(np.zeros((2, 64, 8, 8), np.float32))).shape == (2, 10)
    assert model(images()).shape == (2, 14)


def test_boxes_have_no_negative_side() -> None:
    box = Localizer(rng=np.random.default_rng(0))(100 * images(4)).numpy()[:, -4:]
    assert (box[:, 2:] >= box[:, :2]).all()


def test_iou_is_what_counting_pixels_gives() -> None:
    one, two = np.round(boxes(20, 1) * 40), np.round(boxes(20, 2) * 40)
    y, x = np.mgrid[:40, :40]
    inside = [
        (x >= b[:, 0, None, None]) & (x < b[:, 2, None, None]) & (y >= b[:, 1, None, None]) & (y < b[:, 3, None, None])
        for b in (one, two)
    ]
    shared, either = ((f(*inside)).sum(axis=(1, 2)) for f in (np.logical_and, np.logical_or))
    np.testing.assert_allclose(iou(mg.Tensor(one), mg.Tensor(two)).numpy(), shared / either, rtol=1e-6)
    assert 0 < (shared > 0).sum() < 20


def test_iou_is_symmetric_1_for_equal_boxes_and_0_for_boxes_apart() -> None:
    one, two = mg.Tensor(boxes(10, 1)), mg.Tensor(boxes(10, 2))
    np.testing.assert_allclose(iou(one, two).numpy(), iou(two, one).numpy(), rtol=1e-6)
    np.testing.assert_allclose(iou(one, one).numpy(), 1)
    np.testing.assert_array_equal(iou(one, one + 1).numpy(), 0)


def test_gradient_of_iou_is_correct() -> None:
    report = check_grads(iou, boxes(4, 1), boxes(4, 2))
    assert report.verdict is Verdict.CORRECT, str(report)


def test_measures_of_a_perfect_answer_are_1_and_its_loss_is_0() -> None:
    label, box = np.array([3, 1, 2]), boxes(3, 1).astype(np.float32)
    output = np.concatenate([100 * np.eye(4, dtype=np.float32)[label], box], axis=1)
    target = np.column_stack([label, box]).astype(np.float32)
    assert class_accuracy(output, target) == 1
    np.testing.assert_allclose(mean_iou(output, target), 1, rtol=1e-6)
    model = Localizer(num_classes=4, width=1)
    np.testing.assert_allclose(model.loss(mg.Tensor(output), mg.Tensor(target)).item(), 0, atol=1e-5)
    wrong = np.roll(target, 1, axis=0)
    assert class_accuracy(output, wrong) == 0
    assert mean_iou(output, wrong) < 1
    assert model.loss(mg.Tensor(output), mg.Tensor(wrong)).item() > 1


def test_reader_does_not_care_where_the_digit_is() -> None:
    model = Localizer(rng=np.random.default_rng(0)).eval()
    features = np.zeros((1, 64, 8, 8), np.float32)
    features[:, :, 2:4, 2:4] = np.random.default_rng(1).uniform(size=(1, 64, 2, 2))
    moved = np.roll(features, (2, 3), axis=(2, 3))
    np.testing.assert_allclose(model.reader(features).numpy(), model.reader(moved).numpy(), rtol=1e-4, atol=1e-5)
    assert np.abs(model.finder(features).numpy() - model.finder(moved).numpy()).max() > 1e-3


def test_training_on_scenes_finds_their_digits_better() -> None:
    train = scenes(size=32, test_fraction=0.9)[0]
    pixels, label, box = (array[:96] for array in train.arrays)
    data = ArrayDataset(pixels, np.column_stack([label, box]).astype(np.float32))
    model = Localizer(width=4, size=32)
    before = evaluate(model, data, model.loss, metrics=model.metrics)
    optimizer = mg.optim.AdamW(model.parameters(), lr=0.003)
    fit(model, DataLoader(data, 32, shuffle=True, seed=0), loss=model.loss, optimizer=optimizer, epochs=20)
    after = evaluate(model, data, model.loss, metrics=model.metrics)
    assert after["loss"] < 0.8 * before["loss"]
    assert after["mean_iou"] > before["mean_iou"] + 0.2


@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_correct(training: bool) -> None:
    assert_gradients(
        lambda: Localizer(num_classes=3, width=1, size=16, rng=np.random.default_rng(0)).train(training), images(2, 16)
    )
