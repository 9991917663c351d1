"""Which estimator is best depends on the integrand: paths win where f is smooth on the scale of q, scores where it wiggles inside it.

Variances of the gradient, times the number of draws, q = N(1, 1), against the curvature or distance k of three integrands; above in the mean, below in the log standard
deviation, which at sigma = 1 is the gradient in the standard deviation. Mohamed et al. (2020) draw the same integrands. Lines: exact, by quadrature.
Dots: 1000 averages of 100 draws each, with two standard errors, which are exact too: fourth powers of a score are too heavy-tailed to be
measured. A measure-valued draw takes four evaluations of f, a score one, a path one and its slope. PML.087.
"""
import numpy as np

from refvi import normal
from refvi.gradients.laboratory.measure_valued import measure_valued, variance_of_halves, weak_noise
from refvi.gradients.laboratory.rows import base_noise, score_gradient, variance_of_path, variance_of_score
from refvi.gradients.laboratory.study import bump, cosine, quadratic, variance_study
from refvi.gradients.reparameterization.rows import path_gradient

R, S, LAM = 1000, 100, np.array([1., 0.])
INTEGRANDS = {"quadratic": (quadratic, np.linspace(-3, 3, 60), np.array([-2.75, -1.75, -0.75, 0.25, 1.5, 2.25, 2.75]), "(z − k)²"),
              "bump": (bump, np.geomspace(0.1, 10, 41), np.geomspace(0.1, 10, 7), "exp(−k z²)"),
              "cosine": (cosine, np.linspace(0.25, 5, 39), np.array([0.5, 1.25, 2., 2.75, 3.5, 4.25, 5.]), "cos(k z)")}
KINDS = {"score": ("s", "0.6", "-", "score function", (score_gradient, variance_of_score)), "path": ("o", "black", "-", "path", (path_gradient, variance_of_path)),
         "halves": ("^", "0.3", "--", "measure-valued, coupled", (None, variance_of_halves))}
FINE = 1024         # nodes: exp(-10 z^2) squared is narrow, cos(5 z) squared fast


def data(rng):
    estimators, numbers = {"score": score_gradient, "path": path_gradient, "halves": (measure_valued, weak_noise())}, {}
    for name, (f, k, at, _) in INTEGRANDS.items():
        numbers |= {f"k_{name}": k, f"at_{name}": at}
        found = [variance_study(estimators, f(v), normal, LAM, rng, R, S) for v in at]
        for kind in KINDS:
            numbers |= {f"line_{name}_{kind}": [exact(kind, f(v)) for v in k], f"measured_{name}_{kind}": [S * s[kind].value for s in found],
                        f"error_{name}_{kind}": [error(estimators[kind], f(v)) for v in at], f"exact_{name}_{kind}": [exact(kind, f(v)) for v in at]}
    return numbers


def exact(kind, f):
    return KINDS[kind][4][1](f, normal, LAM, 1, *([] if kind == "halves" else [FINE]))


def error(entry, f):
    """Exact standard error of S times a sample variance of R averages of S draws, by the rule of the noise."""
    estimator, eps = entry if isinstance(entry, tuple) else (entry, base_noise(normal, LAM))
    z, p = eps.rule(1, FINE)
    off = estimator(z, f, normal, LAM)
    off = off - p @ off
    variance, fourth = p @ off**2, p @ off**4
    return np.sqrt(((fourth + 3 * (S - 1) * variance**2) / S - (R - 3) / (R - 1) * variance**2) / R)


def draw(figure, **numbers):
    figure.set_size_inches(6.6, 4.4)
    panels = figure.subplots(2, 3, sharex="col")
    for column, (name, (*_, label)) in enumerate(INTEGRANDS.items()):
        for row, axes in enumerate(panels[:, column]):
            for kind, (marker, color, line, words, _) in KINDS.items():
                axes.plot(numbers[f"k_{name}"], numbers[f"line_{name}_{kind}"][:, row], color=color, linestyle=line)
                axes.errorbar(numbers[f"at_{name}"], numbers[f"measured_{name}_{kind}"][:, row], 2 * numbers[f"error_{name}_{kind}"][:, row], fmt=marker,
                              color=color, linestyle="none", capsize=2, label=words)
            axes.set_yscale("log")
            axes.set_ylim(bottom=(3e-2 if row == 0 else None) if name == "quadratic" else 1e-3 if name == "cosine" and row == 0 else None)
            axes.set_xscale("log" if name == "bump" else "linear")
            axes.tick_params(labelsize=8)
        panels[0, column].set_title(f"f(z) = {label}")
        panels[1, column].set_xlabel("k")
    panels[0, 0].set_ylabel("S × variance in μ")
    panels[1, 0].set_ylabel("S × variance in log σ")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
