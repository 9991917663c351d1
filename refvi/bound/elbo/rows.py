"""The evidence lower bound, line by line: derivations/bound/elbo.md.

Shapes: z (..., S) or (..., S, D), log densities (..., S), lam (P,); rows return one number in nats, estimators (R,) for eps (R, S, ...).
p is a Model (p.log_prior, p.log_likelihood, p.log_joint), q a Family.
PML, "BBVI - Vanilla version"; Jordan et al. (1999), An introduction to variational methods for graphical models.
"""
import autograd.numpy as np
from autograd import grad, hessian
from scipy import optimize

from refvi.base.checks import require_bound
from refvi.base.special import logsumexp


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
    evidence = log_of_integral(p, q, lam, x, theta)
    return require_bound(evidence - kl_to_posterior(q, lam, log_posterior), evidence)


# ---- the best q

def bound_at_posterior(p, q, lam, x, theta, log_posterior):
    """q replaced by the posterior, on the nodes of q: log p(x, z) - log p(z|x) is the same number for every z."""
    z, w = q.nodes(lam)
    return np.sum(w * np.exp(log_posterior(z)) * (p.log_joint(z, x, theta) - log_posterior(z)))


def climbed(integrand, q, lam):
    """lam where the mean of integrand(z, lam) under q(lam) is highest; every step has nodes of its own, which stay while it takes derivatives."""
    def downhill(derivative):
        def at(lam):
            z, w = q.nodes(lam)
            return derivative(lambda lam: -np.sum(w * np.exp(q.log_prob(z, lam)) * integrand(z, lam)))(lam)
        return at
    return lowest(downhill(lambda g: g), downhill(grad), downhill(hessian), lam)


def lowest(value, slope, curvature, lam):
    """Where descent from lam ends. Values stop telling steps apart at the root of rounding, so two steps of Newton's go on from there."""
    lam = optimize.minimize(value, lam, jac=slope, hess=curvature, method="trust-exact", options=dict(gtol=1e-6)).x
    for _ in range(2):
        lam = lam - np.linalg.lstsq(curvature(lam), slope(lam), rcond=1e-10)[0]      # least squares: logits have a direction that changes nothing
    return lam


def highest_bound(p, q, lam, x, theta, at):
    """The density, at the points `at`, of the q in its family with the highest bound."""
    return np.exp(q.log_prob(at, climbed(lambda z, lam: p.log_joint(z, x, theta) - q.log_prob(z, lam), q, lam)))


def least_divergence(q, lam, log_posterior, at):
    """The density, at the points `at`, of the q in its family with the least divergence to the posterior."""
    return np.exp(q.log_prob(at, climbed(lambda z, lam: log_posterior(z) - q.log_prob(z, lam), q, lam)))


# ---- and the way there

def gradient_of_bound(p, q, lam, x, theta):
    """The slope of the bound, on nodes that stay where they are while lam moves. (P,)"""
    z, w = q.nodes(lam)
    return grad(lambda lam: np.sum(w * np.exp(q.log_prob(z, lam)) * (p.log_joint(z, x, theta) - q.log_prob(z, lam))))(lam)


def minus_gradient_of_kl(q, lam, log_posterior):
    """The slope of the divergence, turned round. (P,)"""
    z, w = q.nodes(lam)
    return -grad(lambda lam: np.sum(w * np.exp(q.log_prob(z, lam)) * (q.log_prob(z, lam) - log_posterior(z))))(lam)
