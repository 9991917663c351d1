"""Hamiltonian Monte Carlo: leapfrog, what it conserves, and chains: derivations/bayes/mcmc.md.

Shapes: z (..., D) and velocities v (..., D), masses one; log_joint(z) -> value (...,) in nats and slope (..., D), of
chains side by side (C, D); size a number, or one for each coordinate (D,), steps how many make a trajectory.
RAI, "Hamiltonian Monte Carlo (HMC)". Duane et al. (1987), Neal (2011).
"""
import warnings
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_count, require_finite, require_positive, require_shape
from refvi.generative.deep_latent.balance import accept

WANTED = 0.8        # of the accepted trajectories: Hoffman and Gelman (2014)
APART = 1000.       # nats of energy by which a trajectory has left the curve it should stay on


class Draws(NamedTuple):
    """What C chains visited, after they were warm."""
    z: np.ndarray               # (T, C, D)
    size: np.ndarray            # the step they took
    accepted: float             # share of their trajectories
    divergent: int              # how many of these had no end


def leapfrog(z, v, slope, log_joint, size, steps):
    """(z, v, value, slope) after so many steps: half a push by the slope, a move, the other half."""
    for _ in range(steps):
        v = v + 0.5 * size * slope
        z = z + size * v
        value, slope = log_joint(z)
        v = v + 0.5 * size * slope
    return z, v, value, slope


def energy(value, v):
    """H = |v|^2 / 2 - log p (...,), in nats."""
    return 0.5 * np.sum(v**2, axis=-1) - value


def trajectory(z, value, slope, v, u, log_joint, size, steps):
    """(z, value, slope, rise): where a trajectory leads if its rise of energy (...,) is accepted, u < exp(-rise)."""
    to, w, new, there = leapfrog(z, v, slope, log_joint, size, steps)
    rise = energy(new, w) - energy(value, v)
    accepted = u < accept(-rise)
    keep = accepted[..., None]
    return np.where(keep, to, z), np.where(accepted, new, value), np.where(keep, there, slope), rise


# ---- rows

def there_and_back(z, v, log_joint, size, steps):
    """z and v (..., 2 D) after a trajectory, turned around, travelled again, and turned around."""
    to, w, _, slope = leapfrog(z, v, log_joint(z)[1], log_joint, size, steps)
    back, w, _, _ = leapfrog(to, -w, slope, log_joint, size, steps)
    return np.concatenate([back, -w], axis=-1)


def on_normal(z, v, mean, precision, size, steps):
    """(z, v, rise of the energy) at the end of a trajectory, where the posterior is normal."""
    def log_joint(z):
        slope = (mean - z) @ precision
        return 0.5 * slope @ (z - mean), slope

    value, slope = log_joint(z)
    to, w, new, _ = leapfrog(z, v, slope, log_joint, size, steps)
    return to, w, energy(new, w) - energy(value, v)


def end_of_trajectory(z, v, mean, precision, size, steps):
    """z and v (2 D,) where leapfrog ends."""
    return np.concatenate(on_normal(z, v, mean, precision, size, steps)[:2])


def energy_error(z, v, mean, precision, size, steps):
    """By how much the energy has risen at the end."""
    return on_normal(z, v, mean, precision, size, steps)[2]


def error_by_slopes(z, v, mean, precision, size, steps):
    """size^2/8 times what the slope's squared length has gained: H less that part is conserved."""
    slopes = [precision @ (at - mean) for at in (on_normal(z, v, mean, precision, size, steps)[0], z)]
    return size**2 / 8 * (np.sum(slopes[0]**2) - np.sum(slopes[1]**2))


def flow_there(z, v, log_joint, size, steps):
    """p(z, v) times the probability that the trajectory is accepted, p up to a constant."""
    value, slope = log_joint(z)
    _, w, new, _ = leapfrog(z, v, slope, log_joint, size, steps)
    return np.exp(-energy(value, v)) * accept(energy(value, v) - energy(new, w))


def flow_back(z, v, log_joint, size, steps):
    """The flow from its end, with the velocity turned."""
    to, w, _, _ = leapfrog(z, v, log_joint(z)[1], log_joint, size, steps)
    value, slope = log_joint(to)
    _, w_back, new, _ = leapfrog(to, -w, slope, log_joint, size, steps)
    return np.exp(-energy(value, w)) * accept(energy(value, w) - energy(new, w_back))


