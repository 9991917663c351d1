"""Which estimator is best depends on the integrand: paths win where f is smooth on the scale of q, scores where it
wiggles inside it.

Variances of the gradient, times the number of draws, q = N(1, 1), against the distance, curvature or frequency k of
three integrands; above in the mean, below in the log standard deviation, which at sigma = 1 is the gradient in the
standard deviation. Mohamed et al. (2020) draw the same integrands. Lines: exact, by quadrature. Marks: 1000 averages of
100 draws each, with two standard errors, which are exact too: fourth powers of a score are too heavy-tailed to be
measured. A measure-valued draw takes four evaluations of f, a score one, a path one and its slope. PML.087.
"""
import numpy as np

from refvi import normal
from refvi.gradients.laboratory.measure_valued import measure_valued, variance_of_halves, weak_noise
from refvi.gradients.laboratory.rows import base_noise, score_gradient, variance_of_path, variance_of_score
from refvi.gradients.laboratory.study import bump, cosine, quadratic, variance_study
from refvi.gradients.reparameterization.rows import path_gradient

R, S, LAM = 1000, 100, np.array([1., 0.])
FINE = 1024         # nodes of the noise's rule: exp(-10 z^2) to the fourth power is narrow
INTEGRANDS = {      # f, k of the lines, k of the marks, words
    "quadratic": (quadratic, np.linspace(-3, 3, 60), np.array([-2.75, -1.75, -0.75, .25, 1.5, 2.25, 2.75]), "(z − k)²"),
    "bump": (bump, np.geomspace(0.1, 10, 41), np.geomspace(0.1, 10, 7), "exp(−k z²)"),
    "cosine": (cosine, np.linspace(0.25, 5, 39), np.array([0.5, 1.25, 2., 2.75, 3.5, 4.25, 5.]), "cos(k z)")}
EXACT = {"score": variance_of_score, "path": variance_of_path, "halves": variance_of_halves}
STYLES = {"score": dict(color="C2", linestyle="--", marker="s", label="score function"),
          "path": dict(color="C0", linestyle="-", marker="o", label="path"),
          "halves": dict(color="C3", linestyle="-.", marker="^", label="measure-valued, coupled")}
WHAT = ("line", "measured", "error")
LOWEST = {("quadratic", 0): 3e-2, ("cosine", 0): 1e-3}      # of the axes: where a variance falls to zero


def data(rng):
    estimators = {"score": score_gradient, "path": path_gradient, "halves": (measure_valued, weak_noise())}
    numbers = {}
    for name, (f, k, at, _) in INTEGRANDS.items():
        numbers |= {f"k_{name}": k, f"at_{name}": at}
        found = [variance_study(estimators, f(v), normal, LAM, rng, R, S) for v in at]
        for kind, entry in estimators.items():
            numbers |= {f"line_{name}_{kind}": [EXACT[kind](f(v), normal, LAM, 1) for v in k],
                        f"measured_{name}_{kind}": [S * study[kind].value for study in found],
                        f"error_{name}_{kind}": [error(entry, f(v)) for v in at],
                        f"exact_{name}_{kind}": [EXACT[kind](f(v), normal, LAM, 1) for v in at]}
    return numbers


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
            for kind, style in STYLES.items():
                line, measured, errors = (numbers[f"{what}_{name}_{kind}"][:, row] for what in WHAT)
                axes.plot(numbers[f"k_{name}"], line, color=style["color"], linestyle=style["linestyle"])
                axes.errorbar(numbers[f"at_{name}"], measured, 2 * errors, capsize=2, **style | dict(linestyle="none"))
            axes.set_yscale("log")
            axes.set_ylim(bottom=LOWEST.get((name, row)))
            axes.set_xscale("log" if name == "bump" else "linear")
            axes.tick_params(labelsize=8)
        panels[0, column].set_title(f"f(z) = {label}")
        panels[1, column].set_xlabel("k")
    panels[0, 0].set_ylabel("S × variance in μ")
    panels[1, 0].set_ylabel("S × variance in log σ")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
