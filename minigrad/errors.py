"""The errors that minigrad raises.

    MinigradError
    ├── ShapeError             (ValueError)    sizes that do not fit together
    │   └── AxisError          (IndexError)    a dimension that an array does not have
    ├── DTypeError             (TypeError)     a data type that the operation cannot use
    ├── DataError              (ValueError)    a dataset, loader or file that cannot be used
    ├── GraphError             (RuntimeError)  differentiation asked for something the graph cannot give
    │   ├── BatchingError                      inside of vmap something needs the values of one sample
    │   ├── FreedGraphError                    backward a second time over a freed graph
    │   └── MutationError      (ValueError)    a write to values that a graph needs
    ├── NonFiniteError         (ArithmeticError) a value became NaN or infinite
    ├── DistributedError       (RuntimeError)  another rank of a distributed training failed, or does not come
    ├── RuleError              (TypeError)     an op or its derivative rule is not well formed
    ├── StateError             (ValueError)    a state dict or checkpoint does not fit
    ├── UsageError             (ValueError)    a wrong option of a command or setting of a function
    └── MissingExtraError      (ImportError)   an optional package is not installed

Each message names what failed and where, what was expected and what was given, and one fix.
Every class but the root is also the built-in exception that a caller would expect, so that
`except ValueError` works for those who do not know minigrad's own names.
"""

from __future__ import annotations


class MinigradError(Exception):
    """The base of all errors: `except MinigradError` catches whatever minigrad raises itself."""


class ShapeError(MinigradError, ValueError):
    """Sizes that do not fit together."""


class AxisError(ShapeError, IndexError):
    """A dimension that an array does not have."""


class DTypeError(MinigradError, TypeError):
    """A data type that the operation cannot use."""


class DataError(MinigradError, ValueError):
    """A dataset, loader or file that cannot be used."""


class GraphError(MinigradError, RuntimeError):
    """Differentiation asked for something that the recorded graph cannot give."""


class BatchingError(GraphError):
    """Inside of `vmap` something needs the values of one sample, where all samples are computed at once."""


class FreedGraphError(GraphError):
    """A second backward pass over a graph that the first one has freed."""


class MutationError(GraphError, ValueError):
    """A write to values that a recorded graph still needs, or whose change it could not see.

    It is a ValueError too, as NumPy's own error for a read-only array is.
    """


class NonFiniteError(MinigradError, ArithmeticError):
    """A value or gradient became NaN or infinite, in training or inside of `anomaly()`."""


class DistributedError(MinigradError, RuntimeError):
    """In a training on several ranks another rank failed, has left or does not come, or the ranks do not agree.

    Args:
        message: what happened.
        rank: the rank that it happened to; None (default) where it is not one.
        reporter: the rank that tells the user, so that the message comes once; None (default) for the lowest that has
            the error.
    """

    def __init__(self, message: str, rank: int | None = None, reporter: int | None = None) -> None:
        super().__init__(message)
        self.rank, self.reporter = rank, reporter


class RuleError(MinigradError, TypeError):
    """An op, or one of its derivative rules, is not well formed."""


class StateError(MinigradError, ValueError):
    """A state dict or a checkpoint does not fit what it is loaded into."""


class UsageError(MinigradError, ValueError):
    """A wrong option of a command, or a wrong setting of a function."""


class MissingExtraError(MinigradError, ImportError):
    """An optional package is needed and not installed.

    Args:
        package: what is missing.
        extra: the extra of minigrad that installs it.
        purpose: what it is needed for, as the beginning of the message.

    >>> print(MissingExtraError("matplotlib", extra="plot", purpose="drawing curves"))
    drawing curves needs matplotlib: pip install "minigrad[plot]"
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f'{purpose} needs {package}: pip install "minigrad[{extra}]"')


def shape_text(shape: tuple[int, ...], letters: str = "") -> str:
    """A shape as messages show it, each size with its dimension letter where one is known.

    Args:
        shape: the sizes.
        letters: a letter for each, separated by spaces; left out where they are not as many as the sizes (default "").

    >>> shape_text((64, 1, 32, 32), "N C H W")
    '(N=64, C=1, H=32, W=32)'
    >>> shape_text((3, 4))
    '(3, 4)'
    """
    names = letters.split()
    if len(names) != len(shape):
        return str(shape)
    return "(" + ", ".join(f"{name}={size}" for name, size in zip(names, shape, strict=True)) + ")"
