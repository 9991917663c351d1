"""Companion of alignment.md: its rows, its stages and its referees."""
import itertools
import math

import autograd.numpy as anp
import numpy as np
from autograd import grad
from referees import by_differences
from scipy import special

from refvi import Estimate, Noise
from refvi.base.special import logsumexp
from refvi.marginal.alignment import fit
from refvi.marginal.alignment.rows import (alignments, bound, counts_less_their_share, expected_counts,     # noqa: F401
                                           frequency_of_generated, joint, new_table, position_posterior,
                                           product_of_sums, sum_over_alignments)


# ---- one pair: four words out of four, explained by three, of which one stands twice

def table(rng, W, V):
    return np.array([rng.dirichlet(rng.permutation(3. + np.arange(V))) for _ in range(W)])


def stage_pair(rng):
    """x holds one word twice, and so does y; longest: of the sentences that are listed."""
    words, first = rng.permutation(4), rng.permutation(3)
    return dict(x=words[[1, 0, 1, 2]], y=first[[2, 0, 2]], theta=table(rng, 3, 4), longest=3)


def square(rng, V, n, y):
    """Sentences of n words out of V, explained by two words; the rule has one node for all noise that makes the same.
    """
    theta = table(rng, 3, V)
    ends = np.sort(np.concatenate([[0., 1.], np.cumsum(theta[y], axis=1)[:, :-1].ravel()]))
    cells = np.array(list(itertools.product([0.25, 0.75], (ends[1:] + ends[:-1]) / 2)))
    mass = np.tile(np.diff(ends) / 2, 2)

    def rule(S, order):
        if S > 2:
            return None
        index = np.indices((len(cells),) * (n * S)).reshape(n * S, -1).T
        return cells[index].reshape(-1, S, n, 2), np.prod(mass[index], axis=1)

    return dict(y=y, theta=theta, n=n, S=2, noise=Noise(lambda rng, R, S: rng.random((R, S, n, 2)), rule))


def stage_two_words(rng):
    return square(rng, 3, 2, np.array([2, 0]))


def stage_three_words(rng):
    return square(rng, 2, 3, np.array([0, 1]))


def listed(x, y, theta):
    """(alignment, p(x, a | y)) of every alignment, one product of numbers after another."""
    for a in itertools.product(range(len(y)), repeat=len(x)):
        yield a, math.prod(theta[y[j], v] / len(y) for j, v in zip(a, x))


def nested_sums(x, y, theta):
    return sum(p for _, p in listed(x, y, theta))


def mixture_of_words(x, y, theta):
    """Each word of x from a mixture over the different words of y, which weigh as often as they stand there."""
    words, weights = np.unique(y, return_counts=True)
    return math.prod(weights @ theta[words, v] / len(y) for v in x)


class Counted:
    """A table that counts how many of its entries are read."""

    def __init__(self, theta):
        self.theta, self.read = theta, 0

    def __getitem__(self, index):
        found = self.theta[index]
        self.read += np.size(found)
        return found


def pairs_of_words(x, y):
    return len(x) * len(y)


def entries_of_the_product(x, y, theta):
    counted = Counted(theta)
    product_of_sums(x, y, counted)
    return counted.read


def entries_of_the_sum(x, y, theta):
    counted = Counted(theta)
    sum_over_alignments(x, y, counted)
    return counted.read


def words_of_all_alignments(x, y):
    return sum(len(x) for _ in itertools.product(y, repeat=len(x)))


# ---- masses

def one():
    return 1.


def sentences(n, V):
    return [np.array(x) for x in itertools.product(range(V), repeat=n)]


def mass_of_one_length(x, y, theta):
    return sum(product_of_sums(other, y, theta) for other in sentences(len(x), theta.shape[1]))


def mass_of_all_lengths(longest, y, theta):
    return sum(product_of_sums(x, y, theta) for n in range(1, longest + 1) for x in sentences(n, theta.shape[1]))


def number_of_lengths(longest):
    return longest


def mass_of_the_joint(x, y, theta):
    a = alignments(len(x), len(y))
    return sum(np.sum(joint(a, other, y, theta)) for other in sentences(len(x), theta.shape[1]))


def mass_without_the_factor(x, y, theta):
    """Sentences and alignments of the product of entries alone."""
    return sum(math.prod(theta[y[j], v] for j, v in zip(a, other)) for other in sentences(len(x), theta.shape[1])
               for a, _ in listed(other, y, theta))


def number_of_alignments(x, y):
    return len(y)**len(x)


def probabilities_of_sentences(n, y, theta):
    """(V^n,), all alignments of each sentence listed."""
    return np.array([nested_sums(x, y, theta) for x in itertools.product(range(theta.shape[1]), repeat=n)])


def products_for_all_sentences(n, y, theta):
    return np.array([product_of_sums(x, y, theta) for x in sentences(n, theta.shape[1])])


# ---- the posterior, and the gradient

def share_of_alignments(x, y, theta):
    """(n, m): of the mass of all alignments, what those have that lead a word of x to a position."""
    share = np.zeros((len(x), len(y)))
    for a, p in listed(x, y, theta):
        share[range(len(x)), a] += p
    return share / nested_sums(x, y, theta)


