"""Companion of dropout.md: its stages, its referees and its slips."""
import itertools

import numpy as np
from referees import bell, by_differences, few_nodes, grid, under_normal
from scipy import integrate, optimize, stats
from scipy.special import expit

from refvi import Estimate, Noise, noise, normal, normal_lam
from refvi.base import models
from refvi.bayes.dropout.divergence import (divergence_from_log_uniform, divergence_of_mixture,     # noqa: F401
                                            draws_less_divergence, errors_of_formulas, log_prior_on_window,
                                            mean_log_square, objective_less_divergence, slope_in_log_alpha,
                                            slope_of_bound, slope_of_divergence, standard_errors, weight_decay)
from refvi.bayes.dropout.rows import (alpha_of, average_log_density, average_of_draws,              # noqa: F401
                                      covariance_of_draws, covariance_of_outputs, density_moves, dropout_gradient,
                                      expected_log_likelihood, gradient_of_ridge, log_of_average_density,
                                      log_of_average_likelihood, mean_and_variance, mean_and_variance_of_target,
                                      moments_of_passes, moments_of_products, noise_times_slope, noisy_slopes,
                                      product_of_densities, ridge_form, ridge_solution, risk_of_ridge, thinned,
                                      weight_moves)
from refvi.bayes.dropout.sparse import (local_draws, sparse_gradient, variance_of_additive,         # noqa: F401
                                        variance_of_local, variance_of_multiplicative, variance_of_objective)


# ---- a regression whose weights are multiplied by noise, of masks or normal

def data(rng):
    """Five data with three inputs, none of them near its prediction; noise and prior with deviations of their own."""
    y = np.array([[1.2, -0.7, 0.4], [0.3, 1.1, -0.8], [-0.9, 0.5, 1.3], [0.7, 0.6, -0.4], [1.5, -0.2, 0.9]])
    w = np.array([0.6, -0.8, 1.4]) + rng.uniform(-0.1, 0.1, 3)
    y = y + rng.uniform(-0.1, 0.1, (5, 3))
    return dict(w=w, y=y, x=y @ w + np.array([0.5, -0.3, 0.4, -0.6, 0.2]), noise_sd=rng.uniform(0.6, 0.8),
                h=np.array([0.8, 1.3, 0.5]) + rng.uniform(-0.1, 0.1, 3),
                W=np.array([[0.9, 0.6], [0.5, 1.2], [-1.4, -0.7]]) + rng.uniform(-0.1, 0.1, (3, 2)))


def stage_masks(rng):
    """Masks over keep; points and masses are all eight of them."""
    keep = rng.uniform(0.7, 0.85)

    def rule(S, order):
        eps = np.array(list(itertools.product((0., 1 / keep), repeat=3 * S)))
        return eps.reshape(-1, S, 3), np.prod(stats.bernoulli.pmf(eps > 0, keep), axis=1)

    points, masses = rule(1, 0)
    return data(rng) | dict(keep=keep, alpha=alpha_of(keep), points=points[:, 0], masses=masses, S=2,
                            width=rng.uniform(1.3, 1.6),
                            noise=Noise(lambda rng, R, S: (rng.random((R, S, 3)) < keep) / keep, rule))


def normal_noise(rng, alpha):
    """Normal noise; points and masses integrate polynomials of up to fifth degree in each weight's noise."""
    sd, standard = np.sqrt(alpha), few_nodes(3)
    points, masses = grid(np.ones(3), alpha * np.eye(3))

    def rule(S, order):
        found = standard.rule(S, order)
        return found and (1 + sd * found[0], found[1])

    return data(rng) | dict(alpha=alpha, points=points, masses=masses, S=2,
                            noise=Noise(lambda rng, R, S: 1 + sd * rng.standard_normal((R, S, 3)), rule))


def stage_normal(rng):
    """Noise of about two thirds of a weight, and a point at which densities are compared."""
    return normal_noise(rng, rng.uniform(0.3, 0.5)) | dict(w_hat=np.array([0.9, -0.4, 1.7]) + rng.uniform(-0.1, 0.1, 3))


def over_points(g, points, masses):
    """The sum of g(eps) over the points of the noise, one after the other."""
    return sum(mass * g(eps) for eps, mass in zip(points, masses))


def log_likelihood(w_hat, x, y, noise_sd):
    """By SciPy's normal."""
    return np.sum(stats.norm.logpdf(x, np.dot(y, w_hat), noise_sd))


