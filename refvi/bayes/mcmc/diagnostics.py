"""What draws of a chain are worth, and whether chains agree: derivations/bayes/mcmc.md.

Shapes: draws (T, C, ...), T of each of C chains; what is returned has the trailing axes. Geyer (1992), Gelman and Rubin
(1992), Vehtari et al. (2021).
"""
import numpy as np

from refvi.base.checks import require_finite, require_shape, spread


# ---- a chain whose value is rho times the one before, and noise, its variance one

def variance_of_average(rho, T):
    """Of the average of T values in a row."""
    return ((1 + rho) / (1 - rho) - 2 * rho * (1 - rho**T) / (T * (1 - rho)**2)) / T


def squared_averages(eps, rho):
    """The squared average (R,) of T values, averaged over S chains: eps (R, S, T)."""
    value, total = eps[..., 0], eps[..., 0]
    for t in range(1, eps.shape[-1]):
        value = rho * value + np.sqrt(1 - rho**2) * eps[..., t]
        total = total + value
    return np.mean((total / eps.shape[-1])**2, axis=-1)


# ---- any chains

def require_draws(draws):
    """draws (T, C, ...) as floats; ValueError for fewer than four of each chain, or a chain that stands."""
    meaning = "(T=draws of a chain, C=chains, ...)"
    draws = require_finite("draws", require_shape("draws", draws, (None, None, *np.shape(draws)[2:]), meaning))
    T, C = draws.shape[:2]
    if T < 4 or not C:
        raise ValueError(f"draws has shape {draws.shape}: {T} draws of {C} chains say nothing, take at least 4")
    if not np.all(spread(draws.reshape(T, -1))):
        raise ValueError("a chain stands where it began: all its draws are alike; take smaller steps")
    return draws


def within_and_between(draws):
    """(autocovariances (T, ...) averaged over chains, their variance W, variance of any draw): W, T - 1 of T parts of
    it, and what the chains' averages differ by.
    """
    T, C = draws.shape[:2]
    means = np.mean(draws, axis=0)
    power = np.abs(np.fft.rfft(draws - means, 2 * T, axis=0))**2
    covariances = np.mean(np.fft.irfft(power, axis=0)[:T] / T, axis=1)
    within = covariances[0] * T / (T - 1)
    between = np.var(means, axis=0, ddof=1) if C > 1 else 0.
    return covariances, within, covariances[0] + between


def r_hat(draws):
    """How much wider all draws lie than those of half a chain, 1 where chains have forgotten their beginnings."""
    draws = require_draws(draws)
    half = len(draws) // 2
    _, within, whole = within_and_between(np.concatenate([draws[:half], draws[-half:]], axis=1))
    return np.sqrt(whole / within)


def effective_sample_size(draws):
    """Independent draws whose average would be as good: C T over 1 + 2 (sum of autocorrelations), Geyer's way.

    Correlations are added two by two, sums that are positive for a chain that runs the same forwards and backwards, up
    to the first that is not, each no more than the one before. At most C T log10(C T).
    """
    draws = require_draws(draws)
    covariances, within, whole = within_and_between(draws)
    T, C = draws.shape[:2]
    correlations = 1 - (within - covariances) / whole
    correlations[0] = 1.
    pairs = correlations[0:T - 1:2] + correlations[1:T:2]
    counted = np.logical_and.accumulate(pairs > 0, axis=0)
    time = 2 * np.sum(np.minimum.accumulate(pairs, axis=0) * counted, axis=0) - 1
    return C * T / np.maximum(time, 1 / np.log10(C * T))
