"""Sparse variational dropout: every weight has an alpha of its own, and may switch off.

q(w_hat) = N(w, s^2) for every weight, in the coordinates w and log s^2: alpha = s^2 / w^2. Shapes of the linear model
as in rows.py; a network's lam (2, P) is w, then log s^2, in the order of networks.py; biases have no noise, and their
log s^2 stands still. Molchanov, Ashukha and Vetrov (2017).
"""
import numpy as np

from refvi.base.checks import require_finite, require_shape
from refvi.base.models import isotropic
from refvi.base.optimize import adam
from refvi.bayes.dropout.divergence import dawson_ratio
from refvi.likelihood.mle import classifier
from refvi.likelihood.networks import layers, relu

OFF = np.log(20)        # log alpha of a weight that is only noise
START = -9.             # of log s^2, little noise


# ---- one draw for each datum, and other coordinates

def local_draws(eps, w, log_variance, x, y, noise_sd):
    """Average log-likelihood (R,) of S draws of what a datum's weights add up to, eps (R, S, N) standard normal."""
    mean, variance = y @ w, y**2 @ np.exp(log_variance)
    return np.mean(isotropic(x - mean - np.sqrt(variance) * eps, noise_sd), axis=-1)


def variance_of_objective(w, log_variance, x, y, noise_sd):
    """Of the log-likelihood under one draw of the weights for all data."""
    left, spread = x - y @ w, (y * np.exp(log_variance)) @ y.T
    return (0.5 * np.sum(spread**2) + left @ spread @ left) / noise_sd**4


def variance_of_local(w, log_variance, x, y, noise_sd):
    """Of the log-likelihood under one draw for each datum."""
    left, spread = x - y @ w, y**2 @ np.exp(log_variance)
    return (0.5 * np.sum(spread**2) + np.sum(left**2 * spread)) / noise_sd**4


def variance_of_additive(log_variance, y, noise_sd):
    """Of one draw's gradient in w (D,), where w_hat = w + s e."""
    return (y.T @ y)**2 @ np.exp(log_variance) / noise_sd**4


def variance_of_multiplicative(w, log_variance, x, y, noise_sd):
    """Of one draw's gradient in w (D,), where w_hat = w eps: the slope is multiplied by the noise as well."""
    gram, alpha = y.T @ y, np.exp(log_variance) / w**2
    left, own = (x - y @ w) @ y, np.diag(gram) * w
    others = gram**2 @ (alpha * w**2) - alpha * own**2
    return (alpha * (left - own)**2 + 2 * alpha**2 * own**2 + (1 + alpha) * others) / noise_sd**4


# ---- regression, where the bound has a closed form

def pull_of_prior(w, variance):
    """(2, ...): minus the divergence's slopes in w and in log s^2; at w = 0 they are zero."""
    u = 0.5 * w**2 / variance
    ratio = dawson_ratio(u)
    return np.stack([-w / variance * ratio, u * ratio])


def sparse_gradient(w, log_variance, x, y, noise_sd):
    """Gradient (2, D) of the bound in w and in log s^2."""
    variance = np.exp(log_variance)
    of_data = np.stack([(x - y @ w) @ y, -0.5 * variance * np.sum(y**2, axis=0)]) / noise_sd**2
    return of_data + pull_of_prior(w, variance)


def fit(x, y, noise_sd, steps=5000, rate=0.02):
    """An Ascent (2, D) of the bound, without chance, from least squares with little noise."""
    y = require_finite("y", require_shape("y", y, (None, None), "(N=number of data, D=number of inputs)"))
    x = require_finite("x", require_shape("x", x, (len(y),), f"one target for each of the N={len(y)} rows of y"))
    w = np.linalg.lstsq(y, x, rcond=None)[0]
    start = np.stack([w, np.log(noise_sd**2 / np.sum(y**2, axis=0))])
    return adam(lambda lam: sparse_gradient(*lam, x, y, noise_sd), start, steps,
                lambda t: rate * (1 - 0.95 * t / steps))


# ---- a classifier

def noisy_layers(rng, lam, y, sizes):
    """What every layer takes in, the noise on its sums and their deviations, and the logits: the sum of a unit's noisy
    weights is normal, so it is drawn once for each datum.
    """
    kept, h = [], y
    for level, ((W, b), (V, _)) in enumerate(zip(*(layers(part, sizes) for part in lam))):
        s = np.sqrt(np.dot(h * h, np.exp(V)))
        noise = rng.standard_normal(s.shape, s.dtype)
        kept.append((h, noise, s))
        h = np.dot(h, W) + b + s * noise
        if level < len(sizes) - 2:
            h = relu(h)
    return kept, h


def bound_gradient(rng, lam, x, y, N, sizes=classifier.SIZES):
    """Gradient (2, P) of the ELBO's part of a minibatch (x, y) of N data: its log-likelihood under one draw, and the
    share of the divergence.
    """
    kept, logits = noisy_layers(rng, lam, y, sizes)
    delta, share, gradient = classifier.residuals(logits, x), len(x) / N, np.zeros_like(lam)
    own, found = ([layers(part, sizes) for part in both] for both in (lam, gradient))
    for level in reversed(range(len(kept))):
        (h, noise, s), (W, _), V = kept[level], own[0][level], np.exp(own[1][level][0])
        of_square = np.divide(delta * noise, 2 * s, out=np.zeros_like(s), where=s > 0)    # no noise where no unit is on
        of_prior = share * pull_of_prior(W, V)
        found[0][level][0][:] = np.dot(h.T, delta) + of_prior[0]
        found[0][level][1][:] = np.sum(delta, axis=0)
        found[1][level][0][:] = np.dot((h * h).T, of_square) * V + of_prior[1]
        if level:
            delta = (np.dot(delta, W.T) + 2 * h * np.dot(of_square, V.T)) * (h > 0)
    return gradient


def fit_classifier(rng, x, images, theta, epochs, watch=None):
    """An Ascent (2, P) of the bound from the theta (P,) of a fitted classifier, as classifier.fit climbs."""
    def gradient(lam, x, y, sizes, out):
        return bound_gradient(rng, lam, x, y, len(images), sizes)

    start = np.stack([theta, np.full_like(theta, START)])
    return classifier.fit(rng, x, images, epochs, watch=watch, gradient=gradient, start=start)


def log_alphas(lam):
    """log alpha (P,) of every weight, infinite where it is zero."""
    return lam[1] - np.log(np.maximum(lam[0]**2, np.finfo(lam.dtype).tiny))


def pruned(theta, score, share, sizes=classifier.SIZES):
    """theta (P,) without the share of its weights that have the lowest score (P,); biases stay.

    ValueError where a layer loses all of them: nothing of the input passes it.
    """
    weights = np.concatenate([np.arange(m * n + n) < m * n for m, n in zip(sizes, sizes[1:])])
    order = np.flatnonzero(weights)[np.argsort(score[weights], kind="stable")]
    kept = theta.copy()
    kept[order[:round(share * len(order))]] = 0.
    for level, (W, _) in enumerate(layers(kept, sizes)):
        if not np.any(W):
            raise ValueError(f"layer {level + 1} of {len(sizes) - 1} has lost all its weights, and with them the "
                             f"input: take out less than a share of {share}")
    return kept
