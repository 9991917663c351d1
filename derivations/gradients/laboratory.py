"""Companion of laboratory.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from scipy import optimize, special, stats

from refvi import Estimate, Noise, beta, categorical, diagonal_normal, noise, normal
from refvi.base.models import linear_gaussian, mean_field, posterior, regression
from refvi.gradients.laboratory.directions import (always_aligned, direction_of_weighted_score,      # noqa: F401
                                                   draws_towards_the_mode, path_to_posterior, path_with_model,
                                                   score_to_posterior, share_towards_the_mode, towards_the_mode)
from refvi.gradients.laboratory.measure_valued import (apart_through_rule,      # noqa: F401
                                                       difference_of_two_densities, difference_of_two_means,
                                                       measure_valued, measure_valued_apart,
                                                       measure_valued_through_rule, variance_of_halves,
                                                       variance_of_halves_apart, weak_noise)
from refvi.gradients.laboratory.regression import (path_in_the_noise, score_gradient_and_score,      # noqa: F401
                                                   score_in_the_noise)
from refvi.gradients.laboratory.rows import (expected_path, expected_surrogate, gradient_of_whole,      # noqa: F401
                                             others_gradient, others_through_rule, path_through_rule, score_gradient,
                                             score_of_one_of_many, score_through_rule, variance_of_others,
                                             variance_of_path, variance_of_score)
from refvi.gradients.laboratory.study import (as_if_normal, curvature_of_equal_variance,      # noqa: F401
                                              distance_of_equal_variance, from_fourth_moment, quadratic, sine,
                                              squared_error_of_variance)
from refvi.gradients.reparameterization.rows import path_gradient      # noqa: F401
from refvi.gradients.score_function import gradient_of_density      # noqa: F401


def standard(q, lam):
    return noise(q, np.zeros(len(lam)))


def coarser(eps, factor):
    """The same noise with a rule of fewer nodes on each of its many axes: enough for an f that is quadratic."""
    return Noise(eps.draw, lambda S, order: eps.rule(S, int(order / factor)))


# ---- one signature, and exact variances: a quadratic by hand, sin(c z) by a quadrature of its own

def point(rng):
    """(mu, sigma) and lam of a normal."""
    mu, sigma = rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)
    return mu, sigma, np.array([mu, np.log(sigma)])


def stage_quadratic(rng):
    """f = (z - k)^2, a = mu - k: moments of a normal by hand."""
    mu, sigma, lam = point(rng)
    k, S, base = rng.uniform(1.3, 1.6), 2, standard(normal, lam)
    a, s = mu - k, sigma**2
    alone = np.array([8 * a**2 + 10 * s, 40 * a**2 * s + 56 * s**2])
    return dict(f=quadratic(k), q=normal, lam=lam, S=S, noise=base, base=base, truth=lambda: np.array([2 * a, 2 * s]),
                score_variance_by_hand=lambda: np.array([a**4 / s + 14 * a**2 + 15 * s, 2 * a**4 + 60 * a**2 * s + 74 * s**2]) / S,
                path_variance_by_hand=lambda: np.array([4 * s, 4 * a**2 * s + 8 * s**2]) / S,
                others_variance_by_hand=lambda: alone / S + np.array([8 * a**2 + 2 * s, 8 * a**2 * s + 8 * s**2]) / (S * (S - 1)))


def between(low, high, n=400):
    """Gauss-Legendre nodes and weights on an interval."""
    t, w = np.polynomial.legendre.leggauss(n)
    return low + (high - low) * (t + 1) / 2, (high - low) * w / 2


def under_normal(*terms):
    """Variances (k,) of functions of the standard normal t."""
    t, w = between(-13, 13)
    p = w * stats.norm.pdf(t)
    return np.array([p @ (g(t) - p @ g(t))**2 for g in terms])


def sine_terms(c, mu, sigma):
    """The terms of score and path for sin(c z), in mu and log sigma."""
    def f(t):
        return np.sin(c * (mu + sigma * t))

    def slope(t):
        return c * np.cos(c * (mu + sigma * t))

    return (lambda t: f(t) * t / sigma, lambda t: f(t) * (t**2 - 1)), (slope, lambda t: slope(t) * sigma * t)


def stage_sine(rng):
    """f = sin(c z): bounded, so that its variance is quickly estimated."""
    mu, sigma, lam = point(rng)
    c, S, base = rng.uniform(0.9, 1.1), 3, standard(normal, lam)
    score, path = sine_terms(c, mu, sigma)
    fall = np.exp(-(c * sigma)**2 / 2)
    return dict(f=sine(c), q=normal, lam=lam, S=S, noise=base, base=base, truth=lambda: fall * np.array([c * np.cos(c * mu), -(c * sigma)**2 * np.sin(c * mu)]),
                score_variance_by_hand=lambda: under_normal(*score) / S, path_variance_by_hand=lambda: under_normal(*path) / S)


def stage_fast_sine(rng):
    """The slide's counterexample, c about 10."""
    mu, sigma, c = rng.uniform(-0.1, 0.1), rng.uniform(0.9, 1.1), rng.uniform(9, 11)
    return dict(f=sine(c), q=normal, lam=np.array([mu, np.log(sigma)]), S=1, order=1024,
                score_variance_of_a_fast_sine=lambda: under_normal(*sine_terms(c, mu, sigma)[0]))