def gradient_by_differences(x, y, theta):
    """In the logits of the table, whose rows are softmaxes."""
    def log_probability(logits):
        return np.log(nested_sums(x, y, special.softmax(logits.reshape(theta.shape), axis=1)))

    found = by_differences(log_probability, np.log(theta).ravel())
    return Estimate(found.value.reshape(theta.shape), found.error.reshape(theta.shape))


def gradient_by_autograd(x, y, theta):
    """The log of the product of sums, differentiated by a computer."""
    def log_probability(logits):
        return anp.log(product_of_sums(x, y, anp.exp(logits - logsumexp(logits, axis=1)[:, None])))

    return grad(log_probability)(np.log(theta))


# ---- many pairs: expected counts, and a step of EM

def stage_corpus(rng):
    """Three pairs of unequal lengths; some words never stand in the same pair."""
    v, w, theta = rng.permutation(4), rng.permutation(3), table(rng, 3, 4)
    pairs = [(v[[0, 1, 1]], w[[0, 1]]), (v[[2, 0]], w[[2, 0, 2]]), (v[[3, 1]], w[[1, 0]])]
    return dict(pairs=pairs, theta=theta)


def counted(x, y, theta):
    """Expected counts (W, V) of one pair, over its listed alignments."""
    counts, evidence = np.zeros(theta.shape), nested_sums(x, y, theta)
    for a, p in listed(x, y, theta):
        for j, v in zip(a, x):
            counts[y[j], v] += p / evidence
    return counts


def counts_over_alignments(pairs, theta):
    return sum(counted(x, y, theta) for x, y in pairs)


def counts_of_all_pairs(pairs, theta):
    return sum(expected_counts(x, y, theta) for x, y in pairs)


def counts_of_links(pairs, theta):
    """As fit.py counts, put back into the table."""
    known, counts = fit.links(pairs, theta.shape), np.zeros(theta.shape)
    counts[known.at] = fit.expected(theta[known.at], known)[1]
    return counts


def stepped(pairs, theta):
    """One step of EM over listed alignments."""
    counts = counts_over_alignments(pairs, theta)
    return np.array([row / sum(row) for row in counts])


def after_the_step_by_enumeration(pairs, theta):
    theta = stepped(pairs, theta)
    return sum(np.log(nested_sums(x, y, theta)) for x, y in pairs)


def after_the_step(pairs, theta):
    return np.sum(fit.log_likelihood(pairs, new_table(pairs, theta)))


def bound_at_the_new_table(pairs, theta):
    return bound(pairs, new_table(pairs, theta), [position_posterior(x, y, theta) for x, y in pairs])


def new_bound_over_alignments(pairs, theta):
    new, total = stepped(pairs, theta), 0.
    for x, y in pairs:
        evidence = nested_sums(x, y, theta)
        for (_, before), (_, after) in zip(listed(x, y, theta), listed(x, y, new)):
            total += before / evidence * np.log(after * evidence / before)
    return total


def bound_at_the_old_table(pairs, theta):
    return bound(pairs, theta, [position_posterior(x, y, theta) for x, y in pairs])


def before_the_step(pairs, theta):
    """As fit.py adds up the logarithms."""
    known = fit.links(pairs, theta.shape)
    return fit.expected(theta[known.at], known)[0]


def before_the_step_by_enumeration(pairs, theta):
    return sum(np.log(nested_sums(x, y, theta)) for x, y in pairs)


# ---- where it fails: pairs that were never seen keep their start, repeated words count once

def ones(theta):
    return np.ones(len(theta))


def sums_of_the_new_table(pairs, theta):
    return np.sum(new_table(pairs, theta), axis=1)


def sums_where_the_start_is_kept(pairs, theta):
    """Of a table whose entries are replaced only where two words stand in the same pair; it began uniform."""
    table = np.full(theta.shape, 1 / theta.shape[1])
    new = stepped(pairs, theta)
    for x, y in pairs:
        table[y[:, None], x] = new[y[:, None], x]
    return np.sum(table, axis=1)


def one_and_the_unseen(pairs, theta):
    W, V = theta.shape
    seen = [{v for x, y in pairs if w in y for v in x} for w in range(W)]
    return np.array([1 + (V - len(words)) / V for words in seen])


def counts_by_type(x, y, theta):
    """A repeated word of x is divided by the sum over all its places, so that all of them together count once."""
    total = {v: sum(theta[w, v] for other in x if other == v for w in y) for v in x}
    counts = np.zeros(theta.shape)
    for v in x:
        for w in y:
            counts[w, v] += theta[w, v] / total[v]
    return counts


def counts_of_one_pair(x, y, theta):
    return counted(x, y, theta)


def counts_of_different_words(x, y, theta):
    return counted(np.unique(x), y, theta)


def stage_smallest(rng):
    """A word of x stands so many times, another once; of y a word stands twice, NULL once: from the uniform table."""
    times = int(rng.integers(2, 5))
    return dict(times=times, repeated=np.array([0] * times + [1]), behind=np.array([0, 1, 1]),
                start=np.full((2, 2), 0.5))


def best_of_the_pair(times):
    return (times / (times + 1))**times / (times + 1)


def probability_after_the_step(repeated, behind, start):
    return product_of_sums(repeated, behind, new_table([(repeated, behind)], start))


def probability_by_type(repeated, behind, start):
    counts = counts_by_type(repeated, behind, start)
    return nested_sums(repeated, behind, counts / counts.sum(axis=1, keepdims=True))


def all_words_alike(times):
    return 0.5**(times + 1)
