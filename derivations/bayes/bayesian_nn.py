"""Companion of bayesian_nn.md: its stages, its referees and its slips."""
import itertools

import numpy as np
from referees import bell, by_differences, few_nodes
from scipy import optimize, special, stats

from refvi import Estimate, Noise, full_normal_lam, noise, normal
from refvi.base import models
from refvi.base.core import settled
from refvi.bayes.bayesian_nn import rows
from refvi.bayes.bayesian_nn.grid import (density_mirrored, elbo_of_one_normal, elbo_of_two_normals,     # noqa: F401
                                          evidence_given_first_layer, evidence_on_grid, moments_given_first_layer,
                                          moments_over_grid, nats_of_the_network, on_grid, posterior_density)
from refvi.bayes.bayesian_nn.model import bayesian_network, forward, log_likelihood     # noqa: F401
from refvi.bayes.bayesian_nn.rows import (density_over_draws, exponential_form, gradient_backward,      # noqa: F401
                                          joint_gradient, likelihood_at_map, likelihood_at_mle, map_by_ascent,
                                          minibatch_gradient, moments_of_outcomes, moments_over_draws,
                                          nats_of_the_line, noise_plus_spread, observed_less_mean,
                                          observed_less_slope, ridge, share_of_wider_prior, spread_given_copies,
                                          spread_of_mean)
from refvi.likelihood import heads
from refvi.likelihood.networks import Activation

N = 5       # data below the networks with several outputs


# ---- layers

def stage_layers(rng):
    """A 2-3-2 network, and one whose units pass on what they get; positive sums, so that none of them cancel."""
    net, w = bayesian_network(2, (3,), 2, prior_sd=1.3), rng.uniform(0.6, 1.4, 17)
    w[6:9] *= -0.5
    identity = Activation(lambda a: a, np.ones_like)
    return dict(net=net, flat=net._replace(g=identity), w=w, y=rng.uniform(0.8, 1.6, (4, 2)))


def signed(rng, size):
    """Numbers about one in size, whose signs are chance."""
    return rng.uniform(0.6, 1.4, size) * rng.choice([-1, 1], size)


def one_matrix(w, y):
    """Both layers of the 2-3-2 network multiplied out."""
    W, b, V, c = w[:6].reshape(2, 3), w[6:9], w[9:15].reshape(3, 2), w[15:]
    return y @ (W @ V) + (b @ V + c)


def layers_without_g(w, y, flat):
    return forward(w, y, flat)[-1]


def layers_with_g(w, y, net):
    return forward(w, y, net)[-1]


def unit_by_unit(w, y):
    """The 2-3-2 network, one unit after the other."""
    found = []
    for a, b in y:
        units = [np.tanh(a * w[j] + b * w[3 + j] + w[6 + j]) for j in range(3)]
        found.append([sum(h * w[9 + 2 * j + k] for j, h in enumerate(units)) + w[15 + k] for k in range(2)])
    return np.array(found)


# ---- four kinds of outputs below a network 2-3-K

def two_layers(w, y, K):
    """Outputs (N, K) of a 2-3-K network with biases."""
    inner = np.tanh(y @ w[:6].reshape(2, 3) + w[6:9])
    return inner @ w[9:9 + 3 * K].reshape(3, K) + w[9 + 3 * K:]


def setting(rng, K, observed, family, draw, density, natural=lambda a: a, **more):
    """density(x, eta): SciPy's log densities of the data, eta = natural(outputs) being their natural parameters."""
    net = bayesian_network(2, (3,), K, prior_sd=1.3, observed=observed, **more)
    w, y = signed(rng, net.P), rng.normal(size=(N, 2))
    eta = natural(two_layers(w, y, K))
    x = draw(eta)

    def log_density(w):
        return np.sum(density(x, natural(two_layers(w, y, K))))

    def slope_by_differences():
        found = by_differences(lambda free: np.sum(density(x, free.reshape(N, K))), eta.ravel())
        return Estimate(*(part.reshape(N, K) for part in found))

    return dict(net=net, family=family, w=w, x=x, y=y, eta=eta, log_density_by_scipy=lambda: log_density(w),
                slope_by_differences=slope_by_differences,
                gradient_by_differences=lambda: by_differences(log_density, w),
                joint_by_differences=lambda: by_differences(
                    lambda w: log_density(w) + np.sum(stats.norm.logpdf(w, 0, 1.3)), w))


