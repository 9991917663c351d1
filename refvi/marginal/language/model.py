"""A recurrent language model whose every step may see a point z of a sentence space: forward, and backward by hand.

Shapes: sentences are B lists of words 0..V-1, of unequal lengths; V is the end symbol, and stands before the first word
too. z (n, D) holds points of the space, D = 0 for a model without one; theta (P,) the tables of Sizes.shapes, one
behind the other; states (n, B, H). Log probabilities in nats, of a sentence with its end.
UA, "Examples: Language modelling"; Elman (1990), Finding structure in time; Bowman et al. (2016), Generating sentences
from a continuous space.
"""
import itertools
from typing import NamedTuple

import autograd.numpy as np
from scipy.special import roots_hermitenorm

from refvi.base.checks import require_count
from refvi.base.special import logsumexp
from refvi.likelihood.conditional.problems import cut

MOST = 10_000       # strings of a list


class Sizes(NamedTuple):
    """How many words a language has besides its end symbol, hidden units, and dimensions of the sentence space."""
    V: int
    H: int
    D: int = 0

    @property
    def shapes(self):
        """Of the tables in theta: from the word before, from the state before, from z; to the next word; offsets."""
        V, H, D = self
        return (V + 1, H), (H, H), (D, H), (H, V + 1), (V + 1,)

    @property
    def P(self):
        """How many numbers theta holds."""
        return sum(int(np.prod(shape)) for shape in self.shapes)


def padded(sentences, V):
    """(before, after, real), (T, B) each: the word before each place, the one that stands there, and whether the
    sentence reaches so far. ValueError for no sentences, or for what is no word.
    """
    if not len(sentences):
        raise ValueError("no data: sentences has no rows")
    for n, sentence in enumerate(sentences):
        bad = [word for word in sentence if not (isinstance(word, (int, np.integer)) and 0 <= word < V)]
        if bad:
            raise ValueError(f"sentences[{n}] holds {bad[0]!r}, expected integers in 0..{V - 1}: encode words first, "
                             "those that are not in the vocabulary as one unknown word; the end is added here")
    lengths = np.array([len(sentence) for sentence in sentences])
    T = max(lengths) + 1
    after = np.array([[*sentence] + [V] * (T - len(sentence)) for sentence in sentences], dtype=int).T
    before = np.concatenate([np.full((1, len(sentences)), V), after[:-1]])
    return before, after, np.arange(T)[:, None] <= lengths


def forward(theta, z, batch, sizes):
    """([h_1, ...] (n, B, H) each, [log p(. | z, words before)] (n, B, V + 1) each, log p(x_b | z_i) (n, B))."""
    into, across, from_z, out, base = cut(theta, *sizes.shapes)
    told = np.dot(z, from_z)[:, None]
    h, log_p, states, tables = np.zeros(told.shape, told.dtype), 0., [], []
    for before, after, real in zip(*batch):
        h = np.tanh(into[before] + np.matmul(h, across) + told)
        logits = np.matmul(h, out) + base
        table = logits - logsumexp(logits, axis=-1)[..., None]
        log_p = log_p + real * table[:, np.arange(len(after)), after]
        states.append(h)
        tables.append(table)
    return states, tables, log_p


def backward(theta, z, batch, sizes, states, tables, r):
    """Gradient (P,) of the sum of r log p(x_b | z_i), r (n, B), from the last place to the first."""
    _, across, _, out, _ = cut(theta, *sizes.shapes)
    gradient = np.zeros_like(theta)
    d_into, d_across, d_from_z, d_out, d_base = cut(gradient, *sizes.shapes)     # views: what is added to them stays
    which, later = np.eye(sizes.V + 1, dtype=theta.dtype), 0.
    for t, (before, after, real) in reversed(list(enumerate(zip(*batch)))):
        delta = (r * real)[..., None] * (which[after] - np.exp(tables[t]))
        d_base += np.sum(delta, axis=(0, 1))
        d_out += np.tensordot(states[t], delta, 2 * [(0, 1)])
        slope = (np.matmul(delta, out.T) + later) * (1 - states[t]**2)
        d_into += np.dot(which[before].T, np.sum(slope, axis=0))
        d_from_z += np.dot(z.T, np.sum(slope, axis=1))
        if t:
            d_across += np.tensordot(states[t - 1], slope, 2 * [(0, 1)])
        later = np.matmul(slope, across.T)
    return gradient


def log_probability(theta, z, sentences, sizes):
    """log p(x_b | z_i, theta) (n, B)."""
    return forward(theta, z, padded(sentences, sizes.V), sizes)[2]


def prior_nodes(D, order):
    """(z (n, D), w (n,)) of Gauss and Hermite that integrate against N(0, I); for D = 0 a single point of no
    coordinates, of weight one.
    """
    t, w = roots_hermitenorm(require_count("order", order))
    index = np.array(list(itertools.product(range(order), repeat=D)), dtype=int)
    return t[index], np.prod((w / np.sum(w))[index], axis=1)


def strings(V, longest):
    """Every sentence of at most so many words; ValueError where they are too many for a list."""
    if V**longest > MOST:
        raise ValueError(f"{V}^{longest} strings are too many for a list: draw sentences from the model instead, or "
                         "add up their masses word by word")
    return [x for n in range(longest + 1) for x in itertools.product(range(V), repeat=n)]
