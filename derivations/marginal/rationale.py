"""Companion of rationale.md: its rows, its stages and its referees."""
import itertools
import math

import numpy as np
from referees import by_differences
from scipy import special

from refvi import bernoulli, noise
from refvi.marginal.rationale import fit
from refvi.marginal.rationale.rows import (ahead, average_over_masks, kept_given_verdict, least_sum,      # noqa: F401
                                           masks, posterior_less_prior, recursion_over_sums, score_estimate,
                                           sum_over_masks, turned, verdict_probability, worth_of_sums)


# ---- five words out of six, one of them twice

def words(rng):
    """(the sentence, log odds of being kept, of either sign)."""
    return rng.permutation(6)[[1, 0, 1, 3, 2]], rng.uniform(0.4, 1.4, 6) * rng.permutation([1, -1, 1, -1, -1, 1])


def stage_weights(rng):
    """Weights of any size, a verdict of zero; f keeps the first word and the last. In the place of one word stands
    another: where f drops it, or at the first place, and there its weight has the other sign.
    """
    y, rho = words(rng)
    new = next(word for word in range(6) if word not in y)
    sizes, signs = rng.uniform(0.8, 1., 6), rng.permutation([1, 1, -1, 1, -1, -1])
    sizes[[y[0], new]] += 0.3
    signs[[new, y[4]]] = -signs[y[0]]
    return dict(x=0, y=y, rho=rho, weights=sizes * signs, offset=rng.uniform(0.2, 0.5),
                f=np.array([1, 0, 0, 0, 1]), other_dropped=np.where([0, 1, 0, 0, 0], new, y),
                other_kept=np.where([1, 0, 0, 0, 0], new, y), S=2, noise=noise(bernoulli, rho[y]))


def stage_weights_for(rng):
    return stage_weights(rng) | dict(x=1)


def stage_against(rng):
    """Votes of -1 and 1 and a verdict of zero; a second, shorter sentence, and its verdict."""
    y, rho = words(rng)
    votes, slope = rng.permutation([1., 1., -1., -1., -1., 1.]), rng.uniform(0.7, 1.2)
    return dict(x=0, y=y, rho=rho, votes=votes, slope=slope, weights=slope * votes, offset=rng.uniform(0.2, 0.5),
                both=([0, 1], [y, y[[3, 4]]]), S=2, noise=noise(bernoulli, rho[y]))


def stage_for(rng):
    """All votes turned round, and the verdicts."""
    supplied = stage_against(rng)
    return supplied | dict(x=1, votes=-supplied["votes"], weights=-supplied["weights"],
                           both=([1, 0], supplied["both"][1]))


def listed(x, y, rho, weights, offset):
    """(mask, p(f | y), p(x | f, y)) of every mask, one product of numbers after another."""
    for f in itertools.product((0, 1), repeat=len(y)):
        p = math.prod(special.expit(rho[w]) if kept else special.expit(-rho[w]) for kept, w in zip(f, y))
        a = offset + sum(weights[w] for kept, w in zip(f, y) if kept)
        yield f, p, special.expit(a if x else -a)


def nested_sums(x, y, rho, weights, offset):
    return sum(p * q for _, p, q in listed(x, y, rho, weights, offset))


# ---- a distribution, of words that are kept

def one():
    return 1.


def mass_of_both_verdicts(y, rho, weights, offset):
    return sum(sum_over_masks(x, y, rho, weights, offset) for x in (0, 1))


def kept_words_by_hand(x, f, y, weights, offset):
    return by_hand(x, offset + sum(weights[w] for w in y[f == 1]))


def by_hand(x, a):
    return np.exp(a * x) / (1 + np.exp(a))


def other_words_dropped(x, f, other_dropped, weights, offset):
    return verdict_probability(x, f, other_dropped, weights, offset)


def another_word_kept(x, f, other_kept, weights, offset):
    return verdict_probability(x, f, other_kept, weights, offset)


def another_word_by_hand(x, f, other_kept, weights, offset):
    return by_hand(x, offset + math.fsum(kept * weights[w] for kept, w in zip(f, other_kept)))


