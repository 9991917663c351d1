"""Companion of likelihoods.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from referees import bell, by_differences, complex_step
from scipy import integrate, optimize, special, stats

from refvi import Estimate, Noise, categorical as one_of, noise, normal as one_normal, normal_lam
from refvi.likelihood.heads import Network, bernoulli, categorical, normal_heads, poisson
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.likelihoods.logistic import (information, label_gradient, newton_step,      # noqa: F401
                                                   standard_errors)
from refvi.likelihood.likelihoods.rows import (best_of_all_parameters, best_of_features,       # noqa: F401
                                               collapsed_mixture, cross_entropy, exponential, frequencies,
                                               gradient_through_the_head, height_at_the_mean, logistic_loss,
                                               mean_and_variance, observed_less_expected, sigmoid_of_the_difference,
                                               slope_through_the_link, softplus, squared_loss)


# ---- estimates in closed form

def stage_outcomes(rng):
    """Eleven outcomes of four kinds, unequally often, and probabilities that did not generate them."""
    counts = rng.permutation([1, 2, 3, 5])
    x, pi = np.repeat(np.arange(4), counts), rng.dirichlet([3, 4, 5, 6])
    shares = counts / counts.sum()

    def product(logits):
        """Likelihood of the data, the first logit being zero."""
        weights = np.exp(np.append(0, logits))
        return np.prod((weights / np.sum(weights))[x])

    return dict(x=x, K=4, product=product, start=np.zeros(3),
                natural=lambda logits: special.softmax(np.append(0, logits)),
                log_density=one_of.log_prob, estimate=lambda x: np.log(frequencies(x, 4)),
                scipy_at_the_truth=lambda: np.sum(stats.rv_discrete(values=(np.arange(4), pi)).logpmf(x)),
                entropy_and_divergence=lambda: -len(x) * (stats.entropy(shares) + stats.entropy(shares, pi)),
                minus_n_entropies=lambda: -len(x) * stats.entropy(shares))


def stage_numbers(rng):
    """Seven numbers, and a normal that did not generate them."""
    x = np.array([-2.3, -0.6, 0.1, 0.9, 1.6, 3.2, 5.7]) + rng.uniform(-0.3, 0.3, 7)
    mu, sd = rng.uniform(-0.9, -0.4), rng.uniform(1.3, 1.7)

    def entropy_and_divergence():
        centre, s = np.mean(x), np.std(x)
        divergence = np.log(sd / s) + (s**2 + (centre - mu)**2) / (2 * sd**2) - 0.5
        return -len(x) * (np.log(s * np.sqrt(2 * np.pi * np.e)) + divergence)

    return dict(x=x, densities=lambda free: np.prod(np.exp(bell(x, free[0], np.exp(free[1])))),
                start=np.array([np.median(x), np.log(2.)]),
                natural=lambda free: np.array([free[0], np.exp(2 * free[1])]),
                log_density=one_normal.log_prob, estimate=lambda x: normal_lam(np.mean(x), sd=np.std(x)),
                scipy_at_the_truth=lambda: np.sum(stats.norm.logpdf(x, mu, sd)),
                entropy_and_divergence=entropy_and_divergence,
                minus_n_entropies=lambda: -len(x) * stats.norm.entropy(np.mean(x), np.std(x)))


def top_of_the_product(product, start, natural):
    """Where the slope of a product of probabilities, over its height, is zero, in the parameters of the closed form."""
    return natural(optimize.root(lambda free: complex_step(product, free) / product(free), start, tol=1e-14).x)


def top_of_the_densities(densities, start, natural):
    return top_of_the_product(densities, start, natural)


def likelihood_at_the_estimate(x, log_density, estimate):
    """The log-likelihood at what is estimated from the data themselves; log_density(x, lam), estimate(x) = lam."""
    return np.sum(log_density(x, estimate(x)))


def stage_small_sample(rng):
    """S data, each one of three values."""
    values, pi = np.array([-1.7, 0.4, 2.6]) + rng.uniform(-0.2, 0.2, 3), rng.dirichlet([4, 5, 6])
    index = noise(one_of, np.log(pi))

    def rule(S, order):
        found, weights = index.rule(S, order)
        return values[found], weights

    return dict(values=values, pi=pi, S=3, noise=Noise(lambda rng, R, S: values[index.draw(rng, R, S)], rule))


def variance_of_draws(eps):
    """What mean_and_variance estimates from each of R sets of S data, eps (R, S): (R,)."""
    return np.array([mean_and_variance(x)[1] for x in eps])


def over_all_samples(values, pi, S, ddof):
    """Expected sum of squared distances from the sample's own mean over S - ddof, from all samples of S data."""
    found = 0.
    for sample in itertools.product(range(len(values)), repeat=S):
        found = found + np.prod(pi[list(sample)]) * np.var(values[list(sample)], ddof=ddof)
    return found


