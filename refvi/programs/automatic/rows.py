"""Automatic variational inference, line by line: derivations/programs/automatic.md. The constraints are in bijections.py, the fit in fit.py.

Shapes: free coordinates u (..., S, D), values z (..., S, n) under a constraint, log densities (..., S) in nats, lam (P,); T is a Bijection, q a Family on the
free coordinates, log_joint(z) the model in its own variables; bounds are one number, gradients (P,), estimators (R, ...) for eps (R, S, D) ~ q(0).
PML, "Automatic Variational Inference in PPLs"; Kucukelbir, Tran, Ranganath, Gelman and Blei (2017), Automatic differentiation variational inference.
"""
from itertools import combinations

import autograd.numpy as np
from autograd import elementwise_grad, grad, jacobian

from refvi.base.core import gradient_of_each
from refvi.base.families.gaussian import full_normal, normal
from refvi.base.optimize import gradient_ascent
from refvi.bound.elbo.rows import climbed
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.gradients.score_function import score_function


def mean_under(g, q, lam):
    """E_q[g(u)] on q's nodes."""
    u, w = q.nodes(lam)
    return np.sum(w * np.exp(q.log_prob(u, lam)) * g(u))


def log_det_of(matrix):
    """log |det| of a square matrix."""
    return np.linalg.slogdet(matrix)[1]


# ---- a bijection and its determinant, at points u (k, D)

def determinant_by_hand(u, T):
    """What the code uses: for every constraint a sum of a few terms."""
    return T.log_det(u)


def determinant_of_forward(u, T):
    """The whole matrix of derivatives, and its determinant: D^3 steps where the hand needs D."""
    return np.array([log_det_of(jacobian(T.forward)(point)[:len(point)]) for point in u])


def determinant_of_inverse(u, T):
    """The way back undoes what the way there does to volumes."""
    return -np.array([log_det_of(jacobian_of_inverse(T, T.forward(point), len(point))) for point in u])


def jacobian_of_inverse(T, z, D):
    """du/dz (D, D) at z (n,); on a simplex in the first n - 1 = D coordinates, while the last makes up the sum."""
    whole = jacobian(T.inverse)(z)
    return whole if D == len(z) else whole[:, :D] - whole[:, D:]


# ---- a density on either scale, at points z (k, n)

def carried_back(z, T, q, lam):
    """The density of the free coordinates, times the volume that a unit volume of z has there."""
    u = T.inverse(z)
    return q.log_prob(u, lam) + np.array([log_det_of(jacobian_of_inverse(T, point, u.shape[-1])) for point in z])


def determinant_subtracted(z, T, q, lam):
    """The same with the determinant of the way there, which is the one at hand."""
    u = T.inverse(z)
    return q.log_prob(u, lam) - T.log_det(u)


def determinant_added(z, T, q, lam):
    """The slip: the sign that belongs to the joint density on the free scale."""
    u = T.inverse(z)
    return q.log_prob(u, lam) + T.log_det(u)


def determinant_forgotten(z, T, q, lam):
    """The slip: new coordinates, old density."""
    return q.log_prob(T.inverse(z), lam)


def mass(at, weights, T, q, lam):
    """The integral over z, on nodes and weights of that scale."""
    u = T.inverse(at)
    return np.sum(weights * np.exp(q.log_prob(u, lam) - T.log_det(u)))


def mass_without_determinant(at, weights, T, q, lam):
    """The same integral of what was no density."""
    return np.sum(weights * np.exp(q.log_prob(T.inverse(at), lam)))


# ---- the bound on the free scale

def bound_on_the_line(log_joint, T, q, lam):
    """The joint density moves to the free scale and takes the determinant along."""
    return mean_under(lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)


def bound_on_the_noise(log_joint, T, q, lam):
    """A second bijection, mu + R eps, whose log-determinant is the sum of log R_dd: what is left of q is the noise's own density."""
    zero = np.zeros(len(lam))
    return mean_under(lambda eps: log_weight_of_noise(eps, log_joint, T, q, lam), q, zero)


def log_weight_of_noise(eps, log_joint, T, q, lam):
    """log p(x, z) of what becomes of eps (..., S, D), the two log-determinants, less log q(eps | 0): (..., S)."""
    u = q.transport(eps, lam)
    return log_joint(T.forward(u)) + T.log_det(u) + volume(lam, np.shape(eps)[-1]) - q.log_prob(eps, np.zeros(np.shape(lam)[-1]))


def volume(lam, D):
    """log |det dz/deps| (...,) of z = mu + R eps: the log diagonal, the second D of lam in either family of normals."""
    return np.sum(lam[..., D:2 * D], axis=-1)


