"""Companion of mle.md: its rows, its stages and its referees."""
import itertools
import math

import autograd.numpy as anp
import numpy as np
from scipy import integrate, special, stats

from refvi import Estimate, Noise, beta, categorical, noise, normal
from refvi.base.optimize import gradient_ascent
from refvi.likelihood.mle.rows import (ascent_iterate, average_over_indices, gradient_of_sum,      # noqa: F401
                                       log_of_product, minibatch_gradient, robbins_monro_mean, run_ends_outside,
                                       squared_deviation, squared_error_of_ascent, sum_of_gradients, sum_of_logs,
                                       uniform_expectation, variance_with_replacement, variance_without_replacement,
                                       weighted_sum, without_replacement)
from referees import by_differences

N = 7


# ---- probabilities and densities

def stage_flips(rng):
    """Counts of two outcomes among a few more than ten flips, each plus one."""
    return dict(a=int(rng.integers(4, 9)), b=int(rng.integers(9, 14)))


def area_above_a_half(a, b):
    """P(pi > 1/2) under Beta(a, b), by quadrature of the density that the picture draws."""
    lam = np.log([a, b])
    return Estimate(*integrate.quad(lambda pi: np.exp(beta.log_prob(pi, lam)), 0.5, 1, epsabs=1e-13))


def binomial_sum(a, b):
    """The share of all sequences of a + b - 1 fair flips with fewer than a heads."""
    flips = a + b - 1
    return sum(math.comb(flips, heads) for heads in range(a)) / 2**flips


def stage_outcomes(rng):
    return dict(pi=rng.dirichlet([3, 4, 5, 6]))


def masses(pi):
    return np.array(list(pi))


def product_over_outcomes(pi):
    """For every outcome x the product of all pi_i, each to the power of its indicator."""
    return np.array([np.prod(pi**(np.arange(len(pi)) == x)) for x in range(len(pi))])


# ---- three likelihoods; minibatches of two with replacement, of three without

def normal_data(rng):
    """N data under a normal, theta = (mu, log sigma), and the gradient of each log density by hand (N, 2)."""
    x = np.array([-2.3, -0.6, 0.1, 0.9, 1.6, 3.2, 6.7]) + rng.uniform(-0.3, 0.3, N)
    theta = np.array([rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.6)])
    mu, sigma = theta[0], np.exp(theta[1])
    each = np.stack([(x - mu) / sigma**2, ((x - mu) / sigma)**2 - 1], axis=-1)

    def by_moments():
        """The mean log density from the mean and the variance of the data alone."""
        spread = np.mean(x**2) - np.mean(x)**2
        return -theta[1] - 0.5 * np.log(2 * np.pi) - (spread + (np.mean(x) - mu)**2) / (2 * sigma**2)

    return dict(log_density=normal.log_prob, x=x, theta=theta, closed_gradient=lambda: each.sum(axis=0),
                log_likelihood=lambda: stats.norm.logpdf(x, mu, sigma).sum(), nats_per_datum=by_moments), each


def stage_normal(rng):
    """Minibatches with replacement."""
    supplied, each = normal_data(rng)
    return supplied | dict(S=2, noise=noise(categorical, np.zeros(N)),
                           variance_over_pairs=lambda S: over_tuples(each, S))


def stage_subsets(rng):
    """Minibatches without replacement."""
    supplied, each = normal_data(rng)
    return supplied | dict(S=3, noise=without_replacement(N), variance_over_tuples=lambda S: over_tuples(each, S),
                           variance_over_subsets=lambda S: spread(each, list(itertools.combinations(range(N), S))))


def stage_categorical(rng):
    """Four outcomes with logits theta; the data are counted."""
    x = np.array([0, 1, 1, 2, 2, 2, 3])
    theta = np.array([0.5, -0.2, -0.4, 0.3]) + rng.uniform(-0.2, 0.2, 4)
    counts, pi = np.bincount(x), np.exp(theta) / np.exp(theta).sum()
    return dict(log_density=categorical.log_prob, x=x, theta=theta, S=2, noise=noise(categorical, np.zeros(N)),
                log_likelihood=lambda: stats.multinomial.logpmf(counts, N, pi) - np.log(special.factorial(N))
                + np.log(special.factorial(counts)).sum(),
                nats_per_datum=lambda: counts / N @ np.log(pi), closed_gradient=lambda: counts - N * pi)