def stage_normal(rng):
    """Two numbers of precision beta for each datum; minibatches of two out of five."""
    beta = rng.uniform(2.2, 3.4)
    return dict(S=2, noise=minibatches(N), **setting(
        rng, 2, None, rows.normal_of(beta), lambda eta: eta / beta + rng.normal(size=eta.shape) * beta**-0.5,
        lambda x, eta: stats.norm.logpdf(x, eta / beta, beta**-0.5), lambda a: beta * a, beta=beta))


def stage_without_biases(rng):
    """One number for each datum, in a row instead of a column, below a 2-3-1 network without biases."""
    beta = rng.uniform(2.2, 3.4)
    net = bayesian_network(2, (3,), prior_sd=1.3, beta=beta, biases=False)
    w, y = signed(rng, 9), rng.normal(size=(N, 2))

    def outputs(w):
        return np.tanh(y @ w[:6].reshape(2, 3)) @ w[6:]

    x = outputs(w) + 0.9 * signed(rng, N) * beta**-0.5
    return dict(net=net, w=w, x=x, y=y,
                log_density_by_scipy=lambda: np.sum(stats.norm.logpdf(x, outputs(w), beta**-0.5)),
                gradient_by_differences=lambda: by_differences(
                    lambda w: np.sum(stats.norm.logpdf(x, outputs(w), beta**-0.5)), w),
                density_of_that_variance=lambda: np.sum(bell(x, outputs(w), np.sqrt(beta))))


def minibatches(N):
    """S of N indices without replacement; the rule goes through all pairs, or triples."""
    def rule(S, order):
        sets = np.array(np.meshgrid(*[np.arange(N)] * S)).reshape(S, -1).T
        sets = sets[[len(set(batch)) == S for batch in sets.tolist()]]
        return sets, np.full(len(sets), 1 / len(sets))

    return Noise(lambda rng, R, S: rng.permuted(np.tile(np.arange(N), (R, 1)), axis=1)[:, :S], rule)


def stage_outcomes(rng):
    """The outputs for two data, and noise for draws of what is observed there."""
    beta = rng.uniform(2.2, 3.4)
    net = bayesian_network(2, (3,), 1, prior_sd=1.3, beta=beta)
    flat = few_nodes(2)

    def rule(S, order):
        found = flat.rule(S, order)
        return found and (found[0][..., None], found[1])

    w, y = signed(rng, net.P), rng.normal(size=(2, 2))
    outcome = stats.norm(two_layers(w, y, 1), beta**-0.5)
    return dict(net=net, w=w, y=y, S=2, noise=Noise(lambda rng, R, S: rng.standard_normal((R, S, 2, 1)), rule),
                moments_by_scipy=lambda: np.stack([outcome.mean(), outcome.var()]))


def stage_bernoulli(rng):
    return setting(rng, 2, heads.bernoulli, rows.bernoulli, lambda eta: (rng.random(eta.shape) < 0.5).astype(float),
                   lambda x, eta: stats.bernoulli.logpmf(x, special.expit(eta)))


def stage_poisson(rng):
    return setting(rng, 2, heads.poisson, rows.poisson, lambda eta: rng.poisson(2., eta.shape).astype(float),
                   lambda x, eta: stats.poisson.logpmf(x, np.exp(eta)))


def stage_categorical(rng):
    """One of three outcomes, which has a one in its column."""
    return setting(rng, 3, heads.categorical, rows.categorical, lambda eta: np.eye(3)[rng.integers(3, size=N)],
                   lambda x, eta: np.log(np.sum(x * special.softmax(eta, axis=1), axis=1)))


