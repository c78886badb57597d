"""How large arrays that were drawn can be made again: as one expression instead of all their numbers."""

from __future__ import annotations

from typing import Final

from minigrad.typing import Array

MAX_RECIPES: Final = 512
"""So many are remembered, those of the arrays that were drawn last."""

_RECIPES: Final[dict[tuple[object, ...], str]] = {}


def remember_recipe(x: Array, expression: str) -> None:
    """Remember the expression that makes an array.

    Args:
        x: the array.
        expression: Python text.
    """
    _RECIPES.pop(_key(x), None)
    _RECIPES[_key(x)] = expression
    if len(_RECIPES) > MAX_RECIPES:
        del _RECIPES[next(iter(_RECIPES))]


def recipe_of(x: Array) -> str | None:
    """The expression that makes an array with these values and this dtype; None where none is known.

    Args:
        x: the array, in any layout.
    """
    return _RECIPES.get(_key(x)) if _RECIPES else None


def _key(x: Array) -> tuple[object, ...]:
    return x.shape, x.dtype.str, hash(x.tobytes())
