"""Special functions: SciPy's values, derivatives by what has a closed form, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.special

import minigrad as mg
from minigrad import GraphError, Tensor, UsageError, special
from minigrad.testing import check_grads

X = np.array([[0.12, 0.35, 0.81], [0.44, 0.67, 0.93]])

UFUNCS = {name: getattr(f, "__wrapped__", f) for name, f in vars(scipy.special).items()}
TAKES_ONE = [name for name in special.__all__ if getattr(UFUNCS[name], "nin", 0) == 1]
PARAMETERS = {
    "beta": (1.7,), "betaln": (1.7,), "xlogy": (1.7,), "xlog1py": (1.7,), "rel_entr": (1.7,), "kl_div": (1.7,),
    "polygamma": (2,), "jv": (1.5,), "yv": (0.5,), "iv": (2,), "kv": (0,), "ive": (2,), "kve": (1.5,),
    "gammainc": (2.5,), "gammaincc": (2.5,), "betainc": (2.5, 0.7), "betaincc": (2.5, 0.7), "stdtr": (4.5,),
    "stdtrit": (4.5,), "chdtr": (3,), "chdtrc": (3,), "fdtr": (3, 8), "fdtrc": (3, 8),
}  # fmt: skip


def test_every_function_is_tested_here():
    assert {*TAKES_ONE, *PARAMETERS, "multigammaln"} >= set(special.__all__)


@pytest.mark.parametrize("name", special.__all__)
def test_value_and_derivative_are_those_of_scipys_function(name):
    before, after = ((), (2,)) if name == "multigammaln" else (PARAMETERS.get(name, ()), ())
    x = X + 1 if name == "multigammaln" else X
    ours, theirs = getattr(special, name), getattr(scipy.special, name)
    assert getattr(mg.special, name) is ours
    np.testing.assert_allclose(ours(*before, Tensor(x), *after).numpy(), theirs(*before, x, *after), rtol=1e-13)
    assert check_grads(lambda x: ours(*before, x, *after), x)


@pytest.mark.parametrize("name", special.__all__)
def test_scipys_function_calls_ours(name):
    before, after = ((), (2,)) if name == "multigammaln" else (PARAMETERS.get(name, ()), ())
    x = X + 1 if name == "multigammaln" else X
    if name == "polygamma":
        pytest.skip("scipy.special.polygamma computes with zeta and gamma on arrays")
    theirs = getattr(scipy.special, name)
    assert check_grads(lambda x: theirs(*before, x, *after), x)


def test_scipys_ufuncs_call_ours_without_its_array_api():
    code = (
        "import minigrad as mg, scipy.special as s\n"
        "slope = mg.grad(lambda x: s.gammaln(x) + s.betaln(x, 2.0) + s.fdtrc(3, 8, x))(mg.Tensor(1.5))\n"
        "print(float(slope.numpy()))"
    )
    environment = {"SCIPY_ARRAY_API": "0", "PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    x, h = 1.5, 1e-6

    def f(x):
        return scipy.special.gammaln(x) + scipy.special.betaln(x, 2.0) + scipy.special.fdtrc(3, 8, x)

    assert float(run.stdout) == pytest.approx((f(x + h) - f(x - h)) / (2 * h), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "parameter", "arguments"),
    [
        ("gammainc", "a", (2.5, 0.3)), ("betainc", "a", (2.5, 0.7, 0.3)), ("jv", "v", (1.5, 0.3)),
        ("stdtr", "df", (4.5, 0.3)), ("chdtrc", "v", (3.0, 0.3)), ("fdtrc", "dfn", (3.0, 8.0, 0.3)),
    ],
)  # fmt: skip
def test_derivative_without_a_closed_form_is_refused_in_words(name, parameter, arguments):
    with pytest.raises(
        GraphError, match=rf"{name} is not differentiated by {parameter}, .* or {parameter}\.detach\(\)"
    ):
        mg.grad(getattr(special, name))(*[Tensor(x) for x in arguments])


def test_parameters_broadcast_with_the_numbers():
    a = np.array([[0.5], [2.5]])
    x = np.array([0.2, 1.7, 3.1])
    np.testing.assert_allclose(special.gammainc(a, Tensor(x)).numpy(), scipy.special.gammainc(a, x))
    assert check_grads(lambda x: special.gammainc(a, x), x)


@pytest.mark.parametrize(("f", "number"), [(special.polygamma, -1), (special.polygamma, 1.5)])
def test_number_of_derivatives_is_a_natural_number(f, number):
    with pytest.raises(UsageError, match="n must be an integer of at least 0"):
        f(number, Tensor(X))


@pytest.mark.parametrize("d", [0, 1.5])
def test_dimension_is_a_positive_integer(d):
    with pytest.raises(UsageError, match="d must be an integer of at least 1"):
        special.multigammaln(Tensor(X), d)


def test_entropy_takes_probabilities_of_zero():
    p = Tensor(np.array([0.0, 0.25, 0.75]))
    slope = mg.grad(lambda p: special.xlogy(p, Tensor(np.array([0.5, 0.25, 0.25]))).sum())(p)
    np.testing.assert_allclose(slope.numpy(), np.log([0.5, 0.25, 0.25]))
