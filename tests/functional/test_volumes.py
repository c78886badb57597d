"""Functions of volumes: PyTorch's gradients, images as volumes of one slice, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ShapeError, Tensor, UsageError, nn
from minigrad import functional as F  # noqa: N812
from tests.functional.peer import assert_equal, distinct
from tests.nn.layer_rows import VOLUMES
from tests.nn.test_every_layer import made

X = np.arange(24.0).reshape(1, 1, 2, 3, 4)


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("row", VOLUMES, ids=str)
def test_gradients_of_layers_equal_pytorchs(torch, rng, row, training):
    ours = made(row).astype(np.float64).train(training)
    theirs = getattr(torch.nn, row.name)(*row.args, **row.settings).double().train(training)
    theirs.load_state_dict({name: torch.tensor(np.array(value)) for name, value in ours.state_dict().items()})
    inputs = row.draw(rng)
    mine = [Tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    other = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    out, expected = ours(*mine), theirs(*other)
    g = rng.normal(size=out.shape)
    out.backward(g)
    expected.backward(torch.tensor(g))
    found = [mine[0], *ours.parameters()]
    for x, y in zip(found, [other[0], *theirs.parameters()], strict=True):
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-9, atol=1e-11)


WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2, 1), "stride": (1, 2, 1), "padding": (1, 0, 0)},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
]


@pytest.mark.peer
@pytest.mark.parametrize("settings", WINDOWS, ids=str)
def test_places_of_the_largest_and_their_way_back_equal_pytorch(torch, rng, settings):
    for x in (distinct(rng, 2, 2, 5, 4, 6) // 2, distinct(rng, 2, 5, 4, 6), distinct(rng, 2, 16, 8, 12, 9)):
        theirs = torch.nn.functional.max_pool3d(torch.tensor(x), **settings, return_indices=True)
        pooled, indices = F.max_pool3d(x, **settings, return_indices=True)
        np.testing.assert_array_equal(indices, theirs[1])
        size = x.shape[-3:]
        places = [settings[name] for name in ("kernel_size", "stride", "padding") if name in settings]
        found = F.max_unpool3d(pooled, indices, *places, output_size=size)
        expected = torch.nn.functional.max_unpool3d(*theirs, *places, output_size=size)
        np.testing.assert_array_equal(found, expected)
    for size in (1, (2, 3, 5), (None, 4, 2)):
        theirs = torch.nn.functional.adaptive_max_pool3d(torch.tensor(x), size, return_indices=True)
        for mine, other in zip(F.adaptive_max_pool3d(x, size, return_indices=True), theirs, strict=True):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.peer
@pytest.mark.parametrize("settings", WINDOWS, ids=str)
@pytest.mark.parametrize("name", ["max_pool3d", "avg_pool3d"])
def test_pooling_of_both_precisions_equals_pytorch(torch, rng, name, settings):
    ours, theirs = getattr(F, name), getattr(torch.nn.functional, name)
    assert_equal(torch, lambda x: ours(x, **settings), lambda x: theirs(x, **settings), [distinct(rng, 2, 2, 5, 4, 6)])


@pytest.mark.peer
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "trilinear", "area"])
@pytest.mark.parametrize(
    "given", [{"size": (3, 4, 9)}, {"scale_factor": 1.6}, {"scale_factor": (1.1, 0.7, 2)}], ids=str
)
def test_resized_volumes_equal_pytorchs(torch, rng, mode, given):
    x = rng.normal(size=(1, 2, 4, 5, 6))
    expected = torch.nn.functional.interpolate(torch.tensor(x), **given, mode=mode)
    np.testing.assert_allclose(F.interpolate(x, **given, mode=mode), expected, rtol=1e-12, atol=1e-12)


OF_BOTH = [
    (F.conv2d, F.conv3d, lambda rng: (rng.normal(size=(4, 1, 3, 2)), rng.normal(size=4)),
     {"stride": (1, 2), "padding": 1, "groups": 2}),
    (F.conv_transpose2d, F.conv_transpose3d, lambda rng: (rng.normal(size=(2, 2, 3, 2)), rng.normal(size=4)),
     {"stride": (1, 2), "groups": 2}),
    (F.max_pool2d, F.max_pool3d, lambda rng: (), {"kernel_size": 2, "padding": 1, "ceil_mode": True}),
    (F.avg_pool2d, F.avg_pool3d, lambda rng: (), {"kernel_size": (2, 3), "stride": 1}),
    (F.lp_pool2d, F.lp_pool3d, lambda rng: (3,), {"kernel_size": 2}),
    (F.adaptive_avg_pool2d, F.adaptive_avg_pool3d, lambda rng: ((2, 3),), {}),
    (F.adaptive_max_pool2d, F.adaptive_max_pool3d, lambda rng: ((2, 3),), {}),
]  # fmt: skip


@pytest.mark.parametrize("case", OF_BOTH, ids=lambda case: case[0].__name__)
def test_slices_that_no_window_joins_are_images(rng, case):
    """A kernel of depth 1 does with each slice what the function of images does."""
    of_images, of_volumes, draw, settings = case
    x, others = rng.normal(size=(2, 2, 3, 4, 5)), draw(rng)
    deep = {"kernel_size": 1, "stride": 1, "padding": 0}
    wide = {
        name: y if name in ("groups", "ceil_mode") else (deep[name], *(y if isinstance(y, tuple) else (y, y)))
        for name, y in settings.items()
    }
    in_volumes = [y[:, :, None] if np.ndim(y) == 4 else (None, *y) if isinstance(y, tuple) else y for y in others]
    found = np.asarray(of_volumes(x, *in_volumes, **wide))
    for d in range(3):
        np.testing.assert_allclose(found[:, :, d], of_images(x[:, :, d], *others, **settings), rtol=1e-10, atol=1e-12)


@given(st.data())
def test_order_of_sides_does_not_matter(data):
    """Volumes whose sides are exchanged, with a kernel likewise, have their result exchanged."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    order = data.draw(st.permutations(range(3)))
    shape = [data.draw(st.integers(1, 4)) for _ in range(3)]
    settings = [[data.draw(st.integers(1, n)) for n in shape], [data.draw(st.integers(1, 2)) for _ in shape]]
    x, w = rng.normal(size=(2, 2, *shape)), rng.normal(size=(3, 2, *settings[0]))
    axes = (0, 1, *[2 + k for k in order])
    kernel, stride = ([numbers[k] for k in order] for numbers in settings)
    for found, exchanged in (
        (F.conv3d(x, w, stride=settings[1]), F.conv3d(x.transpose(axes), w.transpose(axes), stride=stride)),
        (F.max_pool3d(x, *settings), F.max_pool3d(x.transpose(axes), kernel, stride)),
        (F.avg_pool3d(x, *settings), F.avg_pool3d(x.transpose(axes), kernel, stride)),
    ):
        np.testing.assert_allclose(np.transpose(found, axes), exchanged, rtol=1e-10, atol=1e-12)


