"""Black-box variational inference, line by line: derivations/gradients/bbvi.md. The general loop is in algorithm.py, a fast one in regression.py.

Shapes: z (..., S) or (..., S, D), log_joint(z) (..., S), lam (P,); gradients (P,), estimators (R, P) for eps (R, S, ...), densities in nats.
PML, "BBVI - Vanilla version" to "Code-task: Score-function gradient for linear regression"; Ranganath, Gerrish and Blei (2014).
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import score
from refvi.base.families.gaussian import normal
from refvi.base.families.lam import halves
from refvi.base.models import LinearGaussian, log_likelihood, log_prior
from refvi.base.optimize import gradient_ascent
from refvi.gradients.score_function import weighted_score


# ---- the update

def one_update(lam, rho, bound):
    """One step of size rho along the exact gradient of bound(lam)."""
    return gradient_ascent(grad(bound), lam, 1, rho).lam


def stochastic_update(eps, lam, rho, log_joint, q, b):
    """The same step along an estimate of the gradient from S draws of q(lam). Returns (R, P)."""
    return lam + rho * weighted_score(eps, log_joint, q, lam, b)


def limit_of_updates(lam, bound, schedule, T):
    """Where T updates, so many that nothing moves any more, come to rest; the step sizes are a Robbins-Monro sequence."""
    return gradient_ascent(grad(bound), lam, T, schedule).lam


# ---- a constant in the log joint density

def constant_added(log_joint, q, lam, c):
    """Any multiple of the joint density will do: c multiplies the mean score, which is zero."""
    z, w = q.nodes(lam)
    return (w * np.exp(q.log_prob(z, lam)) * (log_joint(z) + c - q.log_prob(z, lam))) @ score(q, z, lam)


def draws_with_constant(eps, log_joint, q, lam, c):
    """Average over S draws z_s = eps_s ~ q(lam), the constant left in. Returns (R, P)."""
    return np.mean((log_joint(eps) + c - q.log_prob(eps, lam))[..., None] * score(q, eps, lam), axis=-2)


def quadratic_in_the_constant(log_joint, q, lam, c):
    """Variance of one term, coordinate by coordinate: that of the weighted score, twice c times a covariance, c^2 times that of the score."""
    z, w = q.nodes(lam)
    density, scores = w * np.exp(q.log_prob(z, lam)), score(q, z, lam)
    weighted = (log_joint(z) - q.log_prob(z, lam))[..., None] * scores
    return density @ weighted**2 - (density @ weighted)**2 + 2 * c * (density @ (weighted * scores)) + c**2 * (density @ scores**2)


def variance_without_constant(log_joint, q, lam):
    """The variance at c = 0."""
    z, w = q.nodes(lam)
    density, weighted = w * np.exp(q.log_prob(z, lam)), (log_joint(z) - q.log_prob(z, lam))[..., None] * score(q, z, lam)
    return density @ weighted**2 - (density @ weighted)**2


# ---- one factor at a time: q(z) is the product of normals q_d(z_d | mu_d, log sigma_d)

def factor(lam, d):
    """(mu_d, log sigma_d) of the d-th factor."""
    mu, log_sigma = halves(lam)
    return np.stack([mu[d], log_sigma[d]])


def by_factor(each):
    """Gradients in the order of lam, (..., 2 D), from those of each factor, D pairs (..., 2)."""
    pairs = np.stack(each, axis=-1)         # (..., 2, D)
    return pairs.reshape(*pairs.shape[:-2], -1)


def sum_of_factors(at, lam):
    """log q(z) (S,): the sum of D univariate log densities."""
    return sum(normal.log_prob(at[..., d], factor(lam, d)) for d in range(len(lam) // 2))


def scores_of_the_factors(at, lam):
    """The gradient of log q(z) in the parameters of one factor is that factor's own score. Returns (S, 2 D)."""
    return by_factor([score(normal, at[..., d], factor(lam, d)) for d in range(len(lam) // 2)])


def score_of_one_factor(log_joint, q, lam):
    """The weight keeps all variables, the score only one of them."""
    z, w = q.nodes(lam)
    density = w * np.exp(q.log_prob(z, lam))
    return by_factor([(density * (log_joint(z) - q.log_prob(z, lam))) @ score(normal, z[..., d], factor(lam, d)) for d in range(len(lam) // 2)])


def own_factor_of_q(log_joint, q, lam):
    """Of log q the weight needs only the factor's own term: the others are independent of its score, whose mean is zero."""
    z, w = q.nodes(lam)
    density = w * np.exp(q.log_prob(z, lam))
    return by_factor([(density * (log_joint(z) - normal.log_prob(z[..., d], factor(lam, d)))) @ score(normal, z[..., d], factor(lam, d))
                      for d in range(len(lam) // 2)])


def own_factors_alone(prior, q, lam):
    """The slip: of log p too only the variable's own term, its prior (mean, log sd); the likelihood, which ties the variables, is gone."""
    z, w = q.nodes(lam)
    density = w * np.exp(q.log_prob(z, lam))
    return by_factor([(density * (normal.log_prob(z[..., d], prior) - normal.log_prob(z[..., d], factor(lam, d)))) @ score(normal, z[..., d], factor(lam, d))
                      for d in range(len(lam) // 2)])


def draws_of_each_factor(eps, log_joint, lam, b):
    """Average over S draws z_s = eps_s, every factor drawn from its own q_d. Returns (R, 2 D)."""
    return by_factor([np.mean((log_joint(eps) - normal.log_prob(eps[..., d], factor(lam, d)) - b)[..., None]
                              * score(normal, eps[..., d], factor(lam, d)), axis=-2)
                      for d in range(len(lam) // 2)])


# ---- the scores of the code task, by hand; z (S,), mu and sigma numbers

def score_of_the_mean(z, mu, sigma):
    """d/dmu of log N(z | mu, sigma^2)."""
    return (z - mu) / sigma**2


def score_of_sigma(z, mu, sigma):
    """d/dsigma of log N(z | mu, sigma^2)."""
    return (z - mu)**2 / sigma**3 - 1 / sigma


def chain_rule(z, mu, sigma):
    """d sigma / d log sigma is sigma."""
    return sigma * ((z - mu)**2 / sigma**3 - 1 / sigma)


def score_of_log_sigma(z, mu, sigma):
    """d/dlog sigma of log N(z | mu, sigma^2): no unit left."""
    return ((z - mu) / sigma)**2 - 1


# ---- the code task's bound in closed form: two weights, y (N, 2) with rows (1, y_n); one number in nats

def three_terms_of(x, theta, lam, logarithm=1., square=1., inputs=None, entropy=1.):
    """(expected log likelihood, expected log prior, entropy) with one keyword for each mistake of the notebook."""
    (m0, m1), (v0, v1) = lam[:2], np.exp(2 * lam[2:])
    y = theta.y[:, 1]
    squares = (x**2 - 2 * x * (m0 + m1 * y) + square * (m0**2 + v0) + 2 * m0 * m1 * (y if inputs is None else inputs) + (m1**2 + v1) * y**2)
    fit = np.sum(-logarithm * np.log(theta.noise_sd) - 0.5 * np.log(2 * np.pi) - squares / (2 * theta.noise_sd**2))
    prior = 2 * (-logarithm * np.log(theta.prior_sd) - 0.5 * np.log(2 * np.pi)) - (m0**2 + v0 + m1**2 + v1) / (2 * theta.prior_sd**2)
    return fit, prior, entropy * 0.5 * np.sum(np.log(2 * np.pi * np.e) + 2 * lam[2:])


def expected_log_likelihood(x, theta, lam):
    """The square expanded, and E[z_d^2] = mu_d^2 + sigma_d^2, E[z_0 z_1] = mu_0 mu_1 put in."""
    return three_terms_of(x, theta, lam)[0]


def expected_log_prior(x, theta, lam):
    """The same two moments about a mean of zero."""
    return three_terms_of(x, theta, lam)[1]


def entropy_of_each(x, theta, lam):
    """Half of log(2 pi e sigma_d^2) for each factor."""
    return three_terms_of(x, theta, lam)[2]


def three_terms(x, theta, lam):
    """The bound: expected log likelihood, expected log prior and entropy."""
    return sum(three_terms_of(x, theta, lam))


def half_the_logarithm(x, theta, lam):
    """First mistake of the notebook: half of log sigma for log sigma, in prior and likelihood."""
    return sum(three_terms_of(x, theta, lam, logarithm=0.5))


def square_added_twice(x, theta, lam):
    """Second mistake: the second moment of the offset enters twice."""
    return sum(three_terms_of(x, theta, lam, square=2.))


def cross_term_without_input(x, theta, lam):
    """Third mistake: 2 mu_0 mu_1 without y_n."""
    return sum(three_terms_of(x, theta, lam, inputs=1.))


def entropy_subtracted(x, theta, lam):
    """Fourth mistake: the entropy with a minus sign."""
    return sum(three_terms_of(x, theta, lam, entropy=-1.))


def all_four_mistakes(x, theta, lam):
    """What the notebook monitors and plots."""
    return sum(three_terms_of(x, theta, lam, 0.5, 2., 1., -1.))


# ---- which weight is which, and which number is a standard deviation; z (S, 2), one log density for each

def offset_first(x, z, theta):
    """log p(x|z) with mean z_0 + z_1 y_n, as the notebook's code and data have it."""
    return log_likelihood(x, z, theta)


def slope_first(x, z, theta):
    """With mean z_0 y_n + z_1, as the notebook's text has it."""
    return log_likelihood(x, z, LinearGaussian(theta.y[:, ::-1], theta.prior_sd, theta.noise_sd))


def variance_for_sd(x, z, theta):
    """With the standard deviation of the noise taken for its variance, as the notebook's text writes it."""
    return log_likelihood(x, z, LinearGaussian(theta.y, theta.prior_sd, theta.noise_sd**0.5))


def squared_scale(z, theta):
    """log p(z) with covariance sigma^2 I, sigma the prior's standard deviation."""
    return log_prior(z, theta)


def unsquared_scale(z, theta):
    """With covariance sigma I, as the slide has it."""
    return log_prior(z, LinearGaussian(theta.y, theta.prior_sd**0.5, theta.noise_sd))
