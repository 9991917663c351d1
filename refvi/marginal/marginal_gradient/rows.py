"""The gradient of a marginal likelihood, line by line: derivations/marginal/marginal_gradient.md.

Shapes: theta (P,) flat; z (..., S) or (..., S, D); p is a Model whose log densities take theta with or without sample axes; q and lam are
a Family and its parameters whose nodes cover the posterior: rows integrate on them, and where a row needs p(z|x) it is q itself.
Deterministic rows return (P,), estimators (R, P). WI, UA, "Intractable gradient"; Fisher's identity, see Dempster, Laird and Rubin (1977).
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import gradient_of_each
from refvi.base.special import logsumexp


# ---- the identity

def gradient_of_log_integral(p, x, theta, q, lam):
    """The latent variable integrated out, on nodes that stay where they are while theta moves."""
    z, w = q.nodes(lam)
    return grad(lambda theta: logsumexp(np.log(w) + p.log_joint(z, x, theta)))(theta)


def ratio_of_integrals(p, x, theta, q, lam):
    """Chain rule, and gradient and integral exchanged."""
    z, w = q.nodes(lam)
    density = np.exp(p.log_joint(z, x, theta))
    return w @ gradient_of_each(lambda z, theta: np.exp(p.log_joint(z, x, theta)), z, theta) / np.sum(w * density)


def log_derivative(p, x, theta, q, lam):
    """The gradient of a density is the density times the gradient of its logarithm."""
    z, w = q.nodes(lam)
    density = np.exp(p.log_joint(z, x, theta))
    return (w * density) @ gradient_of_each(lambda z, theta: p.log_joint(z, x, theta), z, theta) / np.sum(w * density)


def posterior_expectation(p, x, theta, q, lam):
    """Joint over evidence is the posterior, here q."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam))) @ gradient_of_each(lambda z, theta: p.log_joint(z, x, theta), z, theta)


def posterior_average(eps, p, x, theta):
    """Average over S exact posterior draws z_s = eps_s. Returns (R, P)."""
    return np.mean(gradient_of_each(lambda z, theta: p.log_joint(z, x, theta), eps, theta), axis=-2)


def prior_expectation(p, x, theta, q, lam):
    """The slip: averaged over the prior, which has not seen x."""
    z, w = q.nodes(lam)
    return (w * np.exp(p.log_prior(z, theta))) @ gradient_of_each(lambda z, theta: p.log_joint(z, x, theta), z, theta)


def likelihood_alone(p, x, theta, q, lam):
    """The slip where the prior learns as well: its own gradient forgotten."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam))) @ gradient_of_each(lambda z, theta: p.log_likelihood(x, z, theta), z, theta)


def prior_and_likelihood(p, x, theta, q, lam):
    """Both terms of the joint density, each under the posterior."""
    z, w = q.nodes(lam)
    each = gradient_of_each(p.log_prior, z, theta) + gradient_of_each(lambda z, theta: p.log_likelihood(x, z, theta), z, theta)
    return (w * np.exp(q.log_prob(z, lam))) @ each


# ---- Bayes' rule

def joint_over_evidence(p, x, theta, q, lam, at):
    """The posterior density at the points `at`, its evidence by quadrature."""
    z, w = q.nodes(lam)
    return np.exp(p.log_joint(at, x, theta) - logsumexp(np.log(w) + p.log_joint(z, x, theta)))
