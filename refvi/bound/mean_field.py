"""Two divergences, and what a product loses: derivations/bound/mean_field.md.

Shapes: z (..., S) or (..., S, D), log_target(z) (..., S) in nats and normalized, lam (P,); moments T(z) (..., S, k). The nodes of q(lam) must cover the
target, since both divergences are integrated on them. PML, "Recap & Conclusions"; Minka (2005), Divergence measures and message passing.
"""
import autograd.numpy as np
from autograd import grad, hessian

from refvi.bound.elbo.rows import climbed, lowest


# ---- two divergences

def mean_under_q(q, lam, log_target):
    """KL(q || p): the log ratio where q is. Nats."""
    z, w = q.nodes(lam)
    return np.sum(w * np.exp(q.log_prob(z, lam)) * (q.log_prob(z, lam) - log_target(z)))


def mean_under_p(q, lam, log_target):
    """KL(p || q): the other ratio, where p is. Nats."""
    z, w = q.nodes(lam)
    return np.sum(w * np.exp(log_target(z)) * (log_target(z) - q.log_prob(z, lam)))


# ---- what the closest q keeps

def closest_forward(q, lam, log_target):
    """lam of the least KL(p || q): the highest expected log density, maximum likelihood with p for data. Nodes stay at the lam given."""
    z, w = q.nodes(lam)
    def downhill(lam):
        return -np.sum(w * np.exp(log_target(z)) * q.log_prob(z, lam))
    return lowest(downhill, grad(downhill), hessian(downhill), lam)


def closest_reverse(q, lam, log_target):
    """lam of the least KL(q || p) that descent from lam finds."""
    return climbed(lambda z, lam: log_target(z) - q.log_prob(z, lam), q, lam)


def moments(T, q, lam):
    """E_q[T(z)] (k,)."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam))) @ T(z)


def moments_of_closest_forward(T, q, lam, log_target):
    """E[T] under the q that KL(p || q) chooses. (k,)"""
    return moments(T, q, closest_forward(q, lam, log_target))


def moments_of_closest_reverse(T, q, lam, log_target):
    """E[T] under the q that KL(q || p) chooses. (k,)"""
    return moments(T, q, closest_reverse(q, lam, log_target))


# ---- the divergence of two normals, q ~ N(mu, covariance) and p ~ N(mean, prior_covariance), all (D,) and (D, D)

def divergence_of_normals(mu, covariance, mean, prior_covariance):
    """Volume, spread and distance, less one half for each dimension. Nats."""
    precision, step = np.linalg.inv(prior_covariance), mu - mean
    return 0.5 * (log_det(prior_covariance) - log_det(covariance) + np.trace(precision @ covariance) + step @ precision @ step - len(mu))


def half_for_all_dimensions(mu, covariance, mean, prior_covariance):
    """The slip: one half in all, where every dimension has its own."""
    precision, step = np.linalg.inv(prior_covariance), mu - mean
    return 0.5 * (log_det(prior_covariance) - log_det(covariance) + np.trace(precision @ covariance) + step @ precision @ step - 1)


def half_the_volume(mu, covariance, mean, prior_covariance):
    """The slip: log sigma where log sigma^2 belongs."""
    precision, step = np.linalg.inv(prior_covariance), mu - mean
    return 0.5 * (0.5 * log_det(prior_covariance) - 0.5 * log_det(covariance) + np.trace(precision @ covariance) + step @ precision @ step - len(mu))


def trace_inverted(mu, covariance, mean, prior_covariance):
    """The slip: the spreads divided the wrong way round."""
    precision, step = np.linalg.inv(prior_covariance), mu - mean
    return 0.5 * (log_det(prior_covariance) - log_det(covariance) + np.trace(np.linalg.inv(covariance) @ prior_covariance) + step @ precision @ step - len(mu))


def log_det(matrix):
    """log determinant of a positive definite matrix."""
    return np.linalg.slogdet(matrix)[1]


# ---- a product for a normal that is none: Sigma its covariance, Lambda = Sigma^-1 its precision

def variance_of_best_product(q, lam, log_target):
    """Variances (D,) of the closest diagonal normal, found by descent."""
    best = closest_reverse(q, lam, log_target)
    return np.exp(2 * best[len(best) // 2:])


def inverse_diagonal_precision(covariance):
    """1 / Lambda_dd, the variance of z_d when all others are known. (D,)"""
    return 1 / np.diag(np.linalg.inv(covariance))


def marginal_variance(covariance):
    """Sigma_dd, the variance of z_d when nothing is known. (D,)"""
    return np.diag(covariance)


def divergence_of_best_product(q, lam, log_target):
    """What the product costs, by descent. Nats."""
    return mean_under_q(q, closest_reverse(q, lam, log_target), log_target)


def excess_of_log_precisions(covariance):
    """Half of how far the diagonal's logarithms exceed the log determinant of the precision. Nats."""
    precision = np.linalg.inv(covariance)
    return 0.5 * (np.sum(np.log(np.diag(precision))) - log_det(precision))


# ---- one normal for a target of one dimension

def variance_of_closest_normal(q, lam, log_target):
    """Variance of the normal that descent on KL(q || p) ends at."""
    return np.exp(2 * closest_reverse(q, lam, log_target)[1])
