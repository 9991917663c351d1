"""Companion of benefits.md: its rows, its stages and its referees."""
import itertools
from collections import Counter, defaultdict

import numpy as np
from referees import complex_step, under_normal
from scipy import optimize, special, stats

from refvi import Estimate, Noise, categorical, gamma, gamma_lam, noise, normal
from refvi.base.core import POINTS, axes_of, expectation, settled
from refvi.base.special import logsumexp
from refvi.likelihood.benefits.predictive import Prior, log_evidence, log_parts
from refvi.likelihood.benefits.rows import (ancestral, average_over_z, bigram_frequencies,      # noqa: F401
                                            cost_of_deciding, factor_numbers, forward_over_states, integral_over_z,
                                            latent_class_numbers, location_by_weights, responsibilities, state_scores)
from refvi.likelihood.conditional.problems import tags, translations
from refvi.likelihood.conditional.rows import expected, log_probability
from refvi.likelihood.heads import bernoulli_log_prob


def under_groups(g, shares, mu, sd):
    """E g(x) for a mixture of normals, each component by SciPy's quadrature."""
    return Estimate(*(shares @ np.array([under_normal(g, *component) for component in zip(mu, sd)])))


# ---- assumptions: three densities, three locations

def stage_readings(rng):
    """Seven readings, of which the last is far off."""
    x = np.array([0.3, 0.8, 1.1, 1.4, 1.9, 2.3, 7.5]) + rng.uniform(-0.15, 0.15, 7)
    return dict(x=x, nu=rng.uniform(2.5, 4.5))


def roots_of_three_slopes(x, nu):
    """Where the slopes of the log-likelihoods change their sign: normal, Laplace, Student t."""
    slopes = (lambda m: sum(x - m), lambda m: sum(np.sign(x - m)),
              lambda m: sum((x - m) / (nu + (x - m)**2)))
    return np.array([optimize.bisect(slope, min(x), max(x), xtol=1e-14, rtol=1e-14) for slope in slopes])


def mean_median_and_weights(x, nu):
    return np.array([np.mean(x), np.median(x), location_by_weights(x, nu)])


def stage_linear_gain(rng):
    """Two independent inputs of standard deviations spread, their weights, and noise."""
    return dict(slopes=rng.uniform(0.5, 1.2, 2), spread=rng.uniform(0.6, 1.4, 2), noise_sd=rng.uniform(0.5, 0.8))


def entropy_without_less_with(slopes, spread, noise_sd):
    """Mean nats lost without the second input: what is left is a normal, with it or without."""
    without = stats.norm.entropy(scale=np.hypot(noise_sd, slopes[1] * spread[1]))
    return without - stats.norm.entropy(scale=noise_sd)


def half_the_log_of_a_ratio(slopes, spread, noise_sd):
    return 0.5 * np.log1p((slopes[1] * spread[1] / noise_sd)**2)


def stage_curve(rng):
    """A mean w y + c y^2 of a normal input, and noise."""
    w, c = rng.uniform(0.5, 1.2), rng.uniform(0.3, 0.7)
    return dict(curve=lambda y: w * y + c * y**2, c=c, input_mean=rng.uniform(0.4, 0.9),
                input_sd=rng.uniform(0.7, 1.3), noise_sd=rng.uniform(0.5, 0.8))


def nats_lost_by_a_line(curve, input_mean, input_sd, noise_sd):
    """What the best line leaves of the curve, by quadrature, is noise to whoever fits a line."""
    offset = under_normal(curve, input_mean, input_sd).value
    slope = under_normal(lambda y: (y - input_mean) * curve(y), input_mean, input_sd).value / input_sd**2
    left = under_normal(lambda y: (curve(y) - offset - slope * (y - input_mean))**2, input_mean, input_sd)
    return 0.5 * np.log1p(left.value / noise_sd**2)


def half_the_log_of_a_curve(c, input_sd, noise_sd):
    return np.log(np.hypot(1, np.sqrt(2) * c * input_sd**2 / noise_sd))


def stage_two_groups(rng):
    """A mixture of two normals, further apart than either is wide; S draws of component and noise."""
    shares = rng.dirichlet([30, 50])
    mu, sd = np.array([-1.3, 1.6]) + rng.uniform(-0.2, 0.2, 2), np.array([0.6, 0.9]) + rng.uniform(-0.1, 0.1, 2)
    return dict(shares=shares, mu=mu, sd=sd, S=2, noise=component_and_normal(shares), u=rng.uniform(0.7, 0.9))