def stage_plane(rng):
    """The bound itself for log p = -z'Az/2 + h'z + const under a diagonal normal: f depends on lam."""
    mu, sigma = np.array([0.5, -0.3]) + rng.uniform(-0.1, 0.1, 2), np.array([0.7, 0.5]) + rng.uniform(-0.1, 0.1, 2)
    lam, A, h, base = np.concatenate([mu, np.log(sigma)]), np.array([[1.6, 0.5], [0.5, 2.9]]), np.array([2.6, -3.2]), standard(diagonal_normal, np.zeros(4))

    def f(z, lam):
        return -0.5 * np.sum((z @ A) * z, axis=-1) + z @ h - 2. - diagonal_normal.log_prob(z, lam)

    return dict(f=f, q=diagonal_normal, lam=lam, S=2, noise=coarser(base, 5), truth=lambda: np.concatenate([h - A @ mu, 1 - np.diag(A) * sigma**2]))


# ---- where there is no path

def stage_beta(rng):
    """z^2 under Beta(a, b): E[f] = a (a + 1) / ((a + b) (a + b + 1))."""
    lam = np.log([rng.uniform(1.8, 2.6), rng.uniform(3.1, 4.2)])
    a, b = np.exp(lam)
    mean, total = a * (a + 1) / ((a + b) * (a + b + 1)), 1 / (a + b) + 1 / (a + b + 1)
    return dict(f=lambda z, lam: z**2, q=beta._replace(transport=None), lam=lam, S=2, noise=noise(beta, lam),
                truth_without_a_path=lambda: mean * np.array([a * (1 / a + 1 / (a + 1) - total), -b * total]))


def stage_categorical(rng):
    lam, table = rng.uniform(-1, 1, 4), np.array([0.3, 1.7, -0.8, 2.6]) + rng.uniform(-0.2, 0.2, 4)
    pi = np.exp(lam) / np.exp(lam).sum()
    return dict(f=lambda z, lam: table[z], q=categorical, lam=lam, S=3, noise=noise(categorical, lam), truth_without_a_path=lambda: pi * (table - pi @ table))


def stage_step(rng):
    """A jump at c: P(z > c) falls with the distance of c from the mean."""
    mu, sigma, lam = point(rng)
    c = mu + sigma * rng.uniform(0.5, 0.9)
    t, base = (c - mu) / sigma, standard(normal, lam)
    return dict(f=lambda z, lam=None: np.where(z > c, 1., 0.) + 0. * z, q=normal, lam=lam, S=2, noise=Noise(base.draw, lambda S, order: None),
                slope_of_a_probability=lambda: stats.norm.pdf(t) * np.array([1 / sigma, t]))


# ---- the third kind

def stage_points(rng):
    """A normal density at four points, differentiated by hand."""
    mu, sigma, lam = point(rng)
    z = mu + sigma * rng.uniform([-1.5, -0.7, 0.3, 1.1], [-1.2, -0.4, 0.6, 1.4])
    t = (z - mu) / sigma
    return dict(z=z, q=normal, lam=lam, slope_of_density=lambda: stats.norm.pdf(z, mu, sigma)[:, None] * np.stack([t / sigma, t**2 - 1], axis=-1))


