"""Dropout as variational inference: what noise that multiplies does to an objective, a bound and a prediction.

Shapes: w (D,) weights and w_hat (..., D) what noise makes of them; y (N, D) inputs, x (N,) targets with noise of
deviation noise_sd; eps (R, S, D) multiplies the weights, has mean 1 and variance alpha, and is mask / keep for masks.
Everything in nats. Page: derivations/bayes/dropout.md. RAI, "Dropout is a popular way to regularize deep neural nets".
"""
import itertools

import autograd.numpy as np
from autograd import elementwise_grad, grad

from refvi.base.checks import require_positive
from refvi.base.core import expectation
from refvi.base.families.gaussian import diagonal_normal, normal, normal_lam
from refvi.base.models import isotropic
from refvi.base.special import logsumexp
from refvi.likelihood.networks import Activation, forward, relu

ORDER = 256         # nodes for a weight, whose likelihood has poles not far from the real line


def require_keep(keep):
    """keep, or a ValueError: a probability above 0, of which 1 would drop nothing."""
    if not 0 < keep < 1:
        raise ValueError(f"keep={keep}: expected a probability between 0 and 1, that of keeping a unit; "
                         "to drop a share p, pass 1 - p")
    return keep


def alpha_of(keep):
    """Variance of mask / keep, whose mean is one: the alpha of normal noise of that mean and variance."""
    return (1 - require_keep(keep)) / keep


def spread_of(w, alpha):
    """Variance alpha w^2 (D,) of each weight."""
    return require_positive("alpha", alpha, "a variance; a share p of dropped units has alpha_of(1 - p)") * w**2


# ---- noise that multiplies

def mean_and_variance(w, alpha):
    """Of w_hat = w eps, (2, D), eps of mean 1 and variance alpha."""
    return np.stack([w, spread_of(w, alpha)])


def moments_of_products(eps, w):
    """Mean and sample variance (R, 2, D) of S draws w eps."""
    return np.stack([np.mean(w * eps, axis=-2), np.var(w * eps, axis=-2, ddof=1)], axis=-2)


def product_of_densities(w_hat, w, alpha):
    """log q(w_hat | w, alpha) (...): independent normals of mean w and variance alpha w^2."""
    return diagonal_normal.log_prob(w_hat, np.concatenate([w, 0.5 * np.log(spread_of(w, alpha))]))


def covariance_of_outputs(h, W, alpha):
    """Covariance (K, K) of the K outputs (h eps) W, where each unit h (D,) has one noise for all its weights W (D, K).
    """
    return alpha * (W * h[:, None]**2).T @ W


def covariance_of_draws(eps, h, W):
    """Sample covariance (R, K, K) of S draws of these outputs."""
    out = (h * eps) @ W
    off = out - np.mean(out, axis=-2, keepdims=True)
    return np.swapaxes(off, -1, -2) @ off / (np.shape(eps)[-2] - 1)


# ---- what dropout climbs, for targets x ~ N(y w_hat, noise_sd^2)

def noise_times_slope(points, w, x, y, noise_sd):
    """Gradient (k, D) in w of log p(x | w eps) at k points eps: the chain rule brings eps down."""
    return points * ((x - (w * points) @ y.T) @ y) / noise_sd**2


def expected_log_likelihood(w, variance, x, y, noise_sd):
    """E log p(x | w_hat), a number, of independent weights of mean w and this variance (D,)."""
    return isotropic(x - y @ w, noise_sd) - 0.5 * np.sum(y**2 @ variance) / noise_sd**2


def ridge_form(w, alpha, x, y, noise_sd):
    """Dropout's objective: the log-likelihood less a ridge whose weight on w_d^2 is alpha sum_n y_nd^2."""
    return expected_log_likelihood(w, spread_of(w, alpha), x, y, noise_sd)


def average_of_draws(eps, w, x, y, noise_sd):
    """Log-likelihood under S draws of the noise, averaged (R,)."""
    return np.mean(isotropic(x - (w * eps) @ y.T, noise_sd), axis=-1)


def gradient_of_ridge(w, alpha, x, y, noise_sd):
    """Gradient (D,) in w of dropout's objective."""
    return (y.T @ (x - y @ w) - alpha * np.sum(y**2, axis=0) * w) / noise_sd**2


