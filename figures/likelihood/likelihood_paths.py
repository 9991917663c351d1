"""Four ways up one likelihood: small steps creep, steps near the limit zigzag, Adam overshoots and turns back, minibatches wander around the top.

The log-likelihood of a normal in (mu, log sigma) for 30 data, below its maximum in nats; each path has 40 steps from the same start.
"""
import numpy as np

from refvi import normal
from refvi.base.optimize import adam, gradient_ascent, robbins_monro
from refvi.likelihood.mle.rows import minibatch_gradient, sum_of_gradients, without_replacement

N, STEPS, M = 30, 40, 5
X = 0.8 + 1.5 * np.sin(1.7 * np.arange(N)) + 0.5 * np.cos(0.3 * np.arange(N)**1.5)
START = np.array([-1.0, 1.25])


def data(rng):
    top = np.array([X.mean(), np.log(X.std())])
    mu, log_sigma = np.linspace(-1.6, 3.2, 45), np.linspace(-0.35, 1.6, 45)
    grid = np.stack(np.meshgrid(mu, log_sigma, indexing="xy"), axis=-1)
    surface = np.sum(normal.log_prob(X, grid[:, :, None, :]), axis=-1) - np.sum(normal.log_prob(X, top))
    limit = 2 / (2 * N)         # the curvature at the top is N / sigma^2 in mu and 2 N in log sigma, the larger one here
    eps = without_replacement(N)

    def exact(theta):
        return sum_of_gradients(normal.log_prob, X, theta)

    def minibatch(theta):
        return minibatch_gradient(eps.draw(rng, 1, M), normal.log_prob, X, theta)[0]

    return dict(mu=mu, log_sigma=log_sigma, surface=surface, top=top, small=path(gradient_ascent, exact, 0.15 * limit),
                large=path(gradient_ascent, exact, 0.92 * limit),
                adam=path(adam, exact, 0.15), random_minibatch=path(gradient_ascent, minibatch, robbins_monro(0.4 * limit, delay=20)))


def path(ascend, gradient, rate):
    """Every point of an ascent from START, (STEPS + 1, 2)."""
    points = [START]
    ascend(gradient, START, STEPS, rate, lambda step, theta: points.append(theta.copy()))
    return np.array(points)


def draw(figure, mu, log_sigma, surface, top, small, large, adam, random_minibatch):
    axes = figure.add_subplot()
    contours = axes.contour(mu, log_sigma, surface, levels=[-32, -16, -8, -4, -2, -1, -0.5],
                             colors="0.75", linewidths=0.8, linestyles="-")
    axes.clabel(contours, fontsize=7, fmt="%g")
    for points, marker, color, label in ((small, ".", "0.55", "small steps"), (large, "s", "black", "0.92 of the limit"), (adam, "^", "0.35", "Adam"),
                                         (random_minibatch, "x", "0.1", f"minibatches of {M}")):
        axes.plot(*points.T, marker=marker, markersize=3, linewidth=0.7, color=color, label=label)
    axes.plot(*top, "*", color="red", markersize=10)
    axes.set(xlabel="mean μ", ylabel="log standard deviation log σ", xlim=(mu[0], mu[-1]), ylim=(log_sigma[0], log_sigma[-1]),
             title="log-likelihood below its maximum (star), in nats")
    axes.legend(loc="upper right")
