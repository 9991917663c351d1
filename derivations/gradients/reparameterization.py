"""Companion of reparameterization.md: its rows, its stages and its referees."""
import autograd.numpy as anp
import numpy as np
from referees import by_differences
from scipy import special, stats

from refvi import Family, Noise, diagonal_normal, noise, normal
from refvi.base.core import gradient_of_each
from refvi.base.models import linear_gaussian, posterior, regression
from refvi.gradients.reparameterization.regression import (draws_by_hand, expected_by_hand,      # noqa: F401
                                                           moments_of_noise, one_and_noise, one_and_scaled_noise,
                                                           pull_of_approximation, pull_of_prior,
                                                           residuals_over_variance)
from refvi.gradients.reparameterization.rows import (density_of_transported, difference_of_slopes,      # noqa: F401
                                                     edge_added, gradient_exchanged, gradient_of_expectation,
                                                     in_terms_of_noise, minus_explicit_part, over_noise,
                                                     partial_of_density, path_and_explicit_part, path_estimate,
                                                     path_gradient, path_of_each, path_part, score_of_carried_draws,
                                                     slope_of_the_model, slope_of_the_weight, total_derivative,
                                                     total_of_density, variance_of_path, variance_of_total)
from refvi.gradients.score_function import expected_score, expected_weighted_score      # noqa: F401


# ---- what the slide has, and what squared errors average to

def plus_explicit_part(points, log_joint, q, lam):
    """The slide's sign, for single draws."""
    return path_of_each(points, log_joint, q, lam) + partial_of_density(points, q, lam)


def plus_on_average(log_joint, q, lam):
    """The slide's sign, averaged: the term that it turns has mean zero."""
    return over_noise(lambda eps: plus_explicit_part(eps, log_joint, q, lam), q, lam)


def total_derivative_added(log_joint, q, lam):
    """The slide to the letter: its last term is the total derivative of log q, which has no mean of zero."""
    def terms(eps):
        return path_of_each(eps, log_joint, q, lam) + total_of_density(eps, q, lam)
    return over_noise(terms, q, lam)


def squared_error_of_path(eps, log_joint, q, lam, gradient_of_bound):
    return (path_estimate(eps, log_joint, q, lam) - gradient_of_bound())**2


def squared_error_of_total(eps, f, q, lam, gradient_of_bound):
    return (path_gradient(eps, f, q, lam) - gradient_of_bound())**2


# ---- one and two latent variables under a log joint that is no normal

def carried_by_hand(log_joint, q, lam, points):
    """What single draws ask for: SciPy's densities at z = mu + sigma eps, differentiated by differences."""
    D = len(lam) // 2
    sigma, eps = np.exp(lam[D:]), points.reshape(len(points), D)
    shape = (lambda v: v[..., 0]) if q is normal else (lambda v: v)

    def carry(lam):
        return lam[:D] + np.exp(lam[D:]) * eps

    def log_q(z, lam):
        return np.sum(stats.norm.logpdf(z, lam[:D], np.exp(lam[D:])), axis=-1)

    def weight(z, lam):
        return log_joint(shape(z)) - log_q(z, lam)

    def weight_and_twice_the_score(at):
        return weight(carry(at), at) + 2 * log_q(carry(lam), at)

    def in_each_z(g):
        """The gradient of g(z) (k,) in every z."""
        found = by_differences(lambda shift: g(carry(lam) + shift), np.zeros(D))
        return found._replace(value=shape(found.value), error=shape(found.error))

    def in_the_mean():
        found = by_differences(lambda mu: weight(carry(np.append(mu, lam[D:])), np.append(mu, lam[D:])), lam[:D])
        return found._replace(value=shape(found.value), error=shape(found.error))

    return dict(
        q=q, lam=lam, points=points, log_joint=log_joint, f=lambda z, lam: log_joint(z) - q.log_prob(z, lam),
        S=2, noise=noise(q, 0 * lam),
        density_by_scipy=lambda: log_q(carry(lam), lam),
        slope_along_a_path=lambda: by_differences(lambda at: weight(carry(at), at), lam),
        twice_the_score_too_many=lambda: by_differences(weight_and_twice_the_score, lam),
        slope_in_the_mean=in_the_mean,
        slope_of_the_weight_alone=lambda: in_each_z(lambda z: weight(z, lam)),
        height_changes_alone=lambda: np.tile(np.repeat([0., -1.], D), (len(points), 1)),
        score_of_a_normal=lambda: np.concatenate([eps / sigma, eps**2 - 1], axis=-1))


