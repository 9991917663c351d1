"""The gap between log evidence and bound is a stack: what the encoder does not see costs most, and training takes down its own part only.

A linear decoder of six coordinates and two correlated latent ones; sixteen training data. Left: the encoder sees the first 0 to 6 coordinates, and its training
is over. Right: it sees four, and training goes on. Bars, areas and the line, exact; dots, log p(x) less the log weight, averaged over 4000 fresh data with one
draw each, with two standard errors, on the exact sum. From 20 steps on the sum lies below its end, the optimisation gap is negative: stopping early is better.
"""
import numpy as np
from scipy import stats

from refvi.generative.gaps.rows import Moments, best_encoder, encode, ledger, mean_gap, moments_of, trained
from refvi.generative.linear_latent.model import covariance, linear, log_joint

W = np.array([[0.5, 0.6], [0.9, 0.3], [0.6, 0.8], [1.0, 0.5], [-0.3, 0.7], [0.7, -0.2]])
THETA = linear(W, np.zeros(6), sd=0.6)
N, R, RATE, FOUR = 16, 4000, 0.02, np.arange(4)
STEPS = np.array([5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320])
NAMES = {"family": ("black", "family"), "amortization": ("0.45", "amortization"), "finite_sample": ("0.68", "finite sample"), "optimisation": ("0.88", "optimisation")}


def few():
    """Sixteen data without chance: normal quantiles of equidistributed points."""
    u = np.outer(np.arange(N) + 0.5, np.sqrt([2., 3., 5., 7., 11., 13.])) % 1
    return stats.norm.ppf(u) @ np.linalg.cholesky(covariance(THETA)).T


def data(rng):
    population, sample, start = Moments(THETA.b, covariance(THETA)), moments_of(few()), np.zeros(12)
    sights = [ledger(np.arange(k), population, sample, THETA, best_encoder(np.arange(k), sample, THETA), 0, RATE) for k in range(7)]
    path, phi, done = [], start, 0
    for step in STEPS:
        phi = trained(phi, FOUR, sample, THETA, int(step - done), RATE)
        path.append(phi)
        done = step
    stages = [ledger(FOUR, population, sample, THETA, phi, 0, RATE) for phi in path]
    measured = [by_draws(rng, best_encoder(np.arange(k), sample, THETA), np.arange(k)) for k in range(7)] + [by_draws(rng, phi, FOUR) for phi in path]
    exact = [mean_gap(best_encoder(np.arange(k), sample, THETA), np.arange(k), population, THETA) for k in range(7)] + [mean_gap(phi, FOUR, population, THETA) for phi in path]
    return dict(step=STEPS, measured_gap=[m for m, _ in measured], error_gap=[e for _, e in measured], exact_gap=exact,
                **{f"{name}_seen": [gaps[name] for gaps in sights] for name in NAMES}, **{f"{name}_step": [gaps[name] for gaps in stages] for name in NAMES})


def by_draws(rng, phi, sees):
    """Mean and standard error of log p(x) - log p(x, z) + log q(z | x) over fresh x and one z each."""
    x = rng.standard_normal((R, 6)) @ np.linalg.cholesky(covariance(THETA)).T
    lam, eps = encode(phi, x, sees, THETA), rng.standard_normal((R, 2))
    z = lam[:, :2] + np.exp(lam[:, 2:]) * eps
    log_q = np.sum(stats.norm.logpdf(eps) - lam[:, 2:], axis=1)
    gap = stats.multivariate_normal.logpdf(x, THETA.b, covariance(THETA)) - log_joint(z, x, THETA) + log_q
    return gap.mean(), gap.std(ddof=1) / np.sqrt(R)


def draw(figure, step, measured_gap, error_gap, exact_gap, **parts):
    figure.set_size_inches(7.4, 3.3)
    left, right = figure.subplots(1, 2)
    seen, at = np.arange(7), np.arange(len(step))
    floor = np.zeros(7)
    for name in ("family", "amortization", "finite_sample"):
        color, label = NAMES[name]
        left.bar(seen, parts[f"{name}_seen"], 0.72, floor, color=color, edgecolor="white", linewidth=0.5, label=label)
        floor = floor + parts[f"{name}_seen"]
    floor = np.zeros(len(step))
    for name in ("family", "amortization", "finite_sample", "optimisation"):
        color, label = NAMES[name]
        right.fill_between(at, floor, floor + parts[f"{name}_step"], color=color, edgecolor="white", linewidth=0.5, label=label)
        floor = floor + parts[f"{name}_step"]
    for axes, where, part in ((left, seen, slice(0, 7)), (right, at, slice(7, None))):
        axes.errorbar(where, measured_gap[part], 2 * error_gap[part], fmt="o", color="black", markerfacecolor="white", capsize=2)
        axes.set(ylim=(0, 1.06 * np.max(exact_gap[part])), ylabel="log p(x) − ELBO (nats per datum)")
    right.plot(at, exact_gap[7:], color="black", linewidth=0.8)
    left.set(xlabel="coordinates of x that the encoder sees", title="trained to the end")
    right.set(xlabel="steps of training, four coordinates seen", title="on the way")
    right.axhline(exact_gap[6 + len(step)], color="black", linestyle=":", linewidth=1)
    right.set_xticks(at[::3], [str(s) for s in step[::3]])
    for axes in (left, right):
        axes.legend(loc="upper right", reverse=True)
