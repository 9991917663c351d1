"""Companion of elbo.md: its rows, its stages and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from referees import by_differences, under_normal
from scipy import integrate, optimize, special, stats

from refvi import Estimate, Model, categorical, diagonal_normal, noise, normal
from refvi.base.models import linear_gaussian, regression
from refvi.bound.elbo.importance import (average_over_pairs_of_log, bound,      # noqa: F401
                                         gradient_of_several_weights, log_average_weight,
                                         log_of_average_over_pairs, one_weight, path_gradient, signal_of_one,
                                         signal_of_three, signal_of_two, three_weights, two_weights)
from refvi.bound.elbo.rows import (average_log_weight, bound_at_posterior, elbo_plus_kl,      # noqa: F401
                                   energy_plus_entropy, evidence_minus_kl, expectation_of_log, fit_minus_kl,
                                   gradient_of_bound, highest_bound, kl_to_posterior, least_divergence,
                                   log_of_expectation, log_of_integral, minus_gradient_of_kl, spread_of_average,
                                   variance_of_log_weight)

AT = np.array([-0.4, 0.3, 1.1])


def truths(evidence, elbo, entropy, several=None):
    """The rows that log evidence, bound, entropy of q and L_S are enough for, each of them a function."""
    rows = dict(log_evidence=lambda: evidence(), closed_form=lambda: elbo(),
                twice_the_bound_less_evidence=lambda: plus(2, elbo(), -1, evidence()),
                bound_less_entropies=lambda: plus(1, elbo(), -2, entropy()))
    if several:
        rows |= dict(two_exact=lambda: several(2), three_exact=lambda: several(3), exact_bound=lambda S: several(S),
                     exact_bound_and_log_s=lambda S: plus(1, several(S), 1, np.log(S)))
    return rows


def plus(a, one, b, other):
    """a one + b other, numbers or Estimates."""
    (u, error), (v, more) = (w if isinstance(w, Estimate) else (w, 0.) for w in (one, other))
    return Estimate(a * u + b * v, abs(a) * error + abs(b) * more)


# ---- a normal latent variable: everything is known in closed form

def one_normal(rng):
    """z ~ N(m, s^2), x | z ~ N(a z + c, t^2): posterior and evidence are normal, the log weight is a parabola."""
    m, s = rng.uniform(0.3, 0.6), rng.uniform(1.3, 1.6)
    a, c, t = rng.uniform(1.2, 1.5), rng.uniform(-0.5, -0.2), rng.uniform(0.7, 0.85)
    x, lam = rng.uniform(1.1, 1.4), np.array([rng.uniform(0.4, 0.6), rng.uniform(-0.95, -0.75)])
    prior, log_t = np.array([m, np.log(s)]), np.log(t)
    p = Model(lambda z, theta: normal.log_prob(z, theta[0]),
              lambda x, z, theta: normal.log_prob(x - theta[1][0] * z - theta[1][1], np.array([0., theta[1][2]])))
    precision = 1 / s**2 + a**2 / t**2
    mean = (m / s**2 + a * (x - c) / t**2) / precision
    mu, sd = lam[0], np.exp(lam[1])

    def log_weight_elsewhere(z, lam=lam):
        return (stats.norm.logpdf(z, m, s) + stats.norm.logpdf(x, a * z + c, t)
                - stats.norm.logpdf(z, lam[0], np.exp(lam[1])))

    def elbo():
        """E_q of each log density, term by term: E[(z - k)^2] = (mu - k)^2 + sd^2."""
        log_prior = -0.5 * ((mu - m)**2 + sd**2) / s**2 - np.log(s)
        log_likelihood = -0.5 * ((x - a * mu - c)**2 + a**2 * sd**2) / t**2 - np.log(t)
        return log_prior + log_likelihood - np.log(2 * np.pi) + 0.5 * np.log(2 * np.pi * np.e * sd**2)

    def variance_by_hand():
        """The log weight at mu + sd e is a constant plus b e + k e^2, and Var[b e + k e^2] = b^2 + 2 k^2."""
        b, k = sd * precision * (mean - mu), 0.5 * (1 - precision * sd**2)
        return b**2 + 2 * k**2

    def signal(S):
        """The path gradient in mu is the average of slopes of log p(x, z), weighed by importance."""
        z, w = hermite_draws(S, 40)
        z = mu + sd * z
        g = np.sum(special.softmax(log_weight_elsewhere(z), axis=0) * precision * (mean - z), axis=0)
        return abs(w @ g) / np.sqrt(w @ g**2 - (w @ g)**2)

    def several(S, lam=lam):
        return average_of_logs(lambda z: log_weight_elsewhere(z, lam), lam, S)

    def evidence():
        return stats.norm.logpdf(x, a * m + c, np.hypot(a * s, t))

    return truths(evidence, elbo, lambda: stats.norm.entropy(mu, sd), several) | dict(
        p=p, q=normal, lam=lam, x=x, theta=(prior, (a, c, log_t)), S=2, log_weight_elsewhere=log_weight_elsewhere,
        log_posterior=lambda z: stats.norm.logpdf(z, mean, precision**-0.5), variance_by_hand=variance_by_hand,
        at=AT, best_density=lambda: stats.norm.pdf(AT, mean, precision**-0.5),
        closed_slope=lambda: np.array([precision * (mean - mu), 1 - precision * sd**2]),
        slope_of_several=lambda S: by_differences(lambda lam: several(S, lam).value, lam),
        closed_signal=lambda: abs(mean - mu) / sd, two_by_hand=lambda: signal(2), three_by_hand=lambda: signal(3))


def stage_normal(rng):
    """Draws of q itself."""
    supplied = one_normal(rng)
    own = {name: value for name, value in supplied.items() if name not in ("slope_of_several", "closed_signal")}
    return own | dict(noise=noise(normal, own["lam"]))


def stage_standard_noise(rng):
    """For the gradient that goes through the draws: eps is standard, transport makes it z."""
    supplied = one_normal(rng)
    wanted = "p", "q", "lam", "x", "theta", "S", "slope_of_several", "closed_signal", "two_by_hand", "three_by_hand"
    return {name: supplied[name] for name in wanted} | dict(noise=noise(normal, np.zeros(2)))


def hermite_draws(S, order):
    """All combinations of S standard normal draws (S, n), on Gauss and Hermite's nodes, and their weights (n,)."""
    t, w = np.polynomial.hermite_e.hermegauss(order)
    draws, weights = (np.stack(np.meshgrid(*[v] * S, indexing="ij")).reshape(S, -1) for v in (t, w / w.sum()))
    return draws, np.prod(weights, axis=0)


