"""The importance-weighted bound: the log of an average of S weights. Burda, Grosse and Salakhutdinov (2016), Importance weighted autoencoders.

Shapes: draws z (R, S) of q, or noise eps (R, S) that q's transport carries to them; bounds and signals are exact, by the joint rule of S draws.
L_1 is the ELBO, and L_S approaches log p(x) from below. Its gradient is another matter: Rainforth et al. (2018), Tighter variational bounds are not
necessarily better.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.checks import require_count
from refvi.base.core import carried, gradient_of_each, noise
from refvi.base.special import logsumexp

ORDERS = {1: 64, 2: 64, 3: 50}      # nodes for each of S scalar draws: more would outgrow the joint rule


def log_average_weight(eps, p, q, lam, x, theta):
    """log of the average of S weights p(x, z_s)/q(z_s), z_s = eps_s ~ q(lam). Returns (R,)."""
    return log_mean(p.log_joint(eps, x, theta) - q.log_prob(eps, lam))


def log_mean(log_w):
    """log of the average of exp(log_w) over the last axis."""
    return logsumexp(log_w, axis=-1) - np.log(np.shape(log_w)[-1])


def log_sum_of_weights(eps, p, q, lam, x, theta):
    """The slip: log S forgotten. Returns (R,)."""
    return logsumexp(p.log_joint(eps, x, theta) - q.log_prob(eps, lam), axis=-1)


def log_of_average_over_pairs(eps, p, q, lam, x, theta):
    """The average of S weights is the average, over their pairs, of the average of each pair. Returns (R,)."""
    return log_mean(pair_averages(eps, p, q, lam, x, theta))


def average_over_pairs_of_log(eps, p, q, lam, x, theta):
    """Jensen once more: the logarithm of each pair's average, then averaged. Returns (R,)."""
    return np.mean(pair_averages(eps, p, q, lam, x, theta), axis=-1)


def pair_averages(eps, p, q, lam, x, theta):
    """log of the average weight of each pair among S draws, (R, S (S - 1)/2)."""
    log_w, (first, second) = p.log_joint(eps, x, theta) - q.log_prob(eps, lam), np.triu_indices(np.shape(eps)[-1], 1)
    return np.logaddexp(log_w[:, first], log_w[:, second]) - np.log(2)


def bound(S, p, q, lam, x, theta):
    """L_S in nats for a scalar latent variable and S up to 3, by the joint rule of the draws."""
    z, w = noise(q, lam).rule(require_order(S), ORDERS[S])
    return w @ log_mean(p.log_joint(z, x, theta) - q.log_prob(z, lam))


def one_weight(p, q, lam, x, theta):
    """L_1, the evidence lower bound."""
    return bound(1, p, q, lam, x, theta)


def two_weights(p, q, lam, x, theta):
    """L_2."""
    return bound(2, p, q, lam, x, theta)


def three_weights(p, q, lam, x, theta):
    """L_3."""
    return bound(3, p, q, lam, x, theta)


# ---- its gradient

def path_gradient(eps, p, q, lam, x, theta):
    """The gradient in lam of the log of the average of S weights at z_s = transport(eps_s, lam). Returns (R, P)."""
    def bounds(eps, lam):
        lam = lam[..., None, :]
        z = carried(q, eps, lam)
        return log_mean(p.log_joint(z, x, theta) - q.log_prob(z, lam))
    return gradient_of_each(bounds, eps, lam)


def gradient_of_two_weights(p, q, lam, x, theta):
    """The gradient of L_2, on nodes that stay where they are while lam moves. (P,)"""
    z, w = noise(q, lam).rule(2, ORDERS[2])
    weight = w * np.exp(-np.sum(q.log_prob(z, lam), axis=-1))
    return grad(lambda lam: np.sum(weight * np.exp(np.sum(q.log_prob(z, lam), axis=-1)) 
                                     * log_mean(p.log_joint(z, x, theta) - q.log_prob(z, lam))))(lam)


def signal_to_noise(S, p, q, lam, x, theta):
    """|mean| over standard deviation of the path gradient with S weights, in its first coordinate, a location."""
    eps, w = noise(q, np.zeros(len(lam))).rule(require_order(S), ORDERS[S])
    g = path_gradient(eps, p, q, lam, x, theta)[:, 0]
    mean = w @ g
    return np.abs(mean) / np.sqrt(w @ (g - mean)**2)


def signal_of_one(p, q, lam, x, theta):
    """Signal to noise of the ELBO's gradient."""
    return signal_to_noise(1, p, q, lam, x, theta)


def signal_of_two(p, q, lam, x, theta):
    """Signal to noise with two weights."""
    return signal_to_noise(2, p, q, lam, x, theta)


def signal_of_three(p, q, lam, x, theta):
    """Signal to noise with three weights."""
    return signal_to_noise(3, p, q, lam, x, theta)


def require_order(S):
    """S, or a ValueError: the joint rule of more than three draws has too many nodes."""
    if require_count("S", S) not in ORDERS:
        raise ValueError(f"S must be at most {max(ORDERS)} for an exact bound, got {S}: average log_average_weight over draws instead")
    return S
