"""Automatic variational inference, line by line: derivations/programs/automatic.md. Constraints: bijections.py, the
fit: fit.py.

Shapes: free coordinates u (..., S, D), values z (..., S, n) under a constraint, log densities (..., S) in nats, lam
(P,). T is a Bijection, q a normal family on the free coordinates, log_joint(z) the model in its own variables. Bounds
are numbers, gradients (P,), estimators (R, ...) for eps (R, S, D) ~ q(0). PML, "Automatic Variational Inference in
PPLs"; Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), Automatic differentiation variational inference.
"""
from itertools import combinations

import autograd.numpy as np
from autograd import elementwise_grad, grad, jacobian

from refvi.base.core import expectation, score
from refvi.base.families.gaussian import full_normal, full_parts, normal
from refvi.base.optimize import gradient_ascent
from refvi.bound.elbo.rows import climbed
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.gradients.score_function import score_function


def log_weight(log_joint, T, q):
    """The function r(u, lam) = log p(x, T(u)) + log |det dT/du| - log q(u | lam)."""
    return lambda u, lam: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam)


# ---- a bijection and its determinant, at points u (k, D)

def log_det_of(matrix):
    """log |det| of a square matrix."""
    return np.linalg.slogdet(matrix)[1]


def determinant_by_hand(u, T):
    """log |det dT/du| (k,) by the formula of the constraint, a sum of D terms."""
    return T.log_det(u)


def determinant_of_forward(u, T):
    """log |det dT/du| (k,) of the whole matrix by automatic differentiation, D^3 steps."""
    return np.array([log_det_of(jacobian(T.forward)(point)[:len(point)]) for point in u])


def determinant_of_inverse(u, T):
    """log |det dT/du| (k,), minus the log-determinant of the inverse at T(u)."""
    return -np.array([log_det_of(jacobian_of_inverse(T, T.forward(point), len(point))) for point in u])


def jacobian_of_inverse(T, z, D):
    """du/dz (D, D) at z (n,); on a simplex in the first n - 1 = D coordinates, while the last makes up the sum."""
    whole = jacobian(T.inverse)(z)
    return whole if D == len(z) else whole[:, :D] - whole[:, D:]


# ---- a density on either scale, at points z (k, n)

def carried_back(z, T, q, lam):
    """log density (k,) of z: that of its free coordinates, plus the log-determinant of the inverse as a whole
    matrix."""
    u = T.inverse(z)
    return q.log_prob(u, lam) + np.array([log_det_of(jacobian_of_inverse(T, point, u.shape[-1])) for point in z])


def determinant_subtracted(z, T, q, lam):
    """log density (k,) of z: that of its free coordinates, less the log-determinant of the bijection."""
    u = T.inverse(z)
    return q.log_prob(u, lam) - T.log_det(u)


def mass(at, weights, T, q, lam):
    """The integral of the density of z by nodes and weights on z's own scale."""
    u = T.inverse(at)
    return np.sum(weights * np.exp(q.log_prob(u, lam) - T.log_det(u)))


# ---- the bound on the free scale

def bound_on_the_line(log_joint, T, q, lam):
    """The bound in nats as an expectation under q(lam) of the free coordinates."""
    r = log_weight(log_joint, T, q)
    return expectation(lambda u: r(u, lam), q, lam)


def bound_on_the_noise(log_joint, T, q, lam):
    """The bound in nats as an expectation under q(0) of the noise."""
    return expectation(lambda eps: log_weight_of_noise(eps, log_joint, T, q, lam), q, np.zeros(len(lam)))


def log_weight_of_noise(eps, log_joint, T, q, lam):
    """log p(x, z) of what becomes of eps (..., S, D), plus both log-determinants, less log q(eps | 0): (..., S)."""
    u = q.transport(eps, lam)
    log_noise = q.log_prob(eps, np.zeros(np.shape(lam)[-1]))
    return log_joint(T.forward(u)) + T.log_det(u) + volume(lam, np.shape(eps)[-1]) - log_noise


def volume(lam, D):
    """log |det du/deps| (...,) of u = mu + R eps: the log diagonal, the second D of lam in either family of normals."""
    return np.sum(lam[..., D:2 * D], axis=-1)


def draws_of_the_bound(eps, log_joint, T, q, lam):
    """Averages (R,) of the log weight over S draws of the noise: what the fit reports as the ELBO."""
    return np.mean(log_weight_of_noise(eps, log_joint, T, q, lam), axis=-1)


def determinant_once(terms, T, q, lam):
    """The bound in nats for terms(z) (..., S, D), one log density for each of D values: one determinant for the
    whole vector."""
    return expectation(lambda u: np.sum(terms(T.forward(u)), axis=-1) + T.log_det(u) - q.log_prob(u, lam), q, lam)


# ---- the spread of a normal

def scale_times_its_transpose(lam):
    """The covariance R R' (D, D) of a full normal."""
    R = factor_of(lam)
    return R @ R.T


def draws_of_the_covariance(eps, lam):
    """Averages (R, D, D) over S draws of the outer product of deviations from the mean."""
    u = full_normal.transport(eps, lam) - lam[:np.shape(eps)[-1]]
    return np.mean(u[..., :, None] * u[..., None, :], axis=-3)


def factor_of(lam):
    """R (D, D) of a full normal: where it carries the unit vectors."""
    mu = full_parts(lam)[0]
    return full_normal.transport(np.eye(len(mu)), lam).T - mu[:, None]


def half_the_log_variance(at, mu, log_variance):
    """log density (k,) of a normal at points at (k,), its standard deviation exp(log variance / 2)."""
    return normal.log_prob(at, np.array([mu, 0.5 * log_variance]))