def component_and_normal(shares):
    """Noise eps (R, S, 2): a component, and a standard normal; its rule sums over the one and integrates the other."""
    K = len(shares)

    def draw(rng, R, S):
        return np.stack([rng.choice(K, (R, S), p=shares), rng.standard_normal((R, S))], axis=-1)

    def rule(S, order):
        if (K * order)**S > POINTS:
            return None
        t, w = np.polynomial.hermite_e.hermegauss(order)
        one = np.stack([np.repeat(np.arange(K), order), np.tile(t, K)], axis=-1)
        mass = np.outer(shares, w / np.sum(w)).ravel()
        index = np.indices((K * order,) * S).reshape(S, -1).T
        return one[index], np.prod(mass[index], axis=1)

    return Noise(draw, rule)


def density_of_groups(x, shares, mu, sd):
    return shares @ stats.norm.pdf(x, mu, sd)


def nats_of_the_truth(shares, mu, sd):
    """Mean log density, by quadrature."""
    return under_groups(lambda x: np.log(density_of_groups(x, shares, mu, sd)), shares, mu, sd)


def nats_in_parts(shares, mu, sd):
    """The log density by its parts, averaged under each component at the nodes of its own."""
    lams = np.stack([mu, np.log(sd)], axis=1)

    def averaged(order):
        return shares @ np.array([
            expectation(lambda x: logsumexp(log_parts(x, shares, mu, sd), axis=1), normal, lam,
                        normal.nodes(lam, order)) for lam in lams])

    return settled(averaged, axes_of(normal, lams[0]))


def nats_of_one_normal(shares, mu, sd):
    """The best single normal has mean and variance of the mixture."""
    mean = shares @ mu
    return -0.5 * np.log(2 * np.pi * (shares @ (sd**2 + (mu - mean)**2))) - 0.5


def nats_of_one_by_quadrature(shares, mu, sd):
    mean = under_groups(lambda x: x, shares, mu, sd).value
    variance = under_groups(lambda x: (x - mean)**2, shares, mu, sd).value
    return under_groups(lambda x: stats.norm.logpdf(x, mean, np.sqrt(variance)), shares, mu, sd)


def stage_positive(rng):
    """A prior of z, one datum with noise, and a datum that pulls z below zero."""
    return dict(prior_sd=rng.uniform(0.8, 1.3), noise_sd=rng.uniform(0.5, 0.8), datum=rng.uniform(-1.1, -0.6))


def mean_of_a_positive_z(prior_sd, noise_sd, datum):
    """Posterior mean under a half-normal prior, by Bayes' rule and quadrature."""
    prior = stats.halfnorm(scale=prior_sd)
    mass = prior.expect(lambda z: stats.norm.pdf(datum, z, noise_sd))
    return prior.expect(lambda z: z * stats.norm.pdf(datum, z, noise_sd)) / mass


def mean_of_a_cut_normal(prior_sd, noise_sd, datum):
    """The normal posterior, cut off at zero."""
    gain = prior_sd**2 / (prior_sd**2 + noise_sd**2)
    mean, sd = gain * datum, np.sqrt(gain) * noise_sd
    return mean + sd * np.exp(-0.5 * (mean / sd)**2 - special.log_ndtr(mean / sd)) / np.sqrt(2 * np.pi)


def mean_of_any_z(prior_sd, noise_sd, datum):
    """Precisions times data, over their sum; the prior's datum is zero."""
    return datum / noise_sd**2 / (1 / noise_sd**2 + 1 / prior_sd**2)


def mean_of_any_z_by_quadrature(prior_sd, noise_sd, datum):
    prior = stats.norm(scale=prior_sd)
    mass = prior.expect(lambda z: stats.norm.pdf(datum, z, noise_sd))
    return prior.expect(lambda z: z * stats.norm.pdf(datum, z, noise_sd)) / mass


# ---- p(x | y) as an integral

def stage_student(rng):
    """A precision z that varies from datum to datum."""
    nu, x, y = rng.uniform(3.5, 5.5), rng.uniform(0.4, 0.9), rng.uniform(-0.9, -0.4)
    lam = gamma_lam(shape=nu / 2, rate=nu / 2)
    return dict(x=x, y=y, q=gamma, prior=lambda y: lam, S=2, noise=noise(gamma, lam),
                likelihood=lambda x, z, y: 0.5 * np.log(z) - 0.5 * z * (x - y)**2 - 0.5 * np.log(2 * np.pi),
                density_by_hand=lambda x, y: stats.t.pdf(x, nu, y))


