"""Maximum likelihood, line by line: derivations/likelihood/mle.md. Two models in use stand beside this file.

Shapes: log_density(x, theta) maps data x (..., N or M) to log densities (..., N or M) in nats; theta (P,).
Deterministic rows return one number or (P,), estimators (R, P) for eps (R, M), indices into the N data: the M data
of a minibatch are what the checker calls S draws.
UA, "MLE via gradient-based optimisation"; Robbins and Monro (1951), A stochastic approximation method.
"""
import itertools

import autograd.numpy as np
from autograd import grad

from refvi.base.checks import require_count
from refvi.base.core import Noise, POINTS, gradient_of_each
from refvi.base.optimize import gradient_ascent


# ---- from a product of densities to a sum of logarithms

def log_of_product(log_density, x, theta):
    """log of the product of the data's densities; the product underflows for a few thousand data."""
    return np.log(np.prod(np.exp(log_density(x, theta))))


def sum_of_logs(log_density, x, theta):
    """Sum of the data's log densities, which does not underflow."""
    return np.sum(log_density(x, theta))


# ---- its gradient

def gradient_of_sum(log_density, x, theta):
    """Gradient (P,) of the summed log-likelihood."""
    return grad(lambda theta: sum_of_logs(log_density, x, theta))(theta)


def sum_of_gradients(log_density, x, theta):
    """Sum (P,) of the gradients of single data."""
    return np.sum(gradient_of_each(log_density, x, theta), axis=0)


# ---- that sum as an expectation over a uniform index

def weighted_sum(log_density, x, theta):
    """Sum (P,) of N times each datum's gradient, weighted by 1/N."""
    N = len(x)
    return sum(1 / N * N * g for g in gradient_of_each(log_density, x, theta))


def uniform_expectation(log_density, x, theta):
    """Expectation (P,) of N times the gradient of one datum whose index has the mass function 1/N."""
    N = len(x)
    return np.full(N, 1 / N) @ (N * gradient_of_each(log_density, x, theta))


def average_over_indices(eps, log_density, x, theta):
    """Average (R, P) of N times the gradients at M random indices s_m = eps_m."""
    return np.mean(len(x) * gradient_of_each(log_density, x[eps], theta), axis=-2)


def minibatch_gradient(eps, log_density, x, theta):
    """N/M times the gradient of the minibatch's own log-likelihood (R, P)."""
    N, M = len(x), np.shape(eps)[-1]
    return N / M * np.sum(gradient_of_each(log_density, x[eps], theta), axis=-2)


# ---- how much a minibatch errs

def variance_with_replacement(log_density, x, theta, S):
    """Variance (P,) of the gradient on M = S data, by coordinates: N^2/M times the variance of one datum's gradient."""
    return len(x)**2 / S * np.var(gradient_of_each(log_density, x, theta), axis=0)


def variance_without_replacement(log_density, x, theta, S):
    """Variance (P,) for M = S different data: that with replacement times (N - M)/(N - 1), zero at M = N."""
    N, each = len(x), gradient_of_each(log_density, x, theta)
    return N**2 * (N - S) / (S * (N - 1)) * np.mean((each - np.mean(each, axis=0))**2, axis=0)


def squared_deviation(eps, log_density, x, theta):
    """Squared distance (R, P) of a minibatch gradient from the gradient over all data, coordinate by coordinate."""
    return (minibatch_gradient(eps, log_density, x, theta) - sum_of_gradients(log_density, x, theta))**2


def without_replacement(N):
    """The Noise of minibatches as drawn in practice: S different indices out of N, every subset equally likely."""
    require_count("N", N)

    def require_batch(M):
        if require_count("M", M) > N:
            raise ValueError(f"a minibatch of M={M} different data out of N={N}: M must be at most N")

    def draw(rng, R, S):
        require_batch(S)
        return np.argsort(rng.random((R, N)), axis=1)[:, :S]

    def rule(S, order):
        require_batch(S)
        subsets = list(itertools.islice(itertools.combinations(range(N), S), POINTS + 1))
        return None if len(subsets) > POINTS else (np.array(subsets), np.full(len(subsets), 1 / len(subsets)))

    return Noise(draw, rule)


# ---- how ascent moves: a quadratic top with curvature H, and the mean of data

def ascent_iterate(theta0, top, H, rate, T):
    """Where T steps of gradient ascent on -(theta - top)'H(theta - top)/2 lead from theta0, (P,)."""
    return gradient_ascent(lambda theta: -H @ (theta - top), theta0, T, rate).lam


def stochastic_ascent(eps, x, theta0, rate):
    """Where R runs of theta <- theta + rate (x_s - theta) end (R,), on indices eps (R, T); rate: number or function."""
    steps = iter(np.moveaxis(x[eps], -1, 0))
    return gradient_ascent(lambda theta: next(steps) - theta, np.full(len(eps), theta0), np.shape(eps)[-1], rate).lam


def squared_error_of_ascent(eps, x, theta0, rate):
    """Squared distance (R,) of where the runs end from the mean of the data."""
    return (stochastic_ascent(eps, x, theta0, rate) - np.mean(x))**2


def robbins_monro_mean(x, theta0):
    """Where steps of size 1/t towards x_1, x_2, ... end: one number."""
    steps = iter(x)
    return gradient_ascent(lambda theta: next(steps) - theta, np.array([theta0]), len(x), lambda t: 1 / t).lam[0]


def run_ends_outside(eps, top, width, radius):
    """One where steps 1/t along top + width eps_t - theta, eps (R, T), end further than radius off, else zero (R,)."""
    R, T = np.shape(eps)
    steps = iter(np.moveaxis(eps, -1, 0))
    end = gradient_ascent(lambda theta: top + width * next(steps) - theta, np.zeros(R), T, lambda t: 1 / t).lam
    return np.where(np.abs(end - top) > radius, 1., 0.)
