"""The verdict view: exactly the op with the wrong rule is red."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.autograd.registry import REGISTRY, op
from minigrad.testing import calls_of
from minigrad.testing.calls.function_call import no_arithmetic_warnings
from minigrad.viz import Picture, graph
from minigrad.viz.palette import GREEN, ORANGE, SKY_BLUE, VERMILION

pytest.importorskip("graphviz")


@pytest.fixture
def wrong() -> Iterator[Any]:
    """x * sigmoid(x) with a slip in its rule."""

    @op(name="swish_of_a_test")
    def swish(x: Any) -> Any:
        return x / (1 + np.exp(-x))

    @swish.vjp("x")
    def _(g: Any, x: Any) -> Any:
        s = 1 / (1 + mg.exp(-x))
        return g * (s + x * s * (1 + s))  # should be 1 - s

    yield swish
    del REGISTRY["swish_of_a_test"]


class Net(nn.Module):
    """A network with an activation of the user's own."""

    def __init__(self, activation: Any) -> None:
        self.first, self.second, self.activation = nn.Linear(3, 4), nn.Linear(4, 2), activation

    def forward(self, x: Any) -> mg.Tensor:
        return self.second(self.activation(self.first(x)))  # type: ignore[no-any-return]


def verdicts(picture: Picture) -> dict[str, str]:
    column = picture.measure("verdict")
    assert column is not None
    return {picture.graph.nodes[i].name: str(amount) for i, amount in column.amounts.items()}


def images() -> Any:
    return np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def test_exactly_the_wrong_rule_is_red(wrong: Any) -> None:
    mg.seed(0)
    picture = graph(Net(wrong), images(), color_by="verdict")
    red = [line.split('label="')[1] for line in picture.dot.splitlines() if f'fillcolor="{VERMILION}"' in line]
    assert len(red) == 1
    assert red[0].startswith("swish_of_a_test\\n✗ wrong ")
    assert float(red[0].split("wrong ")[1].split('"')[0]) > 0.01
    assert verdicts(picture) == {"linear": "correct", "swish_of_a_test": "wrong"}
    assert picture.dot.count(f'fillcolor="{GREEN}"') == 2
    column = picture.measure("verdict")
    assert column is not None
    (note,) = [text for i, text in column.notes.items() if column.amounts[i] == "wrong"]
    assert "expected" in note


def test_a_module_shows_its_worst_op(wrong: Any) -> None:
    picture = graph(nn.Sequential(Net(wrong), nn.Tanh()), images(), color_by="verdict", depth=1)
    boxes = {item.call: item for item in picture.view.items if item.call is not None}
    column = picture.measure("verdict")
    assert column is not None
    assert [column.joined(boxes[call].nodes) for call in sorted(boxes)] == ["wrong", "correct"]


def test_a_kink_is_told_from_a_smooth_point() -> None:
    picture = graph(mg.relu, np.array([-1.0, 0.0, 1.0]), color_by="verdict")
    assert verdicts(picture) == {"relu": "kink"}
    assert f'fillcolor="{SKY_BLUE}"' in picture.dot
    assert verdicts(graph(mg.relu, np.array([-1.0, 1.0]), color_by="verdict")) == {"relu": "correct"}


def test_what_cannot_be_judged_is_inconclusive_and_says_why() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    picture = graph(mg.exp(mg.sin(x) + 1).sum(), color_by="verdict")  # add keeps none of its inputs
    assert verdicts(picture) == {"sin": "correct", "add": "inconclusive", "exp": "inconclusive", "sum": "correct"}
    column = picture.measure("verdict")
    assert column is not None
    assert any("were not kept: give the function or model itself" in note for note in column.notes.values())
    assert f'fillcolor="{ORANGE}"' in picture.dot


def test_a_function_says_more_than_its_result() -> None:
    picture = graph(lambda x: mg.exp(mg.sin(x) + 1).sum(), np.array([1.0, 2.0]), color_by="verdict")
    assert set(verdicts(picture).values()) == {"correct"}


