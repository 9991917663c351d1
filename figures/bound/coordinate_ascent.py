"""Sweeps reach the floor that factorizing sets in ten or in two; stochastic gradients take tens of steps, or hundreds.

A regression with two correlated weights, and mean and precision of a normal with six data. Left: the regression's
exact bound after each sweep (dots) on the line that the powers of one matrix give, and along one run of stochastic
gradients on the same factors. Right: the distance from the log evidence for both models; dots from the bound, lines
from the powers, or from the divergence by quadrature over the plane. Dotted: the divergence of the best factors.
"""
import numpy as np

from refvi import diagonal_normal
from refvi.base import models
from refvi.base.optimize import robbins_monro
from refvi.bound.coordinate_ascent import black_box, gaussian, regression
from refvi.bound.coordinate_ascent.posterior import posterior
from refvi.gradients.bbvi.algorithm import bbvi

SIZE = (7.2, 3.4)
THETA = models.regression(np.column_stack([np.ones(12), np.linspace(0, 3, 12)]), prior_sd=2., noise_sd=0.5)
X = 1.5 - 0.8 * THETA.y[:, 1] + 0.4 * np.sin(2 * np.arange(12))
SIX, PRIOR = gaussian.Data(6, 3., 7.5), gaussian.prior(mean=0., precision=0.04, shape=1., rate=1.)
STEPS, SWEEPS, S = 800, 24, 16
AT = np.unique(np.geomspace(1, STEPS, 80).astype(int))


def data(rng):
    means, six = [np.zeros(2)], [black_box.factors_of(np.zeros(4))]
    for _ in range(SWEEPS):
        means.append(regression.sweep(means[-1], X, THETA))
        six.append(gaussian.sweep(six[-1], SIX, PRIOR))
    evidence, evidence_six = models.log_evidence(X, THETA), posterior(SIX, PRIOR).log_evidence
    line = np.linspace(1, SWEEPS, 4 * SWEEPS - 3)
    path = stochastic(lambda z: models.linear_gaussian.log_joint(z, X, THETA), diagonal_normal,
                      regression.lam_of(means[0], X, THETA), rng)
    path_six = stochastic(lambda z: black_box.log_joint(z, SIX, PRIOR), black_box.factors, np.zeros(4), rng)
    return dict(sweep=np.arange(1, SWEEPS + 1), line=line, step=AT, log_evidence=evidence,
                elbo=[regression.bound_at(mean, X, THETA) for mean in means[1:]],
                gap_line=[gap_by_power(means[0], s) for s in line],
                gap_six=[evidence_six - bound_of_six(q) for q in six[1:]],
                divergence_six=[divergence(q, evidence_six) for q in six[1:]],
                random_elbo=[models.elbo(lam, X, THETA) for lam in path],
                random_gap_six=[evidence_six - bound_of_six(black_box.factors_of(lam)) for lam in path_six])


def bound_of_six(q):
    return gaussian.five_terms(SIX, PRIOR, q)


def stochastic(log_joint, q, lam, rng):
    """The points AT of one run."""
    path = [lam]
    rates = robbins_monro(0.05, delay=300)
    bbvi(log_joint, q, lam, rng, STEPS, S, rates, watch=lambda step, lam: path.append(lam.copy()))
    return [path[step] for step in AT]


def gap_by_power(start, t):
    """Log evidence less the bound after t >= 1 sweeps; two weights have one rate, so t need not be whole."""
    Lambda, h = regression.normal_equations(X, THETA)
    rate = Lambda[0, 1]**2 / (Lambda[0, 0] * Lambda[1, 1])
    second = (start - np.linalg.solve(Lambda, h))[1] * rate**t
    first = -Lambda[0, 1] / Lambda[0, 0] * second / rate        # answers the second's, a sweep earlier
    off = np.array([first, second])
    return 0.5 * (off @ Lambda @ off - np.linalg.slogdet(Lambda)[1] + np.log(np.diag(Lambda)).sum())


def divergence(q, evidence):
    """KL(q || posterior) of the normal model on the nodes of q."""
    lam = black_box.lam_of(q)
    z, w = black_box.factors.nodes(lam, 80)
    log_q = black_box.factors.log_prob(z, lam)
    return np.sum(w * np.exp(log_q) * (log_q - black_box.log_joint(z, SIX, PRIOR) + evidence))


def draw(figure, sweep, line, step, log_evidence, elbo, gap_line, gap_six, divergence_six, random_elbo, random_gap_six):
    left, right = figure.subplots(1, 2)
    left.axhline(log_evidence, color="C0", linestyle="--", linewidth=1)
    left.annotate(f"log evidence {log_evidence:.2f}", (1, log_evidence), (0, 4), textcoords="offset points", fontsize=9)
    left.plot(step, random_elbo, color="C2", label="regression, stochastic")
    left.plot(line, log_evidence - gap_line, color="C1", linewidth=0.8)
    left.plot(sweep, elbo, "o", color="C1", label="regression, sweeps")
    left.set(ylim=(log_evidence - 14, log_evidence + 3), ylabel="ELBO (nats)", title="regression, two weights")
    left.legend(loc="lower right")
    draw_gap(right, sweep, log_evidence - elbo, line, gap_line, "o", "C1", "regression, sweeps")
    right.plot(step, log_evidence - random_elbo, color="C2", label="regression, stochastic")
    draw_gap(right, sweep, gap_six, sweep, divergence_six, "s", "C0", "normal, sweeps")
    right.plot(step, random_gap_six, color="C4", linestyle="-.", label="normal, stochastic")
    right.set(yscale="log", ylim=(0.03, 1000), ylabel="log evidence − ELBO (nats)", title="what is left")
    right.legend(loc="upper right")
    for axes in (left, right):
        axes.set(xscale="log", xlabel="sweep, or step")


def draw_gap(axes, sweep, dots, at, line, marker, color, label):
    """One model's distance after each sweep, its line, and the floor with its height in nats."""
    axes.plot(at, line, color=color, linewidth=0.8)
    axes.plot(sweep, dots, marker, color=color, markersize=3.5, label=label)
    axes.axhline(line[-1], color=color, linestyle=":", linewidth=1)
    axes.annotate(f"{line[-1]:.3f}", (1, line[-1]), (0, -3), textcoords="offset points", va="top", fontsize=9)
