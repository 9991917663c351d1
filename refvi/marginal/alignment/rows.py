"""IBM model 1, line by line: derivations/marginal/alignment.md. Learning from many pairs, fast, stands in fit.py.

Shapes: x (n,) are the words of a sentence and y (m,) those that explain them, as whole numbers; a (..., n) says at
which position of y stands the word behind each word of x; theta (W, V) is a table whose row w holds the probabilities
with which word w of y becomes each word of x. A NULL word is one more word of every y. UA, "Lexical alignment".
"""
import numpy as np

MOST = 2**20        # alignments that are listed


def alignments(n, m):
    """All alignments (m^n, n) of n words to m positions; ValueError where they are too many to list."""
    if m**n > MOST:
        raise ValueError(f"{n} words have {m}^{n} alignments to {m} positions, too many to list: take product_of_sums, "
                         f"which needs {n * m:,} probabilities")
    return np.indices((m,) * n).reshape(n, m**n).T


def joint(a, x, y, theta):
    """p(x, a | y, n) (...,): each position is drawn uniformly, and the word there becomes the word of x."""
    return np.prod(theta[y[a], x], axis=-1) / len(y)**len(x)


def sum_over_alignments(x, y, theta):
    """p(x | y, n), all m^n alignments summed out one by one."""
    return np.sum(joint(alignments(len(x), len(y)), x, y, theta))


def word_probabilities(x, y, theta):
    """p(x_i | y) (n,): every word of x comes from a mixture whose components are the words of y."""
    return theta[y[:, None], x].mean(axis=0)


def product_of_sums(x, y, theta):
    """p(x | y, n): given y the words of x are independent, so that each sums out its own position."""
    return word_probabilities(x, y, theta).prod()


def position_posterior(x, y, theta):
    """p(a_i = j | x, y) (n, m): the share that each word of y has in a word of x."""
    shares = theta[y, x[:, None]]
    return shares / np.sum(shares, axis=1, keepdims=True)


def expected_counts(x, y, theta):
    """How often each word of y is expected to have become each word of x, (W, V), under the posterior."""
    counts = np.zeros(np.shape(theta))
    np.add.at(counts, (y, x[:, None]), position_posterior(x, y, theta))
    return counts


def counts_less_their_share(x, y, theta):
    """Gradient (W, V) of log p(x | y, n) in logits of the rows of theta, by Fisher's identity."""
    counts = expected_counts(x, y, theta)
    return counts - np.sum(counts, axis=1, keepdims=True) * theta


def new_table(pairs, theta):
    """The table (W, V) after one step of EM on a list of pairs (x, y) in which each of the W words stands."""
    counts = sum(expected_counts(x, y, theta) for x, y in pairs)
    return counts / np.sum(counts, axis=1, keepdims=True)


def bound(pairs, theta, posteriors):
    """A lower bound on the log-likelihood of all pairs, in nats: E[log p(x, a | y)] and the entropy of the alignments,
    for any distribution (n, m) of the positions in each pair.
    """
    return sum(np.sum(q * (np.log(theta[y, x[:, None]]) - np.log(len(y)) - np.log(q)))
               for (x, y), q in zip(pairs, posteriors))


def generated(eps, y, theta):
    """Words (...,) of x from two uniform numbers each, eps (..., 2): a position of y, then what the word there becomes.
    """
    a = (eps[..., 0] * len(y)).astype(int)
    return np.sum(np.cumsum(theta, axis=1)[y[a], :-1] < eps[..., 1:], axis=-1)


def frequency_of_generated(eps, y, theta):
    """How many of S sentences of n words, eps (R, S, n, 2), are each of the V^n that there are: (R, V^n)."""
    n, V = np.shape(eps)[2], np.shape(theta)[1]
    sentence = generated(eps, y, theta) @ V**np.arange(n)[::-1]
    return np.mean(sentence[..., None] == np.arange(V**n), axis=1)
