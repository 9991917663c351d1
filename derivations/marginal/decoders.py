"""Companion of decoders.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from autograd import numpy as anp
from referees import bell, by_differences, complex_step
from scipy import integrate, optimize, sparse, special, stats

from refvi import Estimate, Noise
from refvi.base.core import POINTS
from refvi.likelihood.heads import Network, categorical, normal, normal_heads
from refvi.marginal.decoders.model import gradient, latent, log_evidence, log_joint
from refvi.marginal.decoders.rows import (curvatures, frequencies_of_draws, gain_of_a_tenth,        # noqa: F401
                                          gradient_of_log_integral, gradient_under_posterior, joint_at_the_means,
                                          marginal_without_spread, mass_of_joint, nats_of_a_normal_head,
                                          nats_of_the_model, probabilities_of_outcomes)
from refvi.marginal.decoders.topic_plane import bag_gradient, bag_log_probability        # noqa: F401

# ---- networks and rules by hand


def weights(rng, P, low=0.25, high=0.55):
    """P numbers away from zero, of either sign."""
    return rng.uniform(low, high, P) * rng.choice([-1., 1.], P)


def by_layers(theta, sizes, h):
    """(outputs of a tanh network, what is left of theta), for complex theta as well."""
    for level, (m, n) in enumerate(zip(sizes, sizes[1:])):
        own, theta = theta[:m * n + n], theta[m * n + n:]
        h = np.einsum("...i,ij->...j", h, own[:m * n].reshape(m, n)) + own[m * n:]
        h = np.tanh(h) if level < len(sizes) - 2 else h
    return h, theta


def log_shares(logits):
    return logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))


def legendre(order, D):
    """(points (order^D, D), masses) of Gauss and Legendre's rule for N(0, I), nine standard deviations either side."""
    t, w = np.polynomial.legendre.leggauss(order)
    mass = [9 * weight * stats.norm.pdf(9 * at) for at, weight in zip(t, w)]
    return (np.array(list(itertools.product(9 * t, repeat=D))),
            np.array([np.prod(each) for each in itertools.product(mass, repeat=D)]))


RULES = {D: [legendre(order, D) for order in orders] for D, orders in {1: (220, 160), 2: (72, 60)}.items()}


def by_two_orders(f, D):
    """f(points, masses) of a fine rule, its error what a coarser one changes."""
    fine, coarse = (f(*rule) for rule in RULES[D])
    return Estimate(fine, np.abs(fine - coarse))


def of_outcomes(x, outputs, left):
    """log p (T,) of the outcome x, a one among zeros."""
    return log_shares(outputs) @ x


def of_numbers(x, outputs, left):
    """log density (T,) of x (1,), whose log sd is what the layers have left of theta."""
    return bell(x, outputs, np.exp(left))[:, 0]


def log_density(theta, x, y, D, prior, decoder, density_of_x):
    """log p(x | y) of one datum under a normal z, for the rules: (points, masses) -> a number."""
    outputs, rest = by_layers(theta, prior, y)

    def value(t, mass):
        z = outputs[:D] + np.exp(outputs[D:]) * t
        inputs = np.concatenate([z, np.broadcast_to(y, (len(z), len(y)))], axis=1)
        outputs_of_x, left = by_layers(rest, decoder, inputs)
        return np.log(np.sum(mass * np.exp(density_of_x(x, outputs_of_x, left))))

    return value


def normal_stage(rng, D, F, hidden, likelihood, n, N):
    """A Latent with a normal z, N data, and its referees."""
    prior, decoder = (F, 3, 2 * D), (D + F, hidden, n)
    model = latent(Network(prior, normal_heads), Network(decoder, likelihood))
    theta = weights(rng, model.prior.size + model.decoder.size)
    theta[:model.prior.size] /= 3       # for deviations of z near one
    y = rng.uniform(0.3, 0.9, (N, F)) * rng.choice([-1., 1.], (N, F))
    x, density_of_x = rng.uniform(-0.9, 0.9, (N, n)), of_numbers
    if likelihood == categorical:
        x, density_of_x = np.eye(n)[rng.permutation(n)[:N]], of_outcomes

    def of_one(theta, k):
        return log_density(theta, x[k], y[k], D, prior, decoder, density_of_x)

    def density():
        return by_two_orders(lambda t, mass: np.array([of_one(theta, k)(t, mass) for k in range(N)]), D)

    def slope():
        return by_two_orders(lambda t, mass: complex_step(
            lambda theta: sum(of_one(theta, k)(t, mass) for k in range(N)), theta), D)

    def summed():
        return by_two_orders(lambda t, mass: sum(of_one(theta, k)(t, mass) for k in range(N)), D)

    return dict(model=model, theta=theta, x=x, y=y, density_by_hand=density, gradient_by_hand=slope,
                marginal_by_hand=summed)