def moments_over_points(w, points, masses):
    """Mean, and mean square less squared mean."""
    mean, square = (over_points(lambda eps: (w * eps)**power, points, masses) for power in (1, 2))
    return np.array([mean, square - mean**2])


def kept_or_zero(w, keep):
    """Mean and variance of a weight that is w with probability keep, else zero, by SciPy."""
    return np.array([w * stats.bernoulli.mean(keep), w**2 * stats.bernoulli.var(keep)])


def masks_undivided(w, keep):
    """Mean and variance of masks that are not divided by anything."""
    return np.array([keep * w, keep * (1 - keep) * w**2])


def alpha_read_as_a_variance(w, keep):
    """A slip: the line above on the slide, where alpha is a variance and the mean of the noise is one."""
    return np.array([w, keep * w**2])


def normal_of_that_alpha(w, keep):
    return np.array([stats.norm.stats(value, np.sqrt(keep) * abs(value), moments="mv") for value in w]).T


def multivariate_normal(w_hat, w, alpha):
    return stats.multivariate_normal.logpdf(w_hat, w, np.diag(alpha * w**2))


def outputs_over_points(h, W, points, masses):
    """By NumPy's covariance."""
    return np.cov((points * h) @ W, rowvar=False, aweights=masses, bias=True)


def a_noise_for_every_weight(h, W, alpha):
    """A slip: every weight with noise of its own, which leaves nothing in common to two outputs."""
    return alpha * np.diag(h**2 @ W**2)


def every_weight_over_signs(h, W, alpha):
    """By all signs, which have the variance of what the noise adds to one."""
    outs = [h @ (W * np.reshape(signs, W.shape)) for signs in itertools.product((-1, 1), repeat=W.size)]
    return alpha * np.cov(outs, rowvar=False, bias=True)


def slopes_by_differences(points, w, x, y, noise_sd):
    """The gradient in w of the log-likelihood at w eps, by differences, at every point of the noise."""
    found = [by_differences(lambda at: log_likelihood(at * eps, x, y, noise_sd), w) for eps in points]
    return Estimate(*(np.stack(parts) for parts in zip(*found)))


def objective_over_points(w, x, y, noise_sd, points, masses):
    return over_points(lambda eps: log_likelihood(w * eps, x, y, noise_sd), points, masses)


def gradient_of_the_average(w, x, y, noise_sd, points, masses):
    return by_differences(lambda at: objective_over_points(at, x, y, noise_sd, points, masses), w)


def without_the_factor(w, x, y, noise_sd, points, masses):
    """A slip: the slope at the noisy weight, as it stands."""
    return over_points(lambda eps: y.T @ (x - y @ (w * eps)), points, masses) / noise_sd**2


def slope_without_dropout(w, x, y, noise_sd):
    return by_differences(lambda at: log_likelihood(at, x, y, noise_sd), w)


def least_squares_over_noise(x, y, points, masses):
    """All noisy copies of the data at once, each counted with its probability."""
    rows = np.concatenate([np.sqrt(mass) * y * eps for eps, mass in zip(points, masses)])
    return np.linalg.lstsq(rows, np.concatenate([np.sqrt(mass) * x for mass in masses]), rcond=None)[0]


def stage_few(rng):
    """Few data with much noise."""
    found = data(rng)
    return dict(true_w=found["w"], y=found["y"], noise_sd=rng.uniform(1.4, 1.6), alpha=rng.uniform(0.2, 0.3))


def risk(true_w, y, noise_sd, alpha):
    """Fits the ridge to data with three values of noise each, all 243 of them, as further data of zero."""
    points, masses = grid(y @ true_w, noise_sd**2 * np.eye(len(y)))
    rows = np.concatenate([y, np.sqrt(alpha) * np.diag(np.linalg.norm(y, axis=0))])
    sides = np.concatenate([points.T, np.zeros((y.shape[1], len(points)))])
    fitted = np.linalg.lstsq(rows, sides, rcond=None)[0]
    return masses @ np.mean((y @ fitted - (y @ true_w)[:, None])**2, axis=0)


def risk_over_data(true_w, y, noise_sd, alpha):
    return risk(true_w, y, noise_sd, alpha)


def risk_of_least_squares(y, noise_sd):
    """As many parts of the noise's variance as there are weights."""
    return noise_sd**2 * y.shape[1] / len(y)


