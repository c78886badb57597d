"""Every operator gives what ONNX's own tests say, and its gradients obey the laws of the kit."""

import os
import warnings
import zlib
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.io import from_onnx, onnx_operators
from minigrad.testing import check_grads

pytest.importorskip("onnx")

from tests.io.onnx.node_cases import Case, as_array, collected, skips

WHOLE = os.environ.get("MINIGRAD_PROFILE", "dev") == "intense"
LEAST = 0.97


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return list(collected(WHOLE))


def mistake(case: Case) -> str:
    """What is wrong with the answer, or nothing."""
    model = from_onnx(case.model).train(case.trains)
    for inputs, outputs in case.data:
        found: Any = model(*[mg.Tensor(as_array(x)) for x in inputs])
        found = found if isinstance(found, tuple) else (found,)
        for out, y in zip(found, map(as_array, outputs), strict=True):
            if (out.shape, out.dtype) != (y.shape, y.dtype):
                return f"{out.dtype} of {out.shape} for {y.dtype} of {y.shape}"
            wide = np.float64 if y.dtype.kind == "f" else y.dtype
            if not np.allclose(out.numpy().astype(wide), y.astype(wide), case.rtol, case.atol, equal_nan=True):
                return "other values"
    return ""


def test_values_are_those_of_the_standard(cases):
    """All but those that are listed with a reason, and these are few."""
    wrong: dict[str, str] = {}
    covered: set[tuple[str, str]] = set()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of overflow, which some cases are about
        for case in cases:
            try:
                wrong[case.name] = mistake(case)
            except mg.MinigradError as error:
                wrong[case.name] = str(error)
            if not wrong[case.name]:
                covered |= case.operators
    wrong = {name: text for name, text in wrong.items() if text}
    listed = skips()
    assert {name: text for name, text in wrong.items() if name not in listed} == {}
    assert len(cases) - len(wrong) >= LEAST * len(cases)
    assert len(covered) >= 135
    if WHOLE:
        assert set(listed) == set(wrong)


def test_at_least_a_hundred_operators_are_there():
    assert len(onnx_operators()) >= 100


SMOOTH_ENOUGH = 400
"""How many elements the inputs of a case may have whose gradients are checked."""

NO_GRADIENTS = (
    "cast", "Cast", "bernoulli", "argm", "dropout", "unique", "bfloat16", "range_", "nonzero", "attention", "shape",
    "expanded", "reduce_max_", "reduce_min_", "maxpool", "sequence", "onehot", "round", "ceil", "floor", "sign",
    "test_quantizelinear",
)  # fmt: skip


def _has_gradients(case: Case) -> bool:
    arrays = [as_array(x) for x in case.data[0][0]]
    if case.trains or any(word in case.name for word in NO_GRADIENTS) or case.name in skips():
        return False
    floating = [x for x in arrays if x.dtype.kind == "f"]
    first = as_array(case.data[0][1][0])
    size = sum(x.size for x in arrays)
    finite = all(np.isfinite(x).all() for x in floating) and first.size > 0
    return bool(floating) and first.dtype.kind == "f" and finite and 0 < size <= SMOOTH_ENOUGH


def test_gradients_obey_the_laws(cases):
    """On a spread of the cases, chosen by their names; the first input that is floating is varied."""
    every = 1 if WHOLE else 20
    chosen = [case for case in cases if _has_gradients(case) and zlib.crc32(case.name.encode()) % every == 0]
    assert len(chosen) >= (300 if WHOLE else 12)
    wrong = {}
    for case in chosen:
        arrays = [as_array(x) for x in case.data[0][0]]
        arrays = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in arrays]
        place = next(i for i, x in enumerate(arrays) if x.dtype.kind == "f")
        model = from_onnx(case.model)

        def function(x: Any, model: Any = model, arrays: Any = arrays, place: int = place) -> Any:
            out = model(*[x if i == place else mg.Tensor(a) for i, a in enumerate(arrays)])
            return out[0] if isinstance(out, tuple) else out

        report = check_grads(function, arrays[place])
        if not report:
            wrong[case.name] = str(report)
    assert wrong == {}
