"""A grammar whose trees nobody drew: inside recursion, expected counts, EM. WI and UA, "Two Machine Learning
Paradigms"; UA, "But why latent variable modelling?"

Shapes: binary (K, K, K), the probability that symbol a becomes b c; emit (K, V), that it becomes a word. Over both they
sum to one for each a. Symbol 0 begins. A sentence is a row of integers in 0..V-1.
"""
from functools import lru_cache
from typing import NamedTuple

import autograd.numpy as np
from autograd import grad

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.optimize import never_down
from refvi.likelihood.conditional.problems import require_sentences, require_words

MOST = 10_000       # trees that are still listed


class Grammar(NamedTuple):
    """Probabilities of the rules."""
    binary: np.ndarray          # (K, K, K)
    emit: np.ndarray            # (K, V)


def require_grammar(binary, emit):
    """A checked Grammar; ValueError for wrong shapes, negative entries, or a symbol whose rules do not sum to one."""
    emit = require_finite("emit", require_shape("emit", emit, (None, None), "(K=symbols, V=words)"))
    K = len(emit)
    binary = require_finite("binary", require_shape("binary", binary, (K, K, K), "a symbol, and the two it becomes"))
    masses = np.sum(binary, axis=(1, 2)) + np.sum(emit, axis=1)
    bad = np.flatnonzero(np.abs(masses - 1) > 1e-9)
    if len(bad):
        raise ValueError(f"the rules of symbol {bad[0]} sum to {masses[bad[0]]:.10g}, must be 1 +- 1e-9: those of both "
                         "tables together")
    if min(np.min(binary), np.min(emit)) < 0:
        raise ValueError("a rule has a negative probability")
    return Grammar(binary, emit)


def inside(words, binary, emit):
    """What all trees of the first word, of the first two, and so on, of each sentence weigh together (n, N), for N
    sentences of n words (N, n): about n^3 K^3 / 6 products each.

    chart[i, j] (N, K) adds up all trees of words i to j - 1 below each symbol.
    """
    n = words.shape[1]
    chart = {(i, i + 1): emit.T[words[:, i]] for i in range(n)}
    for width in range(2, n + 1):
        for i in range(n - width + 1):
            j = i + width
            pairs = sum(chart[i, k][:, :, None] * chart[k, j][:, None, :] for k in range(i + 1, j))
            chart[i, j] = np.tensordot(pairs, binary, ((1, 2), (1, 2)))
    return np.array([chart[0, j][:, 0] for j in range(1, n + 1)])


def inside_recursion(sentences, grammar):
    """log p (N,) in nats of sentences of any lengths, all at once; ValueError for one that the grammar has no tree for.
    """
    rows = require_sentences(sentences, grammar.emit.shape[1])
    n = np.array(list(map(len, rows)))
    filled = np.array([np.append(x, np.zeros(max(n) - len(x), int)) for x in rows])
    most = np.max(grammar.emit, axis=0)
    most = np.where(most > 0, most, 1.)         # taken out of each word, so that long sentences do not underflow
    p = inside(filled, grammar.binary, grammar.emit / most)[n - 1, np.arange(len(rows))]
    bad = np.flatnonzero(~(p > 0))
    if len(bad):
        raise ValueError(f"the grammar has no derivation of sentence {bad[0]}, {rows[bad[0]]}: give its words and "
                         "their combinations a probability above zero")
    return np.log(p) + np.sum(np.log(most)[filled] * (np.arange(max(n)) < n[:, None]), axis=1)


def counts_by_gradient(sentences, grammar):
    """How often each rule is expected in the trees of all sentences, two arrays like the grammar's: its probability
    times the slope of the log-likelihood in it.
    """
    slopes = grad(lambda binary, emit: np.sum(inside_recursion(sentences, Grammar(binary, emit))), (0, 1))
    return Grammar(*(rule * slope for rule, slope in zip(grammar, slopes(*grammar))))


def counted_again(sentences, grammar):
    """The Grammar after one step of EM: expected counts over their sum for each symbol; one that never occurs keeps its
    rules.
    """
    binary, emit = counts_by_gradient(sentences, grammar)
    totals = np.sum(binary, axis=(1, 2)) + np.sum(emit, axis=1)
    used = totals > 0
    totals = np.where(used, totals, 1.)
    return Grammar(np.where(used[:, None, None], binary / totals[:, None, None], grammar.binary),
                   np.where(used[:, None], emit / totals[:, None], grammar.emit))


def fit(sentences, grammar, steps):
    """Where so many steps of EM end, a Fit: each climbs the log-likelihood, in nats, or stays."""
    return never_down(lambda grammar: counted_again(sentences, grammar),
                      lambda grammar: np.sum(inside_recursion(sentences, grammar)), grammar,
                      require_count("steps", steps), "grammar")


def listed(words, grammar):
    """[(probability, tree), ...] of one sentence, the most probable first; a tree is (symbol, word) or (symbol, left,
    right). ValueError where there are more than MOST.
    """
    words = require_words(words, grammar.emit.shape[1])
    number = inside(words[None], *(1. * (rule > 0) for rule in grammar))[-1, 0]
    if number > MOST:
        raise ValueError(f"a sentence of {len(words)} words with {number:.3g} trees: too many to list, "
                         "inside_recursion adds them up")

    @lru_cache(None)
    def below(a, i, j):
        if j == i + 1:
            p = grammar.emit[a, words[i]]
            return [(p, (a, int(words[i])))] if p else []
        return [(grammar.binary[a, b, c] * p * q, (a, left, right))
                for k in range(i + 1, j) for b, c in np.argwhere(grammar.binary[a] > 0).tolist()
                for p, left in below(b, i, k) for q, right in below(c, k, j)]

    return sorted(below(0, 0, len(words)), key=lambda pair: -pair[0])


def draw(rng, grammar):
    """The words of one tree, drawn from the root down; a grammar that loses mass may not come to an end."""
    V, words, pending = grammar.emit.shape[1], [], [0]
    while pending:
        a = pending.pop()
        rule = rng.choice(V + grammar.binary[a].size, p=np.append(grammar.emit[a], grammar.binary[a]))
        if rule < V:
            words.append(int(rule))
        else:
            pending += divmod(int(rule) - V, len(grammar.emit))[::-1]       # the left one is next
    return words