def least_squares_over_data(true_w, y, noise_sd):
    return risk(true_w, y, noise_sd, 0.)


# ---- the task

def stage_logistic(rng):
    """One weight of a logistic model, four inputs, and their outcomes as signs."""
    w, alpha = rng.uniform(0.7, 0.9), rng.uniform(0.3, 0.5)
    signed = np.array([1.4, 0.6, -0.4, 2.1]) + rng.uniform(-0.1, 0.1, 4)

    def f(z):
        return -sum(_softplus(-t * z) for t in signed)

    return dict(w=w, alpha=alpha, f=f, signed=signed, S=2, noise=noise(normal, normal_lam(1., sd=np.sqrt(alpha))))


def _softplus(a):
    import autograd.numpy as anp
    return anp.logaddexp(0., a)


def integral_by_scipy(w, alpha, signed):
    """Its gradient in w by differences of SciPy's quadrature."""
    def integral(at):
        sd = np.sqrt(alpha) * abs(at[0])
        return under_normal(lambda z: np.sum(np.log(expit(signed * z))), at[0], sd).value

    return slope_of(integral, w)


# ---- as a bound

def mask_by_mask(w, x, y, noise_sd, points, masses):
    """Likelihoods themselves, averaged."""
    return np.log(over_points(lambda eps: np.exp(log_likelihood(w * eps, x, y, noise_sd)), points, masses))


def stage_prior(rng):
    """A prior narrow enough that it tells on every weight, and so little noise that q is far from it."""
    found = normal_noise(rng, rng.uniform(0.1, 0.15))
    y, x = found["y"], found["x"]
    theta = models.regression(y, prior_sd=rng.uniform(0.6, 0.7), noise_sd=found["noise_sd"])
    kept = {name: found[name] for name in ("alpha", "x", "S", "noise")}
    return kept | dict(theta=theta, w=models.posterior(x, theta)[0] + [0.05, 0.04, -0.06],
                       nodes=(found["points"], found["masses"]))


def evidence_less_divergence(w, alpha, x, theta):
    """log p(x) less the divergence of q from the posterior, by linear algebra."""
    precision = theta.y.T @ theta.y / theta.noise_sd**2 + np.eye(w.size) / theta.prior_sd**2
    off = w - np.linalg.solve(precision, theta.y.T @ x) / theta.noise_sd**2
    trace = np.trace(precision @ np.diag(alpha * w**2))
    logs = np.linalg.slogdet(precision)[1] + np.sum(np.log(alpha * w**2))
    return models.log_evidence(x, theta) - 0.5 * (trace + off @ precision @ off - w.size - logs)


def log_evidence(x, theta):
    return models.log_evidence(x, theta)


def multivariate_evidence(x, theta):
    covariance = theta.noise_sd**2 * np.eye(len(x)) + theta.prior_sd**2 * theta.y @ theta.y.T
    return stats.multivariate_normal.logpdf(x, np.zeros(len(x)), covariance)


def objective_alone(w, alpha, x, theta):
    return ridge_form(w, alpha, x, theta.y, theta.noise_sd)


def objective_over_nodes(w, x, theta, nodes):
    return over_points(lambda eps: log_likelihood(w * eps, x, theta.y, theta.noise_sd), *nodes)


# ---- the divergence

def stage_weights(rng):
    """Three positive weights, away from zero and one; an alpha for all, and three that differ, one of them small."""
    return dict(w=np.array([0.3, 1.7, 2.6]) + rng.uniform(-0.05, 0.05, 3), alpha=rng.uniform(0.45, 0.6),
                alphas=np.exp(np.array([-5., -0.6, 1.1]) + rng.uniform(-0.2, 0.2, 3)),
                prior_sd=rng.uniform(1.2, 1.4), low=rng.uniform(0.01, 0.02), high=rng.uniform(50, 60),
                w_hat=np.array([-0.2, 1.1, 7.]) + rng.uniform(-0.05, 0.05, 3))


def slope_of(g, at):
    """The derivative of g, a function of (1,), at a number."""
    found = by_differences(g, np.array([at]))
    return Estimate(found.value[0], found.error[0])


def each(g, *arrays):
    """g at every entry, stacked: an Estimate."""
    found = [g(*entries) for entries in zip(*np.broadcast_arrays(*arrays))]
    return Estimate(*(np.array(parts) for parts in zip(*found)))


