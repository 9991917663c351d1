"""Latent Dirichlet allocation word by word, shares and topics integrated: the evidence of a few words by enumeration,
Gibbs sampling for more. UA, "But why latent variable modelling?"

Shapes: counts x (N, V) sparse, how often each word stands in each document. A document has shares (K,) of topics from a
Dirichlet alpha (K,), a topic probabilities (V,) of words from a symmetric Dirichlet eta; each of the n words has a
topic of its own, z (n,), in the order of listed(x). Griffiths and Steyvers (2004).
"""
import itertools
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import gammaln

from refvi.base.checks import require_count, require_positive
from refvi.marginal.decoders.topic_plane import require_bags

MOST = 2**20            # assignments of topics that are still enumerated


class Topics(NamedTuple):
    """What is known of shares and topics, Dirichlets, and the prior of shares."""
    gamma: np.ndarray           # (N, K)
    lam: np.ndarray             # (K, V)
    alpha: np.ndarray           # (K,)


def require_counts(x):
    """x (N, V) sparse; ValueError for what are no counts, for no words at all, or a document without one."""
    x = require_bags(x)
    empty = np.flatnonzero(np.diff(x.indptr) == 0)
    if len(empty):
        raise ValueError(f"document {empty[0]} has no word of the vocabulary: leave it out ({len(empty)} of "
                         f"{x.shape[0]} are empty)")
    return x


def log_beta(a):
    """log of the integral of a Dirichlet density without its constant (...,), a (..., K)."""
    return np.sum(gammaln(a), axis=-1) - gammaln(np.sum(a, axis=-1))


def listed(x):
    """(document (n,), word (n,)) of every word that counts x stand for."""
    x = csr_matrix(x).tocoo()
    times = x.data.astype(int)
    return np.repeat(x.row, times), np.repeat(x.col, times)


def counted(z, x, K):
    """How often each topic stands in each document (N, K), and each word in each topic (K, V)."""
    (documents, words), (N, V) = listed(x), x.shape
    of_documents, of_topics = np.zeros((N, K)), np.zeros((K, V))
    np.add.at(of_documents, (documents, z), 1)
    np.add.at(of_topics, (z, words), 1)
    return of_documents, of_topics


def evidence_over_assignments(x, alpha, eta):
    """log p(x) in nats of the words in one order, one Dirichlet-multinomial for each document and topic, the topics of
    all words summed. ValueError where those are more than MOST.
    """
    K, n = len(alpha), int(x.sum())
    if K**n > MOST:
        raise ValueError(f"{K}^{n} assignments of topics to words are too many to enumerate: climb the bound (fit), or "
                         "draw them (gibbs)")
    masses = []
    for z in itertools.product(range(K), repeat=n):
        of_documents, of_topics = counted(z, x, K)
        masses.append(np.sum(log_beta(alpha + of_documents) - log_beta(alpha))
                      + np.sum(log_beta(eta + of_topics) - log_beta(np.full(x.shape[1], eta))))
    return np.logaddexp.reduce(masses)


def redrawn(u, z, x, alpha, eta):
    """Topics z (n,) after a sweep: word by word, its topic is taken out of the counts and drawn anew given those of all
    others, with one uniform number u (n,) each.
    """
    z, (of_documents, of_topics) = np.array(z), counted(z, x, len(alpha))
    for i, (d, v) in enumerate(zip(*listed(x))):
        of_documents[d, z[i]] -= 1
        of_topics[z[i], v] -= 1
        p = np.cumsum((alpha + of_documents[d]) * (eta + of_topics[:, v]) / np.sum(eta + of_topics, axis=1))
        z[i] = np.sum(p[:-1] < u[i] * p[-1])
        of_documents[d, z[i]] += 1
        of_topics[z[i], v] += 1
    return z


def gibbs(rng, x, alpha, eta, sweeps):
    """Topics given one draw of all words' topics, where so many sweeps have led from random ones."""
    x = require_counts(x)
    require_count("sweeps", sweeps), require_positive("eta", eta, "counts added to each word")
    require_positive("alpha", alpha, "counts added to each topic")
    z = rng.integers(0, len(alpha), int(x.sum()))
    for _ in range(sweeps):
        z = redrawn(rng.random(len(z)), z, x, alpha, eta)
    of_documents, of_topics = counted(z, x, len(alpha))
    return Topics(alpha + of_documents, eta + of_topics, alpha)
