"""SciPy's functions that take any array: on Tensors they give NumPy's values, and are differentiated.

tests/conftest.py switches SciPy's Array API on. Its special functions are in tests/special.
"""

import warnings

import numpy as np
import pytest
from scipy import (
    cluster,
    differentiate,
    fft,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    spatial,
    special,
    stats,
)

import minigrad as mg
from minigrad import GraphError, MutationError, Tensor
from minigrad.testing import check_grads

RNG = np.random.default_rng(0)
V, W = RNG.uniform(0.2, 0.9, 9), RNG.uniform(0.2, 0.9, 9)
A = RNG.uniform(0.2, 0.9, (3, 5))
SAMPLE = RNG.normal(size=30)
SPECTRUM = RNG.uniform(0.2, 0.9, 9) * np.sign(np.arange(9) - 4.1)


def power(z):
    return z.real**2 + 3 * z.imag**2 if isinstance(z, np.ndarray) else mg.real(z) ** 2 + 3 * mg.imag(z) ** 2


def both(test):
    """The statistic and the p-value of a test."""
    return lambda *xs: (lambda found: (found.statistic, found.pvalue))(test(*xs))


ONE = {
    "special.softmax": lambda x: special.softmax(x),
    "special.log_softmax": lambda x: special.log_softmax(x),
    "special.logsumexp": lambda x: special.logsumexp(x),
    "stats.zscore": stats.zscore,
    "stats.gzscore": stats.gzscore,
    "stats.skew": stats.skew,
    "stats.kurtosis": stats.kurtosis,
    "stats.moment": lambda x: stats.moment(x, order=3),
    "stats.gmean": stats.gmean,
    "stats.hmean": stats.hmean,
    "stats.pmean": lambda x: stats.pmean(x, 3),
    "stats.sem": stats.sem,
    "stats.variation": stats.variation,
    "stats.entropy": stats.entropy,
    "stats.iqr": stats.iqr,
    "stats.differential_entropy": stats.differential_entropy,
    "stats.kstat": stats.kstat,
    "stats.kstatvar": stats.kstatvar,
    "stats.circmean": stats.circmean,
    "stats.circvar": stats.circvar,
    "stats.circstd": stats.circstd,
    "stats.trim_mean": lambda x: stats.trim_mean(x, 0.2),
    "stats.tmean": stats.tmean,
    "stats.tvar": stats.tvar,
    "stats.tstd": stats.tstd,
    "stats.lmoment": stats.lmoment,
    "stats.median_abs_deviation": stats.median_abs_deviation,
    "stats.quantile": lambda x: stats.quantile(x, 0.3),
    "stats.yeojohnson_llf": lambda x: stats.yeojohnson_llf(0.5, x),
    "stats.false_discovery_control": stats.false_discovery_control,
    "stats.ttest_1samp": both(lambda x: stats.ttest_1samp(x, 0.3)),
    "stats.chisquare": both(stats.chisquare),
    "stats.combine_pvalues": both(stats.combine_pvalues),
    "integrate.trapezoid": lambda x: integrate.trapezoid(x, dx=0.5),
    "integrate.romb": lambda x: integrate.romb(x, dx=0.5),
    "integrate.cumulative_trapezoid": lambda x: integrate.cumulative_trapezoid(x, dx=0.5),
    "integrate.cumulative_simpson": lambda x: integrate.cumulative_simpson(x, dx=0.5),
    "optimize.rosen": optimize.rosen,
    "optimize.rosen_der": optimize.rosen_der,
    "optimize.rosen_hess": optimize.rosen_hess,
    "stats.boxcox_llf": lambda x: stats.boxcox_llf(0.5, x),
    "fft.fft": lambda x: power(fft.fft(x)),
    "fft.rfft": lambda x: power(fft.rfft(x)),
    "fft.irfft": lambda x: fft.irfft(fft.rfft(x)[1:], n=6),
    "signal.resample": lambda x: signal.resample(x, 6),
    "signal.envelope": signal.envelope,
    "signal.hilbert": lambda x: power(signal.hilbert(x)),
    "signal.vectorstrength": lambda x: signal.vectorstrength(x, 0.7)[0],
    "signal.firwin": lambda x: signal.firwin(5, x[0]),
    "spatial.Rotation": lambda x: spatial.transform.Rotation.from_rotvec(x[:3]).as_matrix(),
    "spatial.RigidTransform": lambda x: spatial.transform.RigidTransform.from_translation(x[:3]).as_matrix(),
}

LONG_SAMPLE = {
    "stats.skewtest": both(stats.skewtest),
    "stats.kurtosistest": both(stats.kurtosistest),
    "stats.normaltest": both(stats.normaltest),
    "stats.jarque_bera": both(stats.jarque_bera),
}

