"""The linear latent variable model, whose marginal and posterior are normal; every linear decoder is this one.

z ~ N(0, I_D), x = W z + b + noise, with one standard deviation for all coordinates of x (probabilistic PCA) or one for
each (factor analysis). Shapes: x (N, n), a datum a row; z (..., S, D); W (n, D), b (n,), sd a number or (n,);
lam (N, 2 D), mean and log standard deviation of a diagonal normal for every datum. Log densities in nats.
RAI, "Probabilistic view enables neural net based latent variable models"; Tipping and Bishop (1999), Probabilistic
principal component analysis.
"""
from typing import NamedTuple

import autograd.numpy as np
from autograd.tracer import getval

from refvi.base.checks import require_finite, require_positive, require_shape, require_some
from refvi.base.models import isotropic


MOST = 1e11     # of the spread of x over the noise, squared, that sums of squares are trusted with


class Linear(NamedTuple):
    """theta of the linear model."""
    W: np.ndarray       # (n, D)
    b: np.ndarray       # (n,)
    sd: np.ndarray      # (), probabilistic PCA, or (n,), factor analysis


def linear(W, b, *, sd):
    """A checked Linear; ValueError for a wrong shape, a value that is not finite, an sd that is not positive."""
    W = require_finite("W", require_shape("W", W, (None, None), "(n=coordinates of x, D=coordinates of z)"))
    n, D = W.shape
    b = require_finite("b", require_shape("b", b, (n,), f"the mean of x, one entry for each of the n={n} rows of W"))
    remedy = "a standard deviation, not a variance or its logarithm"
    sd = require_positive("sd", require_finite("sd", np.array(sd, float)), remedy)
    if sd.shape not in ((), (n,)):
        raise ValueError(f"sd has shape {sd.shape}, expected () for one noise, "
                         f"or ({n},) for one in each coordinate of x")
    return Linear(W, b, sd)


def deviations(theta):
    """The noise's standard deviation in every coordinate of x, whether theta has one for all or one for each. (n,)"""
    return theta.sd * np.ones(len(theta.b))


def log_joint(z, x, theta):
    """log p(z) + log p(x | z), (..., S) for z (..., S, D) and one datum x (n,), or several that broadcast."""
    residual = (x - theta.b - z @ theta.W.T) / theta.sd
    return isotropic(z, 1.) + isotropic(residual, 1.) - np.sum(np.log(deviations(theta)))


def observed(x, theta):
    """x (N, n) as an array of floats; ValueError for another shape, no rows, or a value that is not finite."""
    n = len(theta.b)
    x = require_shape("x", x, (None, n), f"a datum a row, n={n} coordinates each")
    return require_finite("x", require_some("x", x))


# ---- the marginal, N(b, C)

def covariance(theta):
    """C = W W' + diag(sd^2), the covariance of x. (n, n)"""
    return theta.W @ theta.W.T + theta.sd**2 * np.eye(len(theta.b))


def scatter(x, b):
    """The covariance of the data about b, divided by N as maximum likelihood does. (n, n)"""
    return (x - b).T @ (x - b) / len(x)


def log_density_of(second, theta):
    """E[log N(x; b, C)] in nats, of all data or populations whose second moment about b is second (n, n).

    ValueError where the noise is too small to be seen in sums of squares: log_likelihood, of the data, needs none.
    """
    C = covariance(theta)
    require_noise(getval(C + second), getval(deviations(theta)))
    return -0.5 * (len(C) * np.log(2 * np.pi) + np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, second)))


def require_noise(second, sd):
    """Nothing, or a ValueError where squares of x, second, are too large for float64 to hold digits of the noise."""
    ratio = np.trace(second / sd**2)
    if not ratio < MOST:
        raise ValueError(f"the spread of x is {np.sqrt(ratio):.1g} times the noise: a covariance in float64 holds no "
                         "digits of the noise, raise sd or take log_likelihood of the data")


def log_likelihood(x, theta):
    """The average over the data of log N(x; b, C), in nats per datum."""
    return np.mean(log_evidence(x, theta))


def log_evidence(x, theta):
    """log N(x_n; b, C) in nats, of every datum. (N,)

    By Bayes' rule at the posterior's mean, in units of the noise: C itself holds no digits of a small one.
    """
    mean, precision = posterior(x, theta)
    sd = deviations(theta)
    residual = (x - theta.b) / sd - mean @ (theta.W.T / sd)
    squares = np.sum(residual**2, axis=1) + np.sum(mean**2, axis=1)
    log_det = 2 * np.sum(np.log(sd)) + np.linalg.slogdet(precision)[1]
    return -0.5 * (len(sd) * np.log(2 * np.pi) + log_det + squares)


# ---- the posterior, N(A (x - b), P^-1)

def posterior_map(theta):
    """A (D, n), which takes x - b to the posterior's mean, and the precision P = I + W' diag(sd^-2) W (D, D).

    ValueError where W's columns are so alike that float64 leaves no digits of P's smallest eigenvalue.
    """
    scaled = theta.W.T / theta.sd
    with np.errstate(over="ignore", invalid="ignore"):
        precision = np.eye(len(scaled)) + scaled @ scaled.T
    require_apart(getval(precision))
    return np.linalg.solve(precision, scaled) / theta.sd, precision


def require_apart(precision):
    """Nothing, or a ValueError where a precision, its diagonal scaled to one, is singular to within rounding."""
    size = np.sqrt(np.diag(precision))
    if np.all(np.isfinite(precision)):
        smallest = np.linalg.eigvalsh(precision / size / size[:, None])[0]
        if smallest > 100 * len(precision) * np.finfo(float).eps:
            return
        what = f"combinations of one another to within rounding (smallest eigenvalue {smallest:.1g} of their cosines)"
        remedy = "leave one out, or raise sd"
    else:
        what, remedy = "too large beside the noise: their squares overflow", "rescale x, or raise sd"
    raise ValueError(f"the columns of W in units of the noise are {what}: {remedy}")


def posterior(x, theta):
    """Means (N, D) and the precision (D, D), one for all data, of p(z | x)."""
    A, precision = posterior_map(theta)
    return (observed(x, theta) - theta.b) @ A.T, precision


def small(theta):
    """M = W'W + sd^2 I = sd^2 P, the D by D matrix of probabilistic PCA. (D, D)"""
    return theta.W.T @ theta.W + theta.sd**2 * np.eye(theta.W.shape[1])


def best_lam(x, theta):
    """The diagonal normal of the highest bound for every datum: the posterior's mean, and P_kk^(-1/2). (N, 2 D)

    It is the posterior itself where P is diagonal, that is for D = 1 and for columns of W that are orthogonal (in units
    of the noise). Elsewhere it is narrower than the posterior's marginals.
    """
    mean, precision = posterior(x, theta)
    return np.concatenate([mean, np.tile(-0.5 * np.log(np.diag(precision)), (len(mean), 1))], axis=1)