def quartic(a, c, mu, sigma, points):
    """log p = c z - a z^4 / 4, of one variable: E[z^4] = mu^4 + 6 mu^2 sigma^2 + 3 sigma^4."""
    stage = carried_by_hand(lambda z: c * z - a / 4 * z**4, normal, np.array([mu, np.log(sigma)]), points)

    energy = np.array([c - a * (mu**3 + 3 * mu * sigma**2), -3 * a * (mu**2 * sigma**2 + sigma**4)])

    def spread(explicit):
        """Variance of (c - a z^3 + explicit eps / sigma) (1, sigma eps) over S = 2, a polynomial on Hermite nodes."""
        t, mass = np.polynomial.hermite_e.hermegauss(20)
        mass, slope = mass / mass.sum(), c - a * (mu + sigma * t)**3 + explicit * t / sigma
        terms = slope[:, None] * np.stack([np.ones(20), sigma * t], axis=-1)
        return (mass @ terms**2 - (mass @ terms)**2) / 2

    return stage | dict(scale=1., gradient_of_energy=lambda: energy, gradient_of_bound=lambda: energy + [0., 1.],
                        path_by_moments=lambda: spread(1.), total_by_moments=lambda: spread(0.))


def stage_quartic(rng):
    points = np.array([1.3, -0.7, 0.1]) + rng.uniform(-0.1, 0.1, 3)
    a, c, mu, sigma = rng.uniform([0.6, 1.4, -0.6, 0.4], [0.9, 1.8, -0.3, 0.55])
    return quartic(a, c, mu, sigma, points)


def stage_quoted():
    """The draw of the worked number: eps = 1.3 at mu = 0.4 and sigma = 0.7, with log p = z - 0.75 z^4 / 4."""
    stage = quartic(0.75, 1., 0.4, 0.7, np.array([1.3]))
    names = "log_joint", "q", "lam", "points", "slope_along_a_path", "twice_the_score_too_many"
    return {name: stage[name] for name in names}


def stage_plane(rng):
    """log p = sin(c'z) - z'Az/2, of two variables: E[sin(c'z)] = sin(c'mu) exp(-sum_d c_d^2 sigma_d^2 / 2)."""
    lam = np.concatenate([rng.uniform(0.8, 1.1, 2), rng.uniform(-0.9, -0.6, 2)])
    A = np.array([[1.3, 0.5], [0.5, 0.9]]) + rng.uniform(0, 0.1)
    c = np.array([0.8, -0.6]) + rng.uniform(-0.1, 0.1, 2)
    points = np.array([[1.3, -0.6], [-0.8, 1.2], [0.2, -0.1]]) + rng.uniform(-0.1, 0.1, (3, 2))
    mu, sigma = lam[:2], np.exp(lam[2:])
    fall, at = np.exp(-0.5 * np.sum((c * sigma)**2)), c @ mu

    def log_joint(z):
        return anp.sin(z @ c) - 0.5 * anp.sum((z @ A) * z, axis=-1)

    of_mu, of_log_sigma = fall * np.cos(at) * c - A @ mu, -np.diag(A) * sigma**2 - (c * sigma)**2 * np.sin(at) * fall
    return carried_by_hand(log_joint, diagonal_normal, lam, points) | dict(
        scale=1., gradient_of_energy=lambda: np.concatenate([of_mu, of_log_sigma]),
        gradient_of_bound=lambda: np.concatenate([of_mu, 1 + of_log_sigma]))


# ---- the regression: x_n = z_0 + z_1 y_n + noise