def average_of_logs(log_weight, lam, S):
    """Mean of the log of the average of S weights under a normal q, at two orders."""
    def at(order):
        t, w = hermite_draws(S, order)
        return w @ special.logsumexp(log_weight(lam[0] + np.exp(lam[1]) * t), axis=0) - np.log(S)

    fine, coarse = at(40), at(32)
    return Estimate(fine, abs(fine - coarse))


# ---- the component of a mixture: every expectation is a sum of three terms

def stage_mixture(rng):
    """A mixture of three normals: z is the component."""
    prior, lam = rng.uniform(-0.6, 0.6, 3), np.array([0.9, -0.7, 0.4]) + rng.uniform(-0.2, 0.2, 3)
    mu, sd = np.array([-1.1, 0.4, 1.9]) + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.6, 0.9, 3)
    x = rng.uniform(0.5, 1.1)
    p = Model(lambda z, theta: categorical.log_prob(z, theta[0]),
              lambda x, z, theta: normal.log_prob(x, np.stack([theta[1][z], np.log(theta[2][z])], axis=-1)))
    pi, shares = (np.exp(v) / np.exp(v).sum() for v in (prior, lam))
    joint = pi * stats.norm.pdf(x, mu, sd)
    r = np.log(joint / shares)

    def several(S):
        """Every combination of S components in turn."""
        combinations = np.array(list(itertools.product(range(3), repeat=S)))
        return np.prod(shares[combinations], axis=1) @ np.log(np.mean(np.exp(r[combinations]), axis=1))

    def variance_by_hand():
        """Half of the mean squared difference of two draws: every pair in turn."""
        return 0.5 * sum(shares[i] * shares[j] * (r[i] - r[j])**2 for i in range(3) for j in range(3))

    def elbo():
        return sum(shares[k] * r[k] for k in range(3))

    return truths(lambda: np.log(joint.sum()), elbo, lambda: stats.entropy(shares), several) | dict(
        p=p, q=categorical, lam=lam, x=x, theta=(prior, mu, sd), S=2, noise=noise(categorical, lam),
        log_posterior=lambda z: np.log(joint / joint.sum())[z], log_weight_elsewhere=lambda z: r[z],
        variance_by_hand=variance_by_hand, at=np.arange(3), best_density=lambda: joint / joint.sum(),
        closed_slope=lambda: shares * (r - shares @ r))


