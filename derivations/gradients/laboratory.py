"""Companion of laboratory.md: its rows, its stages, its slips and its referees."""
import itertools

import autograd.numpy as anp
import numpy as np
from referees import coarser, few_nodes
from scipy import integrate, optimize, special, stats

from refvi import Estimate, Noise, categorical, diagonal_normal, noise, normal
from refvi.base.models import linear_gaussian, regression
from refvi.gradients.laboratory.directions import (direction_of_weighted_score,      # noqa: F401
                                                   path_to_posterior, path_with_model, score_to_posterior,
                                                   share_towards_the_mode)
from refvi.gradients.laboratory.measure_valued import (difference_of_two_densities,      # noqa: F401
                                                       difference_of_two_means, measure_valued,
                                                       measure_valued_through_rule, variance_of_halves, weak_noise)
from refvi.gradients.laboratory.rows import (expected_path, expected_surrogate, gradient_of_whole,      # noqa: F401
                                             others_gradient, path_through_rule, score_gradient, score_of_one_of_many,
                                             score_through_rule, variance_of_path, variance_of_score)
from refvi.gradients.laboratory.study import (frequency_of_equal_variance, from_fourth_moment,      # noqa: F401
                                              quadratic, sine, squared_error_of_variance)
from refvi.gradients.reparameterization.rows import path_gradient      # noqa: F401
from refvi.gradients.score_function import gradient_of_density      # noqa: F401


def standard(q, lam):
    return noise(q, np.zeros(len(lam)))


def without_rule(base):
    """A noise left to draws: no rule of nodes follows a jump."""
    return Noise(base.draw, lambda S, order: None)


# ---- one signature, and exact variances: a quadratic by hand, sin(k z) by SciPy's quadrature

def point(rng):
    """(mu, sigma) and lam of a normal."""
    mu, sigma = rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8)
    return mu, sigma, np.array([mu, np.log(sigma)])


def stage_quadratic(rng):
    """f = (z - k)^2, a = mu - k: moments of a normal by hand."""
    mu, sigma, lam = point(rng)
    k, S, base = rng.uniform(1.3, 1.6), 3, standard(normal, lam)
    a, s = mu - k, sigma**2

    return dict(f=quadratic(k), q=normal, lam=lam, S=S, noise=base, base=base,
                truth=lambda: np.array([2 * a, 2 * s]),
                score_variance_by_hand=lambda: score_of_a_square(a, s) / S,
                path_variance_by_hand=lambda: path_of_a_square(a, s) / S)


def score_of_a_square(a, s):
    """Variance of (z - k)^2 times the score, in mu and log sigma."""
    return np.array([a**4 / s + 14 * a**2 + 15 * s, 2 * a**4 + 60 * a**2 * s + 74 * s**2])


def path_of_a_square(a, s):
    """Variance of the slope of (z - k)^2 times that of the transport, in mu and log sigma."""
    return np.array([4 * s, 4 * a**2 * s + 8 * s**2])


def on(low, high, n):
    """Gauss-Legendre nodes and weights on an interval."""
    t, w = special.roots_legendre(n)
    return low + (high - low) * (t + 1) / 2, (high - low) * w / 2


def spread_under_normal(*terms, end=12., orders=(500, 400)):
    """Variances (k,) of functions of the standard normal t, on Gauss-Legendre nodes; an Estimate of two orders."""
    def spreads(n):
        t, w = on(-end, end, n)
        p = w * stats.norm.pdf(t)
        return np.array([p @ (g(t) - p @ g(t))**2 for g in terms])

    fine, coarse = map(spreads, orders)
    return Estimate(fine, np.abs(fine - coarse))


def over(estimate, S):
    """An Estimate divided by S."""
    return Estimate(estimate.value / S, estimate.error / S)


def sine_of(k, mu, sigma):
    """sin(k z) as a function of the standard normal t."""
    return lambda t: np.sin(k * (mu + sigma * t))


def score_of_a_sine(k, mu, sigma):
    """Variances of sin(k z) times the score, in mu and log sigma."""
    f = sine_of(k, mu, sigma)
    return spread_under_normal(lambda t: f(t) * t / sigma, lambda t: f(t) * (t**2 - 1))


