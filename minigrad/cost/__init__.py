"""What a model costs: parameters, multiply-adds and memory, layer by layer.

    print(summary(LeNet5(), (1, 1, 32, 32)))

`costs` reads a recorded Graph and the `flops` facts of the ops; `summary` runs a model once and sorts that by layer.
"""

from minigrad.cost.count import Cost, costs
from minigrad.cost.layer import summary
from minigrad.cost.table import Row, Summary

__all__ = ["Cost", "Row", "Summary", "costs", "summary"]
