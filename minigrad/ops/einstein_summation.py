"""Einstein's summation convention: products and sums over named indices.

The family is closed under differentiation. For out[ik] = sum over j of x[ij] * y[jk] the cotangent of x is
sum over k of g[ik] * y[jk]: the same text with x and the result exchanged.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence

import numpy as np

from minigrad.autograd.registry import op
from minigrad.autograd.tensor import Tensor
from minigrad.errors import ShapeError, UsageError
from minigrad.shapes import Shape
from minigrad.typing import ArrayLike, Settings, Value


def _canonical(*xs: ArrayLike, subscripts: str) -> Settings:
    terms, out = _parsed(subscripts, [np.ndim(x) for x in xs])
    sizes: dict[str, int] = {}
    for k, (term, x) in enumerate(zip(terms, xs, strict=True)):
        for letter, size in zip(term, np.shape(x), strict=True):
            known = sizes.setdefault(letter, size)
            if size != known and 1 not in (size, known):
                raise ShapeError(f"index {letter} of {subscripts!r} is {known}, but {size} in xs[{k}]")
            sizes[letter] = known if size == 1 else size
    return {"subscripts": f"{','.join(terms)}->{out}"}


def _flops(xs_shape: Sequence[Shape], *, subscripts: str) -> int:
    """Multiply-adds, one contraction after the other as they are computed: one for each value of all their indices."""
    left, _, out = subscripts.partition("->")
    terms = left.split(",")
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, xs_shape, strict=True):
        for letter, size in zip(term, shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1)) if size else 0
    path, _ = np.einsum_path(subscripts, *[np.broadcast_to(0.0, shape) for shape in xs_shape], optimize=len(terms) > 1)
    total = 0
    for places in path[1:]:
        chosen = [terms.pop(k) for k in sorted(places, reverse=True)]
        total += math.prod([sizes[letter] for letter in set("".join(chosen))])
        terms.append("".join(sorted(set("".join(chosen)) & set("".join([*terms, out])))))
    return total


@op(name="einsum", canonical=_canonical, linear=("xs",), onnx="Einsum", flops=_flops,
    source="Einstein 1916, Die Grundlage der allgemeinen Relativitaetstheorie, section 5",
    complex="holomorphic")  # fmt: skip
def _einsum(*xs: Value, subscripts: str) -> Value:
    """out[those right of ->] = sum, over the indices that stand left only, of the product of all xs.

    Shapes: a size for each letter, the same wherever the letter stands.
    """
    return np.einsum(subscripts, *xs, optimize=len(xs) > 1)


@_einsum.vjp("xs")
def _(g: Value, i: int, xs: Sequence[Value], xs_shape: Sequence[Shape], *, subscripts: str) -> Value:
    left, _, out = subscripts.partition("->")
    names = left.split(",")
    operands = [(out, g), *[(names[k], x) for k, x in enumerate(xs) if k != i]]
    target = ""
    for letter, size in zip(names[i], xs_shape[i], strict=True):
        if letter in target:  # a diagonal was read: only there does anything come back
            fresh = next(c for c in string.ascii_letters if c not in subscripts + target)
            operands.append((letter + fresh, np.eye(size, dtype=g.dtype)))
            letter = fresh
        elif not any(size in _sizes(letter, term, x) for term, x in operands):  # it was summed away: repeat g along it
            operands.append((letter, np.ones(size, g.dtype)))
        target += letter
    return _einsum(*[x for _, x in operands], subscripts=f"{','.join([term for term, _ in operands])}->{target}")


def _sizes(letter: str, term: str, x: Value) -> list[int]:
    return [size for c, size in zip(term, x.shape, strict=True) if c == letter]


def _parsed(subscripts: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters of their own for what `...` stands for."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise UsageError(f"{subscripts!r} names {len(terms)} operands, but {len(ndims)} were given")
    wrong = [c for c in (left + right).replace("...", "") if c not in string.ascii_letters + ","]
    if wrong or "," in right:
        raise UsageError(f"{subscripts!r}: indices are letters, and ... stands for any dimensions; {wrong} do not")
    spare = [c for c in string.ascii_letters[::-1] if c not in subscripts]
    widths = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    for term, width, ndim in zip(terms, widths, ndims, strict=True):
        if width < 0 or (width and "..." not in term):
            raise ShapeError(f"{term!r} does not name the {ndim} dimensions of its operand")
    rest = "".join(spare[: max(w for w, term in zip([*widths, 0], [*terms, "..."], strict=True) if "..." in term)])
    named = [term.replace("...", rest[len(rest) - width :]) for term, width in zip(terms, widths, strict=True)]
    if not arrow:
        once = sorted(c for c in set(left) - set(".,") if left.count(c) == 1)
        return named, (rest if "..." in left else "") + "".join(once)
    out = right.replace("...", rest)
    unknown = [c for c in out if c not in "".join(named)]
    if unknown or len(set(out)) != len(out):
        raise UsageError(f"{subscripts!r}: each index of the result must stand once, and in an operand")
    return named, out


def einsum(subscripts: str, *xs: Value) -> Tensor:
    """Products and sums over named indices, as `numpy.einsum` has it.

    einsum("ij,jk->ik", x, y) is the matrix product: out[i, k] = sum over j of x[i, j] * y[j, k]. Indices that stand
    left of the arrow only are summed over; one that is repeated in an operand reads its diagonal; `...` stands for
    further dimensions, which broadcast, and are summed over if the result does not name them. Without an arrow the
    result has `...` and those indices that stand once, in alphabetical order. Several operands are multiplied in an
    order that saves work.

    Args:
        subscripts: the indices of each operand, separated by commas, and behind "->" those of the result.
        xs: the operands.

    Shapes: as the indices say.

    Raises:
        ShapeError: the text does not fit the operands.
        UsageError: the text is not of this form.
    """
    return _einsum(*xs, subscripts=subscripts)