def stage_coupled(rng):
    """(z - k)^2 by hand: E w^2 = 2, Var w = 2 - pi/2, E m^2 = 3, E m^4 = 15, E(1 - u)^2 = 1/3, E(1 - u^2)^2 = 8/15."""
    mu, sigma, lam = point(rng)
    k, base = rng.uniform(1.3, 1.6), weak_noise()
    a, s = mu - k, sigma**2
    return dict(f=quadratic(k), q=normal, lam=lam, S=1, noise=base, base=base, known_gradient=lambda: np.array([2 * a, 2 * s]),
                coupled_variance_by_hand=lambda: np.array([(16 / np.pi - 4) * a**2, 4 * a**2 * s + 4 * s**2]))


def stage_apart(rng):
    mu, sigma, lam = point(rng)
    k, base = rng.uniform(1.3, 1.6), weak_noise(coupled=False)
    a, s = mu - k, sigma**2
    return dict(f=quadratic(k), q=normal, lam=lam, S=1, noise=base, base=base, gradient_by_hand=lambda: np.array([2 * a, 2 * s]),
                apart_variance_by_hand=lambda: np.array([((8 - 2 * np.pi) * a**2 + 4 * s) / np.pi, 16 * a**2 * s + 8 * s**2]))


def stage_coupled_sine(rng):
    """sin(c z): halves by a quadrature of its own."""
    mu, sigma, lam = point(rng)
    c, base = rng.uniform(1.2, 1.4), weak_noise()
    fall = np.exp(-(c * sigma)**2 / 2)

    def f(t):
        return np.sin(c * (mu + sigma * t))

    def variance():
        (w, p), (m, wide), (u, flat) = between(0, 12, 200), between(-12, 12, 200), between(0, 1, 40)
        jump = (p * stats.rayleigh.pdf(w)) @ (f(w) - f(-w))**2 / (2 * np.pi * sigma**2)
        spread = (wide * m**2 * stats.norm.pdf(m)) @ (f(m)[:, None] - f(np.outer(m, u)))**2 @ flat
        return np.array([jump, spread]) - gradient()**2

    def gradient():
        return fall * np.array([c * np.cos(c * mu), -(c * sigma)**2 * np.sin(c * mu)])

    return dict(f=sine(c), q=normal, lam=lam, S=1, noise=base, base=base, known_gradient=gradient, coupled_variance_by_hand=variance)


def stage_weak_plane(rng):
    """The bound in the plane: every coordinate has a pair of its own."""
    stage = stage_plane(rng)
    return dict(f=stage["f"], q=diagonal_normal, lam=stage["lam"], S=1, noise=coarser(weak_noise(2), 4 / 3), gradient_in_the_plane=stage["truth"])


# ---- the error of a measured variance: three outcomes, one of them rare and far off

def stage_outcomes(rng):
    lam, table = np.array([0.2, 0.4, -2.2]) + rng.uniform(-0.1, 0.1, 3), np.array([0.3, -0.4, 3.1]) + rng.uniform(-0.1, 0.1, 3)
    pi = np.exp(lam) / np.exp(lam).sum()

    def enumerated(S):
        """Variance of the sample variance over all S-tuples."""
        found = np.array([[np.prod(pi[list(k)]), np.var(table[list(k)], ddof=1)] for k in itertools.product(range(3), repeat=S)])
        mean = found[:, 0] @ found[:, 1]
        return found[:, 0] @ (found[:, 1] - mean)**2

    return dict(g=lambda z: table[z], q=categorical, lam=lam, S=4, noise=noise(categorical, lam), spread_of_variance=enumerated)


# ---- dimension

