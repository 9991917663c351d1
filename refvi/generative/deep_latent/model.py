"""z_n ~ N(0, I_D), x_n ~ N(NN(z_n; theta), sd^2 I) or Bernoulli(NN(z_n; theta)), for all N data at once: value, slopes, exact evidence.

RAI, "Probabilistic view enables neural net based latent variable models"; Rezende, Mohamed and Wierstra (2014).
Shapes: x (N, n), z (S, N, D), theta (P,): the network's weights in the order of refvi.likelihood.networks, then log sd where x is normal. A network without a
hidden layer is a linear decoder. Log densities are in nats per datum; q is diagonal normal with lam (N, 2 D), [mu, log_sd] of every datum.
"""
from typing import NamedTuple

import autograd.numpy as np
from numpy.polynomial.hermite_e import hermegauss

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.base.families.lam import halves
from refvi.base.special import logsumexp
from refvi.generative.amortization.rows import bernoulli_log_prob, closed_divergence, log_prior
from refvi.likelihood.networks import Activation, backward, count, forward, sigmoid, tanh

REACH = 8.5             # of the grid over z, in standard deviations of the prior: what lies beyond has a mass of 2e-17
NODES = {1: 360, 2: 90}     # of that grid, for each of D dimensions
RULE = {1: 16, 2: 8}    # Gauss-Hermite nodes under q, for each of D dimensions


class Decoder(NamedTuple):
    """The shape of p(x | z, theta)."""
    sizes: tuple                    # D, hidden layers, n
    observed: str = "normal"        # or "bernoulli", whose logits the network returns
    g: Activation = tanh

    @property
    def size(self):
        """How many numbers theta holds."""
        return count(self.sizes) + (self.observed == "normal")


def decoder(sizes, observed="normal", g=tanh):
    """A checked Decoder."""
    if observed not in ("normal", "bernoulli"):
        raise ValueError(f"observed is {observed!r}, expected 'normal' or 'bernoulli'")
    if len(sizes) < 2:
        raise ValueError(f"sizes are {sizes}, expected at least (D, n): latent numbers in, observed numbers out")
    for size in sizes:
        require_count("every size", size)
    return Decoder(tuple(sizes), observed, g)


def observations(x, d):
    """x (N, n) as floats, or a ValueError: another shape, a value that is not finite, pixels that are not 0 or 1, no data."""
    x = require_finite("x", require_shape("x", x, (None, d.sizes[-1]), f"(N=number of data, n={d.sizes[-1]} numbers that the decoder returns)"))
    if not len(x):
        raise ValueError("empty data: x has no rows")
    if d.observed == "bernoulli" and not np.all((x == 0) | (x == 1)):
        raise ValueError(f"x holds {x[(x != 0) & (x != 1)][0]}, expected 0 or 1 under a Bernoulli decoder: binarize the pixels, or take a normal one")
    return x.astype(float)


def weights_of(theta, d):
    """(network weights, log sd or None)."""
    if np.shape(theta) != (d.size,):
        raise ValueError(f"theta has shape {np.shape(theta)}, expected ({d.size},): weights of layers {'-'.join(map(str, d.sizes))}"
                         f"{', then log sd' if d.observed == 'normal' else ''}")
    return (theta[:-1], theta[-1]) if d.observed == "normal" else (theta, None)


def log_likelihood(x, z, theta, d):
    """log p(x_n | z, theta) (..., N) for z (..., N, D), or for z (..., 1, D) that all data share."""
    weights, log_sd = weights_of(theta, d)
    out = forward(weights, z, d.sizes, d.g)[-1]
    if d.observed == "bernoulli":
        return bernoulli_log_prob(x, out)
    return -0.5 * np.sum((x - out)**2, axis=-1) * np.exp(-2 * log_sd) - d.sizes[-1] * (log_sd + 0.5 * np.log(2 * np.pi))


def log_joint(x, z, theta, d):
    """log p(x_n, z | theta) (..., N)."""
    return log_prior(z) + log_likelihood(x, z, theta, d)


