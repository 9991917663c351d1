"""Sentiment from a bag of words: naive Bayes by counting, logistic regression by climbing. UA, "Multiple problems, same
language".

Shapes: y (N, V) sparse, one where a word of the vocabulary stands in a sentence; x (N,) labels, 0 or 1; theta (V + 1,):
what each word adds to the logit of label 1, then the offset. It is class_scores of two classes with one score held
at zero.
"""
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, issparse

from refvi.base.checks import require_finite, require_positive, require_shape, require_some
from refvi.likelihood.heads import bernoulli_log_prob
from refvi.likelihood.mle.classifier import require_labels
from refvi.likelihood.networks import sigmoid


class Found(NamedTuple):
    """Where the climb ended."""
    theta: np.ndarray           # (V + 1,)
    slope: float                # length of the gradient there, zero at the top


def vocabulary(sentences, least=2):
    """{word: column} of the words that stand in at least so many sentences, in the order of their letters."""
    counts = {}
    for sentence in sentences:
        for word in set(sentence):
            counts[word] = counts.get(word, 0) + 1
    kept = sorted(word for word, count in counts.items() if count >= least)
    if not kept:
        raise ValueError(f"no word stands in {least} of {len(sentences)} sentences: there is no vocabulary")
    return {word: column for column, word in enumerate(kept)}


def bags(sentences, columns):
    """y (N, V), sparse: which words stand in a sentence; words without a column are left out."""
    found = [sorted({columns[word] for word in sentence if word in columns}) for sentence in sentences]
    ends = np.cumsum([0, *map(len, found)])
    return csr_matrix((np.ones(ends[-1]), [column for row in found for column in row], ends),
                      shape=(len(sentences), len(columns)))


def require_bags(y):
    """y (N, V), sparse; ValueError for a table of numbers that are not all zero or one, or for none."""
    if issparse(y):
        return csr_matrix(y)
    y = require_finite("y", require_some("y", require_shape("y", y, (None, None), "(N=sentences, V=words)")))
    odd = y[(y != 0) & (y != 1)]
    if odd.size:
        raise ValueError(f"y holds {odd[0]:g}, expected zeros and ones: whether a word stands in a sentence")
    return csr_matrix(y)


def logits(theta, y):
    """(N,) log odds of label 1."""
    y = require_bags(y)
    if np.shape(theta) != (y.shape[1] + 1,):
        raise ValueError(f"theta has shape {np.shape(theta)}, expected ({y.shape[1] + 1},): a weight for each of the "
                         f"V={y.shape[1]} words, then the offset")
    return y @ theta[:-1] + theta[-1]


def log_likelihood(theta, x, y):
    """log p(x_n | y_n) (N,) in nats."""
    y = require_bags(y)
    x = require_labels(x, y.shape[0], 2)
    return bernoulli_log_prob(x[:, None], logits(theta, y)[:, None])


def naive_bayes(x, y, added=1.):
    """theta from counts, each with `added`: log ratio of the probabilities that a word stands in a sentence of either
    label. What a word says by not being there is left out.
    """
    require_positive("added", added, "a word seen with one label only would decide alone")
    y = require_bags(y)
    x = require_labels(x, y.shape[0], 2)
    counts = np.stack([np.asarray(y[x == k].sum(axis=0)).ravel() + added for k in (0, 1)])
    sizes = np.array([np.sum(x == k) for k in (0, 1)])
    if not np.all(sizes):
        raise ValueError(f"labels hold {sizes[0]} zeros and {sizes[1]} ones: both are needed")
    words = np.log(counts) - np.log(counts.sum(axis=1, keepdims=True))
    return np.append(words[1] - words[0], np.log(sizes[1] / sizes[0]))


def fit(x, y, prior_sd):
    """Where the log posterior with a prior N(0, prior_sd^2) on each word's weight is highest: one place, since it is
    strictly concave. Without a prior there is none: with more words than sentences the classes are separable.
    """
    require_positive("prior_sd", prior_sd, "a standard deviation, not a variance or its logarithm")
    y = require_bags(y)
    x, transposed = require_labels(x, y.shape[0], 2), y.T.tocsr()

    def downhill(theta):
        """Minus the log posterior up to a constant, and its gradient: SciPy minimizes."""
        delta = x - sigmoid(logits(theta, y))
        weights = theta[:-1]
        value = np.sum(log_likelihood(theta, x, y)) - 0.5 * np.sum((weights / prior_sd)**2)
        return -value, -np.append(transposed @ delta - weights / prior_sd**2, np.sum(delta))

    found = minimize(downhill, np.zeros(y.shape[1] + 1), jac=True, method="L-BFGS-B",
                     options=dict(maxiter=2000, maxcor=20, gtol=1e-6, ftol=0))
    return Found(found.x, float(np.linalg.norm(found.jac)))