def path_of_a_sine(k, mu, sigma):
    """Variances of the slope of sin(k z) times that of the transport, in mu and log sigma."""
    def slope(t):
        return k * np.cos(k * (mu + sigma * t))

    return spread_under_normal(slope, lambda t: slope(t) * sigma * t)


def gradient_of_a_sine(k, mu, sigma):
    """E sin(k z) = exp(-(k sigma)^2 / 2) sin(k mu), differentiated."""
    fall = np.exp(-(k * sigma)**2 / 2)
    return fall * np.array([k * np.cos(k * mu), -(k * sigma)**2 * np.sin(k * mu)])


def stage_sine(rng):
    """f = sin(k z), three draws."""
    mu, sigma, lam = point(rng)
    k, S, base = rng.uniform(0.9, 1.1), 3, standard(normal, lam)
    return dict(f=sine(k), q=normal, lam=lam, S=S, noise=base, base=base,
                truth=lambda: gradient_of_a_sine(k, mu, sigma),
                score_variance_by_hand=lambda: over(score_of_a_sine(k, mu, sigma), S),
                path_variance_by_hand=lambda: over(path_of_a_sine(k, mu, sigma), S))


def stage_scaled_sine(rng):
    """f = sigma sin(k z), which changes by itself with log sigma."""
    mu, sigma, lam = point(rng)
    k, S, base = rng.uniform(0.9, 1.1), 3, standard(normal, lam)
    g = sine_of(k, mu, sigma)

    def by_score():
        return over(spread_under_normal(lambda t: g(t) * t, lambda t: sigma * g(t) * t**2), S)

    def by_path():
        def slope(t):
            return sigma * k * np.cos(k * (mu + sigma * t))
        return over(spread_under_normal(slope, lambda t: slope(t) * sigma * t + sigma * g(t)), S)

    return dict(f=lambda z, lam: anp.exp(lam[..., 1]) * sine(k)(z, lam), q=normal, lam=lam, S=S, base=base,
                score_variance_by_hand=by_score, path_variance_by_hand=by_path)


def stage_fast_sine(rng):
    """The slide's counterexample, k about 10."""
    mu, sigma, k, S = rng.uniform(-0.1, 0.1), rng.uniform(0.9, 1.1), rng.uniform(9, 11), 2
    return dict(f=sine(k), q=normal, lam=np.array([mu, np.log(sigma)]), S=S,
                score_variance_of_a_fast_sine=lambda: over(score_of_a_sine(k, mu, sigma), S),
                path_variance_of_a_fast_sine=lambda: over(path_of_a_sine(k, mu, sigma), S))


def in_space(rng):
    """(f, lam, gradient): f is log p = -z'Az/2 + h'z - 2 and q's entropy, half of it in closed form, without its
    constant, and half as -log q; what f changes by itself depends on z, and has another mean than zero."""
    A, h = np.array([[1.6, 0.5, -0.4], [0.5, 2.9, 0.3], [-0.4, 0.3, 2.1]]), np.array([2.6, -3.2, 1.1])
    mu = np.array([0.5, -0.3, 0.8]) + rng.uniform(-0.1, 0.1, 3)
    sigma = np.array([0.7, 0.5, 0.6]) + rng.uniform(-0.1, 0.1, 3)

    def f(z, lam):
        log_p = -0.5 * anp.sum((z @ A) * z, axis=-1) + z @ h - 2.
        return log_p + 0.5 * (anp.sum(lam[..., 3:], axis=-1) - diagonal_normal.log_prob(z, lam))

    def gradient():
        return np.concatenate([h - A @ mu, 1 - np.diag(A) * sigma**2])

    return f, np.concatenate([mu, np.log(sigma)]), gradient


def with_few_nodes():
    """The diagonal normal with 24 nodes on each of three axes."""
    return diagonal_normal._replace(nodes=lambda lam, order=24: diagonal_normal.nodes(lam, order))


def stage_space(rng):
    """The bound in three dimensions: f depends on lam."""
    f, lam, gradient = in_space(rng)
    return dict(f=f, q=with_few_nodes(), lam=lam, S=2, noise=few_nodes(3), truth=gradient)


# ---- where no path is asked for, and where it is wrong

