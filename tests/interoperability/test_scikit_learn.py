"""scikit-learn with array dispatch on Tensors: NumPy's values, differentiated; and what is refused."""

import numpy as np
import pytest
import sklearn
from sklearn import metrics, preprocessing
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as Discriminant
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, RidgeCV
from sklearn.metrics import pairwise
from sklearn.naive_bayes import GaussianNB

import minigrad as mg
from minigrad import GraphError, Tensor
from minigrad.testing import check_grads

RNG = np.random.default_rng(0)
X, Y, LABELS = RNG.normal(size=(12, 3)), RNG.normal(size=12), np.arange(12) % 3
X += LABELS[:, None]
P, Q = RNG.uniform(0.1, 1, (6, 3)), RNG.uniform(0.1, 1, (5, 3))


@pytest.fixture(autouse=True)
def _array_dispatch():
    with sklearn.config_context(array_api_dispatch=True):
        yield


def check(function, *arrays):
    np.testing.assert_allclose(function(*map(Tensor, arrays)).numpy(), function(*arrays), rtol=1e-8, atol=1e-10)
    assert check_grads(function, *arrays)


SCALERS = [
    preprocessing.StandardScaler(),
    preprocessing.MinMaxScaler(),
    preprocessing.MaxAbsScaler(),
    preprocessing.Normalizer(),
    preprocessing.PolynomialFeatures(2),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=lambda scaler: type(scaler).__name__)
def test_preprocessing(scaler):
    with np.errstate(divide="ignore", invalid="ignore"):  # scikit-learn divides 0 by 0, and replaces the result
        check(lambda x: sklearn.base.clone(scaler).fit_transform(x), X)


def test_kernel_centerer():
    check(lambda x: preprocessing.KernelCenterer().fit_transform(x @ x.T), X)


PAIRWISE = [
    "euclidean_distances", "cosine_distances", "cosine_similarity", "manhattan_distances", "linear_kernel",
    "polynomial_kernel", "sigmoid_kernel", "rbf_kernel", "laplacian_kernel", "chi2_kernel", "additive_chi2_kernel",
]  # fmt: skip


@pytest.mark.parametrize("name", PAIRWISE)
def test_distances_and_kernels(name):
    check(getattr(pairwise, name), P, Q)


@pytest.mark.parametrize("name", ["cosine", "euclidean", "manhattan"])
def test_paired_distances(name):
    check(getattr(pairwise, f"paired_{name}_distances"), P[:5], Q)


@pytest.mark.parametrize("solver", ["full", "covariance_eigh"])
@pytest.mark.parametrize("whiten", [False, True])
def test_principal_components(solver, whiten):
    def scores(x):
        return PCA(2, svd_solver=solver, whiten=whiten).fit_transform(x) ** 2  # their sign is arbitrary

    check(scores, X)


def test_explained_variance_and_likelihood_of_principal_components():
    check(lambda x: PCA(2, svd_solver="full").fit(x).explained_variance_, X)
    check(lambda x: PCA(2, svd_solver="full").fit(x).score_samples(x), X)


@pytest.mark.parametrize("make", [lambda: Ridge(0.7, solver="svd"), RidgeCV], ids=["Ridge", "RidgeCV"])
def test_ridge_regression_is_differentiated_by_its_data(make):
    check(lambda x, y: make().fit(x, y).coef_, X, Y)
    check(lambda x, y: make().fit(x, y).predict(x), X, Y)


CLASSIFIERS = {
    "LinearDiscriminantAnalysis": lambda x, labels: Discriminant().fit(x, labels).decision_function(x),
    "LinearDiscriminantAnalysis.predict_proba": lambda x, labels: Discriminant().fit(x, labels).predict_proba(x),
    "RidgeClassifier": lambda x, labels: RidgeClassifier(solver="svd").fit(x, labels).decision_function(x),
    "GaussianNB": lambda x, labels: GaussianNB().fit(x, labels).predict_joint_log_proba(x),
}


@pytest.mark.family
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifier_is_differentiated_by_its_data(name):
    function = CLASSIFIERS[name]
    np.testing.assert_allclose(function(Tensor(X), Tensor(LABELS)).numpy(), function(X, LABELS), rtol=1e-8, atol=1e-10)
    assert check_grads(lambda x: function(x, Tensor(LABELS)), X)


@pytest.mark.parametrize(
    "name", ["mean_squared_error", "mean_absolute_error", "r2_score", "max_error", "mean_poisson_deviance"]
)
def test_metric_of_scores_is_a_python_number_and_has_no_gradient(name):
    metric = getattr(metrics, name)
    a, b = abs(Y) + 0.1, abs(Y[::-1]) + 0.2
    value = metric(Tensor(a), Tensor(b))
    assert value == pytest.approx(metric(a, b), rel=1e-10)
    assert type(value) is float
    with pytest.raises(GraphError, match="must return a Tensor"), pytest.warns(UserWarning, match="float"):
        mg.grad(lambda a: metric(a, Tensor(b)))(Tensor(a))


def test_metric_of_each_output_is_differentiated():
    check(lambda p, q: metrics.mean_squared_error(p, q, multioutput="raw_values"), P[:5], Q)


def test_metrics_of_labels():
    guess = np.where(np.arange(12) % 5 == 0, 0, LABELS)
    for metric in (metrics.accuracy_score, metrics.zero_one_loss, metrics.confusion_matrix):
        np.testing.assert_allclose(np.asarray(metric(Tensor(LABELS), Tensor(guess))), metric(LABELS, guess))


REFUSED = {
    "LinearRegression": lambda x: LinearRegression().fit(x, Tensor(Y)).coef_,
    "LogisticRegression": lambda x: LogisticRegression().fit(x, Tensor(LABELS)).coef_,
    "RobustScaler": lambda x: preprocessing.RobustScaler().fit_transform(x),
    "QuantileTransformer": lambda x: preprocessing.QuantileTransformer(n_quantiles=5).fit_transform(x),
}


@pytest.mark.filterwarnings("ignore:float")  # LogisticRegression makes a number of its loss before it calls SciPy
@pytest.mark.parametrize("name", REFUSED)
def test_estimator_in_numpy_that_would_lose_the_history_is_refused(name):
    with pytest.raises(GraphError, match=r"lose (its|their) history"):
        mg.grad(lambda x: mg.asarray(REFUSED[name](x)).sum())(Tensor(X))
