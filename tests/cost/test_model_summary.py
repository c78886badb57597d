"""A summary has the numbers that follow from the sizes, each counted once, and leaves the model as it was."""

import numpy as np
import pytest
from minigrad_models.lenet import LeNet5

import minigrad as mg
from minigrad import Tensor, UsageError, nn
from minigrad.cost import summary


def by_path(table):
    return {row.path: row for row in table.rows}


def test_table_of_lenet_has_the_numbers_of_its_sizes():
    table = summary(LeNet5(), (2, 1, 32, 32))
    rows = by_path(table)
    assert [row.path for row in table.rows][:3] == ["", "features", "features.0"]
    conv = rows["features.3"]
    assert (conv.kind, conv.depth, conv.calls) == ("Conv2d", 2, 1)
    assert (conv.input_shapes, conv.output_shapes) == (((2, 6, 14, 14),), ((2, 16, 10, 10),))
    assert conv.parameters == conv.trainable == 16 * 6 * 25 + 16
    assert conv.mult_adds == 2 * 16 * 100 * 6 * 25
    assert conv.forward == 2 * 16 * 100 * 4
    assert conv.backward == conv.forward + 4 * conv.parameters
    assert rows["classifier.0"].forward == 0  # flat, but the same memory
    assert rows["classifier.1"].mult_adds == 2 * 400 * 120
    assert table.total("parameters") == 61_706
    assert table.total("mult_adds") == 2 * 416_520
    assert (table.parameter_bytes, table.input_bytes) == (61_706 * 4, 2 * 32 * 32 * 4)
    assert table.uncounted == ()


@pytest.mark.parametrize(
    ("layer", "shapes", "expected"),
    [
        (nn.Linear(4, 3), [(5, 6, 4)], 5 * 6 * 4 * 3),
        (nn.Conv1d(4, 6, 3, groups=2), [(2, 4, 9)], 2 * 6 * 7 * (2 * 3)),
        (nn.Conv2d(4, 6, (2, 3), stride=2), [(2, 4, 6, 7)], 2 * 6 * (3 * 3) * (4 * 6)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), [(2, 4, 5, 5)], 2 * 4 * 25 * (3 * 9)),
        (nn.LocallyConnected2d(2, 3, 5, 3), [(4, 2, 5, 5)], 4 * 3 * 9 * (2 * 9)),
        (nn.Lambda(lambda x, y: mg.matmul(x, y)), [(7, 2, 3), (3, 4)], 7 * 2 * 3 * 4),
        (nn.Lambda(lambda x, y: mg.einsum("ik,jk->ij", x, y)), [(2, 3), (4, 3)], 2 * 3 * 4),
        (nn.Tanh(), [(3, 3)], 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_mult_adds_are_those_of_the_products(layer, shapes, expected):
    assert summary(layer, shapes).total("mult_adds") == expected


def test_chain_of_products_costs_what_its_best_order_costs():
    chain = nn.Lambda(lambda x, y, z: mg.einsum("ij,jk,kl->il", x, y, z))
    i, j, k, n = 100, 2, 300, 50
    assert summary(chain, [(i, j), (j, k), (k, n)]).total("mult_adds") == j * k * n + i * j * n


def test_bilinear_form_costs_one_for_each_weight_and_sample():
    assert summary(nn.Bilinear(3, 4, 5), [(7, 3), (7, 4)]).total("mult_adds") == 7 * 3 * 4 * 5


class Shared(nn.Module):
    def __init__(self):
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Tanh()])
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.blocks[0].weight
        self.unused = nn.Linear(2, 2)

    def forward(self, x):
        for _ in range(3):
            x = self.blocks[1](self.blocks[0](x))
        return {"out": self.tied(x) + 1}


def test_layer_called_again_costs_again_and_shared_parameters_count_once():
    rows = by_path(summary(Shared(), (5, 4)))
    assert (rows["blocks.0"].calls, rows["blocks.0"].mult_adds) == (3, 3 * 5 * 16)
    assert (rows["blocks.0"].parameters, rows["tied"].parameters) == (20, 4)
    assert rows["blocks"].calls == rows["unused"].calls == 0
    assert (rows["unused"].output_shapes, rows["unused"].parameters) == (None, 6)
    assert rows[""].forward == 5 * 4 * 4  # the sum in forward itself


