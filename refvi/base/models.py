"""Models that several chapters meet: a joint density, and where they exist its exact posterior and evidence.

Linear-Gaussian: z ~ N(0, prior_sd^2 I_D), x = y z + N(0, noise_sd^2 I_N). Read y as the inputs of a regression (N, D),
z as its weights (D,) and x as its targets (N,); or y as the loadings of factor analysis. PML, "Code-task:
Score-function gradient for linear regression" writes x_i, theta and Y_i for them.
"""
from typing import NamedTuple

import autograd.numpy as np
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dtrcon

from refvi.base.checks import require_bound, require_finite, require_sd, require_shape
from refvi.base.core import Model


class LinearGaussian(NamedTuple):
    """theta of the linear-Gaussian model."""
    y: np.ndarray               # (N, D)
    prior_sd: float
    noise_sd: float


def regression(y, *, prior_sd, noise_sd):
    """A checked LinearGaussian; ValueError for a wrong shape, what is not finite, or an sd that is not positive."""
    y = require_finite("y", require_shape("y", y, (None, None), "(N=number of data, D=number of inputs)"))
    if y.size == 0:
        raise ValueError(f"y has shape {y.shape}: no data")
    theta = LinearGaussian(y.astype(float), require_sd("prior_sd", prior_sd), require_sd("noise_sd", noise_sd))
    require_sd("noise_sd / prior_sd", theta.noise_sd / theta.prior_sd)
    return theta


def targets(x, theta):
    """The observed x (N,) of a regression, checked against its inputs."""
    N = len(theta.y)
    x = require_shape("x", x, (N,), f"one target for each of the N={N} rows of y")
    return require_finite("x", x).astype(float, copy=False)


def isotropic(residual, sd):
    """log density (...,) of residual (..., D) under N(0, sd^2 I)."""
    D = np.shape(residual)[-1]
    return -0.5 * np.sum(residual**2, axis=-1) / sd**2 - D * (np.log(sd) + 0.5 * np.log(2 * np.pi))


def log_prior(z, theta):
    """log p(z) (..., S) of weights z (..., S, D)."""
    return isotropic(z, theta.prior_sd)


def log_likelihood(x, z, theta):
    """log p(x | z) (..., S) of targets x (N,) given weights z (..., S, D)."""
    return isotropic(x - z @ theta.y.T, theta.noise_sd)


linear_gaussian = Model(log_prior, log_likelihood)


class Solved(NamedTuple):
    """The posterior of the weights by least squares: its precision is root' root."""
    mean: np.ndarray            # (D,)
    root: np.ndarray            # (D, D) upper triangular
    rest: float                 # minus the sum of squares in the log joint at the mean, in nats


def log_constant(theta):
    """What minus half the sum of squares lacks of the log joint, in nats."""
    N, D = theta.y.shape
    return -N * np.log(theta.noise_sd) - D * np.log(theta.prior_sd) - 0.5 * (N + D) * np.log(2 * np.pi)


def solved(x, theta):
    """The posterior, Solved; ValueError where y's columns are so alike that float64 leaves fewer than three digits.

    The prior is D more data, of zero, whose inputs are the unit vectors in units of prior over noise. No square of y is
    formed, whose condition would be squared too, and columns are scaled by powers of two, which rounds nothing.
    """
    N, D = theta.y.shape
    rows = np.concatenate([theta.y, np.eye(D) * (theta.noise_sd / theta.prior_sd)])
    side = np.append(targets(x, theta), np.zeros(D))
    scale = 2.**np.rint(np.log2(np.linalg.norm(rows, axis=0)))
    rows = rows / scale
    q, r = np.linalg.qr(rows)
    z, rest, last = refined(rows, side, q, r)
    rcond, _ = dtrcon(r)            # one over the condition; r, unlike z, is not refined
    lost = np.finfo(np.longdouble).eps * np.linalg.norm(rest)       # rounding; z sees it times the condition squared
    size = np.linalg.norm(z)
    settled = last <= 1e-3 * size and lost <= 1e-3 * size * np.linalg.norm(rows) * rcond**2
    if not (settled and rcond >= 1e3 * np.finfo(float).eps):
        raise ValueError("y's columns are combinations of one another to within rounding "
                         f"(condition {np.linalg.cond(r):.1e} with prior_sd {theta.prior_sd:g}): "
                         "leave one out, centre and scale them, or lower prior_sd")
    return Solved(z / scale, r * scale / theta.noise_sd, 0.5 * np.sum((rest / theta.noise_sd)**2))


def refined(rows, side, q, r, times=4):
    """(z, side - rows z, size of the last correction): least squares by QR, refined with residuals in long precision.

    Correcting z and the residual together keeps the condition of rows from entering squared (Bjoerck, 1967, Iterative
    refinement of linear least squares solutions).
    """
    exact_rows, exact_side = rows.astype(np.longdouble), side.astype(np.longdouble)
    z, rest, last = np.zeros(rows.shape[1], np.longdouble), np.zeros(len(side), np.longdouble), np.inf
    if not np.all(np.diag(r)):
        return z, rest, last
    for _ in range(times):
        off = (exact_side - rest - exact_rows @ z).astype(float)
        slope = solve_triangular(r, -(rest @ exact_rows).astype(float), trans="T")
        inside = q.T @ off
        step = solve_triangular(r, inside - slope)
        z, rest, last = z + step, rest + off + q @ (slope - inside), np.linalg.norm(step)
        if last <= np.finfo(float).eps * np.linalg.norm(z.astype(float)):
            break
    return z.astype(float), rest.astype(float), last


def posterior(x, theta):
    """Mean (D,) and precision (D, D) of p(z | x), which is normal."""
    found = solved(x, theta)
    return found.mean, found.root.T @ found.root


def covariance(x, theta):
    """Covariance (D, D) of p(z | x)."""
    root = solve_triangular(solved(x, theta).root, np.eye(theta.y.shape[1]))
    return root @ root.T


def half_log_det(found):
    """Half the log determinant of the precision of Solved."""
    return np.sum(np.log(np.abs(np.diag(found.root))))


def log_evidence(x, theta):
    """log p(x) in nats, from Bayes' rule read at the posterior mean: p(x) = p(x, z) / p(z | x) for every z."""
    return evidence_of(solved(x, theta), theta)


def evidence_of(found, theta):
    """The log evidence in nats of Solved."""
    log_density = half_log_det(found) - 0.5 * len(found.mean) * np.log(2 * np.pi)
    return log_constant(theta) - found.rest - log_density


def mean_field(x, theta):
    """lam of the diagonal normal with the highest ELBO: the posterior mean, spreads from the precision's diagonal."""
    found = solved(x, theta)
    return np.concatenate([found.mean, -np.log(np.linalg.norm(found.root, axis=0))])


def elbo(lam, x, theta):
    """Exact ELBO in nats of a diagonal normal q(lam): the evidence less the divergence of two normals."""
    found = solved(x, theta)
    D = len(found.mean)
    mu, log_sd = lam[:D], lam[D:]
    squares = np.sum((found.root * np.exp(log_sd))**2) + np.sum((found.root @ (mu - found.mean))**2)
    divergence = 0.5 * (squares - D) - half_log_det(found) - np.sum(log_sd)
    evidence = evidence_of(found, theta)
    return require_bound(evidence - divergence, evidence)
