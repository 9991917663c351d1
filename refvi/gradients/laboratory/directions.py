"""Where the gradients of single draws point, in the means of a diagonal normal: scores towards or away from the mode, paths with the model.

Shapes: z (k, D) points, arrows (k, D); log_joint(z) (..., S) in nats. Alignment of two random vectors a and b is E[a.b] / sqrt(E|a|^2 E|b|^2), their
cosine under q: the average cosine of single draws with each draw weighted by its lengths. PML, "Does it work?" and "Summary".
"""
import autograd.numpy as np
from autograd import elementwise_grad

from refvi.base.core import Estimate, score

RAYS = 4096


def log_weight(z, log_joint, q, lam):
    return log_joint(z) - q.log_prob(z, lam)


def score_arrows(z, log_joint, q, lam):
    """The weighted score of every draw, its part in the means."""
    return log_weight(z, log_joint, q, lam)[..., None] * score(q, z, lam)[..., :len(lam) // 2]


def path_arrows(z, log_joint, q, lam):
    """What a single draw adds to the gradient in the means through the path: the log weight's own gradient at the draw."""
    return elementwise_grad(lambda z: log_weight(z, log_joint, q, lam))(z)


def unit(v):
    return v / np.sqrt(np.sum(v**2, axis=-1, keepdims=True))


# ---- the score: towards the mode, or away from it

def direction_of_weighted_score(z, log_joint, q, lam):
    """Unit vectors (k, D) along the weighted score at points z."""
    return unit(score_arrows(z, log_joint, q, lam))


def towards_the_mode(z, lam):
    """Unit vectors (k, D) from the points to the mode of q."""
    return unit(lam[:len(lam) // 2] - z)


def share_towards_the_mode(log_joint, q, lam):
    """How often the log weight, quadratic in z (2,), is negative: ray by ray from the mode, where its roots are known. An Estimate.

    Three values on a line determine a quadratic; a ray's length is Rayleigh distributed, P(length > r) = exp(-r^2 / 2).
    """
    def share(rays):
        angle = 2 * np.pi * (np.arange(rays) + 0.5) / rays
        ray = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        back, centre, ahead = (log_weight(q.transport(r * ray, lam), log_joint, q, lam) for r in (-1., 0., 1.))
        a, b, c = (ahead + back) / 2 - centre, (ahead - back) / 2, centre
        root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0.))        # no root: both ends coincide, and the sign is that of the far end
        ends = np.sort(np.stack([-b - root, -b + root]) / (2 * a), axis=0)
        near, far = np.exp(-0.5 * np.maximum(ends, 0.)**2)
        return np.mean(np.where(a > 0, near - far, 1 - near + far))

    fine, coarse = share(RAYS), share(RAYS // 2)
    return Estimate(fine, 10 * abs(fine - coarse))


def draws_towards_the_mode(eps, log_joint, q, lam):
    """The share of S draws z_s = eps_s ~ q(lam) whose weighted score points to the mode of q, and not away from it. Returns (R,)."""
    return np.mean(np.sum(score_arrows(eps, log_joint, q, lam) * (lam[:len(lam) // 2] - eps), axis=-1) > 0, axis=-1)


# ---- the path: with the model, or with what the model and q have apart

def aligned(p, a, b):
    """Alignment of arrows a and b (n, D) under the weights p (n,)."""
    inner, first, second = (p @ np.sum(v, axis=-1) for v in (a * b, a**2, b**2))
    return inner / np.sqrt(first * second)


def on_nodes(q, lam):
    z, w = q.nodes(lam)
    return z, w * np.exp(q.log_prob(z, lam))


def path_to_posterior(log_joint, q, lam, centre):
    """Alignment of the path's arrow with the way from the draw to the centre (D,) of the posterior."""
    z, p = on_nodes(q, lam)
    return aligned(p, path_arrows(z, log_joint, q, lam), centre - z)


def score_to_posterior(log_joint, q, lam, centre):
    """The same for the weighted score."""
    z, p = on_nodes(q, lam)
    return aligned(p, score_arrows(z, log_joint, q, lam), centre - z)


def path_with_model(log_joint, q, lam):
    """Alignment of the path's arrow with the gradient of log p(x, z) in z alone."""
    z, p = on_nodes(q, lam)
    return aligned(p, path_arrows(z, log_joint, q, lam), elementwise_grad(log_joint)(z))


def always_aligned():
    """What the slide claims of the path's arrow and the model's gradient."""
    return 1.
