"""The gap between log evidence and bound is a stack: what is not seen costs most, training takes down its part only.

A linear decoder of six coordinates and two correlated latent ones; sixteen training data. Left: the encoder sees the
first 0 to 6 coordinates, and its training is over. Right: it sees four, and training goes on. Bars, areas and the
line, exact; dots, log p(x) less the log weight, averaged over 4000 fresh data with one draw each, with two standard
errors, on the exact sum. From 20 steps on it lies below its end, the optimisation gap is negative (hatched): stopping
early is better.
"""
import numpy as np
from scipy import stats

from refvi.generative.gaps.encoder import Moments, best_encoder, encode, mean_gap, moments_of, trained
from refvi.generative.gaps.rows import ledger
from refvi.generative.linear_latent.model import covariance, linear, log_joint

W = np.array([[0.5, 0.6], [0.9, 0.3], [0.6, 0.8], [1.0, 0.5], [-0.3, 0.7], [0.7, -0.2]])
THETA = linear(W, np.zeros(6), sd=0.6)
N, R, RATE, FOUR = 16, 4000, 0.02, np.arange(4)
STEPS = np.array([5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320])
COLORS = {"family": "C1", "amortization": "C3", "finite_sample": "C4", "optimisation": "C2"}
SETTLED = ("family", "amortization", "finite_sample")       # before the first step of training


def few():
    """Sixteen data without chance: normal quantiles of equidistributed points."""
    u = np.outer(np.arange(N) + 0.5, np.sqrt([2., 3., 5., 7., 11., 13.])) % 1
    return stats.norm.ppf(u) @ np.linalg.cholesky(covariance(THETA)).T


def data(rng):
    population, sample = Moments(THETA.b, covariance(THETA)), moments_of(few())
    encoders = [(np.arange(k), best_encoder(sample, np.arange(k), THETA)) for k in range(7)]
    phi = np.zeros(12)
    for steps in np.diff(STEPS, prepend=0):
        phi = trained(sample, phi, FOUR, THETA, int(steps), RATE)
        encoders.append((FOUR, phi))
    ledgers = [ledger(sees, population, sample, THETA, phi, 0, RATE) for sees, phi in encoders]
    measured = np.array([by_draws(rng, phi, sees) for sees, phi in encoders])
    parts = {name: [gaps[name] for gaps in ledgers] for name in COLORS}
    return dict(step=STEPS, measured_gap=measured[:, 0], error_gap=measured[:, 1],
                exact_gap=[mean_gap(population, phi, sees, THETA) for sees, phi in encoders],
                **{f"{name}_seen": part[:7] for name, part in parts.items()},
                **{f"{name}_step": part[7:] for name, part in parts.items()})


def by_draws(rng, phi, sees):
    """Mean and standard error of log p(x) - log p(x, z) + log q(z | x) over fresh x and one z each."""
    x = rng.standard_normal((R, 6)) @ np.linalg.cholesky(covariance(THETA)).T
    lam, eps = encode(x, phi, sees, THETA), rng.standard_normal((R, 2))
    z = lam[:, :2] + np.exp(lam[:, 2:]) * eps
    log_q = np.sum(stats.norm.logpdf(eps) - lam[:, 2:], axis=1)
    gap = stats.multivariate_normal.logpdf(x, THETA.b, covariance(THETA)) - log_joint(z, x, THETA) + log_q
    return gap.mean(), gap.std(ddof=1) / np.sqrt(R)


def draw(figure, step, measured_gap, error_gap, exact_gap, **parts):
    figure.set_size_inches(7.4, 3.3)
    left, right = figure.subplots(1, 2)
    stack_seen(left, parts)
    stack_steps(right, parts)
    end = exact_gap[6 + len(step)]
    right.plot(np.arange(len(step)), exact_gap[7:], color="black", linewidth=0.8)
    right.axhline(end, color="black", linestyle=":", linewidth=1)
    for axes, part in ((left, slice(0, 7)), (right, slice(7, None))):
        axes.errorbar(np.arange(len(exact_gap[part])), measured_gap[part], 2 * error_gap[part], fmt="o", color="black",
                      markerfacecolor="white", capsize=2)
        axes.set(ylim=(0, 1.06 * np.max(exact_gap[part])), ylabel="log p(x) − ELBO (nats per datum)")
        axes.legend(loc="upper right", reverse=True)
    left.set(xlabel="coordinates of x that the encoder sees", title="trained to the end")
    right.set(xlabel="steps of training, four coordinates seen", title="on the way")
    right.set_xticks(np.arange(len(step))[::3], [str(s) for s in step[::3]])


def stack_seen(axes, parts):
    """Bars over the number of coordinates seen."""
    floor = np.zeros(7)
    for name in SETTLED:
        axes.bar(np.arange(7), parts[f"{name}_seen"], 0.72, floor, color=COLORS[name], edgecolor="white", linewidth=0.5,
                 label=name.replace("_", " "))
        floor = floor + parts[f"{name}_seen"]


def stack_steps(axes, parts):
    """Areas over the steps; the optimisation gap on top, and hatched where it is negative and takes from the others."""
    last = parts["optimisation_step"]
    at, floor = np.arange(len(last)), np.zeros(len(last))
    for name in SETTLED:
        axes.fill_between(at, floor, floor + parts[f"{name}_step"], color=COLORS[name], edgecolor="white",
                          linewidth=0.5, label=name.replace("_", " "))
        floor = floor + parts[f"{name}_step"]
    axes.fill_between(at, floor, floor + last, where=last > 0, interpolate=True, color=COLORS["optimisation"],
                      edgecolor="white", linewidth=0.5, label="optimisation")
    axes.fill_between(at, floor, floor + last, where=last < 0, interpolate=True, facecolor="none",
                      edgecolor=COLORS["optimisation"], hatch="////", linewidth=0.)
