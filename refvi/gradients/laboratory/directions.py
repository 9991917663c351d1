"""Where the gradients of single draws point, in the means of a diagonal normal: scores and the mode of q, paths and the
model.

Shapes: z (k, D) points, arrows (k, D); log_joint(z) (..., S) in nats. The alignment of two random vectors v and v' is
E[v.v'] / sqrt(E|v|^2 E|v'|^2), the average cosine of single draws with each draw weighted by its lengths.
PML, "Does it work?" and "Summary".
"""
import autograd.numpy as np
from autograd import elementwise_grad

from refvi.base.core import Estimate, expectation, score
from refvi.gradients.score_function import log_weight

RAYS = 4096


def score_arrows(z, log_joint, q, lam):
    """The log weight times the score of every draw, its part in the means."""
    return log_weight(z, log_joint, q, lam)[..., None] * score(q, z, lam)[..., :z.shape[-1]]


def path_arrows(z, log_joint, q, lam):
    """The path's gradient in the means for every draw: the gradient of the log weight in z."""
    return elementwise_grad(lambda z: log_weight(z, log_joint, q, lam))(z)


def products(v, w):
    """The products v.w of arrows (..., D)."""
    return np.einsum("...d,...d->...", v, w)


def unit(v):
    """v (..., D) over its length."""
    return v / np.sqrt(products(v, v))[..., None]


# ---- the score: towards the mode, or away from it

def direction_of_weighted_score(z, log_joint, q, lam):
    """Unit vectors (k, D) along the weighted score at points z (k, D)."""
    return unit(score_arrows(z, log_joint, q, lam))


def share_towards_the_mode(log_joint, q, lam):
    """P(log weight < 0) for a log weight quadratic and concave in z (2,), an Estimate: ray by ray from the mode, by its
    roots; ValueError where it is not concave.

    Three values on a line determine a quadratic; in standard noise a ray's length is Rayleigh distributed,
    P(length > t) = exp(-t^2 / 2).
    """
    def share(rays):
        angle = 2 * np.pi * np.arange(rays) / rays
        ray = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        back, centre, ahead = (log_weight(q.transport(t * ray, lam), log_joint, q, lam) for t in (-1., 0., 1.))
        a, b = (ahead + back) / 2 - centre, (ahead - back) / 2
        if np.any(a >= 0):
            raise ValueError("the log weight is not concave along every ray from the mode: count draws instead")
        # without a root both ends coincide, and the sign is that of the far end
        root = np.sqrt(np.maximum(b**2 - 4 * a * centre, 0.))
        ends = np.sort(np.stack([-b - root, -b + root]) / (2 * a), axis=0)
        near, far = np.exp(-0.5 * np.maximum(ends, 0.)**2)
        return np.mean(1 - near + far)

    fine, coarse = share(RAYS), share(RAYS // 2)
    return Estimate(fine, 10 * abs(fine - coarse))


# ---- the path: with the model, or with what the model and q have apart

def alignment(arrows, others, q, lam):
    """The alignment under q(lam) of arrows(z) and others(z), each (n, D)."""
    def of_each(z):
        v, w = arrows(z), others(z)
        return np.stack([products(v, w), products(v, v), products(w, w)], axis=-1)

    inner, first, second = expectation(of_each, q, lam)
    return inner / np.sqrt(first * second)


def path_to_posterior(log_joint, q, lam, centre):
    """Alignment of the path's arrow with the way from the draw to the centre (D,) of the posterior."""
    return alignment(lambda z: path_arrows(z, log_joint, q, lam), lambda z: centre - z, q, lam)


def score_to_posterior(log_joint, q, lam, centre):
    """Alignment of the weighted score with the way from the draw to the centre (D,) of the posterior."""
    return alignment(lambda z: score_arrows(z, log_joint, q, lam), lambda z: centre - z, q, lam)


def path_with_model(log_joint, q, lam):
    """Alignment of the path's arrow with the gradient of log p(x, z) in z alone."""
    return alignment(lambda z: path_arrows(z, log_joint, q, lam), elementwise_grad(log_joint), q, lam)