def stage_lost_reading(rng):
    """z is a reading that might have been taken, and x depends on it and on y."""
    a, b, c, s, t = rng.uniform(0.5, 0.9, 5)
    x, y = rng.uniform(0.3, 0.8), rng.uniform(1.2, 1.7)

    def prior(y):
        return np.array([c * y, np.log(s)])

    return dict(x=x, y=y, q=normal, prior=prior, S=2, noise=noise(normal, prior(y)),
                likelihood=lambda x, z, y: -0.5 * ((x - a * z - b * y) / t)**2 - np.log(t) - 0.5 * np.log(2 * np.pi),
                density_by_hand=lambda x, y: stats.norm.pdf(x, (a * c + b) * y, np.hypot(a * s, t)))


def stage_experts(rng):
    """z is a label that nobody can observe: which of three straight lines x follows, with probabilities that depend on
    y.
    """
    pull, slope, sd = rng.uniform(-0.9, 0.9, 3), np.array([-1.2, 0.4, 1.3]), rng.uniform(0.5, 0.9, 3)
    x, y = rng.uniform(0.3, 0.8), rng.uniform(0.6, 1.2)

    def likelihood(x, z, y):
        return -0.5 * ((x - slope[z] * y) / sd[z])**2 - np.log(sd[z]) - 0.5 * np.log(2 * np.pi)

    return dict(x=x, y=y, q=categorical, prior=lambda y: pull * y, S=2, noise=noise(categorical, pull * y),
                likelihood=likelihood,
                density_by_hand=lambda x, y: special.softmax(pull * y) @ stats.norm.pdf(x, slope * y, sd))


def density_from_elsewhere(x, y, density_by_hand):
    return density_by_hand(x, y)


def stage_evidence(rng):
    """Five data from a normal of unknown mean and precision."""
    prior = Prior(rng.uniform(-0.4, 0.4), rng.uniform(0.3, 0.7), rng.uniform(1.6, 2.6), rng.uniform(0.6, 1.1))
    return dict(x=rng.normal(0.6, 1.2, 5), before=prior)


def multivariate_student(x, before):
    """All data at once, by SciPy."""
    scale = before.rate / before.shape * (np.eye(len(x)) + 1 / before.pseudo)
    return stats.multivariate_t.logpdf(x, np.full(len(x), before.centre), scale, df=2 * before.shape)


def evidence_in_closed_form(x, before):
    return log_evidence(x, before)


# ---- data that nobody observed, and data that nobody has seen yet

def characteristic_function(u, shares, mu, sd):
    """E cos(u x)."""
    return shares @ (np.cos(u * mu) * np.exp(-0.5 * (u * sd)**2))


def cosine_by_quadrature(u, shares, mu, sd):
    return under_groups(lambda x: np.cos(u * x), shares, mu, sd)


def cosine_of_ancestral_draws(eps, u, mu, sd):
    """Mean (R,) of cos(u x) over draws of a component, then of x."""
    return np.mean(np.cos(u * ancestral(eps, mu, sd)), axis=1)


def mean_squared_responsibility(shares, mu, sd):
    """E p(z = 0 | x)^2, by quadrature."""
    def squared(x):
        joint = shares * stats.norm.pdf(x, mu, sd)
        return (joint[0] / sum(joint))**2

    return under_groups(squared, shares, mu, sd)


def responsibility_of_those_who_are(shares, mu, sd):
    """E [z = 0] p(z = 0 | x): averaged over x from component 0 alone, at the nodes of its own."""
    lam = np.array([mu[0], np.log(sd[0])])

    def averaged(order):
        return shares[0] * expectation(lambda x: responsibilities(x, shares, mu, sd)[:, 0], normal, lam,
                                       normal.nodes(lam, order))

    return settled(averaged, axes_of(normal, lam))


def hits_of_draws(eps, shares, mu, sd):
    """Mean (R,) over S draws of [z = 0] p(z = 0 | x)."""
    x = ancestral(eps, mu, sd)
    told = responsibilities(x.ravel(), shares, mu, sd)[:, 0].reshape(x.shape)
    return np.mean((eps[..., 0] == 0) * told, axis=1)


