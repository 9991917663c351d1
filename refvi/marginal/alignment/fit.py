"""EM for IBM model 1 on many pairs of sentences, and what the table that it finds says of new ones.

A link is a word of x beside a word of y in the same pair: they are kept in one flat list, a word of x after another, so
that a step of EM is a few passes over arrays. Shapes: T words of x in all, L links, C cells of the table that have a
link; pairs is a list of (x (n,), y (m,)), whole numbers below V and W. UA, "Lexical alignment".
"""
from typing import NamedTuple

import numpy as np

from refvi.base.checks import require_finite, require_shape
from refvi.base.optimize import never_down
from refvi.likelihood.conditional.problems import require_sentences
from refvi.marginal.alignment.rows import position_posterior, word_probabilities


class Links(NamedTuple):
    """All links of a list of pairs."""
    cell: np.ndarray            # (L,) which of the cells
    start: np.ndarray           # (T,) the first link of each word of x,
    many: np.ndarray            # (T,) and how many it has
    at: tuple                   # row (C,) and column (C,) of each cell
    shape: tuple                # (W, V) of the table


def numbered(sentences, columns):
    """Sentences as arrays of whole numbers, {word: number} given; all unknown words have one number more."""
    return [np.array([columns.get(word, len(columns)) for word in sentence], int) for sentence in sentences]


def require_pairs(pairs, shape):
    """The pairs as whole numbers; ValueError for none, for a sentence without words, a word beyond the table."""
    wrong = next((number for number, pair in enumerate(pairs) if len(pair) != 2), None)
    if wrong is not None:
        raise ValueError(f"pair {wrong} holds {len(pairs[wrong])} sentences, expected two, x and y")
    x, y = zip(*pairs) if len(pairs) else ((), ())
    return list(zip(require_sentences(x, shape[1], "pair"), require_sentences(y, shape[0], "pair")))


def links(pairs, shape):
    """The Links of a list of pairs, for a table of W words of y and V of x."""
    pairs = require_pairs(pairs, shape)
    many = np.concatenate([np.full(len(x), len(y)) for x, y in pairs])
    row = np.concatenate([np.tile(y, len(x)) for x, y in pairs])
    column = np.repeat(np.concatenate([x for x, _ in pairs]), many)
    cells, cell = np.unique(row * shape[1] + column, return_inverse=True)
    return Links(cell, np.cumsum(many) - many, many, np.divmod(cells, shape[1]), tuple(shape))


def expected(values, links):
    """(log-likelihood in nats, expected counts (C,)) of all pairs, from the table's entries (C,) at the cells."""
    shares = values[links.cell]
    total = np.add.reduceat(shares, links.start)
    shares *= np.repeat(1 / total, links.many)
    return float(np.sum(np.log(total / links.many))), np.bincount(links.cell, shares, len(values))


def maximized(counts, links, added):
    """The table of the highest expected log p(x, a) (and, if added > 0, log prior): its entries (C,) at the cells, and
    what each row (W,) has everywhere else. A row without counts is uniform.
    """
    (W, V), (row, _) = links.shape, links.at
    total = np.bincount(row, counts, W) + added * V
    rest = np.divide(added, total, out=np.full(W, 1 / V), where=total > 0)
    return (counts + added) / total[row], rest


def log_prior(values, rest, links, added):
    """added times the sum of the logarithms of the whole table: a Dirichlet prior of added + 1, up to a constant."""
    unseen = links.shape[1] - np.bincount(links.at[0], minlength=links.shape[0])
    return added * (np.sum(np.log(values)) + np.sum(unseen * np.log(rest))) if added else 0.


def fit(pairs, shape, steps=10, added=0.):
    """A Fit by EM from the uniform table: found is theta (W, V), trace the log-likelihood in nats, with log_prior.

    added: how often each word of y is imagined to have become each word of x besides; at zero, what was never seen
    together has probability zero. ValueError for pairs that are none. Ctrl-C ends it with what has been reached.
    """
    if not added >= 0:
        raise ValueError(f"added must be >= 0, got {added}: it is a number of imagined words")
    known, V = links(pairs, shape), shape[1]

    def at(values, rest):
        """What a step needs of a table: its entries, and log-likelihood and expected counts there."""
        return values, rest, *expected(values, known)

    start = at(np.full(len(known.at[0]), 1 / V), np.full(shape[0], 1 / V))
    fitted = never_down(lambda now: at(*maximized(now[3], known, added)),
                        lambda now: now[2] + log_prior(*now[:2], known, added), start, steps, "EM")
    values, rest, *_ = fitted.found
    theta = np.repeat(rest[:, None], V, axis=1)
    theta[known.at] = values
    return fitted._replace(found=theta)


def require_table(theta):
    """theta (W, V), or a ValueError where a row is no distribution."""
    theta = require_finite("theta", require_shape("theta", theta, (None, None), "(W words of y, V words of x)"))
    wrong = np.flatnonzero((np.min(theta, axis=1) < 0) | (np.abs(np.sum(theta, axis=1) - 1) > 1e-9))
    if len(wrong):
        w = wrong[0]
        raise ValueError(f"theta[{w}] sums to {np.sum(theta[w]):.10g}, its least entry is {np.min(theta[w]):.3g}: a "
                         "row holds probabilities that add up to 1, with zeros for words that were never seen together")
    return theta


def log_likelihood(pairs, theta):
    """log p(x | y, n) (N,) of every pair, in nats; minus infinity where a word of x comes from none of y."""
    theta = require_table(theta)
    with np.errstate(divide="ignore"):
        return np.array([np.sum(np.log(word_probabilities(x, y, theta))) for x, y in require_pairs(pairs, theta.shape)])


def aligned(x, y, theta):
    """The likeliest position in y (n,) of each word of x."""
    (x, y), = require_pairs([(x, y)], np.shape(theta))
    return np.argmax(position_posterior(x, y, theta), axis=1)
