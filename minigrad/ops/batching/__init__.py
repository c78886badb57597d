"""The batching rules of the ops that need one of their own, a family a file; `autograd/batching.py` says what they are."""

from minigrad.ops.batching import arrangement, axis, convolution, index, products

__all__ = ["arrangement", "axis", "convolution", "index", "products"]