W = np.ones((1, 1, 2, 2, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.conv3d(X[0, 0], W), ShapeError, r"expected x \(N, C, D, H, W\) or \(C, D, H, W\), got shape \(2, 3"),
        (lambda: F.conv2d(X, W), ShapeError, r"expected x \(N, C, H, W\) or \(C, H, W\), got shape \(1, 1, 2, 3, 4\)"),
        (lambda: F.conv3d(X, W[0]), ShapeError, "w has 4 dimensions, not 5"),
        (lambda: F.conv3d(X, np.ones((1, 2, 1, 1, 1))), ShapeError, "C is 1 in x but 2 in w"),
        (lambda: F.conv3d(X, np.ones((1, 1, 3, 1, 1))), ShapeError, r"reaches over \(3, 1, 1\) .* only \(2, 3, 4\)"),
        (lambda: F.conv3d(X, W, stride=(1, 2)), UsageError, "one integer, or one for each of 3 axes"),
        (lambda: F.conv3d(X, W, 0, 2, "same"), UsageError, 'padding "same" keeps the size'),
        (lambda: F.conv_transpose3d(X, W[0]), ShapeError, r"weight is \(C, O/groups, R, P, Q\)"),
        (lambda: F.conv_transpose3d(X, W, output_padding=1), UsageError, "conv_transpose3d: output_padding"),
        (lambda: F.max_pool2d(X, 2), ShapeError, r"got shape \(1, 1, 2, 3, 4\)"),
        (lambda: F.max_pool3d(X[0, 0], 2), ShapeError, r"expected x \(N, C, D, H, W\)"),
        (lambda: F.max_pool3d(X, 3), ShapeError, "reaches over"),
        (lambda: F.avg_pool3d(X, 2, divisor_override=0), UsageError, "avg_pool3d: divisor_override must not be 0"),
        (lambda: F.lp_pool3d(X, 0, 2), UsageError, "lp_pool3d: norm_type must be positive"),
        (lambda: F.adaptive_avg_pool3d(X, (1, 2)), UsageError, "one or three numbers"),
        (lambda: F.adaptive_max_pool3d(X, 0), ShapeError, "a grid of 0 x 0 x 0 cells"),
        (lambda: F.max_unpool3d(X, X.astype(int) + 1, 1), UsageError, "max_unpool3d: indices run from 1 to 24"),
        (lambda: F.interpolate(X, 2, mode="bilinear"), ShapeError, "is for 4 dimensions"),
        (lambda: F.dropout3d(X[0, 0]), ShapeError, r"dropout3d: expected x \(N, C, D, H, W\) or \(C, D, H, W\)"),
    ],
)
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_step_of_volumes_is_replayed_as_it_is_computed(rng):
    layers = (nn.Conv3d(2, 8, 3, padding=1), nn.BatchNorm3d(8), nn.ReLU(), nn.MaxPool3d(2), nn.AdaptiveAvgPool3d(1))
    model = nn.Sequential(*layers)
    x = Tensor(rng.normal(size=(4, 2, 4, 16, 16)).astype(np.float32))

    def step(x):
        loss = (model(x) ** 2).mean()
        loss.backward()
        return loss

    compiled = mg.compile(step)
    for training in (True, False):
        model.train(training)
        for _ in range(3):
            results = []
            for run in (step, compiled):
                model.zero_grad()
                results.append([run(x).numpy().copy(), *[p.grad.numpy().copy() for p in model.parameters()]])
            for mine, other in zip(*results, strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
    assert compiled.reason is None
