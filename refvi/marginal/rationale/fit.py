"""Verdicts from a latent subset of the words, learnt from many sentences at once by the recursion of rows.py.

Each word has a vote, -1 or 1, counted before; which words are heard, and what a vote is worth, is learnt. Shapes: y, a
list of N sentences (n,) of whole numbers below V; x (N,) verdicts, 0 or 1. UA, "Rationale extraction".
"""
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from refvi.base.checks import require_positive, require_shape
from refvi.likelihood.conditional.problems import require_sentences
from refvi.likelihood.mle.classifier import require_labels
from refvi.likelihood.networks import sigmoid
from refvi.marginal.rationale.rows import ahead, behind, kept_given_verdict, up_given_verdict, worth_of_sums

BLOCK = 64          # sentences of about the same length that are worked on together


class Rationale(NamedTuple):
    """How readily each word is kept, which way it votes, and what the sum of votes says of the verdict."""
    rho: np.ndarray             # (V,) log odds
    votes: np.ndarray           # (V,) -1 or 1
    offset: float
    slope: float


class Block(NamedTuple):
    """Sentences of unequal length, filled up with words that are never kept."""
    which: np.ndarray           # (B,) of all sentences
    words: np.ndarray           # (B, n)
    there: np.ndarray           # (B, n) whether a word is one


def require_votes(votes):
    """votes (V,), or a ValueError where one is neither -1 nor 1: the recursion counts whole votes."""
    votes = require_shape("votes", votes, (None,), "(V,) one for each word")
    if not np.all(np.abs(votes) == 1):
        raise ValueError(f"votes must be -1 or 1, got {votes[np.abs(votes) != 1][0]:g}: sums of other weights are all "
                         "different, sum over masks or draw them")
    return votes


def blocks(y):
    """Blocks of sentences, the short ones first."""
    order = np.argsort([len(sentence) for sentence in y], kind="stable")
    for start in range(0, len(order), BLOCK):
        which = order[start:start + BLOCK]
        there = np.arange(len(y[which[-1]])) < np.array([len(y[n]) for n in which])[:, None]
        words = np.zeros(there.shape, int)
        words[there] = np.concatenate([y[n] for n in which])
        yield Block(which, words, there)


def of_block(x, block, theta):
    """(log p(x | y) (B,), gradient (V + 2,) of their sum in rho, offset and slope) of a Block with verdicts x (B,)."""
    votes = theta.votes[block.words]
    up = np.where(block.there, sigmoid(votes * theta.rho[block.words]), 0.)
    least = -np.sum((votes < 0) & block.there, axis=1)
    worth = worth_of_sums(x, up.shape[1], least, theta.offset, theta.slope)
    reached, expected = ahead(up), behind(up, worth)
    evidence = expected[0, :, 0]
    delta = votes * (up_given_verdict(up, reached, expected) - up)
    in_rho = np.bincount(block.words.ravel(), delta.ravel(), len(theta.rho))
    pull = (2 * x[:, None] - 1) * reached[-1] * worth * (1 - worth) / evidence[:, None]
    sums = least[:, None] + np.arange(up.shape[1] + 1)
    return np.log(evidence), np.append(in_rho, [np.sum(pull), np.sum(pull * sums)])


def log_likelihood(x, y, theta):
    """log p(x_n | y_n) (N,) in nats."""
    require_votes(theta.votes)
    y = require_sentences(y, len(theta.rho), empty=True)
    x, found = require_labels(x, len(y), 2), np.empty(len(y))
    for block in blocks(y):
        found[block.which] = of_block(x[block.which], block, theta)[0]
    return found


def gradient(x, y, theta):
    """(log-likelihood in nats, its gradient (V + 2,) in rho, offset and slope)."""
    value, total = 0., np.zeros(len(theta.rho) + 2)
    for block in blocks(y):
        nats, slope = of_block(x[block.which], block, theta)
        value, total = value + np.sum(nats), total + slope
    return value, total


def fit(x, y, votes, prior_mean, prior_sd, most=60):
    """A Rationale where the log posterior is highest, by L-BFGS of at most so many steps: rho ~ N(prior_mean,
    prior_sd^2) for each word, the lower the mean the fewer words are kept.
    """
    require_positive("prior_sd", prior_sd, "a standard deviation, not a variance or its logarithm")
    if not np.isfinite(prior_mean):
        raise ValueError(f"prior_mean must be a number, got {prior_mean}: log odds of being kept")
    votes, V = require_votes(votes), len(votes)
    y = require_sentences(y, V, empty=True)
    x = require_labels(x, len(y), 2)

    def downhill(flat):
        """Minus the log posterior up to a constant, and its gradient: SciPy minimizes."""
        value, slope = gradient(x, y, Rationale(flat[:V], votes, *flat[V:]))
        off = (flat[:V] - prior_mean) / prior_sd
        return 0.5 * np.sum(off**2) - value, np.append(off / prior_sd, [0., 0.]) - slope

    start = np.append(np.full(V, float(prior_mean)), [0., 1.])
    found = minimize(downhill, start, jac=True, method="L-BFGS-B", options=dict(maxiter=most, maxcor=20)).x
    return Rationale(found[:V], votes, *found[V:])


def kept(x, y, theta):
    """P(f_i = 1 | x, y) (n,) of the words of one sentence: a rationale for the verdict x."""
    y, = require_sentences([y], len(theta.rho), empty=True)
    return kept_given_verdict(x, y, theta.rho, require_votes(theta.votes), theta.offset, theta.slope)