def stage_logistic(rng):
    """Labels given two inputs: a datum is the row (label, inputs). WI and UA, a classifier sigma(y'theta)."""
    y = np.array([[1.6, -0.9], [-0.3, 0.5], [1.3, 0.1], [2.0, -1.5], [0.1, 0.3], [0.9, -1.2], [-0.7, 0.8]])
    y = y + rng.uniform(-0.2, 0.2, (N, 2))
    theta = rng.uniform(0.4, 0.9, 2) * [1, -1]
    label = np.array([1., 0, 1, 1, 0, 1, 0])
    pi = 1 / (1 + np.exp(-y @ theta))

    def log_density(x, theta):
        a = anp.sum(x[..., 1:] * theta, axis=-1)
        return x[..., 0] * a - anp.log1p(anp.exp(a))

    return dict(log_density=log_density, x=np.column_stack([label, y]), theta=theta, S=2,
                noise=noise(categorical, np.zeros(N)), log_likelihood=lambda: stats.bernoulli.logpmf(label, pi).sum(),
                nats_per_datum=lambda: np.mean(np.log(np.abs(1 - label - pi))),
                closed_gradient=lambda: y.T @ (label - pi))


def mean_of_logs(log_density, x, theta):
    """The slip: per datum, in nats."""
    return np.mean(log_density(x, theta))


def spread(each, batches):
    """Variance, by coordinates, of N/M times the summed gradient over a list of equally likely minibatches."""
    estimates = [len(each) / len(batch) * sum(each[n] for n in batch) for batch in batches]
    mean = sum(estimates) / len(estimates)
    return sum((g - mean)**2 for g in estimates) / len(estimates)


def over_tuples(each, S):
    """Variance over all N^S ordered minibatches with replacement."""
    return spread(each, list(itertools.product(range(len(each)), repeat=S)))


# ---- how ascent moves

def quadratic(rng, share):
    """A top with three curvatures, and steps of the given share of the limit, which is 2 / largest curvature."""
    curvatures = np.array([rng.uniform(0.3, 0.5), rng.uniform(0.9, 1.3), rng.uniform(2.1, 3.2)])
    turn = stats.ortho_group.rvs(3, random_state=rng)
    theta0, top = rng.uniform(1, 2, 3) * [1, -1, 1], rng.uniform(-1, -0.5, 3)
    rate = share * 2 / curvatures[-1]

    def closed_iterate(T):
        return top + turn @ ((1 - rate * curvatures)**T * (turn.T @ (theta0 - top)))

    H = turn @ np.diag(curvatures) @ turn.T
    return dict(theta0=theta0, top=top, H=H, rate=rate, T=25, closed_iterate=closed_iterate)


def stage_nine_tenths(rng):
    return quadratic(rng, 0.9)


def stage_eleven_tenths(rng):
    return quadratic(rng, 1.1)


# ---- stochastic ascent towards data drawn at random, T = S steps

def stream(rng, rate):
    """rho: the sizes of as many steps as any row takes."""
    return dict(x=rng.normal(0.7, 1.4, 5) + np.array([0, 0, 0, 1, 3]), theta0=rng.uniform(-0.8, -0.3), S=6,
                noise=noise(categorical, np.zeros(5)), rate=rate, rho=np.array([rate(t) for t in range(1, 12)]))


def stage_constant(rng):
    """Steps of size a."""
    a = rng.uniform(0.3, 0.5)
    return stream(rng, lambda t: a) | dict(a=a, mean_of_data=lambda x: np.sum(x) / len(x))


def stage_slow(rng):
    """Steps of size c over the square root of t."""
    c = rng.uniform(0.6, 0.9)
    return stream(rng, lambda t: c / np.sqrt(t)) | dict(c=c)


def error_by_recursion(x, theta0, rate, S):
    """A step keeps (1 - rho)^2 of the squared distance and adds rho^2 of the variance of one datum."""
    square = (theta0 - np.mean(x))**2
    for t in range(1, S + 1):
        square = (1 - rate(t))**2 * square + rate(t)**2 * np.var(x)
    return square


def error_by_weights(x, theta0, rho, S):
    """The end is a weighted sum of the start and of all data: the start's square, and the data's weights squared."""
    rho = rho[:S]
    weights = [rho[t] * np.prod(1 - rho[t + 1:]) for t in range(S)]
    return np.prod(1 - rho)**2 * (theta0 - np.mean(x))**2 + np.var(x) * np.sum(np.square(weights))


def error_in_closed_form(x, theta0, a, S):
    left = (1 - a)**(2 * S)
    return a / (2 - a) * np.var(x) * (1 - left) + left * (theta0 - np.mean(x))**2


def limit_of_the_error(x, c):
    return 0.5 * c * np.var(x)


def slow_steps_in_the_limit(x, c):
    """Var(x) times the integral of the squared weight c exp(-c s) of the datum drawn s sqrt(T) steps before the end."""
    return Estimate(*integrate.quad(lambda s: np.var(x) * (c * np.exp(-c * s))**2, 0, np.inf, epsabs=1e-13))


def stage_frozen(rng):
    """Steps of size 1/(2 t^2), whose sum is finite, towards a top at zero."""
    return dict(start=rng.uniform(1.2, 2.3), T=int(rng.integers(4, 9)))


