"""The variance of a score-function gradient grows with the dimension, that of a path gradient does not.

The sum of D terms (z_d - 1)^2 under D independent normals N(0, 1/4), the gradient in the first mean from 64 draws.
Lines: exact; marks: 1000 estimates each with two standard errors. Without a baseline the mean of the other terms grows
as D, its square as D^2; the other draws as a baseline leave the terms' variance, which grows as D.
"""
import autograd.numpy as anp
import numpy as np

from refvi import diagonal_normal, normal
from refvi.gradients.laboratory.rows import others_gradient, score_gradient, score_of_one_of_many, variance_of_path
from refvi.gradients.laboratory.study import quadratic, variance_study
from refvi.gradients.reparameterization.rows import path_gradient

R, S, K, SD = 1000, 64, 1., 0.5
D = np.array([1, 2, 4, 8, 16])
ESTIMATORS = {"score": score_gradient, "others": others_gradient, "path": path_gradient}
STYLES = {"score": dict(color="C2", linestyle="--", marker="s", label="score function"),
          "others": dict(color="C1", linestyle="-.", marker="D", label="score, leave one out"),
          "path": dict(color="C0", linestyle="-", marker="o", label="path")}


def total(z, lam=None):
    return anp.sum((z - K)**2, axis=-1)


def at(dimension):
    return np.concatenate([np.zeros(dimension), np.full(dimension, np.log(SD))])


def data(rng):
    found = [variance_study(ESTIMATORS, total, diagonal_normal, at(d), rng, R, S) for d in D]
    path = variance_of_path(quadratic(K), normal, at(1), S)[0]
    numbers = dict(D=D, exact_path=np.full(len(D), path))
    numbers |= dict(exact_score=[score(d) for d in D], exact_others=[others(d) for d in D])
    for kind in ESTIMATORS:
        numbers |= {f"measured_{kind}": [study[kind].value[0] for study in found],
                    f"error_{kind}": [study[kind].error[0] for study in found]}
    return numbers


def score(dimension):
    return score_of_one_of_many([quadratic(K)] * dimension, normal, at(dimension), S)[0]


def others(dimension):
    """The baseline E[f] at once, and its price: 1 / (S (S - 1)) times Var[f] E[u^2] and the squared gradient."""
    mean, variance = K**2 + SD**2, 4 * K**2 * SD**2 + 2 * SD**4
    centred = [lambda z: (z - K)**2 - mean] * dimension
    price = (dimension * variance / SD**2 + 4 * K**2) / (S * (S - 1))
    return score_of_one_of_many(centred, normal, at(dimension), S)[0] + price


def draw(figure, D, **numbers):
    axes = figure.add_subplot()
    for kind, style in STYLES.items():
        exact, measured, errors = (numbers[f"{what}_{kind}"] for what in ("exact", "measured", "error"))
        axes.plot(D, exact, color=style["color"], linestyle=style["linestyle"])
        axes.errorbar(D, measured, 2 * errors, capsize=2, **style | dict(linestyle="none"))
        axes.text(18, exact[-1], style["label"], color=style["color"], va="center", fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set(xlim=(0.85, 64), xlabel="dimension D", ylabel="variance of the gradient in μ₁",
             title="A sum of D terms, 64 draws: exact lines, measured marks")
    axes.set_xticks(D, [f"{d}" for d in D])
    axes.tick_params(which="minor", labelbottom=False)