def stage_many(rng):
    """f = sum_d (z_d - k_d)^2 in three dimensions: own term by hand, the others' mean a_d^2 + s_d and variance 4 a_d^2 s_d + 2 s_d^2."""
    mu, sigma, k = rng.uniform(0.2, 0.8, 3), rng.uniform(0.5, 0.9, 3), rng.uniform(1.3, 1.6, 3)
    lam, a, s, S = np.concatenate([mu, np.log(sigma)]), mu - k, sigma**2, 2
    means, scatters = a**2 + s, 4 * a**2 * s + 2 * s**2
    rest, scatter = np.tile(means.sum() - means, 2), np.tile(scatters.sum() - scatters, 2)
    alone = np.concatenate([a**4 / s + 14 * a**2 + 15 * s, 2 * a**4 + 60 * a**2 * s + 74 * s**2])
    fisher = np.concatenate([1 / s, np.full(3, 2.)])
    cross = np.concatenate([a**2 / s + 3, 2 * a**2 + 10 * s])

    return dict(f=lambda z, lam=None: np.sum((z - k)**2, axis=-1), pieces=[lambda z, k=k_d: (z - k)**2 for k_d in k], q=diagonal_normal, q_one=normal, lam=lam, S=S, order=20,
                variance_of_many_by_hand=lambda: (alone + 2 * rest * cross + (scatter + rest**2) * fisher) / S, score_of_one_alone=lambda: alone / S,
                path_of_one_by_hand=lambda: np.concatenate([4 * s, 4 * a**2 * s + 8 * s**2]) / S)


# ---- where variances cross

def stage_crossings(rng):
    mu, sigma, lam = point(rng)

    def root_of_closed_form():
        def closed(c):
            return (c * sigma)**2 - 1 + (1 - 3 * (c * sigma)**2) * np.cos(2 * c * mu) * np.exp(-2 * (c * sigma)**2)
        return optimize.bisect(closed, 0.5 / sigma, 3 / sigma, xtol=1e-13)

    return dict(q=normal, lam=lam, root_of_closed_form=root_of_closed_form, distance_by_hand=lambda: sigma * np.sqrt(np.pi / (4 - np.pi)))


# ---- single draws: the regression of the slide's picture, two targets at inputs 0 and 1

def picture(rng, unit=1.):
    """(theta, x, q's lam, log joint with targets in a unit so many times as large)."""
    theta = regression([[1., 0.], [1., 1.]], prior_sd=1., noise_sd=0.1)
    x = np.array([1.054, 1.489]) + rng.uniform(-0.01, 0.01, 2)
    lam = np.concatenate([[1.5, 0.6] + rng.uniform(-0.01, 0.01, 2), np.log([0.2, 0.21])])
    return theta, x, lam, lambda z: linear_gaussian.log_joint(z, x, theta) + 2 * np.log(unit)


def by_strips(theta, x, lam, unit=1.):
    """P(weight < 0): for every first coordinate the weight is a quadratic in the second, negative outside or between its roots. An Estimate."""
    def weight(first, second):
        z = lam[:2] + np.exp(lam[2:]) * np.stack(np.broadcast_arrays(first, second), axis=-1)
        squares = np.sum((z / theta.prior_sd)**2, axis=-1) + np.sum(((x - z @ theta.y.T) / theta.noise_sd)**2, axis=-1) - first**2 - second**2
        return -0.5 * squares - 2 * np.log(theta.prior_sd) - 2 * np.log(theta.noise_sd) - np.log(2 * np.pi) + np.sum(lam[2:]) + 2 * np.log(unit)

    def share(n):
        first, h = np.linspace(-9, 9, n, retstep=True)
        back, centre, ahead = (weight(first, t) for t in (-1., 0., 1.))
        a, b = (ahead + back) / 2 - centre, (ahead - back) / 2
        root = np.sqrt(np.maximum(b**2 - 4 * a * centre, 0.))
        low, high = np.sort([(-b - root) / (2 * a), (-b + root) / (2 * a)], axis=0)
        inside = special.ndtr(high) - special.ndtr(low)
        return h * np.exp(-0.5 * first**2) @ np.where(a > 0, inside, 1 - inside) / np.sqrt(2 * np.pi)

    fine, coarse = share(2**15), share(2**14)
    return Estimate(fine, 10 * abs(fine - coarse))


def without_rule(base):
    """A share jumps where the log weight changes sign: no rule of nodes follows that."""
    return Noise(base.draw, lambda S, order: None)


