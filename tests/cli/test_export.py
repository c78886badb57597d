"""`minigrad export`."""

import json

import numpy as np
import pytest

from minigrad.cli.run_loading import load_run
from tests.cli.helper import answer, command, error_line, few_digits, train

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def run(path, x):
    import onnxruntime

    return onnxruntime.InferenceSession(path).run(None, {"input": x})[0]


def test_a_run_becomes_a_file_that_answers_alike_and_tells_classes_and_pixels(capsys):
    assert train("--epochs", 1, "--out", "run") == 0
    document = answer(capsys, "export run --dynamic-batch")
    assert (document["file"], document["model"], document["opset"]) == ("run.onnx", "lenet5", 20)
    assert document["operators"] == {"Tanh": 4, "Gemm": 3, "Conv": 2, "AveragePool": 2, "Flatten": 1}
    images = few_digits()[1][np.arange(9)][0]
    expected = load_run("run").model(images).numpy()
    np.testing.assert_allclose(run("run.onnx", np.asarray(images)), expected, 1e-4, 1e-5)
    told = {each.key: each.value for each in onnx.load("run.onnx").metadata_props}
    assert told == document["metadata"]
    assert json.loads(told["classes"]) == [str(digit) for digit in range(10)]
    assert (told["model"], told["epoch"]) == ("lenet5", "1")
    known = load_run("run").format
    assert (json.loads(told["black"]), json.loads(told["white"])) == (known.low, known.high)


def test_a_model_by_its_name_and_options(capsys):
    assert command("export lenet5 -o net.onnx --opset 18 --input 3x1x32x32 --external-data") == 0
    assert "net.onnx: 12 nodes (4 Tanh" in capsys.readouterr().out
    assert onnx.load("net.onnx").opset_import[0].version == 18
    assert run("net.onnx", np.zeros((3, 1, 32, 32), np.float32)).shape == (3, 10)


def test_what_cannot_be_exported_is_one_line(capsys, tmp_path, monkeypatch):
    (tmp_path / "own_export.py").write_text(
        """
from minigrad import cumulative_prod, nn


class Net(nn.Module):
    def forward(self, x):
        return cumulative_prod(x, axis=1)
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    for line, said in (
        ("export own_export:Net", "own_export:Net does not tell what it takes: name the shape of a batch"),
        ("export own_export:Net --input 2x3 -o net.onnx", "line 7) has no form in ONNX: compute this part outside"),
        ("export own_export:Net --input 2 -o net.onnx", "own_export:Net cannot be exported with inputs of shape 2"),
        ("export lenet5 --opset 3", "ONNX: opset must be from 18 to"),
        ("export lenet", "there is no model 'lenet'"),
        ("export lenet5 -o nowhere/net.onnx", "cannot write nowhere/net.onnx"),
    ):
        assert command(line) == 2
        assert said in error_line(capsys)
    assert not (tmp_path / "net.onnx").exists()