def mean_log(mean, sd):
    """E log|z| of z ~ N(mean, sd^2), by SciPy over |z|."""
    return Estimate(*integrate.quad(lambda z: np.log(z) * (np.exp(bell(z, mean, sd)) + np.exp(bell(-z, mean, sd))),
                                    0, np.inf, epsabs=1e-13, epsrel=1e-12, limit=400))


def log_uniform_divergence(mean, sd):
    """Minus the entropy of N(mean, sd^2), plus E log|w_hat|."""
    found = mean_log(mean, sd)
    return Estimate(found.value - stats.norm.entropy(scale=sd), found.error)


def normal_divergence(mean, sd, prior_sd):
    """E log q - log p under q, a quadratic, over its nodes."""
    points, masses = grid(np.array([mean]), np.array([[sd**2]]))
    return masses @ (stats.norm.logpdf(points[:, 0], mean, sd) - stats.norm.logpdf(points[:, 0], 0, prior_sd))


def slopes(divergence, w, alpha):
    """(2, D): in every weight, and in log alpha, of a function of its mean and its deviation."""
    found = [by_differences(lambda at: divergence(at[0], np.exp(at[1] / 2) * at[0]), np.array([value, np.log(alpha)]))
             for value in w]
    return Estimate(*(np.stack(parts, axis=1) for parts in zip(*found)))


def slope_over_nodes(w, alpha, prior_sd):
    return slopes(lambda mean, sd: normal_divergence(mean, sd, prior_sd), w, alpha)


def depends_on_alpha_only(w, alpha):
    """A slip under this prior: the divergence moves with alpha, and with nothing else."""
    return np.stack([np.zeros(len(w)), np.full(len(w), slope_in_log_alpha(alpha))])


def slope_under_log_uniform(w, alpha):
    return slopes(lambda mean, sd: log_uniform_divergence(mean, sd).value, w, alpha)


def loguniform_of_scipy(w_hat, low, high):
    """Either sign with probability one half."""
    return np.sum(stats.loguniform.logpdf(np.abs(w_hat), low, high) + np.log(0.5))


def divergence_by_quadrature(w, alphas):
    return each(lambda w, alpha: log_uniform_divergence(w, np.sqrt(alpha) * w), w, alphas)


def with_alpha_w(w, alphas):
    """A slip: N(w, alpha w), which is N(w, alpha' w^2) with alpha' = alpha / w."""
    return 0.5 * (mean_log_square(alphas / w) - np.log(np.pi) - 1)


def alpha_w_by_quadrature(w, alphas):
    return each(lambda w, alpha: log_uniform_divergence(w, np.sqrt(alpha * w)), w, alphas)


def difference_in_log_alpha(alphas):
    def slope(alpha):
        return slope_of(lambda t: log_uniform_divergence(1., np.exp(t[0] / 2)).value, np.log(alpha))

    return each(slope, alphas)


def formulas_against_quadrature(alphas):
    """Both formulas written out, against SciPy's quadrature."""
    exact, error = each(lambda alpha: log_uniform_divergence(1., np.sqrt(alpha)), alphas)
    one, _ = log_uniform_divergence(1., 1.)
    kingma = np.polynomial.Polynomial([-1.16145124, 1.50204118, -0.58629921])
    of_cubic = alphas * kingma(alphas) - np.log(np.sqrt(alphas)) - kingma(1.) + one
    logistic = stats.logistic.sf(1.87320 + 1.48695 * np.log(alphas))
    limit = -0.5 * (np.euler_gamma + np.log(2)) - stats.norm.entropy()      # of log|eps| where eps has no mean
    return Estimate(np.stack([of_cubic, 0.63576 * logistic - 0.5 * np.log(alphas / (1 + alphas)) + limit]) - exact,
                    np.stack([error, error]))



# ---- alpha is learned

def slope_by_differences(w, alpha, x, y, noise_sd):
    """In log alpha, by differences: the objective over nodes of normal noise, less SciPy's divergence."""
    def bound(t):
        nodes = grid(np.ones(len(w)), np.exp(t[0]) * np.eye(len(w)))
        divergence = log_uniform_divergence(1., np.exp(t[0] / 2)).value
        return objective_over_points(w, x, y, noise_sd, *nodes) - len(w) * divergence

    return slope_of(bound, np.log(alpha))


def slope_of_objective(w, alpha, y, noise_sd):
    """Without the divergence alpha can only fall."""
    return -alpha * np.linalg.norm(y * w)**2 / (2 * noise_sd**2)


