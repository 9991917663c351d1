"""Left: forty steps of a random walk and forty trajectories of Hamiltonian Monte Carlo from the same place on a normal
with correlation 0.95 (contours: half and nine tenths of it): both keep the target, but the walk has hardly moved.
Right: the variance that chains come to over the target's, against the size of a step in units of the target's
deviation. Dots: the variance of 20,000 chains after 150 steps, two standard errors; lines: exact. Langevin's steps and
friction, which reject nothing, are too wide and grow with the step; Hamiltonian Monte Carlo is right at every step.
RAI.026 to RAI.029.
"""
import numpy as np

from refvi.bayes.mcmc.hmc import trajectory, variance_never_rejected
from refvi.bayes.mcmc.rows import random_walk
from refvi.bayes.mcmc.stochastic import covariance_with_friction, langevin, pushed

SIZE = (7.2, 3.2)
COVARIANCE = np.array([[1., 0.95], [0.95, 1.]])
CURVATURE, FRICTION, SLOPE_SD = 1., 0.5, 0.55    # of the target, the friction and the slope's noise on the right
C, STEPS = 20_000, 150
SIZES = np.linspace(0.3, 1.2, 7)


def log_joint(z):
    """Of the correlated normal: value (...,) and slope (..., 2)."""
    slope = -z @ np.linalg.inv(COVARIANCE)
    return 0.5 * np.sum(slope * z, axis=-1), slope


def plain(z):
    """Of the normal on the right."""
    return -0.5 * CURVATURE * z[..., 0]**2, -CURVATURE * z


def paths(rng):
    """Forty places (41, 2) of a random walk and of trajectories, from the same start."""
    start = np.array([[-1.5, -1.6]])
    walk, _ = random_walk(rng, start, lambda z: log_joint(z)[0], 40, 0.3)
    z, (value, slope), jumps = start, log_joint(start), []
    for _ in range(40):
        z, value, slope, _ = trajectory(z, value, slope, rng.standard_normal((1, 2)), rng.random(1), log_joint, 0.3,
                                        rng.integers(1, 16))
        jumps.append(z)
    return [np.concatenate([start, np.array(found)[:, 0]]) for found in (walk, jumps)]


def variances(rng, size):
    """Of C chains each after STEPS steps of this size: of Langevin's, with friction, with trajectories of three."""
    z = v = y = x = np.zeros((C, 1))
    value, slope = plain(x)
    for _ in range(STEPS):
        z = langevin(z, -CURVATURE * z, rng.standard_normal((C, 1)), size**2)
        noisy = -CURVATURE * y + SLOPE_SD * rng.standard_normal((C, 1))
        y, v = pushed(y, v, noisy, rng.standard_normal((C, 1)), size, FRICTION)
        x, value, slope, _ = trajectory(x, value, slope, rng.standard_normal((C, 1)), rng.random(C), plain, size, 3)
    return [np.mean(values**2) * CURVATURE for values in (z, y, x)]


def data(rng):
    walk, jumps = paths(rng)
    measured = np.transpose([variances(rng, size) for size in SIZES])
    exact = {"langevin": variance_never_rejected(CURVATURE, SIZES) * CURVATURE,
             "friction": np.array([CURVATURE * covariance_with_friction(np.eye(1) * CURVATURE, size, FRICTION, SLOPE_SD,
                                                                        0.)[0, 0] for size in SIZES]),
             "hmc": np.ones(len(SIZES))}
    found = dict(random_walk=walk, random_jumps=jumps, size=SIZES)
    for (name, line), dots in zip(exact.items(), measured):
        found |= {f"measured_{name}": dots, f"error_{name}": line * np.sqrt(2 / C), f"exact_{name}": line}
    return found


def draw(figure, random_walk, random_jumps, size, **compared):
    left, right = figure.subplots(1, 2)
    angle = np.linspace(0, 2 * np.pi, 200)
    for share in (0.5, 0.9):
        ring = np.sqrt(-2 * np.log(1 - share)) * np.linalg.cholesky(COVARIANCE) @ [np.cos(angle), np.sin(angle)]
        left.plot(*ring, color="0.7", linewidth=1)
    left.plot(*random_jumps.T, "o-", color="C0", markersize=3, linewidth=0.3, label="HMC")
    left.plot(*random_walk.T, "s--", color="C2", markersize=3, linewidth=1, label="random walk")
    left.set(xlabel="first weight", ylabel="second weight", title="Forty steps each", aspect="equal")
    left.legend(loc="upper left")
    for name, label, colour, style, mark in (("friction", "friction, noisy slopes", "C1", ":", "^"),
                                             ("langevin", "Langevin", "C2", "--", "s"), ("hmc", "HMC", "C0", "-", "o")):
        right.plot(size, compared[f"exact_{name}"], color=colour, linestyle=style)
        right.errorbar(size, compared[f"measured_{name}"], 2 * compared[f"error_{name}"], fmt=mark, color=colour,
                       markersize=4, label=label)
    right.set(xlabel="size of a step", ylabel="variance over the target's", title="What chains come to",
              ylim=(0.9, None))
    right.legend(loc="upper left")
