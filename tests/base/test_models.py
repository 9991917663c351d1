"""The linear-Gaussian model: posterior, evidence and bound against SciPy and against each other."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from refvi.base import models


@pytest.fixture
def problem(rng):
    theta = models.regression(rng.normal(size=(9, 3)), prior_sd=rng.uniform(1.2, 1.8), noise_sd=rng.uniform(0.4, 0.8))
    return rng.normal(size=9), theta


def test_log_joint_is_scipy_s(problem, rng):
    x, theta = problem
    z = rng.normal(size=(4, 3))
    expected = stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=-1) + [
        stats.norm.logpdf(x, theta.y @ row, theta.noise_sd).sum() for row in z
    ]
    np.testing.assert_allclose(models.linear_gaussian.log_joint(z, x, theta), expected, rtol=1e-12)


def test_posterior_and_evidence(problem, rng):
    x, theta = problem
    joint = theta.prior_sd**2 * theta.y @ theta.y.T + theta.noise_sd**2 * np.eye(9)
    np.testing.assert_allclose(
        models.log_evidence(x, theta), stats.multivariate_normal.logpdf(x, np.zeros(9), joint), rtol=1e-10
    )
    mean, precision = models.posterior(x, theta)
    np.testing.assert_allclose(mean, theta.prior_sd**2 * theta.y.T @ np.linalg.solve(joint, x), rtol=1e-9)
    z = rng.normal(size=3)
    bayes = models.linear_gaussian.log_joint(z, x, theta) - models.log_evidence(x, theta)
    np.testing.assert_allclose(bayes, stats.multivariate_normal.logpdf(z, mean, np.linalg.inv(precision)), rtol=1e-9)


def test_the_bound_stays_below_the_evidence_and_is_highest_at_mean_field(problem, rng):
    x, theta = problem
    best = models.mean_field(x, theta)
    found = minimize(lambda lam: -models.elbo(lam, x, theta), np.zeros(6), tol=1e-12)
    np.testing.assert_allclose(found.x, best, atol=1e-4)
    for lam in [best, *(best + rng.normal(size=(20, 6)))]:
        assert models.elbo(lam, x, theta) <= models.elbo(best, x, theta) + 1e-12 < models.log_evidence(x, theta)


@pytest.mark.parametrize(
    "change, message",
    [(dict(noise_sd=-1.0), r"noise_sd must be > 0, got -1.0 \(a standard deviation, not a variance"),
     (dict(prior_sd=0.0), "prior_sd must be > 0"),
     (dict(y=np.zeros(9)), r"y has shape \(9,\), expected \(any, any\): \(N=number of data, D=number of inputs\)"),
     (dict(y=np.zeros((0, 3))), "no data"), (dict(y=np.full((9, 3), np.inf)), r"y\[0, 0\] is inf; 27 of 27")],
)
def test_bad_models_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        models.regression(**({"y": np.ones((9, 3)), "prior_sd": 1.3, "noise_sd": 0.7} | change))


def test_targets_that_would_broadcast_are_refused(problem):
    x, theta = problem
    with pytest.raises(ValueError, match=r"x has shape \(9, 1\), expected \(9,\): one target for each of the N=9 rows"):
        models.log_evidence(x[:, None], theta)
    x = x.copy()
    x[4] = np.nan
    with pytest.raises(ValueError, match=r"x\[4\] is nan; 1 of 9"):
        models.posterior(x, theta)
