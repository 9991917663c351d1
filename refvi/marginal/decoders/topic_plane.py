"""Sentences in a plane: z ~ N(0, I) for each, its words drawn one by one from the softmax of a network of z.

The nodes are the same for all sentences, so that the network is passed through once for each node, whatever N.
Shapes: bags (N, V), sparse, how often each word stands in a sentence; sizes (D, ..., V) of the network; theta (P,).
Log probabilities in nats are of the words in their order. UA, "Examples of latent variable models".
"""
from collections import Counter

import numpy as np
from scipy.sparse import csr_matrix, issparse

from refvi.base.checks import require_count, require_finite, require_positive, require_shape
from refvi.base.optimize import adam
from refvi.base.special import logsumexp
from refvi.likelihood.mle.classifier import log_softmax
from refvi.likelihood.networks import backward, count, forward, layers, tanh
from refvi.marginal.decoders.model import standard_nodes

LEARNING = 20       # nodes on each axis while learning; more change the held-out nats in their fifth digit


def columns_of(sentences, least=20, most=0.03):
    """{word: column} of the words, spelt with letters, that stand in at least so many sentences and in at most this
    share of them: the most frequent ones stand in all kinds.
    """
    seen = Counter(word for sentence in sentences for word in set(sentence) if word[:1].isalpha())
    kept = sorted(word for word, times in seen.items() if least <= times <= most * len(sentences))
    if len(kept) < 2:
        raise ValueError(f"{len(kept)} words stand in {least} sentences or more and in at most {100 * most:g} % of "
                         f"{len(sentences)}: take fewer as `least`, or more as `most`")
    return {word: column for column, word in enumerate(kept)}


def counted(sentences, columns):
    """bags (N, V), sparse: how often each word stands in a sentence; words without a column are left out."""
    rows = [(n, columns[word]) for n, sentence in enumerate(sentences) for word in sentence if word in columns]
    places = np.array(rows, int).reshape(-1, 2).T
    return csr_matrix((np.ones(len(rows)), tuple(places)), shape=(len(sentences), len(columns)))


def require_bags(bags, V=None):
    """bags (N, V), sparse; ValueError for another shape, for counts that are not whole or negative, for no words."""
    if not issparse(bags):
        bags = require_finite("bags", require_shape("bags", bags, (None, None), "(N=sentences, V=words)"))
    bags = csr_matrix(bags)
    require_finite("the numbers of bags", bags.data)
    if V not in (None, bags.shape[1]):
        raise ValueError(f"bags has shape {bags.shape}, expected (any, {V}): a column for each of the V={V} words")
    if np.any((bags.data < 0) | (bags.data != np.rint(bags.data))):
        raise ValueError("bags holds numbers that are no counts: how often a word stands in a sentence")
    require_positive("sum of bags", bags.sum(), "there are no words: do they have columns?")
    return bags


def unigram(bags, added=0.5):
    """log p(v) (V,) from counts, each with `added`: a word's own frequency, whatever stands beside it."""
    require_positive("added", added, "a word that was never seen would have no probability")
    counts = np.asarray(require_bags(bags).sum(axis=0)).ravel() + added
    return np.log(counts / np.sum(counts))


def log_words(z, theta, sizes):
    """log probabilities (S, V) of the next word at points z (S, D)."""
    return log_softmax(forward(theta, z, sizes, tanh)[-1])


def log_joint(bags, theta, sizes, order):
    """(log of p(words) times the prior's mass (N, S) of each sentence at each node, the nodes z (S, D))."""
    bags, (z, log_w) = require_bags(bags, sizes[-1]), standard_nodes(sizes[0], order)
    log_mass = log_w - 0.5 * np.sum(z**2, axis=1) - 0.5 * sizes[0] * np.log(2 * np.pi)
    return bags @ log_words(z, theta, sizes).T + log_mass, z


def bag_log_probability(bags, theta, sizes, order=None):
    """log p (N,) of each sentence's words in their order: the integral over z of the product of their probabilities."""
    return logsumexp(log_joint(bags, theta, sizes, order)[0], axis=1)


def places(bags, theta, sizes, order=None):
    """E[z | words] (N, D): where in the plane each sentence lies."""
    joint, z = log_joint(bags, theta, sizes, order)
    return np.exp(joint - logsumexp(joint, axis=1)[:, None]) @ z


def bag_gradient(bags, theta, sizes, order=None):
    """Gradient (P,) of the sum of the log probabilities: at each node observed less expected words of all sentences,
    weighted by their posteriors.
    """
    bags = require_bags(bags, sizes[-1])
    joint, z = log_joint(bags, theta, sizes, order)
    posterior = np.exp(joint - logsumexp(joint, axis=1)[:, None])            # p(z_s | sentence n), (N, S)
    words = np.asarray(bags.sum(axis=1)).ravel() @ posterior
    expected = words[:, None] * np.exp(log_words(z, theta, sizes))
    return backward(theta, forward(theta, z, sizes, tanh), (bags.T @ posterior).T - expected, sizes, tanh)


def pull(theta, sizes, prior_sd):
    """Gradient (P,) of the log density of a prior N(0, prior_sd^2) on every weight; the biases have none."""
    toward = -theta / prior_sd**2
    for _, b in layers(toward, sizes):
        b[:] = 0.
    return toward


def slope(theta, bags, batch, sizes, prior_sd):
    """Gradient (P,) of the log posterior, estimated from the sentences batch (M,): they stand for N/M times as many."""
    share = bags.shape[0] / len(batch)
    return share * bag_gradient(bags[batch], theta, sizes, LEARNING) + pull(theta, sizes, prior_sd)


def fit(rng, bags, steps=400, M=1000, prior_sd=0.5, D=2, watch=None):
    """An Ascent of the log posterior with a prior N(0, prior_sd^2) on the D V weights of a linear map, by Adam on M
    sentences at a time, from near the unigram model.
    """
    bags = require_bags(bags)
    N, V = bags.shape
    M, sizes = min(require_count("M", M), N), (D, V)
    require_positive("prior_sd", prior_sd, "a standard deviation, not a variance or its logarithm")
    theta = 0.1 * rng.standard_normal(count(sizes))
    layers(theta, sizes)[0][1][:] = unigram(bags)

    def minibatch(theta):
        return slope(theta, bags, rng.choice(N, M, replace=False), sizes, prior_sd)

    return adam(minibatch, theta, steps, lambda t: 0.03 / (1 + t / 200), watch)
