"""Maximum likelihood, line by line: derivations/likelihood/mle.md. The two models in use are classifier.py and heteroscedastic.py beside this file.

Shapes: log_density(x, theta) maps data x (..., N or M) to (..., N or M) log densities in nats; theta (P,); deterministic rows return one
number or (P,), estimators (R, P) for eps (R, M), indices into the N data. A minibatch of M indices is what the checker calls S draws.
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
    """The joint density of independent data is a product; it underflows for a few thousand of them."""
    return np.log(np.prod(np.exp(log_density(x, theta))))


def sum_of_logs(log_density, x, theta):
    """The logarithm of a product is a sum, which does not underflow."""
    return np.sum(log_density(x, theta))


def mean_of_logs(log_density, x, theta):
    """Per datum: has the same maximum, but is not the log-likelihood."""
    return np.mean(log_density(x, theta))


# ---- its gradient

def gradient_of_sum(log_density, x, theta):
    """The gradient of the whole log-likelihood."""
    return grad(lambda theta: sum_of_logs(log_density, x, theta))(theta)


def sum_of_gradients(log_density, x, theta):
    """Linearity: one gradient for every datum, added up."""
    return np.sum(gradient_of_each(log_density, x, theta), axis=0)


# ---- the same sum as an expectation over a uniform index

def weighted_sum(log_density, x, theta):
    """Multiplied by N and divided by N."""
    N = len(x)
    return sum(1 / N * N * g for g in gradient_of_each(log_density, x, theta))


def uniform_expectation(log_density, x, theta):
    """The weights 1/N are a probability mass: an expectation of N times the gradient at a random index."""
    N = len(x)
    return np.full(N, 1 / N) @ (N * gradient_of_each(log_density, x, theta))


def average_over_indices(eps, log_density, x, theta):
    """An average over M random indices s_m = eps_m. Returns (R, P)."""
    return np.mean(len(x) * gradient_of_each(log_density, x[eps], theta), axis=-2)


def minibatch_gradient(eps, log_density, x, theta):
    """N/M times the gradient of the minibatch's own log-likelihood. Returns (R, P)."""
    N, M = len(x), np.shape(eps)[-1]
    return N / M * np.sum(gradient_of_each(log_density, x[eps], theta), axis=-2)


# ---- how much a minibatch errs

def variance_with_replacement(log_density, x, theta, S):
    """N^2 over M = S times the variance of one datum's gradient."""
    return len(x)**2 / S * np.var(gradient_of_each(log_density, x, theta), axis=0)


def variance_without_replacement(log_density, x, theta, S):
    """The same with the finite-population factor (N - M)/(N - 1), M = S: nothing is left to chance at M = N."""
    N, each = len(x), gradient_of_each(log_density, x, theta)
    return N**2 * (N - S) / (S * (N - 1)) * np.mean((each - np.mean(each, axis=0))**2, axis=0)


def squared_deviation(eps, log_density, x, theta):
    """How far one minibatch lies off, squared: on average the variance. Returns (R, P)."""
    return (minibatch_gradient(eps, log_density, x, theta) - sum_of_gradients(log_density, x, theta))**2


def without_replacement(N):
    """The noise of minibatches as they are drawn in practice: S different indices out of N, all subsets alike."""
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
    """T steps of gradient ascent on -(theta - top)'H(theta - top)/2."""
    return gradient_ascent(lambda theta: -H @ (theta - top), theta0, T, rate).lam


def ascent_too_far(theta0, top, H, T):
    """Distance from the top after T steps whose size exceeds the limit 2/h_max by a tenth."""
    return np.linalg.norm(ascent_iterate(theta0, top, H, 1.1 * 2 / np.max(np.linalg.eigvalsh(H)), T) - top)


def ascent_near_the_limit(theta0, top, H, T):
    """Distance from the top after T steps whose size stays below the limit by a tenth."""
    return np.linalg.norm(ascent_iterate(theta0, top, H, 0.9 * 2 / np.max(np.linalg.eigvalsh(H)), T) - top)


def stochastic_ascent(eps, x, theta0, rate):
    """theta <- theta + rate (x_s - theta) for the indices eps (R, T): where R runs end after T steps. Returns (R,)."""
    steps = iter(np.moveaxis(x[eps], -1, 0))
    return gradient_ascent(lambda theta: next(steps) - theta, np.full(len(eps), theta0), np.shape(eps)[-1], rate).lam


def squared_error_of_ascent(eps, x, theta0, rate):
    """Squared distance of where the runs end from the mean of the data. Returns (R,)."""
    return (stochastic_ascent(eps, x, theta0, rate) - np.mean(x))**2


def run_ends_outside(eps, top, width):
    """Whether ascent by steps 1/t on gradients top + width eps_t - theta, eps (R, T), ends more than width from the top: one or zero. (R,)"""
    steps = iter(np.moveaxis(eps, -1, 0))
    end = gradient_ascent(lambda theta: top + width * next(steps) - theta, np.zeros(len(eps)), np.shape(eps)[-1], lambda t: 1 / t).lam
    return np.where(np.abs(end - top) > width, 1., 0.)


def robbins_monro_mean(x, theta0):
    """Steps of size 1/t towards x_1, x_2, ... forget their start and end at the mean."""
    steps = iter(x)
    return gradient_ascent(lambda theta: next(steps) - theta, np.array([theta0]), len(x), lambda t: 1 / t).lam[0]
