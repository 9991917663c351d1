"""The standard error of the score-function estimator falls as one over the square root of S, from S = 1 on.

Dots: the standard deviation of 2000 estimates of S draws each, with two of its own standard errors; lines: exact.
"""
import numpy as np

from refvi import noise, normal
from refvi.gradients.score_function import score_function, variance_of_average

R = 2000
LAM = np.array([0.65, -0.55])


def data(rng):
    S = 2**np.arange(10)
    eps = noise(normal, LAM)
    measured, error = zip(*(spread(score_function(eps.draw(rng, R, s), np.square, normal, LAM, 0.3)) for s in S))
    exact = [np.sqrt(variance_of_average(np.square, normal, LAM, 0.3, s)) for s in S]
    return dict(S=S, measured_sd=measured, error_sd=error, exact_sd=exact)


def spread(estimates):
    """(standard deviation over the repetitions, its own standard error) of estimates (R, P)."""
    square = (estimates - estimates.mean(axis=0))**2
    sd = np.sqrt(square.mean(axis=0))
    return sd, square.std(axis=0) / np.sqrt(len(estimates)) / (2 * sd)


def draw(figure, S, measured_sd, error_sd, exact_sd):
    axes = figure.add_subplot()
    for p, (name, marker, color) in enumerate([("mean μ", "o", "C1"), ("log standard deviation log σ", "s", "C2")]):
        axes.plot(S, exact_sd[:, p], color=color, linestyle="-" if p == 0 else "--")
        axes.errorbar(S, measured_sd[:, p], 2 * error_sd[:, p], fmt=marker, color=color, capsize=2,
                      label=f"gradient in the {name}")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set(xlabel="draws per estimate S", ylabel="standard error of the gradient")
    axes.set_title("f(z) = z² under a normal q: exact lines, measured dots")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend()