def stage_categorical(rng):
    """A table of values under a categorical, drawn from where it stands."""
    lam, table = rng.uniform(-1, 1, 4), np.array([0.3, 1.7, -0.8, 2.6]) + rng.uniform(-0.2, 0.2, 4)
    pi, S = np.exp(lam) / np.exp(lam).sum(), 3
    terms = table[:, None] * (np.eye(4) - pi)
    return dict(f=lambda z, lam: table[z], q=categorical, lam=lam, S=S, base=noise(categorical, lam),
                score_variance_by_hand=lambda: pi @ (terms - pi @ terms)**2 / S)


def stage_step(rng):
    """f = 1 above c, zero below: P(z > c) falls with the distance of c from the mean."""
    mu, sigma, lam = point(rng)
    c = mu + sigma * rng.uniform(0.5, 0.9)

    # + 0 z: zero times z, so that autograd has something to differentiate
    return dict(f=lambda z, lam=None: np.where(z > c, 1., 0.) + 0. * z, q=normal, lam=lam, S=2, scale=1., c=c,
                noise=without_rule(standard(normal, lam)), zero_everywhere=lambda: np.zeros(2))


def slope_of_a_probability(c, lam):
    """Of 1 - Phi(t), t = (c - mu) / sigma."""
    t = (c - lam[0]) / np.exp(lam[1])
    return np.exp(-0.5 * t**2) / np.sqrt(2 * np.pi) * np.array([np.exp(-lam[1]), t])


def integral_beyond_the_jump(c, lam):
    mu, sigma = lam[0], np.exp(lam[1])

    def beyond(u_of):
        return integrate.quad(lambda z: stats.norm.pdf(z, mu, sigma) * u_of((z - mu) / sigma),
                              c, np.inf, epsabs=1e-12)

    in_mu, in_log_sigma = beyond(lambda t: t / sigma), beyond(lambda t: t**2 - 1)
    return Estimate(np.array([in_mu[0], in_log_sigma[0]]), np.array([in_mu[1], in_log_sigma[1]]))


# ---- the third kind

def stage_points(rng):
    """A normal density at four points, differentiated by hand."""
    mu, sigma, lam = point(rng)
    z = mu + sigma * rng.uniform([-1.5, -0.7, 0.3, 1.1], [-1.2, -0.4, 0.6, 1.4])
    t = (z - mu) / sigma
    return dict(z=z, q=normal, lam=lam,
                slope_of_density=lambda: (stats.norm.pdf(z, mu, sigma)[:, None]
                                          * np.stack([t / sigma, t**2 - 1], axis=-1)))


def stage_coupled(rng):
    """(z - k)^2 by hand, with eta Rayleigh, zeta Maxwell, tau uniform.

    E eta^2 = 2, Var eta = 2 - pi/2, E zeta^2 = 3, E zeta^4 = 15, E(1 - tau)^2 = 1/3, E(1 - tau^2)^2 = 8/15.
    """
    mu, sigma, lam = point(rng)
    k, base, S = rng.uniform(1.3, 1.6), weak_noise(), 2
    a, s = mu - k, sigma**2
    return dict(f=quadratic(k), q=normal, lam=lam, S=S, noise=base, base=base,
                known_gradient=lambda: np.array([2 * a, 2 * s]),
                coupled_variance_by_hand=lambda: np.array([(16 / np.pi - 4) * a**2, 4 * a**2 * s + 4 * s**2]) / S)


def halves_of_a_sine(k, mu, sigma):
    """Variance of a single measure-valued draw of sin(k z), SciPy's densities on Gauss nodes; an Estimate of two
    orders."""
    f = sine_of(k, mu, sigma)

    def by_nodes(n):
        (t, p), (tau, flat), (eta, rayleigh) = on(-12, 12, n), on(0, 1, 40), on(0, 12, n)
        rayleigh, maxwell = rayleigh * stats.rayleigh.pdf(eta), p * t**2 * stats.norm.pdf(t)

        def spread(w, values):
            return np.sum(w * (values - np.sum(w * values))**2)

        return np.array([spread(rayleigh, f(eta) - f(-eta)) / (2 * np.pi * sigma**2),
                         spread(np.outer(maxwell, flat), f(t)[:, None] - f(np.outer(t, tau)))])

    fine, coarse = by_nodes(200), by_nodes(150)
    return Estimate(fine, np.abs(fine - coarse))


