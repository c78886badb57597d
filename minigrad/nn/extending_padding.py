"""Padding with elements of the array: mirrored, repeated, or continued from the other end."""

from minigrad.nn.padding import Pad


class ReflectionPad1d(Pad):
    """A sequence mirrored at its first and last elements: 3 2 | 1 2 3 | 2 1.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (N, C, T) or (C, T) -> (N, C, left + T + right) or (C, left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, x has another number of dimensions, or more is cut off or added than there
            are elements.

    >>> ReflectionPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0]]
    """

    dims, mode = 1, "reflect"


class ReflectionPad2d(Pad):
    """An image mirrored at its outermost pixels.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, top + H + bottom, left + W + right), or without N.

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, x has another number of dimensions, or more is cut off or added than there
            are elements.
    """

    dims, mode = 2, "reflect"


class ReflectionPad3d(Pad):
    """A volume mirrored at its outermost elements.

    Args:
        padding: elements to add on each side, one number or (left, right, top, bottom, front, back); negative ones cut
            off.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, front + D + back, top + H + bottom, left + W + right), or
    without N.

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, x has another number of dimensions, or more is cut off or added than there
            are elements.
    """

    dims, mode = 3, "reflect"


class ReplicationPad1d(Pad):
    """The first and last elements of a sequence repeated: 1 1 | 1 2 3 | 3 3.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (N, C, T) or (C, T) -> (N, C, left + T + right) or (C, left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, x has another number of dimensions, or more is cut off than there is.

    >>> ReplicationPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]]
    """

    dims, mode = 1, "replicate"


class ReplicationPad2d(Pad):
    """The outermost pixels of an image repeated.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, top + H + bottom, left + W + right), or without N.

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, x has another number of dimensions, or more is cut off than there is.
    """

    dims, mode = 2, "replicate"


class ReplicationPad3d(Pad):
    """The outermost elements of a volume repeated.

    Args:
        padding: elements to add on each side, one number or (left, right, top, bottom, front, back); negative ones cut
            off.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, front + D + back, top + H + bottom, left + W + right), or
    without N.

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, x has another number of dimensions, or more is cut off than there is.
    """

    dims, mode = 3, "replicate"


class CircularPad1d(Pad):
    """A sequence that continues from its other end: 2 3 | 1 2 3 | 1 2.

    Args:
        padding: elements to add at both ends, one number or (left, right); negative ones cut off.

    Shapes: x (N, C, T) or (C, T) -> (N, C, left + T + right) or (C, left + T + right).

    Raises:
        UsageError: padding is neither one number nor two.
        ShapeError: when called, x has another number of dimensions, or more is cut off or added than there
            are elements.

    >>> CircularPad1d(2)(Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]
    """

    dims, mode = 1, "circular"


class CircularPad2d(Pad):
    """An image that continues from its opposite side.

    Args:
        padding: pixels to add on each side, one number or (left, right, top, bottom); negative ones cut off.

    Shapes: x (N, C, H, W) or (C, H, W) -> (N, C, top + H + bottom, left + W + right), or without N.

    Raises:
        UsageError: padding is neither one number nor four.
        ShapeError: when called, x has another number of dimensions, or more is cut off or added than there
            are elements.
    """

    dims, mode = 2, "circular"


class CircularPad3d(Pad):
    """A volume that continues from its opposite side.

    Args:
        padding: elements to add on each side, one number or (left, right, top, bottom, front, back); negative ones cut
            off.

    Shapes: x (N, C, D, H, W) or (C, D, H, W) -> (N, C, front + D + back, top + H + bottom, left + W + right), or
    without N.

    Raises:
        UsageError: padding is neither one number nor six.
        ShapeError: when called, x has another number of dimensions, or more is cut off or added than there
            are elements.
    """

    dims, mode = 3, "circular"
