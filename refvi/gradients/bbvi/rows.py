"""Black-box variational inference, line by line: derivations/gradients/bbvi.md.

The loop for any model is algorithm.py beside this file, a fast one for linear regression regression.py.

Shapes: z (..., S) or (..., S, D), log_joint(z) (..., S), lam (P,); gradients (P,), estimators (R, P) for eps (R, S,
...). Densities are in nats. PML, "BBVI - Vanilla version" to "Code-task: Score-function gradient for linear
regression"; Ranganath, Gerrish and Blei (2014), Black box variational inference.
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import expectation, score
from refvi.base.families.gaussian import normal
from refvi.base.families.lam import halves
from refvi.base.optimize import gradient_ascent
from refvi.gradients.score_function import log_weight, weighted_score


# ---- the update

def one_update(lam, rho, bound):
    """lam after one step of size rho along the exact gradient of bound(lam)."""
    return gradient_ascent(grad(bound), lam, 1, rho).lam


def stochastic_update(eps, lam, rho, log_joint, q, b):
    """lam after one step along an estimate of the gradient from S draws of q(lam). Returns (R, P)."""
    return lam + rho * weighted_score(eps, log_joint, q, lam, b)


def limit_of_updates(lam, bound, rho, T):
    """lam after T steps along the exact gradient, so many that nothing moves any more."""
    return gradient_ascent(grad(bound), lam, T, rho).lam


def runs_of_updates(eps, lam, log_joint, q, bound, schedule, optimum):
    """Mean squared distance from the optimum of S ascents of T steps, one draw to a step, its baseline the exact bound.

    eps (R, S, T) is noise that q.transport makes draws of; schedule(t) is the size of step t = 1..T. Returns (R, P).
    """
    lam = lam + np.zeros(eps.shape[:2] + (1, 1))        # one for every run: (R, S, 1, P)
    for t in range(eps.shape[2]):
        z = q.transport(eps[:, :, t, None], lam)
        g = weighted_score(z, log_joint, q, lam, bound(lam)[..., None])
        lam = lam + schedule(t + 1) * g[:, :, None]
    return np.mean((lam[:, :, 0] - optimum)**2, axis=1)


# ---- a constant in the log joint density; c is a number, or (P,) with an entry for each coordinate

def constant_added(log_joint, q, lam, c):
    """E[(log weight + c) times the score]: c multiplies the mean score, which is zero."""
    def term(z):
        return (log_weight(z, log_joint, q, lam)[:, None] + c) * score(q, z, lam)

    return expectation(term, q, lam)


def quadratic_in_the_constant(log_joint, q, lam, c):
    """Variance of one term (r + c) u: Var[r u] + 2 c E[r u^2] + c^2 E[u^2], r the log weight and u the score."""
    def moments(z):
        r, u = log_weight(z, log_joint, q, lam)[:, None], score(q, z, lam)
        return np.stack([(r * u)**2, r * u, r * u**2, u**2], axis=1)

    square, mean, mixed, squared_score = expectation(lambda z: moments(z).reshape(len(z), -1), q, lam).reshape(4, -1)
    return square - mean**2 + 2 * c * mixed + c**2 * squared_score


def variance_without_constant(log_joint, q, lam):
    """Variance of one term r u."""
    def term(z):
        return log_weight(z, log_joint, q, lam)[:, None] * score(q, z, lam)

    return expectation(lambda z: term(z)**2, q, lam) - expectation(term, q, lam)**2


# ---- one factor at a time: q(z) is the product of normals q_d(z_d | mu_d, log sigma_d)

def factor(lam, d):
    """(mu_d, log sigma_d) of the d-th factor."""
    mu, log_sigma = halves(lam)
    return np.stack([mu[d], log_sigma[d]])


def by_factor(of_factor, lam):
    """Gradients in the order of lam (..., 2 D), where of_factor(d) (..., 2) is that in the parameters of one factor."""
    pairs = np.stack([of_factor(d) for d in range(len(lam) // 2)], axis=-1)         # (..., 2, D)
    return pairs.reshape(*pairs.shape[:-2], -1)


def sum_of_factors(at, lam):
    """log q (S,) at points (S, D): the sum of D univariate log densities."""
    return sum(normal.log_prob(at[..., d], factor(lam, d)) for d in range(len(lam) // 2))


def scores_of_the_factors(at, lam):
    """The score of q (S, 2 D) at points (S, D), put together from the scores of its factors."""
    return by_factor(lambda d: score(normal, at[..., d], factor(lam, d)), lam)


def score_of_one_factor(log_joint, q, lam):
    """E[log weight times the score of one factor]: the weight keeps all variables, the score one."""
    def of_factor(d):
        def term(z):
            return log_weight(z, log_joint, q, lam)[:, None] * score(normal, z[:, d], factor(lam, d))
        return expectation(term, q, lam)

    return by_factor(of_factor, lam)


def own_factor_of_q(log_joint, q, lam):
    """E[(log p(x, z) - log q_d(z_d)) times the score of q_d]: the other factors of q are independent of that score."""
    def of_factor(d):
        def term(z):
            own = factor(lam, d)
            return (log_joint(z) - normal.log_prob(z[:, d], own))[:, None] * score(normal, z[:, d], own)
        return expectation(term, q, lam)

    return by_factor(of_factor, lam)


def draws_of_each_factor(eps, log_joint, lam, b):
    """Average over S draws, every factor drawn from its own q_d. Returns (R, 2 D)."""
    def of_factor(d):
        own = factor(lam, d)
        weight = log_joint(eps) - normal.log_prob(eps[..., d], own) - b
        return np.mean(weight[..., None] * score(normal, eps[..., d], own), axis=-2)

    return by_factor(of_factor, lam)


# ---- the scores of the code task, by hand; z (S,), mu and sigma numbers

def score_of_the_mean(z, mu, sigma):
    """d/dmu of log N(z | mu, sigma^2)."""
    return (z - mu) / sigma**2


def score_of_sigma(z, mu, sigma):
    """d/dsigma of log N(z | mu, sigma^2)."""
    return (z - mu)**2 / sigma**3 - 1 / sigma


def chain_rule(z, mu, sigma):
    """The derivative in sigma times d sigma / d log sigma, which is sigma."""
    return sigma * ((z - mu)**2 / sigma**3 - 1 / sigma)


def score_of_log_sigma(z, mu, sigma):
    """d/dlog sigma of log N(z | mu, sigma^2)."""
    return ((z - mu) / sigma)**2 - 1


# ---- the code task's bound in closed form: two weights, inputs theta.y (N, 2) with rows (1, y_n); numbers in nats

def expected_log_likelihood(x, theta, lam):
    """E[log p(x|z)]: the square expanded, E[z_d^2] = mu_d^2 + sigma_d^2 and E[z_0 z_1] = mu_0 mu_1 put in."""
    (m0, m1), (v0, v1), y = lam[:2], np.exp(2 * lam[2:]), theta.y[:, 1]
    squares = x**2 - 2 * x * (m0 + m1 * y) + m0**2 + v0 + 2 * m0 * m1 * y + (m1**2 + v1) * y**2
    return np.sum(-np.log(theta.noise_sd) - 0.5 * np.log(2 * np.pi) - squares / (2 * theta.noise_sd**2))


def expected_log_prior(theta, lam):
    """E[log p(z)] from the second moments of both weights."""
    squares = lam[:2]**2 + np.exp(2 * lam[2:])
    return np.sum(-np.log(theta.prior_sd) - 0.5 * np.log(2 * np.pi) - squares / (2 * theta.prior_sd**2))


def entropy_of_each(lam):
    """The entropy of q: half of log(2 pi e sigma_d^2) for each factor."""
    return 0.5 * np.sum(np.log(2 * np.pi * np.e) + 2 * lam[2:])


def three_terms(x, theta, lam):
    """The bound: expected log likelihood, expected log prior and entropy."""
    return expected_log_likelihood(x, theta, lam) + expected_log_prior(theta, lam) + entropy_of_each(lam)
