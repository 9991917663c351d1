"""What a probabilistic model buys, line by line: derivations/likelihood/benefits.md.

Shapes: one observation x, side information y; q, prior and likelihood are the family of z, its parameters at y and
log p(x | z, y) (..., S); mixtures have shares, mu and sd (K,). Estimators return (R,) for eps (R, S, ...).
WI and UA, "What are the benefits of probabilistic models?"; UA, "Other benefits"; SA, "Problems".
"""
import autograd.numpy as np

from refvi.base.core import axes_of, expectation, settled
from refvi.base.special import logsumexp
from refvi.likelihood.benefits.predictive import log_parts, require_data
from refvi.likelihood.conditional.decisions import decide
from refvi.likelihood.conditional.problems import forward, require_words, steps


# ---- what was not observed

def integral_over_z(x, y, q, prior, likelihood):
    """p(x | y), an Estimate: p(x | z, y) integrated under p(z | y), the family q at prior(y)."""
    lam = prior(y)
    return settled(lambda order: expectation(lambda z: np.exp(likelihood(x, z, y)), q, lam, q.nodes(lam, order)),
                   axes_of(q, lam))


def average_over_z(eps, x, y, likelihood):
    """Mean (R,) of p(x | z, y) over S draws z_s = eps_s from p(z | y)."""
    return np.mean(np.exp(likelihood(x, eps, y)), axis=-1)


def responsibilities(x, shares, mu, sd):
    """p(z = k | x_n) (N, K) of data x (N,)."""
    parts = log_parts(x, shares, mu, sd)
    return np.exp(parts - logsumexp(parts, axis=1)[:, None])


def ancestral(eps, mu, sd):
    """Draws x (R, S): a component eps[..., 0], then a normal around its mean."""
    k = eps[..., 0].astype(int)
    return mu[k] + sd[k] * eps[..., 1]


# ---- assumptions

def location_by_weights(x, nu, rounds=300):
    """Where the likelihood of a Student t with nu degrees of freedom and unit scale around it is highest: a mean whose
    weights are the expected precisions of the data, in turn with them, from the median.
    """
    x = require_data(x)
    mu = np.median(x)
    for _ in range(rounds):
        weights = (nu + 1) / (nu + (x - mu)**2)
        mu = weights @ x / np.sum(weights)
    return mu


# ---- sentences, videos

def bigram_frequencies(sentences, V):
    """log of the relative frequencies (V + 1, V + 1) of words after each word, V the end symbol, which also begins."""
    if not len(sentences):
        raise ValueError("no sentences: there is nothing to count")
    counts = sum(steps(sentence, np.empty((V + 1, V + 1))) for sentence in sentences)
    totals = np.sum(counts, axis=1, keepdims=True)
    if not np.all(counts):
        raise ValueError(f"{np.sum(counts == 0)} of {counts.size} pairs of neighbours never occur: the likelihood of a "
                         "sentence with one of them would be zero; add to their counts, or take more sentences")
    return np.log(counts / totals)


def state_scores(x, start, moves, emissions):
    """(T, K, K): log probabilities of state b at time t after state a, and of what was seen then.

    x (T,) symbols; start (K,), moves (K, K) and emissions (K, V) are probabilities.
    """
    seen = np.log(emissions[:, require_words(x, np.shape(emissions)[1])]).T[:, None, :]
    first, others = np.tile(np.log(start), (1, len(start), 1)), np.tile(np.log(moves), (len(x) - 1, 1, 1))
    return np.concatenate([first, others]) + seen


def forward_over_states(x, start, moves, emissions):
    """log p(x) in nats of a hidden Markov model, T K^2 additions for K^T paths of states."""
    return forward(state_scores(x, start, moves, emissions), None)


# ---- numbers in a model

def latent_class_numbers(D, K):
    """Free numbers of K classes, within each of which D binary variables are independent."""
    return K - 1 + K * D


def factor_numbers(D, K):
    """Free numbers in the covariance of D variables with K factors: loadings and noise, less the turns that alter
    nothing.
    """
    return D * K + D - K * (K - 1) // 2


# ---- decisions

def cost_of_deciding(loss, believed, joint):
    """Expected cost: for each of n things that may be seen the answer that is best for who believes believed (n, 2) of
    the two outcomes, paid for under joint (n, 2), the probability of both.
    """
    with np.errstate(divide="ignore"):      # whoever believes that something cannot be has a log of zero
        answers = [decide(loss, np.log(row)) for row in believed]
    return np.sum([loss[answer] @ row for answer, row in zip(answers, joint)])
