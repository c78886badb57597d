"""The costs of single ops."""

import numpy as np

from minigrad import Tensor, ops
from minigrad.cost import costs
from minigrad.graph import Graph


def test_several_results_of_one_op_are_memory_together():
    x = Tensor(np.ones((2, 3), np.float64), requires_grad=True)
    graph = Graph.of(ops.standardize(x, None, None, axis=-1)[0])
    found = {graph.nodes[k].name: cost for k, cost in costs(graph).items()}
    assert found["standardize"].forward == 8 * (6 + 2 + 2)
    assert found["standardize.out"].forward == 0
    assert found["standardize"].backward == 0  # nothing behind it is a parameter