def average_of_exp(eps, log_joint, size, steps):
    """exp(-rise) (R,) averaged over S draws: eps (R, S, 2) holds z and v."""
    z, v = eps[..., :1], eps[..., 1:]
    value, slope = log_joint(z)
    _, w, new, _ = leapfrog(z, v, slope, log_joint, size, steps)
    return np.mean(np.exp(energy(value, v) - energy(new, w)), axis=-1)


def turned(curvature, size, steps):
    """Leapfrog on N(0, 1/curvature) as a matrix (2, 2), z in units of its deviation: a turn, flattened."""
    flat = np.sqrt(1 - curvature * size**2 / 4)
    angle = steps * np.arccos(1 - curvature * size**2 / 2)
    return np.array([[np.cos(angle), np.sin(angle) / flat], [-flat * np.sin(angle), np.cos(angle)]])


def share_and_variance(curvature, size, steps):
    """How often a trajectory is accepted on N(0, 1/curvature), and the variance there, (2,)."""
    return np.array([4 / np.pi * np.arctan(1 / np.linalg.norm(turned(curvature, size, steps), 2)), 1 / curvature])


def draws_after_a_trajectory(eps, curvature, size, steps):
    """Share accepted and mean square (R, 2) after a trajectory from S draws: eps (R, S, 3) holds two normals, u."""
    def log_joint(z):
        return -0.5 * curvature * z[..., 0]**2, -curvature * z

    z, v, u = np.split(eps, 3, axis=-1)
    z = z / np.sqrt(curvature)
    z, _, _, rise = trajectory(z, *log_joint(z), v, u[..., 0], log_joint, size, steps)
    return np.stack([np.mean(u[..., 0] < np.exp(-rise), axis=-1), np.mean(z[..., 0]**2, axis=-1)], axis=-1)


def variance_never_rejected(curvature, size):
    """Of a chain whose trajectories, however long, are all accepted."""
    return 1 / (curvature * (1 - curvature * size**2 / 4))


# ---- chains

def run(rng, z, log_joint, draws, warm=500, size=0.1, steps=20, between=None, watch=None):
    """Draws of C chains from z (C, D), all at once, after `warm` trajectories that set the size of a step.

    Each trajectory has 1 to `steps` steps, drawn anew, so that none comes round to where it began. between(z), if
    given, is called before each, and may change what log_joint is; watch(done, draws so far) after each.
    ValueError where log_joint is not finite at z; RuntimeWarning where trajectories diverge, ArithmeticError if all do.
    """
    require_count("draws", draws), require_count("warm", warm), require_count("steps", steps)
    size = np.array(require_positive("size", size, "of a leapfrog step"), float)
    z = require_finite("z", require_shape("z", z, (None, None), "(C=number of chains, D=dimensions)"))
    value, slope = log_joint(z)
    require_finite("log_joint(z)", value, squared=False), require_finite("its slope", slope)
    kept, taken, divergent, middle = np.empty((draws, *z.shape)), 0., 0, 0.
    for t in range(1, warm + draws + 1):
        if between:
            between(z)
            value, slope = log_joint(z)
        with np.errstate(over="ignore", invalid="ignore"):
            z, value, slope, rise = trajectory(z, value, slope, rng.standard_normal(z.shape), rng.random(len(z)),
                                               log_joint, size, rng.integers(1, steps + 1))
        rise = np.where(np.isfinite(rise), rise, np.inf)
        share = np.mean(accept(-rise))
        if t <= warm:
            size = size * np.exp((share - WANTED) / t**0.6)             # Robbins and Monro (1951)
            middle = middle + np.log(size) * (2 * t > warm)
            if t == warm:
                size = np.exp(middle / (warm - warm // 2))
        else:
            kept[t - warm - 1], taken, divergent = z, taken + share / draws, divergent + np.sum(rise > APART)
        if watch:
            watch(t, kept[:max(t - warm, 0)])
    told(int(divergent), draws * len(z), size)
    return Draws(kept, size, taken, int(divergent))


def told(divergent, trajectories, size):
    """A RuntimeWarning where some trajectories diverged, an ArithmeticError where all of them did."""
    if divergent:
        what = (f"{divergent:,} of {trajectories:,} trajectories diverged: the energy rose by more than {APART:.0f} "
                f"nats with steps of size {np.max(size):.3g}; begin with a smaller size, take a longer warm-up, or "
                "scale the coordinates alike")
        if divergent == trajectories:
            raise ArithmeticError(what)
        warnings.warn(what, RuntimeWarning, stacklevel=3)
