"""The importance-weighted bound L_S: the expected log of an average of S weights. derivations/bound/elbo.md.

Shapes: draws z (R, S) of q, or noise eps (R, S) that q's transport carries to them; bounds and signals are exact, by
the joint rule of S draws. L_1 is the ELBO, and L_S approaches log p(x) from below; its gradient is another matter.
Burda, Grosse and Salakhutdinov (2016), Importance weighted autoencoders; Rainforth et al. (2018), Tighter variational
bounds are not necessarily better.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.checks import require_count
from refvi.base.core import carried, gradient_of_each, noise
from refvi.base.special import logsumexp
from refvi.bound.elbo.rows import log_weight

ORDERS = {1: 64, 2: 64, 3: 50}      # nodes for each of S scalar draws: more would outgrow the joint rule


def log_mean(r):
    """log of the average of exp(r) over the last axis."""
    return logsumexp(r, axis=-1) - np.log(np.shape(r)[-1])


def log_average_weight(eps, p, q, lam, x, theta):
    """log of the average of the weights of S draws z_s = eps_s ~ q(lam). (R,)"""
    return log_mean(log_weight(eps, p, q, lam, x, theta))


def bound(S, p, q, lam, x, theta):
    """L_S in nats for a scalar latent variable and S up to 3, by the joint rule of the draws."""
    z, w = noise(q, lam).rule(require_order(S), ORDERS[S])
    return w @ log_mean(log_weight(z, p, q, lam, x, theta))


def one_weight(p, q, lam, x, theta):
    """L_1, the evidence lower bound."""
    return bound(1, p, q, lam, x, theta)


def two_weights(p, q, lam, x, theta):
    """L_2."""
    return bound(2, p, q, lam, x, theta)


def three_weights(p, q, lam, x, theta):
    """L_3."""
    return bound(3, p, q, lam, x, theta)


# ---- why it rises

def log_of_average_over_pairs(p, q, lam, x, theta):
    """L_3, the average of three weights taken as the average over their pairs of each pair's average."""
    z, w = noise(q, lam).rule(3, ORDERS[3])
    return w @ log_mean(pair_averages(log_weight(z, p, q, lam, x, theta)))


def average_over_pairs_of_log(p, q, lam, x, theta):
    """The logarithm moved inside the average over pairs."""
    z, w = noise(q, lam).rule(3, ORDERS[3])
    return w @ np.mean(pair_averages(log_weight(z, p, q, lam, x, theta)), axis=-1)


def pair_averages(r):
    """log of the average weight of each pair among S draws with log weights r (R, S): (R, S (S - 1) / 2)."""
    first, second = np.triu_indices(np.shape(r)[-1], 1)
    return np.logaddexp(r[:, first], r[:, second]) - np.log(2)


# ---- its gradient

def path_gradient(eps, p, q, lam, x, theta):
    """The gradient in lam of the log of the average of S weights at z_s = transport(eps_s, lam). (R, P)"""
    def bounds(eps, lam):
        lam = lam[..., None, :]
        return log_mean(log_weight(carried(q, eps, lam), p, q, lam, x, theta))
    return gradient_of_each(bounds, eps, lam)


def gradient_of_several_weights(S, p, q, lam, x, theta):
    """The gradient of L_S in lam (P,), on nodes that stay where they are while lam moves."""
    z, w = noise(q, lam).rule(require_order(S), ORDERS[S])
    volume = w * np.exp(-np.sum(q.log_prob(z, lam), axis=-1))

    def at(lam):
        density = volume * np.exp(np.sum(q.log_prob(z, lam), axis=-1))
        return np.sum(density * log_mean(log_weight(z, p, q, lam, x, theta)))

    return grad(at)(lam)


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
        raise ValueError(f"S must be at most {max(ORDERS)} for an exact bound, got {S}: "
                         "average log_average_weight over draws instead")
    return S