def precision_as_variance(w, x, y, net):
    """A slip: beta in the place of the variance."""
    return np.sum(heads.normal_of(np.sqrt(net.beta)).log_prob(x[:, None], forward(w, y, net)[-1]))


def output_and_one_over_beta(w, y, net):
    mean = forward(w, y, net)[-1]
    return np.stack([mean, np.full(mean.shape, 1 / net.beta)])


# ---- no hidden layer

def stage_linear(rng):
    """Seven data with three inputs, as a network without a hidden layer and without biases, and two inputs to come."""
    y = rng.normal(size=(7, 3)) @ np.array([[1., 0.4, 0.2], [0., 0.8, -0.3], [0., 0., 0.7]])
    beta, prior_sd = rng.uniform(0.15, 0.25), rng.uniform(0.6, 0.9)
    net = bayesian_network(3, (), 1, prior_sd=prior_sd, beta=beta, biases=False)
    x = y @ [1.2, -0.8, 0.9] + rng.normal(size=7) * 0.5
    return dict(net=net, w=np.zeros(3), x=x, y=y, beta=beta, prior_sd=prior_sd, S=2, noise=few_nodes(3),
                theta=models.regression(y, prior_sd=prior_sd, noise_sd=beta**-0.5),
                new=rng.uniform(0.8, 1.6, (2, 3)) * rng.choice([-1, 1], (2, 3)), k=3)


def penalized(x, y, penalty):
    """Least squares with a further datum of zero for each weight, whose input is the root of the penalty."""
    D = y.shape[1]
    return np.linalg.lstsq(np.vstack([y, np.sqrt(penalty) * np.eye(D)]), np.append(x, np.zeros(D)), rcond=None)[0]


def least_squares_with_more_data(x, y, beta, prior_sd):
    return penalized(x, y, 1 / (beta * prior_sd**2))


def mean_of_posterior(x, theta):
    return models.posterior(x, theta)[0]


def ridge_without_beta(x, y, prior_sd):
    """A slip: the prior's precision as the penalty, whatever the noise."""
    return np.linalg.inv(y.T @ y + np.diag(np.full(3, prior_sd**-2))) @ (y.T @ x)


def least_squares_for_unit_noise(x, y, prior_sd):
    return penalized(x, y, prior_sd**-2)


def scipy_likelihood(x, y, w, beta):
    return np.sum(stats.norm.logpdf(x, y @ w, beta**-0.5))


def likelihood_at_least_squares(x, y, beta):
    return scipy_likelihood(x, y, penalized(x, y, 0.), beta)


def likelihood_at_penalized(x, y, beta, prior_sd):
    return scipy_likelihood(x, y, least_squares_with_more_data(x, y, beta, prior_sd), beta)


# ---- what is left open: functions as one normal vector, in which no weight occurs

def conditioned(new, x, y, beta, prior_sd):
    """Mean and variance of the mean (2, M) at new inputs: the conditional of a normal vector of outputs."""
    between, among = prior_sd**2 * new @ y.T, prior_sd**2 * y @ y.T + np.eye(7) / beta
    solved = np.linalg.solve(among, np.column_stack([x, between.T]))
    return np.stack([between @ solved[:, 0],
                     prior_sd**2 * np.sum(new**2, axis=1) - np.sum(between * solved[:, 1:].T, axis=1)])


def moments_by_conditioning(new, x, y, beta, prior_sd):
    mean, spread = conditioned(new, x, y, beta, prior_sd)
    return np.stack([mean, spread + 1 / beta])


def deviations_added(new, x, theta):
    """A slip: the noise's deviation plus that of the mean, in the place of the root of the summed variances."""
    spread = np.diag(new @ models.covariance(x, theta) @ new.T)
    return np.stack([new @ models.posterior(x, theta)[0], (theta.noise_sd + np.sqrt(spread))**2])


def total_and_twice_the_product(new, x, y, beta, prior_sd):
    mean, spread = conditioned(new, x, y, beta, prior_sd)
    return np.stack([mean, spread + 1 / beta + 2 * np.sqrt(spread / beta)])