def test_frozen_layers_need_no_memory_backward():
    model = nn.Sequential(nn.Linear(3, 4).freeze(), nn.Tanh(), nn.Linear(4, 2), nn.Tanh())
    table = summary(model, (5, 3))
    assert [row.backward for row in table.rows[1:]] == [0, 0, 4 * (5 * 2 + 4 * 2 + 2), 4 * 5 * 2]
    assert (table.total("trainable"), table.total("parameters")) == (10, 26)
    assert "10 (16 are frozen)" in str(table)


class Watched(nn.Module):
    """Notes how it is run."""

    def __init__(self):
        self.norm = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.register_buffer("count", Tensor(np.zeros(1)))
        self.seen = []

    def forward(self, x):
        self.seen.append(self.training)
        self.count.writable()[...] += 1
        return self.norm(x)


def test_model_is_left_as_it_was():
    model = Watched()
    model.norm[1].eval()
    model.norm[0].weight.requires_grad = False
    before = model.state_dict()
    nodes = [p.node for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    table = summary(model, (4, 3))
    assert model.seen == [False]
    assert [p.node for p in model.parameters()] == nodes
    assert [module.training for module in model.modules()] == modes
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert by_path(table)["norm.0"].trainable == 3
    with pytest.raises(mg.ShapeError, match=r"norm\.0 BatchNorm1d"):
        summary(model, (4, 4))
    assert [module.training for module in model.modules()] == modes
    assert all(module._hooks is None or not module._hooks.forward for module in model.modules())


def test_modules_that_were_moved_are_told_apart():
    first, second = (nn.Sequential(nn.Linear(3, 3), nn.Tanh()) for _ in range(2))
    rows = by_path(summary(nn.Sequential(first[0], second[0]), (2, 3)))
    assert (rows["0"].mult_adds, rows["1"].mult_adds) == (18, 18)


def test_integer_inputs_and_outputs_without_gradients_are_counted_too():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 2), nn.Lambda(lambda x: x.argmax(-1)))
    table = summary(model, (4, 6), dtype=int)
    assert table.total("mult_adds") == 4 * 6 * 3 * 2
    assert by_path(table)["2"].output_shapes == ((4, 6),)
    given = summary(model, inputs=np.zeros((4, 6), int))
    assert [row.forward for row in given.rows] == [row.forward for row in table.rows]


def test_what_could_not_be_counted_is_said():
    table = summary(nn.Sequential(nn.LocalContrastNorm(3)), (1, 1, 6, 6))
    assert table.uncounted == ("conv in 0 LocalContrastNorm",)
    assert "Not counted: conv in 0 LocalContrastNorm" in str(table)


@pytest.mark.parametrize("arguments", [{}, {"input_shape": (1, 2), "inputs": np.ones((1, 2))}])
def test_shapes_or_inputs_are_needed(arguments):
    with pytest.raises(UsageError, match=r"give either input_shape, such as \(1, 3, 32, 32\), or inputs="):
        summary(nn.Identity(), **arguments)


@pytest.mark.parametrize("shape", [5, "ab", (-1, 2), (1, 2.5), [(1, 2), "ab"], ()])
def test_what_is_no_shape_is_refused(shape):
    with pytest.raises(UsageError, match=r"summary: a shape is made of integers, batch first, such as"):
        summary(nn.Linear(2, 2), shape)


def test_what_is_no_module_is_refused():
    with pytest.raises(UsageError, match=r"summary: takes a Module, not a .*: nn.Lambda\(f\) makes one"):
        summary(mg.relu, (1, 2))


def test_layers_that_run_under_no_grad_are_said_not_to_be_counted():
    class Net(nn.Module):
        def __init__(self):
            self.body = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            with mg.no_grad():
                x = self.body(x)
            return self.head(x)

    table = summary(Net(), (2, 3))
    assert table.uncounted == ("linear in head Linear", "body.0 Linear", "body.1 ReLU")
    assert "Not counted: linear in head Linear, body.0 Linear, body.1 ReLU" in str(table)
