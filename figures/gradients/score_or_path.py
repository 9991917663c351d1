"""Does it work? Path gradients point to the posterior, the score function's along lines through q's centre. PML.074.

The regression of does_it_work, five draws of q, the same in both panels. Left: the score times the log weight, as
there. Right: the slope of log p(theta, D) - log q(theta) at every draw, the path part of the gradient in the mean of q,
drawn from the draw. Thick: the average of the thin arrows. Cross: the exact gradient of the bound, its bars one
standard error of the average, exact as well. All shafts at 0.002 of their length, and on the same scale. The titles say
how well single terms point from their draw to the posterior's mean (PML.076): the mean cosine over fresh draws.
"""
import numpy as np
from does_it_work import (LABELS, LAM, POSTERIOR_LEVELS, Q_LEVELS, SHRINK, STYLE, THETA, X, contours, draw_arrows,
                          draw_contours, draw_gradient, log_joint, log_weight)
from matplotlib.lines import Line2D

from refvi import diagonal_normal, noise
from refvi.base.core import score
from refvi.base.models import posterior
from refvi.gradients.reparameterization.rows import slope_of_the_weight, variance_of_path
from refvi.gradients.score_function import expected_weighted_score, variance_of_average

M, DRAWS = 5, 20_000
NAMES = ("score", "path")


def data(rng):
    eps = noise(diagonal_normal, 0 * LAM)
    own, many = eps.draw(rng, 1, M)[0], eps.draw(rng, DRAWS, 1)[:, 0]
    mean, precision = posterior(X, THETA)
    numbers = dict(posterior=contours(mean, np.linalg.inv(precision), POSTERIOR_LEVELS),
                   q=contours(LAM[:2], np.diag(np.exp(2 * LAM[2:])), Q_LEVELS),
                   random_theta=diagonal_normal.transport(own, LAM),
                   gradient=expected_weighted_score(log_joint, diagonal_normal, LAM)[:2])
    by_score = variance_of_average(log_weight, diagonal_normal, LAM, 0., M)
    variances = by_score, variance_of_path(log_joint, diagonal_normal, LAM, M).value
    for name, terms, variance in zip(NAMES, (score_terms, path_terms), variances):
        towards = cosine(terms(many), mean - diagonal_normal.transport(many, LAM))
        numbers |= {f"random_{name}": terms(own), f"exact_{name}": np.sqrt(variance[:2]),
                    f"random_cosine_{name}": np.mean(towards),
                    f"random_cosine_error_{name}": np.std(towards) / np.sqrt(DRAWS)}
    return numbers


def score_terms(eps):
    theta = diagonal_normal.transport(eps, LAM)
    return log_weight(theta)[:, None] * score(diagonal_normal, theta, LAM)[:, :2]


def path_terms(eps):
    return slope_of_the_weight(eps, log_joint, diagonal_normal, LAM)


def cosine(a, b):
    return np.sum(a * b, axis=1) / np.sqrt(np.sum(a**2, axis=1) * np.sum(b**2, axis=1))


def draw(figure, posterior, q, random_theta, gradient, **numbers):
    figure.set_size_inches(6.4, 3.7)
    figure.set_layout_engine("compressed")
    panels, none = figure.subplots(1, 2, sharex=True, sharey=True), np.zeros((0, 2))
    for axes, name, title in zip(panels, NAMES, ("score function", "reparameterized")):
        draw_contours(axes, posterior, q)
        draw_arrows(axes, random_theta, none, numbers[f"random_{name}"], np.mean(numbers[f"random_{name}"], axis=0))
        draw_gradient(axes, gradient, numbers[f"exact_{name}"])
        axes.set(aspect="equal", xlim=(0, 2), ylim=(-0.45, 1.15), xlabel="intercept θ₀",
                 xticks=np.arange(0, 2.1, 0.5), yticks=np.arange(0, 1.1, 0.5),
                 title=f"{title}: mean cosine {numbers[f'random_cosine_{name}']:.2f}")
        axes.grid(color="0.92")
    panels[0].set_ylabel("slope θ₁")
    handles = [Line2D([], [], label=LABELS[key], **STYLE[key]) for key in ("posterior", "q")]
    handles += [Line2D([], [], label="terms of the M draws", **STYLE["black"]),
                Line2D([], [], label="their average", **STYLE["green"])]
    figure.legend(handles=handles + panels[0].get_legend_handles_labels()[0], loc="outside lower center", ncols=3,
                  title=f"M = {M} gradients in the mean of q, shafts at {SHRINK} of their length", title_fontsize=9)