def line(x, theta, lam, S=2):
    """The bound's gradient and the variances by hand: the slope of log p is h - P z, and z = mu + sigma eps."""
    P, h = np.eye(2) / theta.prior_sd**2 + theta.y.T @ theta.y / theta.noise_sd**2, theta.y.T @ x / theta.noise_sd**2
    mu, sigma, own = lam[:2], np.exp(lam[2:]), np.diag(P)
    pull = h - P @ mu
    others = P**2 @ sigma**2 - own**2 * sigma**2        # sum over the other coordinates of P_dj^2 sigma_j^2

    def spread(own_slope):
        """Variances over S of slope (1, sigma_d eps_d); own_slope is the factor of eps_d in the d-th slope."""
        of_sigma = sigma**2 * (pull**2 + others + 2 * own_slope**2)
        return np.concatenate([others + own_slope**2, of_sigma]) / S

    return dict(
        x=x, theta=theta, q=diagonal_normal, lam=lam, log_joint=lambda z: linear_gaussian.log_joint(z, x, theta),
        S=S, noise=noise(diagonal_normal, 0 * lam),
        gradient_of_a_regression=lambda: np.concatenate([pull, 1 - own * sigma**2]),
        path_in_closed_form=lambda: spread(1 / sigma - own * sigma), total_in_closed_form=lambda: spread(own * sigma),
        fisher_information=lambda: np.concatenate([1 / sigma**2, [2., 2.]]) / S)


def problem(rng, spread):
    """A regression whose posterior is correlated; q's variances are `spread` over the diagonal of its precision."""
    y = np.column_stack([np.ones(5), np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)])
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.7, 0.9))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 5)
    mean, precision = posterior(x, theta)
    away = rng.uniform(0.2, 0.3, 2) * [1, -1]
    return x, theta, np.concatenate([mean + away, 0.5 * np.log(spread / np.diag(precision))])


def only(stage, *names):
    return {name: stage[name] for name in ("q", "lam", "log_joint", "S", *names)}


def stage_wide(rng):
    """About as wide as the best normal."""
    return line(*problem(rng, rng.uniform(0.8, 1.2, 2)))


def stage_narrow(rng):
    """Less than half the variance of the best normal, as q is at a cautious start."""
    stage = line(*problem(rng, rng.uniform(0.15, 0.25, 2)))
    return only(stage) | dict(path_of_a_narrow_q=stage["path_in_closed_form"],
                              total_of_a_narrow_q=stage["total_in_closed_form"])


def stage_at_the_posterior(rng):
    """Inputs that are orthogonal: the posterior factorizes, and q is the posterior."""
    y = np.array([[1., 1., 1., 1.], [1., -1., 1., -1.]]).T * rng.uniform(0.7, 1.3, 2)
    theta = regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.6, 0.8))
    x = y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 4)
    mean, precision = posterior(x, theta)
    stage = line(x, theta, np.concatenate([mean, -0.5 * np.log(np.diag(precision))]))
    return only(stage, "fisher_information") | dict(scale=1., no_variance=lambda: np.zeros(4))


def stage_slopes(rng):
    """The code task's gradients at three weight vectors, by differences of SciPy's densities."""
    y = np.linspace(-0.3, 1.1, 5) + rng.uniform(-0.05, 0.05, 5)
    inputs = np.column_stack([np.ones(5), y])
    theta = regression(inputs, prior_sd=rng.uniform(1.5, 2.), noise_sd=rng.uniform(0.6, 0.8))
    x = 0.9 + 0.6 * y + rng.uniform(-0.5, 0.5, 5)
    z = np.array([[1.3, -0.8], [0.2, 1.9], [-0.5, 0.4]]) + rng.uniform(-0.1, 0.1, (3, 2))
    mu, sigma = rng.uniform(0.3, 0.7, 2), rng.uniform(0.4, 0.6, 2)

    def likelihood(z):
        return stats.norm.logpdf(x, z[:, :1] + z[:, 1:] * y, theta.noise_sd).sum(axis=-1)

    def slope(log_density):
        """The gradient of log_density(z) (k,) in the z of each of the three vectors. (3, 2)"""
        return lambda: by_differences(lambda shift: log_density(z + shift), np.zeros(2))

    return dict(x=x, z=z, theta=theta, mu=mu, sigma=sigma, slope_of_likelihood=slope(likelihood),
                slope_of_prior=slope(lambda z: stats.norm.logpdf(z, 0, theta.prior_sd).sum(axis=-1)),
                slope_of_approximation=slope(lambda z: stats.norm.logpdf(z, mu, sigma).sum(axis=-1)))


def stage_transport(rng):
    """z = mu + sigma eps at three points of the noise."""
    mu, sigma = rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.6)
    points = np.array([-1.4, 0.6, 1.7]) + rng.uniform(-0.1, 0.1, 3)

    def in_sigma():
        return by_differences(lambda v: v[0] + v[1] * points, np.array([mu, sigma]))

    def in_log_sigma():
        return by_differences(lambda v: v[0] + np.exp(v[1]) * points, np.array([mu, np.log(sigma)]))

    return dict(points=points, sigma=sigma, slope_in_sigma=in_sigma, slope_in_log_sigma=in_log_sigma)