def slopes(x, z, theta, d, w):
    """log p(x_n | z) (S, N), and the gradients of sum_{s,n} w_{sn} log p(x_n | z_{sn}) in theta (P,) and in every z (S, N, D), by hand. w (S, N) or (S, 1)."""
    S, N, D = z.shape
    weights, log_sd = weights_of(theta, d)
    hs = forward(weights, z.reshape(S * N, D), d.sizes, d.g)
    out, w = hs[-1].reshape(S, N, -1), np.broadcast_to(w, (S, N))
    gradient, in_z = np.empty(d.size), np.empty((S * N, D))
    if d.observed == "bernoulli":
        value, delta, of_weights = bernoulli_log_prob(x, out), x - sigmoid(out), gradient
    else:
        residual, precision, of_weights = x - out, np.exp(-2 * log_sd), gradient[:-1]
        square = precision * np.sum(residual**2, axis=-1)
        value, delta = -0.5 * square - d.sizes[-1] * (log_sd + 0.5 * np.log(2 * np.pi)), precision * residual
        gradient[-1] = np.sum(w * (square - d.sizes[-1]))
    backward(weights, hs, (w[..., None] * delta).reshape(S * N, -1), d.sizes, d.g, out=of_weights, inputs=in_z)
    return value, gradient, in_z.reshape(S, N, D)


def sample(rng, theta, d, N):
    """N draws (x (N, n), z (N, D)) from the model: ancestral, z first."""
    require_count("N", N)
    weights, log_sd = weights_of(theta, d)
    z = rng.standard_normal((N, d.sizes[0]))
    out = forward(weights, z, d.sizes, d.g)[-1]
    if d.observed == "bernoulli":
        return (rng.random(out.shape) < sigmoid(out)).astype(float), z
    return out + np.exp(log_sd) * rng.standard_normal(out.shape), z


# ---- what is exact in one or two dimensions

def grid(t, D):
    """All D-tuples (len(t)^D, D) of the numbers t."""
    return np.stack(np.meshgrid(*[t] * D, indexing="ij"), axis=-1).reshape(-1, D)


def few(table, D):
    if D not in table:
        raise ValueError(f"D={D} latent dimensions are too many for a grid of nodes, expected {' or '.join(map(str, table))}: pass order, or draw")
    return table[D]


def prior_nodes(D, order=None):
    """z (K, D) and log weights (K,) of a trapezoid rule that integrates against N(0, I): exact to rounding where posteriors are wider than its spacing."""
    order = order or few(NODES, D)
    t = np.linspace(-REACH, REACH, order)
    z = grid(t, D)
    return z, D * np.log(t[1] - t[0]) + log_prior(z)


def posterior_nodes(x, theta, d, order=None):
    """(z (K, D), masses (K, N) of the exact posteriors on these nodes, log p(x_n) (N,))."""
    z, log_w = prior_nodes(d.sizes[0], order)
    joint = log_w[:, None] + log_likelihood(x, z[:, None, :], theta, d)
    evidence = logsumexp(joint, axis=0)
    return z, np.exp(joint - evidence), evidence


def log_evidence(x, theta, d, order=None):
    """log p(x_n | theta) (N,) in nats, by quadrature over z."""
    z, log_w = prior_nodes(d.sizes[0], order)
    return logsumexp(log_w[:, None] + log_likelihood(x, z[:, None, :], theta, d), axis=0)


# ---- the bound of every datum

def hermite(D, order=None):
    """eps (S, 1, D) and weights (S,) of Gauss-Hermite's rule for N(0, I), in the place of draws."""
    t, w = hermegauss(order or few(RULE, D))
    return grid(t, D)[:, None, :], np.prod(grid(w / np.sum(w), D), axis=1)


def bounds(x, lam, theta, d, eps, w):
    """(ELBO_n (N,) in nats, its gradient in lam_n (N, 2 D), the gradient of sum_n ELBO_n in theta (P,)).

    eps (S, N, D) with w = 1/S are draws, eps (S, 1, D) with weights w (S,) a rule; z = mu + exp(log_sd) eps.
    """
    mu, log_sd = halves(lam)
    sd = np.exp(log_sd)
    value, in_theta, in_z = slopes(x, mu + sd * eps, theta, d, np.reshape(w, (-1, 1)))
    in_lam = np.concatenate([np.sum(in_z, axis=0) - mu, np.sum(in_z * eps, axis=0) * sd - sd**2 + 1], axis=-1)
    return np.sum(np.reshape(w, (-1, 1)) * value, axis=0) - closed_divergence(lam), in_lam, in_theta
