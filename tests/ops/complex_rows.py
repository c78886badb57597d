"""Complex inputs for the rows of `tests/op_cases`, and what is asked of rules on them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import Op, Tensor
from minigrad.typing import Array
from tests.op_cases.every_op import OWN, Call

KNOWING = [name for name in OWN if OWN[name].complex is not None]
"""The ops that take complex numbers."""

NOT_COMPLEX = {"rfft", "from_parts"}
"""Those of them whose inputs are real, though their results are complex."""


def _eigh(x: Tensor) -> tuple[Tensor, ...]:
    """Eigenvalues, and a function of eigenvectors that does not change with their phases."""
    w, v = mg.linalg.eigh(x)
    weights = np.arange(1, w.shape[-1] + 1, dtype=w.dtype)
    return w, (v * weights) @ v.conj().mT


def _svd(x: Tensor, *, full_matrices: bool) -> tuple[Tensor, ...]:
    u, s, vh = mg.linalg.svd(x, full_matrices)
    weights = np.arange(1, s.shape[-1] + 1, dtype=s.dtype)
    return s, (u[..., : s.shape[-1]] * weights) @ vh[..., : s.shape[-1], :]


AT_ANY_PHASE = {"eigh": _eigh, "svd": _svd}
"""Functions of the results of ops whose vectors have any phase, which LAPACK chooses."""


def complex_choices(call: Call, together: bool = False) -> Iterator[list[Any]]:
    """The inputs of a call with some of the differentiable ones complex, in all ways; or with all of them so."""
    rng = np.random.default_rng(5)
    op = call.op
    floating = [
        i
        for i, (x, name) in enumerate(zip(call.arrays, call.names, strict=True))
        if isinstance(x, np.ndarray) and x.dtype.kind == "f" and name not in op.non_differentiable
    ]
    for chosen in [[True] * len(floating)] if together else list(product([True, False], repeat=len(floating)))[:-1]:
        arrays = list(call.arrays)
        for i in [i for i, c in zip(floating, chosen, strict=True) if c]:
            shape = arrays[i].shape
            arrays[i] = np.asarray(arrays[i] + 1j * rng.choice([-1, 1], shape) * rng.uniform(0.2, 0.5, shape))
        yield arrays


def complex_settings(call: Call) -> dict[str, Any]:
    """The settings of a call, with a complex dtype where it names a real one."""
    return {name: np.complex128 if name == "dtype" else value for name, value in call.settings.items()}


def is_linear_over_complex_numbers(op: Op, arrays: Sequence[Array], settings: Mapping[str, Any]) -> bool | None:
    """Whether the cotangents of all inputs are i times as large for i times the cotangent; None if there are none."""
    from minigrad.autograd.recorded import pull_back_tensors

    xs = [Tensor(x, requires_grad=x.dtype.kind in "fc") if isinstance(x, np.ndarray) else x for x in arrays]
    outs = op(*xs, **settings)
    outs = [out for out in (outs if isinstance(outs, tuple) else (outs,)) if out.node is not None]
    variables = [x for x in xs if isinstance(x, Tensor) and x.dtype.kind == "c"]
    if not outs or not variables or any(out.dtype.kind != "c" for out in outs):
        return None
    rng = np.random.default_rng(6)
    gs = [rng.normal(size=out.shape) + 1j * rng.normal(size=out.shape) for out in outs]
    once = pull_back_tensors(outs, [Tensor(g) for g in gs], variables)
    turned = pull_back_tensors(outs, [Tensor(1j * g) for g in gs], variables)
    return all(np.allclose(b.numpy(), 1j * a.numpy()) for a, b in zip(once, turned, strict=True))
