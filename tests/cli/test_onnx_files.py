"""Commands on ONNX files: summary, graph, predict, evaluate and train take net.onnx in place of a model or run."""

from pathlib import Path

import numpy as np
import pytest

from minigrad import nn
from minigrad.cli.run_loading import load_run
from minigrad.io import from_onnx, to_onnx
from tests.cli.helper import answer, command, error_line, train

pytest.importorskip("onnx")


@pytest.fixture
def net():
    """A small network for digits, as a file in the working folder."""
    model = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(64, 10))
    names = '["' + '", "'.join(f"digit {i}" for i in range(10)) + '"]'
    example = np.zeros((1, 1, 32, 32), np.float32)
    to_onnx(
        model, example, path="net.onnx", dynamic_batch=True, metadata={"classes": names, "black": "-1", "white": "x"}
    )
    return model


def test_a_file_is_summarized_drawn_and_predicts(capsys, net):
    document = answer(capsys, "summary net.onnx")
    assert document["total"]["parameters"] == 650
    assert [row["kind"] for row in document["layers"]][1:] == ["AveragePool", "Flatten", "Gemm"]
    assert answer(capsys, "graph net.onnx -o net.svg --both")["modules"] >= 3
    pil = pytest.importorskip("PIL.Image")
    image = np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)
    pil.fromarray(image).save("image.png")
    (found,) = answer(capsys, "predict net.onnx image.png")["predictions"]
    scores = net(image[None, None].astype(np.float32) / 255 * 2 - 1).numpy()[0]
    assert found["classes"][0]["class"] == f"digit {scores.argmax()}"


class Words(nn.Module):
    def __init__(self) -> None:
        self.words, self.layer, self.out = nn.Embedding(9, 4), nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, numbers):
        return self.out(self.layer(self.words(numbers))[0][:, -1])


def test_a_file_that_takes_integers_is_given_some_and_its_modules_are_named_after_what_they_do(capsys):
    to_onnx(Words(), np.zeros((1, 6), int), path="words.onnx", dynamic_batch=True)
    layers = answer(capsys, "summary words.onnx")["layers"]
    assert [(row["path"], row["kind"]) for row in layers[1:]] == [
        ("words", "Gather"), ("layer", "LSTM"), ("out", "Gemm")
    ]  # fmt: skip
    assert answer(capsys, "graph words.onnx -o words.html")["modules"] >= 3
    assert "9223372036854775807" not in Path("words.html").read_text("utf-8")  # the end of a slice that is none


def test_a_file_is_trained_and_the_run_goes_on_from_it(capsys, net):
    assert train("--epochs", 1, "--out", "run", model="net.onnx") == 0
    assert 'from_onnx("net.onnx")' in capsys.readouterr().out
    trained = load_run("run").model.state_dict()
    assert trained.keys() == from_onnx("net.onnx").state_dict().keys() == {"2.weight", "2.bias"}
    assert not np.array_equal(trained["2.weight"], from_onnx("net.onnx").state_dict()["2.weight"])


def test_mistakes_are_one_line(capsys, net):
    assert command("summary nothing.onnx") == 2
    assert "nothing.onnx cannot be read: No such file" in error_line(capsys)
    assert command("export net.onnx") == 2
    assert "net.onnx would be written over: name another file with -o" in error_line(capsys)
    assert command("export net.onnx -o other.onnx --dynamic-batch") == 0
