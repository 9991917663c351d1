"""Language models from sentences: their vocabulary, the climb, held-out nats, likely sentences.

Shapes as in model.py. UA, "Examples: Language modelling".
"""
from collections import Counter

import numpy as np

from refvi.base.checks import require_count
from refvi.base.optimize import adam
from refvi.base.special import logsumexp
from refvi.likelihood.conditional.problems import cut
from refvi.marginal.language.model import forward, log_probability, padded, prior_nodes
from refvi.marginal.language.rows import marginal_and_gradient

UNKNOWN = "(unknown)"
BLOCK = 200             # sentences held as floats at once where no gradient is needed


def vocabulary(sentences, V):
    """{word: integer} of the V - 1 commonest words, then of UNKNOWN, which stands for all others."""
    counts = Counter(word for sentence in sentences for word in sentence if word != UNKNOWN)
    if not counts:
        raise ValueError(f"{len(sentences)} sentences without a word: there is no vocabulary")
    require_count("V", V)
    kept = sorted(counts, key=lambda word: (-counts[word], word))[:V - 1]
    return {word: v for v, word in enumerate([*kept, UNKNOWN])}


def encoded(sentences, columns):
    """Sentences of integers, those of words without a column being that of UNKNOWN."""
    return [[columns.get(word, columns[UNKNOWN]) for word in sentence] for sentence in sentences]


def initial(rng, sizes, dtype=np.float32):
    """Random weights, with what z says large enough to be heard."""
    theta = np.zeros(sizes.P, dtype)
    into, across, from_z, out, _ = cut(theta, *sizes.shapes)
    for table, sd in ((into, 0.5), (across, 0.5 / np.sqrt(sizes.H)), (from_z, 1.), (out, 1 / np.sqrt(sizes.H))):
        table[:] = sd * rng.standard_normal(table.shape)
    return theta


def opened(rng, theta, sizes):
    """theta of a model without a sentence space, as one of these sizes begins that has one, which says little yet."""
    theta_of, tables = 0.2 * initial(rng, sizes), cut(theta, *sizes._replace(D=0).shapes)
    for table, known in zip(cut(theta_of, *sizes.shapes), tables):
        table[:len(known)] = known
    return theta_of


def fit(rng, sentences, sizes, epochs, order=10, M=32, rate=0.01, start=None, watch=None):
    """An Ascent of the log marginal by Adam on minibatches of M sentences, reshuffled every epoch, the space on order
    nodes for each of its dimensions; a normal prior of unit variance on all weights keeps them finite.

    start: theta (P,) to begin with. watch(step, theta) is called after every step.
    """
    N, nodes = len(sentences), [part.astype(np.float32) for part in prior_nodes(sizes.D, order)]
    padded(sentences, sizes.V)
    M = min(require_count("M", M), N)
    total = require_count("epochs", epochs) * (N // M)
    batches = (batch for _ in range(epochs) for batch in rng.permutation(N)[:N // M * M].reshape(-1, M))

    def minibatch(theta):
        batch = padded([sentences[n] for n in next(batches)], sizes.V)
        return marginal_and_gradient(theta, batch, sizes, nodes)[1] / M - theta / N

    start = initial(rng, sizes) if start is None else start
    return adam(minibatch, start, total, lambda t: rate * (1 - 0.95 * t / total), watch)


def log_joint(theta, sentences, sizes, order):
    """log w_i p(x_b | z_i) (n, N) on the nodes of the prior, block by block."""
    z, w = prior_nodes(sizes.D, order)
    theta = theta.astype(float)
    blocks = [sentences[start:start + BLOCK] for start in range(0, len(sentences), BLOCK)]
    return np.log(w)[:, None] + np.concatenate([log_probability(theta, z, block, sizes) for block in blocks], axis=1)


def log_marginal(theta, sentences, sizes, order=40):
    """log p(x_n) (N,) in nats of sentences with their ends."""
    return logsumexp(log_joint(theta, sentences, sizes, order), axis=0)


def codes(theta, sentences, sizes, order=40):
    """Posterior means of z (N, D)."""
    joint = log_joint(theta, sentences, sizes, order)
    return np.exp(joint - logsumexp(joint, axis=0)).T @ prior_nodes(sizes.D, order)[0]


def likeliest(theta, z, sizes, longest, without=()):
    """The sentence at one point z (D,) that takes the likeliest next word each time, but for words to be left out."""
    words = []
    while len(words) < longest:
        table = forward(theta, np.asarray(z)[None], padded([words], sizes.V), sizes)[1][-1][0, 0].copy()
        table[list(without)] = -np.inf
        if np.argmax(table) == sizes.V:
            break
        words.append(int(np.argmax(table)))
    return words