# ---- two weights of a regression: the posterior is correlated, q is not

def stage_regression(rng):
    """Linear regression, the model of the code task."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.4, 0.4, 5)
    lam = np.array([0.2, 1.0, -0.9, -0.7]) + rng.uniform(-0.1, 0.1, 4)
    precision = np.eye(2) / theta.prior_sd**2 + y.T @ y / theta.noise_sd**2
    covariance = np.linalg.inv(precision)
    mean, mu, sd = covariance @ y.T @ x / theta.noise_sd**2, lam[:2], np.exp(lam[2:])
    at = np.array([[0.2, 0.4], [1.1, 0.3]])

    def elbo():
        """Term by term: E|v - y z|^2 = |v - y mu|^2 + sum_d |y_d|^2 sd_d^2."""
        squares = np.sum((x - y @ mu)**2) + np.sum(y**2 @ sd**2)
        fit = -0.5 * squares / theta.noise_sd**2 - 5 * np.log(theta.noise_sd * np.sqrt(2 * np.pi))
        known = -0.5 * (mu @ mu + sd @ sd) / theta.prior_sd**2 - 2 * np.log(theta.prior_sd * np.sqrt(2 * np.pi))
        return fit + known + 0.5 * np.sum(np.log(2 * np.pi * np.e * sd**2))

    def variance_by_hand():
        """The log weight at mu + sd e is a constant plus b.e + e.K e, and Var[b.e + e.K e] = |b|^2 + 2 tr K^2."""
        b = sd * (precision @ (mean - mu))
        K = 0.5 * (np.eye(2) - np.outer(sd, sd) * precision)
        return b @ b + 2 * np.trace(K @ K)

    def evidence():
        spread = theta.prior_sd**2 * y @ y.T + theta.noise_sd**2 * np.eye(5)
        return stats.multivariate_normal.logpdf(x, np.zeros(5), spread)

    return truths(evidence, elbo, lambda: stats.norm.entropy(mu, sd).sum()) | dict(
        p=linear_gaussian, q=diagonal_normal, lam=lam, x=x, theta=theta, S=2, noise=noise(diagonal_normal, lam),
        log_posterior=lambda z: stats.multivariate_normal.logpdf(z, mean, covariance),
        variance_by_hand=variance_by_hand,
        closed_slope=lambda: np.concatenate([precision @ (mean - mu), 1 - np.diag(precision) * sd**2]),
        at=at, best_density=lambda: np.prod(stats.norm.pdf(at, mean, np.diag(precision)**-0.5), axis=1))


# ---- a normal latent variable behind labels: no posterior in closed form

def stage_logistic(rng):
    """z ~ N(m, s^2), three labels x_i ~ Bernoulli(sigmoid(a_i z + c)): every truth by SciPy's quadrature."""
    m, s, c = rng.uniform(0.3, 0.6), rng.uniform(1.3, 1.6), rng.uniform(-0.5, -0.2)
    a, x = rng.uniform(1.2, 1.9, 3), np.array([1., 0, 1])
    lam = np.array([rng.uniform(-0.4, -0.1), rng.uniform(-0.6, -0.4)])
    sign, theta = 2 * x - 1, (np.array([m, np.log(s)]), a, c)

    def log_likelihood(x, z, theta):
        logits = theta[1] * z[..., None] + theta[2]
        return -anp.sum(anp.log1p(anp.exp(-(2 * x - 1) * logits)), axis=-1)

    p = Model(lambda z, theta: normal.log_prob(z, theta[0]), log_likelihood)

    def logits(z):
        return a * np.asarray(z)[..., None] + c

    def log_joint(z):
        return stats.norm.logpdf(z, m, s) + stats.logistic.logcdf(sign * logits(z)).sum(axis=-1)

    def slope(z):
        return (m - z) / s**2 + np.sum(sign * a * special.expit(-sign * logits(z)), axis=-1)

    def curvature(z):
        return -1 / s**2 - np.sum(a**2 * special.expit(logits(z)) * special.expit(-logits(z)), axis=-1)

    def stationary(lam):
        """The gradient of the bound in (mu, log sd): both are means of derivatives of the log joint (Bonnet, Price)."""
        mu, sd = lam[0], np.exp(lam[1])
        return np.array([under_normal(slope, mu, sd).value, under_normal(curvature, mu, sd).value * sd**2 + 1])

    def log_weight_elsewhere(z):
        return log_joint(z) - stats.norm.logpdf(z, lam[0], np.exp(lam[1]))

    def elbo():
        return under_normal(log_weight_elsewhere, lam[0], np.exp(lam[1]))

    def variance_by_hand():
        middle = elbo().value
        return under_normal(lambda z: (log_weight_elsewhere(z) - middle)**2, lam[0], np.exp(lam[1]))

    def best_density():
        mu, log_sd = optimize.root(stationary, lam, tol=1e-12).x
        return stats.norm.pdf(AT, mu, np.exp(log_sd))

    evidence, error = integrate.quad(lambda z: np.exp(log_joint(z)), m - 9 * s, m + 9 * s, epsabs=1e-14, epsrel=1e-12)

    def several(S):
        return average_of_logs(log_weight_elsewhere, lam, S)

    def log_evidence():
        return Estimate(np.log(evidence), error / evidence)

    return truths(log_evidence, elbo, lambda: stats.norm.entropy(lam[0], np.exp(lam[1])), several) | dict(
        p=p, q=normal, lam=lam, x=x, theta=theta, S=2, noise=noise(normal, lam),
        log_posterior=lambda z: log_joint(z) - np.log(evidence), log_weight_elsewhere=log_weight_elsewhere,
        variance_by_hand=variance_by_hand, closed_slope=lambda: stationary(lam), at=AT, best_density=best_density)


# ---- slips

def elbo_minus_kl(p, q, lam, x, theta, log_posterior):
    """A slip: the divergence taken from the bound instead of added to it."""
    return expectation_of_log(p, q, lam, x, theta) - kl_to_posterior(q, lam, log_posterior)


def energy_minus_entropy(p, q, lam, x, theta):
    """The published slip: the entropy subtracted."""
    z, w = q.nodes(lam)
    log_q = q.log_prob(z, lam)
    return np.sum(w * np.exp(log_q) * (p.log_joint(z, x, theta) + log_q))


def expected_log_sum(S, p, q, lam, x, theta):
    """A slip: log S forgotten, by the joint rule of S draws."""
    z, w = noise(q, lam).rule(S, order=50)
    return w @ special.logsumexp(p.log_joint(z, x, theta) - q.log_prob(z, lam), axis=-1)


def log_sum_of_weights(eps, p, q, lam, x, theta):
    return special.logsumexp(p.log_joint(eps, x, theta) - q.log_prob(eps, lam), axis=-1)


def by_other_densities(eps, log_weight_elsewhere):
    """The estimate from SciPy's densities, draw by draw."""
    return np.log(np.mean(np.exp(log_weight_elsewhere(eps)), axis=-1))
