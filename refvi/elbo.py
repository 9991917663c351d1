"""The evidence lower bound, line by line: derivations/elbo.md.

Shapes: z (..., S) or (..., S, D), log densities (..., S), lam (P,); rows return one number in nats, estimators (R,) for eps (R, S, ...).
p is a Model (p.log_prior, p.log_likelihood, p.log_joint), q a Family.
PML, "BBVI - Vanilla version"; Jordan et al. (1999), An introduction to variational methods for graphical models.
"""
import autograd.numpy as np

from refvi.special import logsumexp


def expectation(g, q, lam):
    """E_q[g(z)] on q's nodes; g may be minus infinity only where q is zero."""
    z, w = q.nodes(lam)
    return np.sum(w * np.exp(q.log_prob(z, lam)) * g(z))


# ---- the bound

def log_of_integral(p, q, lam, x, theta):
    """The latent variable is integrated out of the joint density; q only lends its nodes."""
    z, w = q.nodes(lam)
    return logsumexp(np.log(w) + p.log_joint(z, x, theta))


def log_of_expectation(p, q, lam, x, theta):
    """Multiplied and divided by q: the evidence is the mean of an importance weight."""
    return np.log(expectation(lambda z: np.exp(p.log_joint(z, x, theta) - q.log_prob(z, lam)), q, lam))


def expectation_of_log(p, q, lam, x, theta):
    """Jensen: the logarithm moves inside and loses KL(q || p(z|x)) nats."""
    return expectation(lambda z: p.log_joint(z, x, theta) - q.log_prob(z, lam), q, lam)


def average_log_weight(eps, p, q, lam, x, theta):
    """Average over S draws z_s = eps_s ~ q(lam) of the log weight: what black-box inference sees. Returns (R,)."""
    return np.mean(p.log_joint(eps, x, theta) - q.log_prob(eps, lam), axis=-1)


# ---- what Jensen lost

def elbo_plus_kl(p, q, lam, x, theta, log_posterior):
    """The bound and the divergence from q to the posterior, log_posterior(z) = log p(z | x)."""
    return expectation_of_log(p, q, lam, x, theta) + kl_to_posterior(q, lam, log_posterior)


def elbo_minus_kl(p, q, lam, x, theta, log_posterior):
    """The slip: the divergence taken from the bound instead of added to it."""
    return expectation_of_log(p, q, lam, x, theta) - kl_to_posterior(q, lam, log_posterior)


def kl_to_posterior(q, lam, log_posterior):
    """KL(q || p(z|x)) in nats, never negative."""
    return expectation(lambda z: q.log_prob(z, lam) - log_posterior(z), q, lam)


# ---- its three faces

def fit_minus_kl(p, q, lam, x, theta):
    """How well q explains the data, less how far it moved from the prior."""
    fit = expectation(lambda z: p.log_likelihood(x, z, theta), q, lam)
    return fit - expectation(lambda z: q.log_prob(z, lam) - p.log_prior(z, theta), q, lam)


def energy_plus_entropy(p, q, lam, x, theta):
    """Where the joint density is high, and as spread out as that allows."""
    energy = expectation(lambda z: p.log_joint(z, x, theta), q, lam)
    return energy + expectation(lambda z: -q.log_prob(z, lam), q, lam)


def energy_minus_entropy(p, q, lam, x, theta):
    """The published slip: the entropy subtracted."""
    energy = expectation(lambda z: p.log_joint(z, x, theta), q, lam)
    return energy - expectation(lambda z: -q.log_prob(z, lam), q, lam)


def evidence_minus_kl(p, q, lam, x, theta, log_posterior):
    """The evidence does not move, so raising the bound pulls q to the posterior."""
    return log_of_integral(p, q, lam, x, theta) - kl_to_posterior(q, lam, log_posterior)