def draws_of_the_bound(eps, log_joint, T, q, lam):
    """Average over S draws of the noise: what the fit reports. Returns (R,)."""
    return np.mean(log_weight_of_noise(eps, log_joint, T, q, lam), axis=-1)


def bound_sign_turned(log_joint, T, q, lam):
    """The slip: the determinant of the way back."""
    return mean_under(lambda u: log_joint(T.forward(u)) - T.log_det(u) - q.log_prob(u, lam), q, lam)


def bound_without_determinant(log_joint, T, q, lam):
    """The slip: draws on one scale, densities on two."""
    return mean_under(lambda u: log_joint(T.forward(u)) - q.log_prob(u, lam), q, lam)


def lost_without_determinant(log_joint, T, q, lam):
    """By how much that lies off, the same integral twice."""
    return (mean_under(lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)
            - mean_under(lambda u: log_joint(T.forward(u)) - q.log_prob(u, lam), q, lam))


# ---- once for all values and all data: terms(z) (..., S, D), one log density for each of D values

def determinant_once(terms, T, q, lam):
    """One determinant for the whole vector, beside the sum of the terms."""
    return mean_under(lambda u: np.sum(terms(T.forward(u)), axis=-1) + T.log_det(u) - q.log_prob(u, lam), q, lam)


def determinant_for_each_value(terms, T, q, lam):
    """The slip: summed over values, added to every value's term, and summed again."""
    return mean_under(lambda u: np.sum(terms(T.forward(u)) + T.log_det(u)[..., None], axis=-1) - q.log_prob(u, lam), q, lam)


def determinant_times_batch(terms, T, q, lam, M):
    """The slip: broadcast against a batch of M, and summed over it."""
    return mean_under(lambda u: np.sum(terms(T.forward(u)), axis=-1) + M * T.log_det(u) - q.log_prob(u, lam), q, lam)


# ---- the spread of a normal

def scale_times_its_transpose(lam):
    """mu + R eps has the covariance R R'. Returns (D, D)."""
    R = factor_of(lam)
    return R @ R.T


def transpose_times_scale(lam):
    """The slip: the covariance of mu + R' eps."""
    R = factor_of(lam)
    return R.T @ R


def draws_of_the_covariance(eps, lam):
    """Average over S draws of the outer product of deviations. Returns (R, D, D)."""
    u = full_normal.transport(eps, lam) - lam[:np.shape(eps)[-1]]
    return np.mean(u[..., :, None] * u[..., None, :], axis=-3)


def factor_of(lam):
    """R (D, D) of a full normal: where it carries the unit vectors."""
    D = int((np.sqrt(9 + 8 * len(lam)) - 3) / 2 + 0.5)
    return full_normal.transport(np.eye(D), lam).T - lam[:D, None]


def half_the_log_variance(at, mu, log_variance):
    """log density with the standard deviation exp(log variance / 2)."""
    return normal.log_prob(at, np.array([mu, 0.5 * log_variance]))


def whole_log_variance(at, mu, log_variance):
    """The slip: exp(log variance) for the standard deviation."""
    return normal.log_prob(at, np.array([mu, log_variance]))


# ---- a model put together from parts, at points z (k, ...)

def sum_of_parts(log_prior, log_likelihood, x, z):
    """What the modeller writes down: a prior, and a likelihood given its variables."""
    return log_likelihood(z, x) + log_prior(z)


def prior_with_each_datum(log_prior, log_likelihood, x, z):
    """The slip: the prior inside the sum over data."""
    return sum(log_likelihood(z, x[n:n + 1]) + log_prior(z) for n in range(len(x)))


# ---- the gradient, and one step

def gradient_through_the_noise(log_joint, T, q, lam):
    """The noise stays where it is, so the gradient goes inside: what automatic differentiation returns."""
    eps, w = q.nodes(np.zeros(len(lam)))
    density = w * np.exp(q.log_prob(eps, np.zeros(len(lam))))
    return grad(lambda lam: np.sum(density * log_weight_of_noise(eps, log_joint, T, q, lam)))(lam)


def gradient_by_scores(log_joint, T, q, lam):
    """The log weight times the score: only values of the model."""
    u, w = q.nodes(lam)
    weight = log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam)
    return (w * np.exp(q.log_prob(u, lam)) * weight) @ gradient_of_each(q.log_prob, u, lam)


def path_draws(eps, log_joint, T, q, lam):
    """Average over S draws of the gradient through the noise. Returns (R, P)."""
    return path_gradient(eps, lambda u, lam: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)