# ---- where the path sees less than there is: a jump, a threshold

def stage_threshold(rng):
    """z ~ N(0, s^2), an observation of probability `above` where z > edge and `below` elsewhere."""
    lam, s = np.array([rng.uniform(0.4, 0.7), rng.uniform(-0.6, -0.3)]), rng.uniform(1.3, 1.7)
    edge, above, below = rng.uniform(0.8, 1.), rng.uniform(0.85, 0.95), rng.uniform(0.05, 0.1)
    mu, sigma, prior, jump = lam[0], np.exp(lam[1]), np.array([0., np.log(s)]), np.log(above / below)

    def split_nodes(at, order=64):
        """Gauss-Legendre on either side of the edge: of z under q(lam), of the noise under q(0)."""
        t, w = special.roots_legendre(order)
        ends = [-9., (edge - mu) / sigma, 9.]
        sides = [((b - a) / 2 * t + (a + b) / 2, (b - a) / 2 * w) for a, b in zip(ends, ends[1:])]
        t, w = (np.concatenate(parts) for parts in zip(*sides))
        return at[0] + np.exp(at[1]) * t, np.exp(at[1]) * w

    def log_joint(z):
        return normal.log_prob(z, prior) + anp.where(z > edge, np.log(above), np.log(below))

    def slope_of_divergence():
        """Minus the gradient of KL(N(mu, sigma^2) || N(0, s^2))."""
        return np.array([-mu / s**2, 1 - sigma**2 / s**2])

    def gradient_with_a_jump():
        """E[log p(x|z)] = log below + log(above/below) Phi((mu - edge)/sigma), less the divergence from the prior."""
        density = jump * stats.norm.pdf((mu - edge) / sigma)
        return np.array([density / sigma - mu / s**2, 1 - sigma**2 / s**2 - density * (mu - edge) / sigma])

    q = normal._replace(nodes=split_nodes)
    return dict(log_joint=log_joint, f=lambda z, lam: log_joint(z) - q.log_prob(z, lam), q=q, lam=lam, edge=edge,
                jump=jump, S=2, noise=noise(q, 0 * lam), slope_of_divergence=slope_of_divergence,
                gradient_with_a_jump=gradient_with_a_jump)


def mean_through_threshold(f, q, lam, noise):
    """The derivative of f(transport(u)) with u held fixed, averaged over u."""
    u, weights = noise.rule(1, order=64)
    return np.einsum("n,nsp->p", weights, gradient_of_each(lambda u, lam: f(q.transport(u, lam)), u, lam))


def stage_bernoulli(rng):
    """z = 1 where a uniform u falls below pi = sigmoid(lam), else 0: for every u but pi the draw stands still."""
    lam, table = np.array([rng.uniform(-0.8, -0.4)]), rng.uniform([0.3, 1.4], [0.6, 1.8])
    pi = special.expit(lam[0])

    def log_prob(z, lam):
        return z * lam[..., 0] - anp.logaddexp(0., lam[..., 0])

    def threshold(u, lam):
        """0 lam keeps autograd's tape from tearing: what it computes is what the threshold lets through."""
        return anp.where(u < 1 / (1 + anp.exp(-lam[..., 0])), 1., 0.) + 0. * lam[..., 0]

    def rule(S, order):
        """Gauss-Legendre on either side of pi, for each of the S uniform numbers."""
        t, w = special.roots_legendre(order)
        u = np.concatenate([(t + 1) / 2 * pi, pi + (t + 1) / 2 * (1 - pi)])
        w = np.concatenate([w * pi, w * (1 - pi)]) / 2
        if len(u)**S > 2**17:
            return None
        index = np.indices((len(u),) * S).reshape(S, -1).T
        return u[index], np.prod(w[index], axis=-1)

    q = Family(log_prob, None, lambda lam, order=64: (np.arange(2.), np.ones(2)), threshold)
    return dict(q=q, lam=lam, f=lambda z, lam=None: table[0] + (table[1] - table[0]) * z, S=2, scale=0.2,
                noise=Noise(lambda rng, R, S: rng.random((R, S)), rule), no_slope=lambda: np.zeros(1),
                slope_by_enumeration=lambda: np.array([pi * (1 - pi) * (table[1] - table[0])]))
