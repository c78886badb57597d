"""Looking into a model: what a layer gives is what it gave, and the model is left as it was."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import ShapeError, UsageError
from minigrad.functional import cross_entropy
from minigrad.viz.activation_maximization import maximize_activation
from minigrad.viz.activations import feature_maps, unit_index
from minigrad.viz.attribution import grad_cam
from minigrad.viz.deconvolution import deconvnet
from minigrad.viz.receptive_fields import effective_field, receptive_field

LAYERS = "stem.0 (Conv2d), stem.1 (BatchNorm2d), stem.2 (ReLU), stem.3 (MaxPool2d), drop (Dropout), out (Linear)"


class Net(nn.Module):
    """A stem, dropout, and scores."""

    def __init__(self):
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(4 * 4 * 4, 3)

    def forward(self, x):
        return self.out(self.drop(self.stem(x).flatten(1)))


@pytest.fixture
def images(rng):
    return rng.normal(size=(5, 1, 8, 8)).astype(np.float32)


VIEWS = [
    lambda model, x: feature_maps(model, x, "stem.2"),
    lambda model, x: grad_cam(model, x, "stem.2", 1),
    lambda model, x: deconvnet(model, x, "stem.2", 1),
    lambda model, x: deconvnet(model, x, "stem.2", 1, guided=True),
    lambda model, x: maximize_activation(model, x, 1, steps=3),
    lambda model, x: effective_field(model, x, "stem.2"),
    lambda model, x: receptive_field(model, x.shape[1:], "stem.2"),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("outer", ["recorded", "no_grad"])
def test_the_model_is_left_as_it_was(view, outer, images):
    model = Net()
    model.drop.eval()  # a part in another mode than the rest stays there
    cross_entropy(model(images), np.array([0, 1, 2, 0, 1])).backward()
    modes = [part.training for part in model.modules()]
    state = model.state_dict()
    gradients = [p.grad.numpy().copy() for p in model.parameters()]
    if outer == "no_grad":
        with mg.no_grad():
            view(model, images)
    else:
        view(model, images)
    assert [part.training for part in model.modules()] == modes
    after = model.state_dict()
    assert all((after[name] == value).all() for name, value in state.items())
    assert all((p.grad.numpy() == g).all() for p, g in zip(model.parameters(), gradients, strict=True))
    for part in model.modules():
        assert part._hooks is None or not any(vars(part._hooks).values())
    assert mg.is_recording()


@pytest.mark.parametrize("view", VIEWS)
def test_views_depend_on_nothing_but_weights_and_images(view, images):
    model = Net()
    training = np.asarray(view(model, images))
    with mg.no_grad():
        evaluating = np.asarray(view(model.eval(), images))
    np.testing.assert_array_equal(training, evaluating)


def test_maps_are_what_the_layer_gives(images):
    model = Net().eval()
    expected = model.stem(mg.Tensor(images)).numpy()
    np.testing.assert_array_equal(feature_maps(model, images, "stem"), expected)
    np.testing.assert_array_equal(feature_maps(model, images[2], "stem"), feature_maps(model, images[2:3], "stem")[0])
    np.testing.assert_array_equal(feature_maps(model, images, ""), model(mg.Tensor(images)).numpy())


def test_the_last_call_of_a_shared_layer_counts():
    class Twice(nn.Module):
        def __init__(self):
            self.double = nn.Lambda(lambda x: 2 * x)

        def forward(self, x):
            return self.double(self.double(x) + 1)

    assert feature_maps(Twice(), np.ones((1, 3), np.float32), "double").tolist() == [[6, 6, 6]]


def test_of_several_outputs_the_first_is_shown():
    pool = nn.Sequential(nn.MaxPool2d(2, return_indices=True))
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    assert feature_maps(pool, image, "0").tolist() == [[[5, 7], [13, 15]]]


@pytest.mark.parametrize("view", [
    lambda model, x: feature_maps(model, x, "stem.9"),
    lambda model, x: grad_cam(model, x, "stem.9"),
    lambda model, x: deconvnet(model, x, "stem.9", 0),
    lambda model, x: maximize_activation(model, x, 0, "stem.9"),
    lambda model, x: effective_field(model, x, "stem.9"),
    lambda model, x: receptive_field(model, x.shape[1:], "stem.9"),
])  # fmt: skip
def test_a_layer_that_does_not_exist_is_answered_with_those_that_do(view, images):
    with pytest.raises(UsageError) as error:
        view(Net(), images)
    assert "no layer 'stem.9'" in str(error.value)
    assert str(error.value).endswith(LAYERS)


def test_of_many_layers_the_nearest_are_named(images):
    model = nn.Sequential(*[nn.Identity() for _ in range(60)])
    with pytest.raises(UsageError, match=r"60 layers, the nearest: .*\b5\b"):
        feature_maps(model, images, "5x")


def test_a_layer_that_does_not_run_is_told(images):
    model = Net()
    model.unused = nn.ReLU()
    with pytest.raises(UsageError, match="'unused' did not run"):
        feature_maps(model, images, "unused")


def test_images_that_are_none_are_refused(images):
    with pytest.raises(UsageError, match="floating numbers, prepared as in the training, not uint8"):
        feature_maps(Net(), np.zeros((1, 1, 8, 8), np.uint8), "stem")
    with pytest.raises(ShapeError, match=r"images are \(N, C, H, W\)"):
        grad_cam(Net(), images[0, 0], "stem.2")


@pytest.mark.parametrize("unit", [4, -1, (0, 8, 0), (0, 0), (0, 0, 0, 0)])
def test_a_unit_that_does_not_exist_is_refused(unit):
    with pytest.raises(UsageError, match=r"\(O=4, I=8, J=8\) for an image, and has no unit"):
        unit_index(unit, (4, 8, 8), "view")


def test_a_layer_that_gives_no_tensor_is_told(images):
    model = nn.Sequential(nn.Lambda(lambda x: {"maps": x}))
    with pytest.raises(UsageError, match="the layer '0' gives a dict, and no Tensor to look at"):
        feature_maps(model, images, "0")
