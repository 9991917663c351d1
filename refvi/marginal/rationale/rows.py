"""A verdict from a latent subset of the words, line by line: derivations/marginal/rationale.md. Learning stands in
fit.py.

Shapes: y (n,) words of a sentence, whole numbers below V; f (..., n) masks, one where a word is kept; x a verdict, 0 or
1; rho (V,) the log odds with which each word is kept; weights (V,) what a kept word adds to the log odds of x = 1,
offset what stands there without words. Where all votes are -1 or 1, weights = slope * votes. UA, "Rationale
extraction".
"""
import numpy as np

from refvi.likelihood.networks import sigmoid

MOST = 2**20        # masks that are listed


def masks(n):
    """All masks (2^n, n) of n words; ValueError where they are too many to list."""
    if 2**n > MOST:
        raise ValueError(f"{n} words have 2^{n} masks, too many to list: with votes of -1 and 1 take "
                         f"recursion_over_sums, which needs {(n + 1) * (n + 2) // 2} sums; else draw masks")
    return np.indices((2,) * n).reshape(n, 2**n).T


def mask_probability(f, y, rho):
    """p(f | y) (...,): every word is kept with a probability of its own."""
    return np.prod(sigmoid((2 * f - 1) * rho[y]), axis=-1)


def verdict_probability(x, f, y, weights, offset):
    """p(x | f, y) (...,): a word that is not kept adds nothing."""
    return sigmoid((2 * x - 1) * (offset + f @ weights[y]))


def sum_over_masks(x, y, rho, weights, offset):
    """p(x | y), all 2^n masks summed out one by one."""
    f = masks(len(y))
    return np.sum(mask_probability(f, y, rho) * verdict_probability(x, f, y, weights, offset))


def average_over_masks(eps, x, y, weights, offset):
    """Average (R,) of p(x | f, y) over S masks f = eps (R, S, n), drawn from p(f | y)."""
    return np.mean(verdict_probability(x, eps, y, weights, offset), axis=1)


def score_estimate(eps, x, y, rho, weights, offset):
    """Estimate (R, V) of the gradient of p(x | y) in rho: what a mask is worth times its score, over S masks."""
    worth = verdict_probability(x, eps, y, weights, offset)
    each = np.mean(worth[..., None] * (eps - sigmoid(rho[y])), axis=1)
    return each @ (y[:, None] == np.arange(len(rho)))


# ---- the recursion over sums: kept words that vote -1 count as dropped ones that vote 1, and all of them are taken off

def turned(y, rho, votes):
    """(n,) probabilities that a word adds one to the sum of votes, counted from the least sum there can be."""
    return sigmoid(votes[y] * rho[y])


def least_sum(y, votes):
    """Where all words that vote -1 are kept, and no others."""
    return -np.sum(votes[y] < 0)


def ahead(up):
    """(n + 1, ..., n + 1): the probability of every sum of the first 0, 1, ..., n words, up (..., n)."""
    n = up.shape[-1]
    reached = np.zeros((n + 1, *up.shape[:-1], n + 1))
    reached[0, ..., 0] = 1
    for i in range(n):
        p = up[..., i, None]
        reached[i + 1] = (1 - p) * reached[i]
        reached[i + 1, ..., 1:] += p * reached[i, ..., :-1]
    return reached


def behind(up, worth):
    """(n + 1, ..., n + 1): what is expected of worth (..., n + 1) of the whole sum, given that of the first words."""
    n = up.shape[-1]
    expected = np.empty((n + 1, *worth.shape))
    expected[n] = worth
    for i in reversed(range(n)):
        p = up[..., i, None]
        expected[i] = (1 - p) * expected[i + 1]
        expected[i, ..., :-1] += p * expected[i + 1, ..., 1:]
    return expected


def worth_of_sums(x, n, least, offset, slope):
    """p(x | sum) (..., n + 1) of every sum from the least on."""
    sums = np.asarray(least)[..., None] + np.arange(n + 1)
    return sigmoid((2 * np.asarray(x)[..., None] - 1) * (offset + slope * sums))


def recursion_over_sums(x, y, rho, votes, offset, slope):
    """p(x | y) from the distribution of the sum of votes."""
    worth = worth_of_sums(x, len(y), least_sum(y, votes), offset, slope)
    return ahead(turned(y, rho, votes))[-1] @ worth


def up_given_verdict(up, reached, expected):
    """(..., n): probabilities that a word adds one to the sum, given x."""
    joint = np.sum(reached[:-1, ..., :-1] * expected[1:, ..., 1:], axis=-1)
    return up * np.moveaxis(joint, 0, -1) / expected[0, ..., :1]


def kept_given_verdict(x, y, rho, votes, offset, slope):
    """P(f_i = 1 | x, y) (n,) of every word: what the verdict says of the mask."""
    up = turned(y, rho, votes)
    worth = worth_of_sums(x, len(y), least_sum(y, votes), offset, slope)
    given = up_given_verdict(up, ahead(up), behind(up, worth))
    return np.where(votes[y] > 0, given, 1 - given)


def posterior_less_prior(x, y, rho, votes, offset, slope):
    """Gradient (V,) of log p(x | y) in rho, by Fisher's identity."""
    delta = kept_given_verdict(x, y, rho, votes, offset, slope) - sigmoid(rho[y])
    return np.bincount(y, delta, len(rho))
