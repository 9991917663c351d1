"""How far noise takes the weights from a prior, in nats, and what that says about alpha.

Shapes: w (D,), alpha a number or (D,); D(alpha) is the divergence of N(w, alpha w^2) from the density 1/|w_hat|, which
has no integral: only its differences and slopes mean something. RAI, "So dropout is equivalent to optimizing ...".
"""
import numpy as np
from scipy.special import dawsn, digamma, gammaln

from refvi.base import models
from refvi.bayes.dropout.rows import expected_log_likelihood, spread_of

KINGMA = 1.16145124, -1.50204118, 0.58629921        # Kingma, Salimans and Welling (2015), for alpha up to 1
MOLCHANOV = 0.63576, 1.87320, 1.48695               # Molchanov, Ashukha and Vetrov (2017), zero at infinity


# ---- a normal prior

def divergence_from_normal(w, alpha, prior_sd):
    """KL(N(w, alpha w^2) || N(0, prior_sd^2)) (D,)."""
    variance = spread_of(w, alpha) / prior_sd**2
    return 0.5 * ((w / prior_sd)**2 + variance - 1 - np.log(variance))


def slope_of_divergence(w, alpha, prior_sd):
    """Its derivatives in w and in log alpha, (2, D)."""
    return np.stack([(1 + alpha) * w / prior_sd**2 - 1 / w, 0.5 * (alpha * w**2 / prior_sd**2 - 1)])


def objective_less_divergence(w, alpha, x, theta):
    """The ELBO: dropout's objective less the divergence from the prior N(0, prior_sd^2) of theta, a LinearGaussian."""
    objective = expected_log_likelihood(w, spread_of(w, alpha), x, theta.y, theta.noise_sd)
    return objective - np.sum(divergence_from_normal(w, alpha, theta.prior_sd))


def draws_less_divergence(eps, w, alpha, x, theta):
    """The log-likelihood of S draws w eps, averaged, less the divergence. (R,)"""
    drawn = np.mean(models.log_likelihood(x, w * eps, theta), axis=-1)
    return drawn - np.sum(divergence_from_normal(w, alpha, theta.prior_sd))


# ---- the log-uniform prior

def log_prior_on_window(w_hat, low, high):
    """log p(w_hat), a number, of independent weights whose sizes lie between low and high, uniformly in log size."""
    return -np.sum(np.log(np.abs(w_hat))) - len(w_hat) * np.log(2 * np.log(high / low))


def mean_log_square(alpha):
    """E log eps^2 - log(2 alpha) of eps ~ N(1, alpha): digamma at K + 1/2, averaged over a Poisson K of mean
    1 / (2 alpha).
    """
    rate = 0.5 / np.asarray(alpha, float)
    k = np.arange(2 * np.max(rate) + 60)        # beyond, a Poisson variable has no mass left
    log_p = k * np.log(rate[..., None]) - rate[..., None] - gammaln(k + 1)
    return np.exp(log_p) @ digamma(k + 0.5)


def divergence_from_log_uniform(alphas):
    """D(alpha) of each weight, whatever w is."""
    return 0.5 * (mean_log_square(alphas) - np.log(np.pi) - 1)


def dawson_ratio(u):
    """F(sqrt u) / sqrt u of Dawson's F, which is one at u = 0."""
    root = np.sqrt(np.maximum(u, np.finfo(np.asarray(u).dtype).tiny))
    return dawsn(root) / root


def slope_in_log_alpha(alphas):
    """dD / d log alpha, never positive: larger noise is always cheaper."""
    u = 0.5 / alphas
    return -u * dawson_ratio(u)


def cubic(alpha):
    """Kingma's formula for D(alpha), up to a constant."""
    a, b, c = KINGMA
    return -0.5 * np.log(alpha) - a * alpha - b * alpha**2 - c * alpha**3


def sigmoid_formula(alpha):
    """Molchanov's formula for D(alpha) - D(infinity)."""
    a, b, c = MOLCHANOV
    return 0.5 * np.log1p(1 / alpha) + a / (1 + np.exp(b + c * np.log(alpha)))


def errors_of_formulas(alphas):
    """(2, n): the cubic's error, its constant chosen at alpha = 1, and that of the sigmoid formula."""
    exact = divergence_from_log_uniform(alphas)
    shift = divergence_from_log_uniform(1.) - cubic(1.)
    at_infinity = 0.5 * (digamma(0.5) - np.log(np.pi) - 1)
    return np.stack([cubic(alphas) + shift - exact, sigmoid_formula(alphas) + at_infinity - exact])


# ---- alpha is learned

def slope_of_bound(w, alpha, x, y, noise_sd):
    """Derivative of the bound in log alpha, one alpha for all weights: the objective's less the divergence's."""
    return -0.5 * alpha * np.sum(y**2 @ w**2) / noise_sd**2 - len(w) * slope_in_log_alpha(alpha)


def standard_errors(alphas):
    """How many standard errors the least-squares estimate of a weight lies from zero, if alpha is its best one, for
    inputs that are orthogonal to one another.
    """
    return (1 + 1 / alphas) * np.sqrt(dawson_ratio(0.5 / alphas))


# ---- masks

def divergence_of_mixture(keep, m, sd, prior_sd):
    """KL of keep N(m, sd^2) + (1 - keep) N(0, sd^2) from N(0, prior_sd^2), both parts narrow and apart."""
    entropy_of_mask = -keep * np.log(keep) - (1 - keep) * np.log(1 - keep)
    part = 0.5 * (sd**2 / prior_sd**2 - 1) - np.log(sd / prior_sd)
    return 0.5 * keep * m**2 / prior_sd**2 + part - entropy_of_mask


def weight_decay(keep, N, noise_sd, prior_sd):
    """The lambda of a mean squared error of N data, halved, plus lambda |w|^2, that stands for a normal prior."""
    return 0.5 * keep * noise_sd**2 / (N * prior_sd**2)