# ---- sentences, images, videos

def stage_sentences(rng):
    """Sentences of words 0 and 1, in which every pair of neighbours occurs; another table of probabilities."""
    sentences = [(0, 1, 1), (1, 0), (0, 0, 1), (), (1,), (0, 0, 0, 1, 0), (1, 1, 0)]
    return dict(sentences=sentences[:5 + int(rng.integers(0, 3))] + [(0,), ()],
                other=rng.dirichlet([5, 6, 7], 3))


def sum_of_entropies(sentences):
    """Minus, over words, how often each stands times the entropy of what follows it, counted in text."""
    followers = defaultdict(list)
    for sentence in sentences:
        for a, b in zip(("begin", *sentence), (*sentence, "end")):
            followers[a].append(b)
    return -sum(len(after) * stats.entropy(list(Counter(after).values())) for after in followers.values())


def likelihood_at_the_frequencies(sentences):
    """Each sentence's log probability under the bigram model, which is a translation without a source."""
    table = bigram_frequencies(sentences, 2)
    return sum(log_probability(sentence, None, table, translations, lambda y, theta: theta) for sentence in sentences)


def likelihood_elsewhere(sentences, other):
    return sum(log_probability(sentence, None, np.log(other), translations, lambda y, theta: theta)
               for sentence in sentences)


def word_by_word(sentences, other):
    """log of the product of all choices, end symbols included."""
    return np.log(np.prod([other[a, b] for sentence in sentences for a, b in zip((2, *sentence), (*sentence, 2))]))


def stage_images(rng):
    """Three kinds of images of four by four pixels: logits of each pixel, and how frequent each kind is."""
    bits = np.arange(2**16)[:, None] >> np.arange(16) & 1
    return dict(images=bits.astype(float), kinds=rng.dirichlet([4, 5, 6]), logits=rng.normal(0, 1.5, (3, 16)))


def bright_pixels(kinds, logits):
    """How often each pixel is bright, (16,), and one."""
    return np.append(kinds @ special.expit(logits), sum(kinds))


def over_all_images(images, kinds, logits):
    """Each pixel, and one, averaged over all images, every image with the mass of all kinds."""
    mass = sum(share * np.exp(bernoulli_log_prob(images, row)) for share, row in zip(kinds, logits))
    return np.append(mass @ images, np.sum(mass))


def stage_film(rng):
    """Five frames, each of which shows one of four symbols; three states that are not seen."""
    return dict(x=rng.integers(0, 4, 5), start=rng.dirichlet([3, 4, 5]), moves=rng.dirichlet([3, 4, 5], 3),
                emissions=rng.dirichlet([2, 3, 4, 5], 3))


def paths(x, start, moves, emissions):
    """{path of states: joint probability with the film}, all 3^5 of them."""
    return {path: start[path[0]] * np.prod([moves[a, b] for a, b in zip(path, path[1:])])
            * np.prod([emissions[state, symbol] for state, symbol in zip(path, x)])
            for path in itertools.product(range(3), repeat=len(x))}


def over_all_paths(x, start, moves, emissions):
    return np.log(sum(paths(x, start, moves, emissions).values()))


def states_over_all_paths(x, start, moves, emissions):
    """P(state at each frame | film) (5, 3)."""
    joint, found = paths(x, start, moves, emissions), np.zeros((len(x), 3))
    for path, mass in joint.items():
        for t, state in enumerate(path):
            found[t, state] += mass
    return found / sum(joint.values())


def states_as_expected_statistics(x, start, moves, emissions):
    return np.sum(expected(state_scores(x, start, moves, emissions), tags), axis=1)


# ---- numbers in a model

def stage_sizes(rng):
    """D variables, K factors, few enough to be identified; their covariance W W' + diag(psi), and a place."""
    D, K = int(rng.integers(7, 10)), int(rng.integers(2, 4))

    def covariance(theta):
        W = theta[:D * K].reshape(D, K)
        return (W @ W.T + np.diag(theta[D * K:]))[np.tril_indices(D)]

    return dict(D=D, K=K, covariance=covariance,
                loadings=rng.uniform(0.4, 1.1, D * K + D) * rng.choice([-1, 1], D * K + D))


def rank_of_covariances(covariance, loadings):
    """In how many directions the covariance moves with loadings and noise."""
    return np.linalg.matrix_rank(complex_step(covariance, loadings))