def stage_coupled_sine(rng):
    """One draw: the rule of two, seven nodes on each of six axes, does not follow a sine."""
    mu, sigma, lam = point(rng)
    k, base = rng.uniform(1.2, 1.4), weak_noise()
    return dict(f=sine(k), q=normal, lam=lam, S=1, noise=base, base=base,
                known_gradient=lambda: gradient_of_a_sine(k, mu, sigma),
                coupled_variance_by_hand=lambda: halves_of_a_sine(k, mu, sigma))


def stage_weak_space(rng):
    """The bound in three dimensions: every coordinate has a pair of its own, and keeps its normal draw in the
    others' pairs."""
    f, lam, gradient = in_space(rng)
    return dict(f=f, q=with_few_nodes(), lam=lam, S=1, noise=coarser(weak_noise(3), 4 / 3), gradient_in_space=gradient)


# ---- the error of a measured variance: three outcomes, one of them rare and far off

def stage_outcomes(rng):
    """Values of a categorical."""
    lam = np.array([0.2, 0.4, -2.2]) + rng.uniform(-0.1, 0.1, 3)
    table = np.array([0.3, -0.4, 3.1]) + rng.uniform(-0.1, 0.1, 3)
    pi = np.exp(lam) / np.exp(lam).sum()

    def enumerated(S):
        """Variance of the sample variance over all S-tuples."""
        tuples = [list(outcomes) for outcomes in itertools.product(range(3), repeat=S)]
        chance = np.array([np.prod(pi[outcomes]) for outcomes in tuples])
        found = np.array([np.var(table[outcomes], ddof=1) for outcomes in tuples])
        return chance @ (found - chance @ found)**2

    return dict(g=lambda z: table[z], q=categorical, lam=lam, S=4, noise=noise(categorical, lam),
                spread_of_variance=enumerated)


# ---- dimension

def stage_many(rng):
    """f = sum_d (z_d - k_d)^2: own terms by hand; the others have mean a_d^2 + s_d and variance 4 a_d^2 s_d + 2
    s_d^2."""
    mu, sigma, k, S = rng.uniform(0.2, 0.8, 3), rng.uniform(0.5, 0.9, 3), rng.uniform(1.3, 1.6, 3), 2
    lam, a, s = np.concatenate([mu, np.log(sigma)]), mu - k, sigma**2

    def many():
        means, scatters = a**2 + s, 4 * a**2 * s + 2 * s**2
        rest, scatter = np.tile(means.sum() - means, 2), np.tile(scatters.sum() - scatters, 2)
        fisher = np.concatenate([1 / s, np.full(3, 2.)])
        cross = np.concatenate([a**2 / s + 3, 2 * a**2 + 10 * s])
        return (score_of_a_square(a, s).ravel() + 2 * rest * cross + (scatter + rest**2) * fisher) / S

    return dict(f=lambda z, lam=None: anp.sum((z - k)**2, axis=-1), pieces=[lambda z, k=k_d: (z - k)**2 for k_d in k],
                q=diagonal_normal, q_one=normal, lam=lam, S=S, variance_of_many_by_hand=many)


# ---- where variances cross

def stage_frequency(rng):
    mu, sigma, lam = point(rng)
    low, high = 0.5 / sigma, 3 / sigma

    def root_of_closed_form():
        def closed(k):
            fast = (k * sigma)**2
            return fast - 1 + (1 - 3 * fast) * np.cos(2 * k * mu) * np.exp(-2 * fast)
        return optimize.bisect(closed, low, high, xtol=1e-13)

    return dict(q=normal, lam=lam, low=low, high=high, root_of_closed_form=root_of_closed_form)


# ---- single draws: the regression of the slide's picture, two targets at inputs 0 and 1

INPUTS, PRIOR_SD, NOISE_SD = np.array([[1., 0.], [1., 1.]]), 1., 0.1


def picture(rng):
    """(x, lam of q) near the slide's picture."""
    x = np.array([1.054, 1.489]) + rng.uniform(-0.01, 0.01, 2)
    return x, np.concatenate([[1.5, 0.6] + rng.uniform(-0.01, 0.01, 2), np.log([0.2, 0.21])])


