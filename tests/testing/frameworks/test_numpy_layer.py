"""Classes with forward and backward, whose gradients stand in attributes."""

import numpy as np
import pytest

from minigrad.errors import UsageError
from minigrad.testing import LawViolation, Verdict, check_grads, gradtest, laws

GRADS = {"W": "dW", "b": "db"}


class Affine:
    """Made with its parameters, as in Saitoh's book."""

    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Sized(Affine):
    """Made with sizes."""

    def __init__(self, D, O):  # noqa: E741  (the letters of the shapes)
        super().__init__(np.zeros((D, O)), np.zeros(O))


class OneCopy(Sized):
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout[0].copy()
        return dout @ self.W.T


class Added(Affine):
    """Adds to a gradient that is left over from an earlier pass."""

    total = 0.0

    def backward(self, dout):
        dx = super().backward(dout)
        Added.total = Added.total + 1.0
        self.dW = self.dW * Added.total
        return dx


class LostKeepdims:
    def forward(self, x):
        self.x = x
        return x / x.sum(axis=-1, keepdims=True)

    def backward(self, dout):
        s = self.x.sum(axis=-1, keepdims=True)
        return (dout - (dout * self.x / s).sum(axis=-1)) / s


class Dropout:
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > 0.5
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


def test_right_classes_pass():
    gradtest(shapes="N D, D O, O -> N O", grads=GRADS, examples=10)(Affine).gradtest()
    gradtest(shapes="N D -> N O", grads=GRADS, examples=10)(Sized).gradtest()


def test_random_numbers_are_the_same_in_each_call_and_taken_from_nobody():
    before = np.random.get_state()[1].copy()
    gradtest(input=(2, 3), grads={}, examples=5)(Dropout).gradtest()
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_objects_are_checked_with_their_parameters(rng):
    layer = Affine(rng.normal(size=(3, 2)), rng.normal(size=2))
    w = layer.W.copy()
    assert check_grads(layer, rng.normal(size=(4, 3)), grads=GRADS).verdict is Verdict.CORRECT
    np.testing.assert_array_equal(layer.W, w)
    wrong = OneCopy(3, 2)
    assert check_grads(wrong, rng.normal(size=(4, 3)), grads=GRADS).argument == "argument 2"


@pytest.mark.parametrize(
    ("cls", "shapes", "grads", "cause"),
    [
        (OneCopy, "N D -> N O", GRADS, "missing un-broadcast"),
        (Added, "N D, D O, O -> N O", GRADS, "not repeatable"),
        (LostKeepdims, "N D -> N D", {}, "lost keepdims"),
    ],
)
def test_faults_are_found_made_small_and_named(cls, shapes, grads, cause):
    from minigrad.domain import POSITIVE

    with pytest.raises(LawViolation) as caught:
        gradtest(shapes=shapes, grads=grads, domain=POSITIVE, examples=20)(type(cls.__name__, (cls,), {})).gradtest()
    assert caught.value.cause == cause
    assert caught.value.size <= 4
    assert f"laws.layer({cls.__name__}, " in caught.value.call


def test_the_line_of_a_violation_can_be_run_again():
    with pytest.raises(LawViolation, match="missing un-broadcast"):
        laws.gradient(laws.layer(OneCopy, GRADS, D=1, O=2), np.ones((2, 1)), np.ones((1, 2)), np.ones(2))


def test_misuse_is_explained():
    with pytest.raises(UsageError, match="give the shape of its input"):
        gradtest(grads=GRADS)(Sized).gradtest()
    with pytest.raises(UsageError, match="shapes= needs their shapes behind"):
        gradtest(grads=GRADS, shapes="N D -> N O")(Affine).gradtest()
    with pytest.raises(UsageError, match="has no forward"):
        laws.layer(int, {})
    with pytest.raises(UsageError, match="it is made with 'O'"):
        gradtest(grads=GRADS, shapes="N D -> N")(Sized).gradtest()
