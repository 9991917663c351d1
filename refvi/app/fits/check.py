"""Does a model make data like the real ones? One, two and three normal components on the target of a UCI set, by Gibbs
sampling: kurtosis of replicated data, transforms and nats of the half that is held out.
"""
from typing import NamedTuple

import numpy as np
from scipy.special import kolmogorov

from refvi.data import uci
from refvi.data.store import Regression
from refvi.likelihood.benefits.predictive import excess_kurtosis, gibbs, predictive, replicate

DATA = (*uci.SETS, "toy")
SWEEPS = 1000
COMPONENTS = (1, 2, 3)


class Checked(NamedTuple):
    """What one model has to say for itself."""
    kurtosis: np.ndarray        # (T,) of replicated data
    observed: float
    transforms: np.ndarray      # (n,) held-out data sent through the predictive distribution function
    nats: np.ndarray            # (n,) their log densities, in the target's own units


def toy(rng, N=400):
    """Two groups."""
    target = np.where(rng.random(N) < 0.45, rng.normal(-2, 0.8, N), rng.normal(2, 1., N))
    return Regression("toy groups", np.zeros((N, 1)), target)


def choose(rng, name):
    """The set asked for, else the heating loads, else a toy column."""
    if name in uci.SETS or name is None and uci.at_hand("energy"):
        return uci.load(name or "energy")
    return toy(rng)


def check(rng, target, K, sweeps=SWEEPS):
    """Checked, for K components fitted to a random half of the target (N,)."""
    order = rng.permutation(len(target))
    train, test = target[order[len(order) // 2:]], target[order[:len(order) // 2]]
    centre, unit = np.mean(train), np.std(train)
    draws = gibbs(rng, (train - centre) / unit, K, sweeps)
    log_p, below = predictive((test - centre) / unit, draws)
    return Checked(excess_kurtosis(replicate(rng, draws, len(train))), excess_kurtosis(train), below,
                   log_p - np.log(unit))


def share_beyond(found):
    """Twice the smaller share of replicates on either side of the observed kurtosis."""
    above = np.mean(found.kurtosis >= found.observed)
    return min(1., 2 * min(above, 1 - above))


def uniformity(transforms):
    """Kolmogorov and Smirnov's distance from the uniform, and about how often chance alone makes a larger one."""
    N, u = len(transforms), np.sort(transforms)
    distance = max(np.max(np.arange(1, N + 1) / N - u), np.max(u - np.arange(N) / N))
    return distance, float(kolmogorov(np.sqrt(N) * distance))


def run(rng, name=None):
    """The lines of the report, one for each number of components."""
    data = choose(rng, name)
    if data.name.startswith("toy") and name is None:
        yield uci.stands_in("energy")
    yield f"{data.name}: the target, half of N = {len(data.target)} to learn from, half held out"
    told = []
    for K in COMPONENTS:
        found = check(rng, data.target, K)
        low, high = np.quantile(found.kurtosis, [0.025, 0.975])
        share, (distance, chance) = share_beyond(found), uniformity(found.transforms)
        verdict = "rejected" if share < 0.01 else "passes"
        error = np.std(found.nats) / np.sqrt(len(found.nats))
        yield (f"{K} component{'s' * (K > 1)}: excess kurtosis {found.observed:.2f}, replicates {low:.2f} to "
               f"{high:.2f}, further out {share:.3f}: {verdict}")
        yield (f"    held out: {np.mean(found.nats):.3f} +- {error:.3f} nats per datum; transforms "
               f"{distance:.3f} off the uniform, by chance {chance:.3f}")
        told.append(f"{K} {verdict}")
    yield f"{data.name}: components, by their kurtosis: " + ", ".join(told)