def chain_rule_draws(eps, log_joint, T, q, lam):
    """The same by hand from where the model's own gradient ends: what the fit takes, with a third of the tape. Returns (R, P)."""
    slope = elementwise_grad(lambda u: log_joint(T.forward(u)) + T.log_det(u))(q.transport(eps, lam))
    return np.mean(back_to_lam(slope, eps, lam), axis=-2)


def back_to_lam(slope, eps, lam):
    """Gradients (..., S, P) in lam from those in u = mu + R eps (..., S, D), and one for each log R_dd, the volume's; R is diagonal or lower triangular."""
    D = np.shape(eps)[-1]
    parts = [slope, slope * eps * np.exp(lam[D:2 * D]) + 1]
    if len(lam) > 2 * D:
        i, j = np.tril_indices(D, -1)
        parts.append(slope[..., i] * eps[..., j])
    return np.concatenate(parts, axis=-1)


def score_draws(eps, log_joint, T, q, lam, b):
    """The score function on the same draws, with a baseline b. Returns (R, P)."""
    u = q.transport(eps, lam)
    return score_function(u, lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam, b)


def one_step(log_joint, T, q, lam, rho):
    """One step of gradient ascent, rho times the gradient through the noise."""
    eps, w = q.nodes(np.zeros(len(lam)))
    density = w * np.exp(q.log_prob(eps, np.zeros(len(lam))))
    return gradient_ascent(grad(lambda lam: np.sum(density * log_weight_of_noise(eps, log_joint, T, q, lam))), lam, 1, rho).lam


def path_step(eps, log_joint, T, q, lam, rho):
    """The same step along S draws. Returns (R, P)."""
    return lam + rho * path_gradient(eps, lambda u, lam: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)


def score_step(eps, log_joint, T, q, lam, rho, b):
    """And along S weighted scores. Returns (R, P)."""
    u = q.transport(eps, lam)
    return lam + rho * score_function(u, lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam, b)


# ---- where the steps end; log_posterior(z) is normalized

def highest_bound(log_joint, T, q, start):
    """lam where the bound is highest, climbed from start."""
    return climbed(lambda u, lam: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, start)


def least_divergence(log_posterior, T, q, start):
    """lam where KL(q || posterior) is least, from start."""
    return climbed(lambda u, lam: -(q.log_prob(u, lam) - T.log_det(u) - log_posterior(T.forward(u))), q, start)


def bound_plus_divergence(log_joint, log_posterior, T, q, lam):
    """Bound and divergence, each an integral of its own: their sum does not know lam."""
    return (mean_under(lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)
            + mean_under(lambda u: q.log_prob(u, lam) - log_posterior(T.forward(u)) - T.log_det(u), q, lam))


def bound_alone(log_joint, T, q, lam):
    """Below the evidence by the divergence."""
    return mean_under(lambda u: log_joint(T.forward(u)) + T.log_det(u) - q.log_prob(u, lam), q, lam)


# ---- minibatches: M of the N data x, every subset alike

def bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, of_likelihood, of_prior=1., of_determinant=1.):
    """The mean over all batches of the bound, with a factor for each of its three terms."""
    def of_batch(index):
        def integrand(u):
            z = T.forward(u)
            return of_likelihood * log_likelihood(z, x[list(index)]) + of_prior * log_prior(z) + of_determinant * T.log_det(u) - q.log_prob(u, lam)
        return mean_under(integrand, q, lam)
    return np.mean([of_batch(index) for index in combinations(range(len(x)), M)])


def mean_over_batches(log_prior, log_likelihood, x, T, q, lam, M):
    """N/M for the likelihood, one for the rest: every datum is in a share M/N of all batches."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, len(x) / M)


def batch_not_scaled(log_prior, log_likelihood, x, T, q, lam, M):
    """The slip: M data speak for N."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, 1.)


def prior_scaled_as_well(log_prior, log_likelihood, x, T, q, lam, M):
    """The slip: N/M for the joint density."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, len(x) / M, of_prior=len(x) / M)


def determinant_scaled_as_well(log_prior, log_likelihood, x, T, q, lam, M):
    """The slip: N/M for the determinant."""
    return bound_of_batches(log_prior, log_likelihood, x, T, q, lam, M, len(x) / M, of_determinant=len(x) / M)


def draws_of_a_batch(eps, log_prior, log_likelihood, x, T, q, lam, M):
    """One draw of the noise and one batch at a time: eps (R, 1, D + M) holds the noise, then M indices. Returns (R,)."""
    D = np.shape(eps)[-1] - M
    eps, index = eps[..., :D], eps[..., D:].astype(int)
    u = q.transport(eps, lam)
    z = T.forward(u)
    log_joint = len(x) / M * log_likelihood(z, x[index]) + log_prior(z)
    return np.mean(log_joint + T.log_det(u) - q.log_prob(u, lam), axis=-1)
