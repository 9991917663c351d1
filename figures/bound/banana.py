"""A product of normals lies inside the bend of a banana: upright axes, too short, and no trace of the dependence.

Target: z1 ~ N(0, s^2), z2 | z1 ~ N(b z1^2, t^2); its contours hold 50 and 90 percent, exactly. Dashed: those of the
product with the least KL(q || p). The bars beside the axes are one standard deviation either side, of the target and
of q.
"""
import numpy as np

from refvi import diagonal_normal
from refvi.bound.mean_field import closest_reverse, mean_under_q

WIDTH, BEND, NARROW = 1.3, 0.6, 0.45
LEVELS = np.array([0.5, 0.9])


def log_target(z):
    z1, z2 = z[..., 0], z[..., 1]
    return -0.5 * (z1 / WIDTH)**2 - 0.5 * ((z2 - BEND * z1**2) / NARROW)**2 - np.log(2 * np.pi * WIDTH * NARROW)


def data(rng):
    best = closest_reverse(diagonal_normal, np.array([0.1, 0.4, -0.5, -0.6]), log_target)
    z1, z2 = np.linspace(-3.4, 3.4, 91), np.linspace(-2.2, 6.2, 91)
    grid = np.stack(np.meshgrid(z1, z2), axis=-1)
    variance = np.array([WIDTH**2, NARROW**2 + 2 * (BEND * WIDTH**2)**2])
    return dict(z1=z1, z2=z2, log_target=log_target(grid), log_q=diagonal_normal.log_prob(grid, best), best=best,
                levels=LEVELS, mean=[0., BEND * WIDTH**2], sd=np.sqrt(variance),
                kl=mean_under_q(diagonal_normal, best, log_target))


def draw(figure, z1, z2, log_target, log_q, best, levels, mean, sd, kl):
    """Both are normals in disguise: a contour that holds the share a lies -2 log(1 - a) / 2 nats below the top."""
    axes = figure.add_subplot()
    below = np.sort(np.log(1 - levels))
    axes.contour(z1, z2, log_target + np.log(2 * np.pi * WIDTH * NARROW), below, colors="C0", linestyles="-")
    axes.contour(z1, z2, log_q + np.log(2 * np.pi) + np.sum(best[2:]), below, colors="C2", linestyles="--")
    axes.plot([], [], color="C0", label="target: 50 and 90 %")
    axes.plot([], [], color="C2", linestyle="--", label=f"closest product, {kl:.2f} nats away")
    axes.errorbar([mean[0]], [-1.5], xerr=[sd[0]], fmt="o", color="C0", capsize=3)
    axes.errorbar([best[0]], [-1.85], xerr=[np.exp(best[2])], fmt="s", color="C2", capsize=3)
    axes.errorbar([-3.0], [mean[1]], yerr=[sd[1]], fmt="o", color="C0", capsize=3)
    axes.errorbar([-2.75], [best[1]], yerr=[np.exp(best[3])], fmt="s", color="C2", capsize=3)
    axes.set(xlabel="first latent variable z₁", ylabel="second latent variable z₂", ylim=(-2.2, 6.2))
    axes.legend(loc="upper center")