# ---- the sum of votes

def frequencies_of_the_sum(x, y, rho, votes, offset, slope):
    """The sum's distribution from its characteristic function at 2 n + 1 frequencies, which is a product over words."""
    n = len(y)
    sums = np.arange(-n, n + 1)
    turns = np.exp(2j * np.pi * np.outer(sums, sums) / (2 * n + 1))
    of_words = [special.expit(-rho[w]) + special.expit(rho[w]) * turns[:, n + int(votes[w])] for w in y]
    p = np.real(np.conj(turns) @ np.prod(of_words, axis=0)) / (2 * n + 1)
    return p @ special.expit((1 if x else -1) * (offset + slope * sums))


def triangle(y):
    return (len(y) + 1) * (len(y) + 2) // 2


def sums_reached(y, rho, votes):
    """How many sums of the first 0, 1, ..., n words have a probability."""
    return np.count_nonzero(ahead(turned(y, rho, votes)))


def masks_listed(y):
    return len(masks(len(y)))


def powers_of_two(y):
    return 2**len(y)


def kept_among_masks(x, y, rho, weights, offset):
    """(n,): of the mass of all masks, what those have that keep a word."""
    return sum(np.array(f) * p * q for f, p, q in listed(x, y, rho, weights, offset)) / nested_sums(
        x, y, rho, weights, offset)


# ---- gradients

def slope_of_the_logarithm(x, y, rho, weights, offset):
    return by_differences(lambda rho: np.log(nested_sums(x, y, rho, weights, offset)), rho)


def slope_of_the_sum(x, y, rho, weights, offset):
    return by_differences(lambda rho: nested_sums(x, y, rho, weights, offset), rho)


def probability_times_difference(x, y, rho, votes, offset, slope):
    """p times the gradient of its logarithm."""
    return (recursion_over_sums(x, y, rho, votes, offset, slope)
            * posterior_less_prior(x, y, rho, votes, offset, slope))


def slopes_by_differences(both, rho, votes, offset, slope):
    """Of two sentences' log probabilities, in rho, offset and slope: (V + 2,)."""
    def value(at):
        *rho, offset, slope = at
        return sum(np.log(nested_sums(x, y, rho, slope * votes, offset)) for x, y in zip(*both))

    return by_differences(value, np.array([*rho, offset, slope]))


def gradient_of_blocks(both, rho, votes, offset, slope):
    """As fit.py adds it up, the shorter sentence filled up to the longer one's length."""
    x, y = both
    return fit.gradient(np.array(x), y, fit.Rationale(rho, votes, offset, slope))[1]


# ---- what is climbed instead, and where the recursion ends

def log_of_the_sum(x, y, rho, weights, offset):
    return np.log(nested_sums(x, y, rho, weights, offset))


def log_of_the_recursion(both, rho, votes, offset, slope):
    """As fit.py has it, for the first of two sentences."""
    x, y = both
    return fit.log_likelihood(np.array(x), y, fit.Rationale(rho, votes, offset, slope))[0]


def average_of_logarithms(x, y, rho, weights, offset):
    return sum(p * np.log(q) for _, p, q in listed(x, y, rho, weights, offset))


def average_over_the_sums(x, y, rho, votes, offset, slope):
    worth = worth_of_sums(x, len(y), least_sum(y, votes), offset, slope)
    return ahead(turned(y, rho, votes))[-1] @ np.log(worth)


def stage_all_different(rng):
    """Five different words: weights of any size, and their signs as votes."""
    weights = rng.uniform(0.5, 1.5, 6) * rng.permutation([1, 1, -1, 1, -1, -1])
    return dict(y=rng.permutation(6)[:5], any_weights=weights, votes=np.sign(weights))


def different_sums_of_votes(y, votes):
    return len(set(masks(len(y)) @ votes[y]))


def one_more_than_words(y):
    return len(y) + 1


def different_sums_of_weights(y, any_weights):
    return len(set(masks(len(y)) @ any_weights[y]))
