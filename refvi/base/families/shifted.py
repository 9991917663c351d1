"""Families whose transport T_lambda(eps) is one formula of standard noise: Cauchy, Laplace, log-normal."""
import autograd.numpy as np

from refvi.base.core import Family
from refvi.base.families.gammas import gamma_nodes, student_t_nodes
from refvi.base.families.gaussian import normal_log_prob, normal_nodes, normal_sample, normal_transport
from refvi.base.families.lam import pair, within


# Cauchy: no mean, no variance

def cauchy_log_prob(z, lam):
    """Log density (..., S) in nats of a Cauchy at real z (..., S); lam = (mu, log gamma), gamma half the distance
    between the quartiles.
    """
    mu, log_gamma = pair(lam)
    return -np.log1p(((z - mu) * np.exp(-log_gamma))**2) - log_gamma - np.log(np.pi)


def cauchy_sample(rng, lam, size):
    return cauchy_transport(rng.standard_cauchy(size), lam)


def cauchy_nodes(lam, order=64):
    return student_t_nodes(np.append(lam, 0.), order)


def cauchy_transport(eps, lam):
    mu, log_gamma = pair(lam)
    return mu + np.exp(log_gamma) * eps


# Laplace: half of the nodes on each side of the kink

def laplace_log_prob(z, lam):
    """Log density (..., S) in nats of a Laplace at real z (..., S); lam = (mu, log b), standard deviation sqrt(2) b."""
    mu, log_b = pair(lam)
    return -np.abs(z - mu) * np.exp(-log_b) - log_b - np.log(2.)


def laplace_sample(rng, lam, size):
    return rng.laplace(lam[0], np.exp(lam[1]), size)


def laplace_nodes(lam, order=64):
    away, w = gamma_nodes(np.array([0., -lam[1]]), max(order // 2, 1))
    return lam[0] + np.concatenate([-away[::-1], away]), np.concatenate([w[::-1], w])


def laplace_transport(eps, lam):
    mu, log_b = pair(lam)
    return mu + np.exp(log_b) * eps


# log-normal: the exponential of a normal

def log_normal_log_prob(z, lam):
    """Log density (..., S) in nats of the exponential of a normal at z (..., S) > 0; lam = (mu, log sigma) of that
    normal.
    """
    inside = ~((z <= 0) | (z == np.inf))
    log_z = np.log(np.where(inside, z, 1.))
    return within(inside, normal_log_prob(log_z, lam) - log_z)


def log_normal_sample(rng, lam, size):
    return np.exp(normal_sample(rng, lam, size))


def log_normal_nodes(lam, order=64):
    t, w = normal_nodes(lam, order)
    return np.exp(t), w * np.exp(t)


def log_normal_transport(eps, lam):
    """T_lambda(eps) = exp(mu + sigma log eps), where eps ~ q(0) is the exponential of a standard normal."""
    return np.exp(normal_transport(np.log(eps), lam))


cauchy = Family(cauchy_log_prob, cauchy_sample, cauchy_nodes, cauchy_transport)
laplace = Family(laplace_log_prob, laplace_sample, laplace_nodes, laplace_transport)
log_normal = Family(log_normal_log_prob, log_normal_sample, log_normal_nodes, log_normal_transport)
