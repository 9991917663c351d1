"""Random regressions, for the tests of every inference that climbs one."""
import numpy as np

from refvi.base import models


def random_regression(rng, N=100, D=2):
    """(x, theta): an intercept and D - 1 normal inputs of N data, weights of medium size, noise of about a half."""
    y = np.column_stack([np.ones(N), rng.normal(size=(N, D - 1))])
    theta = models.regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.4, 0.6))
    return y @ rng.uniform(0.4, 0.9, D) + theta.noise_sd * rng.normal(size=N), theta