def limit_of_the_product(start):
    """prod_t (1 - 1/(2 t^2)) = sin(pi sqrt(1/2)) / (pi sqrt(1/2))."""
    return start * np.sin(np.pi * 0.5**0.5) / (np.pi * 0.5**0.5)


def frozen_ascent(start, T):
    """Where T steps end, times what all later ones leave of it: the product from T + 1 on, by gamma functions."""
    end = gradient_ascent(lambda theta: -theta, np.array([start]), T, lambda t: 0.5 / t**2).lam[0]
    root = 0.5**0.5
    return end * special.gamma(T + 1)**2 / (special.gamma(T + 1 - root) * special.gamma(T + 1 + root))


def stage_cauchy(rng):
    """Noise without a variance, nine steps."""
    draws = Noise(lambda rng, R, S: rng.standard_cauchy((R, S)), None)
    top, width, radius = rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.7), rng.uniform(0.8, 1.2)
    return dict(top=top, width=width, radius=radius, S=9, noise=draws)


def share_of_one(width, radius):
    """P(|Cauchy of this width| > radius)."""
    return 2 * stats.cauchy.sf(radius, scale=width)


def share_by_fourier(width, radius, S):
    """P(|mean of S Cauchy variables| > radius) from its characteristic function, that of each to the power S."""
    def integrand(u):
        return np.sin(u * radius) / u * np.exp(-width * u / S)**S

    inside, error = integrate.quad(integrand, 0, np.inf, limit=200, epsabs=1e-11)
    return Estimate(1 - 2 / np.pi * inside, error)


def mean_lies_outside(eps, width, radius):
    """One where the mean of a run's Cauchy variables is larger than radius in size, else zero (R,)."""
    return np.where(width * np.abs(np.sum(eps, axis=1)) > radius * np.shape(eps)[1], 1., 0.)


# ---- where it fails

def stage_separable(rng):
    """Labels that a threshold at zero explains without fault; margins: how far each input lies on its side."""
    y = np.array([-2.1, -1.3, -0.4, 0.6, 1.2, 2.4]) + rng.uniform(-0.2, 0.2, 6)
    return dict(margins=np.abs(y), weight=rng.uniform(0.6, 1.4))


def slope_by_differences(margins, weight):
    """Of the log-likelihood in the weight (1,)."""
    return by_differences(lambda w: np.sum(stats.logistic.logcdf(w * margins)), np.array([weight]))


def slope_in_the_weight(margins, weight):
    """Every margin times the probability of the other label (1,)."""
    return np.array([np.sum(margins / (1 + np.exp(weight * margins)))])


def stage_two_components(rng):
    """A mixture of two unit normals with equal weights; ascent starts with both means at one place."""
    data = np.array([-2.2, -1.6, -1.1, 0.9, 1.4, 1.9, 2.7]) + rng.uniform(-0.2, 0.2, N)

    def pull_of_the_data(means):
        """Slope (2,) of the log-likelihood: responsibilities times distances, summed."""
        share = 1 / (1 + np.exp((data - means.mean()) * (means[1] - means[0])))
        return np.array([np.sum(share * (data - means[0])), np.sum((1 - share) * (data - means[1]))])

    return dict(data=data, means=np.array([rng.uniform(-0.9, -0.5), rng.uniform(0.7, 1.2)]),
                place=rng.uniform(-0.4, 0.4), T=5, rate=0.1, pull_of_the_data=pull_of_the_data, pull=pull_of_the_data)


def mixture_by_differences(data, means):
    """Slope (2,) of the mixture's log-likelihood, which SciPy computes."""
    def log_likelihood(means):
        return np.sum(np.log(0.5 * stats.norm.pdf(data, means[0]) + 0.5 * stats.norm.pdf(data, means[1])))

    return by_differences(log_likelihood, means)


def both_on_the_way(data, place, rate, T):
    """Each mean has half of every datum: a step leaves 1 - rate N/2 of its distance from their mean."""
    mean = sum(data) / len(data)
    return np.array([mean + (1 - 0.5 * rate * len(data))**T * (place - mean)] * 2)


def ascent_from_equal_means(pull, place, rate, T):
    """Where T steps of ascent on the mixture's log-likelihood end (2,)."""
    return gradient_ascent(pull, np.full(2, place), T, rate).lam


def curvatures_by_hand(data):
    """Of the log-likelihood where both means lie on the mean of the data: as they move apart, and together (2, 2)."""
    return np.diag([np.sum((data - np.mean(data))**2) - len(data), -len(data)])


def curvatures_by_differences(data, pull):
    """Differences of the slope along both directions (2, 2)."""
    ways = np.array([[1, -1], [1, 1]])
    return by_differences(lambda t: ways @ pull(np.mean(data) + t @ ways), np.zeros(2))
