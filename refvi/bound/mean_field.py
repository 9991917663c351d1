"""Two divergences, and what a product loses: derivations/bound/mean_field.md.

Shapes: z (..., S) or (..., S, D), log_target(z) (..., S) in nats and normalized, lam (P,); moments T(z) (..., S, k).
The nodes of q(lam) must cover the target, since both divergences are integrated on them.
PML, "Recap & Conclusions"; Minka (2005), Divergence measures and message passing.
"""
import autograd.numpy as np
from autograd import grad, hessian

from refvi.base.core import expectation
from refvi.base.special import logsumexp
from refvi.bound.elbo.rows import climbed, lowest


# ---- two divergences

def mean_under_q(q, lam, log_target):
    """KL(q || p) in nats: the mean log ratio where q is."""
    return expectation(lambda z: q.log_prob(z, lam) - log_target(z), q, lam)


def minus_log_of_mean_ratio(q, lam, log_target):
    """Minus the log of the mean of p / q under q, in nats: zero, since the mass of p is one."""
    z, w = q.nodes(lam)
    log_q = q.log_prob(z, lam)
    return -logsumexp(np.log(w) + log_q + (log_target(z) - log_q))


def mean_under_p(q, lam, log_target):
    """KL(p || q) in nats: the other log ratio, where p is."""
    z, w = q.nodes(lam)
    return np.sum(w * np.exp(log_target(z)) * (log_target(z) - q.log_prob(z, lam)))


# ---- what the closest q keeps

def closest_forward(q, lam, log_target):
    """lam of the least KL(p || q), by descent from lam, whose nodes serve all the way."""
    z, w = q.nodes(lam)
    density = w * np.exp(log_target(z))

    def downhill(lam):
        return -np.sum(density * q.log_prob(z, lam))

    return lowest(downhill, grad(downhill), hessian(downhill), lam)


def closest_reverse(q, lam, log_target):
    """lam of the least KL(q || p) that descent from lam finds."""
    return climbed(lambda z, lam: log_target(z) - q.log_prob(z, lam), q, lam)


def moments_of_closest_forward(T, q, lam, log_target):
    """E[T] (k,) under the q that KL(p || q) chooses."""
    return expectation(T, q, closest_forward(q, lam, log_target))


def moments_of_closest_reverse(T, q, lam, log_target):
    """E[T] (k,) under the q that KL(q || p) chooses."""
    return expectation(T, q, closest_reverse(q, lam, log_target))


# ---- the divergence of two normals, q ~ N(mu, covariance) and p ~ N(mean, prior_covariance), all (D,) and (D, D)

def divergence_of_normals(mu, covariance, mean, prior_covariance):
    """KL(q || p) in nats: volume, spread and distance, less one half for each dimension."""
    precision, step = np.linalg.inv(prior_covariance), mu - mean
    volume = log_det(prior_covariance) - log_det(covariance)
    return 0.5 * (volume + np.trace(precision @ covariance) + step @ precision @ step - len(mu))


def log_det(matrix):
    """log determinant of a positive definite matrix."""
    return np.linalg.slogdet(matrix)[1]


# ---- a product for a normal that is none: Sigma its covariance, Lambda = Sigma^-1 its precision

def variance_of_best_product(q, lam, log_target):
    """Variances (D,) of the diagonal normal with the least KL(q || p), found by descent."""
    best = closest_reverse(q, lam, log_target)
    return np.exp(2 * best[len(best) // 2:])


def inverse_diagonal_precision(covariance):
    """1 / Lambda_dd (D,), the variance of z_d when all others are known."""
    return 1 / np.diag(np.linalg.inv(covariance))


def marginal_variance(covariance):
    """Sigma_dd (D,), the variance of z_d when nothing is known."""
    return np.diag(covariance)


def divergence_of_best_product(q, lam, log_target):
    """The least KL(q || p) of a product, in nats, by descent."""
    return mean_under_q(q, closest_reverse(q, lam, log_target), log_target)


def excess_of_log_precisions(covariance):
    """Half of how far the diagonal's logarithms exceed the log determinant of the precision, in nats."""
    precision = np.linalg.inv(covariance)
    return 0.5 * (np.sum(np.log(np.diag(precision))) - log_det(precision))


def divergence_to_marginals(covariance):
    """KL from a normal to the product of its own marginals, in nats."""
    D = len(covariance)
    return divergence_of_normals(np.zeros(D), covariance, np.zeros(D), np.diag(np.diag(covariance)))


# ---- one normal for a target of one dimension

def variance_of_closest_normal(q, lam, log_target):
    """Variance of the normal that descent on KL(q || p) ends at."""
    return np.exp(2 * closest_reverse(q, lam, log_target)[1])
