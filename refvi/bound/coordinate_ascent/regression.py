"""Linear regression by coordinate ascent, one weight at a time: q(w) = prod_d q(w_d), each factor a normal.

The model is refvi.base.models.linear_gaussian, whose exact posterior is known. Targets x (N,), theta the LinearGaussian
with its inputs y (N, D); means (D,), and lam (2 D,) of a diagonal normal; everything in nats.
PML, the notebook CAVI-linreg; Bishop (2006), section 10.1.2.
"""
import autograd.numpy as np

from refvi.base import models
from refvi.base.checks import require_finite, require_shape
from refvi.bound.coordinate_ascent.fit import ascend
from refvi.bound.coordinate_ascent.messages import natural_of_mean


def normal_equations(x, theta):
    """(Lambda (D, D), h (D,)): the posterior's precision, and the right side of Lambda mean = h."""
    y, x = theta.y, models.targets(x, theta)
    Lambda = np.eye(y.shape[1]) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2
    return Lambda, y.T @ x / theta.noise_sd**2


def update_of_weight(x, theta, mean, d):
    """(precision times mean, precision) of the best q(w_d), given the means of the other weights."""
    Lambda, h = normal_equations(x, theta)
    others = np.delete(np.arange(len(h)), d)
    return np.array([h[d] - Lambda[d, others] @ mean[others], Lambda[d, d]])


def sweep(mean, x, theta):
    """Every weight in turn, each given the newest means of the others: (D,). The precisions never change."""
    mean = np.array(mean, float)
    Lambda, h = normal_equations(x, theta)
    for d in range(len(h)):
        mean[d] += (h[d] - Lambda[d] @ mean) / Lambda[d, d]
    return mean


def lam_of(mean, x, theta):
    """lam (2 D,) of the factors with these means and the precisions of the updates."""
    return np.concatenate([mean, -0.5 * np.log(np.diag(normal_equations(x, theta)[0]))])


def bound_at(mean, x, theta):
    """Exact ELBO of these means and the precisions of the updates."""
    return models.elbo(lam_of(mean, x, theta), x, theta)


# ---- the bound, term by term

def expected_log_joint(x, theta, lam):
    """E_q[log p(x | w)] + E_q[log p(w)], every normalizer included."""
    N, D = theta.y.shape
    mean, variance = lam[:D], np.exp(2 * lam[D:])
    fit = np.sum((x - theta.y @ mean)**2) + np.sum(theta.y**2 @ variance)
    return (-0.5 * fit / theta.noise_sd**2 - 0.5 * N * np.log(2 * np.pi * theta.noise_sd**2)
            - 0.5 * np.sum(mean**2 + variance) / theta.prior_sd**2 - 0.5 * D * np.log(2 * np.pi * theta.prior_sd**2))


def entropy(lam):
    """H[q] of D independent normals."""
    return np.sum(lam[len(lam) // 2:] + 0.5 * np.log(2 * np.pi * np.e))


def three_terms(x, theta, lam):
    """The bound less the log evidence: expected log likelihood and log prior, plus the entropy."""
    return expected_log_joint(x, theta, lam) + entropy(lam) - models.log_evidence(x, theta)


# ---- read off the graph

def messages_to_weight(x, theta, mean, d):
    """(1 + N, 2): from the prior of w_d, and from each datum while the other weights have these means."""
    column = theta.y[:, d]
    unexplained = x - theta.y @ mean + column * mean[d]
    from_data = np.column_stack([column * unexplained, -0.5 * column**2]) / theta.noise_sd**2
    return np.vstack([natural_of_mean(0., theta.prior_sd**-2), from_data])


# ---- the model in use

def fit(x, theta, start=None, tolerance=1e-10, most=10_000):
    """Coordinate ascent from the means in start, by default zero: a Fit of lam (2 D,).

    Its bound is held below the log evidence.
    """
    D = theta.y.shape[1]
    start = np.zeros(D) if start is None else start
    start = require_finite("start", require_shape("start", start, (D,), f"one mean for each of the D={D} weights"))

    def one_sweep(mean):
        return sweep(mean, x, theta)

    def elbo(mean):
        return bound_at(mean, x, theta)

    ended = ascend(one_sweep, elbo, start, models.log_evidence(x, theta), tolerance, most)
    return ended._replace(found=lam_of(ended.found, x, theta))
