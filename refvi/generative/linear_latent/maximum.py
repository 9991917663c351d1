"""Maximum likelihood for probabilistic PCA in closed form: eigenvectors, and the discarded eigenvalues for the noise.

Shapes as in the chapter: x (N, n); D < n; theta a Linear. Likelihoods are nats per datum. Tipping and Bishop (1999), section 3.2 and appendix A.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.checks import require_count, require_finite, require_positive, require_shape
from refvi.generative.linear_latent.model import Linear, covariance, log_likelihood, scatter


def require_data(x, D):
    """x (N, n) as a float array, or a ValueError: at least two data, finite, in more dimensions than D."""
    x = require_finite("x", require_shape("x", x, (None, None), "(N=number of data, n=coordinates of one datum)")).astype(float)
    require_count("D", D)
    if len(x) < 2:
        raise ValueError(f"x has N={len(x)} data: a covariance takes at least 2")
    if D >= x.shape[1]:
        raise ValueError(f"D={D} latent coordinates leave no direction of the n={x.shape[1]} in x to the noise: take D of at most {x.shape[1] - 1}")
    return x


def eigen(x):
    """Eigenvalues (n,), the largest first, and eigenvectors (n, n) of the data's covariance."""
    return eigen_of(scatter(x, np.mean(x, axis=0)))


def eigen_of(covariance_of_data):
    """Eigenvalues (n,), the largest first, and eigenvectors (n, n)."""
    values, vectors = np.linalg.eigh(covariance_of_data)
    return values[::-1], vectors[:, ::-1]


def closed_form(x, D, rotation=None):
    """theta of the highest likelihood: W = U (L - sd^2)^(1/2) R with the D largest eigenvalues, sd^2 the mean of the others; R (D, D) is free.

    ValueError where the other eigenvalues are zero: the likelihood is then unbounded, and no sd > 0 is the best.
    """
    x = require_data(x, D)
    rotation = np.eye(D) if rotation is None else require_shape("rotation", rotation, (D, D), "an orthogonal matrix")
    if not np.allclose(rotation.T @ rotation, np.eye(D)):
        raise ValueError("rotation is no orthogonal matrix: its transpose times itself must be the identity, take a QR decomposition's Q")
    return from_axes(x, np.arange(D), rotation)


def from_axes(x, kept, rotation):
    """theta with the axes in `kept` for its loadings and the mean of all other eigenvalues for its noise."""
    mean = np.mean(x, axis=0)
    return from_moments(mean, scatter(x, mean), kept, rotation)


def from_moments(mean, covariance_of_data, kept, rotation):
    """The same for a population, of this mean (n,) and covariance (n, n): the likelihood knows nothing else of its data."""
    values, U = eigen_of(covariance_of_data)
    variance = np.mean(np.delete(values, kept))
    if not variance > np.finfo(float).eps * len(values) * values[0]:
        raise ValueError(f"the {len(values) - len(kept)} smallest eigenvalues of the covariance have mean {variance:.2g}, not above rounding: the data lie in a plane "
                         f"of D={len(kept)} dimensions, take a smaller D, or more data than coordinates")
    W = U[:, kept] * np.sqrt(require_positive("each kept eigenvalue", values[kept] - variance, "less the mean of the others; keep the largest")) @ rotation
    return Linear(W, mean, np.sqrt(variance))


# ---- theta as one vector: W row by row, b, then log sd

def flat(theta):
    return np.concatenate([np.ravel(theta.W), theta.b, np.ravel(np.log(theta.sd))])


def unflat(vector, n, D):
    """The Linear of a flat vector; one log sd at its end, or n."""
    rest = vector[n * D + n:]
    return Linear(np.reshape(vector[:n * D], (n, D)), vector[n * D:n * D + n], np.exp(rest if len(rest) > 1 else rest[0]))


def gradient(x, theta):
    """Of the likelihood, in W, b and log sd."""
    n, D = theta.W.shape
    return grad(lambda vector: log_likelihood(x, unflat(vector, n, D)))(flat(theta))


# ---- the slope is zero

def gradient_at_closed_form(x, D):
    """The gradient of the likelihood in W, b and log sd."""
    return gradient(x, closed_form(x, D))


def gradient_at_noise_over_n(x, D):
    """The slip: the discarded eigenvalues, divided by all n coordinates."""
    theta = closed_form(x, D)
    n, D = theta.W.shape
    return gradient(x, theta._replace(sd=theta.sd * np.sqrt((n - D) / n)))


# ---- the value is the highest

def likelihood_at_closed_form(x, D):
    """The likelihood of the closed form, R = I."""
    return log_likelihood(x, closed_form(x, D))


def likelihood_at_rotation(x, D, rotation):
    """Any orthogonal R: C does not feel it."""
    return log_likelihood(x, closed_form(x, D, rotation))


def sum_of_log_eigenvalues(x, D):
    """The quadratic terms add up to n; log det C is a sum over the eigenvalues that are kept and the mean of the others."""
    values, _ = eigen(x)
    n = len(values)
    return -0.5 * (n * (1 + np.log(2 * np.pi)) + np.sum(np.log(values[:D])) + (n - D) * np.log(np.mean(values[D:])))


def likelihood_of_other_axes(x, D, kept):
    """Another choice of eigenvectors, with the best noise for it: the slope is zero there as well, a saddle."""
    return log_likelihood(x, from_axes(x, kept, np.eye(D)))


def likelihood_nearby(x, D, nudge):
    """The highest among some neighbours, nudge (k, P) away."""
    theta = closed_form(x, D)
    n, D = theta.W.shape
    return max(log_likelihood(x, unflat(flat(theta) + step, n, D)) for step in nudge)


# ---- the covariance that the model gives to x

def covariance_of_closed_form(x, D):
    """W W' + sd^2 I."""
    return covariance(closed_form(x, D))


def covariance_with_noise_twice(x, D):
    """The slip: W = U L^(1/2), and the noise on top. The variances along the kept axes come out too large."""
    theta = closed_form(x, D)
    values, U = eigen(x)
    return covariance(theta._replace(W=U[:, :D] * np.sqrt(values[:D])))
