"""The gradient of a marginal likelihood, line by line: derivations/marginal/marginal_gradient.md.

Shapes: theta (P,) flat; z (..., S) or (..., S, D); p is a Model whose log densities take theta with or without sample
axes; q and lam are a Family and its parameters whose nodes cover the posterior: rows integrate on them, and where a row
needs p(z|x) it is q itself. Deterministic rows return (P,), estimators (R, P).
WI, UA, "Intractable gradient"; Fisher's identity, see Dempster, Laird and Rubin (1977).
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import expectation, gradient_of_each
from refvi.base.special import logsumexp


# ---- the identity

def gradient_of_log_integral(p, x, theta, q, lam):
    """Gradient of the log evidence, which is a sum over nodes that stay where they are while theta moves."""
    z, w = q.nodes(lam)
    return grad(lambda theta: logsumexp(np.log(w) + p.log_joint(z, x, theta)))(theta)


def ratio_of_integrals(p, x, theta, q, lam):
    """Integral of the joint density's gradient over the integral of the joint density."""
    z, w = q.nodes(lam)
    density = np.exp(p.log_joint(z, x, theta))
    return w @ gradient_of_each(lambda z, theta: np.exp(p.log_joint(z, x, theta)), z, theta) / np.sum(w * density)


def log_derivative(p, x, theta, q, lam):
    """Integral of the joint density times the gradient of its logarithm, over the evidence."""
    z, w = q.nodes(lam)
    density = np.exp(p.log_joint(z, x, theta))
    return (w * density) @ gradient_of_joint(p, z, x, theta) / np.sum(w * density)


def posterior_expectation(p, x, theta, q, lam):
    """Expectation of the gradient of the log joint under the posterior q(lam)."""
    return expectation(lambda z: gradient_of_joint(p, z, x, theta), q, lam)


def posterior_average(eps, p, x, theta):
    """Average over S exact posterior draws z_s = eps_s, (R, P)."""
    return np.mean(gradient_of_joint(p, eps, x, theta), axis=-2)


def gradient_of_joint(p, z, x, theta):
    """Gradient of log p(x, z | theta) in theta for every z, (..., S, P)."""
    return gradient_of_each(lambda z, theta: p.log_joint(z, x, theta), z, theta)


# ---- how far S draws lie off

def variance_of_one_term(p, x, theta, q, lam, S):
    """Variance of the gradient at one posterior draw, over S; coordinate by coordinate."""
    mean = posterior_expectation(p, x, theta, q, lam)
    return expectation(lambda z: (gradient_of_joint(p, z, x, theta) - mean)**2, q, lam) / S


def squared_deviation(eps, p, x, theta, q, lam):
    """Squared distance of the average over S draws from the posterior expectation, coordinate by coordinate (R, P)."""
    return (posterior_average(eps, p, x, theta) - posterior_expectation(p, x, theta, q, lam))**2


# ---- a prior with parameters, and Bayes' rule

def prior_and_likelihood(p, x, theta, q, lam):
    """Posterior expectation of the gradients of log prior and of log likelihood, added."""
    def both(z):
        of_likelihood = gradient_of_each(lambda z, theta: p.log_likelihood(x, z, theta), z, theta)
        return gradient_of_each(p.log_prior, z, theta) + of_likelihood

    return expectation(both, q, lam)


def joint_over_evidence(p, x, theta, q, lam, at):
    """Posterior density at the points `at`: joint density over the evidence, a sum over nodes."""
    z, w = q.nodes(lam)
    return np.exp(p.log_joint(at, x, theta) - logsumexp(np.log(w) + p.log_joint(z, x, theta)))