def dropout_gradient(eps, w, x, y, noise_sd):
    """What dropout climbs along: the slope at w eps, times eps, averaged over S draws (R, D)."""
    return np.mean(noise_times_slope(eps, w, x, y, noise_sd), axis=-2)


def ridge_solution(x, y, alpha):
    """Where dropout's objective is highest, (D,)."""
    gram = y.T @ y
    return np.linalg.solve(gram + alpha * np.diag(np.diag(gram)), y.T @ x)


def risk_of_ridge(true_w, alpha, y, noise_sd):
    """Squared error of the ridge solution's mean at the N inputs, averaged over data from weights true_w: a number."""
    gram = y.T @ y
    hat = y @ np.linalg.solve(gram + alpha * np.diag(np.diag(gram)), y.T)
    return (np.sum((hat @ y @ true_w - y @ true_w)**2) + noise_sd**2 * np.sum(hat**2)) / len(y)


# ---- the task: one weight of any model, f its log-likelihood

def density_moves(w, alpha, f):
    """Gradient in w of the integral of N(w_hat | w, alpha w^2) f(w_hat): the nodes stand still."""
    def lam(w):
        return np.stack([w, 0.5 * np.log(alpha * w**2)])

    return grad(lambda at: expectation(f, normal, lam(at), normal.nodes(lam(w), ORDER)))(w)


def weight_moves(w, alpha, f):
    """Gradient in w of the integral of N(eps | 1, alpha) f(w eps): the density stands still."""
    lam = normal_lam(1., sd=np.sqrt(alpha))
    return grad(lambda at: expectation(lambda eps: f(at * eps), normal, lam, normal.nodes(lam, ORDER)))(w)


def noisy_slopes(eps, w, f):
    """Average of eps f'(w eps) over S draws (R,)."""
    return np.mean(eps * elementwise_grad(f)(w * eps), axis=-1)


# ---- as a bound

def log_of_average_likelihood(w, keep, x, y, noise_sd):
    """log E p(x | w_hat) over all 2^D masks: what the masked models say together."""
    masks = np.array(list(itertools.product((0, 1), repeat=len(w))))
    chances = np.prod(np.where(masks == 1, keep, 1 - keep), axis=1)
    return logsumexp(np.log(chances) + isotropic(x - (w * masks / keep) @ y.T, noise_sd))


# ---- what many masks predict

def thinned(masks, theta, y, keep, sizes):
    """Output (..., N) of a rectified network whose H hidden units are multiplied by masks (..., H) over keep."""
    parts = iter(np.split(masks[..., None, :] / keep, np.cumsum(sizes[1:-2]), axis=-1))
    return forward(theta, y, sizes, Activation(lambda a: relu(a) * next(parts), None))[-1][..., 0]


def all_masks(theta, y, keep, sizes):
    """(outputs (2^H, N), their probabilities)."""
    masks = np.array(list(itertools.product((0., 1.), repeat=sum(sizes[1:-1]))))
    return thinned(masks, theta, y, keep, sizes), np.prod(np.where(masks == 1, keep, 1 - keep), axis=1)


def mean_and_variance_of_target(theta, y, keep, sizes, noise_sd):
    """Of a target at each input, (2, N), over all masks: the outputs' variance adds to the noise's."""
    outputs, chances = all_masks(theta, y, keep, sizes)
    mean = chances @ outputs
    return np.stack([mean, noise_sd**2 + chances @ (outputs - mean)**2])


def moments_of_passes(eps, theta, y, keep, sizes, noise_sd):
    """Mean, and noise plus sample variance, of S passes with masks eps (R, S, H): (R, 2, N)."""
    outputs = thinned(eps, theta, y, keep, sizes)
    return np.stack([np.mean(outputs, axis=-2), noise_sd**2 + np.var(outputs, axis=-2, ddof=1)], axis=-2)


def log_of_average_density(x, theta, y, keep, sizes, noise_sd):
    """log p(x_n | y_n) (N,) over all masks, each target alone."""
    outputs, chances = all_masks(theta, y, keep, sizes)
    return logsumexp(np.log(chances)[:, None] + isotropic((x - outputs)[..., None], noise_sd), axis=0)


def average_log_density(x, theta, y, keep, sizes, noise_sd):
    """E log p(x_n | y_n, mask) (N,), what training climbs."""
    outputs, chances = all_masks(theta, y, keep, sizes)
    return chances @ isotropic((x - outputs)[..., None], noise_sd)