# ---- the marginal

def line_of(x, points=400):
    """Outcomes (points, 1) of a number x from minus to plus the reach, and their widths."""
    at, width = np.linspace(-x, x, points, retstep=True)
    return dict(outcomes=at[:, None], widths=np.full(points, width))


def stage_bent(rng):
    """One latent number, two of side information, x a number with one sd; three data, more than one layer."""
    stage = normal_stage(rng, D=1, F=2, hidden=4, likelihood=normal, n=1, N=3)
    return stage | line_of(20.) | dict(one_y=stage["y"][0])


def stage_plane(rng):
    """Two latent numbers, one of side information, x one of three."""
    stage = normal_stage(rng, D=2, F=1, hidden=4, likelihood=categorical, n=3, N=3)
    return stage | dict(outcomes=np.eye(3), widths=np.ones(3), one_y=stage["y"][0])


def stage_experts(rng):
    """z one of three with probabilities that depend on y, x two numbers with two heads each: K passes for a datum."""
    model = latent(Network((1, 3), categorical), Network((4, 3, 4), normal_heads))
    theta, N = 0.7 * weights(rng, model.prior.size + model.decoder.size), 3
    x, y = rng.uniform(-0.9, 0.9, (N, 2)), weights(rng, N)[:, None]

    def density(theta, k):
        logits, rest = by_layers(theta, (1, 3), y[k])
        outputs, _ = by_layers(rest, (4, 3, 4), np.column_stack([np.eye(3), np.tile(y[k], (3, 1))]))
        parts = np.exp(bell(x[k], outputs[:, :2], np.exp(outputs[:, 2:])))
        return np.log(np.sum(np.exp(log_shares(logits)) * parts[:, 0] * parts[:, 1]))

    at, width = np.linspace(-20, 20, 260, retstep=True)
    return dict(model=model, theta=theta, x=x, y=y, one_y=y[0],
                outcomes=np.array(list(itertools.product(at, repeat=2))), widths=np.full(len(at)**2, width**2),
                density_by_hand=lambda: np.array([density(theta, k) for k in range(N)]),
                gradient_by_hand=lambda: complex_step(lambda t: sum(density(t, k) for k in range(N)), theta))


def one():
    return 1.


def total_mass(outcomes, widths, one_y, theta, model):
    return mass_of_joint(outcomes, widths, one_y, theta, model)


# ---- outcomes drawn