def enumerated_variance(values, pi, S):
    return over_all_samples(values, pi, S, 0)


def enumerated_with_n_less_one(values, pi, S):
    return over_all_samples(values, pi, S, 1)


def variance_itself(values, pi):
    """The slip: what the estimate is often said to have for its mean."""
    return pi @ (values - pi @ values)**2


def share_of_the_variance(values, pi, S):
    return (S - 1) / S * (pi @ values**2 - (pi @ values)**2)


# ---- losses

def stage_squared(rng):
    x, mean, sd = rng.normal(1, 2, 5), rng.normal(1, 2, 5), rng.uniform(1.3, 2.2)
    return dict(x=x, mean=mean, sd=sd, negative_log_likelihood=lambda: -np.sum(stats.norm.logpdf(x, mean, sd)))


def stage_labels(rng):
    x, logit = np.array([1, 0, 1, 1, 0]), rng.normal(0.4, 1.5, 5)
    return dict(x=x, logit=logit,
                negative_log_likelihood=lambda: -np.sum(stats.bernoulli.logpmf(x, special.expit(logit))))


def stage_classes(rng):
    x, logits = np.array([0, 2, 1, 3, 2]), rng.normal(0.4, 1.5, (5, 4))
    probabilities = special.softmax(logits, axis=1)
    return dict(x=x, logits=logits, negative_log_likelihood=lambda: -np.sum(
        [stats.multinomial.logpmf(np.eye(4)[k], 1, p) for k, p in zip(x, probabilities)]))


# ---- heads: one datum with its outputs, and three data below a network with one hidden layer

def setting(rng, head, outputs, outcomes, widths, moments, x, log_density):
    """log_density(x, outputs): SciPy's, of one datum; moments: total mass, means, second moments by SciPy."""
    sizes = (2, 3, len(outputs))
    network, y = Network(sizes, head), rng.normal(size=(len(x), 2))
    theta = rng.normal(size=network.size)

    def of_weights(theta):
        W, b = theta[:6].reshape(2, 3), theta[6:9]
        V, c = theta[9:-len(outputs)].reshape(3, -1), theta[-len(outputs):]
        return sum(log_density(*pair) for pair in zip(x, np.tanh(y @ W + b) @ V + c))

    def draw(rng, R, S):
        return head.draw(rng, np.broadcast_to(outputs, (R, S, len(outputs))))

    return dict(head=head, outputs=outputs, outcomes=outcomes, widths=widths, x=x, y=y, theta=theta, network=network,
                S=2, noise=Noise(draw, None),
                moments_by_scipy=lambda: moments, gradient_by_differences=lambda: by_differences(of_weights, theta))


def sloping(supplied, log_density):
    """With the slope in the outputs of the first datum, by differences."""
    x, outputs = supplied["x"], supplied["outputs"]
    return supplied | dict(slope_by_differences=lambda: by_differences(
        lambda a: np.array([log_density(row, a) for row in x]), outputs))


def moments_of(x):
    """(1, x, x x') of data x (..., n), side by side (..., 1 + n + n^2)."""
    products = (x * x[..., [i]] for i in range(np.shape(x)[-1]))
    return np.concatenate([np.ones(np.shape(x)[:-1] + (1,)), x, *products], axis=-1)


def sum_over_outcomes(head, outputs, outcomes, widths):
    """Total mass, means and second moments (1 + n + n^2,) that a head gives one datum with outputs (k,)."""
    return widths * np.exp(head.log_prob(outcomes, outputs)) @ moments_of(outcomes)


def average_over_draws(eps):
    """What sum_over_outcomes gives, from S draws of the datum, eps (R, S, n): (R, 1 + n + n^2)."""
    return np.mean(moments_of(eps), axis=1)


def all_moments(mean, covariance):
    return np.concatenate([[1.], mean, (covariance + np.outer(mean, mean)).ravel()])


def stage_logistic_head(rng):
    a = np.array([rng.uniform(0.5, 0.9), rng.uniform(-1.6, -1.1)])
    p = special.expit(a)

    def log_density(x, a):
        return np.sum(stats.bernoulli.logpmf(x, special.expit(a)))

    moments = all_moments(p, np.diag(stats.bernoulli.var(p)))
    x = np.array([[1., 0], [1, 1], [0, 0]])
    corners = np.array([[0., 0], [0, 1], [1, 0], [1, 1]])
    return sloping(setting(rng, bernoulli, a, corners, np.ones(4), moments, x, log_density), log_density)


