"""The evidence lower bound, line by line: derivations/bound/elbo.md.

Shapes: z (..., S) or (..., S, D), log densities (..., S), lam (P,); rows return one number in nats, estimators (R,) for
eps (R, S, ...). p is a Model (p.log_prior, p.log_likelihood, p.log_joint), q a Family; log_posterior(z) = log p(z | x).
PML, "BBVI - Vanilla version"; Jordan et al. (1999), An introduction to variational methods for graphical models.
"""
import autograd.numpy as np
from autograd import grad, hessian
from scipy import optimize

from refvi.base.checks import require_bound
from refvi.base.core import expectation
from refvi.base.special import logsumexp


def log_weight(z, p, q, lam, x, theta):
    """r(z, lam) = log p(x, z) - log q(z), (..., S): what the bound is the mean of."""
    return p.log_joint(z, x, theta) - q.log_prob(z, lam)


# ---- the bound

def log_of_integral(p, q, lam, x, theta):
    """log p(x): the latent variable integrated out of the joint density; q only lends its nodes."""
    z, w = q.nodes(lam)
    return logsumexp(np.log(w) + p.log_joint(z, x, theta))


def log_of_expectation(p, q, lam, x, theta):
    """log p(x) as the log of the mean importance weight under q."""
    return np.log(expectation(lambda z: np.exp(log_weight(z, p, q, lam, x, theta)), q, lam))


def expectation_of_log(p, q, lam, x, theta):
    """The bound: the mean under q of the log weight."""
    return expectation(lambda z: log_weight(z, p, q, lam, x, theta), q, lam)


def average_log_weight(eps, p, q, lam, x, theta):
    """Average of the log weights of S draws z_s = eps_s ~ q(lam), an unbiased estimate of the bound. (R,)"""
    return np.mean(log_weight(eps, p, q, lam, x, theta), axis=-1)


# ---- what Jensen lost

def kl_to_posterior(q, lam, log_posterior):
    """KL(q || p(z|x)) in nats, never negative."""
    return expectation(lambda z: q.log_prob(z, lam) - log_posterior(z), q, lam)


def elbo_plus_kl(p, q, lam, x, theta, log_posterior):
    """The bound and the divergence from q to the posterior."""
    return expectation_of_log(p, q, lam, x, theta) + kl_to_posterior(q, lam, log_posterior)


# ---- its three faces

def fit_minus_kl(p, q, lam, x, theta):
    """Expected log likelihood, less the divergence from q to the prior."""
    fit = expectation(lambda z: p.log_likelihood(x, z, theta), q, lam)
    return fit - expectation(lambda z: q.log_prob(z, lam) - p.log_prior(z, theta), q, lam)


def energy_plus_entropy(p, q, lam, x, theta):
    """Expected log joint, plus the entropy of q."""
    energy = expectation(lambda z: p.log_joint(z, x, theta), q, lam)
    return energy + expectation(lambda z: -q.log_prob(z, lam), q, lam)


def evidence_minus_kl(p, q, lam, x, theta, log_posterior):
    """The log evidence, less the divergence from q to the posterior."""
    evidence = log_of_integral(p, q, lam, x, theta)
    return require_bound(evidence - kl_to_posterior(q, lam, log_posterior), evidence)


# ---- the best q, and how much the log weight varies

def bound_at_posterior(p, q, lam, x, theta, log_posterior):
    """The bound of the posterior itself, on the nodes of q: log p(x, z) - log p(z|x) is one number, whatever z."""
    z, w = q.nodes(lam)
    return np.sum(w * np.exp(log_posterior(z)) * (p.log_joint(z, x, theta) - log_posterior(z)))


def variance_of_log_weight(p, q, lam, x, theta):
    """Variance under q of the log weight: zero at the posterior."""
    elbo = expectation_of_log(p, q, lam, x, theta)
    return expectation(lambda z: (log_weight(z, p, q, lam, x, theta) - elbo)**2, q, lam)


def spread_of_average(eps, p, q, lam, x, theta):
    """S times the squared distance of the average log weight from the bound. (R,)"""
    S = np.shape(eps)[1]
    return S * (average_log_weight(eps, p, q, lam, x, theta) - expectation_of_log(p, q, lam, x, theta))**2


def climbed(integrand, q, lam):
    """lam (P,) where the mean of integrand(z, lam) under q(lam) is highest, by ascent from lam.

    Every step has nodes of its own, which stay where they are while it takes derivatives.
    """
    def downhill(derivative):
        def at(lam):
            nodes = q.nodes(lam)
            return derivative(lambda lam: -expectation(lambda z: integrand(z, lam), q, lam, nodes))(lam)
        return at
    return lowest(downhill(lambda g: g), downhill(grad), downhill(hessian), lam)


def lowest(value, slope, curvature, lam):
    """lam (P,) where descent from lam ends.

    Values stop telling steps apart at the root of rounding, so two steps of Newton's go on from there, by least
    squares, since logits have a direction that changes nothing.
    """
    lam = optimize.minimize(value, lam, jac=slope, hess=curvature, method="trust-exact", options=dict(gtol=1e-6)).x
    for _ in range(2):
        lam = lam - np.linalg.lstsq(curvature(lam), slope(lam), rcond=1e-10)[0]
    return lam


def highest_bound(p, q, lam, x, theta, at):
    """The density, at the points `at`, of the q in its family with the highest bound."""
    best = climbed(lambda z, lam: log_weight(z, p, q, lam, x, theta), q, lam)
    return np.exp(q.log_prob(at, best))


def least_divergence(q, lam, log_posterior, at):
    """The density, at the points `at`, of the q in its family with the least divergence to the posterior."""
    best = climbed(lambda z, lam: log_posterior(z) - q.log_prob(z, lam), q, lam)
    return np.exp(q.log_prob(at, best))


# ---- and the way there

def gradient_of_bound(p, q, lam, x, theta):
    """The gradient of the bound in lam (P,), on nodes that stay where they are while lam moves."""
    nodes = q.nodes(lam)
    return grad(lambda lam: expectation(lambda z: log_weight(z, p, q, lam, x, theta), q, lam, nodes))(lam)


def minus_gradient_of_kl(q, lam, log_posterior):
    """Minus the gradient of the divergence to the posterior in lam (P,)."""
    nodes = q.nodes(lam)
    return -grad(lambda lam: expectation(lambda z: q.log_prob(z, lam) - log_posterior(z), q, lam, nodes))(lam)