def stage_line(rng):
    """One latent number, one of side information, x one of three; the noise of S draws of z and x."""
    stage = normal_stage(rng, D=1, F=1, hidden=3, likelihood=categorical, n=3, N=1)
    theta, y, (prior, decoder) = 1.5 * stage["theta"], stage["y"][0], [network.sizes for network in stage["model"]]
    outputs, rest = by_layers(theta, prior, y)

    def shares(t):
        z = outputs[:1] + np.exp(outputs[1:]) * t[:, None]
        return np.exp(log_shares(by_layers(rest, decoder, np.column_stack([z, np.full(len(z), y)]))[0]))

    def by_rule():
        return by_two_orders(lambda t, mass: mass @ shares(t[:, 0]), 1)

    def draw(rng, R, S):
        return np.stack([rng.standard_normal((R, S)), rng.random((R, S))], axis=-1)

    def rule(S, order):
        """Nodes of z, and for each both edges of every outcome's share of the uniform numbers, from within."""
        if (5 * order)**S > POINTS:
            return None
        t, mass = legendre(5 * order // 6, 1)
        share = shares(t[:, 0])
        top = np.cumsum(share, axis=1)
        edges = np.stack([top - (1 - 1e-6) * share, top - 1e-6 * share], axis=-1)
        nodes = np.stack([np.repeat(t[:, 0], 6), edges.ravel()], axis=-1)
        masses = np.repeat(0.5 * mass[:, None] * share, 2)
        index = np.indices((len(nodes),) * S).reshape(S, -1).T
        return nodes[index], np.prod(masses[index], axis=1)

    return dict(model=stage["model"], theta=theta, y=y, S=2, noise=Noise(draw, rule), shares_by_hand=by_rule)


# ---- side information

def stage_sides(rng):
    """A decoder of three outcomes, and three values of y with their probabilities."""
    stage = normal_stage(rng, D=1, F=1, hidden=3, likelihood=categorical, n=3, N=1)
    return dict(model=stage["model"], theta=1.5 * stage["theta"], values=rng.uniform(0.5, 1.5, 3) * [-1, 0.3, 1],
                masses=rng.dirichlet([20, 30, 40]))


def tables(values, theta, model):
    """p(x | y) (3, 3) of all outcomes for the three values of y."""
    return np.array([probabilities_of_outcomes(np.array([y]), theta, model) for y in values])


def tables_by_hand(values, theta, model):
    """For the rules: (points, masses) -> p(x | y) (3, 3)."""
    return lambda t, mass: np.exp([[log_density(theta, x, np.array([y]), 1, model.prior.sizes, model.decoder.sizes,
                                                of_outcomes)(t, mass) for x in np.eye(3)] for y in values])


def entropies_by_hand(values, masses, theta, model):
    table = tables_by_hand(values, theta, model)
    return by_two_orders(lambda t, mass: -masses @ special.entr(table(t, mass)).sum(axis=1), 1)


def nats_given_y(values, masses, theta, model):
    table = tables(values, theta, model)
    return np.sum(masses[:, None] * table * np.log(table))


def nats_without_y(values, masses, theta, model):
    """Of the best p(x) that is the same for all y: the average."""
    average = masses @ tables(values, theta, model)
    return average @ np.log(average)


def entropy_of_the_average(values, masses, theta, model):
    table = tables_by_hand(values, theta, model)
    return by_two_orders(lambda t, mass: -special.entr(masses @ table(t, mass)).sum(), 1)


# ---- the integral that is missing

def linear_model():
    """z ~ N(mu_z, sd_z^2), x | z ~ N(w z + mu_x, sd_x^2): theta = (mu_z, log sd_z, w, mu_x, log sd_x)."""
    return latent(Network((0, 2), normal_heads), Network((1, 1), normal))


def stage_narrow_linear(rng):
    """Seven data without side information."""
    theta, x = np.array([0.4, -0.3, 1., 0.3, -0.2]) + rng.uniform(-0.1, 0.1, 5), rng.uniform(-1.5, 2., 7)
    at = theta[2] * theta[0] + theta[3]
    at_mean, spread = np.sum(stats.norm.logpdf(x, at, np.exp(theta[4]))), np.exp(theta[1])
    return dict(x=x[:, None], y=np.zeros((7, 0)), theta=theta, model=linear_model(),
                marginal_by_hand=lambda: np.sum(stats.norm.logpdf(
                    x, at, np.hypot(theta[2] * spread, np.exp(theta[4])))),
                both_by_scipy=lambda: at_mean + 7 * stats.norm.logpdf(0, 0, spread),
                density_at_the_means=lambda: at_mean, log_ten_each=lambda: 7 * np.log(10))


def stage_narrow_bent(rng):
    """The networks of z and y and of y: two latent numbers."""
    stage = normal_stage(rng, D=2, F=2, hidden=4, likelihood=normal, n=1, N=5)
    theta, x, y = (stage[name] for name in ("theta", "x", "y"))
    prior, decoder = (network.sizes for network in stage["model"])
    outputs, rest = by_layers(theta, prior, y)
    means, left = by_layers(rest, decoder, np.hstack([outputs[:, :2], y]))
    at_mean = np.sum(stats.norm.logpdf(x, means, np.exp(left)))

    return dict(x=x, y=y, theta=theta, model=stage["model"], marginal_by_hand=stage["marginal_by_hand"],
                both_by_scipy=lambda: at_mean + np.sum(stats.norm.logpdf(0, 0, np.exp(outputs[:, 2:]))),
                density_at_the_means=lambda: at_mean, log_ten_each=lambda: 5 * np.log(100))


def evidence_summed(x, y, theta, model):
    return np.sum(log_evidence(x, y, theta, model))


def stage_weight(rng):
    """x | z ~ N(w z, 1), z ~ N(0, 1), and data more spread out than unit variance."""
    return dict(data=rng.uniform(1., 2.6, 9) * rng.choice([-1., 1.], 9), w=rng.uniform(0.8, 1.6), between=(0.1, 9.))


def with_weight(w):
    return np.array([0., 0., w, 0., 0.])


def moment_of_the_data(data):
    return np.sqrt(np.mean(data**2) - 1)


def top_of_the_marginal(data, between):
    """Where the slope in w is zero."""
    x, y = data[:, None], np.zeros((len(data), 0))
    return optimize.brentq(lambda w: gradient(x, y, with_weight(w), linear_model())[1][2], *between, xtol=1e-13)


def best_z_by_scipy(data, w):
    """The joint density of each datum at its best z, both by SciPy."""
    def down(z, x):
        return -stats.norm.logpdf(z) - stats.norm.logpdf(x, w * z, 1)

    return -sum(optimize.minimize_scalar(lambda z: down(z, x), tol=1e-12).fun for x in data)


def joint_at_the_best_z(data, w):
    """At z_n = w x_n / (1 + w^2), where its slope in z is zero."""
    z = (w * data / (1 + w**2))[None, :, None]
    return np.sum(log_joint(data[:, None], z, np.zeros((len(data), 0)), with_weight(w), linear_model()))


def joint_at_twice_the_weight(data, w):
    """With twice the weight, at its own best z."""
    z = (2 * w * data / (1 + 4 * w**2))[None, :, None]
    return np.sum(log_joint(data[:, None], z, np.zeros((len(data), 0)), with_weight(2 * w), linear_model()))


def twice_the_weight_by_hand(data, w):
    return -np.sum(data**2) / (2 + 8 * w**2) - len(data) * np.log(2 * np.pi)


def data_on_the_line(data):
    return -len(data) * np.log(2 * np.pi)


def no_error_left(data):
    """An infinite weight, z_n = x_n / w: nothing is left of either exponent."""
    return np.sum(np.log(stats.norm.pdf(np.zeros_like(data))**2))


# ---- what the marginal knows of phi

def stage_sums(rng):
    """phi = (mu_x, sd_x, mu_z, sd_z) at a maximum: the sums of means and of variances are the data's."""
    readings = rng.uniform(-2., 3., 11)
    share, shift = rng.uniform(0.3, 0.45), rng.uniform(0.2, 0.8)
    sd = np.std(readings)
    phi = np.array([np.mean(readings) - shift, share**0.5 * sd, shift, (1 - share)**0.5 * sd])
    return dict(readings=readings, x=readings[:, None], y=np.zeros((11, 0)), phi=phi, model=linear_model(),
                theta_of=lambda phi: anp.concatenate([phi[2:3], anp.log(phi[3:]), anp.ones(1), phi[:1],
                                                      anp.log(phi[1:2])]))


def two_and_two(readings):
    return np.repeat([-2 * len(readings) / np.var(readings), 0.], 2)


def curvatures_by_differences(readings, phi):
    """Of the normal with the sums of the means and of the variances; eigenvalues move by no more than the table."""
    def log_p(phi):
        return np.sum(bell(readings, phi[0] + phi[2], np.sqrt(phi[1]**2 + phi[3]**2)))

    table = by_differences(lambda phi: complex_step(log_p, phi), phi)
    return Estimate(np.linalg.eigvalsh(table.value), np.linalg.norm(table.error))


# ---- two modes

def stage_two_ways(rng):
    """z one of two, almost equally likely, with means on either side: two modes for each of three y."""
    model = latent(Network((1, 2), categorical), Network((3, 2), normal_heads))
    theta = np.concatenate([rng.uniform(-0.3, 0.3, 4), [1.4, -0.3, -1.6, -0.5, 0.5, 0.2, 0.2, -0.4]])
    theta[4:] += rng.uniform(-0.1, 0.1, 8)
    y = np.array([[-0.8], [0.3], [0.9]]) + rng.uniform(-0.1, 0.1, (3, 1))
    return dict(model=model, theta=theta, y=y,
                nats_by_scipy=lambda: nats_of_mixtures([two_ways(theta, one) for one in y]), **line_of(14., 500))


def two_ways(theta, y):
    """(shares, means, sds) (2,) of the two components at one y."""
    logits, rest = by_layers(theta, (1, 2), y)
    outputs, _ = by_layers(rest, (3, 2), np.column_stack([np.eye(2), np.tile(y, (2, 1))]))
    return special.softmax(logits), outputs[:, 0], np.exp(outputs[:, 1])


def nats_of_mixtures(mixtures):
    """E log p(x) under each mixture, by SciPy's quadrature of its densities, averaged."""
    def nats(shares, means, sds):
        def p(x):
            return shares @ stats.norm.pdf(x, means, sds)
        return integrate.quad(lambda x: special.xlogy(p(x), p(x)), -12, 12, points=sorted(means), limit=300,
                              epsabs=1e-12)

    return Estimate(*np.mean([nats(*mixture) for mixture in mixtures], axis=0))


def best_normal_by_search(theta, y):
    """For each y the mean and log sd of highest E log N(x), found by climbing its closed form."""
    def down(to, shares, means, sds):
        return -shares @ (bell(means, to[0], np.exp(to[1])) - 0.5 * (sds / np.exp(to[1]))**2)

    return -np.mean([optimize.minimize(down, np.zeros(2), args=two_ways(theta, one), method="BFGS",
                                       options=dict(gtol=1e-9)).fun for one in y])


# ---- bags of words

def stage_bags(rng):
    """Sentences of unequal length from three words, one of them without any of the second; a network of the plane."""
    sizes = (2, 4, 3)
    theta = weights(rng, 2 * 4 + 4 + 4 * 3 + 3)
    counts = np.array([[2, 1, 0], [1, 0, 3], [0, 0, 1], [1, 2, 2]])

    def of_each(theta, t, mass):
        log_p = log_shares(by_layers(theta, sizes, t)[0])
        return np.array([np.log(mass @ np.prod([np.exp(log_p[:, v]) for v in range(3) for _ in range(bag[v])],
                                               axis=0)) for bag in counts])

    def pairs(t, mass):
        p = np.exp(log_shares(by_layers(theta, sizes, t)[0]))
        return np.array([mass @ (p[:, v] * p[:, v]) for v in range(3)])

    def alone(t, mass):
        return np.square(np.dot(mass, np.exp(log_shares(by_layers(theta, sizes, t)[0]))))

    return dict(bags=sparse.csr_matrix(counts * 1.), sizes=sizes, theta=theta,
                word_by_word=lambda: by_two_orders(lambda t, mass: of_each(theta, t, mass), 2),
                gradient_word_by_word=lambda: by_two_orders(lambda t, mass: complex_step(
                    lambda theta: np.sum(of_each(theta, t, mass)), theta), 2),
                squares_under_the_prior=lambda: by_two_orders(pairs, 2),
                squares_by_hand=lambda: by_two_orders(alone, 2))


def twice_the_same_word(theta, sizes):
    return np.exp(bag_log_probability(2. * np.eye(3), theta, sizes))


def word_beside_itself(theta, sizes):
    """The square of each word's probability: the unigram model's. The prior of z is standard: its weights are zero."""
    D = sizes[0]
    model = latent(Network((0, 2 * D), normal_heads), Network(sizes, categorical))
    return probabilities_of_outcomes(np.zeros(0), np.concatenate([np.zeros(2 * D), theta]), model)**2


def sentences_of_three(theta, sizes):
    """All 27 sentences of three words: ten bags, each with the number of its orders."""
    bags = np.array([np.bincount(words, minlength=3) for words in
                     itertools.combinations_with_replacement(range(3), 3)], float)
    orders = special.factorial(3) / np.prod(special.factorial(bags), axis=1)
    return orders @ np.exp(bag_log_probability(bags, theta, sizes))
