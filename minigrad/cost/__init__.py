"""The cost of a model: parameters, multiply-adds and memory, layer by layer.

    print(summary(LeNet5(), (1, 1, 32, 32)))

`summary` runs a model once and adds up the costs of its ops by layer; `costs` computes those from a recorded Graph.
"""

from minigrad.cost.model_summary import summary
from minigrad.cost.op_costs import Cost, costs
from minigrad.cost.summary_table import Summary, SummaryRow

__all__ = ["Cost", "Summary", "SummaryRow", "costs", "summary"]
