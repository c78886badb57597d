"""Planted faults are found, made small, and written as code that shows them; what cannot be called is no fault."""

import inspect
import shutil
import signal
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from minigrad.testing.frameworks.tensors import TENSORS
from minigrad.testing.scoreboard.frameworks import exact, forms, points
from minigrad.testing.scoreboard.frameworks import examine as module
from minigrad.testing.scoreboard.frameworks.examine import Examiner, adapter
from minigrad.testing.scoreboard.frameworks.fault import Fault, run_reproduction
from minigrad.testing.scoreboard.frameworks.forms import Call, calls_of, documented_signature
from minigrad.testing.scoreboard.frameworks.language import LANGUAGES, functions_of
from minigrad.testing.scoreboard.frameworks.page import sort_wrong
from tests.testing.scoreboard.frameworks import planted

SECONDS = 3.0  # what the scoreboard gives each function


@pytest.fixture
def language(monkeypatch):
    monkeypatch.setitem(sys.modules, "planted", planted)
    ours = LANGUAGES["minigrad"]
    return replace(ours, modules=("planted",), setup="import planted")


@pytest.fixture
def examine(language):
    return Examiner(language, TENSORS).examine


def test_public_functions_are_found_once(language):
    found = functions_of(language)
    assert "planted.right" in found
    assert "planted.is_left_out" not in found
    assert "planted.mg" not in found
    assert "planted.Class" not in found
    assert len(found) == len(set(found))


def test_right_function_is_correct(examine):
    found = examine("planted.right", 2.0)
    assert (found.status, found.wrong, found.faults) == ("correct", 0, [])
    assert found.correct > 20
    assert found.calls[0] == "planted.right(x)"


def test_wrong_factor_is_told_with_the_value_of_mpmath(examine, language):
    pytest.importorskip("mpmath")
    found = examine("planted.tanh", 2.0)
    fault = found.faults[0]
    assert found.status == "wrong"
    assert fault.source == "mpmath"
    assert fault.found == pytest.approx(2 * fault.expected)
    assert fault.confirmed
    assert fault.reproduction.startswith("x = minigrad.Tensor([0.")  # one element
    namespace = language.namespace() | {"minigrad": __import__("minigrad")}
    assert run_reproduction(fault.reproduction, namespace) == fault.reproduced
    assert float(fault.reproduced.strip("[]")) == pytest.approx(fault.found, rel=1e-6)


def test_wrong_value_at_zero_only_is_found(examine):
    fault = examine("planted.flat_at_zero", 2.0).faults[0]
    assert fault.point in ("all 0", "some 0")
    assert (fault.found, fault.expected) == (0.0, pytest.approx(1.0))


def test_guilty_argument_is_named(examine):
    fault = examine("planted.product", 2.0).faults[0]
    assert fault.element.startswith("x")
    assert fault.found == 0.0
    assert "minigrad.grad(lambda x: " in fault.reproduction


def test_axis_is_found(examine):
    found = examine("planted.along", 2.0)
    assert found.status == "correct"
    assert "planted.along(x, 1)" in found.calls or "planted.along(x, -1)" in found.calls


def test_refusal_to_differentiate_is_no_fault(examine):
    found = examine("planted.no_gradient", 2.0)
    assert (found.status, found.faults) == ("not implemented", [])
    assert "sin has no derivative here" in found.note


def test_what_takes_no_arrays_is_not_called(examine):
    assert examine("planted.needs_text", 2.0).status == "not called"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer of processor time")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the first may meet a finalizer
def test_time_is_kept(examine):
    found = examine("planted.slow", 0.3)
    assert found.note == "stopped after 0.3 s"


def test_failed_reproduction_is_told():
    assert run_reproduction("x = 0; 1 / x", {}) == "ZeroDivisionError: division by zero"


def test_forms_that_do_not_fit_the_signature_are_not_tried(language):
    def f(x, axis=0): ...

    forms = {call.code for call in calls_of("planted.f", language, inspect.signature(f))}
    assert "planted.f(x, axis=-1)" in forms
    assert "planted.f(x, y, z)" not in forms


def test_result_of_a_ufunc_is_not_written_into_an_argument(language):
    forms = {call.code for call in calls_of("planted.sin", language)}
    assert "planted.sin(x)" in forms
    assert "planted.sin(x, y)" not in forms


def test_listed_calls_come_first_and_methods_are_called_as_such():
    torch = calls_of("torch.ldexp", LANGUAGES["torch"])
    assert torch[0] == Call("torch.ldexp", "torch.ldexp(x, torch.tensor([1, -2, 3]))", ((3,),))
    assert calls_of("tinygrad.Tensor.erf", LANGUAGES["tinygrad"])[0].code == "x.erf()"


def test_points_are_the_same_for_everybody():
    first, second = (list(points.points([(3,), (2, 2)])) for _ in range(2))
    assert [name for name, _ in first] == [*points.KINDS, *[f"{a}, others {b}" for a, b in points.MIXED]]
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert [x.shape for x in a] == [(3,), (2, 2)]
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)


