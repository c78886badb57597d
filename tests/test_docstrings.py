"""Docstrings of public functions and classes tell parameters, defaults, shapes and errors: see `tests/docstring.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import minigrad
from minigrad import Op, cost, data, elementwise, functional, init, io, nn, optim, special, testing, training, viz
from minigrad.errors import ShapeError, UsageError
from tests.docstring import Subject, faults, subjects_of


def exported(package: Any, names: list[str]) -> Any:
    return ((name, getattr(package, name)) for name in names)


def all_subjects() -> list[Subject]:
    """Each function, class and method once, under its first name."""
    found = [
        *subjects_of("nn", exported(nn, nn.__all__)),
        *subjects_of("optim", exported(optim, [name for name in optim.__all__ if name != "schedule"])),
        *subjects_of("optim.schedule", exported(optim.schedule, optim.schedule.__all__)),
        *subjects_of("init", exported(init, init.__all__)),
        *subjects_of("data", exported(data, data.__all__)),
        *subjects_of("io", exported(io, io.__all__)),
        *subjects_of("training", exported(training, training.__all__)),
        *[replace(s, shapes=True) for s in subjects_of("functional", exported(functional, functional.__all__))],
        *[replace(s, shapes=True) for s in subjects_of("special", exported(special, special.__all__))],
        *subjects_of("minigrad", exported(minigrad, minigrad.__all__), methods=False),
        *subjects_of("viz", exported(viz, [name for name in viz.__all__ if name.islower()])),
        *subjects_of("viz", exported(viz, ["HistogramRecorder", "Picture"]), methods=False),
        *subjects_of("cost", exported(cost, ["costs", "summary"])),
        *subjects_of(
            "testing", exported(testing, ["calls_of", "check_grads", "check_program", "gradtest", "programs"])
        ),
        *subjects_of("testing", exported(testing, ["RandomProgram"])),
        *subjects_of("testing.laws", exported(testing.laws, ["Law", "all_of", "expect", "law", "module"])),
        *subjects_of("testing.strategies", exported(testing.strategies, testing.strategies.__all__)),
    ]
    once: dict[int, Subject] = {}
    for subject in found:
        once.setdefault(id(subject.value), replace(subject, shapes=subject.shapes or isinstance(subject.value, Op)))
    return list(once.values())


SUBJECTS = all_subjects()


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_docstring_tells_parameters_defaults_shapes_and_errors(subject):
    assert list(faults(subject)) == []


# ---- the test can fail ---------------------------------------------------------------------------------------------


def good(x: float, scale: float = 0.5, *, mode: str = "sum", rng: object = None) -> None:
    """scale * x.

    Args:
        x: a number.
        scale: the factor, of at least 0
            (default 0.5).
        mode: "sum" or "mean" (default "sum").
        rng: draws; the default generator unless given.

    Shapes: x any -> the same.

    Raises:
        UsageError: scale is negative.
    """
    if scale < 0:
        raise UsageError("negative")


def bad(x: float, scale: float = 0.5, *, mode: str = "sum", rng: object = None) -> None:
    """scale * x.

    Args:
        scale: the factor (default 0.25).
        mode: "sum" or "mean".
        rng: draws.
    """
    if scale < 0:
        raise UsageError("negative") from None


class Layer(nn.Module):
    """A layer that says little."""

    def __init__(self, size: int) -> None:
        if size < 0:
            raise UsageError("negative")

    def forward(self, x: object) -> object:
        if x is None:
            raise ShapeError("none")
        return x

    def reset(self, value: int = 1) -> None:
        """Start anew, from `value`."""
        raise RuntimeError


def test_a_complete_docstring_has_no_faults():
    assert list(faults(Subject("good", good, shapes=True))) == []


def test_every_fault_of_a_function_is_found():
    assert list(faults(Subject("bad", bad, shapes=True))) == [
        "x is not told under Args:",
        "the default of scale is 0.5, not 0.25",
        "the default of mode, 'sum', is not told",
        "what rng=None means is not told",
        "its shapes are not told under Shapes:",
        "UsageError is not told under Raises:",
    ]


def test_every_fault_of_a_class_and_its_methods_is_found():
    layer, *methods = subjects_of("tests", iter([("Layer", Layer)]))
    assert list(faults(layer)) == [
        "size is not told under Args:",
        "its shapes are not told under Shapes:",
        "ShapeError is not told under Raises:",
        "UsageError is not told under Raises:",
    ]
    reset = next(method for method in methods if method.name == "tests.Layer.reset")
    assert list(faults(reset)) == ["value is not told under Args:", "RuntimeError is not told under Raises:"]


def test_one_line_of_the_derivative_table_names_its_settings():
    def documented_row(x, *, factor):
        return x * factor

    rows = [
        elementwise("documented_row", documented_row, text, x=lambda g, *, factor: g * factor)
        for text in ("factor x.", "x.")
    ]
    assert [list(faults(Subject("documented_row", op, shapes=True))) for op in rows] == [
        [],
        ["the setting factor is not named"],
    ]


@pytest.mark.parametrize(
    ("text", "default", "right"),
    [
        ("(default 1e-3)", 0.001, True), ("(default 1/3)", 1 / 3, True), ("(default (0.9, 0.99))", (0.9, 0.99), True),
        ("(default sqrt(2))", 2**0.5, True), ('(default "mean")', "mean", True), ("(default True)", True, True),
        ("(default: True)", 1, False), ("(default -1: the last)", -1, True), ("(default max)", max, True),
        ("2 unless given", 2, True), ("(default 0.0)", False, False), ('(default "sum")', "mean", False),
    ],
)  # fmt: skip
def test_defaults_are_compared_as_values(text, default, right):
    def f(a=default):
        pass

    f.__doc__ = f"F.\n\nArgs:\n    a: a thing {text}.\n"
    assert (not list(faults(Subject("f", f)))) is right, text


@pytest.mark.parametrize("package", [nn, functional, optim, optim.schedule, init, data, minigrad])
def test_every_exported_function_and_class_is_covered(package):
    covered = {id(subject.value) for subject in SUBJECTS}
    values = [getattr(package, name) for name in package.__all__]
    errors = [value for value in values if isinstance(value, type) and issubclass(value, Exception)]
    assert [value for value in values if callable(value) and id(value) not in covered] == errors