def stage_picture(rng):
    theta, x, lam, log_joint = picture(rng)
    centre, P = posterior(x, theta)
    mu, s = lam[:2], np.exp(2 * lam[2:])
    Q, a = np.diag(1 / s), mu - centre

    def alignment():
        """Arrow -Pa + (Q - P) d and way -a - d, with d ~ N(0, diag s)."""
        inner = a @ P @ a - np.trace((Q - P) * s)
        return inner / np.sqrt((a @ P @ P @ a + np.trace((Q - P) * s @ (Q - P))) * (a @ a + s.sum()))

    return dict(log_joint=log_joint, q=diagonal_normal, lam=lam, S=5, noise=without_rule(noise(diagonal_normal, lam)), centre=centre,
                share_by_strips=lambda: by_strips(theta, x, lam), alignment_by_hand=alignment)


def stage_thousandths(rng):
    theta, x, lam, log_joint = picture(rng, 1000.)
    return dict(log_joint=log_joint, q=diagonal_normal, lam=lam, share_in_thousandths=lambda: by_strips(theta, x, lam, 1000.), all_of_them=lambda: 1.)


def stage_both_ways(rng):
    """Points on both sides: two near the posterior, where the weight is positive, two far from it."""
    theta, x, lam, log_joint = picture(rng)
    centre, _ = posterior(x, theta)
    z = np.stack([centre, centre + [0.02, -0.02], lam[:2] + [0.2, 0.1], lam[:2] + [-0.05, 0.25]]) + rng.uniform(-0.01, 0.01, (4, 2))
    steps = (z - lam[:2]) / np.exp(2 * lam[2:])
    log_p = stats.norm.logpdf(z, 0, 1).sum(axis=-1) + stats.norm.logpdf(x, z @ theta.y.T, 0.1).sum(axis=-1)
    sign = np.sign(log_p - stats.norm.logpdf(z, lam[:2], np.exp(lam[2:])).sum(axis=-1))
    return dict(log_joint=log_joint, q=diagonal_normal, lam=lam, z=z, direction_by_hand=lambda: sign[:, None] * steps / np.linalg.norm(steps, axis=-1, keepdims=True))


def stage_optimum(rng):
    """q at the best diagonal normal, its means off by a tenth of a standard deviation."""
    theta, x, _, log_joint = picture(rng)
    centre, P = posterior(x, theta)
    best = mean_field(x, theta)
    s = np.exp(2 * best[2:])
    a, Q = np.sqrt(s) * rng.uniform(0.05, 0.1, 2), np.diag(1 / s)

    def alignment():
        """Arrow -Pa + (Q - P) d and model's gradient -Pa - P d, with d ~ N(0, diag s)."""
        arrow, model = a @ P @ P @ a + np.trace((Q - P) * s @ (Q - P)), a @ P @ P @ a + np.trace(P * s @ P)
        return (a @ P @ P @ a - np.trace((Q - P) * s @ P)) / np.sqrt(arrow * model)

    return dict(log_joint=log_joint, q=diagonal_normal, lam=np.concatenate([centre + a, best[2:]]), alignment_near_the_optimum=alignment)


# ---- the fast path

def stage_line(rng):
    """A regression of three data; log weights of a few nats, so that a score without a baseline is soon measured."""
    theta = regression(np.column_stack([np.ones(3), np.linspace(-0.5, 0.9, 3)]), prior_sd=rng.uniform(1.1, 1.3), noise_sd=rng.uniform(0.5, 0.6))
    x = theta.y @ [0.6, 0.4] + rng.uniform(-0.3, 0.3, 3)
    mu, sigma = np.array([-0.1, 0.9]) + rng.uniform(-0.1, 0.1, 2), np.array([0.4, 0.5]) + rng.uniform(-0.05, 0.05, 2)
    lam = np.concatenate([mu, np.log(sigma)])
    precision = np.eye(2) / theta.prior_sd**2 + theta.y.T @ theta.y / theta.noise_sd**2
    return dict(f=lambda z, lam: linear_gaussian.log_joint(z, x, theta) - diagonal_normal.log_prob(z, lam), x=x, theta=theta, q=diagonal_normal, lam=lam, S=3,
                noise=standard(diagonal_normal, lam),
                gradient_of_bound=lambda: np.concatenate([theta.y.T @ x / theta.noise_sd**2 - precision @ mu, 1 - np.diag(precision) * sigma**2]))
