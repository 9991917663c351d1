"""Linear regression by coordinate ascent, q(w) = prod_d q(w_d), line by line: derivations/bound/coordinate_regression.md.

The model is refvi.base.models.linear_gaussian, whose exact posterior is at hand. Targets x (N,), theta the LinearGaussian
with its inputs y (N, D); means (D,), precisions (D,), everything in nats.
PML, the notebook CAVI-linreg; Bishop (2006), section 10.1.2.
"""
import autograd.numpy as np

from refvi.base import models
from refvi.base.checks import require_finite, require_shape
from refvi.bound.coordinate_ascent.messages import natural_of_mean
from refvi.bound.coordinate_ascent.rows import ascend


def normal_equations(x, theta):
    """(Lambda (D, D), h (D,)): the posterior's precision, and the right side of Lambda mean = h."""
    y, x = theta.y, models.targets(x, theta)
    return np.eye(y.shape[1]) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2, y.T @ x / theta.noise_sd**2


def update_of_weight(x, theta, mean, d):
    """(precision times mean, precision) of the best q(w_d): what the other weights' means leave unexplained, and the posterior precision's own diagonal."""
    Lambda, h = normal_equations(x, theta)
    others = np.delete(np.arange(len(h)), d)
    return np.array([h[d] - Lambda[d, others] @ mean[others], Lambda[d, d]])


def update_with_own_part(x, theta, mean, d):
    """The slip: the residual of all weights, the one that is updated included."""
    Lambda, h = normal_equations(x, theta)
    return np.array([h[d] - Lambda[d] @ mean, Lambda[d, d]])


def update_with_marginal_precision(x, theta, mean, d):
    """The slip: one over the posterior's variance, in the place of the diagonal of its precision."""
    Lambda, h = normal_equations(x, theta)
    precision = 1 / np.linalg.inv(Lambda)[d, d]
    return np.array([precision / Lambda[d, d] * (h[d] - Lambda[d] @ mean + Lambda[d, d] * mean[d]), precision])


def sweep(mean, x, theta):
    """Every weight in turn, each given the newest means of the others: (D,). The precisions never change."""
    mean = np.array(mean, float)
    Lambda, h = normal_equations(x, theta)
    for d in range(len(h)):
        mean[d] += (h[d] - Lambda[d] @ mean) / Lambda[d, d]
    return mean


def simultaneous(mean, x, theta):
    """The slip: every weight given the old means of all others, at once. It can lower the bound."""
    Lambda, h = normal_equations(x, theta)
    return mean + (h - Lambda @ mean) / np.diag(Lambda)


def sweep_error(start, x, theta, T):
    """What is left of the distance from the posterior mean after T sweeps."""
    mean = start
    for _ in range(T):
        mean = sweep(mean, x, theta)
    return mean - models.posterior(x, theta)[0]


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
    """Of D normals."""
    return np.sum(lam[len(lam) // 2:] + 0.5 * np.log(2 * np.pi * np.e))


def three_terms(x, theta, lam):
    """The bound less the evidence: expected log likelihood and log prior, plus the entropy."""
    return expected_log_joint(x, theta, lam) + entropy(lam) - models.log_evidence(x, theta)


def entropy_subtracted(x, theta, lam):
    """The published slip: the entropy taken away instead of added."""
    return expected_log_joint(x, theta, lam) - entropy(lam) - models.log_evidence(x, theta)


def pi_for_two_pi(x, theta, lam):
    """The published slip: the entropy of a normal with log(pi e variance) / 2."""
    return expected_log_joint(x, theta, lam) + entropy(lam) - 0.25 * len(lam) * np.log(2) - models.log_evidence(x, theta)


def both_slips(x, theta, lam):
    """What the notebook calls the bound, less the evidence: above zero, where no bound is."""
    return expected_log_joint(x, theta, lam) - (entropy(lam) - 0.25 * len(lam) * np.log(2)) - models.log_evidence(x, theta)


# ---- read off the graph

def messages_to_weight(x, theta, mean, d):
    """(1 + N, 2): the prior's natural parameters, and those of each datum's expected log density as a function of w_d."""
    column = theta.y[:, d]
    unexplained = x - theta.y @ mean + column * mean[d]
    return np.vstack([natural_of_mean(0., theta.prior_sd**-2), np.column_stack([column * unexplained, -0.5 * column**2]) / theta.noise_sd**2])


# ---- the model in use

def fit(x, theta, start=None, tolerance=1e-10, most=10_000):
    """Coordinate ascent from the means in start (default zero); a Fit whose q is lam (2 D,), its bound held below the evidence."""
    D = theta.y.shape[1]
    start = np.zeros(D) if start is None else require_finite("start", require_shape("start", start, (D,), f"one mean for each of the D={D} weights"))
    found = ascend(lambda mean: sweep(mean, x, theta), lambda mean: bound_at(mean, x, theta), start, models.log_evidence(x, theta), tolerance, most)
    return found._replace(q=lam_of(found.q, x, theta))
