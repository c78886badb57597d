"""`to_onnx`: any batch size, names, modes, files, and what it refuses."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import MissingExtraError, UsageError, nn
from minigrad import functional as F  # noqa: N812
from minigrad.io import to_onnx
from tests.io.onnx.runtime import Function, assert_same, check

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def images(rng, n=1):
    return rng.normal(size=(n, 4, 6, 6)).astype(np.float32)


def operators(exported):
    return [node.op_type for node in exported.graph.node]


BATCHED = {
    "flatten": lambda x: x.reshape(len(x), -1),
    "rows": lambda x: x.reshape(-1, 6) @ np.ones((6, 2), np.float32),
    "two sizes of the batch": lambda x: (
        mg.reshape(mg.concat([x] * 3), (3, len(x), 4 * 36)) @ mg.ones((144, len(x)), dtype="float32")
    ),
    "a multiple of the batch, and more": lambda x: (
        mg.reshape(mg.concat([x] * 3), (3, len(x), 4 * 36)) @ mg.ones((144, 2 * len(x) + 1), dtype="float32")
    ),
    "broadcast": lambda x: mg.broadcast_to(x[:1], x.shape) + x,
    "repeated": lambda x: mg.concat([x, mg.broadcast_to(mg.sum(x, axis=0, keepdims=True), (1, 4, 6, 6))]),
    "zeros of the batch": lambda x: mg.concat([mg.zeros((len(x), 1, 6, 6), dtype="float32"), x], axis=1),
    "zeros_like": lambda x: mg.zeros_like(x) + 1,
    "transposed": lambda x: mg.permute_dims(x, (1, 0, 3, 2)).reshape(4, -1),
    "over the batch": lambda x: x - x.mean(axis=0),
    "pooled": lambda x: F.adaptive_avg_pool2d(x, 4),
    "adaptive maximum": lambda x: F.adaptive_max_pool2d(x, (4, 5)),
    "resized": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "transposed convolution": lambda x: F.conv_transpose2d(x, np.ones((4, 2, 3, 3), np.float32), stride=2),
    "window sums": lambda x: F.fold(F.unfold(x, 3), (6, 6), 3),
    "volumes pooled": lambda x: F.max_pool3d(F.adaptive_avg_pool3d(x, (3, 6, 4)), 2, 1, 1),
    "volumes transposed": lambda x: F.conv_transpose3d(x[:, None], np.ones((1, 2, 2, 3, 1), np.float32), stride=2),
    "the largest of volumes": lambda x: F.adaptive_max_pool3d(x, (3, 4, 5)),
    "layer norm": lambda x: F.layer_norm(x, (6, 6)),
    "group norm": lambda x: F.group_norm(x, 2),
    "attention": lambda x: F.softmax(x @ x.mT / 6**0.5, -1) @ x,
    "sorted": lambda x: mg.sort(x, axis=0),
    "local response": lambda x: F.local_response_norm(x, 2),
}


def test_means_of_whole_volumes_are_one_operator(rng):
    x = rng.normal(size=(2, 3, 4, 5, 2)).astype(np.float32)
    assert operators(to_onnx(nn.AdaptiveAvgPool3d(1), x)) == ["GlobalAveragePool"]
    assert operators(to_onnx(nn.BatchNorm3d(3), x)) == ["BatchNormalization"]


@pytest.mark.parametrize("name", BATCHED)
def test_a_dynamic_batch_takes_any_size(rng, name):
    model = Function(BATCHED[name])
    exported = to_onnx(model, images(rng), dynamic_batch=True)
    assert exported.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    for n in (1, 2, 7):
        assert_same(exported, model, images(rng, n))


def test_a_fixed_batch_takes_only_the_example_s_size(rng):
    exported = check(lambda x: x + 1, images(rng, 3))
    assert [d.dim_value for d in exported.graph.input[0].type.tensor_type.shape.dim] == [3, 4, 6, 6]
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        assert_same(exported, Function(lambda x: x + 1), images(rng, 2))


def test_weights_are_named_by_their_paths_and_batch_normalization_is_one_node(rng):
    model = nn.Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    for _ in range(3):
        model(mg.Tensor(images(rng, 5)))  # moves the running statistics
    exported = to_onnx(model, images(rng), dynamic_batch=True)
    assert operators(exported) == ["Conv", "BatchNormalization", "Relu", "Flatten", "Gemm"]
    names = {weight.name for weight in exported.graph.initializer}
    assert names == set(model.state_dict()) - {"1.num_batches_tracked"}
    assert_same(exported, model.eval(), images(rng, 4))


def test_composites_are_standard_operators(rng):
    assert operators(check(nn.LocalResponseNorm(3), images(rng))) == ["LRN"]
    assert operators(check(lambda x: x.mean(axis=(2, 3), keepdims=True), images(rng))) == ["GlobalAveragePool"]
    layer = nn.LayerNorm(6)
    exported = to_onnx(layer, images(rng))
    assert operators(exported) == ["LayerNormalization"]
    assert {weight.name for weight in exported.graph.initializer} == {"weight", "bias"}


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("counts", [True, False])
def test_windows_over_the_edge_count_what_they_see(rng, padding, counts):
    x = images(rng)
    check(lambda x: F.avg_pool2d(x, 3, 2, padding, ceil_mode=True, count_include_pad=counts), x)
    check(lambda x: F.avg_pool2d(x, 4, 3, padding, ceil_mode=True, count_include_pad=counts), x)
    check(lambda x: F.max_pool2d(x, 3, 2, padding, ceil_mode=True), x)


@pytest.mark.parametrize("output_padding", [0, 1, 2])
def test_transposed_convolution_gives_the_size_that_it_has_here(rng, output_padding):
    w = rng.normal(size=(4, 2, 3, 3)).astype(np.float32)
    check(lambda x: F.conv_transpose2d(x, w, stride=3, padding=1, output_padding=output_padding), images(rng))


def test_a_derived_batch_normalization_is_written_as_what_it_computes(rng):
    class Doubled(nn.BatchNorm2d):
        def forward(self, x):
            return 2 * super().forward(x)

    model = Doubled(4)
    assert_same(to_onnx(model, images(rng)), model.eval(), images(rng))


def test_gelu_is_an_operator_from_opset_20_and_made_of_others_before(rng):
    for approximate in ("none", "tanh"):
        gelu = nn.GELU(approximate)
        assert operators(check(gelu, images(rng), opset=20)) == ["Gelu"]
        assert "Gelu" not in operators(check(gelu, images(rng), opset=18))


def test_the_mode_of_each_module_is_put_back(rng):
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm2d(4))
    model[1].eval()
    assert operators(to_onnx(model, images(rng))) == ["BatchNormalization"]  # Dropout is nothing in evaluation
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    model.append(nn.Linear(5, 5))
    with pytest.raises(mg.ShapeError):
        to_onnx(model, images(rng))
    assert (model.training, model[1].training) == (True, False)


def test_constants_are_computed_and_what_is_unused_is_left_out(rng):
    weight = nn.Parameter(rng.normal(size=(6, 6)).astype(np.float32))

    def function(x):
        mg.exp(x)
        return x @ mg.exp(weight).mT

    assert operators(check(function, images(rng))) == ["MatMul"]


def test_several_inputs_and_outputs(rng):
    x, y = images(rng), images(rng)

    class Two(nn.Module):
        def forward(self, x, y):
            return {"sum": x + y, "parts": (x, x + y), "one": mg.ones((2,), dtype="float32")}

    exported = to_onnx(Two(), x, y)
    assert [v.name for v in exported.graph.input] == ["input_0", "input_1"]
    assert [v.name for v in exported.graph.output] == ["sum", "parts_0", "parts_1", "one"]
    assert_same(exported, Function(lambda x, y: (x + y, x, x + y, mg.ones((2,), dtype="float32"))), x, y)


def test_numbers_of_words_are_an_index(rng):
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3))
    words = np.array([[1, 9, 3]])
    exported = to_onnx(model, words, dynamic_batch=True)
    assert operators(exported)[0] == "Gather"
    assert_same(exported, model, rng.integers(0, 10, (5, 3)))


def test_metadata_and_files(rng, tmp_path):
    model, x = nn.Linear(6, 30), images(rng)
    path = tmp_path / "net.onnx"
    to_onnx(model, x, path=path, metadata={"classes": '["a", "b"]'})
    read = onnx.load(str(path))
    assert {p.key: p.value for p in read.metadata_props} == {"classes": '["a", "b"]'}
    assert read.producer_name == "minigrad"
    assert_same(read, model, x)


def test_weights_can_be_in_a_second_file(tmp_path, rng):
    import onnxruntime

    model, x = nn.Linear(6, 300), images(rng)
    path = tmp_path / "net.onnx"
    to_onnx(model, x, path=path, external_data=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    assert path.stat().st_size < 2000
    (found,) = onnxruntime.InferenceSession(str(path)).run(None, {"input": x})
    np.testing.assert_allclose(found, model(x).numpy(), 1e-5, 1e-6)


def by_numpy(x):
    return x * float(x.numpy().max())


def by_random_numbers(x):
    return x + np.random.default_rng().random((6,), np.float32)


def by_assignment(x):
    y = mg.zeros_like(x)
    y[:, 0] = x[:, 1]
    return y * 2


def by_condition(x):
    return mg.exp(x) if x.numpy().reshape(-1)[0] > 0.1 else mg.sin(x)


def without_form(x):
    return mg.cumulative_prod(x, axis=1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (by_numpy, "multiply in Function .*, line LINE. uses a number or array that was another one in a second run"),
        (by_random_numbers, "add in .*line LINE. uses a number or array .* it may be random"),
        (by_assignment, "the model answers with a number .* made by NumPy from values of a Tensor or by x.i. = y"),
        (by_condition, "takes another way for other inputs .first at .*, line LINE.*choose by mg.where instead of if"),
        (without_form, "cumulative_prod in .*line LINE. has no form in ONNX: compute this part outside of the model"),
        (lambda x: x.numpy(), "the model answers with a GuardedArray: let it give Tensors"),
        (lambda x: mg.Tensor(x.numpy() * 2), "the model answers with a number or array that was another one"),
        (lambda x: x[0, [1, 2]], "getitem in .* has arrays together with numbers or None as an index"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_be_exported_is_refused_with_its_line(function, message):
    x = np.linspace(0.2, 1, 24, dtype=np.float32).reshape(4, 6)
    x[-1, -1] = 0.1  # the second run begins with it, times 0.75
    line = str(function.__code__.co_firstlineno + 1)
    with pytest.raises(UsageError, match="ONNX: .*" + message.replace("LINE", line)):
        to_onnx(Function(function), x)


def test_a_setting_that_depends_on_the_batch_is_refused(rng):
    with pytest.raises(UsageError, match=r"getitem .* has index=.*, which depends on the inputs or on the batch size"):
        to_onnx(Function(lambda x: x[: len(x) // 2]), images(rng), dynamic_batch=True)


def test_a_dtype_that_an_operator_does_not_take_is_refused():
    with pytest.raises(UsageError, match=r"its checker refuses the model; many operators take float32 only.*uint16"):
        to_onnx(Function(mg.relu), np.arange(4, dtype=np.uint16))


def test_an_image_size_that_depends_on_the_batch_is_refused():
    w = np.ones((1, 1, 2, 2), np.float32)
    model = Function(lambda x: F.conv_transpose2d(mg.reshape(x, (1, 1, len(x), 4)), w))
    with pytest.raises(UsageError, match=r"conv_input in .* gives images whose size depends on the batch"):
        to_onnx(model, np.ones((1, 4), np.float32), dynamic_batch=True)


def test_a_size_that_is_no_multiple_of_the_batch_is_refused(rng):
    with pytest.raises(UsageError, match="is 1 for 2 samples and 2 for 5, and so no multiple of the batch size"):
        to_onnx(
            Function(lambda x: x[0, 0, 0] + mg.ones((len(x) // 2, 1), dtype="float32")), images(rng), dynamic_batch=True
        )


def test_wrong_arguments_are_refused(rng):
    net = nn.Linear(6, 2)
    with pytest.raises(UsageError, match=r"the model's inputs are missing"):
        to_onnx(net)
    with pytest.raises(UsageError, match=r"opset must be from 18 to \d+ .*, got 9"):
        to_onnx(net, images(rng), opset=9)
    with pytest.raises(UsageError, match="external_data needs a path"):
        to_onnx(net, images(rng), external_data=True)
    with pytest.raises(UsageError, match=r"dynamic_batch needs inputs with a first dimension, got the shape \(\)"):
        to_onnx(Function(mg.exp), np.float32(1), dynamic_batch=True)


def test_the_extra_is_named_where_onnx_is_missing(rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r'minigrad\.io\.to_onnx needs onnx: pip install "minigrad\[onnx\]"'):
        to_onnx(nn.Linear(6, 2), images(rng))
