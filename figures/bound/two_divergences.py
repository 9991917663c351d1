"""KL(p || q) spreads a normal over both humps of a target, KL(q || p) puts it on one: on which, its start decides.

All lines are exact: the target p grey, the closest normal by the forward divergence dashed (it has p's mean and
variance), the two optima of the reverse divergence solid and dotted. The legend gives each one's divergence in nats.
"""
import autograd.numpy as anp
import numpy as np

from refvi import Family, normal
from refvi.bound.mean_field import closest_forward, closest_reverse, mean_under_p, mean_under_q

WEIGHTS, MU, SD = np.array([0.35, 0.65]), np.array([-1.7, 1.6]), np.array([0.5, 0.65])
GRID, STEP = np.linspace(-12, 12, 1200, retstep=True)
Q = Family(normal.log_prob, normal.sample, lambda lam, order=64: (GRID, np.full(len(GRID), STEP)), normal.transport)


def log_target(z):
    first, second = (np.log(w) + normal.log_prob(z, np.array([m, np.log(s)])) for w, m, s in zip(WEIGHTS, MU, SD))
    return anp.logaddexp(first, second)


def data(rng):
    z = np.linspace(-4.5, 4.5, 301)
    forward = closest_forward(Q, np.array([0., 0.5]), log_target)
    right, left = (closest_reverse(Q, np.array([m, -0.5]), log_target) for m in (1.6, -1.7))
    nats = [mean_under_p(Q, forward, log_target), *(mean_under_q(Q, lam, log_target) for lam in (right, left))]
    return dict(z=z, target=np.exp(log_target(z)), forward=forward, right=right, left=left, nats=nats,
                density=[np.exp(normal.log_prob(z, lam)) for lam in (forward, right, left)])


def draw(figure, z, target, density, nats, **lams):
    axes = figure.add_subplot()
    axes.fill_between(z, target, color="0.85", label="target p")
    names = ["forward, KL(p ‖ q)", "reverse, KL(q ‖ p)", "reverse, other start"]
    for line, name, value, style, color in zip(density, names, nats, ["--", "-", ":"], ["C0", "C1", "C2"]):
        axes.plot(z, line, color=color, linestyle=style, label=f"{name}: {value:.2f} nats")
    axes.set(xlabel="latent variable z", ylabel="density", ylim=(0, 1.55 * density.max()),
             title="The closest normal, by two divergences")
    axes.legend(loc="upper left")
