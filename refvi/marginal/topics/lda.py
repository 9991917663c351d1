"""Latent Dirichlet allocation of many words: the bound and coordinate ascent. UA, "But why latent variable modelling?"

Shapes as in assignments.py. q: Dirichlets gamma (N, K) for shares, lam (K, V) for topics, and for each word's topic
what is best beside them. Blei, Ng and Jordan (2003).
"""
import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import digamma, polygamma

from refvi.base.checks import require_count, require_positive
from refvi.base.optimize import never_down
from refvi.marginal.topics.assignments import Topics, log_beta, require_counts

BLOCK = 2**17           # numbers of what is gathered at once: it stays in cache


# ---- the bound, and its coordinates

def expected_log(a):
    """E[log theta] (..., K) under a Dirichlet a."""
    return digamma(a) - digamma(np.sum(a, axis=-1, keepdims=True))


def weighed(x, theta, beta):
    """(counts over sum_k theta beta, sparse like x; the sum of counts times the log of that), in blocks."""
    over, value, n = np.empty(x.nnz), 0., max(1, BLOCK // beta.shape[0])
    words, documents = np.ascontiguousarray(beta.T), np.repeat(np.arange(x.shape[0]), np.diff(x.indptr))
    for start in range(0, x.nnz, n):
        cut = slice(start, start + n)
        both = np.einsum("ik,ik->i", theta[documents[cut]], words[x.indices[cut]])
        over[cut] = x.data[cut] / both
        value += x.data[cut] @ np.log(both)
    return csr_matrix((over, x.indices, x.indptr), x.shape), value


def swept(x, q, eta):
    """Topics after one sweep: shares, then topics, each at its best beside the other and the topics of words."""
    beta, theta = np.exp(expected_log(q.lam)), np.exp(expected_log(q.gamma))
    gamma = q.alpha + theta * (weighed(x, theta, beta)[0] @ beta.T)
    theta = np.exp(expected_log(gamma))
    return Topics(gamma, eta + beta * (weighed(x, theta, beta)[0].T @ theta).T, q.alpha)


def gap(a, prior):
    """KL (...,) in nats from a Dirichlet a (..., K) to a prior (K,)."""
    return np.sum((a - prior) * expected_log(a), axis=-1) - log_beta(a) + log_beta(prior)


def bound(x, q, eta):
    """The evidence lower bound in nats."""
    value = weighed(x, np.exp(expected_log(q.gamma)), np.exp(expected_log(q.lam)))[1]
    return value - np.sum(gap(q.gamma, q.alpha)) - np.sum(gap(q.lam, np.full(q.lam.shape[1], float(eta))))


def prior_again(q, steps=5):
    """alpha, moved uphill: the digamma of each entry is to be that of their sum plus its mean log share, with the sum
    held (Minka 2000). The bound has a tangent there, so that no step lowers it; a step of Newton's may.
    """
    alpha, means = q.alpha, np.mean(expected_log(q.gamma), axis=0)
    for _ in range(steps):
        alpha = inverse_digamma(digamma(np.sum(alpha)) + means)
    return alpha


def inverse_digamma(y):
    """a with digamma(a) = y, by Newton's steps from Minka's start."""
    a = np.where(y > -2.22, np.exp(y) + 0.5, -1 / (y - digamma(1.)))
    for _ in range(6):
        a = a - (digamma(a) - y) / polygamma(1, a)
    return a


# ---- fits

def fit(rng, x, K, sweeps, eta=0.1, learn=True, again=prior_again):
    """A Fit of Topics after so many sweeps; with learn the prior of shares moves as well. ArithmeticError where the
    bound falls.
    """
    x, N, V = require_counts(x), *np.shape(x)
    require_count("K", K), require_count("sweeps", sweeps), require_positive("eta", eta, "counts added to each word")

    def one_sweep(q):
        q = swept(x, q, eta)
        return q._replace(alpha=again(q)) if learn else q

    start = Topics(rng.gamma(100., 0.01, (N, K)), rng.gamma(100., 0.01, (K, V)), np.full(K, 1 / K))
    return never_down(one_sweep, lambda q: bound(x, q, eta), start, sweeps, "topics")


def predicted(x, q, rounds=50):
    """Probabilities (N, V) of a further word of each of N documents, from the words x (N, V) that are seen of them."""
    topics, beta = q.lam / np.sum(q.lam, axis=1, keepdims=True), np.exp(expected_log(q.lam))
    gamma = q.alpha + np.sum(x, axis=1).reshape(-1, 1) / len(q.alpha)
    for _ in range(rounds):
        theta = np.exp(expected_log(np.asarray(gamma)))
        gamma = q.alpha + theta * (weighed(x, theta, beta)[0] @ beta.T)
    return gamma / np.sum(gamma, axis=1, keepdims=True) @ topics
