"""The code task by hand: derivations/gradients/reparameterization.md, "The code task".

At its end a loop in which N data and S draws enter by their sums alone. Shapes: y (N, D) inputs and x (N,) targets of a
models.LinearGaussian theta, z (..., D), noise eps (R, S, D) standard normal, lam (2 D,) = (mu, log sigma).
PML, "Code-task: Reparameterization-gradient for linear regression".
"""
import math
from operator import mul

import numpy as np

from refvi.base.checks import require_count
from refvi.base.core import noise
from refvi.base.families.gaussian import diagonal_normal
from refvi.base.models import targets
from refvi.base.optimize import adam_on_floats
from refvi.gradients.bbvi.regression import BLOCK, compared, out_of_range, start


# ---- the gradients that the notebook gives; one weight vector z (D,) or many (..., D)

def residuals_over_variance(x, z, theta):
    """The slope of log p(x | z) in z: residuals times their inputs, over the variance of the noise. (..., D)"""
    return (x - z @ theta.y.T) @ theta.y / theta.noise_sd**2


def pull_of_prior(z, theta):
    """The slope of log p(z) in z. (..., D)"""
    return -z / theta.prior_sd**2


def pull_of_approximation(z, mu, sigma):
    """The slope of log q(z) in z. (..., D)"""
    return -(z - mu) / sigma**2


def one_and_noise(points):
    """dz/dmu and dz/dsigma of z = mu + sigma eps. (k, 2)"""
    return np.stack([np.ones_like(points), points], axis=-1)


def one_and_scaled_noise(points, sigma):
    """dz/dmu and dz/dlog sigma, where the chain rule brings another sigma. (k, 2)"""
    return np.stack([np.ones_like(points), sigma * points], axis=-1)


# ---- the estimator

def path_by_hand(eps, x, theta, lam):
    """(slope of log p - slope of log q) times dz/dlam, for every draw: (..., S, 2 D)."""
    D = len(lam) // 2
    mu, sigma = lam[:D], np.exp(lam[D:])
    z = mu + sigma * eps
    slope = residuals_over_variance(x, z, theta) + pull_of_prior(z, theta) - pull_of_approximation(z, mu, sigma)
    return np.concatenate([slope, slope * sigma * eps], axis=-1)


def expected_by_hand(x, theta, lam):
    """The expectation of path_by_hand over the noise. Returns (2 D,)."""
    eps, w = noise(diagonal_normal, np.zeros(len(lam))).rule(1, order=32)
    return w @ path_by_hand(eps[:, 0], x, theta, lam)


def draws_by_hand(eps, x, theta, lam):
    """path_by_hand, averaged over S draws. Returns (R, 2 D)."""
    return np.mean(path_by_hand(eps, x, theta, lam), axis=-2)


def moments_of_noise(eps, x, theta, lam):
    """draws_by_hand from averages over the noise: the slope of the log weight is A (1, eps). Returns (R, 2 D)."""
    D = len(lam) // 2
    mu, sigma, (h, P) = lam[:D], np.exp(lam[D:]), sums_over_data(x, theta)
    A = np.concatenate([(h - np.dot(P, mu))[:, None], np.diag(1 / sigma) - P * sigma], axis=1)
    averages = A @ moments(eps)
    of_sigma = sigma * np.diagonal(averages[..., 1:], axis1=-2, axis2=-1)
    return np.concatenate([averages[..., 0], of_sigma], axis=-1)


def sums_over_data(x, theta):
    """(h (D,), P (D, D)): the slope of log p(x, z) in z is h - P z."""
    h, P = theta.y.T @ targets(x, theta), theta.y.T @ theta.y
    return h / theta.noise_sd**2, P / theta.noise_sd**2 + np.eye(len(P)) / theta.prior_sd**2


def moments(eps):
    """Averages over the draws of (1, eps)(1, eps)'. (..., S, D) -> (..., 1 + D, 1 + D)"""
    one_eps = np.concatenate([np.ones((*eps.shape[:-1], 1)), eps], axis=-1)
    return np.matmul(np.swapaxes(one_eps, -1, -2), one_eps) / eps.shape[-2]


# ---- the loop

def fit(x, theta, lam, rng, steps, S, rate, watch=None, explicit=False):
    """Adam on moments_of_noise, from lam (2 D,) for targets x (N,). Returns an Ascent.

    It takes the steps of algorithm.reparameterized on the same stream of the same generator. rate is a number or a
    function of the step; explicit=True climbs along the total derivative instead. The work of a step does not depend
    on N, and on S only through its noise; it grows as D^2, in floats: meant for few weights. ValueError for wrong
    shapes or counts.
    """
    lam = start(lam, theta, S)
    at = hand_written(*sums_over_data(x, theta), explicit)
    noise = moments_of_each_step(rng, require_count("steps", steps), S, len(lam) // 2)

    def gradient(lam):
        try:
            return at(lam, next(noise))
        except (OverflowError, ZeroDivisionError):
            raise out_of_range(lam) from None

    return compared(x, theta, lam, adam_on_floats(gradient, lam, steps, rate, watch))


def moments_of_each_step(rng, steps, S, D):
    """moments(eps) of every step, as lists: made for many steps at once, so that a step itself calls no NumPy."""
    n = max(1, BLOCK // (S * D))
    for first in range(0, steps, n):
        yield from moments(rng.standard_normal((min(n, steps - first), S, D))).tolist()


def hand_written(h, P, explicit):
    """A function of (lam, the moments of a step) that returns moments_of_noise as a list of 2 D floats."""
    h, P = h.tolist(), P.tolist()
    D = len(h)

    def gradient(lam, moments):
        mu, sigma, g = lam[:D], [math.exp(v) for v in lam[D:]], [0.] * (2 * D)
        for d in range(D):
            slope = [h[d] - sum(map(mul, P[d], mu)), *[-v for v in map(mul, P[d], sigma)]]
            if not explicit:
                slope[1 + d] += 1 / sigma[d]
            g[d] = sum(map(mul, slope, moments[0]))
            g[D + d] = sigma[d] * sum(map(mul, slope, moments[1 + d])) + explicit
        return g

    return gradient