def stage_softmax_head(rng):
    a = np.array([0.6, -0.4, 1.1]) + rng.uniform(-0.3, 0.3, 3)
    p = special.softmax(a)

    def log_density(x, a):
        return stats.multinomial.logpmf(x, 1, special.softmax(a))

    moments = all_moments(p, stats.multinomial.cov(1, p))
    x = np.eye(3)[[0, 2, 2]]
    return sloping(setting(rng, categorical, a, np.eye(3), np.ones(3), moments, x, log_density), log_density)


def stage_counts_head(rng):
    a = np.array([rng.uniform(0.2, 0.5), rng.uniform(-0.9, -0.5)])

    def log_density(x, a):
        return np.sum(stats.poisson.logpmf(x, np.exp(a)))

    moments = all_moments(np.exp(a), np.diag(stats.poisson.var(np.exp(a))))
    grid = np.stack(np.meshgrid(np.arange(40.), np.arange(40.), indexing="ij"), axis=-1).reshape(-1, 2)
    x = np.array([[2., 0], [0, 1], [3, 2]])
    return sloping(setting(rng, poisson, a, grid, np.ones(1600), moments, x, log_density), log_density)


def stage_normal_head(rng):
    """Two entries, so four outputs: means, then logarithms of standard deviations."""
    mean, sd = rng.uniform(0.4, 0.9, 2) * [1, -1], np.array([rng.uniform(0.6, 0.8), rng.uniform(1.3, 1.7)])

    def log_density(x, a):
        return np.sum(stats.norm.logpdf(x, a[:2], np.exp(a[2:])))

    steps = np.linspace(-9, 9, 121)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2) * sd + mean
    widths = np.full(len(grid), (steps[1] - steps[0])**2 * np.prod(sd))
    moments = all_moments(mean, np.diag(stats.norm.var(mean, sd)))
    return setting(rng, normal_heads, np.append(mean, np.log(sd)), grid, widths, moments, rng.normal(0, 2, (3, 2)),
                   log_density)


# ---- links

def link_stage(rng, link, sd_of):
    x, mu, rho = rng.uniform(1.2, 2.1), rng.uniform(-0.8, -0.3), np.array([rng.uniform(0.3, 0.6)])
    return dict(x=x, mu=mu, rho=rho, link=link, slope_in_rho=lambda: by_differences(
        lambda rho: stats.norm.logpdf(x, mu, sd_of(rho[0])), rho))


def stage_exponential_link(rng):
    return link_stage(rng, exponential, np.exp)


def stage_softplus_link(rng):
    return link_stage(rng, softplus, lambda rho: np.log1p(np.exp(rho)))


def stage_two_logits(rng):
    return dict(a=rng.normal(0.5, 1, 2))


def softmax_of_two(a):
    return special.softmax(a)[0]


# ---- one parameter for all data, a network, one parameter for each

def stage_line(rng):
    """Nine points around a bent curve, and the two features of a straight line."""
    inputs = np.linspace(-2, 2, 9) + rng.uniform(-0.1, 0.1, 9)
    return dict(inputs=inputs, x=np.sin(1.5 * inputs) + rng.uniform(-0.3, 0.3, 9), sd=rng.uniform(0.25, 0.4),
                features=np.column_stack([np.ones(9), inputs]))


def stage_interpolating(rng):
    """A constant and six rectified units, one bending at each knot but the last: as many weights as data."""
    knots = np.linspace(-2, 2, 7) + rng.uniform(-0.1, 0.1, 7)
    features = np.column_stack([np.ones(7), *(np.maximum(knots - knot, 0) for knot in knots[:-1])])
    return dict(knots=knots, x=np.sin(1.5 * knots) + rng.uniform(-0.3, 0.3, 7), sd=rng.uniform(0.25, 0.4),
                features=features)


def best_line(inputs, x, sd):
    """By SciPy's regression."""
    found = stats.linregress(inputs, x)
    return np.sum(stats.norm.logpdf(x, found.intercept + found.slope * inputs, sd))


def each_at_its_own_mode(x, sd):
    return sum(stats.norm.logpdf(datum, datum, sd) for datum in x)


def piecewise_line(knots, x, sd):
    """The line from datum to datum, at the data."""
    return np.sum(stats.norm.logpdf(x, np.interp(knots, knots, x), sd))


# ---- logistic regression