def stage_one_weight(rng):
    """Four data of one input, and two outcomes to come, one of them rather unlikely."""
    y, beta, prior_sd = signed(rng, (4, 1)), rng.uniform(1.5, 2.), rng.uniform(0.6, 0.9)
    x, ahead = 0.7 * y[:, 0] + 0.3 * signed(rng, 4), np.array([[1.6], [-2.2]])
    return dict(net=bayesian_network(1, prior_sd=prior_sd, beta=beta, biases=False), x=x, y=y, beta=beta, ahead=ahead,
                x_new=ahead[:, 0] * 0.7 + rng.uniform([0.2, 0.8], [0.5, 1.]), prior_sd=prior_sd, S=2,
                theta=models.regression(y, prior_sd=prior_sd, noise_sd=beta**-0.5), noise=noise(normal, np.zeros(2)))


def density_by_joint(x_new, ahead, x, y, beta, prior_sd):
    """That of the data with one outcome to come, over that of the data: normal vectors, in which no weight occurs."""
    def log_density(x, y):
        covariance = prior_sd**2 * np.outer(y, y) + np.eye(len(x)) / beta
        return stats.multivariate_normal.logpdf(x, np.zeros(len(x)), covariance)

    return np.array([np.exp(log_density(np.append(x, one), np.vstack([y, at])) - log_density(x, y))
                     for one, at in zip(x_new, ahead)])


def density_of_total(x_new, ahead, x, theta):
    mean, variance = noise_plus_spread(ahead, x, theta)
    return np.exp(bell(x_new, mean, np.sqrt(variance)))


def average_of_logs(x_new, ahead, x, theta):
    """A slip: log densities averaged, in the place of densities."""
    mean, spread = ahead[:, 0] * models.posterior(x, theta)[0][0], ahead[:, 0]**2 * models.covariance(x, theta)[0, 0]
    return np.exp(bell(x_new, mean, theta.noise_sd) - spread / (2 * theta.noise_sd**2))


def average_of_logs_on_nodes(x_new, ahead, x, y, beta, prior_sd):
    """By Gauss-Hermite, which three nodes make exact."""
    precision = prior_sd**-2 + beta * np.sum(y**2)
    t, chances = np.polynomial.hermite_e.hermegauss(3)
    w = beta * np.sum(x * y[:, 0]) / precision + t / np.sqrt(precision)
    return np.exp(chances @ stats.norm.logpdf(x_new, np.outer(w, ahead), beta**-0.5) / np.sum(chances))


def copies_by_conditioning(new, x, y, beta, prior_sd, k):
    """One datum more precise, k times, is k data."""
    return conditioned(new, x, y, k * beta, prior_sd)[1]


def share_of_spread(new, x, theta, k):
    return spread_of_mean(new, x, theta) / k


def share_by_conditioning(new, x, y, beta, prior_sd, k):
    return conditioned(new, x, y, beta, prior_sd)[1] / k


# ---- two weights

def two_weights(beta, sds):
    return bayesian_network(1, (1,), prior_sd=sds, beta=beta, biases=False)


def stage_two_weights(rng):
    """Five data around a curve that bends; unequal deviations of the prior."""
    inputs = np.array([-1.5, -1., 0.5, 1., 2.]) + rng.uniform(-0.1, 0.1, 5)
    x = np.array([-0.9, -0.7, 0.4, 0.7, 1.]) + rng.uniform(-0.1, 0.1, 5)
    beta, sds = rng.uniform(2.5, 3.5), np.array([rng.uniform(0.9, 1.), rng.uniform(1.1, 1.2)])

    def terms(w):
        """SciPy's log joint (...,) at weights w (..., 2)."""
        means = w[..., 1:] * np.tanh(w[..., :1] * inputs)
        return np.sum(stats.norm.logpdf(x, means, beta**-0.5), axis=-1) + np.sum(stats.norm.logpdf(w, 0, sds), axis=-1)

    mode = mode_of_two(x, inputs, beta, sds)
    precision = precision_of_two(mode, x, inputs, beta, sds)
    mean, root = best_normal(terms, mode, np.linalg.inv(precision))
    return dict(net=two_weights(beta, sds), x=x, y=inputs[:, None], w=np.array([0.15, 0.1]), terms=terms, inputs=inputs,
                beta=beta, sds=sds, n=300, mode=mode, precision=precision, mean=mean, root=root,
                lam=full_normal_lam(mean, Sigma=root @ root.T), at=mode + rng.uniform(-0.3, 0.3, (4, 2)),
                new=np.array([[-2.2], [0.4], [3.1]]), far=np.array([[3.1]]), near=np.array([[0.9]]))