def test_an_op_that_cannot_run_in_float64_is_inconclusive() -> None:
    @op(name="narrow_of_a_test")
    def narrow(x: Any) -> Any:
        if x.dtype != np.float32:
            raise ValueError("float32 only")
        return x * 2

    narrow.vjp("x")(lambda g: g * 2)
    try:
        picture = graph(narrow, np.ones(2, np.float32), color_by="verdict")
        column = picture.measure("verdict")
        assert column is not None
        assert list(column.amounts.values()) == ["inconclusive"]
        assert "float32 only" in next(iter(column.notes.values()))
    finally:
        del REGISTRY["narrow_of_a_test"]


@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.Conv2d(2, 3, 3, padding=1, stride=2),
        lambda: nn.ConvTranspose2d(2, 3, 2, stride=2),
        lambda: nn.MaxPool2d(2),
        lambda: nn.AvgPool2d(2),
        lambda: nn.BatchNorm2d(2),
        lambda: nn.GroupNorm(1, 2),
        lambda: nn.LocalResponseNorm(3),
        lambda: nn.Dropout(0.5),
        lambda: nn.Flatten(),
        lambda: nn.GELU(),
        lambda: nn.Softmax(1),
        lambda: nn.AdaptiveAvgPool2d(2),
        lambda: nn.Lambda(lambda x: x[:, :, ::2, [0, 2]].sum(axis=(2, 3))),
        lambda: nn.Lambda(lambda x: mg.concat([x, mg.permute_dims(x, axes=(0, 1, 3, 2))], axis=1)),
        lambda: nn.Lambda(lambda x: mg.einsum("nchw,nchv->nwv", x, x)),
    ],
)
def test_ops_are_judged_with_the_settings_that_were_recorded(layer: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 4))
    found = graph(layer(), x, color_by="verdict")
    assert set(verdicts(found).values()) == {"correct"}


OPS = sorted(name for name, found in REGISTRY.items() if (found.module or "").startswith("minigrad.") and found.rules)


@pytest.mark.family
@pytest.mark.parametrize("name", OPS)
@settings(max_examples=4)
@given(data=st.data())
def test_every_op_can_be_judged_where_it_was_called(name: str, data: st.DataObject) -> None:
    call = data.draw(calls_of(REGISTRY[name]))
    try:
        with no_arithmetic_warnings():
            picture = graph(lambda *xs: call.f(*xs, **call.settings), *call.args, color_by="verdict")
    except (*call.refusals, mg.UsageError):
        reject()
    column = picture.measure("verdict")
    assert column is not None
    assert "wrong" not in column.amounts.values()
    assert not any("the check raised" in note or "not kept" in note for note in column.notes.values())


def test_a_rule_that_gives_no_cotangent_is_wrong() -> None:
    @op(name="long_of_a_test")
    def doubled(x: Any) -> Any:
        return x * 2

    doubled.vjp("x")(lambda g: mg.concat([g, g]))
    try:
        column = graph(doubled, np.ones(2), color_by="verdict").measure("verdict")
    finally:
        del REGISTRY["long_of_a_test"]
    assert column is not None
    assert list(column.amounts.values()) == ["wrong"]
    assert "gave a cotangent of shape (4,) for an input of shape (2,)" in next(iter(column.notes.values()))


def test_a_cast_is_judged_in_double_precision() -> None:
    picture = graph(lambda x: x.astype("float16"), np.array([0.1, 1e3]), color_by="verdict")
    assert verdicts(picture) == {"astype": "correct"}


def test_what_is_inside_of_a_checkpoint_cannot_be_judged() -> None:
    picture = graph(lambda x: mg.checkpoint(mg.tanh, x), np.ones(2), color_by="verdict")
    column = picture.measure("verdict")
    assert column is not None
    assert list(column.notes.values()) == ["it has no rules: draw the function without checkpoint, to judge its ops"]
