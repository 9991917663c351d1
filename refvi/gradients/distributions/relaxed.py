"""A categorical made smooth: the softmax of logits and Gumbel noise over a temperature, and what that costs.

Shapes: Gumbel noise eps (R, S, K), logits lam (K,), temperature a number; a relaxed draw y (R, S, K) lies in the
simplex, f(y_1) (..., S) looks at its first entry. For two categories only the log odds matter: the noise is logistic.
Jang, Gu and Poole (2017), Categorical reparameterization with Gumbel-softmax; Maddison, Mnih and Teh (2017), The
concrete distribution.
"""
import autograd.numpy as np
from autograd import elementwise_grad
from scipy.special import expit, log_expit

from refvi.base.core import POINTS, Noise, gradient_of_each
from refvi.base.families.gammas import exponential
from refvi.base.special import logsumexp

RATE_ONE = np.zeros(1)      # the logarithm of an exponential's rate


def gumbel_noise(K):
    """S draws of K independent standard Gumbel numbers, minus the logarithm of exponential draws: a Noise."""
    def draw(rng, R, S):
        return -np.log(rng.standard_exponential((R, S, K)))

    def rule(S, order):
        if order**(S * K) > POINTS:
            return None
        z, w = exponential.nodes(RATE_ONE, order)
        index = np.indices((len(w),) * S * K).reshape(S * K, -1).T
        return -np.log(z)[index].reshape(-1, S, K), np.prod((w * np.exp(-z))[index], axis=-1)

    return Noise(draw, rule)


def relax(eps, lam, temperature):
    """softmax((lam + eps) / temperature), near a corner of the simplex where the temperature is low. (..., K)"""
    logits = (lam + eps) / temperature
    return np.exp(logits - logsumexp(logits, axis=-1)[..., None])


def share_of_largest(eps, lam, temperature):
    """How often each entry of a relaxed draw is the largest, at any temperature. Returns (R, K)."""
    y = relax(eps, lam, temperature)
    return np.mean(np.argmax(y, axis=-1)[..., None] == np.arange(np.shape(y)[-1]), axis=1)


# ---- two categories: the mean

def logistic_density(x):
    """The density of the difference of two Gumbel numbers."""
    return np.exp(log_expit(x) + log_expit(-x))


def relaxed_nodes(lam, temperature, end=40., n=1601):
    """Nodes y = expit((log odds + x) / temperature) and their masses, (n,) each.

    The logistic noise x is laid out as a trapezoid, since both of its tails are exponential.
    """
    x, step = np.linspace(-end, end, n, retstep=True)
    return expit((lam[0] - lam[1] + x) / temperature), step * logistic_density(x)


def mean_over_logistic(f, lam, temperature):
    """E[f(y)] for y = expit((log odds + logistic noise) / temperature). A number."""
    y, mass = relaxed_nodes(lam, temperature)
    return mass @ f(y)


def average_of_relaxed(eps, f, lam, temperature):
    """The average of f over the first entries of S relaxed draws. Returns (R,)."""
    return np.mean(f(relax(eps, lam, temperature)[..., 0]), axis=-1)


def discrete_mean(f, lam):
    """pi f(1) + (1 - pi) f(0): what the relaxation stands for. A number."""
    pi = expit(lam[0] - lam[1])
    return pi * f(1.) + (1 - pi) * f(0.)


def discrete_and_bias(f, lam, temperature):
    """The discrete mean, and the temperature times the area between the smooth step and the sharp one. A number."""
    return discrete_mean(f, lam) + temperature * area_between_steps(f, lam, temperature)


def area_between_steps(f, lam, temperature):
    """The integral of f(expit(x)) less f(1) right of zero, f(0) left of it, times the logistic density of the noise.

    The noise stands at temperature x - log odds. Each side of zero has its own rule, as the sharp step jumps there.
    """
    x, w = exponential.nodes(RATE_ONE, order=96)

    def side(sign, corner):
        return (f(expit(sign * x)) - f(corner)) * logistic_density(temperature * (sign * x) - lam[0] + lam[1])
    return w @ (side(1, 1.) + side(-1, 0.))


def area_at_temperature_zero(f, lam):
    """The bias over the temperature as it falls to zero: the area under the density at the step. A number."""
    return area_between_steps(f, lam, 0.)


def chord_at_the_mean(f, lam, temperature):
    """The straight line from f(0) to f(1), at the mean of the relaxed draw. A number."""
    y, mass = relaxed_nodes(lam, temperature)
    mean = mass @ y
    return mean * f(1.) + (1 - mean) * f(0.)


# ---- two categories: the gradient in both logits

def slopes_over_logistic(f, lam, temperature):
    """f'(y) y (1 - y) over the temperature, at the nodes of the noise, and their masses: (n,) each."""
    y, mass = relaxed_nodes(lam, temperature)
    return elementwise_grad(f)(y) * y * (1 - y) / temperature, mass


def expected_relaxed_slope(f, lam, temperature):
    """The mean of f'(y) y (1 - y) over the temperature, times the slope of the log odds. Returns (2,)."""
    slope, mass = slopes_over_logistic(f, lam, temperature)
    return np.array([1, -1]) * (mass @ slope)


def relaxed_gradient(eps, f, lam, temperature):
    """The path gradient in the logits of the average of f over S relaxed draws. Returns (R, K)."""
    def average(eps, lam):
        return np.mean(f(relax(eps, lam[..., None, :], temperature)[..., 0]), axis=-1)
    return gradient_of_each(average, eps, lam)


def gradient_of_discrete_mean(f, lam):
    """pi (1 - pi) (f(1) - f(0)), times the slope of the log odds. Returns (2,)."""
    pi = expit(lam[0] - lam[1])
    return np.array([1, -1]) * pi * (1 - pi) * (f(1.) - f(0.))


def variance_of_relaxed(f, lam, temperature, S=1):
    """Variance of relaxed_gradient in either logit. A number."""
    slope, mass = slopes_over_logistic(f, lam, temperature)
    return mass @ (slope - mass @ slope)**2 / S