def mode_of_two(x, inputs, beta, sds):
    """The mode with positive weights: there the slope of residuals, squared and in units of their deviations, is zero.
    """
    def slope(w):
        h = np.tanh(w[0] * inputs)
        rest = x - w[1] * h
        return beta * np.array([rest @ (w[1] * inputs * (1 - h**2)), rest @ h]) - w / sds**2

    return optimize.root(slope, np.ones(2), tol=1e-14).x


def precision_of_two(w, x, inputs, beta, sds):
    """Minus the second derivatives (2, 2) of the log joint."""
    h = np.tanh(w[0] * inputs)
    slope, rest = inputs * (1 - h**2), x - w[1] * h
    J = np.stack([w[1] * slope, h])
    second = np.array([[-2 * w[1] * rest @ (inputs * h * slope), rest @ slope], [rest @ slope, 0.]])
    return beta * (J @ J.T - second) + np.diag(sds**-2.)


def standard(order):
    """Gauss-Hermite nodes (order^2, 2) of two standard normals, and their chances."""
    t, chances = np.polynomial.hermite_e.hermegauss(order)
    return np.array(list(itertools.product(t, t))), np.outer(chances, chances).ravel() / chances.sum()**2


def best_normal(terms, mode, covariance):
    """Mean (2,) and triangular root (2, 2) of the normal with the highest bound, from one narrower than Laplace's."""
    t, chances = standard(16)

    def unpacked(free):
        return free[:2], np.array([[np.exp(free[2]), 0.], [free[3], np.exp(free[4])]])

    def minus_bound(free):
        mean, root = unpacked(free)
        return -chances @ terms(mean + t @ root.T) - free[2] - free[4]

    root = np.linalg.cholesky(covariance) / 2
    start = np.array([*mode, np.log(root[0, 0]), root[1, 0], np.log(root[1, 1])])
    return unpacked(optimize.minimize(minus_bound, start, method="BFGS", options=dict(gtol=1e-4)).x)


def along_one_weight(g, x, inputs, beta, sds):
    """The integral over w_1 of p(w_1) p(x | w_1) g(w_1, mean, variance), the last two of w_2 given w_1: Gauss-Legendre
    over w_1 > 0, twice, from the joint normal of w_2 and x; g returns (nodes, ...).
    """
    def integral(order):
        t, weights = np.polynomial.legendre.leggauss(order)
        t, weights = 4 * (t + 1), 8 * weights
        first = sds[0] * t
        h = np.tanh(np.outer(first, inputs))
        covariance = np.eye(5) / beta + sds[1]**2 * np.einsum("gn,gm->gnm", h, h)
        gain = sds[1]**2 * np.einsum("gn,gnm->gm", h, np.linalg.inv(covariance))
        fit = np.einsum("n,gnm,m->g", x, np.linalg.inv(covariance), x)
        height = stats.norm.pdf(t) * np.exp(-fit / 2) / np.sqrt(np.linalg.det(2 * np.pi * covariance))
        return (weights * height) @ g(first, gain @ x, sds[1]**2 * (1 - np.sum(gain * h, axis=1)))

    return settled(integral)