def objective_by_differences(w, alpha, x, y, noise_sd):
    def objective(t):
        return objective_over_points(w, x, y, noise_sd, *grid(np.ones(len(w)), np.exp(t[0]) * np.eye(len(w))))

    return slope_of(objective, np.log(alpha))


def stage_local(rng):
    """Two data alike, three weights with deviations of their own."""
    w = np.array([0.6, -0.9, 1.4]) + rng.uniform(-0.1, 0.1, 3)
    y = np.array([[1.2, -0.7, 0.4], [0.9, -1.1, 0.8]]) + rng.uniform(-0.1, 0.1, (2, 3))
    log_variance = np.array([-0.6, -0.3, 0.6]) + rng.uniform(-0.2, 0.2, 3)       # no alpha below one half
    return dict(w=w, y=y, x=y @ w - np.array([0.5, 0.9]), noise_sd=rng.uniform(0.6, 0.8), log_variance=log_variance,
                nodes=grid(w, np.diag(np.exp(log_variance))), S=2, noise=few_nodes(2))


def objective_over_weights(x, y, noise_sd, nodes):
    return over_points(lambda w_hat: log_likelihood(w_hat, x, y, noise_sd), *nodes)


def expected_objective(w, log_variance, x, y, noise_sd):
    return expected_log_likelihood(w, np.exp(log_variance), x, y, noise_sd)


def spread(x, y, noise_sd, nodes):
    """Variance of the log-likelihood over weights, from its values."""
    points, masses = nodes
    return np.cov(np.sum(stats.norm.logpdf(x, points @ y.T, noise_sd), axis=1), aweights=masses, bias=True)


def spread_over_weights(x, y, noise_sd, nodes):
    return spread(x, y, noise_sd, nodes)


def spread_of_single_data(x, y, noise_sd, nodes):
    """Each datum alone, and the variances added."""
    return sum(spread(target, row[None], noise_sd, nodes) for target, row in zip(x, y))


def spread_of_slopes(slopes, masses):
    return np.diag(np.cov(slopes, rowvar=False, aweights=masses, bias=True))


def additive_over_weights(y, noise_sd, nodes):
    """Of the gradient at w_hat, from its values but for a constant."""
    points, masses = nodes
    return spread_of_slopes(points @ (y.T @ y) / noise_sd**2, masses)


def multiplicative_over_weights(w, x, y, noise_sd, nodes):
    """Of the gradient in w where w_hat = w eps, by differences of what w does to every node."""
    points, masses = nodes
    found = by_differences(lambda at: np.sum(stats.norm.logpdf(x, (points / w * at) @ y.T, noise_sd), axis=1), w)
    return spread_of_slopes(found.value, masses)


def sparse_by_differences(w, log_variance, x, y, noise_sd):
    """The objective over nodes less SciPy's divergences, in w and log s^2."""
    def bound(lam):
        mean, variance = lam[:3], np.exp(lam[3:])
        fit = over_points(lambda w_hat: log_likelihood(w_hat, x, y, noise_sd), *grid(mean, np.diag(variance)))
        return fit - sum(log_uniform_divergence(m, np.sqrt(v)).value for m, v in zip(mean, variance))

    found = by_differences(bound, np.concatenate([w, log_variance]))
    return Estimate(*(part.reshape(2, 3) for part in found))


def given_alphas(alphas):
    return alphas


def best_alphas(alphas):
    """Where the bound of a single weight is highest if its estimate lies standard_errors(alpha) from zero, in units of
    the error: at every alpha the best w is found by SciPy.
    """
    def slope(alpha, t):
        def bound(s):
            best = optimize.minimize_scalar(lambda w: (t - w)**2 + np.exp(s[0]) * w**2, tol=1e-12).fun
            return -0.5 * best - log_uniform_divergence(1., np.exp(s[0] / 2)).value

        return by_differences(bound, np.log([alpha])).value[0]

    return np.array([optimize.brentq(slope, alpha / 2, 2 * alpha, args=(t,), xtol=1e-12)
                     for alpha, t in zip(alphas, standard_errors(alphas))])


# ---- masks

def stage_mixture(rng):
    """A weight that is forty deviations from zero."""
    return dict(keep=rng.uniform(0.6, 0.8), m=rng.uniform(0.7, 0.9), sd=0.02, prior_sd=rng.uniform(1.2, 1.5))