def in_unit(x, unit=1.):
    """log p(x, z) with the targets in a unit so many times as large."""
    theta = regression(INPUTS, prior_sd=PRIOR_SD, noise_sd=NOISE_SD)
    return lambda z: linear_gaussian.log_joint(z, x, theta) + len(x) * np.log(unit)


def exact_posterior(x):
    """Mean and precision of p(z | x)."""
    P = np.eye(2) / PRIOR_SD**2 + INPUTS.T @ INPUTS / NOISE_SD**2
    return np.linalg.solve(P, INPUTS.T @ x) / NOISE_SD**2, P


def log_weight_by_scipy(z, x, lam, unit=1.):
    """log p(x, z) - log q(z) at z (..., 2)."""
    log_p = stats.norm.logpdf(z, 0, PRIOR_SD).sum(axis=-1) + stats.norm.logpdf(x, z @ INPUTS.T, NOISE_SD).sum(axis=-1)
    return log_p + len(x) * np.log(unit) - stats.norm.logpdf(z, lam[:2], np.exp(lam[2:])).sum(axis=-1)


def by_strips(x, lam, unit=1.):
    """P(log weight < 0), an Estimate: for every first coordinate it is a quadratic in the second, negative outside
    or between its roots."""
    def weight(first, second):
        noise = np.stack(np.broadcast_arrays(first, second), axis=-1)
        return log_weight_by_scipy(lam[:2] + np.exp(lam[2:]) * noise, x, lam, unit)

    def share(n):
        first, h = np.linspace(-9, 9, n, retstep=True)
        back, centre, ahead = (weight(first, t) for t in (-1., 0., 1.))
        a, b = (ahead + back) / 2 - centre, (ahead - back) / 2
        root = np.sqrt(np.maximum(b**2 - 4 * a * centre, 0.))
        low, high = np.sort([(-b - root) / (2 * a), (-b + root) / (2 * a)], axis=0)
        inside = special.ndtr(high) - special.ndtr(low)
        return h * stats.norm.pdf(first) @ np.where(a > 0, inside, 1 - inside)

    fine, coarse = share(2**14), share(2**13)
    return Estimate(fine, 10 * abs(fine - coarse))


def path_and_way(a, P, s):
    """Alignment of the path's arrow -Pa + (Q - P) d with the way -a - d to the posterior's mean, d ~ N(0, diag s), Q
    = diag 1/s."""
    rest = np.diag(1 / s) - P
    inner = a @ P @ a - np.trace(rest * s)
    return inner / np.sqrt((a @ P @ P @ a + np.trace(rest * s @ rest)) * (a @ a + s.sum()))


def path_and_model(a, P, s):
    """Alignment of the path's arrow -Pa + (Q - P) d with the model's gradient -Pa - P d, d ~ N(0, diag s), Q = diag
    1/s."""
    rest = np.diag(1 / s) - P
    arrow, model = a @ P @ P @ a + np.trace(rest * s @ rest), a @ P @ P @ a + np.trace(P * s @ P)
    return (a @ P @ P @ a - np.trace(rest * s @ P)) / np.sqrt(arrow * model)


def by_hermite(arrow, other, lam, order=8):
    """The alignment under q(lam) of arrow(z, d) and other(z), polynomials in the noise d = (z - mu) / sigma, on
    Gauss-Hermite nodes, whose weights need not sum to one."""
    t, w = np.polynomial.hermite_e.hermegauss(order)
    d = np.stack([axis.ravel() for axis in np.meshgrid(t, t, indexing="ij")], axis=-1)
    p, z = np.outer(w, w).ravel(), lam[:2] + np.exp(lam[2:]) * d
    v, way = arrow(z, d), other(z)
    inner, first, second = (np.einsum("n,nd,nd", p, *pair) for pair in ((v, way), (v, v), (way, way)))
    return inner / np.sqrt(first * second)


def stage_picture(rng):
    x, lam = picture(rng)
    centre, P = exact_posterior(x)

    def weighted_score(z, d):
        return log_weight_by_scipy(z, x, lam)[:, None] * d / np.exp(lam[2:])

    return dict(log_joint=in_unit(x), q=diagonal_normal, lam=lam, centre=centre,
                alignment_by_hand=lambda: path_and_way(lam[:2] - centre, P, np.exp(2 * lam[2:])),
                scores_by_hermite=lambda: by_hermite(weighted_score, lambda z: centre - z, lam))


