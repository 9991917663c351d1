"""What is done when the sum over z is too long, and where it ends up: derivations/marginal/approximations.md.

Shapes: averages over prior draws take a Model p, theta (P,) flat and eps (R, S), and return (R,) or (R, P);
log_joint (N, K) holds log p(x_n, z_n = k) in nats.
UA, "Approximations"; SA, "But I know approximations!".
"""
import autograd.numpy as np

from refvi.base.checks import require_count, require_shape, require_some
from refvi.base.core import gradient_of_each
from refvi.base.special import logsumexp


# ---- what an average over the prior can and cannot do

def log_of_average(eps, p, x, theta):
    """log of the average likelihood of S prior draws, (R,); on average below log p(x) by about Var / (2 S p(x)^2)."""
    return logsumexp(p.log_likelihood(x, eps, theta), axis=-1) - np.log(np.shape(eps)[-1])


def differentiated_average(eps, p, x, theta):
    """Gradient (R, P) of the average likelihood of S prior draws, which theta does not move."""
    return np.mean(gradient_of_each(lambda z, theta: np.exp(p.log_likelihood(x, z, theta)), eps, theta), axis=-2)


def gradient_of_log_average(eps, p, x, theta):
    """Gradient (R, P) of the logarithm of that average: a ratio of two averages."""
    average = np.mean(np.exp(p.log_likelihood(x, eps, theta)), axis=-1)
    return differentiated_average(eps, p, x, theta) / average[..., None]


# ---- sums cut short

def truncated_responsibilities(log_joint, k):
    """Each posterior restricted to its k most probable values, over their sum, (N, K); k = K is exact, k = 1 hard."""
    log_joint = require_shape("log_joint", log_joint, (None, None), "(N=number of data, K=number of values of z)")
    require_some("log_joint", log_joint)
    bad = np.argwhere(np.isnan(log_joint) | (log_joint == np.inf))
    if len(bad):
        raise ValueError(f"log_joint[{bad[0][0]}, {bad[0][1]}] is {log_joint[tuple(bad[0])]}, expected nats, or minus "
                         "infinity for a value of z that cannot be")
    K = log_joint.shape[1]
    if require_count("k", k) > K:
        raise ValueError(f"the k={k} most probable of K={K} values: k must be at most K")
    kept = np.argsort(np.argsort(-log_joint, axis=1, kind="stable"), axis=1) < k
    kept_log = np.where(kept, log_joint, -np.inf)
    return np.exp(kept_log - logsumexp(kept_log, axis=1)[:, None])