# ---- a model put together from parts, at points z (k, ...)

def sum_of_parts(log_prior, log_likelihood, x, z):
    """log p(x, z) (k,): the log likelihood of all data, plus the log prior once."""
    return log_likelihood(z, x) + log_prior(z)


# ---- the gradient, and one step

def gradient_through_the_noise(log_joint, T, q, lam):
    """The gradient (P,) of the bound, differentiated as an expectation under q(0)."""
    zero = np.zeros(len(lam))
    nodes = q.nodes(zero)
    def bound(lam):
        return expectation(lambda eps: log_weight_of_noise(eps, log_joint, T, q, lam), q, zero, nodes)

    return grad(bound)(lam)


def gradient_by_scores(log_joint, T, q, lam):
    """The gradient (P,) of the bound as the expectation of the log weight times the score."""
    r = log_weight(log_joint, T, q)
    return expectation(lambda u: r(u, lam)[:, None] * score(q, u, lam), q, lam)


def path_draws(eps, log_joint, T, q, lam):
    """Averages (R, P) over S draws of the gradient through the noise, all of it by automatic differentiation."""
    return path_gradient(eps, log_weight(log_joint, T, q), q, lam)


def chain_rule_draws(eps, log_joint, T, q, lam):
    """Averages (R, P) over S draws of the gradient through the noise, by hand from where the model's own gradient ends.

    This is what the fit takes, with a third of the tape.
    """
    slope = elementwise_grad(lambda u: log_joint(T.forward(u)) + T.log_det(u))(q.transport(eps, lam))
    return np.mean(back_to_lam(slope, eps, lam), axis=-2)


def back_to_lam(slope, eps, lam):
    """Gradients (..., S, P) of the log weight in lam, from the model's slope (..., S, D) in u = mu + R eps.

    R is diagonal or lower triangular. The one in the log diagonal is the gradient of its volume.
    """
    D = np.shape(slope)[-1]
    parts = [slope, slope * eps * np.exp(lam[D:2 * D]) + 1]
    if len(lam) > 2 * D:
        i, j = np.tril_indices(D, -1)
        parts.append(slope[..., i] * eps[..., j])
    return np.concatenate(parts, axis=-1)


def score_draws(eps, log_joint, T, q, lam, b):
    """Averages (R, P) over S draws of the log weight less a baseline b, times the score."""
    r = log_weight(log_joint, T, q)
    return score_function(q.transport(eps, lam), lambda u: r(u, lam), q, lam, b)


def one_step(log_joint, T, q, lam, rho):
    """lam (P,) after one step of gradient ascent at the rate rho, with the gradient through the noise."""
    zero = np.zeros(len(lam))
    nodes = q.nodes(zero)
    def bound(lam):
        return expectation(lambda eps: log_weight_of_noise(eps, log_joint, T, q, lam), q, zero, nodes)

    return gradient_ascent(grad(bound), lam, 1, rho).lam


def path_step(eps, log_joint, T, q, lam, rho):
    """lam (R, P) after one step along the path estimate of S draws."""
    return lam + rho * path_draws(eps, log_joint, T, q, lam)


def score_step(eps, log_joint, T, q, lam, rho, b):
    """lam (R, P) after one step along the score-function estimate of S draws."""
    return lam + rho * score_draws(eps, log_joint, T, q, lam, b)


# ---- where the steps end; log_posterior(z) is normalized

def highest_bound(log_joint, T, q, start):
    """lam (P,) where the bound is highest, climbed from start."""
    return climbed(log_weight(log_joint, T, q), q, start)


def least_divergence(log_posterior, T, q, start):
    """lam (P,) where KL(q || posterior) is least, from start."""
    return climbed(lambda u, lam: -(q.log_prob(u, lam) - T.log_det(u) - log_posterior(T.forward(u))), q, start)


def bound_plus_divergence(log_joint, log_posterior, T, q, lam):
    """Bound and divergence in nats, each an integral of its own, added."""
    def divergence(u):
        return q.log_prob(u, lam) - log_posterior(T.forward(u)) - T.log_det(u)

    r = log_weight(log_joint, T, q)
    return expectation(lambda u: r(u, lam), q, lam) + expectation(divergence, q, lam)


def bound_alone(log_joint, T, q, lam):
    """The bound in nats, below the log evidence by the divergence."""
    return expectation(lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)


# ---- minibatches: M of the N data x, every subset alike

def bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, of_likelihood, of_prior=1.):
    """The mean over all batches of the bound in nats, with a factor for the likelihood and one for the prior."""
    def of_batch(index):
        def integrand(u):
            z = T.forward(u)
            log_joint = of_likelihood * log_likelihood(z, x[list(index)]) + of_prior * log_prior(z)
            return log_joint + T.log_det(u) - q.log_prob(u, lam)
        return expectation(integrand, q, lam)
    return np.mean([of_batch(index) for index in combinations(range(len(x)), M)])


def mean_over_batches(log_prior, log_likelihood, x, T, q, lam, M):
    """The mean over all batches of the bound with N/M times the likelihood: every datum is in a share M/N of all
    batches."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, len(x) / M)


def draws_of_a_batch(eps, log_prior, log_likelihood, x, T, q, lam, M):
    """Averages (R,) over S draws, each with a batch of its own: eps (R, S, D + M) holds the noise, then M indices."""
    D = np.shape(eps)[-1] - M
    eps, index = eps[..., :D], eps[..., D:].astype(int)
    u = q.transport(eps, lam)
    z = T.forward(u)
    log_joint = len(x) / M * log_likelihood(z, x[index]) + log_prior(z)
    return np.mean(log_joint + T.log_det(u) - q.log_prob(u, lam), axis=-1)
