"""Maximum likelihood by EM, for probabilistic PCA and for factor analysis. Shapes as in model.py; nats per datum."""
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_positive
from refvi.generative.linear_latent.em import em_step
from refvi.generative.linear_latent.maximum import closed_form
from refvi.generative.linear_latent.model import Linear, covariance, deviations, log_likelihood


class Fit(NamedTuple):
    """theta, the likelihood in nats per datum before each step and after the last, and whether it has come to rest."""
    theta: Linear
    log_likelihoods: np.ndarray
    converged: bool


def fit(x, D, *, each=True, steps=5000, tolerance=1e-13):
    """Maximum likelihood by EM from the closed form of probabilistic PCA: factor analysis with each=True. A Fit.

    It stops where a step changes no entry of the covariance by more than tolerance times its largest. Where a
    coordinate's noise falls to nothing (a Heywood case: the likelihood has no interior maximum there) it goes on
    slowly, and `converged` is False.
    """
    require_count("steps", steps)
    require_positive("tolerance", tolerance, "relative to the largest entry of the covariance")
    theta = closed_form(x, D)
    if each:
        still = np.flatnonzero(np.ptp(x, axis=0) == 0)
        if len(still):
            value = np.asarray(x)[0, still[0]]
            raise ValueError(f"x[:, {still[0]}] is {value} in every datum: its noise would fall to zero "
                             "and the likelihood grow without end; leave it out")
        theta = with_noise_of_each(theta)
    values, C = [log_likelihood(x, theta)], covariance(theta)
    for _ in range(steps):
        theta, before = em_step(x, theta, each), C
        C = covariance(theta)
        values.append(log_likelihood(x, theta))
        if np.max(np.abs(C - before)) <= tolerance * np.max(np.abs(C)):
            return Fit(theta, np.array(values), True)
    return Fit(theta, np.array(values), False)


def with_noise_of_each(theta):
    """theta with its one sd repeated for every coordinate: factor analysis that happens to be probabilistic PCA."""
    return theta._replace(sd=deviations(theta))