def evidence_along_one_weight(x, inputs, beta, sds):
    found = along_one_weight(lambda first, mean, variance: np.ones(len(first)), x, inputs, beta, sds)
    return Estimate(np.log(found.value), found.error)


def joint_over_evidence(at, terms, x, inputs, beta, sds):
    evidence, error = evidence_along_one_weight(x, inputs, beta, sds)
    found = np.exp(terms(at) - evidence)
    return Estimate(found, found * error)


def laplace_evidence(mode, x, y, net):
    """A slip: the mass under the paraboloid that touches the log joint at one of two modes."""
    def objective(w):
        return rows.joint_and_slope(w, x, y, net)

    return objective(mode)[0] + np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(rows.curvature(objective, mode))[1]


def height_over_density(mode, precision, terms):
    """That mass as the joint density at the mode over the normal's there."""
    return terms(mode) - stats.multivariate_normal.logpdf(mode, mode, np.linalg.inv(precision))


def map_by_least_squares(x, inputs, beta, sds):
    return mode_of_two(x, inputs, beta, sds)


def minus_map_from_there(w, x, y, net):
    """What is found from the mirrored start, mirrored."""
    return -rows.ascend(lambda w: rows.joint_and_slope(w, x, y, net), -w)


def bound_by_quadrature(terms, mean, root, log_q):
    """E[log p(x, w) - log q(w)] over a normal, by Gauss-Hermite."""
    def bound(order):
        t, chances = standard(order)
        w = mean + t @ root.T
        return chances @ (terms(w) - log_q(w))

    return settled(bound, len(mean))


def one_normal_by_quadrature(terms, mean, root):
    return bound_by_quadrature(terms, mean, root, stats.multivariate_normal(mean, root @ root.T).logpdf)


def two_normals_by_quadrature(terms, mean, root):
    here, there = (stats.multivariate_normal(sign * mean, root @ root.T) for sign in (1, -1))
    return bound_by_quadrature(terms, mean, root, lambda w: np.log(0.5 * here.pdf(w) + 0.5 * there.pdf(w)))


def outputs_along_one_weight(new, x, inputs, beta, sds):
    """Mean and variance (2, M) of NN(new; w) under the posterior."""
    def powers(first, mean, variance):
        h = np.tanh(np.outer(first, new[:, 0]))
        return np.concatenate([np.ones(h.shape), mean[:, None] * h, (variance + mean**2)[:, None] * h**2], axis=1)

    found = along_one_weight(powers, x, inputs, beta, sds)
    mass, mean, square = np.split(found.value, 3)
    return np.stack([mean / mass, square / mass - (mean / mass)**2])


def moments_along_one_weight(new, x, inputs, beta, sds):
    mean, spread = outputs_along_one_weight(new, x, inputs, beta, sds)
    return np.stack([mean, spread + 1 / beta])


def network_of_the_mean(new, x, y, net, n):
    """A slip: the average weights, in the place of the average over weights; nothing is left of their spread."""
    found = on_grid(x, y, net, n)
    first, last = np.average(found.w, 0, np.exp(found.log_joint))
    return np.stack([last * np.tanh(first * new[:, 0]), np.full(len(new), 1 / net.beta)])


def network_of_no_weights(new, beta):
    return np.array([[0., 1 / beta]] * len(new)).T


def noise_left_out(new, x, y, net, n):
    """A slip: the variance of the mean alone."""
    found = on_grid(x, y, net, n)
    masses, means = np.exp(found.log_joint - found.log_evidence), forward(found.w, new, net)[-1][..., 0]
    return np.stack([masses @ means, masses @ means**2 - (masses @ means)**2])


def spread_along_one_weight(new, x, inputs, beta, sds):
    return outputs_along_one_weight(new, x, inputs, beta, sds)


def variance_off_the_data(far, x, y, net, n):
    return moments_over_grid(far, x, y, net, n)[1]


def variance_among_the_data(near, x, y, net, n):
    return moments_over_grid(near, x, y, net, n)[1]


def off_along_one_weight(far, x, inputs, beta, sds):
    return moments_along_one_weight(far, x, inputs, beta, sds)[1]


