"""The variance of a minibatch gradient falls as 1/M, and without replacement as (1/M) (N - M)/(N - 1), to nothing at
M = N.

Logistic regression on N = 40 data, the gradient in the second weight. Dots: variance of 4000 minibatches each, with
two standard errors; lines: exact.
"""
import autograd.numpy as np

from refvi import categorical, noise
from refvi.likelihood.mle.rows import (minibatch_gradient, variance_with_replacement, variance_without_replacement,
                                       without_replacement)

N, R = 40, 4000
THETA = np.array([0.6, -0.8])


def log_density(x, theta):
    """Rows of x are (label, inputs)."""
    a = np.sum(x[..., 1:] * theta, axis=-1)
    return x[..., 0] * a - np.log1p(np.exp(a))


def data(rng):
    """Inputs on a fixed grid, so that only the minibatches are random."""
    y = np.column_stack([np.sin(np.arange(N)), 1.5 * np.cos(0.7 * np.arange(N)**1.3)])
    x = np.column_stack([np.arange(N) % 3 == 0, y]).astype(float)
    M = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 39])
    numbers = dict(M=M)
    for name, eps, variance in (("with", noise(categorical, np.zeros(N)), variance_with_replacement),
                                ("without", without_replacement(N), variance_without_replacement)):
        batches = [minibatch_gradient(eps.draw(rng, R, m), log_density, x, THETA)[:, 1] for m in M]
        square = [(g - g.mean())**2 for g in batches]
        numbers[f"measured_{name}"] = [s.mean() for s in square]
        numbers[f"error_{name}"] = [s.std() / np.sqrt(R) for s in square]
        numbers[f"exact_{name}"] = [variance(log_density, x, THETA, m)[1] for m in M]
    return numbers


def draw(figure, M, **numbers):
    axes = figure.add_subplot()
    for name, marker, color in (("with", "o", "C0"), ("without", "s", "C2")):
        axes.plot(M, numbers[f"exact_{name}"], color=color)
        axes.errorbar(M, numbers[f"measured_{name}"], 2 * numbers[f"error_{name}"], fmt=marker, color=color, capsize=2,
                      label=f"{name} replacement")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set(xlabel="minibatch size M", ylabel="variance of the gradient",
             title=f"Logistic regression, N = {N}: exact lines, measured dots")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.legend()
