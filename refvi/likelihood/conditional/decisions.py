"""Decision rules: what to answer, given a distribution and a loss. They are no part of the model.

Shapes: loss (A, K) of A answers under K outcomes, log_p (K,) in nats; log_next(prefix) (V,), log probabilities of the
next word. UA and SA, "NN as efficient parametrisation".
"""
import autograd.numpy as np

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.special import logsumexp
from refvi.likelihood.conditional.rows import expected


def risks(loss, log_p):
    """Expected loss (A,) of every answer."""
    loss = require_finite("loss", require_shape("loss", loss, (None, None), "(A=number of answers, K of outcomes)"))
    log_p = require_shape("log_p", log_p, loss.shape[1:], "one log probability for each outcome, a column of loss")
    if not abs(np.sum(np.exp(log_p)) - 1) < 1e-6:
        raise ValueError(f"probabilities exp(log_p) sum to {np.sum(np.exp(log_p)):.6g}, must be 1: list all outcomes")
    return np.dot(loss, np.exp(log_p))


def decide(loss, log_p):
    """The answer, an index, whose expected loss is least."""
    return int(np.argmin(risks(loss, log_p)))


def tag_marginals(y, theta, p, scores):
    """P(tag | y) (n, K) at every word, from the expected pairs of neighbours."""
    return np.sum(expected(scores(y, theta), p), axis=1)


def next_word(eta):
    """log_next of a translation whose scores are eta (V + 1, V + 1): the last word decides, at first the end symbol."""
    log_p = eta - logsumexp(eta, axis=1)[:, None]
    return lambda prefix: log_p[prefix[-1] if prefix else -1]


def beam_search(log_next, length, width, end=None):
    """(words, log probability) of the best sequence found by keeping `width` prefixes, exact from V^(length - 1) on.

    A prefix that ends with the word `end` is not grown. Without it all sequences have `length` words; with it, what is
    found may be a prefix that has not ended, if length is too short.
    """
    require_count("length", length)
    require_count("width", width)
    beam = [((), 0.)]
    for _ in range(length):
        done = [(words, score) for words, score in beam if words[-1:] == (end,)]
        grown = [(words + (v,), score + log_p) for words, score in beam if words[-1:] != (end,)
                 for v, log_p in enumerate(log_next(words))]
        beam = sorted(done + grown, key=lambda item: -item[1])[:width]
    return beam[0]
