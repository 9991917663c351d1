"""Maximum likelihood for probabilistic PCA in closed form: eigenvectors, and the discarded eigenvalues for the noise.

Shapes as in model.py: x (N, n); D < n; theta a Linear. Likelihoods are nats per datum. Tipping and Bishop (1999),
section 3.2 and appendix A.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.checks import require_count, require_finite, require_shape
from refvi.generative.linear_latent.model import Linear, log_likelihood, scatter


def require_spread(x):
    """x (N, n) as a float array, or a ValueError: at least two data, finite."""
    x = require_shape("x", x, (None, None), "(N=number of data, n=coordinates of one datum)")
    if len(x) < 2:
        raise ValueError(f"x has N={len(x)} data: a covariance takes at least 2")
    return require_finite("x", x).astype(float)


def require_data(x, D):
    """require_spread of data in more dimensions than D."""
    x = require_spread(x)
    n = x.shape[1]
    if require_count("D", D) >= n:
        raise ValueError(f"D={D} latent coordinates leave no direction of the n={n} in x to the noise: "
                         f"take D of at most {n - 1}")
    return x


def eigen(x):
    """Eigenvalues (n,), the largest first, and eigenvectors (n, n) of the data's covariance."""
    x = require_spread(x)
    return eigen_of(scatter(x, np.mean(x, axis=0)))


def eigen_of(covariance_of_data):
    """Eigenvalues (n,), the largest first, and eigenvectors (n, n)."""
    values, vectors = np.linalg.eigh(covariance_of_data)
    return values[::-1], vectors[:, ::-1]


def closed_form(x, D, rotation=None):
    """theta of the highest likelihood: W = U (L - sd^2)^(1/2) R.

    L holds the D largest eigenvalues, sd^2 is the mean of the others, R (D, D) any rotation. ValueError where the other
    eigenvalues are zero: the likelihood is then unbounded, and no sd > 0 is the best.
    """
    x = require_data(x, D)
    if rotation is None:
        rotation = np.eye(D)
    rotation = require_shape("rotation", rotation, (D, D), "an orthogonal matrix")
    if not np.allclose(rotation.T @ rotation, np.eye(D)):
        raise ValueError("rotation is no orthogonal matrix: its transpose times itself must be the identity, "
                         "take a QR decomposition's Q")
    return from_axes(x, np.arange(D), rotation)


def from_axes(x, kept, rotation):
    """theta with the axes in `kept` for its loadings and the mean of all other eigenvalues for its noise."""
    mean = np.mean(x, axis=0)
    return from_moments(mean, scatter(x, mean), kept, rotation)


def from_moments(mean, covariance_of_data, kept, rotation):
    """from_axes for data or a population of this mean (n,) and covariance (n, n)."""
    values, U = eigen_of(covariance_of_data)
    others = np.delete(values, kept)
    variance = np.mean(others)
    if not variance > np.finfo(float).eps * len(values) * values[0]:
        raise ValueError(f"the {len(others)} smallest eigenvalues of the covariance have mean {variance:.2g}, "
                         f"not above rounding: the data lie in a plane of D={len(kept)} dimensions, "
                         "take a smaller D, or more data than coordinates")
    tie = np.isclose(values[kept], variance, rtol=0., atol=8 * np.finfo(float).eps * len(values) * values[0])
    excess = np.where(tie, 0., values[kept] - variance)
    if not np.all(excess >= 0):
        raise ValueError(f"each kept eigenvalue must be at least the mean of the others, got {excess} less it: "
                         "keep the largest")
    roots = np.sqrt(excess)
    return Linear(U[:, kept] * roots @ rotation, mean, np.sqrt(variance))


# ---- theta as one vector: W row by row, b, then log sd

def flat(theta):
    """(n D + n + 1,) or, with a noise for each coordinate, (n D + 2 n,)."""
    return np.concatenate([np.ravel(theta.W), theta.b, np.ravel(np.log(theta.sd))])


def unflat(vector, n, D):
    """The Linear of a flat vector; one log sd at its end, or n."""
    W, b, log_sd = np.reshape(vector[:n * D], (n, D)), vector[n * D:n * D + n], vector[n * D + n:]
    return Linear(W, b, np.exp(log_sd if len(log_sd) > 1 else log_sd[0]))


def gradient(x, theta):
    """The gradient of the likelihood in the flat vector: in W, b and log sd."""
    n, D = theta.W.shape
    return grad(lambda vector: log_likelihood(x, unflat(vector, n, D)))(flat(theta))


# ---- the slope is zero

def gradient_at_closed_form(x, D):
    """The gradient of the likelihood in W, b and log sd at the closed form. (n D + n + 1,)"""
    return gradient(x, closed_form(x, D))


def gradient_at_other_axes(x, D, kept):
    """The gradient where other eigenvectors stand for the first: a saddle. (n D + n + 1,)"""
    return gradient(x, from_axes(x, kept, np.eye(D)))


# ---- the value is the highest

def likelihood_at_closed_form(x, D):
    """The likelihood of the closed form, R = I."""
    return log_likelihood(x, closed_form(x, D))


def likelihood_at_rotation(x, D, rotation):
    """The likelihood with another R, which the covariance of x does not feel."""
    return log_likelihood(x, closed_form(x, D, rotation))


def sum_of_log_eigenvalues(x, D):
    """The quadratic terms add up to n; log det C is a sum over the kept eigenvalues and the mean of the others."""
    values, _ = eigen(x)
    n = len(values)
    log_det = np.sum(np.log(values[:D])) + (n - D) * np.log(np.mean(values[D:]))
    return -0.5 * (n * (1 + np.log(2 * np.pi)) + log_det)


def likelihood_of_other_axes(x, D, kept):
    """The likelihood of another choice of eigenvectors, with the best noise for it."""
    return log_likelihood(x, from_axes(x, kept, np.eye(D)))