TWO = {
    "signal.fftconvolve": signal.fftconvolve,
    "signal.oaconvolve": signal.oaconvolve,
    "stats.zmap": stats.zmap,
    "stats.ttest_ind": both(stats.ttest_ind),
    "stats.ttest_rel": both(stats.ttest_rel),
    "stats.pearsonr": both(stats.pearsonr),
    "stats.f_oneway": both(stats.f_oneway),
    "stats.bartlett": both(stats.bartlett),
    "stats.levene": both(stats.levene),
    "stats.alexandergovern": both(stats.alexandergovern),
    "stats.entropy": stats.entropy,
    "optimize.rosen_hess_prod": optimize.rosen_hess_prod,
}

MATRIX = {
    "stats.directional_stats": lambda x: stats.directional_stats(x).mean_direction,
    "cluster.vq.whiten": cluster.vq.whiten,
    "special.logsumexp over an axis": lambda x: special.logsumexp(x, axis=1, b=x * x),
}


def as_arrays(out):
    parts = out if isinstance(out, tuple) else (out,)
    return [part.numpy() if isinstance(part, Tensor) else part for part in parts]


def check(function, *arrays):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of SciPy, that a sample is small
        for ours, numpys in zip(as_arrays(function(*map(Tensor, arrays))), as_arrays(function(*arrays)), strict=True):
            np.testing.assert_allclose(ours, numpys, rtol=1e-9)
        assert check_grads(function, *arrays)


@pytest.mark.parametrize("name", ONE)
def test_function_of_a_vector(name):
    check(ONE[name], V)


@pytest.mark.parametrize("name", LONG_SAMPLE)
def test_test_of_normality(name):
    check(LONG_SAMPLE[name], SAMPLE)


@pytest.mark.parametrize("name", TWO)
def test_function_of_two_vectors(name):
    check(TWO[name], V, W)


@pytest.mark.parametrize("name", MATRIX)
def test_function_of_a_matrix(name):
    check(MATRIX[name], A)


# ---- functions that call a function of ours: their results are differentiated by its parameters ----------------------


def integral_of_a_gaussian(p):
    """The integral of exp(-p |x|^2) over [0, 1] x [0, 2]."""
    return integrate.cubature(
        lambda x: mg.exp(-p * (x * x).sum(axis=-1)), mg.asarray([0.0, 0.0]), mg.asarray([1.0, 2.0])
    ).estimate


def integral_with_a_root_in_it(p):
    """The integral of sqrt(x) (p x)^2 over [0, 2]."""
    low, high = mg.asarray(0.0), mg.asarray(2.0)
    return integrate.tanhsinh(lambda x, p: mg.sqrt(x) * (p * x) ** 2, low, high, args=(p,)).integral


def numerical_slope(p):
    return differentiate.derivative(lambda x, p: mg.sin(p * x), mg.asarray(0.7), args=(p,)).df


@pytest.mark.parametrize(
    ("function", "exact", "tolerance"),
    [
        (integral_of_a_gaussian, None, 0),
        (integral_with_a_root_in_it, lambda p: 2 * p * 2**3.5 / 3.5, 1e-9),
        (numerical_slope, lambda p: np.cos(0.7 * p) - 0.7 * p * np.sin(0.7 * p), 1e-6),
    ],
)
def test_gradient_by_a_parameter_of_the_function_that_scipy_calls(function, exact, tolerance):
    p = 1.3
    if exact is None:
        assert check_grads(function, np.array(p))
    else:
        assert mg.grad(function)(Tensor(np.array(p))).item() == pytest.approx(exact(p), rel=tolerance)


# ---- what is refused ------------------------------------------------------------------------------------------

REFUSED = {
    "linalg.inv": lambda x: linalg.inv(x),
    "linalg.expm": lambda x: linalg.expm(x),
    "ndimage.gaussian_filter": lambda x: ndimage.gaussian_filter(x, 1.0),
    "signal.lfilter": lambda x: signal.lfilter(x[0], x[1], x[2]),
    "signal.convolve": lambda x: signal.convolve(x[0], x[1], method="direct"),
    "stats.norm.logpdf": lambda x: stats.norm.logpdf(x),
    "spatial.distance.cdist": lambda x: spatial.distance.cdist(x, x),
    "cluster.vq.vq": lambda x: cluster.vq.vq(x, x)[1],
    "interpolate.CubicSpline": lambda x: interpolate.CubicSpline(mg.arange(5.0), x[0])(mg.asarray([0.5])),
    "special.huber": lambda x: special.huber(x, x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_compiled_code_that_would_lose_the_history_is_refused(name):
    square = RNG.uniform(0.2, 0.9, (5, 5)) + 5 * np.eye(5)
    with pytest.raises(GraphError, match=r"lose (its|their) history"):
        mg.grad(lambda x: mg.asarray(REFUSED[name](x)).sum())(Tensor(square))


def test_write_into_a_view_inside_of_scipy_is_refused():
    """PchipInterpolator writes dk[1:-1][condition] = 0, which changes dk for views of memory only."""
    with pytest.raises(MutationError, match="temporary Tensor"):
        interpolate.PchipInterpolator(mg.arange(9.0), Tensor(SPECTRUM))