def by_characteristic_function(lam, centre, P, at_the_mean):
    """P(log weight < 0) = 1/2 - int_0^inf Im phi(t) / (pi t) dt, phi that of a quadratic in two normals (Imhof
    1961), from its value at the mean of q and the posterior's centre and precision. An Estimate."""
    sd = np.exp(lam[2:])
    M = sd[:, None] * P * sd - np.eye(2)            # log weight at_the_mean + h.eps - eps'M eps / 2
    m, axes = np.linalg.eigh(M)
    h = axes.T @ (sd * (P @ (centre - lam[:2])))

    def up_to(limit, panels=20, order=20):
        """The integral to where it has decayed, on panels to each unit, far smaller than an oscillation."""
        starts, (t, w) = np.arange(panels * limit) / panels, on(0, 1 / panels, order)
        t = (starts[:, None] + t).ravel()
        stretched = 1 + 1j * t[:, None] * m
        exponent = 1j * t * at_the_mean - 0.5 * t**2 * np.sum(h**2 / stretched, axis=-1)
        phi = np.exp(exponent) / np.prod(np.sqrt(stretched), axis=-1)
        return 0.5 - np.sum(np.tile(w, len(starts)) * phi.imag / (np.pi * t))

    far, near = up_to(limit=500), up_to(limit=250)
    return Estimate(far, abs(far - near))


def stage_thousandths(rng):
    """Targets in a unit a thousand times as large; the slip takes the share in the picture's own unit for that of
    any."""
    x, lam = picture(rng)
    centre, P = exact_posterior(x)
    return dict(log_joint=in_unit(x, 1000.), q=diagonal_normal, lam=lam, centre=centre, P=P,
                at_the_mean=log_weight_by_scipy(lam[:2], x, lam),
                share_in_thousandths=lambda: by_strips(x, lam, 1000.), whatever_the_unit=lambda: by_strips(x, lam))


def towards_the_mode(z, lam):
    """The slip: unit vectors (k, D) from the points to the mode of q, wherever the weight is positive too."""
    way = lam[:z.shape[-1]] - z
    return way / np.linalg.norm(way, axis=-1, keepdims=True)


def stage_both_ways(rng):
    """Points on both sides: two near the posterior, where the weight is positive, two far from it."""
    x, lam = picture(rng)
    centre, _ = exact_posterior(x)
    z = np.stack([centre, centre + [0.02, -0.02], lam[:2] + [0.2, 0.1], lam[:2] + [-0.05, 0.25]])
    z = z + rng.uniform(-0.01, 0.01, (4, 2))
    steps, sign = (z - lam[:2]) / np.exp(2 * lam[2:]), np.sign(log_weight_by_scipy(z, x, lam))

    def by_angle():
        """The way to the mode by its angle with the first axis."""
        angle = np.arctan2(*(lam[:2] - z).T[::-1])
        return np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    return dict(log_joint=in_unit(x), q=diagonal_normal, lam=lam, z=z, by_angle=by_angle,
                direction_by_hand=lambda: sign[:, None] * steps / np.linalg.norm(steps, axis=-1, keepdims=True))


def stage_optimum(rng):
    """q at the best diagonal normal, its means off by a tenth of a standard deviation; far: the picture's q."""
    x, far = picture(rng)
    centre, P = exact_posterior(x)
    s = 1 / np.diag(P)
    a = np.sqrt(s) * rng.uniform(0.05, 0.1, 2)

    def far_away_by_hermite():
        def model(z):
            return (centre - z) @ P
        return by_hermite(lambda z, d: model(z) + d / np.exp(far[2:]), model, far)

    return dict(log_joint=in_unit(x), q=diagonal_normal, lam=np.concatenate([centre + a, 0.5 * np.log(s)]),
                alignment_near_the_optimum=lambda: path_and_model(a, P, s), far_away_by_hermite=far_away_by_hermite,
                alignment_far_away=lambda: path_and_model(far[:2] - centre, P, np.exp(2 * far[2:])))
