"""The batching rules of the ops that need one of their own, a family a file; see `autograd/batching.py`."""

from minigrad.ops.batching import arrangement, axis, convolution, ctc, grid_sampling, index, products, recurrence

__all__ = ["arrangement", "axis", "convolution", "ctc", "grid_sampling", "index", "products", "recurrence"]