def mixture_by_quadrature(keep, m, sd, prior_sd):
    """E log q - log p under the mixture, by SciPy, one part after the other."""
    def log_ratio(z):
        parts = np.logaddexp(np.log(keep) + bell(z, m, sd), np.log1p(-keep) + bell(z, 0., sd))
        return parts - bell(z, 0., prior_sd)

    on, off = under_normal(log_ratio, m, sd), under_normal(log_ratio, 0., sd)
    return keep * on.value + (1 - keep) * off.value


def penalized_by_differences(w, keep, x, y, noise_sd, width, points, masses):
    """Gradient of the objective less keep |w|^2 / (2 width^2)."""
    return by_differences(lambda at: objective_over_points(at, x, y, noise_sd, points, masses)
                          + keep * np.sum(stats.norm.logpdf(at, 0, width)), w)


def decayed_gradient(w, keep, x, y, noise_sd, width, points, masses):
    """Minus N over the noise's variance, times the gradient of half the mean squared error plus weight decay."""
    N = len(x)
    error = masses @ (points * ((points * w @ y.T - x) @ y)) / N
    return -N / noise_sd**2 * (error + 2 * weight_decay(keep, N, noise_sd, width) * w)


# ---- what many masks predict

def stage_network(rng):
    """Two inputs, three hidden layers of two, one and two rectified units, one output; two data."""
    theta = np.array([0.9, 0.7, 0.8, -0.6, 0.3, 0.4, 0.8, 0.5, 0.2, 0.9, -0.7, 0.1, 0.6, 1.3, -0.9, 0.15])
    keep = rng.uniform(0.6, 0.75)

    def rule(S, order):
        eps = np.array(list(itertools.product((0., 1.), repeat=5 * S)))
        return eps.reshape(-1, S, 5), np.prod(stats.bernoulli.pmf(eps, keep), axis=1)

    return dict(theta=theta + rng.uniform(-0.05, 0.05, len(theta)), keep=keep, sizes=(2, 2, 1, 2, 1), S=2,
                y=np.array([[0.8, 0.6], [1.5, -0.4]]) + rng.uniform(-0.1, 0.1, (2, 2)),
                x=np.array([0.9, -0.3]), noise_sd=rng.uniform(0.4, 0.6),
                noise=Noise(lambda rng, R, S: (rng.random((R, S, 5)) < keep).astype(float), rule))


def through_units(theta, datum, factors):
    """The network written out, its five hidden units multiplied by these factors."""
    first = factors[:2] * np.maximum(datum @ theta[:4].reshape(2, 2) + theta[4:6], 0)
    second = factors[2] * np.maximum(first @ theta[6:8] + theta[8], 0)
    third = factors[3:] * np.maximum(second * theta[9:11] + theta[11:13], 0)
    return third @ theta[13:15] + theta[15]


def one_by_one(g, theta, y, keep):
    """The sum of g(output of a datum) over all masks, each counted with its probability. (N, ...)"""
    total = 0.
    for kept in itertools.product((False, True), repeat=5):
        chance = keep**sum(kept) * (1 - keep)**(5 - sum(kept))
        factors = np.array(kept) / keep
        total = total + chance * np.array([g(through_units(theta, datum, factors), n)
                                           for n, datum in enumerate(y)])
    return total


def passes_one_by_one(theta, y, keep, noise_sd):
    """The noise is part of the mean square."""
    mean, square = (one_by_one(lambda f, n: stats.norm.moment(power, f, noise_sd), theta, y, keep) for power in (1, 2))
    return np.array([mean, square - mean**2])


def units_as_they_stand(theta, y, noise_sd):
    """A slip: one pass with all units, and only the noise for a variance."""
    return np.array([[through_units(theta, datum, np.ones(5)) for datum in y], np.full(len(y), noise_sd**2)])


def one_pass(theta, y, sizes, noise_sd):
    """By refvi's networks, without a mask."""
    return np.array([thinned(np.ones(5), theta, y, 1., sizes), np.full(len(y), stats.norm.var(scale=noise_sd))])


def densities_one_by_one(x, theta, y, keep, noise_sd):
    return np.log(one_by_one(lambda f, n: stats.norm.pdf(x[n], f, noise_sd), theta, y, keep))


def logs_one_by_one(x, theta, y, keep, noise_sd):
    return one_by_one(lambda f, n: stats.norm.logpdf(x[n], f, noise_sd), theta, y, keep)