def test_exact_derivatives():
    pytest.importorskip("mpmath")
    assert exact.derivative("any.i0", 0.0) == 0.0
    assert exact.derivative("any.arcsin", 0.0) == 1.0
    assert exact.derivative("any.unknown", 0.0) is None
    assert exact.derivative("any.abs", 0.0) is None  # a kink
    assert exact.derivative("any.sqrt", 0.0) is None  # the edge of its domain


def test_adapter_of_ours_is_that_of_tensors():
    assert adapter("minigrad") is TENSORS


def test_what_the_framework_calls_a_constant_is_not_implemented(examine, monkeypatch):
    def says_so(*_):
        return Fault(
            "f(x)", "drawn", "", "x", 0.0, 1.0, "differences", True, reproduced="RuntimeError: does not require grad"
        )

    monkeypatch.setattr(module, "fault_of", says_so)
    found = examine("planted.constant_for_the_framework", 2.0)
    assert (found.status, found.wrong, found.faults) == ("not implemented", 0, [])


def test_guilty_result_of_several_is_named(examine):
    fault = examine("planted.right_and_wrong", 2.0).faults[0]
    assert "planted.right_and_wrong(x)[1]" in fault.reproduction
    assert fault.reproduced.startswith("[")


NAN = float("nan")


@pytest.mark.peer
@pytest.mark.parametrize(
    ("framework", "function", "found", "expected"),
    [
        ("torch", "torch.ldexp", 0.0, 0.25),
        ("torch", "torch.segment_reduce", -2.0, -1.0),  # the sum over ties, with a negative cotangent
        ("torch", "torch.nn.functional.poisson_nll_loss", NAN, -0.346),
        ("jax", "jax.scipy.special.i0", 1.0, 0.0),
        ("jax", "jax.scipy.special.spence", NAN, -0.833036),  # at 1.426
        ("jax", "jax.nn.logsumexp", 0.0, 0.3731),
        ("jax", "jax.numpy.ldexp", 1.0, 0.5),
        ("autograd", "autograd.numpy.tile", 1.0, 0.0),
        ("autograd", "autograd.numpy.repeat", 1.0, 0.0),
        ("autograd", "autograd.numpy.prod", NAN, 1.0),
        ("mygrad", "mygrad.sech", NAN, 0.0),
        ("tinygrad", "tinygrad.Tensor.erf", 0.0, 1.1284),
        ("tinygrad", "tinygrad.Tensor.atan", 0.0, 1.0),
        ("tinygrad", "tinygrad.Tensor.asin", 0.0, 1.0),
    ],
)
def test_known_faults_are_found_in_the_time_of_the_scoreboard(framework, function, found, expected):
    pytest.importorskip(framework)
    if framework == "tinygrad" and shutil.which("clang") is None:
        pytest.skip("tinygrad compiles with clang")
    faults = Examiner(LANGUAGES[framework]).examine(function, SECONDS).faults
    near = [f for f in faults if f.confirmed and f.found == pytest.approx(found, nan_ok=True)]
    assert any(f.expected == pytest.approx(expected, rel=1e-3, abs=1e-6) for f in near)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("framework", "function"), [("torch", "torch.linalg.cond"), ("autograd", "autograd.numpy.dstack")]
)
def test_derivative_that_raises_is_a_fault(framework, function):
    pytest.importorskip(framework)
    faults = Examiner(LANGUAGES[framework]).examine(function, SECONDS).faults
    assert any(fault.source.startswith("raises") for fault in faults)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("framework", "function"),
    [
        ("torch", "torch.fmod"),
        ("torch", "torch.nn.functional.normalize"),
        ("torch", "torch.nn.functional.lp_pool1d"),
        ("jax", "jax.numpy.remainder"),
        ("jax", "jax.numpy.percentile"),
        ("jax", "jax.numpy.arctan2"),
        ("autograd", "autograd.scipy.special.jn"),
    ],
)
def test_jumps_and_odd_calls_are_no_faults(framework, function):
    pytest.importorskip(framework)
    faults = Examiner(LANGUAGES[framework]).examine(function, SECONDS).faults
    assert not sort_wrong(
        framework, [{"function": function, "status": "wrong", "faults": [asdict(f) for f in faults]}]
    ).faults


@pytest.mark.parametrize(
    ("function", "arguments", "fits"),
    [
        (lambda a, q: 0, "x, y", False),
        (lambda a, q: 0, "x, 2", True),
        (lambda x, full_matrices=True: 0, "x, 2", False),
        (lambda x, full_matrices=True: 0, "x, None, None, y, z, True", False),
        (lambda x, training=False: 0, "x, True", True),
        (lambda x, rcond=None: 0, "x, 2", False),
        (lambda x, other: 0, "x, y", True),
    ],
)
def test_settings_get_no_arrays_and_switches_no_numbers(function, arguments, fits):
    assert forms._fits(arguments, "percentile", inspect.signature(function), None) is fits


def test_signature_is_read_from_a_docstring():
    signature = documented_signature("\nfmod(input, other, *, out=None) -> Tensor\n\nComputes")
    assert list(signature.parameters) == ["input", "other", "out"]
    assert documented_signature("sum(axis) of the elements (see there)") is None
    assert documented_signature(None) is None