def stage_overlap(rng):
    """Nine labels that no plane separates: each of three inputs was seen with both."""
    y = np.array([[1.6, -0.9, 0.4], [-0.3, 1.2, 0.8], [0.7, 0.3, -1.4], [1.1, 0.6, 0.5], [-0.8, 0.2, 0.9],
                  [0.5, -1.3, 0.6]])
    y = y + rng.uniform(-0.2, 0.2, y.shape)
    y, x = np.concatenate([y, y[:3]]), np.array([1., 0, 1, 1, 0, 0, 0, 1, 0])
    theta = rng.uniform(0.3, 0.7, 3) * [1, -1, 1]
    pi = special.expit(y @ theta)

    def log_likelihood(theta, x):
        return np.sum(stats.bernoulli.logpmf(x, special.expit(y @ theta)))

    def slope(theta, x):
        return complex_step(lambda t: np.sum(x * (y @ t) - np.log(1 + np.exp(y @ t))), theta)

    def squares_over_all_labels():
        found = 0.
        for labels in itertools.product([0, 1], repeat=len(y)):
            g = slope(theta, np.array(labels))
            found = found + np.prod(np.where(labels, pi, 1 - pi)) * np.outer(g, g)
        return found

    def reweighted_least_squares():
        root = np.sqrt(pi * (1 - pi))
        return np.linalg.lstsq(root[:, None] * y, root * (y @ theta) + (x - pi) / root, rcond=None)[0] - theta

    return dict(x=x, y=y, pi=pi, slope_of_bernoullis=lambda: by_differences(lambda t: log_likelihood(t, x), theta),
                curvature_of_bernoullis=lambda: minus(by_differences(lambda t: slope(t, x), theta)),
                squares_over_all_labels=squares_over_all_labels, reweighted_least_squares=reweighted_least_squares,
                optimum_elsewhere=lambda: optimize.root(lambda t: slope(t, x), np.zeros(3), tol=1e-14).x)


def minus(estimate):
    return Estimate(-estimate.value, estimate.error)


def stage_groups(rng):
    """Counts of two labels in two groups; y is an offset and the group."""
    ones, zeros = rng.integers([4, 9], [8, 13]), rng.integers([9, 2], [13, 4])
    group = np.repeat([0, 1, 0, 1], [*ones, *zeros])
    x = np.repeat([1., 0.], [np.sum(ones), np.sum(zeros)])
    log_odds = np.log(ones / zeros)
    theta = np.array([log_odds[0], log_odds[1] - log_odds[0]])

    def errors_from_counts():
        """The variance of a log odds is one over both counts, and variances of two groups add up."""
        each = 1 / ones + 1 / zeros
        return np.sqrt([each[0], each[0] + each[1]])

    return dict(x=x, y=np.column_stack([np.ones(len(x)), group]), theta=theta, optimum_elsewhere=lambda: theta,
                errors_from_counts=errors_from_counts)


def newton(x, y):
    return logistic.fit(x, y).found


def ascent(x, y):
    return logistic.ascend(x, y).lam


# ---- where there is no maximum

def stage_narrow(rng):
    mu, sd = rng.uniform(0.4, 0.9), rng.uniform(0.05, 0.2)
    return dict(mu=mu, sd=sd, left=mu - rng.uniform(0.3, 0.9) * sd, right=mu + rng.uniform(1.2, 1.9) * sd)


def area_of_a_stretch(mu, sd, left, right):
    """Below the density whose height is asked for."""
    lam = normal_lam(mu, sd=sd)
    return Estimate(*integrate.quad(lambda x: np.exp(one_normal.log_prob(x, lam)), left, right, epsabs=1e-13))


def share_of_a_stretch(mu, sd, left, right):
    return stats.norm.cdf(right, mu, sd) - stats.norm.cdf(left, mu, sd)


def height_by_scipy(mu, sd):
    return stats.norm.pdf(mu, mu, sd)


def stage_collapse(rng):
    """Six data, and one component that has narrowed onto the first."""
    x = np.array([0.4, -2.1, -0.8, 1.3, 2.2, 3.9]) + rng.uniform(-0.2, 0.2, 6)
    narrow = 10**rng.uniform(-4, -2)
    return dict(x=x, sd=narrow, centre=np.mean(x), spread=np.std(x))


def floor_of_the_collapse(x, sd, centre, spread):
    """Of the first datum only the narrow component, of the others only the wide one."""
    others = -0.5 * ((x[1:] - centre) / spread)**2
    return -np.log(sd) - (len(x) - 1) * np.log(spread) - len(x) * np.log(2 * np.sqrt(2 * np.pi)) + np.sum(others)


def floor_by_scipy(x, sd, centre, spread):
    return np.sum(np.log(0.5) + np.append(stats.norm.logpdf(x[0], x[0], sd), stats.norm.logpdf(x[1:], centre, spread)))


def mixture_by_scipy(x, sd, centre, spread):
    return np.sum(np.log(0.5 * stats.norm.pdf(x, x[0], sd) + 0.5 * stats.norm.pdf(x, centre, spread)))
