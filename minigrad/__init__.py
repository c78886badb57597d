"""minigrad: a small autograd framework that you can read, prove and see."""

from minigrad.tensor import Tensor, no_grad, tensor
from minigrad.ops import *
