"""Trees of heads whose arcs may cross: the matrix-tree theorem, and sentences whose words depend on their heads. UA,
"But why latent variable modelling?"

Shapes: scores (n + 1, n + 1) of each head and word, in nats; row 0 is the root, column 0 and the diagonal are not
read. Projective trees are those of refvi.likelihood.conditional.problems.
"""
import autograd.numpy as np
from autograd import grad

from refvi.likelihood.conditional.problems import require_words


def log_total(scores, one_root):
    """log of the sum over all trees below the root, the weight of each the exponential of its arcs' scores: those with
    one word at the root, or all. n^3 steps for (n + 1)^(n - 1) trees.

    With one word at the root its scores replace the first row of the Laplacian (Koo and others 2007). ValueError where
    there is no tree.
    """
    n = len(scores) - 1
    arcs = np.where(np.eye(n + 1)[:, 1:] == 0, scores[:, 1:], -np.inf)      # no word is its own head
    top = np.max(arcs)
    if top > -np.inf:
        weights = np.exp(arcs - top)
        root, inner = weights[0], weights[1:]
        laplacian = np.diag(np.sum(inner, axis=0)) - inner
        matrix = np.concatenate([root[None], laplacian[1:]]) if one_root else laplacian + np.diag(root)
        sign, log_det = np.linalg.slogdet(matrix)
        if sign > 0:
            return log_det + n * top
    raise ValueError(f"scores {np.shape(scores)} have no tree: to some word no arcs lead from the root")


def arcs_by_gradient(scores, one_root):
    """P(head of each word) (n + 1, n + 1): the slope of the log total."""
    return grad(log_total)(scores, one_root)


def head_scores(words, log_t):
    """scores (n + 1, n + 1) of words (n,) from log_t (V + 1, V): log probabilities of a word below each word, and below
    the root in the last row.
    """
    V = np.shape(log_t)[-1]
    if np.shape(log_t) != (V + 1, V):
        raise ValueError(f"log_t has shape {np.shape(log_t)}, expected (V + 1, V): a row for each word as head, the "
                         "last for the root")
    words = require_words(words, V)
    below = log_t[np.append(V, words)][:, words]
    return np.concatenate([np.zeros((len(words) + 1, 1)), below], axis=1)


def evidence_by_determinant(words, log_t, one_root):
    """log p(words) in nats, given their number n: all trees are equally probable, each word depends on its head's."""
    n = len(words)
    return log_total(head_scores(words, log_t), one_root) - (n - 1) * np.log(n if one_root else n + 1)


def heads_again(sentences, log_t, one_root):
    """log_t after one step of EM: how often each word is expected below each, over its sum; a word that is never a head
    keeps its row.
    """
    counts = grad(lambda log_t: sum(evidence_by_determinant(words, log_t, one_root) for words in sentences))(log_t)
    totals = np.sum(counts, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):      # what is expected nowhere has a log of minus infinity
        return np.where(totals > 0, np.log(counts / np.where(totals > 0, totals, 1.)), log_t)
