"""Normals: of one variable, with independent coordinates, with any covariance."""
import autograd.numpy as np

from refvi.base.checks import require_finite, require_positive, require_shape
from refvi.base.core import Family
from refvi.base.families.lam import halves, pair, trapezoid


def normal_lam(mu, *, sd):
    """lam of a normal with mean mu and standard deviation sd; ValueError where sd is not > 0."""
    return np.array([mu, np.log(require_positive("sd", sd, "parameterize by log_sigma"))])


def full_normal_lam(mu, *, Sigma):
    """lam of a normal with mean mu (D,) and covariance Sigma (D, D); ValueError where Sigma is no covariance."""
    mu = require_finite("mu", require_shape("mu", mu, (None,), "one mean for each coordinate"))
    D = len(mu)
    Sigma = require_finite("Sigma", require_shape("Sigma", Sigma, (D, D), f"a covariance of the {D} coordinates of mu"))
    size, difference = np.max(np.abs(Sigma)), np.max(np.abs(Sigma - Sigma.T))
    if difference > 1e-8 * size:
        raise ValueError(f"Sigma is not symmetric (largest difference {difference:.2g}): "
                         "pass (Sigma + Sigma.T) / 2 if that is rounding")
    smallest = np.linalg.eigvalsh(Sigma)[0]
    if not smallest > np.finfo(float).eps * D * size:
        raise ValueError(f"Sigma is not positive definite (smallest eigenvalue {smallest:.2g}): "
                         "is it a covariance, and of independent coordinates?")
    R = np.linalg.cholesky(Sigma)
    return np.concatenate([mu, np.log(np.diag(R)), R[np.tril_indices(D, -1)]])


# normal

def normal_log_prob(z, lam):
    """Log density (..., S) in nats of a normal at real z (..., S); lam = (mu, log sigma)."""
    mu, log_sigma = pair(lam)
    return -0.5 * ((z - mu) * np.exp(-log_sigma))**2 - log_sigma - 0.5 * np.log(2 * np.pi)


def normal_sample(rng, lam, size):
    return normal_transport(rng.standard_normal(size), lam)


def normal_nodes(lam, order=64):
    t, h = trapezoid(order)
    return normal_transport(t, lam), np.full(order, h * np.exp(lam[1]))


def normal_transport(eps, lam):
    mu, log_sigma = pair(lam)
    return mu + np.exp(log_sigma) * eps


# diagonal normal

def diagonal_log_prob(z, lam):
    """Log density (..., S) in nats of D independent normals at z (..., S, D); lam = (mu_1..mu_D, log sigma_1..log
    sigma_D).
    """
    mu, log_sigma = halves(lam)
    return np.sum(-0.5 * ((z - mu) * np.exp(-log_sigma))**2 - log_sigma - 0.5 * np.log(2 * np.pi), axis=-1)


def diagonal_sample(rng, lam, size):
    return diagonal_transport(rng.standard_normal(size + (len(lam) // 2,)), lam)


def diagonal_nodes(lam, order=36):
    D = len(lam) // 2
    t, h = trapezoid(order)
    grid = np.stack(np.meshgrid(*[t] * D, indexing="ij"), axis=-1).reshape(-1, D)
    return diagonal_transport(grid, lam), np.full(order**D, h**D * np.exp(np.sum(lam[D:])))


def diagonal_transport(eps, lam):
    mu, log_sigma = halves(lam)
    return mu + np.exp(log_sigma) * eps


def closed_divergence(lam):
    """KL(q || N(0, I)) (...,) in nats of diagonal normals lam (..., 2 D): a sum over coordinates. RAI.096, PML.120."""
    mu, log_sd = halves(lam)
    return 0.5 * np.sum(mu**2 + np.exp(2 * log_sd) - 1 - 2 * log_sd, axis=-1)


# full normal

def full_parts(lam):
    """mu (..., D), log of the diagonal of R (..., D), and the entries of R below it (..., D (D - 1) / 2)."""
    P = np.shape(lam)[-1]
    D = int((np.sqrt(9 + 8 * P) - 3) / 2 + 1e-9)
    if D < 1 or D * (D + 3) != 2 * P:
        raise ValueError(f"lam has shape {np.shape(lam)}, expected (..., D (D + 3) / 2): 2, 5, 9, 14, ... "
                         "for D locations, D log diagonal entries, the rest below")
    return lam[..., :D], lam[..., D:2 * D], lam[..., 2 * D:]


def full_log_prob(z, lam):
    """Log density (..., S) in nats of a normal with covariance R R^T, R lower triangular, at z (..., S, D).

    lam = (mu_1..mu_D, log R_11..log R_DD, then the entries of R below its diagonal, row by row: R_21, R_31, R_32, ...).
    By forward substitution: R t = z - mu, coordinate by coordinate.
    """
    mu, log_diagonal, below = full_parts(lam)
    t = []
    for i in range(np.shape(mu)[-1]):
        start = i * (i - 1) // 2
        rest = z[..., i] - mu[..., i] - sum(below[..., start + j] * t[j] for j in range(i))
        t.append(rest * np.exp(-log_diagonal[..., i]))
    return sum(-0.5 * t_i**2 - log_diagonal[..., i] - 0.5 * np.log(2 * np.pi) for i, t_i in enumerate(t))


def full_sample(rng, lam, size):
    return full_transport(rng.standard_normal(size + np.shape(full_parts(lam)[0])), lam)


def full_nodes(lam, order=36):
    mu, log_diagonal, _ = full_parts(lam)
    grid, w = diagonal_nodes(np.zeros(2 * len(mu)), order)
    return full_transport(grid, lam), w * np.exp(np.sum(log_diagonal))


def full_transport(eps, lam):
    """T_lambda(eps) = mu + R eps, for eps (..., S, D)."""
    mu, log_diagonal, below = full_parts(lam)
    D = np.shape(mu)[-1]
    rows, columns = np.tril_indices(D, -1)
    place = np.zeros((len(rows), D * D))        # where the entries below the diagonal stand in R
    place[np.arange(len(rows)), rows * D + columns] = 1.
    below = np.reshape(np.dot(below, place), np.shape(mu)[:-1] + (D, D))
    return mu + np.exp(log_diagonal) * eps + np.matmul(below, eps[..., None])[..., 0]


normal = Family(normal_log_prob, normal_sample, normal_nodes, normal_transport)
diagonal_normal = Family(diagonal_log_prob, diagonal_sample, diagonal_nodes, diagonal_transport)
full_normal = Family(full_log_prob, full_sample, full_nodes, full_transport)
