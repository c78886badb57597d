"""What planted rules compute with, for frameworks whose functions are named as NumPy's."""

from typing import Any

import numpy as np


def namespace_of(module: Any) -> Any:
    """The functions that planted rules use, from a module such as `numpy`."""

    class Xp:
        sin, cos, where = module.sin, module.cos, module.where

        @staticmethod
        def sum(x, axis, keepdims=False):
            return module.sum(x, axis=axis, keepdims=keepdims)

        @staticmethod
        def mT(x):
            return module.swapaxes(x, -1, -2)

        @staticmethod
        def cumsum(x):
            return module.cumsum(x, 0)

        @staticmethod
        def flip(x):
            return x[::-1]

        @staticmethod
        def all_but_first(x):
            return (np.arange(np.size(x)).reshape(np.shape(x)) > 0).astype(x.dtype)

    return Xp
