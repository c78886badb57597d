"""`all_sum`: the sum of a Tensor over all ranks, which can be differentiated."""

from __future__ import annotations

import numpy as np

from minigrad.autograd.custom_vjp import custom_vjp
from minigrad.autograd.tensor import Tensor
from minigrad.distributed.launcher import world


@custom_vjp
def all_sum(x: Tensor) -> Tensor:
    """The sum over all ranks of their x, the same bits on each.

        out = sum over ranks r of x_r

    Its gradient is that of the sum of all ranks' losses: the sum over ranks of their cotangents. All ranks must run it,
    forward and backward.

    Args:
        x: of real floating numbers, in the same shape on all ranks.

    Returns:
        A Tensor in the shape of x.

    Raises:
        DistributedError: a rank has failed, or does not come within the time limit.

    >>> all_sum(Tensor([1.0, 2.0])).tolist()   # of one rank
    [1.0, 2.0]
    """
    return Tensor(world().all_sum(np.array(x._data, order="C"), "a sum of Tensors"))


all_sum.defvjp(lambda x: (all_sum(x), None), lambda _, g: (all_sum(g),))
