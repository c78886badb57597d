"""`OuterProduct`: a gradient that is a product, as its factors."""

from typing import NamedTuple

from minigrad.typing import Array


class OuterProduct(NamedTuple):
    """The gradient left' right of a matrix, (O, D), which a compiled update makes some rows at a time.

    Shapes: left (K, O), right (K, D), both contiguous and of one dtype.
    """

    left: Array
    right: Array

    def whole(self) -> Array:
        """The gradient itself, flat."""
        return (self.left.T @ self.right).reshape(-1)
