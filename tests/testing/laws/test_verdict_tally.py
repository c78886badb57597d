"""A test in which most gradients could not be judged fails, and says what would decide."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.domain import POSITIVE, Domain
from minigrad.testing import InconclusiveGradients
from minigrad.testing.decorator import GradTest

LAWS = ["gradient"]


def test_a_function_that_is_nowhere_finite_does_not_pass():
    with pytest.raises(InconclusiveGradients, match=r"not finite[\s\S]*hint: say where .* domain=") as caught:
        GradTest(np.log, vjp=lambda g, x: g / x, domain=Domain(-4.0, -1.0), laws=LAWS, examples=20)()
    assert caught.value.inconclusive == caught.value.judged >= 4
    assert "laws.gradient(log, np.array(" in str(caught.value)


def test_where_it_is_finite_the_same_passes():
    GradTest(np.log, vjp=lambda g, x: g / x, domain=POSITIVE, laws=LAWS, examples=20)()


def test_a_few_inconclusive_gradients_are_no_reason_to_fail():
    GradTest(np.exp, vjp=lambda g, x: g * np.exp(x), laws=LAWS)()


def test_leaving_the_law_out_says_that_it_is_not_judged():
    GradTest(np.log, vjp=lambda g, x: g / x, domain=Domain(-4.0, -1.0), laws=["repeatable"], examples=20)()


def test_empty_arrays_are_not_counted():
    GradTest(mg.sin, arguments={}, laws=LAWS, examples=5, shapes="N -> N")()


def test_reasons_that_differ_in_numbers_only_are_counted_together():
    options = {"domain": Domain(0.5, 2.0), "laws": LAWS, "examples": 25}
    with pytest.raises(InconclusiveGradients, match=r"\d+ times such as: .*\n.*\n.*float64 inside") as caught:
        GradTest(lambda x: (x.astype(np.float16) ** 2).astype(x.dtype), vjp=lambda g, x: 2 * g * x, **options)()
    times = int(str(caught.value).splitlines()[1].split()[0])
    assert times > caught.value.inconclusive / 3
