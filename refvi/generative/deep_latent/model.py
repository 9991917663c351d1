"""Deep latent Gaussian models with one or two latent variables: exact evidence and posteriors on a grid, and a rule
for bounds.

The model and its bounds are those of refvi.generative.amortization.model, with its shapes: x (N, n), z (S, N, D),
theta (P,), lam (N, 2 D). A network without a hidden layer is a linear decoder. Log densities in nats per datum. RAI,
"Probabilistic view enables neural net based latent variable models"; Rezende, Mohamed and Wierstra (2014).
"""
import autograd.numpy as np
from numpy.polynomial.hermite_e import hermegauss

from refvi.base.checks import require_count
from refvi.base.special import logsumexp
from refvi.generative.amortization.model import log_likelihood, log_prior, require_data
from refvi.likelihood.heads import Network, normal
from refvi.likelihood.networks import tanh

# of the grid over z, in standard deviations of the prior: what lies beyond has a mass of 2e-17
REACH = 8.5
NODES = {1: 360, 2: 90}     # of that grid, for each of D dimensions
RULE = {1: 16, 2: 8}        # Gauss-Hermite nodes under q, for each of D dimensions


def decoder(sizes, observed=normal, g=tanh):
    """A checked Network of sizes D, hidden layers, outputs."""
    if len(sizes) < 2:
        raise ValueError(f"sizes are {sizes}, expected at least (D, n): latent numbers in, observed numbers out")
    for size in sizes:
        require_count("every size", size)
    return Network(tuple(sizes), observed, g)


def observations(x, decoder):
    """x (N, n) as floats, or a ValueError as of require_data."""
    return require_data(x, decoder).astype(float)


def grid(t, D):
    """All D-tuples (len(t)^D, D) of the numbers t."""
    return np.stack(np.meshgrid(*[t] * D, indexing="ij"), axis=-1).reshape(-1, D)


def few(table, D):
    """The number of nodes for each dimension, or a ValueError where there are too many dimensions."""
    if D not in table:
        known = " or ".join(map(str, table))
        raise ValueError(f"D={D} latent dimensions are too many for a grid of nodes, expected {known}: pass order, "
                         f"or draw")
    return table[D]


def prior_nodes(D, order=None):
    """z (K, D) and log weights (K,) of a trapezoid rule for N(0, I).

    Exact to rounding where posteriors are wider than its spacing.
    """
    t, spacing = np.linspace(-REACH, REACH, order or few(NODES, D), retstep=True)
    z = grid(t, D)
    return z, D * np.log(spacing) + log_prior(z)


def log_evidence(x, theta, decoder, order=None):
    """log p(x_n | theta) (N,) in nats, by quadrature over z."""
    x, (z, log_w) = observations(x, decoder), prior_nodes(decoder.sizes[0], order)
    return logsumexp(log_w[:, None] + log_likelihood(z[:, None, :], x, theta, decoder), axis=0)


def posterior_nodes(x, theta, decoder, order=None):
    """(z (K, D), masses (K, N) of the exact posteriors on these nodes, log p(x_n) (N,))."""
    x, (z, log_w) = observations(x, decoder), prior_nodes(decoder.sizes[0], order)
    joint = log_w[:, None] + log_likelihood(z[:, None, :], x, theta, decoder)
    evidence = logsumexp(joint, axis=0)
    return z, np.exp(joint - evidence), evidence


def hermite(D, order=None):
    """eps (S, 1, D) and weights (S,) of Gauss-Hermite's rule for N(0, I), in the place of draws."""
    t, w = hermegauss(order or few(RULE, D))
    return grid(t, D)[:, None, :], np.prod(grid(w / np.sum(w), D), axis=1)