def entries_of_a_covariance(D):
    return np.count_nonzero(np.tri(D))


def gauss_sum(D):
    return D * (D + 1) // 2


def stage_classes(rng):
    """D binary variables, K classes: the table of all probabilities, and a place."""
    D, K = 5, int(rng.integers(2, 4))
    corners = np.array(list(itertools.product((0, 1), repeat=D)))

    def table(theta):
        weights, pi = np.exp(np.append(theta[:K - 1], 0)), 1 / (1 + np.exp(-theta[K - 1:].reshape(K, D)))
        each = np.array([np.prod(np.where(corners, row, 1 - row), axis=1) for row in pi])
        return weights / np.sum(weights) @ each

    return dict(D=D, K=K, table=table, place=rng.normal(0, 1.2, K - 1 + K * D))


def rank_of_tables(table, place):
    """In how many directions the table moves with the classes' shares and their variables' logits."""
    return np.linalg.matrix_rank(complex_step(table, place))


def cells_of_a_table(D):
    return len(list(itertools.product(range(2), repeat=D))) - 1


def two_to_the_power(D):
    return 2**D - 1


# ---- whether to believe a forecast, and what to do with it

def third():
    return 1 / 3


def square_of_transforms(shares, mu, sd):
    """E F(x)^2, by quadrature."""
    return under_groups(lambda x: (shares @ stats.norm.cdf(x, mu, sd))**2, shares, mu, sd)


def square_of_transforms_of_draws(eps, shares, mu, sd):
    """Mean (R,) of F(x)^2 over draws from the forecast itself."""
    x = ancestral(eps, mu, sd)
    return np.mean((special.ndtr((x[..., None] - mu) / sd) @ shares)**2, axis=1)


def stage_overconfident(rng):
    """A normal forecast whose deviation is too small by a factor."""
    return dict(factor=rng.uniform(1.8, 2.6))


def square_of_right_transforms():
    return under_normal(lambda t: stats.norm.cdf(t)**2, 0, 1)


def square_of_wrong_transforms(factor):
    """The slip: a forecast too sure of itself."""
    return under_normal(lambda t: stats.norm.cdf(factor * t)**2, 0, 1)


def quarter_and_an_arc(factor):
    return 1 / 4 + np.arcsin(factor**2 / (1 + factor**2)) / (2 * np.pi)


def stage_costs(rng):
    """Five trials of a treatment that works with an unknown probability; treat, leave or ask; cost where it works not,
    and where it works.
    """
    a, b, n = rng.uniform(1.2, 1.6), rng.uniform(1.2, 1.6), 5
    loss = np.array([[rng.uniform(3.2, 3.8), 0.], [0., rng.uniform(4.1, 4.8)], [1., 1.]])
    k = np.arange(n + 1)        # successes
    seen, works = stats.betabinom.pmf(k, n, a, b), (a + k) / (a + b + n)
    joint = np.stack([seen * (1 - works), seen * works], axis=1)
    return dict(a=a, b=b, n=n, loss=loss, joint=joint, believed=joint / seen[:, None],
                successes=k, plugged=np.stack([1 - k / n, k / n], axis=1))


def table_of_costs(a, b, n, loss, successes):
    """Expected cost (n + 1, 3) of each answer after each number of successes, by quadrature over the probability."""
    prior = stats.beta(a, b)
    return np.array([[prior.expect(lambda pi: stats.binom.pmf(k, n, pi) * (row @ [1 - pi, pi])) for row in loss]
                     for k in successes])


def cheapest_of_all_rules(a, b, n, loss, successes):
    """All 3^6 rules from numbers of successes to answers."""
    costs = table_of_costs(a, b, n, loss, successes)
    return min(sum(rule) for rule in itertools.product(*costs))


def cost_with_the_posterior(loss, believed, joint):
    return cost_of_deciding(loss, believed, joint)


def cost_with_the_frequency(loss, plugged, joint):
    return cost_of_deciding(loss, plugged, joint)


def integrated_cost(a, b, n, loss, successes):
    """Whoever takes the frequency for the probability, answer by answer."""
    costs, told = table_of_costs(a, b, n, loss, successes), successes / n
    risks = np.outer(1 - told, loss[:, 0]) + np.outer(told, loss[:, 1])
    return sum(costs[k, np.argmin(risks[k])] for k in successes)
