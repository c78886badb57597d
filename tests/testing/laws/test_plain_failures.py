"""What is shown of a failure: values in C order and double precision where it does not depend on these."""

import numpy as np
import pytest
from hypothesis import strategies as st

import minigrad as mg
from minigrad.autograd.op import Op
from minigrad.testing import LawViolation
from minigrad.testing.calls.function_call import FunctionCall
from minigrad.testing.decorator import GradTest


def test_a_failure_in_any_order_and_precision_is_shown_in_c_order_and_double_precision():
    op = Op(np.sin, "bad_sin")
    op.vjp("x")(lambda g, x: 2 * g * mg.cos(x))
    x = np.array([[0.5, 1.0], [1.5, 2.0]], np.float32)
    for odd in (x.T, x[::-1, ::-1], np.asfortranarray(x)):
        with pytest.raises(LawViolation) as caught:
            GradTest(op, calls=st.just(FunctionCall.of(op, odd)), laws=["gradient"], examples=1)()
        assert "float32" not in caught.value.call
        assert caught.value.call.endswith("]]))")


def test_a_failure_in_lower_precision_only_stays_in_it():
    with pytest.raises(LawViolation, match=r"np.float(16|32)\)") as caught:
        GradTest(lambda x: 2 * x, vjp=lambda g, x: g * np.float64(2), examples=50)()
    assert caught.value.cause == "dtype leak"


@pytest.mark.parametrize(
    ("row", "text"), [(lambda g: g[0], "gradient of the first row"), (lambda g: g[-1], "gradient of the last row"),
                      (lambda g: g.mean(0), "mean over all rows")]
)  # fmt: skip
def test_a_row_in_place_of_the_sum_over_the_batch_is_told_so(row, text):
    with pytest.raises(LawViolation, match=text) as caught:
        GradTest(lambda x, w, b: x @ w + b, vjp=lambda g, x, w, b: (g @ w.T, x.T @ g, row(g)),
                 shapes="N D, D O, O -> N O")()  # fmt: skip
    assert (caught.value.law, caught.value.cause) == ("gradient", "missing un-broadcast")
    assert caught.value.argument == "input b"


def test_a_factor_close_to_1_and_what_it_does_are_shown_with_digits_that_tell():
    with pytest.raises(LawViolation) as caught:
        GradTest(lambda x: np.sin(x), vjp=lambda g, x: (1.0001 * g * np.cos(x)).astype(x.dtype), laws=["gradient"])()
    assert "found = 1.0001 * expected" in str(caught.value)
    assert (caught.value.expected, caught.value.found) != ("0.8776", "0.8777")
    line = str(caught.value).splitlines()[2]
    expected, found = (float(part.split()[-1]) for part in line.split(","))
    np.testing.assert_allclose(found / expected, 1.0001, rtol=2e-5)