def among_along_one_weight(near, x, inputs, beta, sds):
    return moments_along_one_weight(near, x, inputs, beta, sds)[1]


# ---- four weights and a sine

def sine(rng, hidden, prior_sd, biases, columns, low):
    """Nine values of sin(3 y), hardly noisy, and outcomes to come at four other inputs with their chances.

    columns(t, y): what the last layer weighs, times its prior deviations, (G, N, k), for first-layer weights t (G, 2)
    in units of theirs, the second of them above low.
    """
    sd = rng.uniform(0.38, 0.42)
    inputs = np.linspace(-1, 1, 9) + rng.uniform(-0.05, 0.05, 9)
    x, new = np.sin(3 * inputs) + 0.2 * sd * rng.normal(size=9), np.array([[-0.9], [-0.5], [0.3], [0.7]])
    t, chances = np.polynomial.hermite_e.hermegauss(5)
    places = np.append(inputs, new[:, 0])
    return dict(net=bayesian_network(1, hidden, prior_sd=np.array(prior_sd), beta=sd**-2, biases=biases), x=x,
                y=inputs[:, None], theta=models.regression(inputs[:, None], prior_sd=1.4, noise_sd=sd), new=new, n=240,
                outcomes=np.sin(3 * new[:, 0]) + sd * t[:, None], chances=chances / chances.sum(), sd=sd,
                columns=lambda t: columns(t, places), ends=((0., 6.4), (low, 6.4)), line=1.4 * places[None, :, None])


def stage_two_units(rng):
    """No biases: four weights."""
    return sine(rng, (2,), [1.3, 1.2, 1.3, 1.1], False,
                lambda t, y: np.array([1.3, 1.1]) * np.tanh(np.einsum("gk,n->gnk", [1.3, 1.2] * t, y)), 0.)


def stage_one_unit(rng):
    """One unit and biases: four weights again."""
    def columns(t, y):
        h = 1.1 * np.tanh(np.outer(1.1 * t[:, 0], y) + 0.5 * t[:, 1:])
        return np.stack([h, np.full(h.shape, 0.6)], axis=-1)

    return sine(rng, (1,), [1.1, 0.5, 1.1, 0.6], True, columns, -6.4)


def densities(outcomes, x, sd, columns):
    """p(x) (G,) and p(x_new | x) (G, J, M) where outputs are a normal vector: columns (G, N + M, k) times normal
    weights.
    """
    among = columns[:, :9] @ np.swapaxes(columns[:, :9], 1, 2) + sd**2 * np.eye(9)
    between = columns[:, 9:] @ np.swapaxes(columns[:, :9], 1, 2)
    gain = between @ np.linalg.inv(among)
    variance = sd**2 + np.sum(columns[:, 9:]**2, axis=2) - np.sum(between * gain, axis=2)
    height = np.exp(-np.einsum("n,gnm,m->g", x, np.linalg.inv(among), x) / 2) / np.sqrt(np.linalg.det(among))
    return height, np.exp(bell(outcomes, (gain @ x)[:, None], np.sqrt(variance)[:, None]))


def line_by_conditioning(outcomes, chances, x, sd, line):
    return np.mean(chances @ np.log(densities(outcomes, x, sd, line)[1][0]))


def network_by_conditioning(outcomes, chances, x, sd, columns, ends):
    """By Gauss-Legendre over both weights of the first layer between their ends, beyond which are mirror images, which
    add as much, or nothing.
    """
    def nats(order):
        t, weights = np.polynomial.legendre.leggauss(order)
        t = np.array(list(itertools.product(*(np.interp(t, [-1, 1], end) for end in ends))))
        height, found = densities(outcomes, x, sd, columns(t))
        share = height * np.outer(weights, weights).ravel() * np.prod(stats.norm.pdf(t), axis=1)
        return np.mean(chances @ np.log(np.tensordot(share, found, 1) / share.sum()))

    return settled(nats, len(ends))
