"""Four ways up one likelihood: small steps creep, steps near the limit jump across, Adam overshoots, minibatches
stray.

The log-likelihood of a normal in (mu, log sigma) for 30 data, below its maximum in nats; each path has 40 steps from
one start. Moved by hand: the first panel's step.
"""
import numpy as np

from refvi import normal
from refvi.base.optimize import adam, gradient_ascent, robbins_monro
from refvi.likelihood.mle.rows import minibatch_gradient, sum_of_gradients, without_replacement

SIZE, FRAME_SIZE = (7.2, 5), (5.2, 3.6)
N, STEPS, M = 30, 40, 5
X = 0.8 + 1.5 * np.sin(1.7 * np.arange(N)) + 0.5 * np.cos(0.3 * np.arange(N)**1.5)
START = np.array([-1.0, 1.25])
SHARES = np.linspace(0.05, 1.1, 22)
SLIDER = ("step, as a share of the largest stable one", [f"{share:.2f}" for share in SHARES])


def data(rng):
    top = np.array([X.mean(), np.log(X.std())])
    mu, log_sigma = np.linspace(-1.6, 3.2, 45), np.linspace(-0.35, 1.6, 45)
    grid = np.stack(np.meshgrid(mu, log_sigma, indexing="xy"), axis=-1)
    surface = np.sum(normal.log_prob(X, grid[:, :, None, :]), axis=-1) - np.sum(normal.log_prob(X, top))
    limit = 2 / (2 * N)         # the curvature at the top is N / sigma^2 in mu and 2 N in log sigma, the larger here
    eps = without_replacement(N)

    def exact(theta):
        return sum_of_gradients(normal.log_prob, X, theta)

    def minibatch(theta):
        return minibatch_gradient(eps.draw(rng, 1, M), normal.log_prob, X, theta)[0]

    return dict(mu=mu, log_sigma=log_sigma, surface=surface, top=top, small=path(gradient_ascent, exact, 0.15 * limit),
                large=path(gradient_ascent, exact, 0.92 * limit), adam=path(adam, exact, 0.15),
                sweep=[path(gradient_ascent, exact, share * limit) for share in SHARES],
                random_minibatch=path(gradient_ascent, minibatch, robbins_monro(0.4 * limit, delay=20)))


def path(ascend, gradient, rate):
    """Every point of an ascent from START, (STEPS + 1, 2)."""
    points = [START]
    ascend(gradient, START, STEPS, rate, lambda step, theta: points.append(theta.copy()))
    return np.array(points)


def draw(figure, small, large, adam, random_minibatch, sweep, **numbers):
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    ways = (("0.15 of the largest stable step", small), ("0.92 of it", large), ("Adam", adam),
            (f"minibatches of {M}, shrinking steps", random_minibatch))
    for axes, (title, points) in zip(panels.flat, ways):
        draw_path(axes, points, **numbers)
        axes.set_title(title)
    for axes in panels[1]:
        axes.set_xlabel("mean μ")
    for axes in panels[:, 0]:
        axes.set_ylabel("log standard deviation log σ")


def draw_path(axes, points, mu, log_sigma, surface, top):
    contours = axes.contour(mu, log_sigma, surface, levels=[-32, -16, -8, -4, -2, -1, -0.5], colors="0.75",
                            linewidths=0.8, linestyles="-")
    axes.clabel(contours, fontsize=7, fmt="%g")
    axes.plot(*points.T, ".-", markersize=4, linewidth=0.8, color="C1")
    axes.plot(*top, "*", color="C2", markersize=11, zorder=3)
    axes.set(xlim=(mu[0], mu[-1]), ylim=(log_sigma[0], log_sigma[-1]))


def draw_frame(figure, frame, sweep, mu, log_sigma, surface, top, **others):
    """The path with one step size."""
    axes, points = figure.add_subplot(), sweep[frame]
    draw_path(axes, points, mu, log_sigma, surface, top)
    axes.set(xlabel="mean μ", ylabel="log standard deviation log σ",
             title=f"after {STEPS} steps {np.linalg.norm(points[-1] - top):.2g} from the top")
